//! Neuron models: one room each, found by the name of their NIR node.
//!
//! A model holds its parameters as the file gave them, in SI units and in the
//! file's order. [`Neuron::at`] turns them into coefficients of one step under a
//! convention; that is the only place where dt appears. The result is a
//! [`Population`], which knows nothing of files, graphs or time.

mod column;
pub mod convention;
mod cuba_lif;
mod fire;
mod integrate;
mod leaky;
mod lif;
mod membrane;
mod threshold;

use std::fmt::Debug;

use crate::error::Result;
use crate::record::Record;
use crate::signal::{BLOCK, Shape};
use crate::units::Seconds;
use convention::Conventions;

/// A neuron model with its parameters.
pub trait Neuron: Debug + Send + Sync {
    /// The name of its NIR node.
    fn nir(&self) -> &'static str;

    /// The shape of the population as the parameters have it; one of one
    /// element fits any population.
    fn shape(&self) -> &[usize];

    /// What a NIR file holds for it.
    fn write(&self) -> Record;

    /// Number of stored parameters.
    fn parameters(&self) -> usize {
        self.write().arrays.values().map(|array| array.len()).sum()
    }

    /// Whether it sends spikes; otherwise it sends its potential.
    fn spikes(&self) -> bool;

    /// The coefficients of one step of length `dt`.
    ///
    /// # Errors
    /// Parameters that do not have the shape, or values for which the model or
    /// the convention has no meaning.
    fn at(
        &self,
        dt: Seconds,
        shape: &Shape,
        conventions: &Conventions,
    ) -> Result<Box<dyn Population>>;

    /// What a report should say about running this model under this convention.
    fn caution(&self, _dt: Seconds, _conventions: &Conventions) -> Option<String> {
        None
    }
}

/// A population of one model, ready to step.
///
/// The state of a block is [`Population::variables`] runs of [`BLOCK`] numbers,
/// the membrane potential first.
pub trait Population: Send + Sync {
    /// State variables per neuron.
    fn variables(&self) -> usize;

    /// The state of a block before the first step.
    fn start(&self, block: usize, state: &mut [f32]);

    /// Advances a block by one step: adds `input`, writes what each neuron
    /// sends to `sent`.
    fn step(&self, block: usize, state: &mut [f32], input: &[f32; BLOCK], sent: &mut [f32; BLOCK]);
}

/// Reads a model's parameters out of a NIR node.
pub type Read = fn(&mut Record) -> Result<Box<dyn Neuron>>;

/// An entry of [`MODELS`].
#[derive(Debug)]
pub struct Model {
    /// The name of the NIR node.
    pub nir: &'static str,
    /// One line for help texts.
    pub about: &'static str,
    /// Reads it.
    pub read: Read,
}

/// Every model.
pub const MODELS: &[Model] = &[
    Model { nir: "IF", about: "integrate-and-fire", read: integrate::read_if },
    Model { nir: "I", about: "integrator, no spikes", read: integrate::read_i },
    Model { nir: "LIF", about: "leaky integrate-and-fire", read: lif::read },
    Model { nir: "LI", about: "leaky integrator, no spikes", read: leaky::read },
    Model {
        nir: "CubaLIF",
        about: "current-based LIF, two time constants",
        read: cuba_lif::read_lif,
    },
    Model { nir: "CubaLI", about: "current-based leaky integrator", read: cuba_lif::read_li },
    Model { nir: "Threshold", about: "spikes where its input exceeds θ", read: threshold::read },
];
