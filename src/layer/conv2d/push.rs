//! Each spike adds a patch of weights to the sums of the output pixels that it feeds.
//!
//! ```text
//! sum[i, j, o] += value · weight[c, k, l, o]
//!     for all taps k, l and outputs i, j with
//!     row    = i·stride − before + k·dilation       and likewise the column
//! ```
//!
//! The outputs that an input feeds along an axis lie at one distance from each other, and
//! weights lie in such an order that theirs do too. So a patch is told by where its first
//! run begins, in sums and in weights, and by how many rows and columns it has.

use std::ops::Range;

use crate::layer::axis::Axis;
use crate::layer::divisor::Divisor;
use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{Aligned, Patch, Spikes, Stretch};

/// Weights as [input channel of all groups][k][taps in order][output channel of the
/// group], and where they go.
pub struct Push {
    weights: Aligned,
    /// Weights of an input channel.
    per_channel: usize,
    channels: Divisor,
    /// Input channels of a group.
    per_group: Divisor,
    /// Output channels of a group.
    run: usize,
    height: Axis,
    width: Divisor,
    /// Addresses in a row of the input.
    row: usize,
    rows: Fed,
    columns: Fed,
}

/// The outputs that each position of an axis feeds.
struct Fed {
    by_position: Vec<Places>,
    /// How far apart they are: in outputs,
    outputs: usize,
    /// in sums,
    sums: usize,
    /// and in weights, modulo the largest number.
    weights: usize,
}

/// The outputs that one position feeds.
#[derive(Clone, Copy, Default)]
struct Places {
    count: u32,
    /// The first of them,
    output: u32,
    /// its sums, counted from those of output 0,
    sums: u32,
    /// and its weights, counted from those of the tap that lies first.
    weights: u32,
}

impl Fed {
    /// Of an axis whose taps lie in this order, with so many sums from one output to the
    /// next and so many weights from one tap to the next.
    fn new(axis: &Axis, order: &[usize], [sums, weights]: [usize; 2]) -> Fed {
        let place = |tap: u32| {
            let place = order.iter().position(|&l| l == tap as usize);
            place.expect("a tap of the kernel") * weights
        };
        let taps = axis.taps();
        let places = |taps: &Vec<(u32, u32)>| {
            let &(tap, output) = taps.first()?;
            let (sums, weights) = (output * sums as u32, place(tap) as u32);
            Some(Places { count: taps.len() as u32, output, sums, weights })
        };
        // the same wherever a position feeds several
        let several = taps.iter().find_map(|taps| Some([*taps.first()?, *taps.get(1)?]));
        let [(tap, output), (next_tap, next_output)] = several.unwrap_or_default();
        let outputs = (next_output - output) as usize;
        Fed {
            by_position: taps.iter().map(|taps| places(taps).unwrap_or_default()).collect(),
            outputs,
            sums: outputs * sums,
            weights: place(next_tap).wrapping_sub(place(tap)),
        }
    }

    /// How many all positions together feed.
    fn all(&self) -> usize {
        self.by_position.iter().map(|places| places.count as usize).sum()
    }

    /// Of what a position feeds, what lies among these outputs.
    fn among(&self, outputs: &Range<usize>, of: Places) -> Places {
        let before = |end: usize| {
            let before = end.saturating_sub(of.output as usize).div_ceil(self.outputs.max(1));
            before.min(of.count as usize)
        };
        let (skip, end) = (before(outputs.start), before(outputs.end));
        let weights = skip.wrapping_mul(self.weights) as u32;
        Places {
            count: end.saturating_sub(skip) as u32,
            output: of.output + (skip * self.outputs) as u32,
            sums: of.sums + (skip * self.sums) as u32,
            weights: of.weights.wrapping_add(weights),
        }
    }
}

impl Push {
    /// Puts weights [out, in / groups, k, l] in order.
    pub fn new(axes: &[Axis; 2], channels: [usize; 2], groups: usize, weights: &[f32]) -> Push {
        let ([height, width], [inputs, outputs]) = (*axes, channels);
        let (run, per_group) = (outputs / groups, inputs / groups);
        let (kernel, order) = (height.kernel * width.kernel, order(&width));
        let mut sorted = Vec::with_capacity(weights.len() * groups);
        for channel in 0..inputs {
            let (group, within) = (channel / per_group, channel % per_group);
            for tap in (0..height.kernel).flat_map(|k| order.iter().map(move |l| (k, l))) {
                let tap = tap.0 * width.kernel + tap.1;
                let output = |o: usize| ((group * run + o) * per_group + within) * kernel + tap;
                sorted.extend((0..run).map(|o| weights[output(o)]));
            }
        }
        let as_they_are: Vec<usize> = (0..height.kernel).collect();
        Push {
            weights: Aligned::from(&sorted[..]),
            per_channel: kernel * run,
            channels: Divisor::new(inputs),
            per_group: Divisor::new(per_group),
            run,
            height,
            width: Divisor::new(width.input),
            row: width.input * inputs,
            rows: Fed::new(&height, &as_they_are, [width.output * outputs, width.kernel * run]),
            columns: Fed::new(&width, &order, [outputs, run]),
        }
    }

    /// The weights as [k][l][input channel][output channel], of a single group.
    pub fn by_tap(&self, [height, width]: &[Axis; 2]) -> Aligned {
        let order = order(width);
        let place = |l: usize| order.iter().position(|&tap| tap == l).expect("a tap of the kernel");
        let mut sorted = Vec::with_capacity(self.weights.len());
        for tap in (0..height.kernel).flat_map(|k| (0..width.kernel).map(move |l| (k, l))) {
            let run = (tap.0 * width.kernel + place(tap.1)) * self.run;
            for channel in self.weights.chunks(self.per_channel) {
                sorted.extend_from_slice(&channel[run..][..self.run]);
            }
        }
        Aligned::from(&sorted[..])
    }

