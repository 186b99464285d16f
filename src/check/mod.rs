//! Agreement: the same network and input here and in another simulator, spike by
//! spike, and where the two part.

pub mod suite;
pub mod sweep;
pub mod trains;

use serde::Serialize;

use crate::engine::{Clocked, Engine, Observer};
use crate::error::Result;
use crate::network::{Network, Unit};
use crate::neuron::Charge;
use crate::neuron::convention::SpikesPerStep;
use crate::neuron::preset::Conventions;
use crate::signal::{BLOCK, Spikes};
use crate::units::Micros;
use trains::{Recorder, Sent, Trains, lateness};

/// A network and what it is given.
#[derive(Debug)]
pub struct Subject<'n> {
    /// The network.
    pub network: &'n Network,
    /// Length of a step.
    pub dt: Micros,
    /// Steps with input, ascending, in the engine's addresses.
    pub input: Vec<(u64, Spikes)>,
    /// Steps to run.
    pub steps: u64,
}

/// What two simulators have sent, compared.
#[derive(Debug)]
pub struct Comparison {
    /// Layer by layer, in the order of evaluation; those that both have.
    pub layers: Vec<LayerComparison>,
    /// The earliest difference; within a step, of the layer that comes first.
    pub first: Option<Difference>,
}

/// One layer's share of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerComparison {
    /// Name of the population.
    pub name: String,
    /// Spikes here.
    pub ours: u64,
    /// Spikes there.
    pub theirs: u64,
    /// Spikes that only one of the two has.
    pub different: u64,
}

/// Where two simulators part.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Index of the population.
    pub unit: usize,
    /// Its name.
    pub layer: String,
    /// The step in which others hear it.
    pub step: u64,
    /// The neuron, as files count.
    pub element: u32,
    /// Its place along each axis of the population.
    pub neuron: Vec<usize>,
    /// Spikes here.
    pub ours: u32,
    /// Spikes there.
    pub theirs: u32,
    /// What was compared here, where the population tells.
    pub compared: Option<Compared>,
}

/// What a neuron's step compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// The membrane potential.
    pub potential: f32,
    /// The threshold.
    pub threshold: f32,
    /// How many thresholds it was compared with: where a neuron may send several spikes in a
    /// step, as many as the simulator sent that sent more.
    pub times: u32,
}

impl Compared {
    /// How far the potential is above what it was compared with.
    pub fn distance(self) -> f64 {
        f64::from(self.potential) - f64::from(self.times) * f64::from(self.threshold)
    }

    /// Whether another order of summation could decide otherwise.
    pub fn is_tie(self) -> bool {
        self.distance().abs() <= TIE * f64::from(self.threshold.abs().max(self.potential.abs()))
    }
}

/// What a few dozen roundings of 32 bits amount to.
const TIE: f64 = 32.0 * f32::EPSILON as f64;

impl Comparison {
    /// Spikes that only one of the two has.
    pub fn different(&self) -> u64 {
        self.layers.iter().map(|layer| layer.different).sum()
    }

    /// Spikes there.
    pub fn theirs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.theirs).sum()
    }
}

impl Subject<'_> {
    /// Compares every layer that `theirs` has, under a convention.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn compare(&self, conventions: &Conventions, theirs: &Trains) -> Result<Comparison> {
        let engine = Clocked::new(self.network, conventions, self.dt)?;
        let mut recorder = Recorder::new(self.network, conventions)?;
        self.run(&engine, self.steps, &mut recorder);
        let ours = recorder.trains(self.steps);
        let mut comparison = Comparison { layers: Vec::new(), first: None };
        for &unit in &engine.plan().sequence {
            let name = &self.network.units[unit].name;
            let Some(theirs) = theirs.layers.get(name) else { continue };
            let ours = ours.layers.get(name).map_or(&[][..], Vec::as_slice);
            let (layer, first) = compare_layer(name, ours, theirs);
            comparison.layers.push(layer);
            let first = first.map(|(at, ours, theirs)| self.difference(unit, at, ours, theirs));
            let earlier = |first: &Difference| {
                comparison.first.as_ref().is_none_or(|other| first.step < other.step)
            };
            if let Some(first) = first.filter(earlier) {
                comparison.first = Some(first);
            }
        }
        if let Some(first) = &mut comparison.first {
            let unit = &self.network.units[first.unit].unit;
            let step = first.step.checked_sub(lateness(unit, conventions)?);
            first.compared = step.and_then(|step| self.compared(&engine, first, step));
            let may_be_many = conventions.for_model(unit.nir())?.spikes == SpikesPerStep::Many;
            if let Some(compared) = &mut first.compared
                && may_be_many
            {
                compared.times = first.ours.max(first.theirs);
            }
        }
        Ok(comparison)
    }

    /// What can go unnoticed in a run under a convention; nothing where the engine refuses it.
    pub fn notes(&self, conventions: &Conventions) -> Vec<String> {
        let engine = Clocked::new(self.network, conventions, self.dt);
        let of_run = engine.map_or(Vec::new(), |engine| engine.plan().notes.clone());
        self.network.notes.iter().cloned().chain(of_run).collect()
    }

    fn run(&self, engine: &Clocked, steps: u64, observer: &mut impl Observer) {
        let mut state = engine.start();
        for (step, spikes) in self.input.iter().take_while(|(step, _)| *step < steps) {
            engine.receive(&mut state, *step, spikes, observer);
        }
        engine.finish(&mut state, steps, observer);
    }

    fn difference(&self, unit: usize, (step, element): At, ours: u32, theirs: u32) -> Difference {
        let wired = &self.network.units[unit];
        let mut rest = element as usize;
        let mut neuron: Vec<usize> = Vec::new();
        for axis in wired.output.axes().iter().rev() {
            neuron.insert(0, rest % axis);
            rest /= axis;
        }
        let layer = wired.name.clone();
        Difference { unit, layer, step, element, neuron, ours, theirs, compared: None }
    }

    /// Runs once more, up to the step that made a difference, and looks.
    fn compared(&self, engine: &Clocked, first: &Difference, step: u64) -> Option<Compared> {
        let shape = &self.network.units[first.unit].output;
        let address = shape.address(first.element as usize);
        let mut probe = Probe { step, unit: first.unit, address, compared: None };
        let mut state = engine.start();
        let silence = Spikes::default();
        for (step, spikes) in self.input.iter().take_while(|(step, _)| *step < probe.step) {
            engine.receive(&mut state, *step, spikes, &mut ());
        }
        let now = self.input.iter().find(|(step, _)| *step == probe.step);
        let now = now.map_or(&silence, |(_, spikes)| spikes);
        engine.receive(&mut state, probe.step, now, &mut probe);
        probe.compared
    }
}

