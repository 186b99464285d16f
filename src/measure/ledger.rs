//! The whole account of a run: operations, updates, words, by unit.
//!
//! [`Counts`] has what every run counts. A [`Watch`] beside it counts what costs time:
//! NeuroBench's effective operations and changed states. The rest follows from the two
//! and from the network.
//!
//! **Effective operations.** A call is what one source sends to a connection in one step.
//! If all of its entries are −1, 0 or 1, each weight other than 0 that an entry other than
//! 0 meets is an addition, else a multiplication and an addition. Biases are not counted.
//!
//! ```
//! use synops::format::Recording;
//! use synops::measure::{Ledger, Table};
//! use synops::network::{Network, nir};
//! use synops::replay::{Advance, Replay, Settings};
//! use synops::bundled;
//!
//! # fn main() -> synops::error::Result<()> {
//! let network = Network::new(nir::from_bytes(bundled::NETWORK.bytes.to_vec())?)?;
//! let mut recording = Recording::from_bytes(bundled::RECORDING.name, bundled::RECORDING.bytes)?;
//! let conventions = network.convention.clone().unwrap_or_default();
//! let settings = Settings { conventions, to: Some("1s".parse()?), ..Settings::default() };
//! let is_clocked = settings.advance == Advance::Clocked;
//! let ledger = Ledger::new(&network, &settings.conventions, settings.dt, is_clocked)?;
//! let replay = Replay::new(&network, settings)?;
//!
//! let mut watch = ledger.watch();
//! let (_, answer) = replay.run(&mut recording, &mut watch, |_| ())?;
//! let works = ledger.works(&answer.counts, &watch, answer.steps);
//! for table in Table::all()? {
//!     let energy = table.price_units(&works);
//!     let low_to_high = [energy.sum(|term| term.low), energy.sum(|term| term.high)];
//!     println!("{}: {} to {}", table.name, low_to_high[0], low_to_high[1]);
//!     assert!(energy.sum(|term| term.typical).0 > 0.0);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! **Source.** NeuroBench 2.3.0, `metrics/workload/synaptic_operations.py`,
//! `membrane_updates.py`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use super::counts::Counts;
use super::work::{Count, Work};
use crate::engine::Observer;
use crate::error::Result;
use crate::layer::{Connection, Weighted};
use crate::network::{Network, Unit, Wired};
use crate::neuron::flow::Drive;
use crate::neuron::preset::Conventions;
use crate::signal::{Accumulator, Spikes};
use crate::units::Micros;

/// What is to be known of a network before its runs can be accounted for.
pub struct Ledger {
    units: Vec<Facts>,
    is_clocked: bool,
    dt: Micros,
}

/// What is to be known of a unit.
struct Facts {
    kind: Kind,
    /// Words in each memory.
    words: [u64; 4],
    /// Whether nothing with weights is between it and the input.
    is_first: bool,
}

enum Kind {
    Input,
    Population { neurons: u64, variables: u64, leaks: bool },
    Weighted { synapses: FanOut, inputs: u64, outputs: u64, has_bias: bool, is_kernel: bool },
    Other,
}

/// How many weights other than 0 leave each address, worked out when first asked for.
struct FanOut {
    weighted: Box<dyn Weighted>,
    known: Vec<AtomicU32>,
    outputs: usize,
}

const UNKNOWN: u32 = u32::MAX;

/// Words of the queue in which spikes wait, behind a population and before a connection: as
/// in the experiments of Lemaire et al., ICONIP 2022.
const QUEUE: u64 = 1_000;

impl FanOut {
    fn of(&self, address: u32, room: &mut Option<Accumulator>) -> u64 {
        let place = &self.known[address as usize];
        match place.load(Ordering::Relaxed) {
            UNKNOWN => {
                let sums = room.get_or_insert_with(|| Accumulator::new(self.outputs));
                let (mut spike, mut reached) = (Spikes::default(), Spikes::default());
                spike.push(address, 1.0, 1);
                self.weighted.scatter(&spike, &mut sums.whole());
                sums.list(self.outputs, &mut reached);
                sums.clear();
                place.store(reached.len() as u32, Ordering::Relaxed);
                reached.len() as u64
            }
            known => known.into(),
        }
    }
}

impl Ledger {
    /// For runs of a network by these conventions, in steps of `dt` if clocked.
    ///
    /// # Errors
    /// What binding the network refuses.
    pub fn new(
        network: &Network,
        conventions: &Conventions,
        dt: Micros,
        is_clocked: bool,
    ) -> Result<Ledger> {
        let facts = |wired: &Wired| {
            let kind = Kind::of(wired, conventions, dt, is_clocked)?;
            Ok(Facts { words: kind.words(wired), kind, is_first: false })
        };
        let mut units = network.units.iter().map(facts).collect::<Result<Vec<Facts>>>()?;
        for unit in reached_by_the_input(network, &units) {
            units[unit].is_first = true;
        }
        Ok(Ledger { units, is_clocked, dt })
    }

