//! Tables: what operations cost, where the figures are from, and what they leave out.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::memory::{Cost, MemoryModel};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::work::{COUNTS, Count};

macro_rules! tables {
    ($($name:literal),* $(,)?) => {
        /// The tables that come with the program, the usual one first.
        pub const TABLES: &[&str] =
            &[$(include_str!(concat!("../tables/", $name, ".toml"))),*];
    };
}

tables![
    "horowitz45",
    "horowitz45-fp16",
    "horowitz45-int8",
    "horowitz45-int32",
    "lemaire45",
    "memory45",
    "spikformer",
    "loihi",
    "truenorth",
    "spinnaker2",
    "tianjic",
    "odin",
    "speck",
];

/// How far the figures of a table can be trusted to be those of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Read in the source that is named.
    Read,
    /// As others quote that source.
    Secondhand,
    /// Remembered and not checked.
    Recalled,
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Certainty::Read => "read in the source",
            Certainty::Secondhand => "secondhand, as others quote the source",
            Certainty::Recalled => "recalled, not checked in any source",
        })
    }
}

/// What operations cost, where the figures are from, and what they leave out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The name on the command line and in reports.
    pub name: String,
    /// What kind of figure it is.
    pub about: String,
    /// Who published it.
    pub citation: String,
    /// How sure it is that they did.
    pub certainty: Certainty,
    /// The process that it holds for.
    pub process: String,
    /// Bits of its numbers, if they are integers.
    pub bits: Option<u32>,
    /// What it does not count.
    pub leaves_out: Vec<String>,
    /// Its constants.
    #[serde(rename = "term")]
    pub terms: Vec<Constant>,
    /// The words that it counts the moving of.
    #[serde(rename = "access", default)]
    pub accesses: Vec<Access>,
    /// What that costs.
    pub memory: Option<MemoryModel>,
}

/// What one operation costs, in picojoules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// The count that it multiplies.
    pub name: String,
    /// What it includes.
    pub about: String,
    /// The least that is defensible.
    pub low: f64,
    /// The published figure.
    pub typical: f64,
    /// The most that is defensible.
    pub high: f64,
}

/// Words that cost by the size of their memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Their count.
    pub name: String,
    /// What they are.
    pub about: String,
}

/// The count of a name that [`Table::parse`] has let pass.
fn counted(name: &str) -> Count {
    Count::named(name).expect("checked when it was read")
}

impl Constant {
    /// What it multiplies.
    pub fn count(&self) -> Count {
        counted(&self.name)
    }

    /// Its figures.
    pub fn cost(&self) -> Cost {
        Cost { low: self.low, typical: self.typical, high: self.high }
    }
}

impl Access {
    /// What is counted.
    pub fn count(&self) -> Count {
        counted(&self.name)
    }
}

impl Table {
    /// The tables that come with the program.
    ///
    /// # Errors
    /// None: every one that ships is read in a test.
    pub fn all() -> Result<Vec<Table>> {
        TABLES.iter().map(|text| Table::parse(text)).collect()
    }

    /// The table of reports that are not about energy.
    ///
    /// # Errors
    /// None, likewise.
    pub fn usual() -> Result<Vec<Table>> {
        TABLES.iter().take(1).map(|text| Table::parse(text)).collect()
    }

    /// Reads a table.
    ///
    /// # Errors
    /// A text that is no table, a constant for a count that there is not, or twice for one,
    /// costs that are out of order, accesses without a memory.
    pub fn parse(text: &str) -> Result<Table> {
        let table: Table = toml::from_str(text)
            .map_err(|e| Error::new(ErrorKind::Corrupt, e.to_string(), "an energy table"))?;
        table.check()?;
        Ok(table)
    }

    fn check(&self) -> Result<()> {
        let refuse = |found: String, expected: &str| {
            Err(Error::new(ErrorKind::Corrupt, found, expected)
                .at(format!("table '{}'", self.name)))
        };
        let costs = self.terms.iter().map(|term| (&term.name, false));
        let all: Vec<_> = costs.chain(self.accesses.iter().map(|a| (&a.name, true))).collect();
        for (place, (name, is_access)) in all.iter().enumerate() {
            match Count::named(name).map(|count| count.kind().memory.is_some()) {
                Some(is_word) if is_word == *is_access => (),
                Some(true) => {
                    return refuse(
                        format!("a [[term]] for '{name}'"),
                        "an [[access]], as words are",
                    );
                }
                _ => {
                    let names = COUNTS.iter().filter(|kind| kind.memory.is_some() == *is_access);
                    let names: Vec<&str> = names.map(|kind| kind.name).collect();
                    return refuse(format!("a constant for '{name}'"), &names.join(", "));
                }
            }
            if all[..place].iter().any(|(other, _)| other == name) {
                return refuse(format!("'{name}' twice"), "every count once");
            }
        }
        let ordered = |term: &&Constant| {
            let Constant { low, typical, high, .. } = term;
            !(0.0 <= *low && low <= typical && typical <= high && high.is_finite())
        };
        if let Some(Constant { name, low, typical, high, .. }) = self.terms.iter().find(ordered) {
            let found = format!("'{name}' of {low}, {typical}, {high}");
            return refuse(found, "0 ≤ low ≤ typical ≤ high, in picojoules");
        }
        match &self.memory {
            None if !self.accesses.is_empty() => refuse("accesses".into(), "a [memory] too"),
            Some(memory) => memory.fault().map_or(Ok(()), |fault| {
                refuse(fault, "words of some bytes, knots by ascending size, ordered costs")
            }),
            None => Ok(()),
        }
    }

    /// What one of a count costs; none where the table does not say.
    pub fn constant(&self, count: Count) -> Option<&Constant> {
        self.terms.iter().find(|constant| constant.count() == count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_that_ships_reads() {
        let tables = Table::all().unwrap();
        assert_eq!(tables.len(), TABLES.len());
        let mut names: Vec<&String> = tables.iter().map(|table| &table.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), TABLES.len(), "each by a name of its own");
        assert_eq!(Table::usual().unwrap()[0].name, "horowitz45");
    }

    #[test]
    fn a_table_that_makes_no_sense_is_refused() {
        let memory = TABLES[4];
        for (text, from, to, message) in [
            (TABLES[0], "\"synaptic_ops\"", "\"synops\"", "'synops'"),
            (TABLES[0], "\"synaptic_ops\"", "\"weight_reads\"", "as words are"),
            (TABLES[0], "\"multiply_adds\"", "\"synaptic_ops\"", "twice"),
            (TABLES[0], "low = 0.9", "low = 0.91", "0.91, 0.9, 0.9"),
            (TABLES[0], "low = 0.9", "low = nan", "NaN"),
            (TABLES[0], "\"secondhand\"", "\"sure\"", "sure"),
            (memory, "bytes = 8192", "bytes = 32768", "out of order"),
            (memory, "word_bytes = 4", "word_bytes = 0", "0 bytes"),
            (memory, "typical = 20, high = 20", "typical = 20, high = 2", "10, 20, 2"),
            (memory, "[memory]", "[storage]", "storage"),
        ] {
            let error = Table::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
