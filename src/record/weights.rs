//! State dicts: the numbers of a network by their names, without the network.
//!
//! | file | recognised by | names |
//! |---|---|---|
//! | PyTorch `.pt`, `.pth`: zip, since 1.6 | a `data.pkl` in it | keys, joined by dots |
//! | PyTorch before 1.6 | its first bytes | the same |
//! | numpy `.npz` | `.npy` files in it | those of the arrays |

use std::fs;
use std::path::Path;

use super::archive::{self, Archive, Entry};
use super::{Array, npy, torch};
use crate::error::{Error, ErrorKind, Result};

/// The arrays of a state dict, in the order of the file.
#[derive(Debug)]
pub struct Weights {
    /// What the file is, for reports.
    pub format: &'static str,
    /// Names and arrays; every name once.
    pub arrays: Vec<(String, Array)>,
}

/// Whether a file that begins so may be one.
pub fn sniff(head: &[u8]) -> bool {
    head.starts_with(archive::MAGIC) || torch::is_legacy(head)
}

/// Reads a file.
///
/// # Errors
/// A file that cannot be read, of another kind, or damaged; of PyTorch, one that
/// asks for anything but tensors in containers.
pub fn read(path: &Path) -> Result<Weights> {
    let bytes = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
    from_bytes(&bytes).map_err(|e| e.in_file(path))
}

/// Reads a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: &[u8]) -> Result<Weights> {
    let weights = if torch::is_legacy(bytes) {
        Weights { format: "torch", arrays: torch::legacy(bytes)? }
    } else if bytes.starts_with(archive::MAGIC) {
        let mut archive = Archive::new(bytes)?;
        match torch::root(&archive.names()) {
            Some(root) => Weights { format: "torch", arrays: torch::zipped(&mut archive, &root)? },
            None => Weights { format: "npz", arrays: arrays(&mut archive)? },
        }
    } else {
        return Err(none("a file of another kind"));
    };
    match weights.arrays.is_empty() {
        true => Err(none("no arrays")),
        false => Ok(weights),
    }
}

fn none(found: &str) -> Error {
    let expected = "a state dict: torch.save(model.state_dict(), …) or an .npz of its arrays";
    Error::new(ErrorKind::UnknownFormat, found, expected).at_byte(0)
}

/// The arrays of an `.npz`.
fn arrays(archive: &mut Archive) -> Result<Vec<(String, Array)>> {
    let mut arrays = Vec::new();
    for file in archive.names() {
        let Some(name) = file.strip_suffix(".npy") else { continue };
        let Some(entry) = archive.get(&file)? else { continue };
        let array = array(archive, &entry).map_err(|e| e.at(format!("'{name}'")))?;
        arrays.push((name.to_owned(), array));
    }
    Ok(arrays)
}

fn array(archive: &mut Archive, entry: &Entry) -> Result<Array> {
    let at = |at: usize| move |e: Error| e.at_byte(entry.offset(at));
    let length = npy::header_length(&entry.bytes).map_err(at(0))?.min(entry.bytes.len());
    let (header, numbers) = entry.bytes.split_at(length);
    let header = npy::Header::parse(header).map_err(at(0))?;
    // integers become eight bytes each
    let held = header.bytes().map_err(at(0))?.saturating_mul(8 / header.element.size().min(8));
    archive.budget.spend(held as u64).map_err(at(0))?;
    header.array(numbers).map_err(at(length))
}

impl Weights {
    /// The array of this name.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.iter().find(|(own, _)| own == name).map(|(_, array)| array)
    }

    /// Names and shapes, as errors list them.
    pub fn list(&self) -> String {
        let all = self.arrays.iter().take(MOST_LISTED);
        let mut list: Vec<String> =
            all.map(|(name, array)| format!("{name} {:?}", array.shape())).collect();
        if self.arrays.len() > MOST_LISTED {
            list.push(format!("{} more", self.arrays.len() - MOST_LISTED));
        }
        list.join(", ")
    }
}

/// How many arrays an error lists.
const MOST_LISTED: usize = 100;
