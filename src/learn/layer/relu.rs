//! ReLU: y = max(x, 0), what a frame network has for neurons.

use super::{Layer, NO_FORWARD, Pass};
use crate::error::Result;
use crate::learn::Tensor;

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

    fn forward(&mut self, mut input: Tensor, _: &mut Pass) -> Tensor {
        input.values_mut().iter_mut().for_each(|x| *x = x.max(0.0));
        self.kept = Some(input.clone());
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
