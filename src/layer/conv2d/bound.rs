//! A convolution bound to its input, and which of four loops computes it.
//!
//! | way | loop | good for |
//! |---|---|---|
//! | push | each spike adds to the outputs that it feeds | few spikes, many to a pixel |
//! | stamp | each spike adds a patch of one size, zeros in it | few spikes and weights |
//! | pull | each output pixel adds up the spikes that feed it, in registers | many |
//! | plane | every input counts, spike or not; outputs share weights | nearly all |
//!
//! Every sum takes its terms in the same order, inputs by row, column and channel,
//! and a term of zero changes no bit: so the ways are one function. Zero times
//! what is not finite is not zero: such values stamp is not given.

use std::ops::Range;
use std::sync::OnceLock;

use super::plane::Plane;
use super::pull::Pull;
use super::push::Push;
use super::stamp::Stamp;
use crate::layer::Weighted;
use crate::layer::axis::Axis;
use crate::layer::choice::Choice;
use crate::signal::{Aligned, Spikes, Stretch};

/// The ways, as [`Choice`] numbers them.
const PUSH: usize = 0;
const PULL: usize = 1;
const PLANE: usize = 2;
const STAMP: usize = 3;

/// What the four ways share, and they themselves.
pub struct Bound {
    axes: [Axis; 2],
    /// Input and output channels.
    channels: [usize; 2],
    bias: Option<Vec<f32>>,
    synapses: u64,
    push: Push,
    pull: Option<Pull>,
    plane: Option<Plane>,
    stamp: Option<Stamp>,
    /// For pull and plane, made when first needed.
    by_tap: OnceLock<Aligned>,
    choice: Choice<4>,
}

impl Bound {
    /// Binds weights [out, in / groups, rows, columns] to axes of the input.
    pub fn new(
        axes: [Axis; 2],
        channels: [usize; 2],
        groups: usize,
        weights: Vec<f32>,
        bias: Option<Vec<f32>>,
    ) -> Bound {
        let push = Push::new(&axes, channels, groups, &weights);
        let pull = Pull::new(&axes, channels, groups);
        let plane = Plane::new(&axes, channels, groups, &weights);
        let stamp = if groups == 1 { Stamp::new(&axes, channels, &weights) } else { None };
        let synapses = push.synapses();
        let (by_tap, choice) = (OnceLock::new(), Choice::default());
        Bound { axes, channels, bias, synapses, push, pull, plane, stamp, by_tap, choice }
    }

    /// Output rows of this stretch.
    fn rows(&self, addresses: Range<usize>) -> Range<usize> {
        let row = self.axes[1].output * self.channels[1];
        addresses.start / row..(addresses.end / row).min(self.axes[0].output)
    }

    /// Which ways are worth a try for these entries, into all rows of the output or some:
    /// pull where about every second output pixel hears one, the plane where a quarter of
    /// the inputs is active, stamps while there are fewer of them than pixels.
    fn open(&self, spikes: &Spikes, rows: &Range<usize>) -> [bool; 4] {
        let entries = spikes.len();
        let inputs = self.pixels(0) * self.channels[0];
        let outputs_of_one = self.synapses / (inputs * self.channels[1]).max(1) as u64;
        let heard = entries as u64 * outputs_of_one.max(1);
        let mut open = [false; 4];
        open[PUSH] = true;
        open[PULL] = self.pull.is_some() && heard >= self.pixels(1) as u64 / 2;
        open[PLANE] = self.plane.is_some() && entries >= inputs / 4;
        open[STAMP] = self.stamp.is_some()
            && rows.len() == self.axes[0].output
            && entries <= self.pixels(0)
            && spikes.value.iter().fold(true, |all, value| all & value.is_finite());
        open
    }

    fn by_tap(&self) -> &[f32] {
        self.by_tap.get_or_init(|| self.push.by_tap(&self.axes))
    }

    /// Pixels of the input (0) or the output (1).
    fn pixels(&self, of: usize) -> usize {
        match of {
            0 => self.axes[0].input * self.axes[1].input,
            _ => self.axes[0].output * self.axes[1].output,
        }
    }
}

impl Weighted for Bound {
    fn bias(&self) -> Option<Vec<f32>> {
        self.bias.clone()
    }

    fn scatter(&self, spikes: &Spikes, sums: &mut Stretch<'_>) -> u64 {
        let rows = self.rows(sums.range());
        let (open, push) = (self.open(spikes, &rows), &self.push);
        self.choice.run(spikes.len(), open, |way| {
            match (way, &self.pull, &self.plane, &self.stamp) {
                (PULL, Some(pull), ..) => {
                    pull.scatter(self.by_tap(), spikes, rows.clone(), sums);
                    push.operations(spikes, rows)
                }
                (PLANE, _, Some(plane), _) => {
                    plane.scatter(self.by_tap(), spikes, rows.clone(), sums);
                    push.operations(spikes, rows)
                }
                (STAMP, .., Some(stamp)) => stamp.scatter(spikes, sums),
                _ => push.scatter(spikes, rows, sums),
            }
        })
    }

    fn cuts(&self, stretches: usize) -> Vec<usize> {
        let [rows, columns] = self.axes.map(|axis| axis.output);
        let stretches = stretches.min(rows);
        (1..stretches).map(|i| i * rows / stretches * columns * self.channels[1]).collect()
    }

