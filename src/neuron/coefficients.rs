//! Coefficients of a step: one for all neurons, or one each.
//!
//! The step is written once, for either. Where all neurons share every coefficient, none is
//! looked up in the loop over blocks.

use super::sweep::{BlockStep, Drowsy, Sweep};
use super::{Charge, Charged, Population, Stepped};
use crate::signal::BLOCK;

/// A coefficient of the neurons of a block: one for all, or one each.
pub trait Coefficient: Copy {
    /// That of one of them.
    fn of(self, lane: usize) -> f32;
}

impl Coefficient for f32 {
    #[inline(always)]
    fn of(self, _lane: usize) -> f32 {
        self
    }
}

impl Coefficient for &[f32; BLOCK] {
    #[inline(always)]
    fn of(self, lane: usize) -> f32 {
        self[lane]
    }
}

/// A population whose blocks step by coefficients alone.
pub trait ByCoefficients: Send + Sync {
    /// State variables per neuron.
    const VARIABLES: usize;

    /// The step by coefficients of either kind.
    type By<C: Coefficient>: BlockStep;

    /// By those of a block.
    fn of_block(&self, block: usize) -> Self::By<&[f32; BLOCK]>;

    /// By those of every block, where all neurons share them.
    fn shared(&self) -> Option<Self::By<f32>>;

    /// As [`Population::start`].
    fn first_state(&self, block: usize, state: &mut [f32]);

    /// As [`Population::charge`].
    fn compared(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge>;

    /// As [`Population::sweep_wide`], by what all neurons share.
    #[inline(always)]
    fn sweep(all: Self::By<f32>, sweep: &mut Sweep<'_>) -> u64 {
        sweep.each(Self::VARIABLES, &all)
    }

    /// As [`Population::rests_when_quiet`].
    fn always_rests_when_quiet(&self) -> bool {
        false
    }
}

impl<P: ByCoefficients> BlockStep for P {
    #[inline(always)]
    fn charge_block(&self, block: usize, state: &mut [f32], input: &[f32; BLOCK]) -> Charged {
        self.of_block(block).charge_block(block, state, input)
    }

    #[inline(always)]
    fn fire_block(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        self.of_block(block).fire_block(block, state, input, sent)
    }

    // both halves by coefficients that are looked up once
    #[inline(always)]
    fn step_block(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        self.of_block(block).step_block(block, state, input, sent)
    }

    #[inline(always)]
    fn idle_block(&self, block: usize, state: &mut [f32], steps: u64, before: &mut Vec<f32>) {
        match self.shared() {
            Some(all) => all.idle_block(block, state, steps, before),
            None => self.of_block(block).idle_block(block, state, steps, before),
        }
    }

    #[inline(always)]
    fn is_quiet_block(&self, block: usize, state: &[f32]) -> bool {
        self.of_block(block).is_quiet_block(block, state)
    }
}

impl<P: ByCoefficients> Population for P {
    fn variables(&self) -> usize {
        P::VARIABLES
    }

    fn start(&self, block: usize, state: &mut [f32]) {
        self.first_state(block, state);
    }

    fn charge(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        self.compared(block, state, input)
    }

    #[inline(always)]
    fn sweep_wide(&self, sweep: &mut Sweep<'_>) -> u64 {
        match self.shared() {
            Some(all) => P::sweep(all, sweep),
            None => sweep.each(P::VARIABLES, self),
        }
    }

    fn rests_when_quiet(&self) -> bool {
        self.always_rests_when_quiet()
    }

    #[inline(always)]
    fn quiet_wide(&self, drowsy: &Drowsy<'_>) -> u64 {
        match self.shared() {
            Some(all) => drowsy.quiet(P::VARIABLES, &all),
            None => drowsy.quiet(P::VARIABLES, self),
        }
    }
}

/// What a population perhaps has, looked up.
#[inline(always)]
#[expect(clippy::manual_map, reason = "a call inside a kernel, and not in its registers")]
pub fn if_any<'a, T, U>(any: &'a Option<T>, look_up: impl FnOnce(&'a T) -> U) -> Option<U> {
    match any {
        Some(any) => Some(look_up(any)),
        None => None,
    }
}

/// What all neurons share of what a population perhaps has; what is not there is shared, too.
pub fn shared_if_any<T, U>(
    any: &Option<T>,
    shared: impl FnOnce(&T) -> Option<U>,
) -> Option<Option<U>> {
    match any {
        Some(any) => shared(any).map(Some),
        None => Some(None),
    }
}
