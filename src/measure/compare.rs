//! The same work by other networks of the same shape, and by other readings.
//!
//! | rival | what it does |
//! |---|---|
//! | dense | every synapse multiplies once: a network without spikes and without time |
//! | quantised | the same with activations of b = ⌈log2(T + 1)⌉ bits, as many values as a spike count over T steps has |
//!
//! Where a table's numbers are integers of B bits, a multiplication by b bits costs b/B of
//! one by B: as many partial products. A rival reads a weight and an activation for each
//! multiplication and keeps sums in a register.
//!
//! **Break-even.** The spike rate at which both cost the same, if all that the spikes cause
//! grows with them and the events along, and the rest stands:
//!
//! ```text
//! r* = r (E_rival − E_standing) / (E − E_standing)
//! ```
//!
//! With arithmetic alone and every input as active as the neurons that is
//! E_MAC / (T E_AC).
//!
//! **Source.** Matching T steps by ⌈log2(T + 1)⌉ bits: arXiv 2409.08290.

use super::energy::Table;
use super::ledger::Ledger;
use super::work::{Count, Work};
use crate::units::Joules;

/// What runs come to beside other networks.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Spikes a neuron and step.
    pub rate: Option<f64>,
    /// The other networks.
    pub rivals: Vec<Rival>,
    /// The runs, if the connections that hear the input multiplied every value of every step,
    /// as conventions for frames have it.
    pub as_frames: Joules,
}

/// Another network of the same shape.
#[derive(Clone, Debug)]
pub struct Rival {
    /// Its name above.
    pub name: &'static str,
    /// Bits of its activations; none as the table's numbers.
    pub bits: Option<u32>,
    /// What it costs in as many runs.
    pub energy: Joules,
    /// The rate at which the spiking network would cost the same; none if its costs do
    /// not grow with spikes.
    pub break_even: Option<f64>,
}

/// Compares `runs` runs of `steps` steps in all, whose work by unit is summed in `works`, by
/// the published figures of a table; none where that has no multiplications.
pub fn compare(
    table: &Table,
    ledger: &Ledger,
    works: &[Work],
    runs: u64,
    steps: u64,
) -> Option<Comparison> {
    table.constant(Count::MultiplyAdds)?;
    let energy = |table: &Table, works: &[Work]| table.price_units(works).sum(|t| t.typical).0;
    let all = works.iter().fold(Work::default(), |sum, work| sum + *work);
    let neuron_steps = all[Count::NeuronSteps];
    let rate = (neuron_steps > 0).then(|| all[Count::Spikes] as f64 / neuron_steps as f64);
    let standing = energy(table, &ledger.standing(works));
    let by_spikes = energy(table, works) - standing;
    let rival = |name, bits, table: &Table| {
        let works: Vec<Work> = ledger.dense().iter().map(|work| work.times(runs)).collect();
        let cost = energy(table, &works);
        let break_even = rate.filter(|_| by_spikes > 0.0);
        let break_even = break_even.map(|rate| rate * (cost - standing).max(0.0) / by_spikes);
        Rival { name, bits, energy: Joules(cost), break_even }
    };
    let bits = bits_of(steps.div_ceil(runs.max(1)));
    let quantised = table.with_activations_of(bits);
    let rivals = [
        Some(rival("dense", None, table)),
        quantised.map(|table| rival("quantised", Some(bits), &table)),
    ];
    let frames: Vec<Work> = works
        .iter()
        .enumerate()
        .map(|(unit, work)| match ledger.is_first(unit) {
            true => ledger.dense()[unit].times(steps),
            false => *work,
        })
        .collect();
    Some(Comparison {
        rate,
        rivals: rivals.into_iter().flatten().collect(),
        as_frames: Joules(energy(table, &frames)),
    })
}

/// ⌈log2(n + 1)⌉: the bits of the numbers from 0 to n.
fn bits_of(n: u64) -> u32 {
    u64::BITS - n.leading_zeros()
}

impl Table {
    /// The same with multiplications by activations of so many bits; none where the
    /// numbers are no integers.
    fn with_activations_of(&self, bits: u32) -> Option<Table> {
        let (own, add) = (self.bits?, self.constant(Count::SynapticOps)?.cost());
        let share = f64::from(bits) / f64::from(own);
        let mut table = self.clone();
        let constant =
            table.terms.iter_mut().find(|constant| constant.count() == Count::MultiplyAdds)?;
        for (cost, add) in [
            (&mut constant.low, add.low),
            (&mut constant.typical, add.typical),
            (&mut constant.high, add.high),
        ] {
            *cost = add + (*cost - add) * share;
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T = 5 makes 3 bits, T = 7 too, T = 8 makes 4.
    #[test]
    fn a_count_of_spikes_has_so_many_bits() {
        assert_eq!([1, 5, 7, 8, 300].map(bits_of), [1, 3, 3, 4, 9]);
    }
}
