//! Every recording format against numbers that somebody else's reader or writer
//! gave, against its own inverse, and against damage.
//!
//! Real recordings are looked for under the folder that `SYNOPS_DATA` names;
//! without it the tests that need them say so and pass.

mod arrays;
mod damage;
mod detect;
mod frames;
mod golden;
#[path = "../memory/mod.rs"]
mod memory;
mod recordings;
mod round_trip;

use std::io::{Cursor, Read};
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use synops::error::Error;
use synops::event::{Batch, Tally};
use synops::format::{Decoder, Format, Source, detect, named};

/// The folder of real recordings, if there is one.
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("SYNOPS_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: SYNOPS_DATA names no folder of recordings");
    }
    folder
}

/// What became of a recording.
struct Outcome {
    events: Batch,
    tally: Tally,
    error: Option<Error>,
}

fn format(name: &str) -> &'static Format {
    named(name).unwrap()
}

/// Reads everything, with the format that the content shows.
fn read(bytes: &[u8]) -> Outcome {
    let format = detect(&bytes[..bytes.len().min(4096)], None).unwrap();
    read_from(format, Cursor::new(bytes.to_vec()))
}

fn read_from(format: &Format, reader: impl Read + Send + 'static) -> Outcome {
    let mut outcome = Outcome { events: Batch::default(), tally: Tally::default(), error: None };
    match (format.open)(Source::new(reader)) {
        Err(error) => outcome.error = Some(error),
        Ok(mut decoder) => {
            outcome.error = drain(&mut *decoder, |batch| outcome.events.append(batch));
            outcome.tally = decoder.tally().clone();
        }
    }
    outcome.tally.assert_conserved();
    assert_eq!(outcome.tally.kept, outcome.events.len() as u64);
    outcome
}

/// Calls a decoder until its end or its error, and hands on each batch.
fn drain(decoder: &mut dyn Decoder, mut each: impl FnMut(&mut Batch)) -> Option<Error> {
    let mut batch = Batch::default();
    loop {
        let more = decoder.decode(&mut batch);
        each(&mut batch);
        batch.clear();
        match more {
            Ok(true) => (),
            Ok(false) => return None,
            Err(error) => return Some(error),
        }
    }
}

/// SHA-256 of the columns one after the other: t as 64-bit, x and y as 16-bit
/// little-endian integers, polarity as a byte.
fn digest(events: &Batch) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(events.t.iter().flat_map(|t| t.to_le_bytes()).collect::<Vec<_>>());
    hash.update(events.x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    hash.update(events.y.iter().flat_map(|y| y.to_le_bytes()).collect::<Vec<_>>());
    hash.update(events.on.iter().map(|&on| u8::from(on)).collect::<Vec<_>>());
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
