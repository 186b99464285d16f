//! Where figures are from, and how far they can be trusted to be from there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a figure can be trusted to be that of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Read in the source that is named.
    Read,
    /// Worked out from figures that were read there.
    Derived,
    /// As others quote that source.
    Secondhand,
    /// Remembered and not checked.
    Recalled,
}

impl Certainty {
    /// Its name in tables and reports.
    pub fn name(self) -> &'static str {
        match self {
            Certainty::Read => "read",
            Certainty::Derived => "derived",
            Certainty::Secondhand => "secondhand",
            Certainty::Recalled => "recalled",
        }
    }
}

/// Where a figure is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'t> {
    /// Who published it.
    pub citation: &'t str,
    /// How sure it is that they did.
    pub certainty: Certainty,
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Certainty::Read => "read in the source",
            Certainty::Derived => "derived from figures that were read in the source",
            Certainty::Secondhand => "secondhand, as others quote the source",
            Certainty::Recalled => "recalled, not checked in any source",
        })
    }
}
