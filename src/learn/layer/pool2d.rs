//! Sums, averages and maxima of windows.
//!
//! Windows do not reach over the edge; what is left of it is left out, as in PyTorch.
//! Of equal maxima the first is the one, row by row: spikes are often equal.

mod halving;

use rayon::prelude::*;

use self::halving::{Halved, Halving};
use super::{Keep, Layer, NO_FORWARD, Part, Pass, misfit};
use crate::error::Result;
use crate::learn::Tensor;
use crate::learn::memory::{Footprint, Form};
use crate::signal::simd::dispatch;

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

/// An element of a window, counted row by row.
pub(super) type Place = u16;

/// A pooling layer.
#[derive(Debug)]
pub struct Pool2d {
    pool: Pool,
    kernel: usize,
    stride: usize,
    /// Features of the input, and which of its window each maximum was.
    kept: Option<(Vec<usize>, Vec<Place>)>,
}

impl Pool2d {
    /// Square windows, `stride` apart.
    ///
    /// # Panics
    /// A window or stride of 0, or a window of more than 256 rows.
    pub fn new(pool: Pool, kernel: usize, stride: usize) -> Pool2d {
        assert!((1..=256).contains(&kernel) && stride > 0, "a window and a stride");
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

/// The first of the largest.
fn largest(plane: &[f32], window: usize, offsets: &[usize]) -> usize {
    let at = |place: usize| plane[window + offsets[place]];
    (1..offsets.len()).fold(0, |best, place| if at(place) > at(best) { place } else { best })
}

/// A plane of the input, windows in it, and where their elements lie.
struct Windows {
    plane: [usize; 2],
    first: Vec<usize>,
    offsets: Vec<usize>,
}

impl Pool2d {
    fn windows_of(&self, features: &[usize]) -> Windows {
        let plane = plane_of(features);
        Windows { plane, first: self.windows(plane), offsets: self.offsets(plane[1]) }
    }

    /// Whether windows are two by two, side by side: what networks have.
    pub(super) fn halves(&self) -> bool {
        (self.kernel, self.stride) == (2, 2)
    }

    /// The way forth of some pairs of rows, where windows are halves.
    pub(super) fn pool_rows(
        &self,
        width: usize,
        plane: &[f32],
        out: &mut [f32],
        places: &mut [Place],
    ) {
        dispatch(Halving { pool: self.pool, width, plane, out, places });
    }

    /// The way back to them, and to a last row in no window.
    pub(super) fn back_rows(
        &self,
        width: usize,
        gradient: &[f32],
        places: &[Place],
        back: &mut [f32],
    ) {
        dispatch(Halved { pool: self.pool, width, gradient, places, back });
    }

    fn pool_plane(&self, windows: &Windows, plane: &[f32], out: &mut [f32], places: &mut [Place]) {
        if self.halves() {
            return self.pool_rows(windows.plane[1], plane, out, places);
        }
        let Windows { first, offsets, .. } = windows;
        match self.pool {
            Pool::Max => {
                for ((out, place), &window) in out.iter_mut().zip(places).zip(first) {
                    let largest = largest(plane, window, offsets);
                    (*out, *place) = (plane[window + offsets[largest]], largest as Place);
                }
            }
            Pool::Sum | Pool::Average => {
                for (out, window) in out.iter_mut().zip(first) {
                    let sum: f32 = offsets.iter().map(|offset| plane[window + offset]).sum();
                    *out = sum * self.scale();
                }
            }
        }
    }

    fn back_plane(&self, windows: &Windows, gradient: &[f32], places: &[Place], back: &mut [f32]) {
        if self.halves() {
            return self.back_rows(windows.plane[1], gradient, places, back);
        }
        back.fill(0.0);
        let Windows { first, offsets, .. } = windows;
        match self.pool {
            Pool::Max => {
                for ((window, g), &place) in first.iter().zip(gradient).zip(places) {
                    back[window + offsets[usize::from(place)]] += g;
                }
            }
            Pool::Sum | Pool::Average => {
                for (window, g) in first.iter().zip(gradient) {
                    offsets.iter().for_each(|offset| back[window + offset] += g * self.scale());
                }
            }
        }
    }

    /// Places to keep for so many windows: those of maxima, of other pools none.
    pub(super) fn places_of(&self, windows: usize) -> usize {
        if self.pool == Pool::Max { windows } else { 0 }
    }

    /// Keeps what the way back needs, if one may follow.
    pub(super) fn keep(&mut self, features: &[usize], places: Vec<Place>, pass: &Pass) {
        self.kept = pass.returns().then(|| (features.to_vec(), places));
    }

    /// The places that were kept.
    pub(super) fn take(&mut self) -> Vec<Place> {
        self.kept.take().expect(NO_FORWARD).1
    }
}

/// Each plane's part of the places, which may be none.
fn by_plane(mut places: &mut [Place], planes: usize) -> Vec<&mut [Place]> {
    let windows = places.len() / planes.max(1);
    let part = |_| {
        let (part, rest) = std::mem::take(&mut places).split_at_mut(windows);
        places = rest;
        part
    };
    (0..planes).map(part).collect()
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

    /// Maxima of spikes are spikes.
    fn sends_spikes(&self, input: bool) -> bool {
        input && self.pool == Pool::Max
    }

    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let places = size_of::<Place>() * self.places_of(output.numbers());
        let back = input.gradient(keep) + output.gradient(keep);
        let kept = if keep == Keep::Nothing { 0 } else { places };
        Footprint { kept, forth: input.bytes() + output.bytes() + places, back }
    }

    fn part(&mut self) -> Part<'_> {
        Part::Pool(self)
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let features = input.features().to_vec();
        let windows = self.windows_of(&features);
        let mut output =
            Tensor::blank(&input.shape_with(&self.output(&features).expect("features that fit")));
        let mut places = vec![0; self.places_of(output.values().len())];
        let count = output.values().len() / windows.first.len();
        let planes = input.values().par_chunks_exact(windows.plane.iter().product());
        let pooled = output.values_mut().par_chunks_exact_mut(windows.first.len());
        planes
            .zip(pooled)
            .zip(by_plane(&mut places, count))
            .for_each(|((plane, out), places)| self.pool_plane(&windows, plane, out, places));
        self.keep(&features, places, pass);
        output
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let (features, mut places) = self.kept.take().expect(NO_FORWARD);
        let windows = self.windows_of(&features);
        let mut back = Tensor::blank(&gradient.shape_with(&features));
        let count = gradient.values().len() / windows.first.len();
        let planes = back.values_mut().par_chunks_exact_mut(windows.plane.iter().product());
        let gradients = gradient.values().par_chunks_exact(windows.first.len());
        gradients.zip(planes).zip(by_plane(&mut places, count)).for_each(
            |((gradient, back), places)| self.back_plane(&windows, gradient, places, back),
        );
        back
    }
}
