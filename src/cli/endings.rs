//! A file whose name says another format than is written to it is refused, before anything
//! is run.
//!
//! Pictures and films have several formats, and choose by the ending themselves.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use clap::{ArgMatches, Command};

use super::output::is_standard;
use crate::error::{Error, ErrorKind, Result};

/// The arguments that write a single format, and the endings of that.
const WRITTEN: [(&str, &[&str]); 5] = [
    ("by_step", &["csv"]),
    ("csv", &["csv"]),
    ("html", PAGE),
    ("json", &["json"]),
    ("rows", &["jsonl", "json"]),
];

/// What opens a page goes by its ending, so that it must have one of these.
const PAGE: &[&str] = &["html", "htm"];

/// Endings that say a format that is written or read here.
const KNOWN: [&str; 20] = [
    "aedat", "aedat4", "apng", "bin", "csv", "gif", "htm", "html", "json", "jsonl", "net", "nir",
    "npy", "npz", "png", "pt", "pth", "svg", "synops", "toml",
];

/// Refuses a verb's arguments where the name of a file that is to be written says another
/// format.
///
/// # Errors
/// Such a name, and what it may end in.
pub fn refuse(verb: &Command, matches: &ArgMatches) -> Result<()> {
    let ids = verb.get_arguments().map(|argument| argument.get_id().as_str());
    for id in ids {
        let Some((_, own)) = WRITTEN.iter().find(|(written, _)| *written == id) else { continue };
        let mut values = matches.try_get_raw(id).ok().flatten().into_iter().flatten();
        if let Some(name) = values.find(|name| !is_fit(name, own)) {
            let endings: Vec<String> = own.iter().map(|ending| format!(".{ending}")).collect();
            let found = format!("'{}'", name.display());
            let expected = format!("a name that ends in {}", endings.join(" or "));
            let place = format!("--{}", id.replace('_', "-"));
            return Err(Error::new(ErrorKind::Usage, found, expected).at(place));
        }
    }
    Ok(())
}

/// Whether a format with these endings may be written under a name.
fn is_fit(name: &OsStr, own: &[&str]) -> bool {
    let path = Path::new(name);
    let is_device = || fs::metadata(path).is_ok_and(|is| !is.is_file());
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let is_one_of = |endings: &[&str]| ending.as_ref().is_some_and(|e| endings.contains(&&e[..]));
    is_one_of(own) || is_standard(path) || is_device() || (own != PAGE && !is_one_of(&KNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_may_have_any_ending_but_those_of_other_formats_and_pages_their_own() {
        let fits = |name: &str, id: &str| {
            let (_, own) = WRITTEN.iter().find(|(written, _)| *written == id).unwrap();
            is_fit(OsStr::new(name), own)
        };
        for name in ["a.json", "a.JSON", "a", "-", "a.txt", "a.json.part"] {
            assert!(fits(name, "json"), "{name}");
        }
        assert!(!fits("a.html", "json") && !fits("a.csv", "json") && !fits("a.PNG", "csv"));
        assert!(fits("page.html", "html") && fits("page.HTM", "html") && fits("-", "html"));
        assert!(!fits("x.txt", "html") && !fits("page", "html") && !fits("a.json", "html"));
        #[cfg(unix)]
        assert!(fits("/dev/null", "html"));
    }
}
