//! No result is written over what it was made from, or over another one.

use std::any::TypeId;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use clap::{Arg, ArgMatches, Command};

use crate::error::{Error, ErrorKind, Result};

/// The arguments that name what is written; all other paths are read.
const WRITTEN: [&str; 10] =
    ["by_step", "csv", "folder", "html", "json", "out", "output", "plot", "raster", "rows"];

/// A path that an argument names.
struct Named<'a> {
    argument: String,
    path: &'a Path,
    is_written: bool,
}

/// Refuses a verb's arguments where a file that is to be written is one that is read,
/// lies in a folder that is, or is to be written for another argument as well.
///
/// # Errors
/// Such a file, with what names it.
pub fn refuse(verb: &Command, matches: &ArgMatches) -> Result<()> {
    let named: Vec<Named<'_>> =
        verb.get_arguments().flat_map(|argument| named(argument, matches)).collect();
    for (i, written) in named.iter().enumerate().filter(|(_, named)| named.is_written) {
        let same = |other: &&Named<'_>| match other.is_written {
            true => are_one(written.path, other.path),
            false => is_part_of(written.path, other.path),
        };
        // two that are written are compared once
        let read = named.iter().filter(|named| !named.is_written);
        let later = named[i + 1..].iter().filter(|named| named.is_written);
        if let Some(other) = read.chain(later).find(same) {
            let what = if other.is_written { "is also written for" } else { "is read for" };
            let (path, argument) = (written.path.display(), &other.argument);
            let found = format!("{path}, which {what} {argument}");
            let error = Error::new(ErrorKind::Usage, found, "a file of its own");
            return Err(error.at(written.argument.clone()));
        }
    }
    Ok(())
}

/// The paths that an argument was given.
fn named<'a>(argument: &Arg, matches: &'a ArgMatches) -> Vec<Named<'a>> {
    if argument.get_value_parser().type_id() != TypeId::of::<PathBuf>() {
        return Vec::new();
    }
    let id = argument.get_id().as_str();
    let name = |value: &OsStr| match (argument.get_long(), argument.get_value_names()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some([name, ..])) => name.to_string(),
        (None, _) => value.display().to_string(),
    };
    let values = matches.try_get_raw(id).ok().flatten().into_iter().flatten();
    let named = values.map(|value| Named {
        argument: name(value),
        path: Path::new(value),
        is_written: WRITTEN.contains(&id),
    });
    named.collect()
}

/// Whether two files that are written are one; a device holds them both.
fn are_one(a: &Path, b: &Path) -> bool {
    let is_device = fs::metadata(a).is_ok_and(|is| !is.is_file());
    !is_device && place(a) == place(b)
}

/// Whether what is there to be written over is one of the files that are read.
fn is_part_of(written: &Path, read: &Path) -> bool {
    let is_file = written.is_file() && read.exists();
    is_file && place(written).starts_with(place(read))
}

/// Where a file or a folder is, or will be, whatever its name.
pub fn place(path: &Path) -> PathBuf {
    let place = path.ancestors().find_map(|above| {
        let is_here = above.as_os_str().is_empty();
        let above_place = fs::canonicalize(if is_here { Path::new(".") } else { above }).ok()?;
        // a path that ends in '..' leads elsewhere than its names say
        let below = path.strip_prefix(above).ok()?;
        below.components().all(|part| matches!(part, Component::Normal(_))).then(|| {
            if below.as_os_str().is_empty() { above_place } else { above_place.join(below) }
        })
    });
    place.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// Whoever adds a path to a verb says here or above what becomes of it.
    #[test]
    fn every_path_is_read_or_written() {
        let verbs = Cli::command();
        let paths = verbs
            .get_subcommands()
            .flat_map(Command::get_arguments)
            .filter(|argument| argument.get_value_parser().type_id() == TypeId::of::<PathBuf>());
        let read: BTreeSet<&str> = paths
            .map(|argument| argument.get_id().as_str())
            .filter(|id| !WRITTEN.contains(id))
            .collect();
        let expected = [
            "against",
            "config",
            "data",
            "files",
            "input",
            "labels",
            "list",
            "mapping",
            "network",
            "recordings",
            "table",
        ];
        assert_eq!(read, BTreeSet::from(expected));
    }
}
