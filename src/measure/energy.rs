//! Counts times a table: joules, with the working shown.

use serde::Deserialize;

use super::counts::UnitCounts;
use crate::error::{Error, ErrorKind, Result};
use crate::units::Joules;

/// The tables that come with the program.
pub const TABLES: &[&str] = &[include_str!("tables/horowitz45.toml")];

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
    /// The process that it holds for.
    pub process: String,
    /// What it does not count.
    pub leaves_out: Vec<String>,
    /// Its constants.
    #[serde(rename = "term")]
    pub terms: Vec<Constant>,
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

/// The energy of one run by one table.
#[derive(Clone, Debug)]
pub struct Energy {
    /// The table.
    pub table: Table,
    /// Its terms in the table's order.
    pub terms: Vec<Term>,
}

/// One term of a sum.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// How many operations.
    pub count: u64,
    /// What they cost at the least.
    pub low: Joules,
    /// What they cost by the published figure.
    pub typical: Joules,
    /// What they cost at the most.
    pub high: Joules,
}

impl Table {
    /// The tables that come with the program.
    ///
    /// # Errors
    /// None: every one that ships is read in a test.
    pub fn all() -> Result<Vec<Table>> {
        TABLES.iter().map(|text| Table::parse(text)).collect()
    }

    /// Reads a table.
    ///
    /// # Errors
    /// A text that is no table, or a constant for a count that there is not.
    pub fn parse(text: &str) -> Result<Table> {
        let table: Table = toml::from_str(text)
            .map_err(|e| Error::new(ErrorKind::Corrupt, e.to_string(), "an energy table"))?;
        for constant in &table.terms {
            count(&constant.name, &UnitCounts::default()).ok_or_else(|| {
                let found = format!("a constant for '{}'", constant.name);
                Error::new(ErrorKind::Corrupt, found, "synaptic_ops or multiply_adds")
            })?;
        }
        Ok(table)
    }

    /// Prices what a run did.
    pub fn price(&self, counts: &UnitCounts) -> Energy {
        let term = |constant: &Constant| {
            let count = count(&constant.name, counts).unwrap_or_default();
            let cost = |picojoules: f64| Joules::of(count, picojoules);
            Term {
                count,
                low: cost(constant.low),
                typical: cost(constant.typical),
                high: cost(constant.high),
            }
        };
        Energy { table: self.clone(), terms: self.terms.iter().map(term).collect() }
    }
}

fn count(name: &str, counts: &UnitCounts) -> Option<u64> {
    match name {
        "synaptic_ops" => Some(counts.synaptic_ops),
        "multiply_adds" => Some(counts.multiply_adds),
        _ => None,
    }
}

impl Energy {
    /// Sum of one column of the terms.
    pub fn sum(&self, column: fn(&Term) -> Joules) -> Joules {
        self.terms.iter().map(column).fold(Joules(0.0), |sum, term| sum + term)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_that_ships_reads() {
        assert_eq!(Table::all().unwrap().len(), TABLES.len());
    }

    #[test]
    fn the_published_rows_of_two_papers_come_out() {
        // CLIF (ICML 2024), table of energy: 84.86 M additions and 2.89 M
        // multiply-adds are 89.668 µJ; 25.09 M and 1080 M are 4990.58 µJ.
        let table = Table::parse(TABLES[0]).unwrap();
        let price = |synaptic_ops, multiply_adds| {
            let counts = UnitCounts { synaptic_ops, multiply_adds, ..UnitCounts::default() };
            table.price(&counts).sum(|term| term.typical).0 * 1e6
        };
        assert!((price(84_860_000, 2_890_000) - 89.668).abs() < 1e-9);
        assert!((price(25_090_000, 1_080_000_000) - 4990.581).abs() < 1e-9);
    }

    #[test]
    fn a_constant_without_a_count_is_refused() {
        let text = TABLES[0].replace("\"synaptic_ops\"", "\"synops\"");
        assert!(Table::parse(&text).unwrap_err().to_string().contains("'synops'"));
    }
}
