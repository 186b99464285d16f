//! Each spike adds a patch of weights of one size, wherever it lies.
//!
//! ```text
//! sum[i + a, j + b, o] += value · weight[c, k(a), l(b), o]      a, b < size
//! ```
//!
//! Push asks of every spike how many outputs it feeds and which others lie on its pixel:
//! branches that nobody foresees, and dearer than the additions of a small convolution. Here
//! every position has a window of as many outputs as one can feed at most, moved in at the
//! edges; outputs in it that it does not feed get weights of zero. Windows are square: all
//! lengths are known when the loop is compiled.

use crate::layer::axis::Axis;
use crate::layer::divisor::Divisor;
use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{Aligned, BLOCK, Spikes, Stretch};

/// From so many weights on, with those of zero, they do not stay close enough.
const TOO_MANY_WEIGHTS: usize = 1 << 15;

/// Weights as [input channel][k][l][output channel], k and l in the order of [`Windows`].
pub struct Stamp {
    weights: Aligned,
    /// Weights of an input channel.
    per_channel: u32,
    channels: Divisor,
    width: Divisor,
    /// Output channels.
    run: usize,
    rows: Vec<Place>,
    columns: Vec<Place>,
    /// Rows and columns of a window,
    size: usize,
    /// and from one of its rows to the next: sums, and weights.
    apart: [usize; 2],
    /// The blocks that a window lies in, a bit each from that of its first sum on, for every
    /// place in a block where it can begin. None where they are too far apart.
    blocks: Option<Vec<u64>>,
}

/// A position's window on an axis.
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
        for phase in (0..axis.input.min(axis.stride())).map(|at| padded(at) % stride) {
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
        let size = columns.size;
        let has_kernel =
            [8, 16, 32].contains(&run) && [1, 2, 3, 5].contains(&size) && rows.size == size;
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
            per_channel: per_channel as u32,
            channels: Divisor::new(inputs),
            width: Divisor::new(width.input),
            run,
            rows: rows.places(height, apart),
            columns: columns.places(width, [run; 2]),
            size,
            apart,
            blocks: (0..BLOCK / run).map(|i| blocks(i * run, size, apart[0], size * run)).collect(),
        })
    }

    /// Adds spikes of finite values to all sums. Gives Σ count · fan-out.
    pub fn scatter(&self, spikes: &Spikes, sums: &mut Stretch<'_>) -> u64 {
        macro_rules! kernels {
            ($($run:literal by $($size:literal)+,)+) => {
                match (self.run, self.size) {
                    $($(($run, $size) => dispatch(Scatter::<$run, $size>(self, spikes, sums)),)+)+
                    size => unreachable!("a stamp without a kernel, {size:?}"),
                }
            };
        }
        kernels!(8 by 1 2 3 5, 16 by 1 2 3 5, 32 by 1 2 3 5,)
    }
}

/// The blocks in which some rows of `len` sums lie, so far apart, of which the first begins
/// at `start` of a block: a bit each. None where there are more than bits in a word.
fn blocks(start: usize, rows: usize, apart: usize, len: usize) -> Option<u64> {
    let rows = (0..rows).map(|row| start + row * apart);
    let mut all = rows.flat_map(|first| first / BLOCK..=(first + len - 1) / BLOCK);
    all.try_fold(0, |blocks, block| Some(blocks | 1u64.checked_shl(block as u32)?))
}

/// Spikes of which first all patches are found, then all added: each of both loops fits
/// registers, and the next additions need not wait for where they go.
const AT_ONCE: usize = 64;

/// The loop over all spikes, for runs of R weights and windows of N rows and columns.
struct Scatter<'a, 'b, const R: usize, const N: usize>(&'a Stamp, &'a Spikes, &'a mut Stretch<'b>);

impl<const R: usize, const N: usize> Kernel for Scatter<'_, '_, R, N> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let Scatter(stamp, spikes, sums) = self;
        // said before anything is written, or it would be asked for again after every write
        let &Stamp { channels, width, per_channel, apart, .. } = stamp;
        let (rows, columns, weights) = (&stamp.rows[..], &stamp.columns[..], &stamp.weights[..]);
        let blocks = stamp.blocks.as_deref();
        let mut sums = sums.again();
        let (mut outputs, mut patches) = (0, [[0; 2]; AT_ONCE]);
        let counts = spikes.count.chunks(AT_ONCE);
        let entries = spikes.index.chunks(AT_ONCE).zip(spikes.value.chunks(AT_ONCE));
        for ((addresses, values), counts) in entries.zip(counts) {
            let patches = &mut patches[..addresses.len()];
            for ((&address, &count), patch) in addresses.iter().zip(counts).zip(&mut *patches) {
                let (pixel, channel) = channels.of(address);
                let (row, column) = width.of(pixel);
                let (row, column) = (&rows[row as usize], &columns[column as usize]);
                outputs += u64::from(count) * u64::from(row.fed * column.fed);
                let start = row.sums + column.sums;
                *patch = [start, channel * per_channel + row.weights + column.weights];
                let start = start as usize;
                match blocks {
                    Some(blocks) => sums.touch_blocks(start, blocks[start / R % (BLOCK / R)]),
                    None => sums.touch_rows(start, N, apart[0], N * R),
                }
            }
            sums.add_patches::<R, N>(apart, weights, patches, values);
        }
        outputs * R as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signal::Accumulator;

    proptest! {
        #[test]
        fn a_window_marks_the_blocks_of_its_sums(
            run in prop::sample::select(vec![8, 16, 32]), size in 1usize..6,
            wider in 0usize..200, row in 0usize..40, column in 0.0f64..=1.0,
        ) {
            let width = size + wider;
            let (apart, column) = (width * run, (column * wider as f64) as usize);
            let (start, sums) = ((row * width + column) * run, (row + size) * apart);
            let window = (0..size).flat_map(|i| start + i * apart..start + i * apart + size * run);
            let [mut each, mut rows, mut together] = [(); 3].map(|()| Accumulator::new(sums));
            window.clone().for_each(|address| each.add(address, 0.0));
            rows.whole().touch_rows(start, size, apart, size * run);
            let words = 0..each.blocks().div_ceil(64);
            prop_assert!(words.clone().all(|word| rows.live(word) == each.live(word)));
            let last = window.last().unwrap() / BLOCK - start / BLOCK;
            let blocks = blocks(start % BLOCK, size, apart, size * run);
            prop_assert_eq!(blocks.is_some(), last < 64);
            if let Some(blocks) = blocks {
                together.whole().touch_blocks(start, blocks);
                prop_assert!(words.clone().all(|word| together.live(word) == each.live(word)));
            }
        }
    }
}
