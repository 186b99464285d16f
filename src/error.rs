//! One error for the whole library: what kind, in which file, at which byte or
//! node, what was found there and what was expected.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

/// `Result` with the crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The cause of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused to read or write.
    Io,
    /// Whoever was reading what is written has gone.
    BrokenPipe,
    /// The bytes are of no format that is known here.
    UnknownFormat,
    /// The file ends in the middle of something.
    Truncated,
    /// The file says something that its format does not allow.
    Corrupt,
    /// The file is well formed and asks for something that is not built.
    Unsupported,
    /// Two shapes that must agree do not.
    Shape,
    /// The network's nodes and edges do not make a runnable graph.
    Graph,
    /// Something was lost and the caller allowed no loss.
    Strict,
    /// The caller asked for something that makes no sense.
    Usage,
}

/// What went wrong, where, and what was expected instead.
///
/// It prints as one line, whatever names and files have in them, as [`shown`] shows that:
/// `rec.aedat: byte 4711: found …; expected …`.
#[derive(Debug)]
pub struct Error {
    /// The cause.
    pub kind: ErrorKind,
    /// The file that was being read or written, once it is known.
    pub path: Option<PathBuf>,
    /// Offset of the first byte that is wrong or missing.
    pub offset: Option<u64>,
    /// Where inside the file: a node, a line, a column.
    pub place: Option<String>,
    /// What was found.
    pub found: String,
    /// What was expected; empty where `found` says everything.
    pub expected: String,
}

impl Error {
    /// An error that is not yet tied to a file.
    pub fn new(kind: ErrorKind, found: impl Into<String>, expected: impl Into<String>) -> Error {
        Error {
            kind,
            path: None,
            offset: None,
            place: None,
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// Names the file, unless a more precise place named one already.
    pub fn in_file(mut self, path: &Path) -> Error {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// Names the byte.
    pub fn at_byte(mut self, offset: u64) -> Error {
        self.offset.get_or_insert(offset);
        self
    }

    /// Names the node, line or column; an inner place is kept behind it.
    pub fn at(mut self, place: impl fmt::Display) -> Error {
        self.place = Some(match self.place.take() {
            Some(inner) => format!("{place}: {inner}"),
            None => place.to_string(),
        });
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        if let Some(path) = &self.path {
            write!(line, "{}: ", path.display())?;
        }
        if let Some(offset) = self.offset {
            write!(line, "byte {offset}: ")?;
        }
        if let Some(place) = &self.place {
            write!(line, "{place}: ")?;
        }
        match (self.kind, self.expected.is_empty()) {
            (ErrorKind::Io, _) | (_, true) => line += &self.found,
            _ => write!(line, "found {}; expected {}", self.found, self.expected)?,
        }
        f.write_str(&shown(&line))
    }
}

/// A name or a text from elsewhere as it may stand in a line for people: what would end the
/// line or command the terminal is escaped, as in `a\nb` and `\u{1b}[31m`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line.into()
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe => ErrorKind::BrokenPipe,
            _ => ErrorKind::Io,
        };
        Error::new(kind, error.to_string(), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_file_byte_place_found_expected() {
        let error = Error::new(ErrorKind::Corrupt, "event size 9", "8")
            .at("packet 3")
            .at_byte(4711)
            .in_file(Path::new("rec.aedat"))
            .in_file(Path::new("other"));
        assert_eq!(
            error.to_string(),
            "rec.aedat: byte 4711: packet 3: found event size 9; expected 8"
        );
    }

    #[test]
    fn an_error_is_one_line_that_commands_no_terminal() {
        let error = Error::new(ErrorKind::Corrupt, "'\u{9b}2J'", "\ttext").at("é");
        let error = error.in_file(Path::new("a\nb\u{1b}[31m\\c"));
        assert_eq!(
            error.to_string(),
            "a\\nb\\u{1b}[31m\\c: é: found '\\u{9b}2J'; expected \\ttext"
        );
    }

    #[test]
    fn places_nest_from_the_outside_in() {
        let error = Error::new(ErrorKind::Shape, "[3]", "[4]").at("node 'lif'").at("subgraph 'a'");
        assert_eq!(error.to_string(), "subgraph 'a': node 'lif': found [3]; expected [4]");
    }
}