/// A step and a neuron.
type At = (u64, u32);

/// Differences of one layer, and the first of them with the spikes here and there.
fn compare_layer(
    name: &str,
    ours: &[Sent],
    theirs: &[Sent],
) -> (LayerComparison, Option<(At, u32, u32)>) {
    let total = |sent: &[Sent]| sent.iter().map(|sent| u64::from(sent.count)).sum();
    let mut layer = LayerComparison {
        name: name.to_owned(),
        ours: total(ours),
        theirs: total(theirs),
        different: 0,
    };
    let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
    let mut first = None;
    loop {
        let next = [ours.peek(), theirs.peek()].into_iter().flatten().map(|sent| sent.at()).min();
        let Some(at) = next else { return (layer, first) };
        let here = ours.next_if(|sent| sent.at() == at).map_or(0, |sent| sent.count);
        let there = theirs.next_if(|sent| sent.at() == at).map_or(0, |sent| sent.count);
        layer.different += u64::from(here.abs_diff(there));
        if here != there {
            first.get_or_insert((at, here, there));
        }
    }
}

/// Looks at one neuron in one step.
struct Probe {
    step: u64,
    unit: usize,
    address: usize,
    compared: Option<Compared>,
}

impl Observer for Probe {
    fn watches(&self, step: u64, unit: usize) -> bool {
        (step, unit) == (self.step, self.unit)
    }

    fn charged(&mut self, _step: u64, _unit: usize, block: usize, charge: &Charge) {
        if block == self.address / BLOCK {
            let lane = self.address % BLOCK;
            let (potential, threshold) = (charge.potential[lane], charge.threshold[lane]);
            self.compared = Some(Compared { potential, threshold, times: 1 });
        }
    }
}

/// The spiking populations of a network, by index.
pub fn populations(network: &Network) -> impl Iterator<Item = usize> + '_ {
    let spikes = |unit: &Unit| matches!(unit, Unit::Neuron(neuron) if neuron.model().spikes);
    (0..network.units.len()).filter(move |&unit| spikes(&network.units[unit].unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_compared_spike_by_spike() {
        let sent = |all: &[(u64, u32, u32)]| {
            let sent = |&(step, element, count)| Sent { step, element, count };
            all.iter().map(sent).collect::<Vec<_>>()
        };
        let ours = sent(&[(0, 3, 1), (2, 1, 2), (2, 5, 1), (7, 0, 1)]);
        let theirs = sent(&[(0, 3, 1), (2, 1, 1), (2, 6, 1), (7, 0, 1), (8, 0, 4)]);
        let (layer, first) = compare_layer("a", &ours, &theirs);
        let expected = LayerComparison { name: "a".into(), ours: 5, theirs: 8, different: 7 };
        assert_eq!((layer, first), (expected, Some(((2, 1), 2, 1))));
        assert_eq!(compare_layer("a", &ours, &ours).1, None);
    }

    #[test]
    fn a_tie_is_what_roundings_can_decide() {
        let tie = |potential| Compared { potential, threshold: 1.0, times: 1 }.is_tie();
        assert!(tie(1.0) && tie(1.000001) && tie(0.999999));
        assert!(!tie(1.0001) && !tie(0.9999));
        // four spikes here and five in sinabs 2.0
        let many = |times| Compared { potential: 8.499996, threshold: 1.7, times };
        assert!(many(5).is_tie() && !many(4).is_tie());
    }
}
