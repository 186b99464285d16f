//! Layers that keep but their input, and go their way forth again when the way back comes
//! to them.
//!
//! The second time they are given the same input and draw the same numbers, and running
//! averages do not learn again: gradients are those of layers that keep everything, to a
//! bit.
//!
//! **Source.** Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".

use std::ops::Range;

use super::chain::Chain;
use crate::learn::layer::{Keep, NO_FORWARD, Pass};
use crate::learn::{Kept, Tensor};

/// Some layers of a network, one behind the other.
#[derive(Debug)]
pub(super) struct Segment {
    pub layers: Range<usize>,
    start: Option<Start>,
}

/// What a way forth started from.
#[derive(Debug)]
struct Start {
    input: Kept,
    shape: Vec<usize>,
    pass: Pass,
}

impl Segment {
    pub fn new(layers: Range<usize>) -> Segment {
        Segment { layers, start: None }
    }

    /// The way forth, of which nothing is kept but what it started from.
    pub fn forward(&mut self, chain: &mut Chain<'_>, input: Tensor, pass: &mut Pass) -> Tensor {
        self.start = pass.returns().then(|| Start {
            input: Kept::copy_of(&input),
            shape: input.shape().to_vec(),
            pass: Pass { again: true, ..pass.clone() },
        });
        let keep = std::mem::replace(&mut pass.keep, Keep::Nothing);
        let output = chain.forward(self.layers.clone(), input, pass);
        pass.keep = keep;
        output
    }

    /// The way forth again: layers keep what their way back needs.
    ///
    /// # Panics
    /// No way forth before.
    pub fn repeat(&mut self, chain: &mut Chain<'_>) {
        let Start { input, shape, mut pass } = self.start.take().expect(NO_FORWARD);
        let mut values = Tensor::blank(&shape);
        let all = 0..values.values().len();
        input.read(all, values.values_mut());
        drop(input);
        chain.forward(self.layers.clone(), values, &mut pass);
    }
}
