//! Files that appear only when they are whole, the beginnings of others, and lists of them.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// Writes a file through a neighbour that takes its place at the end: whoever
/// looks sees the older file or the new one, and a full disk leaves the older
/// one. A device or a pipe is written as it is.
///
/// # Errors
/// The operating system's, with the path.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_by(path, |mut file| file.write_all(bytes).map_err(|e| Error::from(e).in_file(path)))
}

/// As [`write()`], of what is made bit by bit.
///
/// # Errors
/// The operating system's, with the path; those of whoever makes it, as they are.
pub fn write_by<T>(path: &Path, make: impl FnOnce(fs::File) -> Result<T>) -> Result<T> {
    let fail = |e| Error::from(e).in_file(path);
    let create = |path: &Path| fs::File::create(path).map_err(fail);
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|is| !is.is_file()) {
        return create(&target).and_then(make);
    }
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let made = make(create(part)?);
    let moved = made.and_then(|made| fs::rename(part, &target).map(|()| made).map_err(fail));
    moved.inspect_err(|_| {
        let _ = fs::remove_file(part);
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

/// The files in a folder and in those below it, in the order of their paths, hidden
/// ones left out; of anything else, itself. Links to folders are not followed.
///
/// # Errors
/// A folder that cannot be read, or without any file.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    walk(path, &mut files)?;
    files.sort();
    match files.is_empty() {
        true => {
            let error = Error::new(ErrorKind::Usage, "a folder without files", "a recording");
            Err(error.in_file(path))
        }
        false => Ok(files),
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let fail = |e| Error::from(e).in_file(folder);
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        match entry.file_type().map_err(fail)?.is_dir() {
            true => walk(&path, files)?,
            false if !path.is_dir() => files.push(path),
            false => (),
        }
    }
    Ok(())
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
    fn a_folder_is_its_files_in_the_order_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/empty")).unwrap();
        fs::create_dir_all(at(".git")).unwrap();
        for name in ["c", "b/2", "b/10", "a.bin", ".hidden", ".git/x"] {
            fs::write(at(name), b"").unwrap();
        }
        let expected = ["a.bin", "b/10", "b/2", "c"].map(at);
        assert_eq!(files(folder.path()).unwrap(), expected);
        assert_eq!(files(&at("c")).unwrap(), [at("c")]);
        assert_eq!(files(&at("missing")).unwrap(), [at("missing")]);
        let error = files(&at("b/empty")).unwrap_err().to_string();
        assert!(error.contains("b/empty: found a folder without files"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_and_a_device_stays_one() {
        let full = Path::new("/dev/full");
        assert!(write(full, b"x").is_err());
        assert!(!fs::metadata(full).unwrap().is_file());
    }
}