    fn fan_out(&self, address: u32) -> u64 {
        self.push.fan_out(address)
    }

    fn synapses(&self) -> u64 {
        self.synapses
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signal::Accumulator;

    /// Sizes of a convolution: input, kernel, stride, dilation and padding of both axes.
    type Sizes = [(usize, usize, usize, usize, usize); 2];

    fn axes() -> impl Strategy<Value = [Axis; 2]> {
        // a stamp wants no dilation
        let dilation = || prop_oneof![3 => Just(1usize), 1 => Just(2)];
        let axis = || (1usize..12, 1usize..5, 1usize..4, dilation(), 0usize..3);
        (axis(), axis()).prop_filter_map("a kernel that fits", |axes: (_, _)| {
            let bind = |(input, kernel, stride, dilation, padding)| {
                Axis::new(input, [kernel, stride, dilation], (padding, padding)).ok()
            };
            let sizes: Sizes = axes.into();
            let [rows, columns] = sizes.map(bind);
            Some([rows?, columns?])
        })
    }

    /// Every output by the equation, its terms by input row, column and channel.
    fn by_equation(
        [rows, columns]: [Axis; 2],
        [inputs, outputs]: [usize; 2],
        groups: usize,
        weights: &[f32],
        spikes: &Spikes,
    ) -> Vec<f32> {
        let mut sums = vec![0.0; rows.output * columns.output * outputs];
        let (per_group, run) = (inputs / groups, outputs / groups);
        for (address, value, _) in spikes.iter() {
            let (pixel, channel) = (address as usize / inputs, address as usize % inputs);
            for &(k, i) in &rows.taps()[pixel / columns.input] {
                for &(l, j) in &columns.taps()[pixel % columns.input] {
                    for o in (0..outputs).filter(|o| o / run == channel / per_group) {
                        let tap = k as usize * columns.kernel + l as usize;
                        let kernel = rows.kernel * columns.kernel;
                        let weight = weights[(o * per_group + channel % per_group) * kernel + tap];
                        sums[(i as usize * columns.output + j as usize) * outputs + o] +=
                            value * weight;
                    }
                }
            }
        }
        sums
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn every_way_on_any_stretches_gives_the_same_bits(
            axes in axes(), channels in prop::sample::select(vec![[1, 3], [2, 8], [3, 16], [3, 32], [2, 70], [4, 96]]),
            grouped in prop::bool::weighted(0.25),
            // few spikes, or what one misses another makes up for
            density in prop_oneof![0.0f64..0.05, 0.0f64..1.0],
            stretches in prop_oneof![2 => Just(1usize), 1 => 2usize..4],
            seed in prop::collection::vec((-1.0f32..1.0, 0.0f64..1.0, 0u32..4), 12 * 12 * 4),
        ) {
            let halves = channels.iter().all(|channels| channels % 2 == 0);
            let groups = if grouped && halves { 2 } else { 1 };
            let kernel = axes[0].kernel * axes[1].kernel;
            let weights: Vec<f32> = (0..channels[0] / groups * channels[1] * kernel)
                .map(|i| seed[i % seed.len()].0 * (1.0 + (i / seed.len()) as f32)).collect();
            let mut spikes = Spikes::default();
            let inputs = axes[0].input * axes[1].input * channels[0];
            for (address, &(value, chance, count)) in seed[..inputs].iter().enumerate() {
                if chance < density {
                    spikes.push(address as u32, if count > 1 { 1.0 } else { value }, count);
                }
            }
            let expected = by_equation(axes, channels, groups, &weights, &spikes);
            let bound = Bound::new(axes, channels, groups, weights, None);
            let operations: u64 =
                spikes.iter().map(|(address, _, count)| u64::from(count) * bound.fan_out(address)).sum();
            let mut pushed = Accumulator::new(expected.len());
            bound.push.scatter(&spikes, 0..bound.axes[0].output, &mut pushed.whole());
            for way in [PUSH, PULL, PLANE, STAMP] {
                let mut sums = Accumulator::new(expected.len());
                let counted = sums.each_stretch(&bound.cuts(stretches), |sums| {
                    let rows = bound.rows(sums.range());
                    let operations = bound.push.operations(&spikes, rows.clone());
                    match (way, &bound.pull, &bound.plane, &bound.stamp) {
                        (PULL, Some(pull), ..) => pull.scatter(bound.by_tap(), &spikes, rows, sums),
                        (PLANE, _, Some(plane), _) => plane.scatter(bound.by_tap(), &spikes, rows, sums),
                        (STAMP, .., Some(stamp)) if rows.len() == bound.axes[0].output => {
                            return stamp.scatter(&spikes, sums);
                        }
                        _ => return bound.push.scatter(&spikes, rows, sums),
                    }
                    operations
                });
                prop_assert_eq!(counted, operations);
                // populations hear of what is marked alone
                for word in 0..sums.blocks().div_ceil(64) {
                    prop_assert_eq!(pushed.live(word) & !sums.live(word), 0, "way {}", way);
                }
                for (address, expected) in expected.iter().enumerate() {
                    let sum = sums.block(address / 64)[address % 64];
                    prop_assert_eq!(sum.to_bits(), (expected + 0.0).to_bits(), "way {}", way);
                }
            }
        }
    }
}
