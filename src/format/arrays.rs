//! Events in arrays, as other tools keep recordings that they have cut.
//!
//! ```text
//! .npz    t, x, y, p       [N] each; t in µs            SpikingJelly
//! .npy    [N, 4]           x, y, p, t; t in ms          tonic's DVS128 Gesture
//! ```
//!
//! A polarity above 0 is ON. Numbers are whole, of any type. Rows are streamed; rows
//! that lie column by column, and of an `.npz` the packed bytes, are held in memory.
//!
//! **Source.** SpikingJelly 2.0, `datasets/utils.py`, `np_savez`; tonic 1.7,
//! `datasets/dvsgesture.py`.

use super::numbers::Numbers;
use super::{CHUNK_EVENTS, Decoder, Format, Header, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Tally};
use crate::record::archive::{self, Archive};
use crate::record::{Values, npy};

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
const TONIC: [(usize, f64); 4] = [(3, MS), (0, 1.0), (1, 1.0), (2, 1.0)];

/// How many µs a millisecond has.
const MS: f64 = 1e3;

/// The first coordinate that is none.
const ADDRESSES: f64 = 32_768.0;

fn sniff(head: &[u8]) -> bool {
    let rows = npy::header_length(head).ok().and_then(|length| head.get(..length));
    let rows = rows.and_then(|header| npy::Header::parse(header).ok());
    rows.is_some_and(|header| matches!(header.shape[..], [_, 4]))
        || head.starts_with(archive::MAGIC) && has_columns(head)
}

/// Whether a zip file holds all columns, in whatever order. One that is damaged or lacks some
/// is told by its beginning, but for frames, which may be named x.
fn has_columns(zip: &[u8]) -> bool {
    let first = [&b"t.npy"[..], b"y.npy", b"p.npy"];
    let begins = |name: &&[u8]| zip.get(30..).is_some_and(|head| head.starts_with(name));
    let has_all = |archive: Archive| {
        let names = archive.names();
        NAMES.iter().all(|name| names.contains(&format!("{name}.npy")))
    };
    first.iter().any(begins) || Archive::new(zip).is_ok_and(has_all)
}

struct Arrays {
    header: Header,
    kept: Kept,
    /// Numbers that are read and not yet delivered, t, x, y, p, and which event of
    /// all is the first of these.
    columns: [Vec<f64>; 4],
    first: usize,
    tally: Tally,
}

/// How a file keeps its events.
enum Kept {
    /// One after the other, as tonic does.
    Rows(Numbers),
    /// t, x, y and p apart; how many µs a unit of time is.
    Columns(Box<[Numbers; 4]>, f64),
}

fn open(mut source: Source) -> Result<Box<dyn Decoder>> {
    let (kept, coding) = match source.peek(archive::MAGIC.len())?.starts_with(archive::MAGIC) {
        true => (of_archive(source.peek(usize::MAX)?)?, "arrays t, x, y, p; t in µs"),
        false => (of_rows(source)?, "rows x, y, p, t; t in ms"),
    };
    let header = Header {
        format: FORMAT.name,
        coding,
        remarks: vec![match kept.events() {
            1 => "1 event".to_owned(),
            events => format!("{events} events"),
        }],
        ..Header::default()
    };
    let columns = Default::default();
    Ok(Box::new(Arrays { header, kept, columns, first: 0, tally: Tally::default() }))
}

fn numbers(values: Values) -> Vec<f64> {
    match values {
        Values::F32(v) => v.into_iter().map(f64::from).collect(),
        Values::F64(v) => v,
        Values::I64(v) => v.into_iter().map(|x| x as f64).collect(),
        // no .npy of texts is read
        Values::Text(v) => vec![f64::NAN; v.len()],
    }
}

fn unlike(found: String) -> Error {
    let expected = "arrays t, x, y, p of one length, or rows x, y, p, t";
    Error::new(ErrorKind::Unsupported, found, expected).at_byte(0)
}

