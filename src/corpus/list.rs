//! Data sets that a CSV file lists.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Part, Sample};
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
        let line = e.position().map_or(0, csv::Position::line);
        let found = match e.into_kind() {
            csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
            csv::ErrorKind::Io(e) => return Error::from(e).in_file(list),
            other => format!("{other:?}"),
        };
        let expected = "file,class and maybe part (train, validation, test), user, from, to";
        Error::new(ErrorKind::Corrupt, found, expected).at(format!("line {line}")).in_file(list)
    };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(list).map_err(corrupt)?;
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
