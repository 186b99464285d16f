//! TSSL-BP: errors flow through spike times where neurons fire, through a surrogate
//! where they are silent.
//!
//! Layers exchange post-synaptic currents a, not spikes:
//!
//! ```text
//! Δ_t = I_t − u⁺_{t−1}/τ_m         u_t = u⁺_{t−1} + Δ_t
//! s_t = [u_t > θ]                  u⁺_t = (1 − s_t) u_t
//! a_t = (1 − 1/τ_s) a_{t−1} + s_t/τ_s
//! ```
//!
//! and back, given g_t = ∂L/∂a_t, in time proportional to T:
//!
//! ```text
//! G_t = g_t/τ_s + (1 − 1/τ_s) G_{t+1}
//! φ_t = min(8, 1/Δ_t)(G_t + φ_{t+1} u_t/τ_m)       where s_t = 1
//!       (1 − 1/τ_m) φ_{t+1}                        elsewhere
//! ∂L/∂I_t = f(u_t − θ) G_t      where a_t < 1/(4τ_s): no spike of late; φ_t elsewhere
//! ```
//!
//! with f the slope of a logistic of width 0.2, its argument held within ±8 widths.
//! This is the gradient of no smooth network; tests compare it with the loops of the
//! published code. A network of these layers learns by [`super::bptt::learn`].
//!
//! **Source.** Zhang & Li, "Temporal Spike Sequence Learning via Backpropagation for
//! Deep Spiking Neural Networks", NeurIPS 2020; the official code's
//! `functions/tsslbp.py`, whose sums over all later steps are these recursions.

use std::ops::Range;

use rayon::current_num_threads;
use rayon::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::learn::Tensor;
use crate::learn::layer::{Keep, Layer, Pass};
use crate::learn::memory::{Footprint, Form};
use crate::neuron::lane::Lane;
use crate::neuron::surrogate::Surrogate;
use crate::neuron::trainable::parts;
use crate::signal::BLOCK;
use crate::signal::simd::{Kernel, dispatch};

/// Time constants in steps, and the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    membrane: f64,
    synapse: f64,
    threshold: f64,
}

/// What a step leaves behind.
#[derive(Clone, Copy, Debug)]
struct Moment<L> {
    /// Δ, by how much the potential rose.
    rise: L,
    /// u, before the reset.
    potential: L,
    /// a.
    current: L,
}

/// The steepest that a spike's time may depend on its potential.
const STEEPEST: f64 = 8.0;
/// The width of the logistic, and the widths at which it is cut off.
const WIDTH: f64 = 0.2;
const WIDTHS: f64 = 8.0;

impl Timing {
    /// Membrane and synapse time constants of at least a step, and a threshold.
    ///
    /// # Errors
    /// Others.
    pub fn new(membrane: f64, synapse: f64, threshold: f64) -> Result<Timing> {
        let fine = |x: f64, least: f64| x >= least && x.is_finite();
        match fine(membrane, 1.0) && fine(synapse, 1.0) && fine(threshold, f64::MIN_POSITIVE) {
            true => Ok(Timing { membrane, synapse, threshold }),
            false => {
                let found = format!("τ_m = {membrane}, τ_s = {synapse}, θ = {threshold}");
                let expected = "time constants of 1 step or more and a positive threshold";
                Err(Error::new(ErrorKind::Usage, found, expected))
            }
        }
    }

    /// One step of one neuron, given its potential after the last reset, its current and
    /// its input.
    #[inline(always)]
    fn step<L: Lane>(&self, kept: &mut L, current: &mut L, input: L) -> Moment<L> {
        let rise = input - *kept / L::of(self.membrane);
        let potential = *kept + rise;
        let fired = self.fires(potential);
        *kept = if fired { L::of(0.0) } else { potential };
        *current = self.filter(*current, if fired { L::of(1.0) } else { L::of(0.0) });
        Moment { rise, potential, current: *current }
    }

    #[inline(always)]
    fn fires<L: Lane>(&self, potential: L) -> bool {
        potential > L::of(self.threshold)
    }