fn of_archive(bytes: &[u8]) -> Result<Kept> {
    let mut archive = Archive::new(bytes)?;
    let mut column = |name: &str| {
        let entry = archive.stream(&format!("{name}.npy"))?;
        let entry = entry.ok_or_else(|| unlike(format!("no array '{name}'")))?;
        let start = entry.start;
        let place = |e: Error| e.at(format!("'{name}'"));
        let numbers = Numbers::of_entry(entry).map_err(place)?;
        match &numbers.header().shape[..] {
            [_] => Ok(numbers),
            shape => {
                let error = unlike(format!("shape {shape:?}"));
                Err(place(Error { offset: Some(start), ..error }))
            }
        }
    };
    let [t, x, y, p] = NAMES;
    let columns = Box::new([column(t)?, column(x)?, column(y)?, column(p)?]);
    let lengths = columns.each_ref().map(|column| column.header().shape[0]);
    match lengths.iter().all(|&length| length == lengths[0]) {
        true => Ok(Kept::Columns(columns, 1.0)),
        false => Err(unlike(format!("t, x, y, p of {lengths:?} numbers"))),
    }
}

fn of_rows(source: Source) -> Result<Kept> {
    let numbers = Numbers::of_file(source)?;
    let header = numbers.header();
    if !matches!(header.shape[..], [_, 4]) {
        return Err(unlike(format!("an array of shape {:?}", header.shape)));
    }
    if !header.fortran {
        return Ok(Kept::Rows(numbers));
    }
    let [x, y, p, t] = numbers.columns()?;
    Ok(Kept::Columns(Box::new([t, x, y, p]), MS))
}

impl Kept {
    fn events(&self) -> usize {
        match self {
            Kept::Rows(numbers) => numbers.header().shape[0],
            Kept::Columns(columns, _) => columns[0].header().shape[0],
        }
    }

    /// The next t, x, y and p, one of each for every event; none behind the last.
    fn read(&mut self) -> Result<[Vec<f64>; 4]> {
        match self {
            Kept::Rows(rows) => {
                let mut read = numbers(rows.read(CHUNK_EVENTS)?);
                if !read.is_empty() && read.len() < 4 {
                    // where a row is cut off, the number is named that is not there
                    read = numbers(rows.read(CHUNK_EVENTS)?);
                }
                let column = |(column, scale): (usize, f64)| {
                    read.chunks_exact(4).map(|row| row[column] * scale).collect()
                };
                Ok(TONIC.map(column))
            }
            Kept::Columns(columns, scale) => {
                let [t, x, y, p] = &mut **columns;
                let read = |column: &mut Numbers| column.read(CHUNK_EVENTS).map(numbers);
                let mut columns = [read(t)?, read(x)?, read(y)?, read(p)?];
                columns[0].iter_mut().for_each(|t| *t *= *scale);
                Ok(columns)
            }
        }
    }

    /// The place of a number of an event, by its place in [`NAMES`].
    fn offset_of(&self, event: usize, column: usize) -> u64 {
        match self {
            Kept::Rows(rows) => rows.offset_of(4 * event + TONIC[column].0),
            Kept::Columns(columns, _) => columns[column].offset_of(event),
        }
    }
}

impl Arrays {
    /// Number `i` of those that are read, if its numbers are those of an event.
    fn event(&self, i: usize) -> Result<(i64, u16, u16, bool)> {
        let ranges = [-9e15..9e15, 0.0..ADDRESSES, 0.0..ADDRESSES, -1.0..2.0];
        let [t, x, y, p] = self.columns.each_ref().map(|column| column[i]);
        let numbers = [t.round(), x, y, p];
        for (column, (value, range)) in numbers.into_iter().zip(ranges).enumerate() {
            if value.fract() != 0.0 || !range.contains(&value) {
                let found = format!("{} = {value}", NAMES[column]);
                let expected =
                    format!("a whole number from {} to below {}", range.start, range.end);
                let error = Error::new(ErrorKind::Corrupt, found, expected);
                let event = self.first + i;
                let at = self.kept.offset_of(event, column);
                return Err(error.at(format!("event {event}")).at_byte(at));
            }
        }
        Ok((t.round() as i64, x as u16, y as u16, p > 0.0))
    }
}

impl Decoder for Arrays {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        let first = self.first;
        self.columns = self.kept.read().map_err(|e| e.at(format!("event {first}")))?;
        let events = self.columns.iter().map(Vec::len).min().unwrap_or(0);
        for i in 0..events {
            let (t, x, y, on) = self.event(i)?;
            out.push(t, x, y, on);
            self.tally.keep(1);
        }
        self.first += events;
        Ok(events > 0)
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn offset(&self) -> u64 {
        match &self.kept {
            Kept::Rows(rows) => rows.offset(),
            Kept::Columns(columns, _) => columns[3].offset(),
        }
    }
}
