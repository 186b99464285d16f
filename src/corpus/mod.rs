//! Data sets as published: their samples, classes, users, splits and known defects.
//!
//! | name | what it looks like | class | part |
//! |---|---|---|---|
//! | `ibm-labels` | DVS128 Gesture as its archive unpacks: recordings with `_labels.csv` beside them | a row of the label file each: 1,176 + 288 | `trials_to_train.txt`, `trials_to_test.txt`, else users 24 to 29 are for the test |
//! | `tonic` | DVS128 Gesture cut by others, `user01_led/3.npy`: 1,077 + 264 | the file's number | `ibmGestureTrain`, `ibmGestureTest` |
//! | `spikingjelly` | DVS128 Gesture cut by SpikingJelly, `test/3/user24_led_0.npz`, the rows of the label files too | the folder's number | the folder above it |
//! | `nmnist` | N-MNIST, `Train/3/00001.bin`: 60,000 + 10,000 of about 315 ms, three saccades of 105 ms each | the folder | `Train`, `Test` |
//! | `cifar10dvs` | CIFAR10-DVS, `bird/cifar10_bird_7.aedat` | the folder | by a split, `last-tenth` unless another is named |
//! | `folders` | any other folder a class | the folder | `train`, `validation` or `test` above it, if any |
//! | `list` | a CSV: `file,class` and maybe `part`, `user`, `from`, `to` | the column | the column |
//!
//! Two cuts of one data set are two data sets: their figures are not comparable. What is
//! wrong with one is told and counted; the rest is good.

pub mod cifar10dvs;
mod folders;
pub mod gesture;
mod lines;
mod list;
pub mod synthetic;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::cifar10dvs::Split;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Window;

/// A data set.
#[derive(Debug, Default)]
pub struct Corpus {
    /// How it was cut, by the names above.
    pub cut: &'static str,
    /// Names of the classes, in the order of a network's outputs.
    pub classes: Vec<String>,
    /// Its samples, in the order of their files, then of time.
    pub samples: Vec<Sample>,
    /// How it was split, where it does not come split.
    pub split: Option<Split>,
    /// What is wrong with it.
    pub defects: Vec<Error>,
}

/// Where a sample is, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its recording.
    pub path: PathBuf,
    /// Its part of that.
    pub window: Window,
    /// The name of its class.
    pub class: String,
    /// Who made it.
    pub user: Option<String>,
    /// What it is for, where the data set says so.
    pub part: Option<Part>,
}

/// What a sample is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// To be trained on.
    Train,
    /// To choose by.
    Validation,
    /// To be reported on, once.
    Test,
}

impl Part {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }
}

impl Corpus {
    /// The data set in a folder.
    ///
    /// # Errors
    /// A folder that cannot be read or holds no data set.
    pub fn open(root: &Path) -> Result<Corpus> {
        let files = disk::files(root)?;
        if files.iter().any(|file| gesture::labels_of(file).is_some()) {
            return gesture::labelled(root, &files);
        }
        let corpus = folders::samples(root, &files);
        match corpus.samples.is_empty() {
            false => Ok(corpus),
            true => {
                let found = "neither folders of recordings nor labels beside them";
                let expected = "a folder a class, recordings with a _labels.csv, or a list";
                Err(Error::new(ErrorKind::Usage, found, expected).in_file(root))
            }
        }
    }

    /// The data set that a list makes of the files in a folder.
    ///
    /// # Errors
    /// A list that cannot be read or has no rows, a row that does not fit, with its line.
    pub fn listed(root: &Path, list: &Path) -> Result<Corpus> {
        Ok(Corpus::of("list", list::samples(root, list)?))
    }

    /// Samples of other classes than gestures: these are in the order of their numbers
    /// where all are numbers, else of their names.
    fn of(cut: &'static str, samples: Vec<Sample>) -> Corpus {
        let names: BTreeSet<&String> = samples.iter().map(|sample| &sample.class).collect();
        let mut classes: Vec<String> = names.into_iter().cloned().collect();
        let numbers: Option<Vec<i64>> = classes.iter().map(|name| name.parse().ok()).collect();
        if numbers.is_some() {
            classes.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
        }
        Corpus { cut, classes, samples, ..Corpus::default() }
    }

    /// Samples of DVS128 Gesture.
    fn of_gestures(cut: &'static str, samples: Vec<Sample>, defects: Vec<Error>) -> Corpus {
        let classes = gesture::CLASSES.map(str::to_owned).to_vec();
        Corpus { cut, classes, samples, defects, split: None }
    }
}

/// What stands beside the recordings of a data set: labels, lists, readmes, archives.
const BESIDE: [&str; 8] = ["csv", "txt", "md", "pdf", "json", "zip", "gz", "tar"];

/// Whether a file is no recording by its name's ending.
pub fn is_beside_recordings(file: &Path) -> bool {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| BESIDE.contains(&&ending[..]))
}

/// `user07` of `user07_led.aedat`, if a name begins so.
fn user_of(name: &str) -> Option<String> {
    let user = name.split(['_', '.']).next()?;
    let number = user.strip_prefix("user")?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| user.to_owned())
}
