//! Where results go: standard output, or a file.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use terminal_size::{Width, terminal_size_of};

use crate::disk;
use crate::error::{Result, shown};
use crate::report::json;

/// Prints text for people: lines, and nothing in them that a terminal obeys.
///
/// # Errors
/// Standard output that takes no more.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        write!(out, "{}{end}", shown(line))?;
    }
    Ok(out.flush()?)
}

/// Prints a line that names a file: what stands before its path, the path, what behind it.
///
/// # Errors
/// As [`print`].
pub fn print_path(before: &str, path: &Path, behind: &str) -> Result<()> {
    print(&format!("{before}{}{behind}\n", shown(&path.to_string_lossy())))
}

/// Writes a report as JSON if a file is named for that, and prints its text unless the JSON
/// goes to standard output.
///
/// # Errors
/// As [`write`] and [`print`].
pub fn report(to: Option<&Path>, report: &impl Serialize, text: &str) -> Result<()> {
    if let Some(path) = to {
        write(path, &json(report)?)?;
    }
    match is_for_people([to]) {
        true => print(text),
        false => Ok(()),
    }
}

/// Whether standard output is free for people: none of these files is to go there.
pub fn is_for_people<const N: usize>(files: [Option<&Path>; N]) -> bool {
    !files.into_iter().flatten().any(is_standard)
}

/// Whether a path means standard output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// How many characters a line of standard output has: as many as the terminal, else 80.
pub fn columns() -> usize {
    terminal_size_of(io::stdout()).map_or(80, |(Width(columns), _)| columns.into())
}

/// Writes a file, or standard output where the path is `-`.
///
/// # Errors
/// A file that cannot be written; an older one is left as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_standard(path) {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        return Ok(out.flush()?);
    }
    disk::write(path, bytes)
}
