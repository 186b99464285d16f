//! The numbers of an `.npy`, one after the other, alone in a file or within an `.npz`.
//!
//! What a zip file holds may unpack to anything; it is unpacked as it is read, and must
//! have as many bytes as its shape says.

use std::array;
use std::io::Cursor;

use super::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::record::archive::{SOUND, Stream};
use crate::record::{Values, npy};

/// A stream of numbers that knows where in the file they are.
pub struct Numbers {
    header: npy::Header,
    source: Source,
    /// Where number 0 is in the file, and whether the others lie behind it.
    base: u64,
    stored: bool,
    /// Whether the file is an archive, and the end of the numbers not its own.
    within: bool,
    /// The number that comes next, and how many there should be.
    next: usize,
    len: usize,
}

impl Numbers {
    /// Those of an `.npy`; what comes behind them is not looked at.
    ///
    /// # Errors
    /// A damaged header.
    pub fn of_file(source: Source) -> Result<Numbers> {
        Numbers::new(source, 0, true, false)
    }

    /// Those of an `.npy` within an archive.
    ///
    /// # Errors
    /// As [`Numbers::of_file`].
    pub fn of_entry(Stream { reader, start, stored }: Stream) -> Result<Numbers> {
        Numbers::new(Source::new(reader), start, stored, true)
    }

    fn new(mut source: Source, start: u64, stored: bool, within: bool) -> Result<Numbers> {
        let mut parse = || {
            let length = npy::header_length(source.peek(npy::PREFIX)?)?;
            let header = npy::Header::parse(source.take(length, "a header")?)?;
            Ok((length, header.bytes()? / header.element.size(), header))
        };
        let (length, len, header) = parse().map_err(|e| placed(e, within, start))?;
        let base = if stored { start + length as u64 } else { start };
        Ok(Numbers { header, source, base, stored, within, next: 0, len })
    }

    /// Type and shape.
    pub fn header(&self) -> &npy::Header {
        &self.header
    }

    /// The place in the file of a number, or as near as can be told.
    pub fn offset_of(&self, number: usize) -> u64 {
        let size = if self.stored { self.header.element.size() as u64 } else { 0 };
        self.base + number as u64 * size
    }

    /// The place of the next number.
    pub fn offset(&self) -> u64 {
        self.offset_of(self.next)
    }

    /// The next numbers, `most` of them at most; none only behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] where the bytes end before the numbers,
    /// [`ErrorKind::Corrupt`] where they do not end with them or cannot be unpacked.
    pub fn read(&mut self, most: usize) -> Result<Values> {
        let (at, within) = (self.offset(), self.within);
        let (element, count) = (self.header.element, most.min(self.len - self.next));
        if count == 0 && within && !self.source.peek(1).map_err(|e| placed(e, true, at))?.is_empty()
        {
            let expected = format!("{} of shape {:?}", self.len, self.header.shape);
            return Err(Error::new(ErrorKind::Corrupt, "more numbers", expected).at_byte(at));
        }
        let size = element.size();
        let bytes = self.source.peek(size * count).map_err(|e| placed(e, within, at))?;
        let whole = count.min(bytes.len() / size);
        if whole == 0 && count > 0 {
            let found = format!("the end behind {} numbers", self.next);
            let expected = format!("{} of shape {:?}", self.len, self.header.shape);
            return Err(Error::new(ErrorKind::Truncated, found, expected).at_byte(at));
        }
        let values = element.values(&bytes[..size * whole], self.header.endian);
        let values = values.map_err(|e| e.at_byte(at))?;
        self.source.consume(size * whole);
        self.next += whole;
        Ok(values)
    }

    /// The columns of rows of `WIDTH` numbers, where they lie column by column; the
    /// bytes are held in memory.
    ///
    /// # Errors
    /// The reader's own.
    pub fn columns<const WIDTH: usize>(mut self) -> Result<[Numbers; WIDTH]> {
        let rows = self.len / WIDTH;
        let size = self.header.element.size() * rows;
        let bytes = self.source.peek(usize::MAX)?;
        let column = |i: usize| {
            let rest = bytes.get(size * i..).unwrap_or_default();
            let source = Source::new(Cursor::new(rest[..size.min(rest.len())].to_vec()));
            let header = npy::Header { shape: vec![rows], ..self.header.clone() };
            let base = self.base + (size * i) as u64;
            Numbers { header, source, base, next: 0, len: rows, ..self }
        };
        Ok(array::from_fn(column))
    }
}

/// What failed at this byte of the file; within an archive that is its damage, and the
/// places that the source knows are not the file's.
fn placed(error: Error, within: bool, at: u64) -> Error {
    match (within, error.kind) {
        (false, _) => error.at_byte(at),
        (true, ErrorKind::Io) => {
            Error::new(ErrorKind::Corrupt, format!("'{}'", error.found), SOUND).at_byte(at)
        }
        (true, _) => Error { offset: Some(at), ..error },
    }
}
