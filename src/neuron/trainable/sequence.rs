//! A population over a whole sequence: all steps of a block of neurons while they
//! are in cache, and back again.
//!
//! ```text
//! forward    v₀, x₁…x_T  →  s₁…s_T
//! adjoint    ∂L/∂s₁…∂s_T  →  ∂L/∂x₁…∂x_T, ∂L/∂parameters
//! ```

use std::ops::Range;

use rayon::prelude::*;

use super::block::{WIDE, back_block, run_block};
use super::{Cells, Dynamics};
use crate::neuron::lane::{Dual, Lane};
use crate::signal::simd::{Kernel, dispatch};

/// What the axes of a sequence `[T, B, C, …]` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// T, time steps.
    pub steps: usize,
    /// B, sequences side by side.
    pub batch: usize,
    /// C, channels.
    pub channels: usize,
    /// Neurons of one channel.
    pub pixels: usize,
}

impl Layout {
    /// Neurons of one step, those of all sequences.
    pub fn neurons(&self) -> usize {
        self.batch * self.channels * self.pixels
    }

    /// Runs of neurons that share their parameters, and the index of these: a few
    /// thousand neurons at most, so that there is work for every core.
    pub(super) fn runs(&self, parameter_channels: usize) -> Vec<(Range<usize>, usize)> {
        let shared = if parameter_channels == 1 { self.neurons() } else { self.pixels };
        let run = |start: usize| {
            let channel = start / shared % parameter_channels;
            let end = start + shared;
            let pieces = (start..end).step_by(LONGEST);
            pieces.map(move |start| (start..end.min(start + LONGEST), channel))
        };
        (0..self.neurons()).step_by(shared.max(1)).flat_map(run).collect()
    }
}

/// The longest run.
const LONGEST: usize = 8 * WIDE;

/// The coefficients of one channel, one entry for each step or one for all.
pub(super) struct Coefficients<L, const C: usize>(Vec<[L; C]>);

impl<L, const C: usize> Coefficients<L, C> {
    pub(super) fn at(&self, step: usize) -> &[L; C] {
        &self.0[step.min(self.0.len() - 1)]
    }

    /// How many entries there are.
    pub(super) fn entries(&self) -> usize {
        self.0.len()
    }
}

/// The parameters of one channel in one step.
fn gather<L: Lane, const P: usize>(
    parameters: &[&[L]; P],
    per_step: [bool; P],
    channels: usize,
    (step, channel): (usize, usize),
) -> [L; P] {
    std::array::from_fn(|p| parameters[p][address(per_step[p], channels, step, channel)])
}

fn address(per_step: bool, channels: usize, step: usize, channel: usize) -> usize {
    if per_step { step * channels + channel } else { channel }
}

fn per_step<M: Dynamics<P, C>, const P: usize, const C: usize>() -> [bool; P] {
    std::array::from_fn(|p| M::LEARNED[p].per_step)
}

/// The channels that parameters of this many elements are for.
fn channels_of<T, const P: usize>(
    layout: &Layout,
    parameters: &[&[T]; P],
    per_step: [bool; P],
) -> usize {
    let of = |p: usize| parameters[p].len() / if per_step[p] { layout.steps } else { 1 };
    (0..P).map(of).max().unwrap_or(1)
}

/// Entries of [`Coefficients`].
fn entries<const P: usize>(layout: &Layout, per_step: [bool; P]) -> usize {
    if per_step.contains(&true) { layout.steps } else { 1 }
}

/// What is owed to the parameters of a channel in a step, by what is owed to its
/// coefficients: their derivatives are taken with dual numbers.
pub(super) fn parameters_owed<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: [f64; P],
    owed: &[f64; C],
) -> [f64; P] {
    std::array::from_fn(|p| {
        let mut duals = parameters.map(Dual::of);
        duals[p] = Dual::variable(parameters[p]);
        let slopes = model.coefficients(duals);
        slopes.iter().zip(owed).map(|(c, owed)| c.slope * owed).sum()
    })
}

