//! Which samples of a data set are meant, and how those of a recording run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::options::RunOptions;
use crate::corpus::cifar10dvs::Split;
use crate::corpus::{Corpus, Part, Sample};
use crate::engine::Observer;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Window;
use crate::format::Recording;
use crate::network::{Network, SPLIT};
use crate::replay::{Answer, Replay, Take};

/// A data set's samples, or a part of them.
#[derive(clap::Args)]
pub struct Choice {
    /// What is in the folder: a CSV with file,class and maybe part,user,from,to
    #[arg(long, value_name = "CSV")]
    list: Option<PathBuf>,

    /// How CIFAR10-DVS is split: last-tenth, random-tenth, random-tenth:SEED or first-hundred
    /// is for the test [default: what the network learned from, else last-tenth]
    #[arg(long, value_name = "NAME")]
    split: Option<Split>,

    /// Which part of the data set [default: test where it has one, else all]
    #[arg(long, value_name = "train|validation|test|all", value_parser = part)]
    part: Option<Wanted>,
}

/// Which samples, by name: those of a part, or all.
type Wanted = (&'static str, Option<Part>);

const ALL: Wanted = ("all", None);
const TEST: Wanted = of(Part::Test);
const PARTS: [Wanted; 4] = [ALL, of(Part::Train), of(Part::Validation), TEST];

const fn of(part: Part) -> Wanted {
    (part.name(), Some(part))
}

fn part(text: &str) -> Result<Wanted> {
    let named = PARTS.into_iter().find(|(name, _)| *name == text);
    let expected = "train, validation, test or all";
    named.ok_or_else(|| Error::new(ErrorKind::Usage, format!("part '{text}'"), expected))
}

impl Choice {
    /// Whether anything was asked of a data set.
    pub fn is_given(&self) -> bool {
        self.list.is_some() || self.split.is_some() || self.part.is_some()
    }

    /// The data set in a folder, what its part is called, and the samples of that.
    ///
    /// # Errors
    /// A folder without a data set, another cut or split than its own and the network's, a
    /// part without samples.
    pub fn samples(
        &self,
        root: &Path,
        options: &RunOptions,
        network: &Network,
    ) -> Result<(Corpus, &'static str, Vec<Sample>)> {
        if options.labels.is_some() || options.from.is_some() || options.to.is_some() {
            let found = "--labels, --from or --to";
            return Err(Error::new(ErrorKind::Usage, found, "the data set's own, or a --list"));
        }
        let corpus = match &self.list {
            Some(list) => Corpus::listed(root, list)?,
            None => Corpus::open(root)?,
        };
        let corpus = self.split(corpus, network.split.as_deref())?;
        let (part, samples) = self.chosen(&corpus)?;
        Ok((corpus, part, samples))
    }

    /// The data set split as the network's was: another test would be of what it learned.
    fn split(&self, corpus: Corpus, own: Option<&str>) -> Result<Corpus> {
        let own = own.map(str::parse::<Split>).transpose();
        let own = own.map_err(|e| e.at(format!("metadata '{SPLIT}'")))?;
        match (self.split, own) {
            (Some(split), Some(own)) if split != own => {
                let found = format!("--split {split} for a network that learned from {own}");
                Err(Error::new(ErrorKind::Usage, found, format!("--split {own}")))
            }
            (None, Some(own)) if corpus.cut == "cifar10dvs" => corpus.split(Some(own)),
            (split, _) => corpus.split(split).map_err(|e| e.at("--split")),
        }
    }

    /// The samples that were asked for, and what they are called.
    fn chosen(&self, corpus: &Corpus) -> Result<(&'static str, Vec<Sample>)> {
        let is_test = |sample: &Sample| sample.part == Some(Part::Test);
        let usual = if corpus.samples.iter().any(is_test) { TEST } else { ALL };
        let (name, part) = self.part.unwrap_or(usual);
        let wanted = |sample: &&Sample| part.is_none() || sample.part == part;
        let samples: Vec<Sample> = corpus.samples.iter().filter(wanted).cloned().collect();
        match samples.is_empty() {
            false => Ok((name, samples)),
            true => {
                let found = format!("no samples of the part {name}");
                Err(Error::new(ErrorKind::Usage, found, "--part all, or another"))
            }
        }
    }
}

/// The recordings with the numbers of their samples, in the order of the first of those.
pub fn by_recording(samples: &[Sample]) -> Vec<(&Path, Vec<usize>)> {
    let mut places: BTreeMap<&Path, usize> = BTreeMap::new();
    let mut recordings: Vec<(&Path, Vec<usize>)> = Vec::new();
    for (i, Sample { path, .. }) in samples.iter().enumerate() {
        let place = *places.entry(path).or_insert(recordings.len());
        match recordings.get_mut(place) {
            Some((_, samples)) => samples.push(i),
            None => recordings.push((path, vec![i])),
        }
    }
    recordings
}

/// Runs the samples of a recording that have these windows, each before an observer of its own.
///
/// # Errors
/// As [`Replay::run`].
pub fn run<O: Observer>(
    replay: &Replay<'_>,
    recording: &mut Recording,
    windows: &[Window],
    observers: &mut [O],
    progress: impl FnMut(u64),
) -> Result<(Take, Vec<Answer>)> {
    match (windows, &mut observers[..]) {
        ([Window::ALL], [observer]) => {
            let (take, answer) = replay.run(recording, observer, progress)?;
            Ok((take, vec![answer]))
        }
        _ => {
            let observed = windows.iter().copied().zip(observers);
            replay.run_windows(recording, observed, progress)
        }
    }
}
