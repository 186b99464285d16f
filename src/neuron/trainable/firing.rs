//! Threshold and reset of a trained neuron, and their adjoint.
//!
//! ```text
//! s = Θ(u − θ)
//! v = v_reset·s + (1 − s)·u        hard
//! v = u − θ·s                      soft
//! ```
//!
//! With `detach_reset` the s of the reset is a constant to the gradient.
//!
//! **Source.** SpikingJelly 2.0, `activation_based/functional/neuron.py`,
//! `voltage_reset`; adjoint derived.

use crate::neuron::convention::Fire;
use crate::neuron::lane::Lane;
use crate::neuron::surrogate::Surrogate;

/// Threshold, reset and surrogate of a population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Firing {
    /// Firing threshold.
    pub threshold: f64,
    /// What a spike sets the potential to; None takes the threshold away instead.
    pub reset: Option<f64>,
    /// Whether the threshold itself fires.
    pub fire: Fire,
    /// Whether gradients overlook the reset.
    pub detach_reset: bool,
    /// What stands for the derivative of a spike.
    pub surrogate: Surrogate,
}

/// Gradients with respect to what a step gave, and what they pass on their way to its
/// potential.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<L> {
    /// To the spike that was sent.
    pub spike: L,
    /// To the state that the next step starts from.
    pub state: L,
    /// What stands for the derivative of the spike.
    pub slope: L,
}

/// Gradients with respect to what a reset started from.
#[derive(Clone, Copy, Debug)]
pub struct ResetGradient<L> {
    /// To the potential.
    pub potential: L,
    /// To the spike.
    pub spike: L,
    /// To the threshold.
    pub threshold: L,
}

impl Firing {
    /// The threshold as a number of the kind that is calculated with.
    #[inline(always)]
    pub fn theta<L: Lane>(&self) -> L {
        L::of(self.threshold)
    }

    /// Θ(x), of a potential `x` above the threshold.
    #[inline(always)]
    pub fn spike<L: Lane>(&self, x: L) -> L {
        // no branch: many are compared at once
        let at = (x == L::of(0.0)) & (self.fire == Fire::AtOrAbove);
        L::of(if (x > L::of(0.0)) | at { 1.0 } else { 0.0 })
    }

    /// What the reset takes a spike for.
    #[inline(always)]
    pub fn seen_by_reset<L: Lane>(&self, spike: L) -> L {
        if self.detach_reset { spike.detached() } else { spike }
    }

    /// The potential after the reset.
    #[inline(always)]
    pub fn reset<L: Lane>(&self, u: L, theta: L, spike: L) -> L {
        let s = self.seen_by_reset(spike);
        match self.reset {
            Some(reset) => L::of(reset) * s + (L::of(1.0) - s) * u,
            None => u - theta * s,
        }
    }

    /// The adjoint of [`Firing::reset`].
    #[inline(always)]
    pub fn reset_adjoint<L: Lane>(&self, u: L, theta: L, s: L, state: L) -> ResetGradient<L> {
        let (by_potential, by_spike, by_threshold) = match self.reset {
            Some(reset) => (L::of(1.0) - s, L::of(reset) - u, L::of(0.0)),
            None => (L::of(1.0), -theta, -s),
        };
        let by_spike = if self.detach_reset { L::of(0.0) } else { by_spike };
        ResetGradient {
            potential: state * by_potential,
            spike: state * by_spike,
            threshold: state * by_threshold,
        }
    }
}