    /// An observer for one run.
    pub fn watch(&self) -> Watch<'_> {
        Watch {
            ledger: self,
            seen: vec![Seen::default(); self.units.len()],
            rooms: self.units.iter().map(|_| None).collect(),
        }
    }

    /// Whether a connection takes the input as it is, or as routes pass it on.
    pub fn is_first(&self, unit: usize) -> bool {
        self.units[unit].is_first
    }

    /// The account of a run of so many steps, by unit.
    pub fn works(&self, counts: &Counts, watch: &Watch<'_>, steps: u64) -> Vec<Work> {
        let units = self.units.iter().enumerate();
        units.map(|(unit, facts)| self.work(facts, counts, watch, unit, steps)).collect()
    }

    fn work(
        &self,
        facts: &Facts,
        counts: &Counts,
        watch: &Watch<'_>,
        unit: usize,
        steps: u64,
    ) -> Work {
        let (counts, seen) = (&counts.units[unit], &watch.seen[unit]);
        let work = match &facts.kind {
            Kind::Input => Work::of([
                (Count::InputEvents, counts.spikes),
                (Count::Microseconds, steps * self.dt.0 as u64),
            ]),
            Kind::Population { neurons, variables, leaks } => {
                let all = neurons * steps;
                let updates = if self.is_clocked { all } else { counts.updates };
                let at_first = if steps > 0 && self.is_clocked { *neurons } else { 0 };
                Work::of([
                    (Count::Spikes, counts.spikes),
                    (Count::Activations, seen.active),
                    (Count::NeuronSteps, all),
                    (Count::StateUpdates, updates),
                    (Count::Leaks, if *leaks { updates } else { 0 }),
                    (Count::MembraneUpdates, at_first + seen.changed),
                    (Count::StateReads, variables * updates),
                    (Count::StateWrites, variables * updates),
                    (Count::OutputWrites, counts.spikes),
                ])
            }
            Kind::Weighted { synapses, outputs, has_bias, is_kernel, .. } => {
                let biases = if *has_bias && self.is_clocked { outputs * steps } else { 0 };
                let operations = counts.synaptic_ops + counts.multiply_adds;
                Work::of([
                    (Count::SynapticOps, counts.synaptic_ops),
                    (Count::MultiplyAdds, counts.multiply_adds),
                    (Count::EffectiveAcs, seen.additions),
                    (Count::EffectiveMacs, seen.multiplications),
                    (Count::DenseOps, synapses.weighted.synapses() * steps),
                    (Count::BiasAdds, biases),
                    (Count::Addresses, operations),
                    (Count::Places, if *is_kernel { 2 * seen.heard } else { 0 }),
                    (Count::WeightReads, operations + biases),
                    (Count::StateReads, operations),
                    (Count::StateWrites, operations),
                    (Count::InputReads, seen.heard),
                ])
            }
            Kind::Other => Work::default(),
        };
        work.with(facts.words)
    }

    /// Of what a run did, what it would have done in silence.
    pub fn standing(&self, works: &[Work]) -> Vec<Work> {
        let variables = |facts: &Facts| match facts.kind {
            Kind::Population { variables, .. } => variables,
            _ => 0,
        };
        let units = works.iter().zip(&self.units);
        units.map(|(work, facts)| work.standing(self.is_clocked, variables(facts))).collect()
    }

    /// What a network without spikes of the same shape does in one pass: each synapse is a
    /// multiplication, which reads its weight and its input and keeps the sum in a register.
    pub fn dense(&self) -> Vec<Work> {
        let work = |facts: &Facts| match &facts.kind {
            Kind::Weighted { synapses, inputs, outputs, has_bias, .. } => {
                let synapses = synapses.weighted.synapses();
                let biases = if *has_bias { *outputs } else { 0 };
                let counts = [
                    (Count::MultiplyAdds, synapses),
                    (Count::BiasAdds, biases),
                    (Count::WeightReads, synapses + biases),
                    (Count::InputReads, synapses),
                    (Count::OutputWrites, *outputs),
                ];
                let [weights, sums, ..] = facts.words;
                Work::of(counts).with([weights, sums, *inputs, *outputs])
            }
            _ => Work::default(),
        };
        self.units.iter().map(work).collect()
    }
}