/// A population of one model.
#[derive(Debug)]
pub struct Of<M, const P: usize, const C: usize>(pub M);

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Of<M, P, C> {
    /// The coefficients of every channel, calculated in 64 bits and rounded once, as
    /// those of an engine are.
    pub(super) fn coefficients(
        &self,
        layout: &Layout,
        parameters: &[Vec<f64>; P],
    ) -> Vec<Coefficients<f32, C>> {
        let parameters: [&[f64]; P] = std::array::from_fn(|p| &parameters[p][..]);
        let channels = channels_of(layout, &parameters, per_step::<M, P, C>());
        let entry = |channel: usize, step: usize| {
            let of_channel = gather(&parameters, per_step::<M, P, C>(), channels, (step, channel));
            self.0.coefficients(of_channel).map(|c| c as f32)
        };
        let steps = entries(layout, per_step::<M, P, C>());
        (0..channels)
            .map(|channel| Coefficients((0..steps).map(|step| entry(channel, step)).collect()))
            .collect()
    }

    pub(super) fn doubles(parameters: &[&[f32]]) -> [Vec<f64>; P] {
        assert_eq!(parameters.len(), P, "parameters of this model");
        std::array::from_fn(|p| parameters[p].iter().map(|&x| f64::from(x)).collect())
    }
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Cells for Of<M, P, C> {
    fn forward(&self, layout: &Layout, parameters: &[&[f32]], input: &[f32], sent: &mut [f32]) {
        let coefficients = self.coefficients(layout, &Self::doubles(parameters));
        let runs = layout.runs(coefficients.len());
        let outputs = by_run(sent, layout.neurons(), &runs);
        runs.par_iter().zip(outputs).for_each(|((run, channel), sent)| {
            let coefficients = &coefficients[*channel];
            dispatch(Forth { cells: self, coefficients, layout, run, input, sent });
        });
    }

    fn adjoint(
        &self,
        layout: &Layout,
        parameters: &[&[f32]],
        input: &[f32],
        gradient: &mut [f32],
    ) -> Vec<Vec<f32>> {
        let doubles = Self::doubles(parameters);
        let coefficients = self.coefficients(layout, &doubles);
        let runs = layout.runs(coefficients.len());
        let steps = entries(layout, per_step::<M, P, C>());
        let gradients = by_run(gradient, layout.neurons(), &runs);
        let owed: Vec<Vec<[f64; C]>> = runs
            .par_iter()
            .zip(gradients)
            .map(|((run, channel), gradients)| {
                let coefficients = &coefficients[*channel];
                dispatch(Back { cells: self, coefficients, layout, run, input, gradients, steps })
            })
            .collect();
        let channels = coefficients.len();
        let by_coefficient = add_runs(&runs, &owed, channels, steps);
        self.chain(&doubles, channels, &by_coefficient)
    }
}

/// The way forth of a run, block by block.
struct Forth<'a, 's, M, const P: usize, const C: usize> {
    cells: &'a Of<M, P, C>,
    coefficients: &'a Coefficients<f32, C>,
    layout: &'a Layout,
    run: &'a Range<usize>,
    input: &'a [f32],
    /// The run's part of every step.
    sent: Vec<&'s mut [f32]>,
}

/// Blocks of a run, and where each starts in it.
fn blocks(run: &Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let (start, end) = (run.start, run.end);
    run.clone().step_by(WIDE).map(move |at| (at - start, at..end.min(at + WIDE)))
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Kernel for Forth<'_, '_, M, P, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Forth { cells, coefficients, layout, run, input, mut sent } = self;
        let firing = *cells.0.firing();
        for (at, block) in blocks(run) {
            let inputs = columns(input, layout, &block);
            let c = |step: usize| *coefficients.at(step);
            let spike = |x: f32| firing.spike(x);
            run_block(&cells.0, c, &inputs, spike, |step, _, spikes| {
                sent[step][at..at + block.len()].copy_from_slice(&spikes[..block.len()]);
            });
        }
    }
}

