//! The clocked engine: every unit once a step, in steps of one length, at a cost
//! that follows the spikes.
//!
//! Within a step units are evaluated in the network's order. A connection
//! scatters the spikes of the step; a population visits the blocks of neurons
//! that something was added to, and those that are still on the move. A signal
//! that closes a loop is heard one step later, because its sender is evaluated
//! after its receiver.

mod bind;
mod cells;

use super::{Observer, Operations};
use crate::layer::{Routed, Weighted};
use crate::neuron::Population;
use crate::signal::{Accumulator, Merge, Spikes};
use cells::Cells;

/// A network bound to a step length and a convention. It does not change while
/// it runs: what does is in a [`State`].
pub struct Clocked {
    nodes: Vec<Node>,
    sequence: Vec<usize>,
    input: usize,
    notes: Vec<String>,
}

struct Node {
    work: Work,
    sources: Vec<usize>,
    /// Number of addresses that it sends from.
    len: usize,
    /// Whether it sends spikes; otherwise values, each a multiplication.
    spikes: bool,
    /// Whether its sums are read as a list too, not only by a population.
    listed: bool,
    /// Whether what it sends in a step is known before the step.
    sends_later: bool,
}

enum Work {
    Input,
    Output,
    Population(Box<dyn Population>),
    Weighted(Box<dyn Weighted>),
    Routed(Box<dyn Routed>),
    /// The delay of each address, in steps.
    Delayed(Vec<u32>),
}

/// Everything that changes while a network runs.
pub struct State {
    step: u64,
    units: Vec<UnitState>,
}

#[derive(Default)]
struct UnitState {
    /// What the others hear.
    sent: Spikes,
    memory: Memory,
}

#[derive(Default)]
enum Memory {
    #[default]
    None,
    Population {
        cells: Cells,
        /// Inputs that come as lists.
        sums: Accumulator,
        /// Fired, and sent in the next step.
        pending: Spikes,
    },
    Weighted(Accumulator),
    Routed(Merge),
    Delayed {
        /// Entries by the step in which they leave, modulo its length.
        ring: Vec<Vec<(u32, f32, u32)>>,
        merge: Merge,
    },
}

impl Clocked {
    /// What a report should say about running this network so.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Units in the order in which a step evaluates them.
    pub fn sequence(&self) -> &[usize] {
        &self.sequence
    }

    /// Synapses of connection `unit`; none of a unit without weights.
    pub fn synapses(&self, unit: usize) -> Option<u64> {
        match &self.nodes[unit].work {
            Work::Weighted(weighted) => Some(weighted.synapses()),
            _ => None,
        }
    }

    /// Whether unit `unit` sends spikes, rather than values.
    pub fn sends_spikes(&self, unit: usize) -> bool {
        self.nodes[unit].spikes
    }

    /// Advances `state` by one step with this input.
    pub fn step(&self, state: &mut State, input: &Spikes, observer: &mut impl Observer) {
        let later = (0..self.nodes.len()).filter(|&unit| self.nodes[unit].sends_later);
        later.for_each(|unit| state.units[unit].send_what_is_due(state.step));
        for &unit in &self.sequence {
            // taken out, so that the others can be read while it changes
            let mut own = std::mem::take(&mut state.units[unit]);
            let operations = match unit == self.input {
                true => {
                    own.sent.clone_from(input);
                    Operations::default()
                }
                false => self.evaluate(unit, &mut own, &state.units, state.step),
            };
            if operations != Operations::default() {
                observer.operated(state.step, unit, operations);
            }
            let sent = match &own.memory {
                Memory::Population { pending, .. } if self.nodes[unit].sends_later => pending,
                _ => &own.sent,
            };
            if !sent.is_empty() {
                observer.sent(state.step, unit, sent);
            }
            state.units[unit] = own;
        }
        state.step += 1;
    }

