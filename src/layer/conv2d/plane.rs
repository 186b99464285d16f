//! Every input counts, spike or not: a dense convolution.
//!
//! The spikes are laid out as a padded plane of values; neighbouring output pixels of
//! a row share each load of weights, and their sums stay in registers.

use std::ops::Range;

use crate::layer::axis::Axis;
use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{Spikes, Stretch};

/// Pixels and channels of the output whose sums are held at a time.
const PIXELS: usize = 6;
const CHANNELS: usize = 32;

/// The shape of the plane.
pub struct Plane {
    axes: [Axis; 2],
    channels: [usize; 2],
}

impl Plane {
    /// None with groups; where the output channels are no whole tiles; and where a weight
    /// is not finite, because such a weight times no spike is not nothing.
    pub fn new(
        axes: &[Axis; 2],
        channels: [usize; 2],
        groups: usize,
        weights: &[f32],
    ) -> Option<Plane> {
        let fits = groups == 1 && channels[1].is_multiple_of(CHANNELS);
        let fits = fits && weights.iter().all(|weight| weight.is_finite());
        fits.then_some(Plane { axes: *axes, channels })
    }

    /// Adds the spikes to these rows of the output, by weights [k][l][input
    /// channel][output channel].
    pub fn scatter(
        &self,
        weights: &[f32],
        spikes: &Spikes,
        rows: Range<usize>,
        sums: &mut Stretch<'_>,
    ) {
        dispatch(Dense {
            plane: self,
            weights,
            values: &self.lay_out(spikes, &rows),
            rows,
            sums: sums.again(),
        });
    }

    /// Columns of the padded plane: as many as the last tile reaches.
    fn width(&self) -> usize {
        let [_, width] = self.axes;
        let outputs = width.output.next_multiple_of(PIXELS);
        (outputs - 1) * width.stride() + (width.kernel - 1) * width.dilation() + 1
    }

    /// The first padded row that these rows of the output read, and how many.
    fn padded(&self, rows: &Range<usize>) -> (usize, usize) {
        let [height, _] = self.axes;
        let reach = (height.kernel - 1) * height.dilation() + 1;
        (rows.start * height.stride(), (rows.len().max(1) - 1) * height.stride() + reach)
    }

    /// The values of what these rows of the output read: [row][column][channel].
    fn lay_out(&self, spikes: &Spikes, rows: &Range<usize>) -> Vec<f32> {
        let ([height, width], inputs) = (self.axes, self.channels[0]);
        let (first, count) = self.padded(rows);
        let mut plane = vec![0.0; count * self.width() * inputs];
        for (address, value, _) in spikes.iter() {
            let (pixel, channel) = (address as usize / inputs, address as usize % inputs);
            let row = pixel / width.input + height.before();
            let column = pixel % width.input + width.before();
            if (first..first + count).contains(&row) && column < self.width() {
                plane[((row - first) * self.width() + column) * inputs + channel] = value;
            }
        }
        plane
    }
}

/// A plane on its way into some rows of the output.
struct Dense<'a> {
    plane: &'a Plane,
    weights: &'a [f32],
    values: &'a [f32],
    rows: Range<usize>,
    sums: Stretch<'a>,
}

impl Kernel for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let [_, width] = self.plane.axes;
        for row in self.rows.clone() {
            for column in (0..width.output).step_by(PIXELS) {
                for channel in (0..self.plane.channels[1]).step_by(CHANNELS) {
                    self.tile(row, column, channel);
                }
            }
        }
    }
}

#[inline(always)]
fn plus(sums: [f32; CHANNELS], value: f32, weights: &[f32; CHANNELS]) -> [f32; CHANNELS] {
    std::array::from_fn(|i| sums[i] + value * weights[i])
}

impl Dense<'_> {
    /// The sums of [`PIXELS`] neighbouring pixels, [`CHANNELS`] channels of each.
    #[inline(always)]
    fn tile(&mut self, row: usize, column: usize, channel: usize) {
        let ([height, width], [inputs, outputs]) = (self.plane.axes, self.plane.channels);
        let pixels = PIXELS.min(width.output - column);
        let start = (row * width.output + column) * outputs + channel;
        let mut held = [[0.0; CHANNELS]; PIXELS];
        let sums = self.sums.set(start, (pixels - 1) * outputs + CHANNELS);
        for (held, sums) in held.iter_mut().zip(sums.chunks(outputs)) {
            held.copy_from_slice(&sums[..CHANNELS]);
        }
        // each a variable of its own, or the compiler keeps them in memory
        let [mut h0, mut h1, mut h2, mut h3, mut h4, mut h5] = held;
        let stride = self.plane.width() * inputs;
        for k in 0..height.kernel {
            let y = (row - self.rows.start) * height.stride() + k * height.dilation();
            for l in 0..width.kernel {
                let x = column * width.stride() + l * width.dilation();
                let values = &self.values[y * stride + x * inputs..];
                let apart = width.stride() * inputs;
                let values: [&[f32]; PIXELS] =
                    std::array::from_fn(|p| &values[p * apart..][..inputs]);
                let tap = (k * width.kernel + l) * inputs;
                let weights = self.weights[tap * outputs..].chunks(outputs).take(inputs);
                for (c, weights) in weights.enumerate() {
                    let weights: &[f32; CHANNELS] =
                        weights[channel..].first_chunk().expect("tiles are whole");
                    h0 = plus(h0, values[0][c], weights);
                    h1 = plus(h1, values[1][c], weights);
                    h2 = plus(h2, values[2][c], weights);
                    h3 = plus(h3, values[3][c], weights);
                    h4 = plus(h4, values[4][c], weights);
                    h5 = plus(h5, values[5][c], weights);
                }
            }
        }
        for (held, sums) in [h0, h1, h2, h3, h4, h5].iter().zip(sums.chunks_mut(outputs)) {
            sums[..CHANNELS].copy_from_slice(held);
        }
    }
}
