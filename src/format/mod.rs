//! Recording formats: one file each, found by content.
//!
//! | format | name | recognised by | events | written |
//! |---|---|---|---|---|
//! | AEDAT 2.0 | `aedat2` | first line | DVS128 addresses, big-endian | yes |
//! | AEDAT 3.1 | `aedat3` | first line | polarity packets among others | yes |
//! | AEDAT 4.0 | `aedat4` | first line | flatbuffer packets, LZ4, Zstandard or plain | no |
//! | event arrays | `event-arrays` | `.npy` of rows of 4, or a zip file of `t`, `x`, `y`, `p` | whole numbers | no |
//! | frames | `frames` | `.npy`, or a zip file of them | counts [T, C, H, W] | no |
//! | ATIS bin | `atis-bin` | times in order | 40 bits an event, N-MNIST | yes |
//!
//! A decoder streams: it holds one packet at a time, of an `.npz` the packed bytes,
//! and everything that it delivered before an error stays delivered.

mod aedat2;
mod aedat3;
mod aedat4;
mod arrays;
mod columns;
mod frames;
mod nmnist;
mod numbers;
pub mod source;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Sensor, Tally};
use crate::record::archive;
use crate::units::Micros;
pub use source::Source;

/// How many bytes are looked at to find out the format.
const HEAD: usize = 4096;

/// About how many events a call of [`Decoder::decode`] delivers.
pub const CHUNK_EVENTS: usize = 1 << 14;

/// What AEDAT 3.1 and 4 can address: the bound on coordinates in a file that
/// states no sensor.
const ADDRESSES: Sensor = Sensor { width: 1 << 15, height: 1 << 15 };

/// Writes a whole recording into memory.
pub type Encode = fn(&Batch) -> Result<Vec<u8>>;

/// A recording format.
#[derive(Debug)]
pub struct Format {
    /// The name on the command line and in reports.
    pub name: &'static str,
    /// One line for help texts.
    pub about: &'static str,
    /// Whether a file that begins so is of this format; a zip file is there as a whole, since
    /// the list of what it holds is its end.
    pub sniff: fn(head: &[u8]) -> bool,
    /// Reads the header and stands before the first event.
    pub open: fn(Source) -> Result<Box<dyn Decoder>>,
    /// Writes a recording, if the format can be written.
    pub encode: Option<Encode>,
}

/// Every format, in the order in which they are tried: those with a magic
/// number first.
pub const FORMATS: &[Format] = &[
    aedat2::FORMAT,
    aedat3::FORMAT,
    aedat4::FORMAT,
    arrays::FORMAT,
    frames::FORMAT,
    nmnist::FORMAT,
];

/// What is known of a recording before its first event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// The format's name.
    pub format: &'static str,
    /// The camera or chip that the file names.
    pub camera: Option<String>,
    /// The pixel array, where the file or its format states one; no event that is
    /// delivered lies outside it.
    pub sensor: Option<Sensor>,
    /// How many channels its frames have, where it is made of frames.
    pub channels: Option<u16>,
    /// How addresses, polarity and time are coded, for [`Format`]'s readers.
    pub coding: &'static str,
    /// Anything else the header says, and what is odd about it.
    pub remarks: Vec<String>,
}

/// A stream of events out of a file.
pub trait Decoder: Send {
    /// What the header said.
    fn header(&self) -> &Header;

    /// Appends the next events to `out`, some [`CHUNK_EVENTS`] at most, and says
    /// whether more may follow.
    ///
    /// # Errors
    /// Damage, with its byte offset. Events before it have been appended; the
    /// decoder is not to be called again.
    fn decode(&mut self, out: &mut Batch) -> Result<bool>;

    /// What became of what was read so far.
    fn tally(&self) -> &Tally;

    /// Offset of the next byte to be read, for progress.
    fn offset(&self) -> u64;

    /// Says how long a frame lasts, to be called before the first event; whoever
    /// has times of his own does not listen.
    fn set_frame(&mut self, length: Micros) {
        let _ = length;
    }

    /// How many frames were read so far, of a recording that is made of frames.
    fn frames(&self) -> Option<u64> {
        None
    }
}

/// A recording that is open for reading, once: whoever wants its events again opens it again.
///
/// ```
/// use synops::{bundled, event::Batch, format::Recording};
///
/// # fn main() -> synops::error::Result<()> {
/// // a file would be Recording::open(path, None)
/// let mut recording = Recording::from_bytes(bundled::RECORDING.name, bundled::RECORDING.bytes)?;
/// assert_eq!(recording.header().format, "aedat3");
///
/// let mut events = Batch::default();
/// while recording.decode(&mut events)? {} // whatever there is: clear it in between to stream
/// assert_eq!(events.len() as u64, recording.tally().kept);
/// let (t, x, y, on) = events.get(0);
/// println!("{t} µs: column {x}, row {y}, {}", if on { "ON" } else { "OFF" });
/// # Ok(())
/// # }
/// ```
pub struct Recording {
    path: PathBuf,
    len: u64,
    decoder: Box<dyn Decoder>,
}

