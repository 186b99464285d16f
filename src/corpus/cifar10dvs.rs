//! CIFAR10-DVS: ten folders of 1,000 recordings, `bird/cifar10_bird_7.aedat`, which no one
//! has split but those who used them.
//!
//! | split | test | used by |
//! |---|---|---|
//! | `last-tenth` | the last 10 % of each class by number, what is taken where none is named | PLIF, SEW-ResNet, gated LIF |
//! | `random-tenth`, `random-tenth:SEED` | 10 % of each class, drawn | TET and others after it; each has drawn its own |
//! | `first-hundred` | the recordings 0 to 99 of each class | TEBN |
//!
//! Figures on different splits are not comparable; SpikingJelly finds `first-hundred`
//! usually far easier than a random one.
//!
//! **Source.** H. Li et al., CIFAR10-DVS: an event-stream dataset for object classification,
//! Frontiers in Neuroscience 11, 2017; SpikingJelly's `datasets/cifar10_dvs.py`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::{Corpus, Part, Sample};
use crate::error::{Error, ErrorKind, Result};

/// The classes.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// As many recordings has each.
const EACH: usize = 1000;

/// What is for the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Split {
    /// The last tenth of each class.
    #[default]
    LastTenth,
    /// A tenth of each class, drawn with this seed.
    RandomTenth(u64),
    /// Recordings 0 to 99 of each class.
    FirstHundred,
}

const DRAWN: &str = "random-tenth";

impl Split {
    /// What is to be said of figures on it.
    pub fn caution(self) -> Option<&'static str> {
        let is_easy = self == Split::FirstHundred;
        is_easy.then_some("the split first-hundred is usually far easier than random-tenth")
    }

    /// What these samples, by class in the order of their numbers, are for.
    fn part(self, samples: &mut [Sample]) {
        let mut classes: BTreeMap<String, Vec<&mut Sample>> = BTreeMap::new();
        for sample in samples {
            sample.part = Some(Part::Train);
            classes.entry(sample.class.clone()).or_default().push(sample);
        }
        let mut random = match self {
            Split::RandomTenth(seed) => Some(Pcg64::seed_from_u64(seed)),
            _ => None,
        };
        for mut members in classes.into_values() {
            random.iter_mut().for_each(|random| members.shuffle(random));
            // as SpikingJelly rounds
            let trained = (members.len() * 9).div_ceil(10);
            for (i, sample) in members.into_iter().enumerate() {
                let is_tested = match self {
                    Split::FirstHundred => number(&sample.path).is_some_and(|number| number < 100),
                    _ => i >= trained,
                };
                if is_tested {
                    sample.part = Some(Part::Test);
                }
            }
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Split::LastTenth => f.write_str("last-tenth"),
            Split::RandomTenth(0) => f.write_str(DRAWN),
            Split::RandomTenth(seed) => write!(f, "{DRAWN}:{seed}"),
            Split::FirstHundred => f.write_str("first-hundred"),
        }
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Split> {
        let seed = || text.strip_prefix(DRAWN)?.strip_prefix(':')?.parse().ok();
        match text {
            "last-tenth" => Ok(Split::LastTenth),
            DRAWN => Ok(Split::RandomTenth(0)),
            "first-hundred" => Ok(Split::FirstHundred),
            _ => seed().map(Split::RandomTenth).ok_or_else(|| {
                let expected = "last-tenth, random-tenth, random-tenth:SEED or first-hundred";
                Error::new(ErrorKind::Usage, format!("split '{text}'"), expected)
            }),
        }
    }
}

impl TryFrom<String> for Split {
    type Error = Error;

    fn try_from(text: String) -> Result<Split> {
        text.parse()
    }
}

impl From<Split> for String {
    fn from(split: Split) -> String {
        split.to_string()
    }
}

/// The number of a recording in its class, if it is called as one of these.
pub(super) fn number(recording: &Path) -> Option<usize> {
    let class = recording.parent()?.file_name()?.to_str()?;
    let stem = recording.file_stem()?.to_str()?;
    let number = stem.strip_prefix("cifar10_")?.strip_prefix(class)?.strip_prefix('_')?;
    CLASSES.contains(&class).then(|| number.parse().ok())?
}

