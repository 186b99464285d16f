//! How time advances. An engine knows that there are neurons and layers, not
//! which.
//!
//! Two engines run the same [`crate::network::Network`]: [`Clocked`], every unit
//! once a step, and [`EventDriven`], every unit when something reaches it.

mod blocks;
mod cells;
pub mod clocked;
pub mod event;
mod notes;
mod parts;

pub use clocked::Clocked;
pub use event::EventDriven;

use crate::neuron::Charge;
use crate::signal::Spikes;
use crate::units::Micros;

/// What an engine makes of a network before it runs.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Units in the order of evaluation.
    pub sequence: Vec<usize>,
    /// Synapses of each connection with weights.
    pub synapses: Vec<Option<u64>>,
    /// Which units send spikes, rather than values.
    pub spikes: Vec<bool>,
    /// What a report should say about running this network so.
    pub notes: Vec<String>,
}

/// A network made ready to run. It does not change while it runs: what does is in
/// a state.
pub trait Engine {
    /// Everything that changes.
    type State;

    /// What was made of the network.
    fn plan(&self) -> &Plan;

    /// The time in which what happens is simultaneous.
    fn tick(&self) -> Micros;

    /// The state at the beginning of tick 0.
    fn start(&self) -> Self::State;

    /// Runs up to the tick `tick`, and through it with this input.
    ///
    /// # Panics
    /// A tick that is not after the one before it; an address that the network's input does
    /// not have.
    fn receive(
        &self,
        state: &mut Self::State,
        tick: u64,
        input: &Spikes,
        observer: &mut impl Observer,
    );

    /// Runs up to the beginning of the tick `until`, where the run ends: nothing is received
    /// after it.
    fn finish(&self, state: &mut Self::State, until: u64, observer: &mut impl Observer);

    /// What a report should say about a run that came to this state, each of a unit.
    fn remarks(&self, state: &Self::State) -> Vec<(usize, String)>;
}

/// What an engine tells while it runs. Units are indices into
/// [`crate::network::Network::units`]; addresses are the engine's own, see
/// [`crate::signal::Shape`].
pub trait Observer {
    /// Unit `unit` sent `sent` in step `step`; without a grid, in this microsecond.
    /// The input and spiking populations report every step in which they send,
    /// analog populations every step.
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        let _ = (step, unit, sent);
    }

    /// Connection `unit` was asked for `operations` in step `step`.
    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        let _ = (step, unit, operations);
    }

    /// Whether the clocked engine is to tell what population `unit` compares with its
    /// threshold in step `step`.
    fn watches(&self, step: u64, unit: usize) -> bool {
        let _ = (step, unit);
        false
    }

    /// What the neurons of a block of population `unit` compare in step `step`.
    fn charged(&mut self, step: u64, unit: usize, block: usize, charge: &Charge) {
        let _ = (step, unit, block, charge);
    }

    /// Connection `unit` heard `entries`, all that one of its sources sent, in step
    /// `step`.
    fn heard(&mut self, step: u64, unit: usize, entries: &Spikes) {
        let _ = (step, unit, entries);
    }

    /// Whether the clocked engine is to tell how many neurons of population `unit` a
    /// step changed.
    fn watches_states(&self, unit: usize) -> bool {
        let _ = unit;
        false
    }

    /// Step `step` changed the state of `neurons` neurons of population `unit`.
    fn changed(&mut self, step: u64, unit: usize, neurons: u64) {
        let _ = (step, unit, neurons);
    }

    /// Something reached `neurons` neurons of population `unit` in step `step`; the
    /// clocked engine, which reaches all in every step, does not say so.
    fn updated(&mut self, step: u64, unit: usize, neurons: u64) {
        let _ = (step, unit, neurons);
    }
}

/// What a connection did in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Weight additions that spikes caused: their number times their fan-out.
    pub synaptic: u64,
    /// Multiplications with a weight that values other than spikes caused.
    pub multiply_adds: u64,
}

impl Observer for () {}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        self.0.sent(step, unit, sent);
        self.1.sent(step, unit, sent);
    }

    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        self.0.operated(step, unit, operations);
        self.1.operated(step, unit, operations);
    }

    fn heard(&mut self, step: u64, unit: usize, entries: &Spikes) {
        self.0.heard(step, unit, entries);
        self.1.heard(step, unit, entries);
    }

    fn watches_states(&self, unit: usize) -> bool {
        self.0.watches_states(unit) || self.1.watches_states(unit)
    }

    fn changed(&mut self, step: u64, unit: usize, neurons: u64) {
        self.0.changed(step, unit, neurons);
        self.1.changed(step, unit, neurons);
    }

    fn updated(&mut self, step: u64, unit: usize, neurons: u64) {
        self.0.updated(step, unit, neurons);
        self.1.updated(step, unit, neurons);
    }

    fn watches(&self, step: u64, unit: usize) -> bool {
        self.0.watches(step, unit) || self.1.watches(step, unit)
    }

    fn charged(&mut self, step: u64, unit: usize, block: usize, charge: &Charge) {
        self.0.charged(step, unit, block, charge);
        self.1.charged(step, unit, block, charge);
    }
}

impl<A: Observer> Observer for Option<A> {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if let Some(observer) = self {
            observer.sent(step, unit, sent);
        }
    }

    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        if let Some(observer) = self {
            observer.operated(step, unit, operations);
        }
    }

    fn heard(&mut self, step: u64, unit: usize, entries: &Spikes) {
        if let Some(observer) = self {
            observer.heard(step, unit, entries);
        }
    }

    fn watches_states(&self, unit: usize) -> bool {
        self.as_ref().is_some_and(|observer| observer.watches_states(unit))
    }

    fn changed(&mut self, step: u64, unit: usize, neurons: u64) {
        if let Some(observer) = self {
            observer.changed(step, unit, neurons);
        }
    }

    fn updated(&mut self, step: u64, unit: usize, neurons: u64) {
        if let Some(observer) = self {
            observer.updated(step, unit, neurons);
        }
    }

    fn watches(&self, step: u64, unit: usize) -> bool {
        self.as_ref().is_some_and(|observer| observer.watches(step, unit))
    }

    fn charged(&mut self, step: u64, unit: usize, block: usize, charge: &Charge) {
        if let Some(observer) = self {
            observer.charged(step, unit, block, charge);
        }
    }
}

impl<A: Observer + ?Sized> Observer for &mut A {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        (**self).sent(step, unit, sent);
    }

    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        (**self).operated(step, unit, operations);
    }

    fn heard(&mut self, step: u64, unit: usize, entries: &Spikes) {
        (**self).heard(step, unit, entries);
    }

    fn watches_states(&self, unit: usize) -> bool {
        (**self).watches_states(unit)
    }

    fn changed(&mut self, step: u64, unit: usize, neurons: u64) {
        (**self).changed(step, unit, neurons);
    }

    fn updated(&mut self, step: u64, unit: usize, neurons: u64) {
        (**self).updated(step, unit, neurons);
    }

    fn watches(&self, step: u64, unit: usize) -> bool {
        (**self).watches(step, unit)
    }

    fn charged(&mut self, step: u64, unit: usize, block: usize, charge: &Charge) {
        (**self).charged(step, unit, block, charge);
    }
}
