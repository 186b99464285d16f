//! Files that appear only when they are whole, the beginnings of others, and lists of them.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

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
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|is| !is.is_file()) {
        return fs::File::create(&target).map_err(fail).and_then(make);
    }
    let (file, part) = neighbour(&target).map_err(fail)?.into_parts();
    let made = make(file)?;
    part.persist(&target).map_err(|e| fail(e.error))?;
    Ok(made)
}

/// A new file beside another, with a name of its own, for others may be writing the
/// same; who may read it is what they may read of any new file. It goes with its handle.
fn neighbour(target: &Path) -> io::Result<NamedTempFile> {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

/// Opens a file that is read more than once: looked at, digested, read.
///
/// # Errors
/// What can be read but once, such as a pipe; it is not opened, since that may wait for
/// a writer. The operating system's, with the path.
pub fn open(path: &Path) -> Result<fs::File> {
    let fail = |e| Error::from(e).in_file(path);
    let kind = fs::metadata(path).map_err(fail)?.file_type();
    // a folder is the system's to refuse
    if !kind.is_file() && !kind.is_dir() {
        let expected = "a file, which can be read more than once";
        return Err(Error::new(ErrorKind::Usage, name(kind), expected).in_file(path));
    }
    fs::File::open(path).map_err(fail)
}

#[cfg(unix)]
fn name(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn name(_: fs::FileType) -> &'static str {
    "no file"
}

/// What is in a file that is read more than once.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.map_err(|e| Error::from(e).in_file(path))?;
    Ok(bytes)
}

/// The text in a file.
///
/// # Errors
/// A file that cannot be read; bytes that are no text, with the place of the first.
pub fn text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
    utf8(&bytes).map(str::to_owned).map_err(|e| e.in_file(path))
}

/// The text that these bytes are.
///
/// # Errors
/// Bytes that are none, with the place of the first.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        let found = format!("byte 0x{:02x}", bytes.get(at).copied().unwrap_or_default());
        Error::new(ErrorKind::Corrupt, found, "text in UTF-8").at_byte(at as u64)
    })
}

/// The first bytes of a file, `bytes` of them where there are as many.
///
/// # Errors
/// As [`open`].
pub fn head(path: &Path, bytes: u64) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let read = open(path)?.take(bytes).read_to_end(&mut head);
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
        let full = |mut file: fs::File| {
            file.write_all(b"new").unwrap();
            Err::<(), _>(Error::from(io::Error::from(io::ErrorKind::StorageFull)))
        };
        assert!(write_by(&path, full).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"older");
        write(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("no/result");
        assert!(write(&nowhere, b"x").unwrap_err().to_string().contains("no/result"));
    }

    #[test]
    fn of_many_writers_of_one_file_each_writes_it_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = &folder.path().join("result");
        write(path, &[0; 1000]).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || {
                    for _ in 0..100 {
                        write(path, &[writer; 1000]).unwrap();
                        let read = fs::read(path).unwrap();
                        assert!(read.len() == 1000 && read.iter().all(|&byte| byte == read[0]));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_written_file_may_be_read_by_whom_any_new_file_may() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode =
            |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        write(&folder.path().join("ours"), b"").unwrap();
        fs::write(folder.path().join("any"), b"").unwrap();
        assert_eq!(mode("ours"), mode("any"));
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