/// The data set of these recordings. Classes that are not whole are its defects: they move
/// every split.
pub(super) fn corpus(mut samples: Vec<Sample>) -> Corpus {
    samples.sort_by_cached_key(|sample| (sample.class.clone(), number(&sample.path)));
    let of = |class: &str| samples.iter().filter(|sample| sample.class == class).count();
    let partial = CLASSES.into_iter().map(|class| (class, of(class))).filter(|(_, n)| *n != EACH);
    let defect = |(class, count): (&str, usize)| {
        let found = format!("{count} recordings of the class {class}");
        Error::new(ErrorKind::Corrupt, found, format!("{EACH}"))
    };
    let defects = partial.map(defect).collect();
    Corpus { defects, ..Corpus::of(CUT, samples) }
}

/// How this data set calls itself.
const CUT: &str = "cifar10dvs";

impl Corpus {
    /// The data set split as asked for, or as is usual; one that nobody has to split is as
    /// it was.
    ///
    /// # Errors
    /// A split of another data set than CIFAR10-DVS.
    pub fn split(mut self, split: Option<Split>) -> Result<Corpus> {
        match split {
            _ if self.cut == CUT => {
                let split = split.unwrap_or_default();
                split.part(&mut self.samples);
                Ok(Corpus { split: Some(split), ..self })
            }
            None => Ok(self),
            Some(split) => {
                let found = format!("the split {split} of a data set cut by {}", self.cut);
                Err(Error::new(ErrorKind::Usage, found, "one of CIFAR10-DVS in its folders"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::corpus::folders;

    /// Folders as they unpack, in the order of names: 0, 1, 10, 100, 101 …
    fn corpus(each: usize) -> Corpus {
        let name = |class, i| PathBuf::from(format!("/data/{class}/cifar10_{class}_{i}.aedat"));
        let of = |class| (0..each).map(move |i| name(class, i));
        let mut files: Vec<PathBuf> = CLASSES.into_iter().flat_map(of).collect();
        files.sort();
        folders::samples(Path::new("/data"), &files)
    }

    fn tested(split: &str) -> Vec<(String, usize)> {
        let corpus = corpus(1000).split(Some(split.parse().unwrap())).unwrap();
        assert_eq!((corpus.samples.len(), corpus.defects.len()), (10_000, 0));
        assert_eq!(corpus.split.unwrap().to_string(), split);
        let tested = corpus.samples.iter().filter(|sample| sample.part == Some(Part::Test));
        tested.map(|sample| (sample.class.clone(), number(&sample.path).unwrap())).collect()
    }

    #[test]
    fn splits_hold_out_what_their_names_say() {
        let of = |range: std::ops::Range<usize>| -> Vec<(String, usize)> {
            let all = |class: &'static str| range.clone().map(move |i| (class.to_owned(), i));
            CLASSES.into_iter().flat_map(all).collect()
        };
        assert_eq!(tested("last-tenth"), of(900..1000));
        assert_eq!(tested("first-hundred"), of(0..100));
        let drawn = tested("random-tenth");
        let each = |class: &str| drawn.iter().filter(|(own, _)| own == class).count();
        assert!(CLASSES.into_iter().all(|class| each(class) == 100));
        assert!(drawn != tested("random-tenth:7"));
        let spread = drawn.iter().filter(|(_, number)| *number < 500).count();
        assert!((400..600).contains(&spread), "{spread} of 1,000 in the first half");
        assert_eq!(drawn, tested("random-tenth"));
    }

    #[test]
    fn the_usual_split_is_the_last_tenth_and_others_have_none() {
        let usual = corpus(25).split(None).unwrap();
        assert_eq!((usual.cut, usual.split), ("cifar10dvs", Some(Split::LastTenth)));
        let is_test = |sample: &&Sample| sample.part == Some(Part::Test);
        assert_eq!(usual.samples.iter().filter(is_test).count(), 20, "25 − ⌈22.5⌉ of each class");
        let defect = usual.defects[9].to_string();
        assert_eq!(defect, "found 25 recordings of the class truck; expected 1000");
        let files = ["bird/cifar10_bird_0.aedat", "bird/cifar10_dog_1.aedat"];
        let files = files.map(|file| Path::new("/data").join(file));
        let other = || folders::samples(Path::new("/data"), &files);
        assert_eq!((other().cut, other().split(None).unwrap().split), ("folders", None));
        let refusal = other().split(Some(Split::FirstHundred)).unwrap_err().to_string();
        assert!(refusal.contains("split first-hundred of a data set cut by folders"), "{refusal}");
        assert!("tenth".parse::<Split>().is_err() && "random-tenth:x".parse::<Split>().is_err());
    }
}
