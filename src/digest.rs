//! SHA-256 in hexadecimal digits, by which results name the files that they come from.
//!
//! **Source.** FIPS 180-4.

use std::io::Read;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::error::{Error, Result};

/// The digest of what is added to it, piece by piece.
#[derive(Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Adds bytes.
    pub fn add(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The digest, 64 digits.
    pub fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The digest of bytes.
pub fn of(bytes: impl AsRef<[u8]>) -> String {
    let mut digest = Digest::default();
    digest.add(bytes);
    digest.hex()
}

/// The digest of a file.
///
/// # Errors
/// A file that cannot be read.
pub fn of_file(path: &Path) -> Result<String> {
    let mut file = disk::open(path)?;
    let (mut digest, mut buffer) = (Digest::default(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer).map_err(|e| Error::from(e).in_file(path))? {
            0 => return Ok(digest.hex()),
            n => digest.add(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_published_one() {
        // FIPS 180-2, appendix B.1
        let published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of("abc"), published);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(of_file(file.path()).unwrap(), published);
    }
}
