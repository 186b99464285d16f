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
use super::{Cells, Dynamics, Ready};
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
    fn ready(&self, layout: &Layout, parameters: &[&[f32]]) -> Box<dyn Ready + '_> {
        let parameters = Self::doubles(parameters);
        let coefficients = self.coefficients(layout, &parameters);
        let entries = entries(layout, per_step::<M, P, C>());
        Box::new(Channels { cells: self, parameters, coefficients, entries })
    }
}

/// [`Cells::forward`].
pub(super) fn forward(ready: &dyn Ready, layout: &Layout, input: &[f32], sent: &mut [f32]) {
    let runs = layout.runs(ready.channels());
    let outputs = parts(sent, layout.neurons(), runs.iter().map(|(run, _)| run.len()));
    runs.par_iter().zip(outputs).for_each(|((run, channel), mut sent)| {
        ready.forth(*channel, &columns(input, layout, run), &mut sent);
    });
}

/// [`Cells::adjoint`].
pub(super) fn adjoint(
    ready: &dyn Ready,
    layout: &Layout,
    input: &[f32],
    gradient: &mut [f32],
) -> Vec<Vec<f32>> {
    let runs = layout.runs(ready.channels());
    let gradients = parts(gradient, layout.neurons(), runs.iter().map(|(run, _)| run.len()));
    let owed = runs.par_iter().zip(gradients).map(|((run, channel), mut gradient)| {
        ready.back(*channel, &columns(input, layout, run), &mut gradient)
    });
    let owed: Vec<Vec<f64>> = owed.collect();
    let of_runs = runs.iter().zip(&owed).map(|((_, channel), owed)| (*channel, &owed[..]));
    ready.owed(&of_runs.collect::<Vec<_>>())
}

/// A population with the coefficients of its channels.
struct Channels<'a, M, const P: usize, const C: usize> {
    cells: &'a Of<M, P, C>,
    parameters: [Vec<f64>; P],
    coefficients: Vec<Coefficients<f32, C>>,
    /// Entries of each channel's coefficients.
    entries: usize,
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Ready for Channels<'_, M, P, C> {
    fn channels(&self) -> usize {
        self.coefficients.len()
    }

    fn forth(&self, channel: usize, input: &[&[f32]], sent: &mut [&mut [f32]]) {
        let coefficients = &self.coefficients[channel.min(self.channels() - 1)];
        dispatch(Forth { cells: self.cells, coefficients, input, sent });
    }

    fn back(&self, channel: usize, input: &[&[f32]], gradient: &mut [&mut [f32]]) -> Vec<f64> {
        let coefficients = &self.coefficients[channel.min(self.channels() - 1)];
        let entries = self.entries;
        dispatch(Back { cells: self.cells, coefficients, input, gradient, entries })
    }

    fn owed(&self, runs: &[(usize, &[f64])]) -> Vec<Vec<f32>> {
        let mut total = vec![vec![[0.0; C]; self.entries]; self.channels()];
        for (channel, owed) in runs {
            let total = &mut total[(*channel).min(self.channels() - 1)];
            total.iter_mut().flatten().zip(*owed).for_each(|(total, owed)| *total += owed);
        }
        self.cells.chain(&self.parameters, self.channels(), &total)
    }
}

/// The way forth of a run, block by block.
struct Forth<'a, 's, M, const P: usize, const C: usize> {
    cells: &'a Of<M, P, C>,
    coefficients: &'a Coefficients<f32, C>,
    /// The run's part of every step, as is `sent`.
    input: &'a [&'a [f32]],
    sent: &'a mut [&'s mut [f32]],
}

/// Blocks of a run.
fn blocks(input: &[&[f32]]) -> impl Iterator<Item = Range<usize>> + use<> {
    let len = input.first().map_or(0, |step| step.len());
    (0..len).step_by(WIDE).map(move |at| at..len.min(at + WIDE))
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Kernel for Forth<'_, '_, M, P, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Forth { cells, coefficients, input, sent } = self;
        let firing = *cells.0.firing();
        for block in blocks(input) {
            let inputs: Vec<&[f32]> = input.iter().map(|step| &step[block.clone()]).collect();
            let c = |step: usize| *coefficients.at(step);
            let spike = |x: f32| firing.spike(x);
            run_block(&cells.0, c, &inputs, spike, |step, _, spikes| {
                sent[step][block.clone()].copy_from_slice(&spikes[..block.len()]);
            });
        }
    }
}

/// The way back of a run, block by block.
struct Back<'a, 'g, M, const P: usize, const C: usize> {
    cells: &'a Of<M, P, C>,
    coefficients: &'a Coefficients<f32, C>,
    /// The run's part of every step, as is `gradient`.
    input: &'a [&'a [f32]],
    gradient: &'a mut [&'g mut [f32]],
    /// Entries of the coefficients.
    entries: usize,
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Kernel for Back<'_, '_, M, P, C> {
    /// What is owed to the coefficients, entry by entry.
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self) -> Vec<f64> {
        let Back { cells, coefficients, input, gradient, entries } = self;
        let firing = *cells.0.firing();
        let mut owed = vec![0.0; entries * C];
        for block in blocks(input) {
            let inputs: Vec<&[f32]> = input.iter().map(|step| &step[block.clone()]).collect();
            let parts = gradient.iter_mut().map(|g| &mut g[block.clone()]);
            let mut of_block: Vec<&mut [f32]> = parts.collect();
            let c = |step: usize| *coefficients.at(step);
            let spike = |x: f32| firing.spike(x);
            back_block(&cells.0, c, &inputs, &mut of_block, spike, |step, more| {
                let owed = &mut owed[step.min(entries - 1) * C..][..C];
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

/// A run's part of every step.
fn columns<'a>(values: &'a [f32], layout: &Layout, run: &Range<usize>) -> Vec<&'a [f32]> {
    values.chunks_exact(layout.neurons()).map(|step| &step[run.clone()]).collect()
}

/// Parts of these lengths of every step of `of_step` elements, `[part][step]`.
pub fn parts<T>(
    values: &mut [T],
    of_step: usize,
    lengths: impl ExactSizeIterator<Item = usize> + Clone,
) -> Vec<Vec<&mut [T]>> {
    let mut parts: Vec<Vec<&mut [T]>> = lengths.clone().map(|_| Vec::new()).collect();
    for mut step in values.chunks_exact_mut(of_step) {
        for (len, part) in lengths.clone().zip(&mut parts) {
            let (here, rest) = step.split_at_mut(len);
            part.push(here);
            step = rest;
        }
    }
    parts
}
