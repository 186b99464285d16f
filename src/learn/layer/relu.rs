//! ReLU: y = max(x, 0), what a frame network has for neurons.

use super::{Keep, Layer, NO_FORWARD, Pass};
use crate::error::Result;
use crate::learn::Tensor;
use crate::learn::memory::{Footprint, Form};

/// A ReLU.
#[derive(Debug, Default)]
pub struct Relu {
    kept: Option<Tensor>,
}

impl Layer for Relu {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    /// The positive part of a mean is not the mean of the positive parts.
    fn learns_from_means(&self) -> bool {
        false
    }

    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let back = input.gradient(keep) + output.gradient(keep);
        Footprint { kept: output.kept(keep), forth: input.bytes() + output.bytes(), back }
    }

    fn forward(&mut self, mut input: Tensor, pass: &mut Pass) -> Tensor {
        input.values_mut().iter_mut().for_each(|x| *x = x.max(0.0));
        self.kept = (pass.keep != Keep::Nothing).then(|| input.clone());
        input
    }

    /// With slope 0 at 0, as PyTorch has it.
    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let output = self.kept.take().expect(NO_FORWARD);
        let pairs = gradient.values_mut().iter_mut().zip(output.values());
        pairs.filter(|(_, y)| **y <= 0.0).for_each(|(g, _)| *g = 0.0);
        gradient
    }
}
