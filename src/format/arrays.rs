//! Events in arrays, as other tools keep recordings that they have cut.
//!
//! ```text
//! .npz    t, x, y, p       [N] each; t in µs            SpikingJelly
//! .npy    [N, 4]           x, y, p, t; t in ms          tonic's DVS128 Gesture
//! ```
//!
//! A polarity above 0 is ON. Numbers are whole, of any type; the file is held in memory.
//!
//! **Source.** SpikingJelly 2.0, `datasets/utils.py`, `np_savez`; tonic 1.7,
//! `datasets/dvsgesture.py`.

use std::ops::Range;

use super::{CHUNK_EVENTS, Decoder, Format, Header, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Tally};
use crate::record::archive::{self, Archive};
use crate::record::{Array, Values, npy};

/// The entry in [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "event-arrays",
    about: "t, x, y, p in an .npz, or [N, 4] of x, y, p and ms in an .npy",
    sniff,
    open,
    encode: None,
};

/// The columns of an event.
const NAMES: [&str; 4] = ["t", "x", "y", "p"];

/// Where tonic has each of them, and how many of its units are one of ours.
const TONIC: [(usize, f64); 4] = [(3, 1e3), (0, 1.0), (1, 1.0), (2, 1.0)];

/// The first coordinate that is none.
const ADDRESSES: f64 = 32_768.0;

/// Frames may be named x, so only the other names tell.
fn sniff(head: &[u8]) -> bool {
    let rows = npy::header_length(head).ok().and_then(|length| head.get(..length));
    let rows = rows.and_then(|header| npy::Header::parse(header).ok());
    let first = [&b"t.npy"[..], b"y.npy", b"p.npy"];
    let named = |name: &&[u8]| head.get(30..).is_some_and(|head| head.starts_with(name));
    rows.is_some_and(|header| matches!(header.shape[..], [_, 4]))
        || head.starts_with(archive::MAGIC) && first.iter().any(named)
}

struct Arrays {
    header: Header,
    columns: [Vec<f64>; 4],
    at: usize,
    /// Where the file ends.
    end: u64,
    tally: Tally,
}

fn open(mut source: Source) -> Result<Box<dyn Decoder>> {
    let bytes = source.peek(usize::MAX)?;
    let (columns, coding) = match bytes.starts_with(archive::MAGIC) {
        true => (of_archive(bytes)?, "arrays t, x, y, p; t in µs"),
        false => (of_rows(bytes)?, "rows x, y, p, t; t in ms"),
    };
    let events = columns[0].len();
    let header = Header {
        format: FORMAT.name,
        coding,
        remarks: vec![format!("{events} events")],
        ..Header::default()
    };
    let end = bytes.len() as u64;
    Ok(Box::new(Arrays { header, columns, at: 0, end, tally: Tally::default() }))
}

fn numbers(array: &Array) -> Result<Vec<f64>> {
    Ok(match array.values() {
        Values::F32(v) => v.iter().map(|&x| x.into()).collect(),
        Values::F64(v) => v.clone(),
        Values::I64(v) => v.iter().map(|&x| x as f64).collect(),
        Values::Text(_) => return Err(unlike("text".into())),
    })
}

fn unlike(found: String) -> Error {
    let expected = "arrays t, x, y, p of one length, or rows x, y, p, t";
    Error::new(ErrorKind::Unsupported, found, expected).at_byte(0)
}

/// The array in the bytes of an `.npy`.
fn array(bytes: &[u8]) -> Result<Array> {
    let length = npy::header_length(bytes)?;
    let cut = || Error::new(ErrorKind::Truncated, format!("{} bytes", bytes.len()), "a header");
    let (header, numbers) = bytes.split_at_checked(length).ok_or_else(cut)?;
    npy::Header::parse(header)?.array(numbers)
}

fn of_archive(bytes: &[u8]) -> Result<[Vec<f64>; 4]> {
    let mut archive = Archive::new(bytes)?;
    let mut columns: [Vec<f64>; 4] = Default::default();
    for (column, name) in columns.iter_mut().zip(NAMES) {
        let entry = archive.get(&format!("{name}.npy"))?;
        let entry = entry.ok_or_else(|| unlike(format!("no array '{name}'")))?;
        let place = |e: Error| e.at(format!("'{name}'")).at_byte(entry.start);
        let array = array(&entry.bytes).map_err(place)?;
        if array.shape().len() != 1 {
            return Err(place(unlike(format!("shape {:?}", array.shape()))));
        }
        *column = numbers(&array).map_err(place)?;
    }
    let lengths = columns.each_ref().map(Vec::len);
    match lengths.iter().all(|&length| length == lengths[0]) {
        true => Ok(columns),
        false => Err(unlike(format!("t, x, y, p of {lengths:?} numbers"))),
    }
}

fn of_rows(bytes: &[u8]) -> Result<[Vec<f64>; 4]> {
    let array = array(bytes).map_err(|e| e.at_byte(0))?;
    if !matches!(array.shape(), [_, 4]) {
        return Err(unlike(format!("an array of shape {:?}", array.shape())));
    }
    let rows = numbers(&array)?;
    let column = |(column, scale): (usize, f64)| {
        rows.chunks_exact(4).map(|row| row[column] * scale).collect()
    };
    Ok(TONIC.map(column))
}

impl Arrays {
    /// An event's numbers, if they are those of an event.
    fn event(&self, i: usize) -> Result<(i64, u16, u16, bool)> {
        let [t, x, y, p] = self.columns.each_ref().map(|column| column[i]);
        let whole = |name: &str, value: f64, range: Range<f64>| match value.fract() == 0.0
            && range.contains(&value)
        {
            true => Ok(value),
            false => {
                let expected =
                    format!("a whole number from {} to below {}", range.start, range.end);
                let error = Error::new(ErrorKind::Corrupt, format!("{name} = {value}"), expected);
                Err(error.at(format!("event {i}")).at_byte(self.end))
            }
        };
        let time = -9e15..9e15;
        let (t, x) = (whole("t", t.round(), time)?, whole("x", x, 0.0..ADDRESSES)?);
        let (y, p) = (whole("y", y, 0.0..ADDRESSES)?, whole("p", p, -1.0..2.0)?);
        Ok((t as i64, x as u16, y as u16, p > 0.0))
    }
}

impl Decoder for Arrays {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        let events = self.columns[0].len();
        for _ in 0..CHUNK_EVENTS.min(events - self.at) {
            let (t, x, y, on) = self.event(self.at)?;
            out.push(t, x, y, on);
            self.tally.keep(1);
            self.at += 1;
        }
        Ok(self.at < events)
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn offset(&self) -> u64 {
        self.end
    }
}
