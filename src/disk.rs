//! Files that appear only when they are whole, the beginnings of others, and lists of them.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, ErrorKind, Result};

/// Writes a file through a neighbour that takes its place at the end: whoever
/// looks sees the older file or the new one, and a full disk leaves the older
/// one. A device or a pipe is written as it is. What an earlier writer left because it
/// was killed is removed.
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
    // where files cannot be locked, nothing is taken for left
    let lock = file.try_clone().ok().filter(|file| file.try_lock().is_ok());
    let made = make(file)?;
    part.persist(&target).map_err(|e| fail(e.error))?;
    drop(lock);
    #[cfg(unix)]
    remove_left(&target);
    Ok(made)
}

/// What every neighbour of a file is called: this, some letters, and [`PART`].
fn prefix(target: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// What the name of a neighbour ends in.
const PART: &str = ".part";

fn folder(target: &Path) -> &Path {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A new file beside another, with a name of its own, for others may be writing the
/// same; who may read it is what they may read of any new file. It goes with its handle.
fn neighbour(target: &Path) -> io::Result<NamedTempFile> {
    let prefix = prefix(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(PART);
    // opened here, since an error of the crate's own names a file that nobody asked for
    let open = |path: &Path| fs::File::options().write(true).create_new(true).open(path);
    builder.make_in(folder(target), open)
}

/// Removes the neighbours of a file whose writers are gone: there is something in them, and
/// nobody holds the lock that a writer has from before its first byte on. What cannot be
/// removed stays.
#[cfg(unix)]
fn remove_left(target: &Path) {
    let prefix = prefix(target);
    let is_part = |name: &[u8]| {
        let name = name.strip_prefix(prefix.as_encoded_bytes());
        let letters = name.and_then(|name| name.strip_suffix(PART.as_bytes()));
        letters.is_some_and(|letters| letters.len() == 6 && !letters.contains(&b'.'))
    };
    let entries = fs::read_dir(folder(target)).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_part(entry.file_name().as_encoded_bytes())) {
        let is_begun = entry.metadata().is_ok_and(|is| is.is_file() && is.len() > 0);
        // an empty one may be about to be locked by who made it
        if is_begun && fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            _ = fs::remove_file(entry.path());
        }
    }
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
        let refused = write(&nowhere, b"x").unwrap_err().to_string();
        assert!(
            refused.ends_with("no/result: No such file or directory (os error 2)"),
            "{refused}"
        );
    }

    #[test]
    #[cfg(unix)]
    fn what_a_killed_run_left_goes_with_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let others = [".other.aBc123.part", ".result.old.part", "result.aBc123.part"];
        for name in others.iter().chain(&[".result.aBc123.part"]) {
            fs::write(folder.path().join(name), b"half").unwrap();
        }
        // one that is being written stays
        let writes = |mut file: fs::File| {
            file.write_all(b"slow").unwrap();
            write(&path, b"quick")
        };
        write_by(&path, writes).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"slow");
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [others[0], others[1], "result", others[2]]);
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