/// The way back of a run, block by block.
struct Back<'a, 'g, M, const P: usize, const C: usize> {
    cells: &'a Of<M, P, C>,
    coefficients: &'a Coefficients<f32, C>,
    layout: &'a Layout,
    run: &'a Range<usize>,
    input: &'a [f32],
    /// The run's part of every step.
    gradients: Vec<&'g mut [f32]>,
    /// Entries of the coefficients.
    steps: usize,
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Kernel for Back<'_, '_, M, P, C> {
    /// What is owed to the coefficients.
    type Output = Vec<[f64; C]>;

    #[inline(always)]
    fn run(self) -> Vec<[f64; C]> {
        let Back { cells, coefficients, layout, run, input, mut gradients, steps } = self;
        let firing = *cells.0.firing();
        let mut owed = vec![[0.0; C]; steps];
        for (at, block) in blocks(run) {
            let inputs = columns(input, layout, &block);
            let parts = gradients.iter_mut().map(|g| &mut g[at..at + block.len()]);
            let mut of_block: Vec<&mut [f32]> = parts.collect();
            let c = |step: usize| *coefficients.at(step);
            let spike = |x: f32| firing.spike(x);
            back_block(&cells.0, c, &inputs, &mut of_block, spike, |step, more| {
                let owed = &mut owed[step.min(steps - 1)];
                owed.iter_mut().zip(more).for_each(|(owed, more)| *owed += f64::from(more));
            });
        }
        owed
    }
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Of<M, P, C> {
    /// From coefficients, `[channel][step]`, to parameters in their own layout.
    pub(super) fn chain(
        &self,
        parameters: &[Vec<f64>; P],
        channels: usize,
        owed: &[Vec<[f64; C]>],
    ) -> Vec<Vec<f32>> {
        let slices: [&[f64]; P] = std::array::from_fn(|p| &parameters[p][..]);
        let mut gradients: [Vec<f64>; P] = std::array::from_fn(|p| vec![0.0; parameters[p].len()]);
        for (channel, by_step) in owed.iter().enumerate() {
            for (step, owed) in by_step.iter().enumerate() {
                let here = gather(&slices, per_step::<M, P, C>(), channels, (step, channel));
                let more = parameters_owed(&self.0, here, owed);
                for p in 0..P {
                    gradients[p][address(M::LEARNED[p].per_step, channels, step, channel)] +=
                        more[p];
                }
            }
        }
        let rounded = |gradient: Vec<f64>| gradient.into_iter().map(|g| g as f32).collect();
        gradients.into_iter().map(rounded).collect()
    }
}

/// Sums what runs owe, `[channel][step]`, always in the same order.
fn add_runs<const C: usize>(
    runs: &[(Range<usize>, usize)],
    owed: &[Vec<[f64; C]>],
    channels: usize,
    steps: usize,
) -> Vec<Vec<[f64; C]>> {
    let mut total = vec![vec![[0.0; C]; steps]; channels];
    for ((_, channel), owed) in runs.iter().zip(owed) {
        for (total, owed) in total[*channel].iter_mut().zip(owed) {
            total.iter_mut().zip(owed).for_each(|(total, owed)| *total += owed);
        }
    }
    total
}

/// A block's part of every step.
fn columns<'a>(values: &'a [f32], layout: &Layout, block: &Range<usize>) -> Vec<&'a [f32]> {
    values.chunks_exact(layout.neurons()).map(|step| &step[block.clone()]).collect()
}

/// Each run's part of every step, `[run][step]`.
fn by_run<'a>(
    values: &'a mut [f32],
    neurons: usize,
    runs: &[(Range<usize>, usize)],
) -> Vec<Vec<&'a mut [f32]>> {
    let mut parts: Vec<Vec<&mut [f32]>> = runs.iter().map(|_| Vec::new()).collect();
    for mut step in values.chunks_exact_mut(neurons) {
        for ((run, _), part) in runs.iter().zip(&mut parts) {
            let (run, rest) = step.split_at_mut(run.len());
            part.push(run);
            step = rest;
        }
    }
    parts
}
