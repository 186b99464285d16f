//! Zip files, as containers of named bytes.

use std::io::{self, Cursor, Read};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::budget::Budget;
use crate::error::{Error, ErrorKind, Result};

/// The first bytes of a zip file that holds something.
pub const MAGIC: &[u8] = b"PK\x03\x04";

/// What is expected of one.
pub const SOUND: &str = "a sound zip file, stored or deflated";

/// A zip file in memory.
pub struct Archive<'b> {
    bytes: &'b [u8],
    zip: ZipArchive<Cursor<&'b [u8]>>,
    /// The memory that is left for what it holds.
    pub budget: Budget,
}

/// What an archive holds under one name.
#[derive(Debug)]
pub struct Entry {
    /// The bytes, unpacked.
    pub bytes: Vec<u8>,
    /// Where they begin in the archive.
    pub start: u64,
    /// Whether they lie there as they are.
    pub stored: bool,
}

impl Entry {
    /// The place in the file of byte `at`, or as near as can be told.
    pub fn offset(&self, at: usize) -> u64 {
        if self.stored { self.start + at as u64 } else { self.start }
    }
}

/// What an archive holds under one name, to be unpacked as it is read.
pub struct Stream {
    /// Its bytes; where they end, their checksum was right.
    pub reader: Box<dyn Read + Send>,
    /// Where they begin in the archive.
    pub start: u64,
    /// Whether they lie there as they are.
    pub stored: bool,
}

/// Bytes that must have this checksum.
struct Summed<R> {
    bytes: CrcReader<R>,
    sum: u32,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(out)?;
        match read > 0 || out.is_empty() || self.bytes.crc().sum() == self.sum {
            true => Ok(read),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "a wrong checksum")),
        }
    }
}

impl<'b> Archive<'b> {
    /// Reads the directory.
    ///
    /// # Errors
    /// Bytes that are no zip file, or entries that share bytes.
    pub fn new(bytes: &'b [u8]) -> Result<Archive<'b>> {
        let end = |e: ZipError| error(e).at_byte(bytes.len() as u64);
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(end)?;
        // the same bytes under many names would be many times what the file is long
        if zip.has_overlapping_entries().map_err(end)? {
            let found = "entries that overlap";
            return Err(Error::new(ErrorKind::Corrupt, found, "a zip file").at_byte(0));
        }
        Ok(Archive { bytes, zip, budget: Budget::for_file(bytes.len()) })
    }

    /// The names, in the order of the directory.
    pub fn names(&self) -> Vec<String> {
        self.zip.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// What is held under a name, if anything.
    ///
    /// # Errors
    /// Damage, and more bytes than there is memory for.
    pub fn get(&mut self, name: &str) -> Result<Option<Entry>> {
        match self.read(name, self.budget.left()) {
            Ok(Some(entry)) => {
                let place = |e: Error| e.at(format!("'{name}'")).at_byte(entry.start);
                self.budget.spend(entry.bytes.len() as u64).map_err(place)?;
                Ok(Some(entry))
            }
            other => other,
        }
    }

    /// The first bytes of what is held under a name, not counted.
    ///
    /// # Errors
    /// Damage to these.
    pub fn head(&mut self, name: &str, bytes: u64) -> Result<Option<Entry>> {
        self.read(name, bytes)
    }

    /// What is held under a name, if anything. Unpacked it may be of any length, which
    /// is why nothing of it is held but the packed bytes.
    ///
    /// # Errors
    /// Damage to the archive; that to the bytes is the stream's.
    pub fn stream(&mut self, name: &str) -> Result<Option<Stream>> {
        let place = |e: Error| e.at(format!("'{name}'"));
        let file = match self.zip.by_name(name) {
            Err(ZipError::FileNotFound) => return Ok(None),
            other => other.map_err(|e| place(error(e)).at_byte(0))?,
        };
        let start = file.data_start().unwrap_or(0);
        let size = usize::try_from(file.compressed_size()).unwrap_or(usize::MAX);
        let packed = self.bytes.get(start as usize..).and_then(|bytes| bytes.get(..size));
        let cut = || Error::new(ErrorKind::Truncated, "the end of the file", "its packed bytes");
        let packed = packed.ok_or_else(|| place(cut()).at_byte(start))?;
        let packed = Cursor::new(packed.to_vec());
        let stored = file.compression() == CompressionMethod::Stored;
        let sum = file.crc32();
        let reader: Box<dyn Read + Send> = match stored {
            true => Box::new(Summed { bytes: CrcReader::new(packed), sum }),
            false => Box::new(Summed { bytes: CrcReader::new(DeflateDecoder::new(packed)), sum }),
        };
        Ok(Some(Stream { reader, start, stored }))
    }

    fn read(&mut self, name: &str, most: u64) -> Result<Option<Entry>> {
        let place = |e: Error| e.at(format!("'{name}'"));
        let file = match self.zip.by_name(name) {
            Err(ZipError::FileNotFound) => return Ok(None),
            other => other.map_err(|e| place(error(e)).at_byte(0))?,
        };
        let start = file.data_start().unwrap_or(0);
        let stored = file.compression() == CompressionMethod::Stored;
        // no length in the file sizes anything: what is held grows as it is read
        let mut bytes = Vec::new();
        let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|e| place(error(e.into())).at_byte(start))?;
        Ok(Some(Entry { bytes, start, stored }))
    }
}

fn error(error: ZipError) -> Error {
    let kind = match error {
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            ErrorKind::Unsupported
        }
        _ => ErrorKind::Corrupt,
    };
    Error::new(kind, format!("'{error}'"), SOUND)
}
