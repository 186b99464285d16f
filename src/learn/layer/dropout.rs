//! Dropout: features that are silent for a whole sequence.
//!
//! ```text
//! y_t = x_t · m / (1 − p)            m = 1 with probability 1 − p, for all t
//! ```
//!
//! The same features are dropped at every step, as in SpikingJelly's multi-step
//! `Dropout`: dropped anew at each step, hardly any would be missed.

use rand::RngExt;

use super::{Keep, Layer, NO_FORWARD, Pass};
use crate::error::{Error, ErrorKind, Result};
use crate::learn::Tensor;
use crate::learn::memory::{Footprint, Form};

/// A dropout layer.
#[derive(Debug)]
pub struct Dropout {
    p: f64,
    /// What each feature of each sequence was multiplied by.
    factors: Option<Vec<f32>>,
}

impl Dropout {
    /// Drops with probability `p`.
    ///
    /// # Errors
    /// A probability that is none, or 1.
    pub fn new(p: f64) -> Result<Dropout> {
        match (0.0..1.0).contains(&p) {
            true => Ok(Dropout { p, factors: None }),
            false => {
                let expected = "a probability of 0 or more, below 1";
                Err(Error::new(ErrorKind::Usage, format!("dropout {p}"), expected))
            }
        }
    }
}

fn apply(factors: &[f32], mut values: Tensor) -> Tensor {
    for step in values.values_mut().chunks_exact_mut(factors.len()) {
        step.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
    }
    values
}

impl Layer for Dropout {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    /// It works in place.
    fn footprint(&self, input: &Form, _: &Form, keep: Keep) -> Footprint {
        let factors = input.bytes() / input.shape[0];
        let kept = if keep == Keep::Nothing { 0 } else { factors };
        Footprint { kept, forth: input.bytes() + factors, back: input.gradient(keep) }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let kept = (1.0 / (1.0 - self.p)) as f32;
        let mut draw = || match pass.training && pass.random.random_bool(self.p) {
            true => 0.0,
            false if pass.training => kept,
            false => 1.0,
        };
        let len = input.batch() * input.feature_count();
        let factors: Vec<f32> = (0..len).map(|_| draw()).collect();
        let output = apply(&factors, input);
        self.factors = pass.returns().then_some(factors);
        output
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        apply(&self.factors.take().expect(NO_FORWARD), gradient)
    }
}
