//! Counts of every layer in every step.

use std::collections::BTreeMap;

use super::counts::UnitCounts;
use crate::engine::{Observer, Operations, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::network::Network;
use crate::signal::Spikes;
use crate::units::Micros;

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

/// A run whose counts are written, or that of a trial.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The trial's number, from 1 on; none of a whole recording.
    pub trial: Option<usize>,
    /// When its step 0 began.
    pub start: Micros,
    /// What was counted.
    pub steps: &'a BySteps,
}

/// A row for every layer in every step in which it did something, run by run: `trial`, if
/// it is one; `step`; `from_us` as it began, of steps that last `tick`, and nothing of slices,
/// which last as long as it takes; `layer`, `kind`, `spikes`, `synaptic_ops`,
/// `multiply_adds`. Steps of an event-driven run are its ticks.
///
/// # Errors
/// None: it is written to memory.
pub fn csv(network: &Network, tick: Option<Micros>, runs: &[Counted<'_>]) -> Result<Vec<u8>> {
    let fail = |e: csv::Error| Error::new(ErrorKind::Unsupported, e.to_string(), "rows");
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head =
        ["trial", "step", "from_us", "layer", "kind", "spikes", "synaptic_ops", "multiply_adds"];
    writer.write_record(head).map_err(fail)?;
    for &Counted { trial, start, steps } in runs {
        for (step, unit, counts) in steps.counts() {
            let wired = &network.units[unit];
            let UnitCounts { spikes, synaptic_ops, multiply_adds, .. } = counts;
            let from = tick.map(|tick| start.0 + step as i64 * tick.0);
            let numbers = [spikes, synaptic_ops, multiply_adds].map(|number| number.to_string());
            let text = |number: Option<String>| number.unwrap_or_default();
            let trial = text(trial.map(|trial| trial.to_string()));
            let from = text(from.map(|from| from.to_string()));
            let names = [wired.name.clone(), wired.unit.nir().to_owned()];
            let row = [trial, step.to_string(), from].into_iter().chain(names);
            writer.write_record(row.chain(numbers)).map_err(fail)?;
        }
    }
    writer.into_inner().map_err(|e| fail(e.into_error().into()))
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
