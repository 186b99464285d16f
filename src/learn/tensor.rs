//! Numbers with a shape.

use super::spare;

/// Numbers row by row, usually `[T, B, …]`: time, sequences side by side, features.
#[derive(Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Tensor {
    /// Values of this shape.
    ///
    /// # Panics
    /// A shape that does not count them.
    pub fn new(shape: &[usize], values: Vec<f32>) -> Tensor {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape {shape:?}");
        spare::admit(&values);
        Tensor { shape: shape.into(), values }
    }

    /// Zeros of this shape.
    pub fn zeros(shape: &[usize]) -> Tensor {
        let mut zeros = Tensor::blank(shape);
        zeros.values.fill(0.0);
        zeros
    }

    /// Numbers of this shape, whatever they are.
    pub fn blank(shape: &[usize]) -> Tensor {
        Tensor { shape: shape.into(), values: spare::take(shape.iter().product()) }
    }

    /// The axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// T.
    pub fn steps(&self) -> usize {
        self.shape[0]
    }

    /// B.
    pub fn batch(&self) -> usize {
        self.shape[1]
    }

    /// The axes of one step of one sequence, channel first.
    pub fn features(&self) -> &[usize] {
        &self.shape[2..]
    }

    /// Elements of one step of one sequence.
    pub fn feature_count(&self) -> usize {
        self.features().iter().product()
    }

    /// The shape with other features.
    pub fn shape_with(&self, features: &[usize]) -> Vec<usize> {
        [&self.shape[..2], features].concat()
    }

    /// The same values in another shape.
    ///
    /// # Panics
    /// A shape that does not count them.
    pub fn reshaped(self, shape: &[usize]) -> Tensor {
        Tensor::new(shape, self.into_values())
    }

    /// The mean over T, `[1, B, …]`.
    pub fn mean_over_time(&self) -> Tensor {
        let (steps, len) = (self.steps(), self.values.len() / self.steps());
        let mut sums = vec![0.0; len];
        for step in self.values.chunks_exact(len) {
            sums.iter_mut().zip(step).for_each(|(sum, x)| *sum += x);
        }
        sums.iter_mut().for_each(|sum| *sum /= steps as f32);
        Tensor::new(&[&[1], &self.shape[1..]].concat(), sums)
    }

    /// The elements.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The elements, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The elements alone.
    pub fn into_values(mut self) -> Vec<f32> {
        spare::release(&self.values);
        std::mem::take(&mut self.values)
    }
}

impl Clone for Tensor {
    fn clone(&self) -> Tensor {
        let mut clone = Tensor::blank(&self.shape);
        clone.values.copy_from_slice(&self.values);
        clone
    }
}

impl Drop for Tensor {
    fn drop(&mut self) {
        spare::give(std::mem::take(&mut self.values));
    }
}