    /// Adds the spikes to these rows of the output. Gives Σ count · fan-out into them.
    pub fn scatter(&self, spikes: &Spikes, rows: Range<usize>, sums: &mut Stretch<'_>) -> u64 {
        let part = Part { push: self, spikes, rows, sums };
        // of known lengths the compiler makes straight lines of wide additions
        match self.run {
            8 => dispatch(Scatter::<8>(part)),
            16 => dispatch(Scatter::<16>(part)),
            32 => dispatch(Scatter::<32>(part)),
            64 => dispatch(Scatter::<64>(part)),
            _ => dispatch(Scatter::<0>(part)),
        }
    }

    /// The spikes that reach these rows of the output.
    fn over(&self, spikes: &Spikes, rows: &Range<usize>) -> Range<usize> {
        let under = self.height.under(rows.clone());
        let before = |row| spikes.index.partition_point(|&i| (i as usize) < row * self.row);
        before(under.start)..before(under.end)
    }

    /// Σ count · fan-out into these rows of the output.
    pub fn operations(&self, spikes: &Spikes, rows: Range<usize>) -> u64 {
        let over = self.over(spikes, &rows);
        let entries = spikes.index[over.clone()].iter().zip(&spikes.count[over]);
        entries.map(|(&address, &count)| u64::from(count) * self.reach(address, &rows)).sum()
    }

    /// Synapses that leave `address`.
    pub fn fan_out(&self, address: u32) -> u64 {
        self.reach(address, &(0..self.height.output))
    }

    /// Synapses in all.
    pub fn synapses(&self) -> u64 {
        let channels = self.channels.divisor() as usize;
        (self.rows.all() * self.columns.all() * channels * self.run) as u64
    }

    /// Synapses from `address` into these rows of the output.
    fn reach(&self, address: u32, rows: &Range<usize>) -> u64 {
        let (row, column) = self.width.of(self.channels.of(address).0);
        let row = self.rows.among(rows, self.rows.by_position[row as usize]);
        let column = self.columns.by_position[column as usize];
        u64::from(row.count) * u64::from(column.count) * self.run as u64
    }
}

/// The taps of a row of the kernel in the order in which their weights lie: those
/// that feed neighbouring outputs one behind the other.
fn order(axis: &Axis) -> Vec<usize> {
    let apart = axis.taps_apart().min(axis.kernel);
    (0..apart).flat_map(|phase| (phase..axis.kernel).step_by(apart).rev()).collect()
}

/// Spikes on their way into some rows of the output.
struct Part<'a, 'b> {
    push: &'a Push,
    spikes: &'a Spikes,
    rows: Range<usize>,
    sums: &'a mut Stretch<'b>,
}

/// The loop over all spikes, for runs of R weights, or of any number where R is 0.
struct Scatter<'a, 'b, const R: usize>(Part<'a, 'b>);

impl<const R: usize> Kernel for Scatter<'_, '_, R> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let Part { push, spikes, rows, sums } = self.0;
        let mut sums = sums.again();
        let Push { channels, per_group, width, per_channel, .. } = *push;
        let in_part = rows.len() < push.height.output;
        let is_grouped = per_group.divisor() < channels.divisor();
        let joined = push.columns.sums == push.run || push.columns.sums == 0;
        let apart = [push.rows.sums, push.rows.weights];
        let Range { start: mut next, end } = push.over(spikes, &rows);
        let mut outputs = 0;
        while next < end {
            // spikes of one pixel and group feed the same sums
            let index = spikes.index[next];
            let (pixel, channel) = channels.of(index);
            let (group, within) = if is_grouped { per_group.of(channel) } else { (0, channel) };
            let (start, mut count) = (next, 0);
            while next < end && spikes.index[next] - (index - within) < per_group.divisor() {
                count += u64::from(spikes.count[next]);
                next += 1;
            }
            // less than its channel is an address by so much
            let offset = 0_usize.wrapping_sub((index - channel) as usize);
            let here = (spikes.slice(start..next), offset);
            let (row, column) = width.of(pixel);
            let column = push.columns.by_position[column as usize];
            let mut row = push.rows.by_position[row as usize];
            if in_part {
                row = push.rows.among(&rows, row);
            }
            let first = group as usize * push.run + (row.sums + column.sums) as usize;
            let tap = (row.weights + column.weights) as usize;
            let patch = Patch { rows: row.count, sums: first, weights: tap, apart };
            let weights = &push.weights[..];
            match (column.count, R > 0 && joined) {
                (0, _) => (),
                (1, true) => sums.add_patch::<R, 1>(patch, weights, per_channel, here),
                (2, true) => sums.add_patch::<R, 2>(patch, weights, per_channel, here),
                (3, true) => sums.add_patch::<R, 3>(patch, weights, per_channel, here),
                (columns, _) => {
                    let (runs, len) = match joined {
                        true => (1, columns as usize * push.run),
                        false => (columns, push.run),
                    };
                    let apart = [push.columns.sums, push.columns.weights];
                    for run in (0..row.count).flat_map(|row| (0..runs).map(move |run| [row, run])) {
                        let [start, tap] = patch.run(run, apart);
                        sums.add_rows((start, len), &weights[tap..], per_channel, &[here]);
                    }
                }
            }
            outputs += count * u64::from(row.count * column.count);
        }
        outputs * push.run as u64
    }
}
