//! Where results go: standard output, or a file.

use std::io::{self, Write};
use std::path::Path;

use crate::disk;
use crate::error::Result;

/// Prints text for people.
///
/// # Errors
/// Standard output that takes no more.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes a file, or standard output where the path is `-`.
///
/// # Errors
/// A file that cannot be written; an older one is left as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.as_os_str() == "-" {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        return Ok(out.flush()?);
    }
    disk::write(path, bytes)
}
