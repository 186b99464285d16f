//! Counts of every layer in every step, as rows.

use crate::error::Result;
use crate::measure::{BySteps, UnitCounts};
use crate::network::Network;
use crate::units::Micros;

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
/// it is one; `step`; `from_us` as it began, since the run did or the first trial, of steps
/// that last `tick`, and nothing of slices, which last as long as it takes; `layer`, `kind`,
/// `spikes`, `synaptic_ops`, `multiply_adds`. Steps of an event-driven run are its ticks.
///
/// # Errors
/// None: it is written to memory.
pub fn csv(network: &Network, tick: Option<Micros>, runs: &[Counted<'_>]) -> Result<Vec<u8>> {
    let head =
        ["trial", "step", "from_us", "layer", "kind", "spikes", "synaptic_ops", "multiply_adds"];
    let text = |number: Option<String>| number.unwrap_or_default();
    let row = |run: &Counted<'_>, (step, unit, counts): (u64, usize, UnitCounts)| {
        let wired = &network.units[unit];
        let UnitCounts { spikes, synaptic_ops, multiply_adds, .. } = counts;
        let from = tick.map(|tick| run.start.0 + step as i64 * tick.0);
        [
            text(run.trial.map(|trial| trial.to_string())),
            step.to_string(),
            text(from.map(|from| from.to_string())),
            wired.name.clone(),
            wired.unit.nir().to_owned(),
            spikes.to_string(),
            synaptic_ops.to_string(),
            multiply_adds.to_string(),
        ]
    };
    super::csv(|writer| {
        writer.write_record(head)?;
        runs.iter().try_for_each(|run| {
            run.steps.counts().try_for_each(|counts| writer.write_record(row(run, counts)))
        })
    })
}
