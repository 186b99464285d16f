//! What a configuration says of the data: where they are, how they become steps, what is
//! held out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::usage;
use crate::corpus::cifar10dvs::Split;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{InputMode, Portions, Sensor};
use crate::signal::Shape;
use crate::train::data::Slicing;
use crate::units::Micros;

/// Numbers of a sample, all of which are in memory at once: 16 GiB.
const LARGEST_SAMPLE: usize = 1 << 32;

/// The data.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// A folder: of one folder a class, of DVS128 Gesture's recordings, or where the
    /// files of the list are.
    pub path: String,
    /// A CSV file: file, class and maybe part, user, from, to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// Columns and rows of the camera, `34x34`; events outside are left out.
    #[serde(with = "text")]
    pub sensor: Sensor,
    /// Steps of a sample.
    pub steps: usize,
    /// What a step is.
    #[serde(with = "text")]
    pub slice: Slice,
    /// What several events of a pixel in a step are.
    #[serde(default, with = "text")]
    pub input: InputMode,
    /// How CIFAR10-DVS is split; the last tenth of each class is for the test by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// What is held out to choose by, where the list does not say.
    #[serde(default)]
    pub validation: Held,
    /// What is held out to report on, likewise.
    #[serde(default)]
    pub test: Held,
}

impl DataSpec {
    /// How events become steps.
    pub fn slicing(&self) -> Slicing {
        Slicing { steps: self.steps, slice: self.slice, input: self.input }
    }

    /// Whether it makes sense.
    pub(super) fn check(&self) -> Result<()> {
        let Sensor { width, height } = self.sensor;
        let input = Shape::new(&[2, height.into(), width.into()]);
        let input = input.map_err(|e| e.at("'data.sensor'"))?;
        if self.steps.checked_mul(input.len()).is_none_or(|numbers| numbers > LARGEST_SAMPLE) {
            let found = format!("{} steps of {} numbers", self.steps, input.len());
            let expected = format!("{LARGEST_SAMPLE} numbers a sample at most");
            return Err(usage("data.steps", found, &expected));
        }
        for (name, held) in [("validation", &self.validation), ("test", &self.test)] {
            if let Held::Share(share) = held
                && !(0.0..1.0).contains(share)
            {
                return Err(usage(name, share.to_string(), "a share from 0 to below 1"));
            }
        }
        Ok(())
    }
}

/// What is held out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Held {
    /// This share, drawn once for all seeds: of users where they are known, so that
    /// nobody is on both sides, else of the samples of each class.
    Share(f64),
    /// What these users did.
    Users(Vec<String>),
}

impl Default for Held {
    fn default() -> Held {
        Held::Share(0.1)
    }
}

/// How events become steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slice {
    /// So long each, from the first event on; what is left over is cut off.
    Length(Micros),
    /// As many as there are steps, as much in each.
    Equal(Portions),
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slice::Length(length) => write!(f, "{}us", length.0),
            Slice::Equal(portions) => portions.fmt(f),
        }
    }
}

impl FromStr for Slice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Slice> {
        match (text.parse(), text.parse()) {
            (Ok(portions), _) => Ok(Slice::Equal(portions)),
            (_, Ok(length)) if length > Micros(0) => Ok(Slice::Length(length)),
            _ => {
                let expected = "a time with its unit, number or time";
                Err(Error::new(ErrorKind::Usage, format!("slice '{text}'"), expected))
            }
        }
    }
}

/// What is one text in the file.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::error::Error;

    pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err = Error>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
