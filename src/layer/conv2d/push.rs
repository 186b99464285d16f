//! Each spike adds a run of weights to the sums of each output pixel that it feeds.
//!
//! Taps of a kernel's row that feed neighbouring outputs lie side by side, so that a
//! spike makes few long runs: with stride s every s-th tap, the last one first. The spikes
//! of a pixel make the same runs, of the weights of different channels, and go together.

use std::ops::Range;

use crate::layer::axis::Axis;
use crate::layer::divisor::Divisor;
use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{Aligned, Spikes, Stretch};

/// Weights as [input channel of all groups][k][taps in order][output channel of the
/// group], and where they go.
pub struct Push {
    weights: Aligned,
    /// Weights of an input channel.
    per_channel: usize,
    channels: usize,
    /// Input channels of a group.
    per_group: Divisor,
    groups: Divisor,
    /// Output channels of a group.
    run: usize,
    /// Weights of the longest run.
    longest: usize,
    height: Axis,
    width: Divisor,
    /// Addresses in a row of the input.
    row: usize,
    /// By row of the input.
    rows: Vec<Vec<Row>>,
    /// By column of the input.
    columns: Vec<Columns>,
}

/// A row of the kernel over a row of the output.
struct Row {
    /// Where its weights begin in those of a channel.
    weights: usize,
    /// The row of the output.
    output: usize,
    /// Its first sum.
    sums: usize,
}

/// What a column of the input feeds.
struct Columns {
    runs: Vec<Run>,
    /// Taps in all.
    taps: usize,
}

/// Weights side by side for sums side by side, counted from the row's first.
struct Run {
    weights: usize,
    sums: usize,
    len: usize,
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
        let row = |&(k, i): &(u32, u32)| Row {
            weights: k as usize * width.kernel * run,
            output: i as usize,
            sums: i as usize * width.output * outputs,
        };
        let columns = |taps: &Vec<(u32, u32)>| columns(taps, &order, groups == 1, [run, outputs]);
        let columns: Vec<Columns> = width.taps().iter().map(columns).collect();
        let runs = columns.iter().flat_map(|columns| &columns.runs);
        Push {
            longest: runs.map(|run| run.len).max().unwrap_or(run),
            weights: Aligned::from(&sorted[..]),
            per_channel: kernel * run,
            channels: inputs,
            per_group: Divisor::new(per_group),
            groups: Divisor::new(groups),
            run,
            height,
            width: Divisor::new(width.input),
            row: width.input * inputs,
            rows: height.taps().iter().map(|taps| taps.iter().map(row).collect()).collect(),
            columns,
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
    pub fn scatter(&self, spikes: &Spikes, rows: Range<usize>, sums: Stretch<'_>) -> u64 {
        let part = Part { push: self, spikes, rows, sums };
        // of known lengths the compiler makes straight lines of wide additions
        match self.longest {
            8 => dispatch(Scatter::<8>(part)),
            16 => dispatch(Scatter::<16>(part)),
            24 => dispatch(Scatter::<24>(part)),
            32 => dispatch(Scatter::<32>(part)),
            48 => dispatch(Scatter::<48>(part)),
            64 => dispatch(Scatter::<64>(part)),
            96 => dispatch(Scatter::<96>(part)),
            128 => dispatch(Scatter::<128>(part)),
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
        self.reach(address, &(0..usize::MAX))
    }

    /// Synapses in all.
    pub fn synapses(&self) -> u64 {
        let rows: usize = self.rows.iter().map(Vec::len).sum();
        let columns: usize = self.columns.iter().map(|columns| columns.taps).sum();
        (rows * columns * self.channels * self.run) as u64
    }

    /// Synapses from `address` into these rows of the output.
    fn reach(&self, address: u32, rows: &Range<usize>) -> u64 {
        let (row, column) = self.width.of(self.groups.of(self.per_group.of(address).0).0);
        let reached = self.rows[row as usize].iter().filter(|row| rows.contains(&row.output));
        (reached.count() * self.columns[column as usize].taps * self.run) as u64
    }
}

/// The taps of a row of the kernel in the order in which their weights lie: those
/// that feed neighbouring outputs one behind the other.
fn order(axis: &Axis) -> Vec<usize> {
    let apart = axis.taps_apart().min(axis.kernel);
    (0..apart).flat_map(|phase| (phase..axis.kernel).step_by(apart).rev()).collect()
}

/// Taps as runs; with groups no two outputs are neighbours.
fn columns(
    taps: &[(u32, u32)],
    order: &[usize],
    join: bool,
    [run, outputs]: [usize; 2],
) -> Columns {
    let mut runs: Vec<Run> = Vec::new();
    for &(tap, output) in taps {
        let place = order.iter().position(|&l| l == tap as usize).expect("a tap of the kernel");
        let (weights, sums) = (place * run, output as usize * outputs);
        match runs.last_mut() {
            Some(last)
                if join && (last.weights + last.len, last.sums + last.len) == (weights, sums) =>
            {
                last.len += run;
            }
            _ => runs.push(Run { weights, sums, len: run }),
        }
    }
    Columns { runs, taps: taps.len() }
}

/// Spikes on their way into some rows of the output.
struct Part<'a> {
    push: &'a Push,
    spikes: &'a Spikes,
    rows: Range<usize>,
    sums: Stretch<'a>,
}

/// The loop over all spikes, for runs of L weights, which registers hold, and others.
struct Scatter<'a, const L: usize>(Part<'a>);

impl<const L: usize> Kernel for Scatter<'_, L> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let Part { push, spikes, rows, mut sums } = self.0;
        let mut operations = 0;
        let Range { start: mut next, end } = push.over(spikes, &rows);
        let in_part = rows.len() < push.height.output;
        while next < end {
            // spikes of one pixel and group feed the same sums
            let (place, channel) = push.per_group.of(spikes.index[next]);
            let first = spikes.index[next] - channel;
            let (start, mut count) = (next, 0);
            while next < end && spikes.index[next] - first < push.per_group.divisor() {
                count += u64::from(spikes.count[next]);
                next += 1;
            }
            let here = spikes.slice(start..next);
            let (pixel, group) = push.groups.of(place);
            let (row, column) = push.width.of(pixel);
            let mut fed = &push.rows[row as usize][..];
            if in_part {
                let before = |end| fed.partition_point(|row| row.output < end);
                fed = &fed[before(rows.start)..before(rows.end)];
            }
            let (group, columns) = (group as usize, &push.columns[column as usize]);
            let first_channel = group * push.per_group.divisor() as usize;
            // from an address to its channel of all groups
            let cell = (here, first_channel.wrapping_sub(first as usize));
            for run in &columns.runs {
                let to = group * push.run + run.sums;
                let weights = &push.weights[run.weights..];
                // what nearly all of them are with the usual kernel of 3 × 3
                if let ([a, b, c], true) = (fed, run.len == L) {
                    let places = [a, b, c].map(|row| (to + row.sums, row.weights));
                    sums.add_runs::<L>(places, weights, push.per_channel, cell);
                    continue;
                }
                for row in fed {
                    let (start, weights) = (to + row.sums, &weights[row.weights..]);
                    if let ([_], [value]) = (here.index, here.value) {
                        let from = (first_channel + channel as usize) * push.per_channel;
                        sums.add_run(start, &weights[from..][..run.len], *value);
                    } else {
                        sums.add_rows((start, run.len), weights, push.per_channel, &[cell]);
                    }
                }
            }
            operations += count * (fed.len() * columns.taps * push.run) as u64;
        }
        operations
    }
}
