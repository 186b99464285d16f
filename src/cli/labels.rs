//! The trials of a recording, as its labels cut it.

use super::options::RunOptions;
use crate::bundled;
use crate::corpus::gesture::{Trial, parse_labels, read_labels};
use crate::error::Result;
use crate::report::build::Origins;

/// Trials of a recording, and where they are from.
pub type Labels = (Vec<Trial>, Origins);

/// The trials that a recording is cut into, and where they are from: those of the label file
/// that was named, or the bundled ones.
///
/// # Errors
/// As [`read_labels`].
pub fn labels(options: &RunOptions) -> Result<Option<Labels>> {
    match &options.labels {
        Some(path) => Ok(Some((read_labels(path)?, Origins::of(path)?))),
        None if options.is_bundled() && options.from.is_none() && options.to.is_none() => {
            let trials = parse_labels(bundled::LABELS.bytes)?;
            Ok(Some((trials, Origins::bundled(&bundled::LABELS))))
        }
        None => Ok(None),
    }
}

/// Where the first of these trials begins.
pub fn first_start<'t>(trials: impl IntoIterator<Item = &'t Trial>) -> i64 {
    trials.into_iter().map(|trial| trial.window.from).min().unwrap_or(0)
}
