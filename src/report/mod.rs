//! Results as plain data, and pure functions that turn them into text and JSON.
//!
//! The field names are the keys of the JSON; they are added to, never changed.

pub mod build;
pub mod by_step;
pub mod check;
pub mod convert;
pub mod corpus;
pub mod energy;
pub mod eval;
pub mod html;
pub mod info;
pub mod manifest;
pub mod many;
pub mod plot;
pub mod raster;
pub mod replay;
pub mod sweep;
pub mod synth;
mod table;
mod text;
pub mod train;

use std::fmt::Write;
use std::path::Path;

use csv::Writer;
use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// Any report as JSON: one object, and a newline behind it.
///
/// # Errors
/// None for the reports of this module.
pub fn json(report: &impl Serialize) -> Result<Vec<u8>> {
    let text = serde_json::to_vec_pretty(report);
    let mut bytes =
        text.map_err(|e| Error::new(ErrorKind::Unsupported, e.to_string(), "a report"))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What ran through what: the names of two files, in their order.
fn through(input: &str, network: &str) -> String {
    let name = |path: &str| Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned());
    let names: Vec<String> = [name(input), name(network)].into_iter().flatten().collect();
    names.join(" through ")
}

/// An answer by the name of its class, or by its index; none where no output stood out.
fn answered(prediction: Option<usize>, class: Option<&str>) -> Option<String> {
    let index = prediction?;
    Some(class.map_or_else(|| format!("output {index}"), str::to_owned))
}

/// The first `most` lines of a kind, and how many more there are.
fn list(text: &mut String, kind: &str, lines: &[String], most: usize) {
    for line in lines.iter().take(most) {
        let _ = writeln!(text, "{kind:8} {line}");
    }
    if lines.len() > most {
        let _ = writeln!(text, "{kind:8} and {} more", lines.len() - most);
    }
}

/// CSV of the rows that `write` writes.
///
/// # Errors
/// None for rows of as many fields as the head.
fn csv(write: impl FnOnce(&mut Writer<Vec<u8>>) -> csv::Result<()>) -> Result<Vec<u8>> {
    let mut writer = Writer::from_writer(Vec::new());
    let written = write(&mut writer).map_err(|e| e.to_string());
    let bytes = written.and_then(|()| writer.into_inner().map_err(|e| e.to_string()));
    bytes.map_err(|e| Error::new(ErrorKind::Unsupported, e, "rows"))
}