    /// a after one more step.
    #[inline(always)]
    fn filter<L: Lane>(&self, current: L, sent: L) -> L {
        L::of(1.0 - 1.0 / self.synapse) * current + sent / L::of(self.synapse)
    }

    /// ∂L/∂I of a step, given ∂L/∂a; `later` is G and `by_time` φ, of the step behind it and
    /// then of this one.
    #[inline(always)]
    fn back<L: Lane>(&self, moment: Moment<L>, later: &mut L, by_time: &mut L, by_current: L) -> L {
        let Moment { rise, potential, current } = moment;
        *later = by_current / L::of(self.synapse) + L::of(1.0 - 1.0 / self.synapse) * *later;
        let through_time = *later + *by_time * potential / L::of(self.membrane);
        let fired = self.steepness(rise) * through_time;
        let silent = L::of(1.0 - 1.0 / self.membrane) * *by_time;
        *by_time = if self.fires(potential) { fired } else { silent };
        let by_slope = self.slope(potential) * *later;
        if current < L::of(0.25 / self.synapse) { by_slope } else { *by_time }
    }

    /// How much earlier a spike comes for a higher potential.
    #[inline(always)]
    fn steepness<L: Lane>(&self, rise: L) -> L {
        let steep = L::of(1.0) / rise;
        if steep < L::of(STEEPEST) { steep } else { L::of(STEEPEST) }
    }

    /// f, what stands for the derivative of a spike of a silent neuron.
    #[inline(always)]
    fn slope<L: Lane>(&self, potential: L) -> L {
        let (x, most) = (potential - L::of(self.threshold), L::of(WIDTH * WIDTHS));
        let x = if x < -most { -most } else { x };
        let x = if x > most { most } else { x };
        Surrogate::sigmoid(1.0 / WIDTH).derivative(x)
    }
}

/// Neurons that one thread takes at a time.
const LONGEST: usize = 32 * BLOCK;

/// Changes each run of neurons, `[step][neuron]`.
fn each_run(values: &mut Tensor, work: impl Fn(Range<usize>, &mut [&mut [f32]]) + Sync) {
    let neurons = values.values().len() / values.steps();
    let starts = (0..neurons).step_by(LONGEST);
    let run = move |start: usize| start..neurons.min(start + LONGEST);
    let lengths = starts.clone().map(|start| run(start).len());
    let runs = parts(values.values_mut(), neurons, lengths);
    let runs: Vec<_> = starts.map(run).zip(runs).collect();
    runs.into_par_iter().for_each(|(run, mut steps)| work(run, &mut steps));
}

/// A run's part of every step.
fn columns<'a>(values: &'a Tensor, run: &Range<usize>) -> Vec<&'a [f32]> {
    let neurons = values.values().len() / values.steps();
    values.values().chunks_exact(neurons).map(|step| &step[run.clone()]).collect()
}

/// A run in blocks.
fn blocks(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(BLOCK).map(move |start| start..len.min(start + BLOCK))
}

/// The way forth of a run: currents in, post-synaptic currents out.
struct Forth<'a, 's> {
    timing: Timing,
    input: &'a [&'a [f32]],
    sent: &'a mut [&'s mut [f32]],
}

impl Kernel for Forth<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Forth { timing, input, sent } = self;
        for block in blocks(input.first().map_or(0, |step| step.len())) {
            let (mut kept, mut current) = ([0.0; BLOCK], [0.0; BLOCK]);
            for (input, sent) in input.iter().zip(sent.iter_mut()) {
                let lanes = input[block.clone()].iter().zip(&mut sent[block.clone()]);
                for ((&x, sent), (kept, current)) in lanes.zip(kept.iter_mut().zip(&mut current)) {
                    *sent = timing.step(kept, current, x).current;
                }
            }
        }
    }
}

/// The way back of a run: ∂L/∂a becomes ∂L/∂I.
struct Back<'a, 'g> {
    timing: Timing,
    input: &'a [&'a [f32]],
    gradient: &'a mut [&'g mut [f32]],
}

