//! Scaling by one factor: y = f·x.

use super::{Layer, Pass};
use crate::error::{Error, ErrorKind, Result};
use crate::learn::Tensor;

/// A factor that is not learned.
#[derive(Debug)]
pub struct Scale {
    factor: f32,
}

impl Scale {
    /// Times this factor.
    ///
    /// # Errors
    /// One that is no number.
    pub fn new(factor: f64) -> Result<Scale> {
        match factor.is_finite() {
            true => Ok(Scale { factor: factor as f32 }),
            false => {
                let found = format!("factor {factor}");
                Err(Error::new(ErrorKind::Usage, found, "a finite number"))
            }
        }
    }

    fn scaled(&self, mut values: Tensor) -> Tensor {
        values.values_mut().iter_mut().for_each(|x| *x *= self.factor);
        values
    }
}

impl Layer for Scale {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn forward(&mut self, input: Tensor, _: &mut Pass) -> Tensor {
        self.scaled(input)
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        self.scaled(gradient)
    }
}
