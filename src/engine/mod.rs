//! How time advances. An engine knows that there are neurons and layers, not
//! which.

pub mod clocked;

pub use clocked::Clocked;

use crate::signal::Spikes;

/// What an engine tells while it runs. Units are indices into
/// [`crate::network::Network::units`]; addresses are the engine's own, see
/// [`crate::signal::Shape`].
pub trait Observer {
    /// Unit `unit` sent `sent` in step `step`. The input and spiking populations
    /// report every step in which they send, analog populations every step.
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        let _ = (step, unit, sent);
    }

    /// Connection `unit` was asked for `operations` in step `step`.
    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        let _ = (step, unit, operations);
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
}

impl<A: Observer + ?Sized> Observer for &mut A {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        (**self).sent(step, unit, sent);
    }

    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        (**self).operated(step, unit, operations);
    }
}
