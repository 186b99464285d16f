//! Files of rows: a line of JSON that says what they have in common, then one a row.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::output;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::report::eval::{Head, Row};

/// A file that rows are added to.
pub struct RowFile {
    path: PathBuf,
    file: File,
}

/// The rows of a file that is to be gone on with; none where there is no file, or nothing
/// in it.
///
/// # Errors
/// A file that is there already, or to go on with one of another evaluation.
pub fn earlier(path: &Path, head: &Head, resume: bool) -> Result<Vec<Row>> {
    match path.exists() {
        false => Ok(Vec::new()),
        true if !resume => {
            let error = Error::new(ErrorKind::Usage, "rows", "--resume, or another file");
            Err(error.in_file(path))
        }
        // as a crash may leave it that came before the first line
        true if fs::metadata(path).is_ok_and(|is| is.len() == 0) => Ok(Vec::new()),
        true => {
            let (found, rows) = read(path)?;
            same(&found, head).map_err(|e| e.in_file(path))?;
            Ok(rows)
        }
    }
}

impl RowFile {
    /// A file of these rows, to be added to.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn new(path: &Path, head: &Head, rows: &[Row]) -> Result<RowFile> {
        write(path, head, rows)?;
        let file = OpenOptions::new().append(true).open(path);
        let file = file.map_err(|e| Error::from(e).in_file(path))?;
        Ok(RowFile { path: path.to_owned(), file })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// A full disk, and the like.
    pub fn append(&mut self, rows: &[Row]) -> Result<()> {
        let lines = lines(rows)?;
        let written = self.file.write_all(&lines).and_then(|()| self.file.flush());
        written.map_err(|e| Error::from(e).in_file(&self.path))
    }
}

fn line(of: &impl Serialize) -> Result<Vec<u8>> {
    let text = serde_json::to_vec(of);
    let mut line = text.map_err(|e| Error::new(ErrorKind::Unsupported, e.to_string(), "a row"))?;
    line.push(b'\n');
    Ok(line)
}

fn lines(rows: &[Row]) -> Result<Vec<u8>> {
    Ok(rows.iter().map(line).collect::<Result<Vec<_>>>()?.concat())
}

/// Writes a whole file.
///
/// # Errors
/// Standard output; a file that cannot be written.
pub fn write(path: &Path, head: &Head, rows: &[Row]) -> Result<()> {
    if output::is_standard(path) {
        let found = "standard output for rows";
        return Err(Error::new(ErrorKind::Usage, found, "a file, which a next run can go on with"));
    }
    disk::write(path, &[line(head)?, lines(rows)?].concat())
}

/// What a file's rows have in common, and those that are whole.
fn read(path: &Path) -> Result<(Head, Vec<Row>)> {
    let bytes = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
    let corrupt = |number: usize, e: serde_json::Error| {
        let found = format!("a line that is none ({e})");
        let error = Error::new(ErrorKind::Corrupt, found, "rows of an evaluation");
        error.at(format!("line {number}")).in_file(path)
    };
    // a line that is cut may end within a letter
    let end = bytes.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
    let whole = disk::utf8(&bytes[..end]).map_err(|e| e.in_file(path))?;
    let mut lines = (1..).zip(whole.lines());
    let (number, first) = lines.next().unwrap_or((1, ""));
    let head = serde_json::from_str(first).map_err(|e| corrupt(number, e))?;
    let rows = lines.map(|(number, row)| serde_json::from_str(row).map_err(|e| corrupt(number, e)));
    Ok((head, rows.collect::<Result<_>>()?))
}

/// Refuses rows of another evaluation.
fn same(found: &Head, expected: &Head) -> Result<()> {
    let as_map = |head: &Head| match serde_json::to_value(head) {
        Ok(serde_json::Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let (found, expected) = (as_map(found), as_map(expected));
    let other = found.iter().find(|(key, value)| expected.get(*key) != Some(value));
    other.map_or(Ok(()), |(key, value)| {
        let expected = expected.get(key).map_or_else(String::new, ToString::to_string);
        Err(Error::new(ErrorKind::Usage, format!("rows with '{key}' {value}"), expected))
    })
}

/// The rows of several files of one evaluation, in the order of their samples.
///
/// # Errors
/// Files of different evaluations, samples that are missing or there twice.
pub fn merged(paths: &[PathBuf]) -> Result<(Head, Vec<Row>)> {
    let mut all: Option<(Head, Vec<Row>)> = None;
    for path in paths {
        let (head, rows) = read(path)?;
        match &mut all {
            None => all = Some((head, rows)),
            Some((first, together)) => {
                same(&head, first).map_err(|e| e.in_file(path))?;
                together.extend(rows);
            }
        }
    }
    let refuse = |found: String, expected: &str| Err(Error::new(ErrorKind::Usage, found, expected));
    let Some((head, mut rows)) = all else {
        return refuse("no files".into(), "files of rows behind --merge");
    };
    rows.sort_by_key(|row| row.sample);
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].sample == pair[1].sample) {
        return refuse(format!("sample {} twice", pair[0].sample), "every sample once");
    }
    match rows.len() == head.samples {
        true => Ok((head, rows)),
        false => refuse(format!("{} samples", rows.len()), &format!("all {}", head.samples)),
    }
}
