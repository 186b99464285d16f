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
use super::sweep::{BlockStep, Drowsy, variable};
use super::{Charge, Population, Step, Stepped};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::simd::{bits, every};
use crate::signal::{BLOCK, lanes};
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
    #[inline(always)]
    fn fire_block(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let (state, left) = state.split_at_mut(self.inner.variables() * BLOCK);
        let (before, steps) = (*variable(state, 0), *variable(left, 0));
        let held = bits(|lane| steps[lane] > 0.0);
        let stepped = self.inner.step(block, state, input, sent);
        let active = stepped.active & !held;
        if held != 0 {
            let (mut after, mut fewer) = (*variable(state, 0), steps);
            for lane in 0..BLOCK {
                let is_held = steps[lane] > 0.0;
                after[lane] = if is_held { before[lane] } else { after[lane] };
                fewer[lane] = if is_held { steps[lane] - 1.0 } else { 0.0 };
            }
            state[..BLOCK].copy_from_slice(&after);
            left.copy_from_slice(&fewer);
        }
        lanes(active).for_each(|lane| left[lane] = self.steps);
        Stepped { active, still: stepped.still && (held | active) == 0 }
    }

    #[inline(always)]
    fn is_quiet_block(&self, block: usize, state: &[f32]) -> bool {
        let left = variable(state, self.inner.variables());
        every(|lane| left[lane] == 0.0)
            && self.inner.quiet(Drowsy { first: block, blocks: 1, state }) == 1
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
}