impl Kernel for Back<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Back { timing, input, gradient } = self;
        // by moment: rise, potential, current
        let mut moments = vec![[[0.0; BLOCK]; 3]; input.len()];
        for block in blocks(input.first().map_or(0, |step| step.len())) {
            let (mut kept, mut current) = ([0.0; BLOCK], [0.0; BLOCK]);
            for (input, [rises, potentials, currents]) in input.iter().zip(&mut moments) {
                for (lane, &x) in input[block.clone()].iter().enumerate().take(BLOCK) {
                    let moment = timing.step(&mut kept[lane], &mut current[lane], x);
                    rises[lane] = moment.rise;
                    potentials[lane] = moment.potential;
                    currents[lane] = moment.current;
                }
            }
            let (mut later, mut by_time) = ([0.0; BLOCK], [0.0; BLOCK]);
            for (gradient, [rises, potentials, currents]) in gradient.iter_mut().zip(&moments).rev()
            {
                for (lane, g) in gradient[block.clone()].iter_mut().enumerate().take(BLOCK) {
                    let (rise, potential) = (rises[lane], potentials[lane]);
                    let moment = Moment { rise, potential, current: currents[lane] };
                    *g = timing.back(moment, &mut later[lane], &mut by_time[lane], *g);
                }
            }
        }
    }
}

/// The filter of a run's synapses, step by step in the order given.
struct Filter<'a, 's> {
    timing: Timing,
    steps: &'a mut [&'s mut [f32]],
    backwards: bool,
}

impl Kernel for Filter<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Filter { timing, steps, backwards } = self;
        let (last, len) = (steps.len() - 1, steps.first().map_or(0, |step| step.len()));
        for block in blocks(len) {
            let mut current = [0.0; BLOCK];
            for step in 0..=last {
                let step = &mut steps[if backwards { last - step } else { step }][block.clone()];
                for (current, x) in current.iter_mut().zip(step) {
                    *current = timing.filter(*current, *x);
                    *x = *current;
                }
            }
        }
    }
}

/// Neurons that take currents and send post-synaptic currents.
#[derive(Debug)]
pub struct TimedNeurons {
    timing: Timing,
    kept: Option<Tensor>,
}

impl TimedNeurons {
    /// Neurons that all have this timing.
    pub fn new(timing: Timing) -> TimedNeurons {
        TimedNeurons { timing, kept: None }
    }
}

impl Layer for TimedNeurons {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn learns_from_means(&self) -> bool {
        false
    }

    /// The way back works in place, with the moments of a block of neurons for each thread.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let forth = input.bytes() + output.bytes();
        if keep == Keep::Nothing {
            return Footprint { kept: 0, forth, back: 0 };
        }
        let moments = size_of::<[[f32; BLOCK]; 3]>() * input.shape[0] * current_num_threads();
        Footprint { kept: input.bytes(), forth, back: output.bytes() + moments }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let (timing, mut output) = (self.timing, Tensor::blank(input.shape()));
        each_run(&mut output, |run, sent| {
            dispatch(Forth { timing, input: &columns(&input, &run), sent });
        });
        self.kept = (pass.keep != Keep::Nothing).then_some(input);
        output
    }

    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let input = self.kept.take().expect("a forward pass before the backward pass");
        let timing = self.timing;
        each_run(&mut gradient, |run, gradient| {
            dispatch(Back { timing, input: &columns(&input, &run), gradient });
        });
        gradient
    }
}

/// The synapses of what is no neuron: input spikes become post-synaptic currents.
#[derive(Debug)]
pub struct Synapses {
    timing: Timing,
}

impl Synapses {
    /// Synapses that all have this timing.
    pub fn new(timing: Timing) -> Synapses {
        Synapses { timing }
    }
}

impl Layer for Synapses {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn learns_from_means(&self) -> bool {
        false
    }

    fn forward(&mut self, mut input: Tensor, _: &mut Pass) -> Tensor {
        let timing = self.timing;
        each_run(&mut input, |_, steps| dispatch(Filter { timing, steps, backwards: false }));
        input
    }

    /// The filter, backwards in time.
    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let timing = self.timing;
        each_run(&mut gradient, |_, steps| dispatch(Filter { timing, steps, backwards: true }));
        gradient
    }
}

#[cfg(test)]
mod tests;
