//! What a data set is, as data and as text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::table::headed;
use crate::corpus::{Corpus, Part};
use crate::digest::Digest;
use crate::draw::words::{counted, grouped};
use crate::error::{Error, Result, shown};
use crate::units::Bytes;

/// A data set.
#[derive(Debug, Serialize)]
pub struct CorpusInfo {
    /// Its folder.
    pub path: String,
    /// `data set`.
    pub what: &'static str,
    /// How it is cut.
    pub cut: &'static str,
    /// Samples in all.
    pub samples: usize,
    /// Class by class, in the order of a network's outputs.
    pub classes: Vec<Samples>,
    /// Samples by user, where they are known.
    pub users: BTreeMap<String, usize>,
    /// Files with recordings.
    pub recordings: usize,
    /// Their size.
    pub bytes: u64,
    /// SHA-256 of the names and sizes of the recordings: not of what is in them.
    pub names_and_sizes_sha256: String,
    /// SHA-256 of what `sha256sum` says of the recordings, in the order of their names.
    pub recordings_sha256: Option<String>,
    /// What is wrong with it.
    pub defects: Vec<String>,
}

/// How many samples there are for what.
#[derive(Debug, Default, Serialize)]
pub struct Samples {
    /// Their class.
    pub name: String,
    /// To train on.
    pub train: usize,
    /// To choose by.
    pub validation: usize,
    /// To report on.
    pub test: usize,
    /// The data set does not say.
    pub unsaid: usize,
}

impl CorpusInfo {
    /// What is said of a data set in a folder without reading its recordings.
    ///
    /// # Errors
    /// Recordings that are gone.
    pub fn new(root: &Path, corpus: &Corpus) -> Result<CorpusInfo> {
        let recordings = recordings(corpus);
        let sizes: Result<Vec<u64>> = recordings.iter().map(|path| size(path)).collect();
        let mut users = BTreeMap::new();
        for user in corpus.samples.iter().filter_map(|sample| sample.user.as_ref()) {
            *users.entry(user.clone()).or_default() += 1;
        }
        Ok(CorpusInfo {
            path: root.display().to_string(),
            what: "data set",
            cut: corpus.cut,
            samples: corpus.samples.len(),
            classes: corpus.classes.iter().map(|class| Samples::of(class, corpus)).collect(),
            users,
            recordings: recordings.len(),
            bytes: sizes?.iter().sum(),
            names_and_sizes_sha256: names_and_sizes(root, corpus)?,
            recordings_sha256: None,
            defects: corpus.defects.iter().map(Error::to_string).collect(),
        })
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let (samples, recordings) = (self.samples as u64, self.recordings as u64);
        let (samples, recordings) = (counted(samples, "sample"), counted(recordings, "recording"));
        let mut text = format!(
            "{}: data set, cut by {}\n  {samples} in {recordings} of {}\n",
            shown(&self.path),
            self.cut,
            Bytes(self.bytes)
        );
        if !self.users.is_empty() {
            let _ = writeln!(text, "  {}", counted(self.users.len() as u64, "user"));
        }
        let _ = writeln!(text, "  SHA-256 of names and sizes {}", self.names_and_sizes_sha256);
        if let Some(digest) = &self.recordings_sha256 {
            let _ = writeln!(text, "  SHA-256 of the recordings  {digest}");
        }
        self.defects.iter().for_each(|defect| _ = writeln!(text, "  defect: {defect}"));
        let head = ["class", "train", "validation", "test", "not said"];
        let row = |class: &Samples| {
            let Samples { name, train, validation, test, unsaid } = class;
            let counts = [train, validation, test, unsaid].map(|&count| grouped(count as u64));
            [name.clone()].into_iter().chain(counts).collect()
        };
        text + &headed(head, self.classes.iter().map(row), 1, "  ")
    }
}

impl Samples {
    fn of(class: &str, corpus: &Corpus) -> Samples {
        let mut samples = Samples { name: class.to_owned(), ..Samples::default() };
        for sample in corpus.samples.iter().filter(|sample| sample.class == class) {
            *match sample.part {
                Some(Part::Train) => &mut samples.train,
                Some(Part::Validation) => &mut samples.validation,
                Some(Part::Test) => &mut samples.test,
                None => &mut samples.unsaid,
            } += 1;
        }
        samples
    }
}

/// The recordings of a data set, each once, in the order of their names.
pub fn recordings(corpus: &Corpus) -> Vec<&Path> {
    let paths: BTreeSet<&Path> =
        corpus.samples.iter().map(|sample| sample.path.as_path()).collect();
    let mut paths: Vec<&Path> = paths.into_iter().collect();
    paths.sort_by_key(|path| path.as_os_str().as_encoded_bytes());
    paths
}

/// SHA-256 of the sizes and names of a data set's recordings, which is quickly made and
/// tells data sets apart that were not made to be alike.
///
/// # Errors
/// Recordings that are gone.
pub fn names_and_sizes(root: &Path, corpus: &Corpus) -> Result<String> {
    let recordings = recordings(corpus).into_iter();
    let lines: Result<Vec<_>> =
        recordings.map(|path| Ok((size(path)?.to_string(), path))).collect();
    Ok(of_lines(root, lines?))
}

/// SHA-256 of lines that each say something of a recording, two blanks, and its name in the
/// folder.
pub fn of_lines<'p>(root: &Path, lines: impl IntoIterator<Item = (String, &'p Path)>) -> String {
    let mut digest = Digest::default();
    for (said, path) in lines {
        let name = path.strip_prefix(root).unwrap_or(path).display();
        digest.add(format!("{said}  {name}\n"));
    }
    digest.hex()
}

fn size(path: &Path) -> Result<u64> {
    let data = fs::metadata(path).map_err(|e| Error::from(e).in_file(path))?;
    Ok(data.len())
}
