//! Each spike adds a patch of weights of one size, wherever it lies.
//!
//! ```text
//! sum[i + a, j + b, o] += value · weight[c, k(a), l(b), o]      a < rows, b < columns
//! ```
//!
//! Push asks of every spike how many outputs it feeds and which others lie on its pixel:
//! branches that nobody foresees, and dearer than the additions of a small convolution. Here
//! every position has a window of as many outputs as one can feed at most, moved in at the
//! edges; outputs in it that it does not feed get weights of zero.

use crate::layer::axis::Axis;
use crate::layer::divisor::Divisor;
use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{Aligned, Spikes, Stretch};

/// From so many weights on, with those of zero, they do not stay close enough.
const TOO_MANY_WEIGHTS: usize = 1 << 15;

/// Weights as [input channel][k][l][output channel], k and l in the order of [`Windows`].
pub struct Stamp {
    weights: Aligned,
    /// Weights of an input channel.
    per_channel: usize,
    channels: Divisor,
    width: Divisor,
    /// Output channels.
    run: usize,
    rows: Vec<Place>,
    columns: Vec<Place>,
    /// Rows and columns of a window,
    size: [usize; 2],
    /// and from one of its rows to the next: sums, and weights.
    apart: [usize; 2],
}

/// A position's window on an axis.
#[derive(Clone, Copy)]
struct Place {
    /// Where its sums begin,
    sums: u32,
    /// and its weights.
    weights: u32,
    /// How many outputs the position feeds.
    fed: u32,
}

/// The windows of an axis, each of so many neighbouring outputs.
struct Windows {
    size: usize,
    /// The taps that feed a window one behind the other, for every window in turn; those
    /// outside of the kernel are none.
    taps: Vec<Option<usize>>,
    /// Of each position the first output and the first tap, by its place among the taps.
    firsts: Vec<[usize; 2]>,
}

impl Windows {
    /// None where an axis is shorter than a window, or has gaps between taps.
    fn new(axis: &Axis) -> Option<Windows> {
        let size = axis.kernel.div_ceil(axis.stride());
        let last = axis.output.checked_sub(size).filter(|_| axis.dilation() == 1)? as i64;
        let (stride, kernel) = (axis.stride() as i64, axis.kernel as i64);
        let padded = |position: usize| (position + axis.before()) as i64;
        let output =
            |position| (padded(position) + stride - kernel).div_euclid(stride).clamp(0, last);
        let tap = |position| padded(position) - output(position) * stride;
        let (mut taps, mut firsts) = (Vec::new(), vec![[0; 2]; axis.input]);
        for phase in 0..stride {
            // from one output to the next a tap falls by the stride
            let here = || (0..axis.input).filter(|&at| padded(at) % stride == phase);
            let (Some(most), Some(least)) = (here().map(tap).max(), here().map(tap).min()) else {
                continue;
            };
            for position in here() {
                let place = taps.len() + ((most - tap(position)) / stride) as usize;
                firsts[position] = [output(position) as usize, place];
            }
            let all = (0..(most - least) / stride + size as i64).map(|i| most - i * stride);
            taps.extend(all.map(|tap| usize::try_from(tap).ok().filter(|&tap| tap < axis.kernel)));
        }
        Some(Windows { size, taps, firsts })
    }

    /// Where they begin, with so many sums an output and so many weights a tap.
    fn places(&self, axis: &Axis, [sums, weights]: [usize; 2]) -> Vec<Place> {
        let places = self.firsts.iter().zip(axis.taps()).map(|(&[output, tap], fed)| Place {
            sums: (output * sums) as u32,
            weights: (tap * weights) as u32,
            fed: fed.len() as u32,
        });
        places.collect()
    }
}

impl Stamp {
    /// Puts weights [out, in, k, l] in order. None where there is no kernel for the size, or
    /// windows would take too many weights.
    pub fn new(axes: &[Axis; 2], channels: [usize; 2], weights: &[f32]) -> Option<Stamp> {
        let ([height, width], [inputs, run]) = (axes, channels);
        let (rows, columns) = (Windows::new(height)?, Windows::new(width)?);
        let has_kernel = [8, 16, 32].contains(&run) && [1, 2, 3, 5].contains(&columns.size);
        let per_channel = rows.taps.len() * columns.taps.len() * run;
        if !has_kernel || inputs * per_channel > TOO_MANY_WEIGHTS {
            return None;
        }
        let mut sorted = Vec::with_capacity(inputs * per_channel);
        for channel in 0..inputs {
            for taps in rows.taps.iter().flat_map(|&k| columns.taps.iter().map(move |&l| (k, l))) {
                let weight = |o: usize| match taps {
                    (Some(k), Some(l)) => {
                        weights[((o * inputs + channel) * height.kernel + k) * width.kernel + l]
                    }
                    _ => 0.0,
                };
                sorted.extend((0..run).map(weight));
            }
        }
        let apart = [width.output * run, columns.taps.len() * run];
        Some(Stamp {
            weights: Aligned::from(&sorted[..]),
            per_channel,
            channels: Divisor::new(inputs),
            width: Divisor::new(width.input),
            run,
            rows: rows.places(height, apart),
            columns: columns.places(width, [run; 2]),
            size: [rows.size, columns.size],
            apart,
        })
    }

    /// Adds spikes of finite values to all sums. Gives Σ count · fan-out.
    pub fn scatter(&self, spikes: &Spikes, sums: &mut Stretch<'_>) -> u64 {
        macro_rules! kernels {
            ($($run:literal by $($columns:literal)+,)+) => {
                match (self.run, self.size[1]) {
                    $($(($run, $columns) => dispatch(Scatter::<$run, $columns>(self, spikes, sums)),)+)+
                    size => unreachable!("a stamp without a kernel, {size:?}"),
                }
            };
        }
        kernels!(8 by 1 2 3 5, 16 by 1 2 3 5, 32 by 1 2 3 5,)
    }
}

/// The loop over all spikes, for runs of R weights and windows of N columns.
struct Scatter<'a, 'b, const R: usize, const N: usize>(&'a Stamp, &'a Spikes, &'a mut Stretch<'b>);

impl<const R: usize, const N: usize> Kernel for Scatter<'_, '_, R, N> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let Scatter(stamp, spikes, sums) = self;
        let mut outputs = 0;
        let patches = spikes.iter().map(|(address, value, count)| {
            let (pixel, channel) = stamp.channels.of(address);
            let (row, column) = stamp.width.of(pixel);
            let (row, column) = (stamp.rows[row as usize], stamp.columns[column as usize]);
            outputs += u64::from(count) * u64::from(row.fed * column.fed);
            let weights = channel as usize * stamp.per_channel;
            let weights = weights + (row.weights + column.weights) as usize;
            let sums = (row.sums + column.sums) as usize;
            (sums, weights, value)
        });
        sums.again().add_patches::<R, N>(stamp.size[0], stamp.apart, &stamp.weights, patches);
        outputs * R as u64
    }
}
