//! Batch norm over time and batch, and the threshold-dependent one.
//!
//! ```text
//! y = γ·scale·(x − μ)/√(σ² + ε) + β          scale = 1, or α·θ (tdBN)
//! ```
//!
//! μ and σ² are those of a channel over T × B × H × W while training, running averages
//! otherwise; σ² is the biased variance, the running average is of the unbiased one.
//! tdBN scales to the threshold: α = 1, or 1/√2 for two branches that are added.
//!
//! SpikingJelly starts γ at αθ with a scale of 1, the GLIF code starts γ at 1 with a
//! scale of αθ: the same network, until weight decay or a learning rate touches γ.
//!
//! Where only means over time are kept, the gradient is that of the mean output, with
//! μ and σ² as they were measured over all steps.
//!
//! **Source.** Ioffe & Szegedy 2015; Zheng et al. 2021 (tdBN); as in PyTorch's
//! BatchNorm, momentum 0.1, ε = 1e-5.

mod sums;

use rayon::prelude::*;

pub(super) use self::sums::{Along, Moments};
use super::{Keep, Layer, NO_FORWARD, Part, Pass, misfit, named};
use crate::error::Result;
use crate::learn::memory::{Footprint, Form};
use crate::learn::{Parameter, Tensor};
use crate::signal::simd::{Kernel, dispatch};

const EPSILON: f64 = 1e-5;
const MOMENTUM: f32 = 0.1;

/// A batch norm.
#[derive(Debug)]
pub struct Norm {
    /// γ and β.
    parameters: Vec<Parameter>,
    /// Running averages, used where nothing is measured.
    pub running: Statistics,
    scale: f32,
    kept: Option<Kept>,
}

/// μ and σ² of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// μ.
    pub mean: Vec<f32>,
    /// σ².
    pub variance: Vec<f32>,
}

/// What the way back needs.
#[derive(Debug)]
pub(super) struct Kept {
    pub input: Tensor,
    pub used: Statistics,
    measured: bool,
}

/// What a channel's elements become: (x − mean)·factor + shift.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub mean: f32,
    factor: f32,
    shift: f32,
}

impl Norm {
    /// A batch norm that starts with γ = 1, β = 0.
    pub fn new(channels: usize) -> Norm {
        Norm::scaled(channels, 1.0)
    }

    /// The same, its output scaled by α·θ (tdBN).
    pub fn scaled(channels: usize, scale: f32) -> Norm {
        let parameter =
            |name: &str, x: f32| Parameter::new(name, &[channels], vec![x; channels]).undecayed();
        Norm {
            parameters: vec![parameter("weight", 1.0), parameter("bias", 0.0)],
            running: Statistics { mean: vec![0.0; channels], variance: vec![1.0; channels] },
            scale,
            kept: None,
        }
    }

    /// γ·scale/√(σ² + ε).
    fn factor(&self, statistics: &Statistics, channel: usize) -> f32 {
        self.parameters[0].values[channel] * self.scale * statistics.inverse(channel)
    }

    /// What becomes of a channel.
    pub(super) fn change(&self, used: &Statistics, channel: usize) -> Change {
        let shift = self.parameters[1].values[channel];
        Change { mean: used.mean[channel], factor: self.factor(used, channel), shift }
    }

    /// The statistics that a pass uses, of `count` elements of each channel, measured if
    /// they are asked for.
    pub(super) fn used(
        &mut self,
        pass: &Pass,
        count: usize,
        measure: impl FnOnce() -> Statistics,
    ) -> Statistics {
        if !pass.training {
            return self.running.clone();
        }
        let measured = measure();
        if !pass.again {
            self.learn(&measured, count);
        }
        measured
    }

    /// Keeps what the way back needs, if one may follow.
    pub(super) fn keep(&mut self, input: Tensor, used: Statistics, pass: &Pass) {
        let measured = pass.training;
        self.kept = pass.kept(input).map(|input| Kept { input, used, measured });
    }

    /// What was kept.
    pub(super) fn take(&mut self) -> Kept {
        self.kept.take().expect(NO_FORWARD)
    }

    /// The way back of each channel, of which Σ ∂y and Σ ∂y (x − μ) are known.
    pub(super) fn settle(&mut self, kept: &Kept, sums: &[(f64, f64)]) -> Vec<Slope> {
        let Kept { input, used, measured } = kept;
        let count = (input.values().len() / sums.len()) as f32;
        let by_channel = sums.iter().enumerate().map(|(channel, &(total, along))| {
            (total as f32, (along * f64::from(used.inverse(channel))) as f32)
        });
        let (by_bias, along): (Vec<f32>, Vec<f32>) = by_channel.unzip();
        let slope = |channel: usize| {
            let owed = match measured {
                true => (by_bias[channel] / count, along[channel] / count),
                false => (0.0, 0.0),
            };
            let (mean, inverse) = (used.mean[channel], used.inverse(channel));
            Slope { mean, inverse, factor: self.factor(used, channel), owed }
        };
        let slopes = (0..sums.len()).map(slope).collect();
        let by_weight: Vec<f32> = along.iter().map(|along| along * self.scale).collect();
        self.parameters[0].owe(&by_weight);
        self.parameters[1].owe(&by_bias);
        slopes
    }

    fn learn(&mut self, measured: &Statistics, count: usize) {
        let unbiased = count as f32 / (count.max(2) - 1) as f32;
        let toward = |running: &mut f32, x: f32| *running += MOMENTUM * (x - *running);
        let pairs = self.running.mean.iter_mut().zip(&measured.mean);
        pairs.for_each(|(running, &mean)| toward(running, mean));
        let pairs = self.running.variance.iter_mut().zip(&measured.variance);
        pairs.for_each(|(running, &variance)| toward(running, variance * unbiased));
    }
}

