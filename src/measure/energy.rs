//! Counts times a table: joules, with the working shown.
//!
//! ```text
//! E = Σ_terms count · constant + Σ_accesses Σ_units words · E_RAM(size of the memory)
//! ```
//!
//! A constant of a table is the cost of one of [`super::COUNTS`]. An access costs by the
//! size of the memory that the unit keeps: E_RAM is linear between the table's knots and
//! flat behind the last one, unless the table says what lies beyond its buffer.

mod memory;
mod source;
mod table;

pub use memory::{Cost, MemoryModel};
pub use source::{Certainty, Source};
pub use table::{Access, Constant, TABLES, Table};

use super::counts::UnitCounts;
use super::work::{Count, Work};
use crate::units::{Bytes, Joules};

/// The energy of one run by one table.
#[derive(Clone, Debug)]
pub struct Energy {
    /// The table.
    pub table: Table,
    /// Its terms in the table's order.
    pub terms: Vec<Term>,
    /// Its accesses in the table's order: each with what the units have in it.
    pub accesses: Vec<(Term, Vec<Part>)>,
}

/// One term of a sum.
#[derive(Clone, Copy, Debug, Default)]
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

/// What one unit has in an access.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The unit.
    pub unit: usize,
    /// How many words.
    pub count: u64,
    /// The size of their memory.
    pub size: Bytes,
    /// What one costs, in picojoules.
    pub cost: Cost,
}

impl Term {
    fn of(count: u64, cost: &Cost) -> Term {
        let joules = |picojoules: f64| Joules::of(count, picojoules);
        let Cost { low, typical, high } = *cost;
        Term { count, low: joules(low), typical: joules(typical), high: joules(high) }
    }

    fn plus(self, other: &Term) -> Term {
        Term {
            count: self.count + other.count,
            low: self.low + other.low,
            typical: self.typical + other.typical,
            high: self.high + other.high,
        }
    }
}

impl Table {
    /// Prices spikes, synaptic operations, multiply-adds and updates. Whatever else a table
    /// has a constant for counts nothing here, accesses to memory among it: of tables like
    /// `lemaire45`, `memory45` and `speck` that is a part or nothing. All of a run is what
    /// [`Table::price_units`] makes of [`super::Ledger::works`].
    ///
    /// # Panics
    /// As [`Table::price_units`].
    pub fn price(&self, counts: &UnitCounts) -> Energy {
        self.price_units(&[Work::of([
            (Count::Spikes, counts.spikes),
            (Count::SynapticOps, counts.synaptic_ops),
            (Count::MultiplyAdds, counts.multiply_adds),
            (Count::StateUpdates, counts.updates),
        ])])
    }

    /// Prices what each unit did.
    ///
    /// # Panics
    /// A table that [`Table::parse`] did not read, and would not: with a constant for what
    /// is not counted.
    pub fn price_units(&self, works: &[Work]) -> Energy {
        let term = |constant: &Constant| {
            let count = works.iter().map(|work| work[constant.count()]).sum();
            Term::of(count, &constant.cost())
        };
        Energy {
            table: self.clone(),
            terms: self.terms.iter().map(term).collect(),
            accesses: self.accesses.iter().map(|access| self.access(access, works)).collect(),
        }
    }

    fn access(&self, access: &Access, works: &[Work]) -> (Term, Vec<Part>) {
        let (Some(memory), count) = (&self.memory, access.count()) else {
            return (Term::default(), Vec::new());
        };
        let part = |(unit, work): (usize, &Work)| {
            let size = Bytes(work.memory(count).unwrap_or(0) * memory.word_bytes);
            Part { unit, count: work[count], size, cost: memory.cost(size) }
        };
        let parts: Vec<Part> =
            works.iter().enumerate().map(part).filter(|part| part.count > 0).collect();
        let terms = parts.iter().map(|part| Term::of(part.count, &part.cost));
        (terms.fold(Term::default(), |sum, term| sum.plus(&term)), parts)
    }
}

impl Energy {
    /// Sum of one column of all terms.
    pub fn sum(&self, column: fn(&Term) -> Joules) -> Joules {
        let accesses = self.accesses.iter().map(|(term, _)| term);
        self.terms.iter().chain(accesses).map(column).fold(Joules(0.0), |sum, term| sum + term)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        Table::all().unwrap().into_iter().find(|table| table.name == name).unwrap()
    }

    fn price(name: &str, synaptic_ops: u64, multiply_adds: u64) -> f64 {
        let counts = UnitCounts { synaptic_ops, multiply_adds, ..UnitCounts::default() };
        table(name).price(&counts).sum(|term| term.typical).0
    }

    #[test]
    fn the_published_rows_of_three_papers_come_out() {
        // CLIF (ICML 2024), table of energy: 84.86 M additions and 2.89 M
        // multiply-adds are 89.668 µJ; 25.09 M and 1080 M are 4990.58 µJ.
        assert!((1e6 * price("horowitz45", 84_860_000, 2_890_000) - 89.668).abs() < 1e-9);
        assert!((1e6 * price("horowitz45", 25_090_000, 1_080_000_000) - 4990.581).abs() < 1e-9);
        // Spikformer (ICLR 2023), table 2: 6.82 G operations are 0.525 mJ
        assert!((1e3 * price("spikformer", 6_820_000_000, 0) - 0.525).abs() < 5e-4);
    }

    /// By hand: two layers, of 2,048 and 5,120 words of weights in memories of 8 and 20 KiB,
    /// where an access is 10 and 15 pJ: half way between the knots of 8 and 32 KiB.
    #[test]
    fn accesses_cost_by_the_size_of_each_units_memory() {
        let reads = |count, words| Work::of([(Count::WeightReads, count)]).with([words, 0, 0, 0]);
        let energy = table("lemaire45").price_units(&[reads(1_000, 2_048), reads(200, 5_120)]);
        assert!((energy.sum(|term| term.typical).0 - 13_000e-12).abs() < 1e-20);
        assert!((energy.sum(|term| term.low).0 - 6_500e-12).abs() < 1e-20);
        let sizes: Vec<Bytes> = energy.accesses[0].1.iter().map(|part| part.size).collect();
        assert_eq!(sizes, [Bytes(8_192), Bytes(20_480)]);
    }

    /// By hand: an addition is 0.1 pJ, a
    /// multiplication with it 3.2 pJ.
    #[test]
    fn every_term_is_its_count_times_its_constant() {
        let work = Work::of([
            (Count::SynapticOps, 100),
            (Count::BiasAdds, 10),
            (Count::Leaks, 5),
            (Count::Spikes, 7),
            (Count::Addresses, 100),
            (Count::Places, 4),
        ]);
        let energy = table("lemaire45").price_units(&[work]);
        let expected = 1e-12 * (10.0 + 1.0 + 16.0 + 0.7 + 10.0 + 12.8);
        assert!((energy.sum(|term| term.typical).0 - expected).abs() < 1e-24);
    }
}
