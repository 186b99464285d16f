//! Data sets that a CSV file lists.

use std::path::{Path, PathBuf};

use serde::Deserialize;

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
    let corrupt = |e: csv::Error| {
        let (line, byte) = e.position().map_or((0, 0), |at| (at.line(), at.byte()));
        let place = |e: Error| e.at(format!("line {line}")).at_byte(byte).in_file(list);
        let found = match e.kind() {
            csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                let found = format!("a row of {len} fields");
                let expected = format!("{expected_len}, as in line 1");
                return place(Error::new(ErrorKind::Corrupt, found, expected));
            }
            _ => e.to_string(),
        };
        let expected = "file,class and maybe part (train, validation, test), user, from, to";
        place(Error::new(ErrorKind::Corrupt, found, expected))
    };
    let text = disk::text(list)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut samples = Vec::new();
    for (i, row) in reader.deserialize::<Row>().enumerate() {
        let row = row.map_err(corrupt)?;
        let path = root.join(&row.file);
        let refuse = |found: String, expected: &str| {
            let place = format!("line {}", i + 2);
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
        let text = refused(b"file,class\nlist.csv,a\nlist.csv,\xe9\n");
        assert_eq!(text, "list.csv: byte 31: found byte 0xe9; expected text in UTF-8");
        let class = refused(b"file\nlist.csv\n");
        assert!(class.starts_with("list.csv: "), "{class}");
        assert!(class.contains("missing field `class`"), "{class}");
    }
}
