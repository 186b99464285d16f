//! Networks in files, whatever their format.

use std::fs;
use std::path::Path;

use super::graph::Graph;
use super::hdf5::Hdf5;
use super::{lava, nir};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};

pub use super::hdf5::sniff;

/// A format that networks come in.
#[derive(Debug)]
pub struct Format {
    /// Its name in reports.
    pub name: &'static str,
    /// Whose it is, in one line.
    pub about: &'static str,
    is_in: fn(&Hdf5) -> bool,
    read: fn(&Hdf5) -> Result<Graph>,
}

/// Every format.
pub const FORMATS: &[Format] = &[
    Format { name: "nir", about: "NIR graphs (.nir)", is_in: nir::is_in, read: nir::from_hdf5 },
    Format {
        name: "lava-dl",
        about: "lava-dl networks (.net)",
        is_in: lava::is_in,
        read: lava::from_hdf5,
    },
];

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
    let bytes = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
    from_bytes(bytes).map_err(|e| e.in_file(path))
}

/// Reads a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<(&'static Format, Graph)> {
    let known = FORMATS.iter().map(|format| format.about).collect::<Vec<_>>().join(", ");
    let file = Hdf5::open(bytes, &known)?;
    let format = FORMATS.iter().find(|format| (format.is_in)(&file)).ok_or_else(|| {
        Error::new(ErrorKind::UnknownFormat, "an HDF5 file without a network", known)
    })?;
    Ok((format, (format.read)(&file)?))
}
