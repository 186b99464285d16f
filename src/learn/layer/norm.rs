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

use self::sums::{Along, Moments, Spread};
use super::{Keep, Layer, NO_FORWARD, Pass, misfit, named};
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

#[derive(Debug)]
struct Kept {
    input: Tensor,
    used: Statistics,
    measured: bool,
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

    /// What the running averages make of each channel: factor and summand.
    pub fn folded(&self) -> Vec<(f32, f32)> {
        let channel = |c| {
            let factor = self.factor(&self.running, c);
            (factor, self.parameters[1].values[c] - self.running.mean[c] * factor)
        };
        (0..self.running.mean.len()).map(channel).collect()
    }

    /// γ·scale/√(σ² + ε).
    fn factor(&self, statistics: &Statistics, channel: usize) -> f32 {
        self.parameters[0].values[channel] * self.scale * statistics.inverse(channel)
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

    fn measure(input: &Tensor) -> Statistics {
        let of_channel = |channel: usize| {
            let parts = planes(input, channel).map(|plane| dispatch(Spread(plane)));
            let all = parts.fold(Moments::default(), Moments::joined);
            (all.mean as f32, all.variance() as f32)
        };
        let (mean, variance) = (0..input.features()[0]).into_par_iter().map(of_channel).unzip();
        Statistics { mean, variance }
    }
}

/// The elements of a channel, sample by sample.
fn planes(tensor: &Tensor, channel: usize) -> impl Iterator<Item = &[f32]> {
    let pixels = tensor.features()[1..].iter().product();
    tensor.values().chunks_exact(pixels).skip(channel).step_by(tensor.features()[0])
}

/// The way forth of a plane.
struct Scale<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
    mean: f32,
    factor: f32,
    shift: f32,
}

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Scale { input, output, mean, factor, shift } = self;
        output.iter_mut().zip(input).for_each(|(y, x)| *y = (x - mean) * factor + shift);
    }
}

/// The way back of a plane.
struct Unscale<'a> {
    input: &'a [f32],
    gradient: &'a mut [f32],
    mean: f32,
    inverse: f32,
    factor: f32,
    /// What the statistics owe: means of ∂y, and of ∂y times the normed input.
    owed: (f32, f32),
}

impl Kernel for Unscale<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Unscale { input, gradient, mean, inverse, factor, owed: (total, along) } = self;
        for (g, x) in gradient.iter_mut().zip(input) {
            let normed = (x - mean) * inverse;
            *g = factor * (*g - total - normed * along);
        }
    }
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
        let channels = input.features()[0];
        let used = match pass.training {
            true => Statistics::measure(&input),
            false => self.running.clone(),
        };
        if pass.training && !pass.again {
            self.learn(&used, input.values().len() / channels);
        }
        let mut output = Tensor::blank(input.shape());
        let pixels = input.feature_count() / channels;
        let pairs = output.values_mut().par_chunks_exact_mut(pixels);
        let pairs = pairs.zip(input.values().par_chunks_exact(pixels)).enumerate();
        pairs.for_each(|(plane, (output, input))| {
            let channel = plane % channels;
            let (mean, factor) = (used.mean[channel], self.factor(&used, channel));
            let shift = self.parameters[1].values[channel];
            dispatch(Scale { input, output, mean, factor, shift });
        });
        let measured = pass.training;
        self.kept = pass.kept(input).map(|input| Kept { input, used, measured });
        output
    }

    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let Kept { input, used, measured } = self.kept.take().expect(NO_FORWARD);
        let channels = input.features()[0];
        let pixels = input.feature_count() / channels;
        let count = (input.values().len() / channels) as f32;
        let sums = |channel: usize| {
            let (mean, inverse) = (used.mean[channel], used.inverse(channel));
            let pairs = planes(&gradient, channel).zip(planes(&input, channel));
            let parts = pairs.map(|(gradient, input)| dispatch(Along { gradient, input, mean }));
            let (total, along) = parts.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            (total as f32, (along * f64::from(inverse)) as f32)
        };
        let sums: Vec<(f32, f32)> = (0..channels).into_par_iter().map(sums).collect();
        let planes = gradient.values_mut().par_chunks_exact_mut(pixels);
        let planes = planes.zip(input.values().par_chunks_exact(pixels)).enumerate();
        planes.for_each(|(plane, (gradient, input))| {
            let channel = plane % channels;
            let (mean, inverse) = (used.mean[channel], used.inverse(channel));
            let owed = match measured {
                true => (sums[channel].0 / count, sums[channel].1 / count),
                false => (0.0, 0.0),
            };
            let factor = self.factor(&used, channel);
            dispatch(Unscale { input, gradient, mean, inverse, factor, owed });
        });
        let by_weight: Vec<f32> = sums.iter().map(|(_, along)| along * self.scale).collect();
        let by_bias: Vec<f32> = sums.iter().map(|(total, _)| *total).collect();
        self.parameters[0].owe(&by_weight);
        self.parameters[1].owe(&by_bias);
        gradient
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }

    fn running(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        let Statistics { mean, variance } = &mut self.running;
        vec![("running_mean".into(), mean), ("running_var".into(), variance)]
    }
}