impl Kind {
    fn of(wired: &Wired, conventions: &Conventions, dt: Micros, is_clocked: bool) -> Result<Kind> {
        let outputs = wired.output.len();
        Ok(match &wired.unit {
            Unit::Input => Kind::Input,
            Unit::Output => Kind::Other,
            Unit::Neuron(neuron) => {
                let (dt, shape) = (dt.seconds(), &wired.output);
                let variables = match neuron.at(dt, shape, conventions) {
                    Ok(population) => population.variables(),
                    Err(error) if is_clocked => return Err(error),
                    // some times are no steps
                    Err(_) => neuron.flow(dt, shape, conventions, &Drive::none())?.variables(),
                };
                Kind::Population {
                    neurons: outputs as u64,
                    variables: variables as u64,
                    leaks: neuron.leaks(conventions)?,
                }
            }
            Unit::Layer(layer) => match layer.bind(&wired.input)? {
                Connection::Weighted(weighted) => Kind::Weighted {
                    has_bias: weighted.bias().is_some(),
                    is_kernel: layer.nir().starts_with("Conv"),
                    inputs: wired.input.len() as u64,
                    outputs: outputs as u64,
                    synapses: FanOut {
                        weighted,
                        known: (0..wired.input.len()).map(|_| AtomicU32::new(UNKNOWN)).collect(),
                        outputs,
                    },
                },
                _ => Kind::Other,
            },
        })
    }

    fn words(&self, wired: &Wired) -> [u64; 4] {
        match self {
            Kind::Population { neurons, variables, .. } => [0, neurons * variables, 0, QUEUE],
            Kind::Weighted { outputs, .. } => {
                [wired.unit.parameters() as u64, *outputs, QUEUE, QUEUE]
            }
            Kind::Input | Kind::Other => [0; 4],
        }
    }
}

/// The connections that hear the input, directly or by way of routes.
fn reached_by_the_input(network: &Network, units: &[Facts]) -> Vec<usize> {
    let (mut reached, mut passes) = (BTreeSet::from([network.input]), vec![network.input]);
    while let Some(source) = passes.pop() {
        for unit in (0..units.len()).filter(|&u| network.units[u].sources.contains(&source)) {
            // delays can close a loop
            let is_new = reached.insert(unit);
            if is_new && matches!(units[unit].kind, Kind::Other) {
                passes.push(unit);
            }
        }
    }
    let weighted = |unit: &usize| matches!(units[*unit].kind, Kind::Weighted { .. });
    reached.into_iter().filter(weighted).collect()
}

/// Counts what a run does beyond [`Counts`].
pub struct Watch<'l> {
    ledger: &'l Ledger,
    seen: Vec<Seen>,
    rooms: Vec<Option<Accumulator>>,
}

/// What was seen of a unit.
#[derive(Clone, Copy, Default)]
struct Seen {
    heard: u64,
    active: u64,
    crowded: u64,
    additions: u64,
    multiplications: u64,
    changed: u64,
}

impl Watch<'_> {
    /// Entries of the input that were more than one event.
    pub fn crowded(&self) -> u64 {
        let inputs = self.ledger.units.iter().zip(&self.seen);
        let inputs = inputs.filter(|(facts, _)| matches!(facts.kind, Kind::Input));
        inputs.map(|(_, seen)| seen.crowded).sum()
    }
}

impl Observer for Watch<'_> {
    fn sent(&mut self, _step: u64, unit: usize, sent: &Spikes) {
        let seen = &mut self.seen[unit];
        seen.active += sent.value.iter().filter(|&&value| value != 0.0).count() as u64;
        seen.crowded += sent.count.iter().filter(|&&count| count > 1).count() as u64;
    }

    fn heard(&mut self, _step: u64, unit: usize, entries: &Spikes) {
        let Kind::Weighted { synapses, .. } = &self.ledger.units[unit].kind else { return };
        let (seen, room) = (&mut self.seen[unit], &mut self.rooms[unit]);
        let present = entries.iter().filter(|(_, value, _)| *value != 0.0);
        let operations: u64 = present.map(|(address, ..)| synapses.of(address, room)).sum();
        match entries.value.iter().all(|value| [-1.0, 0.0, 1.0].contains(value)) {
            true => seen.additions += operations,
            false => seen.multiplications += operations,
        }
        seen.heard += entries.total();
    }

    fn watches_states(&self, unit: usize) -> bool {
        matches!(self.ledger.units[unit].kind, Kind::Population { .. })
    }

    fn changed(&mut self, step: u64, unit: usize, neurons: u64) {
        if step > 0 {
            self.seen[unit].changed += neurons;
        }
    }
}
