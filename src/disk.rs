//! Files that appear only when they are whole, and the beginnings of others.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a file through a neighbour that takes its place at the end: whoever
/// looks sees the older file or the new one, and a full disk leaves the older
/// one. A device or a pipe is written as it is.
///
/// # Errors
/// The operating system's, with the path.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e| Error::from(e).in_file(path);
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|is| !is.is_file()) {
        return fs::write(&target, bytes).map_err(fail);
    }
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, &target));
    written.map_err(|e| {
        let _ = fs::remove_file(&part);
        fail(e)
    })
}

/// The first bytes of a file, `bytes` of them where there are as many.
///
/// # Errors
/// A file that cannot be read.
pub fn head(path: &Path, bytes: u64) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(bytes).read_to_end(&mut head));
    read.map_err(|e| Error::from(e).in_file(path))?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_older_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        write(&path, b"older").unwrap();
        // where the neighbour would be written, there is a folder
        fs::create_dir(folder.path().join("result.part")).unwrap();
        assert!(write(&path, b"newer").unwrap_err().to_string().contains("result"));
        assert_eq!(fs::read(&path).unwrap(), b"older");
        fs::remove_dir(folder.path().join("result.part")).unwrap();
        write(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_and_a_device_stays_one() {
        let full = Path::new("/dev/full");
        assert!(write(full, b"x").is_err());
        assert!(!fs::metadata(full).unwrap().is_file());
    }
}
