//! The step that IF, LIF, PLIF and DA-LIF share, and its adjoint.
//!
//! ```text
//! u = decay · v + gain · x + drift
//! ```
//!
//! The rooms differ in the coefficients. Written as [`crate::neuron::Population`]s
//! have it, so that what was trained replays to the same bits.

use super::{Downstream, Dynamics, Firing, Learned, Settings, Upstream};
use crate::neuron::lane::Lane;

/// Decay, gain and drift of a leak of `rate` = 1/τ a step towards the reset.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    decay_input: bool,
    rest: f64,
}

impl Charge {
    /// The choices that concern the charge.
    pub fn new(settings: &Settings) -> Charge {
        Charge { decay_input: settings.decay_input, rest: settings.reset.unwrap_or(0.0) }
    }

    /// v + (x − (v − v_reset))·rate, or v − (v − v_reset)·rate + x.
    pub fn coefficients<L: Lane>(&self, rate: L) -> [L; 3] {
        let gain = if self.decay_input { rate } else { L::of(1.0) };
        [L::of(1.0) - rate, gain, rate * L::of(self.rest)]
    }
}

/// A model that charges so: P learnable parameters, and what they make of decay, gain
/// and drift.
pub trait Membrane<const P: usize>: Copy + std::fmt::Debug + Send + Sync {
    /// What is learned.
    const LEARNED: &'static [Learned; P];

    /// Threshold, reset and surrogate.
    fn firing(&self) -> &Firing;

    /// Decay, gain and drift.
    fn coefficients<L: Lane>(&self, parameters: [L; P]) -> [L; 3];
}

impl<M: Membrane<P>, const P: usize> Dynamics<P, 3> for M {
    const LEARNED: &'static [Learned; P] = M::LEARNED;

    fn firing(&self) -> &Firing {
        Membrane::firing(self)
    }

    fn coefficients<L: Lane>(&self, parameters: [L; P]) -> [L; 3] {
        Membrane::coefficients(self, parameters)
    }

    #[inline(always)]
    fn step<L: Lane>(
        &self,
        &[decay, gain, drift]: &[L; 3],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
    ) -> (L, L) {
        let firing = Membrane::firing(self);
        let u = decay * v + gain * x + drift;
        let s = spike(u - firing.theta());
        (s, firing.reset(u, firing.theta(), s))
    }

    #[inline(always)]
    fn adjoint<L: Lane>(
        &self,
        &[decay, gain, drift]: &[L; 3],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
        upstream: Upstream<L>,
    ) -> Downstream<L, 3> {
        let firing = Membrane::firing(self);
        let theta = firing.theta();
        let u = decay * v + gain * x + drift;
        let reset = firing.reset_adjoint(u, theta, spike(u - theta), upstream.state);
        let slope = upstream.slope;
        let by_u = (upstream.spike + reset.spike) * slope + reset.potential;
        let coefficients = [v * by_u, x * by_u, by_u];
        Downstream { state: decay * by_u, input: gain * by_u, coefficients }
    }
}
