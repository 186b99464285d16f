//! The trained network as the engine runs it: what is reported is what a replay gives.

use rayon::prelude::*;

use super::data::Data;
use crate::engine::{Clocked, Engine};
use crate::error::Result;
use crate::measure::{Accuracy, Counts, Readout, UnitCounts};
use crate::network::Network;
use crate::neuron::preset::Conventions;
use crate::units::Micros;

/// How the engine answered samples.
#[derive(Clone, Debug)]
pub struct Tested {
    /// Right answers.
    pub accuracy: Accuracy,
    /// What all samples together took.
    pub counts: UnitCounts,
    /// The outputs of each sample: spikes, or means over the steps.
    pub outputs: Vec<Readout>,
}

/// Runs samples through a network, in `steps` steps of `dt` each.
///
/// # Errors
/// Whatever the engine refuses.
pub fn test(
    network: &Network,
    conventions: &Conventions,
    (steps, dt): (usize, Micros),
    data: &Data,
    samples: &[usize],
) -> Result<Tested> {
    let engine = Clocked::new(network, conventions, dt)?;
    let run = |&sample: &usize| {
        let (mut state, mut counts) = (engine.start(), Counts::new(network, engine.plan()));
        data.slice(data.events(sample), false, |step, spikes| {
            engine.receive(&mut state, step, spikes, &mut counts);
        });
        engine.finish(&mut state, steps as u64, &mut counts);
        (counts.readout(steps as u64), counts.total())
    };
    let answers: Vec<(Readout, UnitCounts)> = samples.par_iter().map(run).collect();
    let mut tested = Tested {
        accuracy: Accuracy::default(),
        counts: UnitCounts::default(),
        outputs: Vec::with_capacity(samples.len()),
    };
    for (&sample, (readout, counts)) in samples.iter().zip(answers) {
        tested.accuracy.add(readout.prediction() == Some(data.class(sample)));
        tested.counts = tested.counts + counts;
        tested.outputs.push(readout);
    }
    Ok(tested)
}