impl Statistics {
    /// 1/√(σ² + ε).
    fn inverse(&self, channel: usize) -> f32 {
        (1.0 / (f64::from(self.variance[channel]) + EPSILON).sqrt()) as f32
    }

    /// Those of the channels of an input.
    pub(super) fn of(input: &Tensor) -> Statistics {
        let of_image = |image: &[f32]| Moments::of_planes(image, input.features()[0]);
        let images = input.values().par_chunks_exact(input.feature_count()).map(of_image);
        Statistics::joined(&images.collect::<Vec<_>>())
    }

    /// Those of images with these moments of their channels.
    pub(super) fn joined(images: &[Vec<Moments>]) -> Statistics {
        let of_channel = |channel: usize| {
            let parts = images.iter().map(|image| image[channel]);
            let all = parts.fold(Moments::default(), Moments::joined);
            (all.mean as f32, all.variance() as f32)
        };
        let (mean, variance) = (0..images[0].len()).map(of_channel).unzip();
        Statistics { mean, variance }
    }
}

/// The elements of a channel, sample by sample.
fn planes(tensor: &Tensor, channel: usize) -> impl Iterator<Item = &[f32]> {
    let pixels = tensor.features()[1..].iter().product();
    tensor.values().chunks_exact(pixels).skip(channel).step_by(tensor.features()[0])
}

/// The way forth of a plane.
pub(super) struct Scale<'a> {
    pub input: &'a [f32],
    pub output: &'a mut [f32],
    pub change: Change,
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Scale { input, output, change: Change { mean, factor, shift } } = self;
        output.iter_mut().zip(input).for_each(|(y, x)| *y = (x - mean) * factor + shift);
    }
}

/// The way back of a channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slope {
    mean: f32,
    inverse: f32,
    factor: f32,
    /// What the statistics owe: means of ∂y, and of ∂y times the normed input.
    owed: (f32, f32),
}

impl Slope {
    /// ∂x, from ∂y and x.
    #[inline(always)]
    fn back(&self, gradient: f32, input: f32) -> f32 {
        let normed = (input - self.mean) * self.inverse;
        self.factor * (gradient - self.owed.0 - normed * self.owed.1)
    }
}

/// The way back of a plane, in place.
struct Unscale<'a> {
    input: &'a [f32],
    gradient: &'a mut [f32],
    slope: Slope,
}

impl Kernel for Unscale<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Unscale { input, gradient, slope } = self;
        gradient.iter_mut().zip(input).for_each(|(g, &x)| *g = slope.back(*g, x));
    }
}

/// The way back of some rows of a plane to longer rows, zeros behind them.
pub(super) struct UnscaleTo<'a> {
    pub input: &'a [f32],
    pub gradient: &'a [f32],
    /// Elements of a row.
    pub width: usize,
    pub back: &'a mut [f32],
    pub pitch: usize,
    pub slope: Slope,
}

impl Kernel for UnscaleTo<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let UnscaleTo { input, gradient, width, back, pitch, slope } = self;
        let rows = gradient.chunks_exact(width).zip(input.chunks_exact(width));
        for (back, (gradient, input)) in back.chunks_exact_mut(pitch).zip(rows) {
            let (inside, rest) = back.split_at_mut(width);
            for (back, (&g, &x)) in inside.iter_mut().zip(gradient.iter().zip(input)) {
                *back = slope.back(g, x);
            }
            rest.fill(0.0);
        }
    }
}

/// The way back of all planes, in place.
pub(super) fn unscale(mut gradient: Tensor, input: &Tensor, slopes: &[Slope]) -> Tensor {
    let pixels = input.feature_count() / slopes.len();
    let planes = gradient.values_mut().par_chunks_exact_mut(pixels);
    let planes = planes.zip(input.values().par_chunks_exact(pixels)).enumerate();
    planes.for_each(|(plane, (gradient, input))| {
        dispatch(Unscale { input, gradient, slope: slopes[plane % slopes.len()] });
    });
    gradient
}

impl Layer for Norm {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let channels = self.running.mean.len();
        match input.first() == Some(&channels) {
            true => Ok(input.to_vec()),
            false => Err(misfit(input, format!("{channels} channels for a batch norm"))),
        }
    }

    /// Back it works in place.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let forth = input.bytes() + output.bytes() + input.mean(keep);
        Footprint { kept: input.kept(keep), forth, back: output.gradient(keep) }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let count = input.values().len() / input.features()[0];
        let used = self.used(pass, count, || Statistics::of(&input));
        let mut output = Tensor::blank(input.shape());
        let channels = input.features()[0];
        let pixels = input.feature_count() / channels;
        let pairs = output.values_mut().par_chunks_exact_mut(pixels);
        let pairs = pairs.zip(input.values().par_chunks_exact(pixels)).enumerate();
        pairs.for_each(|(plane, (output, input))| {
            dispatch(Scale { input, output, change: self.change(&used, plane % channels) });
        });
        self.keep(input, used, pass);
        output
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let kept = self.take();
        let sums = |channel: usize| {
            let mean = kept.used.mean[channel];
            let pairs = planes(&gradient, channel).zip(planes(&kept.input, channel));
            let parts = pairs.map(|(gradient, input)| dispatch(Along { gradient, input, mean }));
            parts.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
        };
        let channels = 0..kept.used.mean.len();
        let sums: Vec<(f64, f64)> = channels.into_par_iter().map(sums).collect();
        let slopes = self.settle(&kept, &sums);
        unscale(gradient, &kept.input, &slopes)
    }

    fn part(&mut self) -> Part<'_> {
        Part::Norm(self)
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }

    fn running(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        let Statistics { mean, variance } = &mut self.running;
        vec![("running_mean".into(), mean), ("running_var".into(), variance)]
    }
}
