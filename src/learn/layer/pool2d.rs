//! Sums, averages and maxima of windows.
//!
//! Windows do not reach over the edge; what is left of it is left out, as in PyTorch.
//! Of equal maxima the first is the one, row by row: spikes are often equal.

use super::{Layer, NO_FORWARD, Pass, misfit};
use crate::error::Result;
use crate::learn::Tensor;

/// What becomes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Its sum.
    Sum,
    /// Its average.
    Average,
    /// Its largest element.
    Max,
}

/// A pooling layer.
#[derive(Debug)]
pub struct Pool2d {
    pool: Pool,
    kernel: usize,
    stride: usize,
    /// Features of the input, and where the maxima were.
    kept: Option<(Vec<usize>, Vec<u32>)>,
}

impl Pool2d {
    /// Square windows, `stride` apart.
    ///
    /// # Panics
    /// A window or stride of 0.
    pub fn new(pool: Pool, kernel: usize, stride: usize) -> Pool2d {
        assert!(kernel > 0 && stride > 0, "a window and a stride");
        Pool2d { pool, kernel, stride, kept: None }
    }

    fn size(&self, input: usize) -> usize {
        (input - self.kernel) / self.stride + 1
    }

    /// The first element of each window of a plane, in the order of the outputs.
    fn windows(&self, [height, width]: [usize; 2]) -> Vec<usize> {
        let row = |y: usize| {
            (0..self.size(width)).map(move |x| y * self.stride * width + x * self.stride)
        };
        (0..self.size(height)).flat_map(row).collect()
    }

    /// Where the elements of a window lie behind its first.
    fn offsets(&self, width: usize) -> Vec<usize> {
        let row = |y: usize| (0..self.kernel).map(move |x| y * width + x);
        (0..self.kernel).flat_map(row).collect()
    }

    fn scale(&self) -> f32 {
        match self.pool {
            Pool::Average => 1.0 / (self.kernel * self.kernel) as f32,
            Pool::Sum | Pool::Max => 1.0,
        }
    }
}

fn plane_of(features: &[usize]) -> [usize; 2] {
    [features[1], features[2]]
}

/// The place of the first of the largest.
fn largest(plane: &[f32], window: usize, offsets: &[usize]) -> usize {
    let places = offsets.iter().map(|offset| window + offset);
    places.fold(window, |best, at| if plane[at] > plane[best] { at } else { best })
}

impl Layer for Pool2d {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        match *input {
            [channels, y, x] if y >= self.kernel && x >= self.kernel => {
                Ok(vec![channels, self.size(y), self.size(x)])
            }
            _ => Err(misfit(input, format!("[C, ≥{0}, ≥{0}] for pooling", self.kernel))),
        }
    }

    /// The largest of means is not the mean of the largest.
    fn learns_from_means(&self) -> bool {
        self.pool != Pool::Max
    }

    fn forward(&mut self, input: Tensor, _: &mut Pass) -> Tensor {
        let features = input.features().to_vec();
        let plane = plane_of(&features);
        let (windows, offsets) = (self.windows(plane), self.offsets(plane[1]));
        let output = self.output(&features).expect("features that fit");
        let (mut values, mut places) = (Vec::new(), Vec::new());
        for (i, pixels) in input.values().chunks_exact(plane[0] * plane[1]).enumerate() {
            match self.pool {
                Pool::Max => {
                    let maxima = windows.iter().map(|&window| largest(pixels, window, &offsets));
                    let start = i * pixels.len();
                    places.extend(maxima.clone().map(|at| (start + at) as u32));
                    values.extend(maxima.map(|at| pixels[at]));
                }
                Pool::Sum | Pool::Average => values.extend(windows.iter().map(|window| {
                    let sum: f32 = offsets.iter().map(|offset| pixels[window + offset]).sum();
                    sum * self.scale()
                })),
            }
        }
        self.kept = Some((features, places));
        Tensor::new(&input.shape_with(&output), values)
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let (features, places) = self.kept.take().expect(NO_FORWARD);
        let mut back = Tensor::zeros(&gradient.shape_with(&features));
        if self.pool == Pool::Max {
            let pairs = places.iter().zip(gradient.values());
            pairs.for_each(|(&at, g)| back.values_mut()[at as usize] += g);
            return back;
        }
        let plane = plane_of(&features);
        let (windows, offsets) = (self.windows(plane), self.offsets(plane[1]));
        let planes = back.values_mut().chunks_exact_mut(plane[0] * plane[1]);
        for (back, gradient) in planes.zip(gradient.values().chunks_exact(windows.len())) {
            for (window, g) in windows.iter().zip(gradient) {
                offsets.iter().for_each(|offset| back[window + offset] += g * self.scale());
            }
        }
        back
    }
}