    /// Whether a step without input would change nothing and send nothing.
    pub fn is_at_rest(&self, state: &State) -> bool {
        state.units.iter().all(|unit| {
            unit.sent.is_empty()
                && match &unit.memory {
                    Memory::None | Memory::Routed(_) => true,
                    Memory::Weighted(sums) => sums.is_silent(),
                    Memory::Population { cells, pending, .. } => {
                        cells.are_at_rest() && pending.is_empty()
                    }
                    Memory::Delayed { ring, .. } => ring.iter().all(Vec::is_empty),
                }
        })
    }

    /// Passes over a step that [`Clocked::is_at_rest`] says is empty.
    pub fn skip(&self, state: &mut State) {
        state.step += 1;
    }

    fn evaluate(
        &self,
        unit: usize,
        own: &mut UnitState,
        others: &[UnitState],
        step: u64,
    ) -> Operations {
        let node = &self.nodes[unit];
        let UnitState { sent, memory } = own;
        // a unit that hears itself hears what it sent in the last step
        let echo = if node.sources.contains(&unit) { sent.clone() } else { Spikes::default() };
        let signal = |source: usize| if source == unit { &echo } else { &others[source].sent };
        let heard = || node.sources.iter().map(|&source| (source, signal(source)));
        match (&node.work, memory) {
            (Work::Weighted(weighted), Memory::Weighted(sums)) => {
                sums.clear();
                let mut operations = Operations::default();
                for (source, spikes) in heard().filter(|(_, spikes)| !spikes.is_empty()) {
                    let count = weighted.scatter(spikes, sums);
                    match self.nodes[source].spikes {
                        true => operations.synaptic += count,
                        false => operations.multiply_adds += count,
                    }
                }
                if node.listed {
                    sent.clear();
                    sums.list(node.len, sent);
                }
                return operations;
            }
            (Work::Routed(routed), Memory::Routed(merge)) => {
                heard().for_each(|(_, spikes)| routed.route(spikes, merge));
                sent.clear();
                merge.drain(sent, |value| routed.finish(value));
            }
            (Work::Delayed(steps), Memory::Delayed { ring, merge }) => {
                for (address, value, count) in heard().flat_map(|(_, spikes)| spikes.iter()) {
                    let due = step + u64::from(steps[address as usize]);
                    let slot = (due % ring.len() as u64) as usize;
                    ring[slot].push((address, value, count));
                }
                if !node.sends_later {
                    sent.clear();
                    leave(ring, step, merge, sent);
                }
            }
            (Work::Population(population), Memory::Population { cells, sums, pending }) => {
                sums.clear();
                let mut direct = Vec::with_capacity(node.sources.len() + 1);
                for &source in &node.sources {
                    match &others[source].memory {
                        Memory::Weighted(sums) => direct.push(sums),
                        _ => signal(source).iter().for_each(|(a, v, _)| sums.add(a as usize, v)),
                    }
                }
                if direct.len() < node.sources.len() {
                    direct.push(sums);
                }
                let out = if node.sends_later { pending } else { sent };
                out.clear();
                cells.step(population.as_ref(), &direct, node.spikes, out);
            }
            (Work::Output, Memory::Routed(merge)) => {
                for (address, value, count) in heard().flat_map(|(_, spikes)| spikes.iter()) {
                    merge.add(address, value, count);
                }
                sent.clear();
                merge.drain(sent, |value| value);
            }
            (_, _) => unreachable!("a unit's memory is made for its work"),
        }
        Operations::default()
    }
}

impl UnitState {
    fn send_what_is_due(&mut self, step: u64) {
        self.sent.clear();
        match &mut self.memory {
            Memory::Delayed { ring, merge } => leave(ring, step, merge, &mut self.sent),
            Memory::Population { pending, .. } => std::mem::swap(pending, &mut self.sent),
            _ => (),
        }
    }
}

/// Sends the entries of a delay line that leave in this step.
fn leave(ring: &mut [Vec<(u32, f32, u32)>], step: u64, merge: &mut Merge, sent: &mut Spikes) {
    let slot = (step % ring.len() as u64) as usize;
    for (address, value, count) in ring[slot].drain(..) {
        merge.add(address, value, count);
    }
    merge.drain(sent, |value| value);
}
