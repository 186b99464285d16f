//! Layers with adjoints.
//!
//! A layer's forward pass keeps what its way back needs, spikes as bits; its backward
//! pass takes that, turns the gradient with respect to its output into that with
//! respect to its input, and adds to the gradients of its parameters.

mod conv2d;
mod dense;
mod dropout;
mod flatten;
mod neurons;
mod norm;
mod pool2d;
mod recurrent;
mod relu;
mod residual;
mod scale;
mod sweep;
mod voting;

pub use conv2d::Conv2d;
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use neurons::Neurons;
pub use norm::{Norm, Statistics};
pub use pool2d::{Pool, Pool2d};
pub use recurrent::Recurrent;
pub use relu::Relu;
pub use residual::Residual;
pub use scale::Scale;
pub use sweep::Part;
pub(super) use sweep::Sweep;
pub use voting::Voting;

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::memory::{Footprint, Form};
use super::{Parameter, Tensor};
use crate::error::{Error, ErrorKind, Result};
use crate::neuron::trainable::Sends;

/// One layer of a network that learns.
pub trait Layer: std::fmt::Debug + Send {
    /// The features of the output, `[C, H, W]` or `[C]`, given those of the input.
    ///
    /// # Errors
    /// An input that does not fit.
    fn output(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// From the input `[T, B, …]` to the output `[T, B, …]`.
    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor;

    /// The adjoint of the last forward pass.
    ///
    /// # Panics
    /// No forward pass since the last backward pass.
    fn backward(&mut self, gradient: Tensor) -> Tensor;

    /// The same where nobody asks for the gradient with respect to the input.
    fn owe(&mut self, gradient: Tensor) {
        self.backward(gradient);
    }

    /// Whether its way back can do with the means of its input over time: whether it
    /// commutes with them, or takes their gradient from elsewhere.
    fn learns_from_means(&self) -> bool {
        true
    }

    /// Whether its output is spikes, 0 or 1, given whether its input is.
    fn sends_spikes(&self, _input: bool) -> bool {
        false
    }

    /// What it takes in memory, parameters aside, for an input and an output.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let back = input.gradient(keep) + output.gradient(keep);
        Footprint { kept: 0, forth: input.bytes() + output.bytes(), back }
    }

    /// What local rules see in it.
    fn role(&self) -> Role {
        Role::Other
    }

    /// What it is to layers that may go their ways with it.
    fn part(&mut self) -> Part<'_> {
        Part::Other
    }

    /// Its parameters by name.
    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        Vec::new()
    }

    /// What it measured while it was trained, by name.
    fn running(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        Vec::new()
    }
}

/// What a layer is to rules that look at a connection and at both its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights, the first of its parameters, from what sends to what hears.
    Connection,
    /// Neurons.
    Neurons,
    /// Neither.
    Other,
}

/// What a forward pass is for, and its chance.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Whether batch norms measure and neurons drop out.
    pub training: bool,
    /// Whether it repeats a pass, so that running averages have learned from it already.
    pub again: bool,
    /// What is kept for the way back.
    pub keep: Keep,
    /// Which spikes neurons send that have signed ones.
    pub sends: Sends,
    /// What is drawn.
    pub random: Pcg64,
}

/// What a forward pass keeps for the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every step: the gradient is `[T, B, …]`.
    Steps,
    /// Means over time: the gradient is that of the mean output, `[1, B, …]`.
    Means,
    /// Nothing: no way back will follow.
    Nothing,
}

impl Pass {
    /// A pass that trains.
    pub fn training(seed: u64) -> Pass {
        let random = Pcg64::seed_from_u64(seed);
        Pass { training: true, again: false, keep: Keep::Steps, sends: Sends::Both, random }
    }

    /// A pass that only answers; nothing is drawn, nothing kept.
    pub fn answering() -> Pass {
        Pass { training: false, keep: Keep::Nothing, ..Pass::training(0) }
    }

    /// What is kept of an input.
    fn kept(&self, input: Tensor) -> Option<Tensor> {
        match self.keep {
            Keep::Steps => Some(input),
            Keep::Means => Some(input.mean_over_time()),
            Keep::Nothing => None,
        }
    }

    /// Whether a way back may follow.
    pub(super) fn returns(&self) -> bool {
        self.keep != Keep::Nothing
    }
}

/// What a way back is told that had no way forth.
pub(super) const NO_FORWARD: &str = "a forward pass before the backward pass";

fn misfit(found: &[usize], expected: impl Into<String>) -> Error {
    Error::new(ErrorKind::Shape, format!("features {found:?}"), expected)
}

fn named(parameters: &mut [Parameter]) -> Vec<(String, &mut Parameter)> {
    parameters.iter_mut().map(|parameter| (parameter.name.clone(), parameter)).collect()
}

/// `len` in at most a fixed number of pieces: sums over them come out the same on any
/// number of threads.
fn piece(len: usize) -> usize {
    len.div_ceil(PIECES).max(1)
}

const PIECES: usize = 16;

/// Columns as rows.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|j| (0..rows).map(move |i| values[i * columns + j])).collect()
}

#[cfg(test)]
mod tests;
