//! Tables: what operations cost, where the figures are from, and what they leave out.

use serde::Deserialize;

use super::memory::{Cost, MemoryModel};
use super::source::{Certainty, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::work::{COUNTS, Count};
use crate::units::Bytes;

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

/// What operations cost, where the figures are from, and what they leave out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The name on the command line and in reports.
    pub name: String,
    /// What kind of figure it is.
    pub about: String,
    /// Who published it; each figure can say otherwise.
    pub citation: String,
    /// How sure it is that they did; likewise.
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
    /// Who published it, if not who published the table.
    pub citation: Option<String>,
    /// How sure it is that they did, if not as sure as of the table.
    pub certainty: Option<Certainty>,
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
    pub fn usual() -> Result<Table> {
        Table::parse(TABLES[0])
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
        let own = self.terms.iter().filter_map(|term| term.citation.as_deref());
        let memory = self.memory.iter().flat_map(MemoryModel::citations);
        let mut citations = own.chain(memory).chain([self.citation.as_str()]);
        if citations.any(|citation| citation.trim().is_empty()) {
            return refuse("an empty citation".into(), "who published it");
        }
        match &self.memory {
            None if !self.accesses.is_empty() => refuse("accesses".into(), "a [memory] too"),
            Some(memory) => memory.fault().map_or(Ok(()), |fault| {
                refuse(fault, "words of some bytes, knots by ascending size, ordered costs")
            }),
            None => Ok(()),
        }
    }

    /// Where a constant is from.
    pub fn source<'t>(&'t self, constant: &'t Constant) -> Source<'t> {
        self.source_of((constant.citation.as_deref(), constant.certainty))
    }

    /// Where the cost of an access to a memory of this size is from.
    pub fn source_of_access(&self, size: Bytes) -> Source<'_> {
        let memory = self.memory.as_ref();
        self.source_of(memory.map_or((None, None), |memory| memory.source(size)))
    }

    fn source_of<'t>(&'t self, own: (Option<&'t str>, Option<Certainty>)) -> Source<'t> {
        let (citation, certainty) = own;
        Source {
            citation: citation.unwrap_or(&self.citation),
            certainty: certainty.unwrap_or(self.certainty),
        }
    }

    /// How sure its figures are, each certainty once.
    pub fn certainties(&self) -> Vec<Certainty> {
        let own = self.terms.iter().map(|constant| self.source(constant).certainty);
        let memory = self.memory.iter().flat_map(MemoryModel::certainties);
        let mut all: Vec<Certainty> = Vec::new();
        for certainty in own.chain(memory.map(|own| own.unwrap_or(self.certainty))) {
            if !all.contains(&certainty) {
                all.push(certainty);
            }
        }
        all
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
        assert_eq!(Table::usual().unwrap().name, "horowitz45");
    }

    /// What a table says of all holds where a figure says nothing of itself.
    #[test]
    fn a_figure_can_be_from_elsewhere_than_its_table() {
        let text = TABLES[0].replacen(
            "low = 4.6",
            "certainty = \"derived\"\ncitation = \"mine\"\nlow = 4.6",
            1,
        );
        let table = Table::parse(&text).unwrap();
        let found: Vec<Source> = table.terms.iter().map(|term| table.source(term)).collect();
        let inherited = Source { citation: &table.citation, certainty: Certainty::Secondhand };
        let own = Source { citation: "mine", certainty: Certainty::Derived };
        assert_eq!(found, [inherited, own]);
        assert_eq!(table.certainties(), [Certainty::Secondhand, Certainty::Derived]);
        // DRAM is remembered, what fits into the buffer quoted
        let memory = Table::parse(TABLES[5]).unwrap();
        let certainty = |bytes| memory.source_of_access(Bytes(bytes)).certainty;
        assert_eq!(
            [1 << 20, (1 << 20) + 1].map(certainty),
            [Certainty::Secondhand, Certainty::Recalled]
        );
        assert!(memory.source_of_access(Bytes(1 << 21)).citation.contains("DRAM"));
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
            (TABLES[0], "low = 0.9", "certainty = \"sure\"\nlow = 0.9", "sure"),
            (TABLES[0], "low = 0.9", "citation = \" \"\nlow = 0.9", "empty citation"),
            (memory, "citation = \"10", "citation = \"\" # 10", "empty citation"),
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
