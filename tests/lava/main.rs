//! Lava and lava-dl: Loihi's integers, and networks as lava-dl writes them.

mod compartments;
mod networks;
mod numpy;

use std::collections::BTreeSet;
use std::path::PathBuf;

use synops::engine::{Clocked, Engine, EventDriven, Observer};
use synops::network::Network;
use synops::neuron::preset::Conventions;
use synops::signal::Spikes;
use synops::units::Micros;

/// The folder of golden recordings.
fn data() -> Option<PathBuf> {
    let data = std::env::var_os("SYNOPS_DATA").map(|data| PathBuf::from(data).join("lava-dl"));
    if data.is_none() {
        eprintln!("SYNOPS_DATA is not set: skipped");
    }
    data
}

/// What the output sends, as `(neuron, step)`.
struct Sent<'n> {
    network: &'n Network,
    all: Vec<(usize, usize)>,
}

impl Observer for Sent<'_> {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit == self.network.output {
            let shape = &self.network.units[unit].output;
            let neurons = sent.index.iter().map(|&address| shape.element(address as usize));
            self.all.extend(neurons.map(|neuron| (neuron, step as usize)));
        }
    }
}

/// The output's spikes for `(element, step)` of the input, in order; one spike
/// where several coincide. Skipping what is quiet must not change them.
fn run(
    network: &Network,
    convention: &str,
    input: &[(usize, usize)],
    steps: usize,
) -> Vec<(usize, usize)> {
    let conventions: Conventions = convention.parse().unwrap();
    let dt = Micros(1000);
    let clocked = Clocked::new(network, &conventions, dt).unwrap();
    let sent = run_on(&clocked, network, input, steps);
    let quanta = EventDriven::in_quanta(network, &conventions, dt).unwrap();
    assert_eq!(run_on(&quanta, network, input, steps), sent, "clocked and event-driven");
    sent
}

fn run_on(
    engine: &impl Engine,
    network: &Network,
    input: &[(usize, usize)],
    steps: usize,
) -> Vec<(usize, usize)> {
    let shape = &network.units[network.input].output;
    let mut by_step = vec![BTreeSet::new(); steps];
    for &(element, step) in input {
        by_step[step].insert(shape.address(element) as u32);
    }
    let mut state = engine.start();
    let mut sent = Sent { network, all: Vec::new() };
    for (step, addresses) in by_step.iter().enumerate() {
        let mut spikes = Spikes::default();
        addresses.iter().for_each(|&address| spikes.push(address, 1.0, 1));
        if !spikes.is_empty() {
            engine.receive(&mut state, step as u64, &spikes, &mut sent);
        }
    }
    engine.finish(&mut state, steps as u64, &mut sent);
    sent.all.sort();
    sent.all
}
