//! What an access costs, by the size of the memory.
//!
//! **Source.** Knots of E. Lemaire et al., An analytical estimation of spiking neural
//! networks energy efficiency, ICONIP 2022, as SpikingJelly and CLIF code them: 0, 10, 20 and
//! 100 pJ at 0 B, 8 KiB, 32 KiB and 1 MiB. The size is that of the memory, never the number
//! of accesses, and every segment starts where the last one ended.

use serde::{Deserialize, Serialize};

use super::source::Certainty;
use crate::units::Bytes;

/// Picojoules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// The least that is defensible.
    pub low: f64,
    /// The published figure.
    pub typical: f64,
    /// The most that is defensible.
    pub high: f64,
}

/// The cost of an access at one size.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Knot {
    /// The size of the memory.
    pub bytes: u64,
    /// The least that is defensible, in picojoules.
    pub low: f64,
    /// The published figure.
    pub typical: f64,
    /// The most that is defensible.
    pub high: f64,
}

/// What accesses cost.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryModel {
    /// Bytes of a word, which is what an access moves.
    pub word_bytes: u64,
    /// Costs by size, ascending.
    pub knots: Vec<Knot>,
    /// Who published these, if not who published the table.
    pub citation: Option<String>,
    /// How sure it is that they did, if not as sure as of the table.
    pub certainty: Option<Certainty>,
    /// The largest memory that is near.
    pub buffer_bytes: Option<u64>,
    /// What an access to a larger one costs.
    pub beyond: Option<Beyond>,
}

/// What an access costs to a memory that does not fit into the buffer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Beyond {
    /// The least that is defensible, in picojoules.
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

impl Beyond {
    fn cost(&self) -> Cost {
        Cost { low: self.low, typical: self.typical, high: self.high }
    }
}

impl MemoryModel {
    /// The cost of an access to a memory of this size.
    pub fn cost(&self, size: Bytes) -> Cost {
        if let Some(beyond) = self.beyond(size) {
            return beyond.cost();
        }
        let column = |of: fn(&Knot) -> f64| self.between(size.0, of);
        Cost { low: column(|k| k.low), typical: column(|k| k.typical), high: column(|k| k.high) }
    }

    /// What an access to a memory of this size costs because it does not fit into the buffer.
    fn beyond(&self, size: Bytes) -> Option<&Beyond> {
        self.beyond.as_ref().filter(|_| self.buffer_bytes.is_some_and(|buffer| size.0 > buffer))
    }

    /// Where the cost at this size is from, where that is not where the table is from.
    pub fn source(&self, size: Bytes) -> (Option<&str>, Option<Certainty>) {
        match self.beyond(size) {
            Some(beyond) => (beyond.citation.as_deref(), beyond.certainty),
            None => (self.citation.as_deref(), self.certainty),
        }
    }

    /// The citations of its own.
    pub fn citations(&self) -> impl Iterator<Item = &str> {
        let beyond = self.beyond.as_ref().and_then(|beyond| beyond.citation.as_deref());
        self.citation.as_deref().into_iter().chain(beyond)
    }

    /// How sure its costs are, where not as sure as the table.
    pub fn certainties(&self) -> impl Iterator<Item = Option<Certainty>> {
        std::iter::once(self.certainty).chain(self.beyond.iter().map(|beyond| beyond.certainty))
    }

    /// Linear between knots, flat behind the last.
    fn between(&self, bytes: u64, of: fn(&Knot) -> f64) -> f64 {
        let above = self.knots.partition_point(|knot| knot.bytes < bytes);
        match (self.knots[..above].last(), self.knots.get(above)) {
            (Some(low), Some(high)) => {
                let share = (bytes - low.bytes) as f64 / (high.bytes - low.bytes) as f64;
                of(low) + share * (of(high) - of(low))
            }
            (Some(only), None) | (None, Some(only)) => of(only),
            (None, None) => 0.0,
        }
    }

    /// What is wrong with it.
    pub fn fault(&self) -> Option<String> {
        let ascends = self.knots.windows(2).all(|pair| pair[0].bytes < pair[1].bytes);
        let ordered =
            |low: f64, typical: f64, high: f64| 0.0 <= low && low <= typical && typical <= high;
        let costs = self.knots.iter().map(|knot| (knot.low, knot.typical, knot.high));
        let beyond = self.beyond.iter().map(|cost| (cost.low, cost.typical, cost.high));
        let costs = costs.chain(beyond);
        let wrong = costs.into_iter().find(|&(low, typical, high)| !ordered(low, typical, high));
        match (wrong, self.word_bytes, self.knots.is_empty(), ascends) {
            (Some((low, typical, high)), ..) => Some(format!("costs {low}, {typical}, {high}")),
            (None, 0, ..) => Some("words of 0 bytes".into()),
            (None, _, true, _) => Some("no knots".into()),
            (None, _, _, false) => Some("knots out of order".into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Table;

    fn memory(name: &str) -> MemoryModel {
        let tables = Table::all().unwrap();
        tables.into_iter().find(|table| table.name == name).unwrap().memory.unwrap()
    }

    /// The published knots, a point between two, and what CLIF's code gets wrong: it falls to
    /// 0 above 8 KiB.
    #[test]
    fn knots_are_met_and_nothing_falls_between_them() {
        let memory = memory("lemaire45");
        let at = |bytes: u64| memory.cost(Bytes(bytes)).typical;
        let knots = [(0, 0.0), (8 << 10, 10.0), (32 << 10, 20.0), (1 << 20, 100.0)];
        knots.iter().for_each(|&(bytes, cost)| assert_eq!(at(bytes), cost));
        assert_eq!((at(20 << 10), at(4 << 10)), (15.0, 5.0));
        assert_eq!(at(1 << 30), 100.0, "flat behind the last");
        let rising = (0..(1 << 20)).step_by(512).map(at).collect::<Vec<_>>();
        assert!(rising.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] < 0.7));
    }

    /// DRAM: 1.3 to 2.6 nJ for 64 bits, half of the least where two words share an access.
    #[test]
    fn what_does_not_fit_is_beyond() {
        let mut memory = memory("memory45");
        assert_eq!(memory.cost(Bytes(1 << 20)).typical, 100.0);
        let beyond = memory.cost(Bytes((1 << 20) + 1));
        assert_eq!((beyond.low, beyond.typical, beyond.high), (650.0, 1300.0, 2600.0));
        memory.buffer_bytes = Some(1 << 10);
        assert_eq!(memory.cost(Bytes(1 << 20)).high, 2600.0);
    }
}
