//! Counts of every layer in every step.

use std::collections::BTreeMap;

use super::counts::UnitCounts;
use crate::engine::{Observer, Operations, Plan};
use crate::signal::Spikes;

/// An observer that counts by step; of steps in which nothing happens it keeps nothing.
#[derive(Clone, Debug)]
pub struct BySteps {
    counts: BTreeMap<(u64, usize), UnitCounts>,
    /// Whether a unit sends spikes, rather than values.
    spikes: Vec<bool>,
}

impl BySteps {
    /// Zeros for a network.
    pub fn new(plan: &Plan) -> BySteps {
        BySteps { counts: BTreeMap::new(), spikes: plan.spikes.clone() }
    }

    fn of(&mut self, step: u64, unit: usize) -> &mut UnitCounts {
        self.counts.entry((step, unit)).or_default()
    }

    /// Counts by step, then by unit.
    pub fn counts(&self) -> impl Iterator<Item = (u64, usize, UnitCounts)> + '_ {
        self.counts.iter().map(|(&(step, unit), &counts)| (step, unit, counts))
    }
}

impl Observer for BySteps {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if self.spikes[unit] && sent.total() > 0 {
            self.of(step, unit).spikes += sent.total();
        }
    }

    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        if operations != Operations::default() {
            let counts = self.of(step, unit);
            counts.synaptic_ops += operations.synaptic;
            counts.multiply_adds += operations.multiply_adds;
        }
    }
}
