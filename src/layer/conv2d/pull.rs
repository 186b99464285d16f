//! Each output pixel adds up the spikes in its window, its sums held in registers.
//!
//! Addresses ascend by row, column and channel. So the spikes of the columns under one
//! row of a window lie side by side in the list, and the row of weights that belongs
//! to each follows from its address.

use std::ops::Range;

use crate::layer::axis::Axis;
use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{Entries, Offset, Spikes, Stretch};

/// Where the spikes of a window are.
pub struct Pull {
    axes: [Axis; 2],
    channels: [usize; 2],
}

impl Pull {
    /// None with groups, and where the columns under a window are no neighbours.
    pub fn new(axes: &[Axis; 2], channels: [usize; 2], groups: usize) -> Option<Pull> {
        let fits = groups == 1 && axes[1].dilation() == 1;
        fits.then_some(Pull { axes: *axes, channels })
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
        dispatch(Gather { pull: self, weights, spikes, rows, sums: sums.again() });
    }

    /// How many spikes precede each pixel of a range of the input, and its end.
    fn before(&self, spikes: &Spikes, pixels: &Range<usize>) -> Vec<u32> {
        let mut before = Vec::with_capacity(pixels.len() + 1);
        let mut next =
            spikes.index.partition_point(|&i| (i as usize) < pixels.start * self.channels[0]);
        for pixel in pixels.clone() {
            before.push(next as u32);
            let end = ((pixel + 1) * self.channels[0]) as u32;
            while spikes.index.get(next).is_some_and(|&index| index < end) {
                next += 1;
            }
        }
        before.push(next as u32);
        before
    }
}

/// Spikes on their way into some rows of the output.
struct Gather<'a> {
    pull: &'a Pull,
    weights: &'a [f32],
    spikes: &'a Spikes,
    rows: Range<usize>,
    sums: Stretch<'a>,
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Gather { pull, weights, spikes, rows, mut sums } = self;
        let ([height, width], [inputs, outputs]) = (pull.axes, pull.channels);
        let under = height.under(rows.clone());
        let first = under.start * width.input;
        let before = pull.before(spikes, &(first..under.end * width.input));
        let mut slices: Vec<(Entries<'_>, Offset)> = Vec::with_capacity(height.kernel);
        for row in rows {
            for column in 0..width.output {
                slices.clear();
                let (l, columns) = width.window(column);
                for (k, y) in height.taps_of(row) {
                    let pixel = y * width.input - first;
                    let from = before[pixel + columns.start] as usize;
                    let to = before[pixel + columns.end] as usize;
                    if from < to {
                        let tap = (k * width.kernel + l) * inputs;
                        let start = (y * width.input + columns.start) * inputs;
                        slices.push((spikes.slice(from..to), tap.wrapping_sub(start)));
                    }
                }
                if !slices.is_empty() {
                    let start = (row * width.output + column) * outputs;
                    sums.add_rows((start, outputs), weights, outputs, &slices);
                }
            }
        }
    }
}
