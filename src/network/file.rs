//! Networks in files, whatever their format.

use std::path::Path;

use super::graph::Graph;
use super::hdf5::{self, Hdf5};
use super::{lava, nir, own};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};

/// A format that networks come in.
#[derive(Debug)]
pub struct Format {
    /// Its name in reports.
    pub name: &'static str,
    /// Whose it is, in one line.
    pub about: &'static str,
    container: Container,
}

/// What a format's graphs are kept in.
#[derive(Debug)]
enum Container {
    Hdf5 { is_in: fn(&Hdf5) -> bool, read: fn(&Hdf5) -> Result<Graph> },
    Safetensors { read: fn(&[u8]) -> Result<Graph> },
}

/// Every format.
pub const FORMATS: &[Format] = &[
    Format {
        name: "nir",
        about: "NIR graphs (.nir)",
        container: Container::Hdf5 { is_in: nir::is_in, read: nir::from_hdf5 },
    },
    Format {
        name: "lava-dl",
        about: "lava-dl networks (.net)",
        container: Container::Hdf5 { is_in: lava::is_in, read: lava::from_hdf5 },
    },
    Format {
        name: "synops",
        about: "networks of synops (.synops)",
        container: Container::Safetensors { read: own::from_bytes },
    },
];

/// Whether a file that begins so may be a network.
pub fn sniff(head: &[u8]) -> bool {
    hdf5::sniff(head) || own::sniff(head)
}

/// Whether a file's first bytes are those of a network.
///
/// # Errors
/// A file that cannot be read.
pub fn is_one(path: &Path) -> Result<bool> {
    Ok(sniff(&disk::head(path, 64)?))
}

/// Reads a file, and says in which format it is.
///
/// # Errors
/// A file that cannot be read or is in no known format, and whatever its format
/// refuses.
pub fn read(path: &Path) -> Result<(&'static Format, Graph)> {
    let bytes = disk::read(path)?;
    from_bytes(bytes).map_err(|e| e.in_file(path))
}

/// Reads a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<(&'static Format, Graph)> {
    let known = || FORMATS.iter().map(|format| format.about).collect::<Vec<_>>().join(", ");
    if own::sniff(&bytes) {
        for format in FORMATS {
            if let Container::Safetensors { read } = format.container {
                return Ok((format, read(&bytes)?));
            }
        }
    }
    if !hdf5::sniff(&bytes) {
        let found = format!("{} bytes that are neither HDF5 nor safetensors", bytes.len());
        return Err(Error::new(ErrorKind::UnknownFormat, found, known()).at_byte(0));
    }
    let file = Hdf5::open(bytes, &known())?;
    for format in FORMATS {
        match format.container {
            Container::Hdf5 { is_in, read } if is_in(&file) => return Ok((format, read(&file)?)),
            _ => (),
        }
    }
    Err(Error::new(ErrorKind::UnknownFormat, "an HDF5 file without a network", known()))
}
