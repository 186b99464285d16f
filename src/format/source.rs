//! A stream of bytes that knows where it is.
//!
//! Memory grows with the bytes that are really there, never with a length that
//! the file claims.

use std::io::{self, ErrorKind as IoKind, Read};

use crate::error::{Error, ErrorKind, Result};

/// How much is read from the system at a time.
const CHUNK: usize = 1 << 18;

/// A header line longer than this is damage.
const LONGEST_LINE: usize = 1 << 16;

/// A buffered reader with look-ahead and an offset.
pub struct Source {
    reader: Box<dyn Read + Send>,
    /// Bytes read lie in `start..filled`; those behind are room for more.
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    offset: u64,
    ended: bool,
}

impl Source {
    /// Wraps a reader that stands at offset 0.
    pub fn new(reader: impl Read + Send + 'static) -> Source {
        let reader = Box::new(reader);
        Source { reader, buffer: Vec::new(), start: 0, filled: 0, offset: 0, ended: false }
    }

    /// What is in memory as it is.
    pub fn held(bytes: Vec<u8>) -> Source {
        let (reader, filled) = (Box::new(io::empty()), bytes.len());
        Source { reader, buffer: bytes, start: 0, filled, offset: 0, ended: true }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes: at least `want` of them, fewer only where the stream
    /// ends. Nothing is consumed.
    ///
    /// # Errors
    /// The reader's own.
    pub fn peek(&mut self, want: usize) -> Result<&[u8]> {
        while self.filled - self.start < want && !self.ended {
            self.make_room();
            let read = loop {
                match self.reader.read(&mut self.buffer[self.filled..]) {
                    Err(e) if e.kind() == IoKind::Interrupted => (),
                    other => break other,
                }
            };
            let ahead = (self.filled - self.start) as u64;
            let read = read.map_err(|e| Error::from(e).at_byte(self.offset + ahead))?;
            self.filled += read;
            self.ended = read == 0;
        }
        Ok(&self.buffer[self.start..self.filled])
    }

    /// Leaves at least half a [`CHUNK`] of room behind the bytes read.
    fn make_room(&mut self) {
        if self.buffer.len() - self.filled < CHUNK / 2 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.filled < CHUNK / 2 {
            self.buffer.resize(self.filled + CHUNK, 0);
        }
    }

    /// Consumes `n` bytes that a [`Source::peek`] has shown.
    pub fn consume(&mut self, n: usize) {
        debug_assert!(self.start + n <= self.filled);
        self.start += n;
        self.offset += n as u64;
    }

    /// The next `n` bytes, consumed.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] at the end of the file if fewer are left; `what`
    /// names what they were to be.
    pub fn take(&mut self, n: usize, what: &str) -> Result<&[u8]> {
        let have = self.peek(n)?.len();
        if have < n {
            return Err(self.truncated(have, n as u64, what));
        }
        self.consume(n);
        Ok(&self.buffer[self.start - n..self.start])
    }

    /// The next whole records of `size` bytes, consumed: at least one and `most` of
    /// them at most, none only at the end of the stream.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] where the stream ends inside a record.
    pub fn records(&mut self, size: usize, most: usize, what: &str) -> Result<&[u8]> {
        let have = self.peek(size * most)?.len();
        match (have, have.min(size * most) / size) {
            (0, _) => Ok(&[]),
            (_, whole) => self.take(size * whole.max(1), what),
        }
    }

    /// The next line, consumed, without its `\n` or `\r\n`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] where no line ends within 64 KiB,
    /// [`ErrorKind::Truncated`] where the stream ends first.
    pub fn line(&mut self) -> Result<&[u8]> {
        let bytes = self.peek(LONGEST_LINE)?;
        let have = bytes.len();
        let Some(end) = bytes.iter().take(LONGEST_LINE).position(|&b| b == b'\n') else {
            return Err(match have < LONGEST_LINE {
                true => self.truncated(have, have as u64 + 1, "a header line"),
                false => Error::new(ErrorKind::Corrupt, "a header line without end", "a line feed")
                    .at_byte(self.offset),
            });
        };
        let line = self.take(end + 1, "a header line")?;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Passes over `n` bytes.
    ///
    /// # Errors
    /// As [`Source::take`].
    pub fn skip(&mut self, n: u64, what: &str) -> Result<()> {
        let mut left = n;
        while left > 0 {
            let have = self.peek(1)?.len();
            if have == 0 {
                return Err(self.truncated(0, left, what));
            }
            let step = have.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(step);
            left -= step as u64;
        }
        Ok(())
    }

    fn truncated(&self, have: usize, want: u64, what: &str) -> Error {
        Error::new(
            ErrorKind::Truncated,
            format!("the end of the file, {have} bytes on"),
            format!("{want} bytes of {what}"),
        )
        .at_byte(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that hands out one byte at a time, as a slow pipe would.
    struct Drip(Vec<u8>, usize);

    impl Read for Drip {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let Some(&byte) = self.0.get(self.1) else {
                return Ok(0);
            };
            out[0] = byte;
            self.1 += 1;
            Ok(1)
        }
    }

    #[test]
    fn counts_what_it_consumes_and_names_what_is_missing() {
        let mut source = Source::new(Drip((0..20).collect(), 0));
        assert_eq!(source.peek(4).unwrap()[..4], [0, 1, 2, 3]);
        assert_eq!(source.take(3, "head").unwrap(), [0, 1, 2]);
        source.skip(7, "body").unwrap();
        assert_eq!(source.offset(), 10);
        assert_eq!(source.take(2, "tail").unwrap(), [10, 11]);
        let error = source.take(9, "event").unwrap_err();
        assert_eq!(
            error.to_string(),
            "byte 12: found the end of the file, 8 bytes on; expected 9 bytes of event"
        );
        assert_eq!(source.skip(9, "event").unwrap_err().offset, Some(20));
    }

    #[test]
    fn hands_out_whole_records_and_names_the_broken_one() {
        let mut source = Source::new(Drip((0..11).collect(), 0));
        assert_eq!(source.records(3, 2, "an event").unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(source.records(3, 2, "an event").unwrap(), [6, 7, 8]);
        let error = source.records(3, 2, "an event").unwrap_err();
        assert_eq!((error.kind, error.offset), (ErrorKind::Truncated, Some(9)));
        let mut source = Source::new(Drip((0..6).collect(), 0));
        assert_eq!(source.records(3, 9, "an event").unwrap().len(), 6);
        assert!(source.records(3, 9, "an event").unwrap().is_empty());
    }

    #[test]
    fn lines_end_in_either_way_and_never_grow_without_bound() {
        let mut source = Source::new(Drip(b"#one\r\n#two\n\n#three".to_vec(), 0));
        assert_eq!(source.line().unwrap(), b"#one");
        assert_eq!(source.line().unwrap(), b"#two");
        assert_eq!(source.line().unwrap(), b"");
        let error = source.line().unwrap_err();
        assert_eq!((error.kind, error.offset), (ErrorKind::Truncated, Some(12)));
        let mut source = Source::new(std::io::Cursor::new(vec![b'#'; 2 * LONGEST_LINE]));
        assert_eq!(source.line().unwrap_err().kind, ErrorKind::Corrupt);
    }
}
