//! Refractory time, around any model that spikes.
//!
//! ```text
//! for `refractory` seconds after a spike v stays where the reset put it, whatever
//! comes in is lost to it, and nothing is sent
//! ```
//!
//! Only the membrane is held: a synaptic current goes on decaying and takes up
//! what comes in, as in NEST's `iaf_psc_exp`. In steps of dt the n = refractory/dt
//! steps after that of the spike are lost; between events, the input at all times
//! up to and including the end.
//!
//! [`Refractory`] is for steps; between events the engine holds lanes itself, by
//! its own clock ([`crate::engine::event`]).

use super::convention::{SpikesPerStep, When};
use super::sweep::BlockStep;
use super::{Charge, Population, Step, Stepped};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::BLOCK;
use crate::units::Seconds;

/// A population whose neurons rest after each spike. It has one more state
/// variable, the steps left.
pub struct Refractory {
    inner: Box<dyn Population>,
    steps: f32,
}

impl Refractory {
    /// Gives a population the convention's refractory time, in steps of `dt`.
    ///
    /// # Errors
    /// A time that is not a whole number of steps.
    pub fn around(inner: Box<dyn Population>, step: &Step, dt: Seconds) -> Result<Refractory> {
        let refractory = step.convention.refractory;
        let steps = refractory.0 / dt.0;
        if (steps - steps.round()).abs() > 1e-6 || steps >= f64::from(1 << f32::MANTISSA_DIGITS) {
            let found = format!("a refractory time of {refractory} in steps of {dt}");
            return Err(Error::new(
                ErrorKind::Usage,
                found,
                "a whole number of steps, or --engine event",
            ));
        }
        Ok(Refractory { inner, steps: steps.round() as f32 })
    }
}

impl Step {
    /// Refuses rules that a refractory time contradicts.
    ///
    /// # Errors
    /// Several spikes at once, and a reset after the step.
    pub fn check_refractory(&self) -> Result<()> {
        let refuse = |found: &str, expected: &str| {
            let found = format!("a refractory time with {found}");
            Err(Error::new(ErrorKind::Usage, found, expected))
        };
        match (self.convention.spikes, self.convention.when) {
            (SpikesPerStep::Many, _) => refuse("spikes=many", "spikes=one"),
            (_, When::NextStep | When::Pending) => {
                refuse("a reset after the step", "when=same-step")
            }
            _ => Ok(()),
        }
    }
}

impl BlockStep for Refractory {
    fn fire_block(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let (state, left) = state.split_at_mut(self.inner.variables() * BLOCK);
        let mut held = [0.0; BLOCK];
        held.copy_from_slice(&state[..BLOCK]);
        let mut active = self.inner.step(block, state, input, sent).active;
        for lane in 0..BLOCK {
            if left[lane] > 0.0 {
                left[lane] -= 1.0;
                state[lane] = held[lane];
                active &= !(1 << lane);
            } else if active >> lane & 1 == 1 {
                left[lane] = self.steps;
            }
        }
        Stepped { active, still: false }
    }
}

impl Population for Refractory {
    fn variables(&self) -> usize {
        self.inner.variables() + 1
    }

    fn start(&self, block: usize, state: &mut [f32]) {
        let (state, left) = state.split_at_mut(self.inner.variables() * BLOCK);
        self.inner.start(block, state);
        left.fill(0.0);
    }

    fn charge(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        let (state, left) = state.split_at(self.inner.variables() * BLOCK);
        let mut charge = self.inner.charge(block, state, input)?;
        for (lane, _) in left.iter().enumerate().filter(|(_, left)| **left > 0.0) {
            charge.potential[lane] = state[lane];
        }
        Some(charge)
    }

    fn is_quiet(&self, block: usize, state: &[f32]) -> bool {
        let (state, left) = state.split_at(self.inner.variables() * BLOCK);
        left.iter().all(|&left| left == 0.0) && self.inner.is_quiet(block, state)
    }
}
