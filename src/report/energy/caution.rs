//! Every caution that an energy figure can need, each with what can be done about it.

use crate::draw::words::{counted, grouped};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A reason to read the figures with care.
#[derive(Clone, Debug, PartialEq)]
pub enum Caution {
    /// Entries of the input were several events at once.
    Crowded {
        /// How many entries.
        entries: u64,
        /// Of how many events.
        events: u64,
    },
    /// A population decays faster than the step.
    Coarse {
        /// The population, and its time constant.
        what: String,
    },
    /// Not every event was seen by the network.
    Unused {
        /// Share of those in the windows that was seen.
        share: f64,
        /// How many nobody asked to leave out.
        lost: u64,
    },
    /// Everything is of one sample.
    Single,
    /// No sample has a spike of any population.
    Silent,
    /// Some samples were not run as they should have been.
    Problems {
        /// How many.
        samples: u64,
    },
    /// Parts of the data set are no samples, or not as its publication has them.
    Defects {
        /// How many.
        count: u64,
        /// The first.
        first: String,
    },
}

impl Caution {
    /// Its name.
    fn name(&self) -> &'static str {
        match self {
            Caution::Crowded { .. } => "crowded",
            Caution::Coarse { .. } => "coarse",
            Caution::Unused { .. } => "unused",
            Caution::Single => "single",
            Caution::Silent => "silent",
            Caution::Problems { .. } => "problems",
            Caution::Defects { .. } => "defects",
        }
    }

    /// Whether something is missing that nobody asked to leave out.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Caution::Unused { lost: 1.., .. } | Caution::Problems { .. } | Caution::Defects { .. }
        )
    }

    /// What is the matter.
    pub fn text(&self) -> String {
        match self {
            Caution::Crowded { entries, events } => format!(
                "{} several events of a pixel fell into a step ({} in all): each counts as an \
                 addition here, all of them as one multiplication elsewhere",
                counted(*entries, "time"),
                counted(*events, "event")
            ),
            Caution::Coarse { what } => what.clone(),
            Caution::Unused { share, lost } => {
                let seen = format!("the network saw {:.1} % of the events", 100.0 * share);
                match lost {
                    0 => seen,
                    lost => format!("{seen}; {} lay outside its sensor", grouped(*lost)),
                }
            }
            Caution::Single => "one sample: its sparsity is not that of a data set".into(),
            Caution::Silent => "no neuron ever spiked".into(),
            Caution::Problems { samples: 1 } => "1 sample has something wrong".into(),
            Caution::Problems { samples } => {
                format!("{} samples have something wrong", grouped(*samples))
            }
            Caution::Defects { count, first } => {
                format!("defects of the data set: {}, the first: {first}", grouped(*count))
            }
        }
    }

    /// What can be done about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Caution::Crowded { .. } => {
                "--input binary or a shorter --dt, or the first layer read as frames, below"
            }
            Caution::Coarse { .. } => "a shorter --dt",
            Caution::Unused { lost: 0, .. } => "more --steps, or a longer --dt",
            Caution::Unused { .. } => "--sensor, or another network; --strict refuses",
            Caution::Single => "a folder of samples with their classes",
            Caution::Silent => "another --convention, or another network",
            Caution::Problems { .. } => "see the problems, by sample in --json",
            Caution::Defects { .. } => "see them all in eval --json; --strict refuses",
        }
    }
}

impl Serialize for Caution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Caution", 3)?;
        object.serialize_field("caution", self.name())?;
        object.serialize_field("text", &self.text())?;
        object.serialize_field("advice", self.advice())?;
        object.end()
    }
}