impl Recording {
    /// Opens a file, of the format named or of the one that its content shows.
    ///
    /// # Errors
    /// A file that cannot be read, or but once, is of no known format, or has a damaged
    /// header.
    pub fn open(path: &Path, format: Option<&str>) -> Result<Recording> {
        let open = || {
            let file = disk::open(path)?;
            let len = file.metadata()?.len();
            Ok((len, decoder(Source::new(file), format)?))
        };
        let (len, decoder) = open().map_err(|e: Error| e.in_file(path))?;
        Ok(Recording { path: path.to_owned(), len, decoder })
    }

    /// A file whose bytes have been read.
    ///
    /// # Errors
    /// As [`Recording::open`], but for reading.
    pub fn held(path: &Path, bytes: Vec<u8>, format: Option<&str>) -> Result<Recording> {
        let len = bytes.len() as u64;
        let decoder = decoder(Source::held(bytes), format).map_err(|e| e.in_file(path))?;
        Ok(Recording { path: path.to_owned(), len, decoder })
    }

    /// A recording that is in memory already; `name` stands in for its path.
    ///
    /// # Errors
    /// As [`Recording::open`].
    pub fn from_bytes(name: &str, bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Recording> {
        let path = PathBuf::from(name);
        let len = bytes.as_ref().len() as u64;
        let decoder =
            decoder(Source::new(Cursor::new(bytes)), None).map_err(|e| e.in_file(&path))?;
        Ok(Recording { path, len, decoder })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the header said.
    pub fn header(&self) -> &Header {
        self.decoder.header()
    }

    /// What became of what was read so far.
    pub fn tally(&self) -> &Tally {
        self.decoder.tally()
    }

    /// Offset of the next byte to be read.
    pub fn offset(&self) -> u64 {
        self.decoder.offset()
    }

    /// As [`Decoder::set_frame`].
    pub fn set_frame(&mut self, length: Micros) {
        self.decoder.set_frame(length);
    }

    /// As [`Decoder::frames`].
    pub fn frames(&self) -> Option<u64> {
        self.decoder.frames()
    }

    /// As [`Decoder::decode`]: the next events, in the order of the file, which need not be
    /// that of time. [`crate::replay::Reader`] puts them in order, and accounts for it.
    ///
    /// # Errors
    /// As [`Decoder::decode`], with the file's name.
    pub fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        self.decoder.decode(out).map_err(|e| e.in_file(&self.path))
    }
}

/// The format of this name.
///
/// # Errors
/// None of that name.
pub fn named(name: &str) -> Result<&'static Format> {
    let found = FORMATS.iter().find(|format| format.name == name);
    found.ok_or_else(|| Error::new(ErrorKind::Usage, format!("format '{name}'"), names()))
}

fn names() -> String {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")
}

/// A whole recording in the format of this name.
///
/// # Errors
/// No such format, one that is read alone, events that it cannot hold.
pub fn encode(name: &str, events: &Batch) -> Result<Vec<u8>> {
    let found = || format!("format '{name}'");
    let encode = named(name)?.encode;
    encode.ok_or_else(|| Error::new(ErrorKind::Usage, found(), "one that can be written"))?(events)
}

/// The format of this name, or of the file that begins so; a zip file as a whole.
///
/// # Errors
/// As [`named`]; a file that begins as those of no format.
pub fn detect(head: &[u8], name: Option<&str>) -> Result<&'static Format> {
    if let Some(name) = name {
        return named(name);
    }
    FORMATS.iter().find(|f| (f.sniff)(head)).ok_or_else(|| {
        let start: String =
            head.iter().take(16).flat_map(|b| b.escape_ascii()).map(char::from).collect();
        let found = match head.is_empty() {
            true => "an empty file".to_owned(),
            false => format!("a file that begins with '{start}'"),
        };
        Error::new(ErrorKind::UnknownFormat, found, format!("one of {}", names())).at_byte(0)
    })
}

fn decoder(mut source: Source, format: Option<&str>) -> Result<Box<dyn Decoder>> {
    let is_archive = source.peek(HEAD)?.starts_with(archive::MAGIC);
    let format = detect(source.peek(if is_archive { usize::MAX } else { HEAD })?, format)?;
    (format.open)(source)
}

/// Everything that a decoder makes of `bytes`, up to its end or its error.
#[cfg(test)]
fn read_all(format: &Format, bytes: &[u8]) -> (Header, Batch, Tally, Option<Error>) {
    let mut out = Batch::default();
    let mut decoder = match (format.open)(Source::new(Cursor::new(bytes.to_vec()))) {
        Ok(decoder) => decoder,
        Err(error) => return (Header::default(), out, Tally::default(), Some(error)),
    };
    let error = loop {
        match decoder.decode(&mut out) {
            Ok(true) => (),
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    decoder.tally().assert_conserved();
    assert_eq!(decoder.tally().kept, out.len() as u64);
    (decoder.header().clone(), out, decoder.tally().clone(), error)
}
