//! From a network to an engine: coefficients, tables and memory for one step
//! length and one convention.

use super::{Cells, Clocked, Memory, Node, State, UnitState, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::layer::Connection;
use crate::network::{Network, Unit, Wired};
use crate::neuron::Neuron;
use crate::neuron::convention::Delay;
use crate::neuron::preset::Conventions;
use crate::signal::{Accumulator, Merge, Spikes};
use crate::units::{Micros, Seconds};

/// The longest delay, in steps.
const LONGEST_DELAY: f64 = 4e6;

impl Clocked {
    /// Binds a network.
    ///
    /// # Errors
    /// Parameters without a meaning under the convention and delays too long for
    /// the step, named with their unit.
    pub fn new(network: &Network, conventions: &Conventions, dt: Micros) -> Result<Clocked> {
        let mut binder = Binder { conventions, dt: dt.seconds(), notes: Vec::new() };
        let nodes: Result<Vec<Node>> = network.units.iter().map(|w| binder.node(w)).collect();
        let mut nodes = nodes?;
        let sequence = network.order(|unit| nodes[unit].sends_later);
        mark_values(&mut nodes);
        mark_lists(&mut nodes);
        Ok(Clocked { nodes, sequence, input: network.input, notes: binder.notes })
    }

    /// The state before the first step.
    pub fn start(&self) -> State {
        let unit = |node: &Node| UnitState { sent: Spikes::default(), memory: node.memory() };
        State { step: 0, units: self.nodes.iter().map(unit).collect() }
    }
}

struct Binder<'a> {
    conventions: &'a Conventions,
    dt: Seconds,
    notes: Vec<String>,
}

impl Binder<'_> {
    fn node(&mut self, wired: &Wired) -> Result<Node> {
        let place = |e: Error| e.at(format!("node '{}' ({})", wired.name, wired.unit.nir()));
        let mut node = Node {
            work: Work::Input,
            sources: wired.sources.clone(),
            len: wired.output.len(),
            spikes: true,
            listed: false,
            sends_later: false,
        };
        match &wired.unit {
            Unit::Input => (),
            Unit::Output => node.work = Work::Output,
            Unit::Neuron(neuron) => {
                self.population(wired, neuron, &mut node).map_err(place)?;
            }
            Unit::Layer(layer) => match layer.bind(&wired.input).map_err(place)? {
                Connection::Weighted(weighted) => node.work = Work::Weighted(weighted),
                Connection::Routed(routed) => node.work = Work::Routed(routed),
                Connection::Delayed(delays) => {
                    let steps = self.whole_steps(wired, &delays).map_err(place)?;
                    node.sends_later = steps.iter().all(|&n| n > 0);
                    node.work = Work::Delayed(steps);
                }
            },
        }
        Ok(node)
    }

    fn population(&mut self, wired: &Wired, neuron: &Neuron, node: &mut Node) -> Result<()> {
        let (preset, nir) = (self.conventions.preset(), neuron.model().nir);
        if !preset.imports.contains(&nir) {
            let name = preset.name;
            self.note(wired, format!("{name} itself reads no {nir}; its rules are applied to it"));
        }
        if let Some(caution) = neuron.caution(self.dt, self.conventions) {
            self.note(wired, caution);
        }
        let delay = self.conventions.for_model(nir)?.delay;
        node.work = Work::Population(neuron.at(self.dt, &wired.output, self.conventions)?);
        node.spikes = neuron.model().spikes;
        node.sends_later = delay == Delay::NextStep;
        Ok(())
    }

    fn note(&mut self, wired: &Wired, text: String) {
        self.notes.push(format!("'{}': {text}", wired.name));
    }

    fn whole_steps(&mut self, wired: &Wired, delays: &[Seconds]) -> Result<Vec<u32>> {
        let exact: Vec<f64> = delays.iter().map(|delay| delay.0 / self.dt.0).collect();
        if let Some(most) = exact.iter().copied().find(|&steps| steps > LONGEST_DELAY) {
            let found = format!("a delay of {most:.0} steps of {}", self.dt);
            return Err(Error::new(
                ErrorKind::Unsupported,
                found,
                format!("{LONGEST_DELAY} steps at most"),
            ));
        }
        let off = exact.iter().map(|steps| (steps - steps.round()).abs()).fold(0.0, f64::max);
        if off > 1e-6 {
            let off = Seconds(off * self.dt.0);
            self.note(wired, format!("delays rounded to whole steps, by up to {off}"));
        }
        Ok(exact.into_iter().map(|steps| steps.round() as u32).collect())
    }
}

impl Node {
    fn memory(&self) -> Memory {
        match &self.work {
            Work::Input => Memory::None,
            Work::Output | Work::Routed(_) => Memory::Routed(Merge::new(self.len)),
            Work::Population(population) => Memory::Population {
                cells: Cells::new(population.as_ref(), self.len),
                sums: Accumulator::new(self.len),
                pending: Spikes::default(),
            },
            Work::Weighted(weighted) => Memory::Weighted(match weighted.bias() {
                Some(bias) => Accumulator::resting_at(&bias),
                None => Accumulator::new(self.len),
            }),
            Work::Delayed(steps) => {
                let longest = steps.iter().copied().max().unwrap_or(0) as usize;
                Memory::Delayed { ring: vec![Vec::new(); longest + 1], merge: Merge::new(self.len) }
            }
        }
    }
}

/// Marks what passes on values rather than spikes: weighted connections, and
/// what is fed by something that does.
fn mark_values(nodes: &mut [Node]) {
    loop {
        let mut changed = false;
        for unit in 0..nodes.len() {
            let values = match nodes[unit].work {
                Work::Weighted(_) => true,
                Work::Population(_) | Work::Input => continue,
                _ => nodes[unit].sources.iter().any(|&source| !nodes[source].spikes),
            };
            changed |= values && nodes[unit].spikes;
            nodes[unit].spikes &= !values;
        }
        if !changed {
            return;
        }
    }
}

/// Marks the weighted connections that something other than a population reads.
fn mark_lists(nodes: &mut [Node]) {
    let readers = nodes.iter().filter(|node| !matches!(node.work, Work::Population(_)));
    let heard: Vec<usize> = readers.flat_map(|node| node.sources.clone()).collect();
    for unit in heard {
        nodes[unit].listed = matches!(nodes[unit].work, Work::Weighted(_));
    }
}
