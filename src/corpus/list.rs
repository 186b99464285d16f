//! Data sets that a CSV file lists.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lines::Lines;
use super::{Part, Sample};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Window;

/// A line of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: PathBuf,
    class: String,
    part: Option<Part>,
    user: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
}

/// The samples of a list; its paths are in the folder, its times on the recordings' clocks.
pub fn samples(root: &Path, list: &Path) -> Result<Vec<Sample>> {
    let text = disk::text(list)?;
    let mut lines = Lines::of(&text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns = reader.headers().cloned().map_err(|e| damaged(&e, &mut lines).in_file(list))?;
    let mut samples = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| damaged(&e, &mut lines).in_file(list))?;
        let (line, _) = lines.of_row(row.position());
        let row = row.deserialize(Some(&columns));
        let row: Row = row.map_err(|e| damaged(&e, &mut lines).in_file(list))?;
        let path = root.join(&row.file);
        let refuse = |found: String, expected: &str| {
            let place = format!("line {line}");
            Err(Error::new(ErrorKind::Usage, found, expected).at(place).in_file(list))
        };
        if !path.is_file() {
            return refuse(
                format!("'{}'", row.file.display()),
                &format!("a file in {}", root.display()),
            );
        }
        let Window { from, to } = Window::ALL;
        let window = Window { from: row.from.unwrap_or(from), to: row.to.unwrap_or(to) };
        if window.from >= window.to {
            return refuse("an end before its start".into(), "from < to");
        }
        let Row { class, part, user, .. } = row;
        samples.push(Sample { path, window, class, user, part });
    }
    match samples.is_empty() {
        false => Ok(samples),
        true => Err(Error::new(ErrorKind::Usage, "no rows", "samples").in_file(list)),
    }
}

/// What is wrong with a row.
fn damaged(error: &csv::Error, lines: &mut Lines<'_>) -> Error {
    let (line, byte) = lines.of_row(error.position());
    let columns = "file,class and maybe part (train, validation, test), user, from, to".to_owned();
    let (found, expected) = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => (err.to_string(), columns),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            (format!("a row of {len} fields"), format!("{expected_len}, as in line 1"))
        }
        _ => (error.to_string(), columns),
    };
    Error::new(ErrorKind::Corrupt, found, expected).at(format!("line {line}")).at_byte(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        let refused = |text: &[u8]| {
            std::fs::write(&list, text).unwrap();
            let error = samples(folder.path(), &list).err().unwrap().to_string();
            error.replace(&list.display().to_string(), "list.csv")
        };
        let lengths = refused(b"file,class\nlist.csv,a\nlist.csv\n");
        let found = "list.csv: byte 22: line 3: found a row of 1 fields; expected 2, as in line 1";
        assert_eq!(lengths, found);
        let blank = refused(b"file,class\r\n\r\nlist.csv,a\r\nnone,a\r\n");
        assert!(blank.starts_with("list.csv: line 4: found 'none'"), "{blank}");
        let lengths = refused(b"file,class\r\n\r\nlist.csv,a\r\nlist.csv\r\n");
        assert!(lengths.starts_with("list.csv: byte 26: line 4: found a row of 1"), "{lengths}");
        let text = refused(b"file,class\nlist.csv,a\nlist.csv,\xe9\n");
        assert_eq!(text, "list.csv: byte 31: found byte 0xe9; expected text in UTF-8");
        let class = refused(b"file\nlist.csv\n");
        assert!(class.starts_with("list.csv: "), "{class}");
        assert!(class.contains("missing field `class`"), "{class}");
    }
}
