//! Voting: the mean of each group of neighbouring outputs.
//!
//! Source: `VotingLayer` of SpikingJelly 2.0, from Fang et al. 2021.

use super::{Layer, Pass, misfit};
use crate::error::Result;
use crate::learn::Tensor;

/// A voting layer.
#[derive(Debug)]
pub struct Voting {
    size: usize,
}

impl Voting {
    /// Groups of `size`.
    pub fn new(size: usize) -> Voting {
        Voting { size }
    }
}

impl Layer for Voting {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [len] if self.size > 0 && len % self.size == 0 => Ok(vec![len / self.size]),
            _ => Err(misfit(input, format!("a multiple of {} for voting", self.size))),
        }
    }

    fn forward(&mut self, input: Tensor, _: &mut Pass) -> Tensor {
        let groups = input.values().chunks_exact(self.size);
        let means = groups.map(|group| group.iter().sum::<f32>() / self.size as f32).collect();
        Tensor::new(&input.shape_with(&[input.feature_count() / self.size]), means)
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let each = gradient.values().iter().map(|g| g / self.size as f32);
        let values = each.flat_map(|g| std::iter::repeat_n(g, self.size)).collect();
        Tensor::new(&gradient.shape_with(&[gradient.feature_count() * self.size]), values)
    }
}
