//! What a training step takes in memory, before it is made.
//!
//! ```text
//! peak = parameters + max over the moments of a step of
//!        (what is kept for the way back + what the layer at work holds) + waiting
//! ```
//!
//! - **Parameters**: values, gradients, and the two moments of an optimiser, 16 bytes each.
//! - **Kept**: what each layer keeps of its input. Where that is spikes by construction
//!   (behind neurons, through maxima and reshapings) and the layer keeps bits, it counts
//!   as bits, otherwise as `f32`: an input of nothing but 0 and 1 then takes less than
//!   was said.
//! - **At work**: input and output of a layer, or the gradients with respect to them, and
//!   what it needs beside them on the threads of the current pool.
//!
//! - **Waiting**: slices between two tensors ([`super::spare`]), nothing to a quarter of
//!   what tensors take; an eighth is counted.
//!
//! Not counted: the program itself, what threads have on their stacks, a few numbers a
//! channel, and what each thread's matrix products pack into: a core's L2 cache.

use super::layer::Keep;

/// What goes into a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// `[T, B, …]`.
    pub shape: Vec<usize>,
    /// Whether it is 0 and 1 by construction.
    pub spikes: bool,
}

impl Form {
    /// Its numbers.
    pub fn numbers(&self) -> usize {
        self.shape.iter().product()
    }

    /// The axes behind T and B.
    pub fn features(&self) -> &[usize] {
        &self.shape[2..]
    }

    /// Bytes of it.
    pub fn bytes(&self) -> usize {
        4 * self.numbers()
    }

    /// Bytes of its mean over time, where that is made.
    pub fn mean(&self, keep: Keep) -> usize {
        if keep == Keep::Means { self.bytes() / self.shape[0] } else { 0 }
    }

    /// Bytes of what is kept of it.
    pub fn kept(&self, keep: Keep) -> usize {
        match keep {
            Keep::Steps => self.bytes(),
            Keep::Means => self.mean(keep),
            Keep::Nothing => 0,
        }
    }

    /// The same where spikes are kept as bits.
    pub fn packed(&self, keep: Keep) -> usize {
        match keep == Keep::Steps && self.spikes {
            true => self.numbers().div_ceil(8),
            false => self.kept(keep),
        }
    }

    /// Bytes of the gradient with respect to it.
    pub fn gradient(&self, keep: Keep) -> usize {
        self.kept(keep)
    }
}

/// What one layer, or several, take in bytes; parameters aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Between the ways forth and back.
    pub kept: usize,
    /// On the way forth at most, input and output included.
    pub forth: usize,
    /// On the way back at most, beside what is kept, both gradients included; of several
    /// layers with what they keep.
    pub back: usize,
}

/// What a training step takes, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Values, gradients and moments of all parameters.
    pub parameters: usize,
    /// What each layer keeps for the way back, once its way forth is gone.
    pub kept: Vec<usize>,
    /// The most that is kept and at work at the same time, and what waits beside it.
    pub passes: usize,
    /// How many layers, from the first on, go their way forth twice.
    pub repeated: usize,
}

impl Memory {
    /// The most that is held at the same time.
    pub fn peak(&self) -> usize {
        self.parameters + self.passes
    }
}
