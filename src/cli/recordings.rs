//! Which recordings are meant.

use std::fs;
use std::path::{Path, PathBuf};

use super::options::RunOptions;
use crate::bundled;
use crate::corpus::is_beside_recordings;
use crate::digest;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Recording;
use crate::report::build::Origins;

/// Bytes of a recording that is held rather than streamed.
const SMALL: u64 = 1 << 20;

impl RunOptions {
    /// Whether more than one recording is meant: several, or a folder.
    pub fn are_many(&self) -> bool {
        self.recordings.len() > 1 || self.recordings.iter().any(|path| path.is_dir())
    }

    /// Every recording that was named, those in folders among them, and how many files of
    /// folders are none by their names.
    ///
    /// # Errors
    /// As [`disk::files`]; a folder without recordings.
    pub fn list_recordings(&self) -> Result<(Vec<PathBuf>, u64)> {
        let (mut recordings, mut beside) = (Vec::new(), 0);
        for path in &self.recordings {
            let files = disk::files(path)?;
            let (others, found): (Vec<_>, Vec<_>) =
                files.into_iter().partition(|file| file != path && is_beside_recordings(file));
            if found.is_empty() {
                let found =
                    format!("a folder without a recording; {} left out by name", others.len());
                return Err(Error::new(ErrorKind::Usage, found, "recordings").in_file(path));
            }
            recordings.extend(found);
            beside += others.len() as u64;
        }
        Ok((recordings, beside))
    }

    /// Opens a recording, and digests it.
    ///
    /// # Errors
    /// As [`Recording::open`].
    pub fn open(&self, path: &Path) -> Result<(Recording, Origins)> {
        let format = self.format.as_deref();
        // of many small ones, much of the time would go into reading each twice
        if fs::metadata(path).is_ok_and(|is| is.is_file() && is.len() <= SMALL) {
            let bytes = disk::read(path)?;
            let origins = Origins { path: path.display().to_string(), sha256: digest::of(&bytes) };
            return Ok((Recording::held(path, bytes, format)?, origins));
        }
        Ok((Recording::open(path, format)?, Origins::of(path)?))
    }

    /// Opens the one recording that was named, or the bundled one.
    ///
    /// # Errors
    /// Several; a network without a recording; whatever [`Recording::open`] refuses.
    pub fn open_recording(&self) -> Result<(Recording, Origins)> {
        match self.recordings.first() {
            Some(_) if self.are_many() => Err(self.only_one("this verb")),
            Some(path) => self.open(path),
            None if self.is_bundled() => Ok((
                Recording::from_bytes(bundled::RECORDING.name, bundled::RECORDING.bytes)?,
                Origins::bundled(&bundled::RECORDING),
            )),
            None => Err(Error::new(
                ErrorKind::Usage,
                "a network without a recording",
                "both or neither",
            )),
        }
    }

    /// Says that `what` goes with a single recording.
    pub fn only_one(&self, what: &str) -> Error {
        let found = match &self.recordings[..] {
            [folder] => format!("the folder {}", folder.display()),
            several => format!("{} recordings or folders", several.len()),
        };
        Error::new(ErrorKind::Usage, found, format!("one recording, for {what}"))
    }
}
