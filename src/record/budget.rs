//! How much memory a file may ask for.

use crate::error::{Error, ErrorKind, Result};

/// Memory that any file may use.
const FLOOR: u64 = 16 << 20;

/// How many times its own length a larger file may use. Zeros can be packed
/// tighter than that and repeated by a view; weights that were trained are not.
const EXPANSION: u64 = 64;

/// What is left of the memory that a file may use.
#[derive(Debug)]
pub struct Budget {
    floor: u64,
    left: u64,
}

impl Budget {
    /// The memory for a file of this length.
    pub fn for_file(bytes: usize) -> Budget {
        Budget::above(FLOOR, bytes)
    }

    /// The memory for a file of this length, of which any may use `floor` bytes.
    pub fn above(floor: u64, bytes: usize) -> Budget {
        let left = (bytes as u64).saturating_mul(EXPANSION).saturating_add(floor);
        Budget { floor, left }
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Takes `bytes` of it.
    ///
    /// # Errors
    /// More than is left.
    pub fn spend(&mut self, bytes: u64) -> Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            let floor = self.floor >> 20;
            let expected =
                format!("{floor} MiB and {EXPANSION} times the length of the file at most");
            Error::new(ErrorKind::Corrupt, format!("{bytes} more bytes to hold"), expected)
        })?;
        Ok(())
    }
}
