//! `[C, H, W]` as `[C·H·W]`.

use super::{Keep, Layer, NO_FORWARD, Pass};
use crate::error::Result;
use crate::learn::Tensor;
use crate::learn::memory::{Footprint, Form};

/// All features in one axis, row by row.
#[derive(Debug, Default)]
pub struct Flatten {
    features: Option<Vec<usize>>,
}

impl Layer for Flatten {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(vec![input.iter().product()])
    }

    fn sends_spikes(&self, input: bool) -> bool {
        input
    }

    /// The same numbers, under another shape.
    fn footprint(&self, input: &Form, _: &Form, keep: Keep) -> Footprint {
        Footprint { kept: 0, forth: input.bytes(), back: input.gradient(keep) }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        self.features = pass.returns().then(|| input.features().to_vec());
        let shape = input.shape_with(&[input.feature_count()]);
        input.reshaped(&shape)
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let shape = gradient.shape_with(&self.features.take().expect(NO_FORWARD));
        gradient.reshaped(&shape)
    }
}
