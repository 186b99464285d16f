//! Results as plain data, and pure functions that turn them into text and JSON.
//!
//! The field names are the keys of the JSON; they are added to, never changed.

pub mod build;
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

pub use table::grouped;

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
