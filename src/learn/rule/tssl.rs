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

use rayon::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::learn::Tensor;
use crate::learn::layer::{Layer, Pass};
use crate::neuron::lane::Lane;
use crate::neuron::surrogate::Surrogate;

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
    fired: bool,
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

    /// One neuron over all steps, given its input current.
    fn run<L: Lane>(&self, input: &[L]) -> Vec<Moment<L>> {
        let (mut kept, mut current) = (L::of(0.0), L::of(0.0));
        let step = |&input: &L| {
            let rise = input - kept / L::of(self.membrane);
            let potential = kept + rise;
            let fired = potential > L::of(self.threshold);
            kept = if fired { L::of(0.0) } else { potential };
            current = self.filter(current, L::of(if fired { 1.0 } else { 0.0 }));
            Moment { rise, potential, fired, current }
        };
        input.iter().map(step).collect()
    }

    /// a after one more step.
    fn filter<L: Lane>(&self, current: L, sent: L) -> L {
        L::of(1.0 - 1.0 / self.synapse) * current + sent / L::of(self.synapse)
    }

    /// ∂L/∂I of each step, given ∂L/∂a of each.
    fn back<L: Lane>(&self, moments: &[Moment<L>], gradient: &[L]) -> Vec<L> {
        let (mut later, mut by_time) = (L::of(0.0), L::of(0.0));
        let mut owed = gradient.to_vec();
        for (owed, moment) in owed.iter_mut().zip(moments).rev() {
            later = *owed / L::of(self.synapse) + L::of(1.0 - 1.0 / self.synapse) * later;
            by_time = match moment.fired {
                true => {
                    let through_time = later + by_time * moment.potential / L::of(self.membrane);
                    self.steepness(moment.rise) * through_time
                }
                false => L::of(1.0 - 1.0 / self.membrane) * by_time,
            };
            let silent = moment.current < L::of(0.25 / self.synapse);
            *owed = if silent { self.slope(moment.potential) * later } else { by_time };
        }
        owed
    }

    /// How much earlier a spike comes for a higher potential.
    fn steepness<L: Lane>(&self, rise: L) -> L {
        let steep = L::of(1.0) / rise;
        if steep < L::of(STEEPEST) { steep } else { L::of(STEEPEST) }
    }

    /// f, what stands for the derivative of a spike of a silent neuron.
    fn slope<L: Lane>(&self, potential: L) -> L {
        let (x, most) = (potential - L::of(self.threshold), L::of(WIDTH * WIDTHS));
        let x = if x < -most { -most } else { x };
        let x = if x > most { most } else { x };
        Surrogate::sigmoid(1.0 / WIDTH).derivative(x)
    }
}

/// Values `[T, N]` by neuron, `[N, T]`, or back with the sizes exchanged.
fn turned(values: &[f32], rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    (0..columns).flat_map(|j| (0..rows).map(move |i| values[i * columns + j])).collect()
}

/// Replaces each neuron's steps by what `map` makes of them and of those of `other`.
fn each_neuron(
    values: &mut Tensor,
    other: &[f32],
    map: impl Fn(&[f32], &[f32]) -> Vec<f32> + Sync,
) {
    let steps = values.steps();
    let mut rows = turned(values.values(), steps);
    let others = turned(other, steps);
    let pairs = rows.par_chunks_exact_mut(steps).zip(others.par_chunks_exact(steps));
    pairs.for_each(|(row, other)| {
        let mapped = map(row, other);
        row.copy_from_slice(&mapped);
    });
    let neurons = rows.len() / steps;
    values.values_mut().copy_from_slice(&turned(&rows, neurons));
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

    fn forward(&mut self, input: Tensor, _: &mut Pass) -> Tensor {
        let mut output = input.clone();
        each_neuron(&mut output, input.values(), |_, input| {
            self.timing.run(input).iter().map(|moment| moment.current).collect()
        });
        self.kept = Some(input);
        output
    }

    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let input = self.kept.take().expect("a forward pass before the backward pass");
        each_neuron(&mut gradient, input.values(), |gradient, input| {
            self.timing.back(&self.timing.run(input), gradient)
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
        let sent = input.values().to_vec();
        each_neuron(&mut input, &sent, |_, sent| {
            let mut current = 0.0;
            let step = |&sent: &f32| {
                current = self.timing.filter(current, sent);
                current
            };
            sent.iter().map(step).collect()
        });
        input
    }

    /// The filter, backwards in time.
    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let given = gradient.values().to_vec();
        each_neuron(&mut gradient, &given, |_, given| {
            let mut owed = given.to_vec();
            let mut later = 0.0;
            for owed in owed.iter_mut().rev() {
                later = self.timing.filter(later, *owed);
                *owed = later;
            }
            owed
        });
        gradient
    }
}

#[cfg(test)]
mod tests;
