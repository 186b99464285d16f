//! The step of a membrane potential behind a synaptic current: CubaLIF and CubaLI.
//!
//! ```text
//! I' = a I + b S                              S: weighted spikes of the step
//! u  = decay · v + drift + (c I + e S)
//! ```
//!
//! [`super::cuba_lif`] has the coefficients, their units and the source.

use super::coefficients::{ByCoefficients, Coefficient, if_any, shared_if_any};
use super::column::Column;
use super::fire::{self, Block, Fire, Lanes};
use super::sweep::{BlockStep, halves, variable};
use super::{Charge, Charged, Stepped};
use crate::signal::BLOCK;
use crate::signal::simd::every;

/// A population with two state variables: membrane potential, then current.
pub struct CurrentBased {
    /// What remains of the potential after a step.
    pub decay: Column,
    /// What is added to the potential in every step.
    pub drift: Column,
    /// a, what remains of the current after a step.
    pub current_decay: Column,
    /// b, what the input adds to the current.
    pub current_gain: Column,
    /// c, what the current of the last step adds to the potential.
    pub coupling: Column,
    /// e, what the input adds to the potential.
    pub direct: Column,
    /// The potential before the first step.
    pub start: Column,
    /// Threshold and reset; without them the potential itself is sent.
    pub fire: Option<Fire>,
}

/// The coefficients of a block.
#[derive(Clone, Copy)]
pub struct Coefficients<C> {
    decay: C,
    drift: C,
    current_decay: C,
    current_gain: C,
    coupling: C,
    direct: C,
    fire: Option<Lanes<C>>,
}

impl<C: Coefficient> Coefficients<C> {
    /// u of the module's head, of a neuron by its lane and potential.
    #[inline(always)]
    fn charging(self, current: &[f32; BLOCK], input: &[f32; BLOCK]) -> impl Fn(usize, f32) -> f32 {
        let Coefficients { decay, drift, coupling, direct, .. } = self;
        move |i, v| {
            let (coupling, direct) = (coupling.of(i) * current[i], direct.of(i) * input[i]);
            decay.of(i) * v + drift.of(i) + (coupling + direct)
        }
    }

    /// I' of the module's head.
    #[inline(always)]
    fn take_up(self, current: &mut [f32; BLOCK], input: &[f32; BLOCK]) {
        for (i, current) in current.iter_mut().enumerate() {
            *current = self.current_decay.of(i) * *current + self.current_gain.of(i) * input[i];
        }
    }
}

impl<C: Coefficient> BlockStep for Coefficients<C> {
    #[inline(always)]
    fn charge_block(&self, _block: usize, state: &mut [f32], input: &[f32; BLOCK]) -> Charged {
        let (potential, current) = halves(state);
        let charged = fire::charge(self.fire, potential, self.charging(current, input));
        if !(charged.fires && fire::charges_late(self.fire)) {
            self.take_up(current, input);
        }
        Charged { still: false, ..charged }
    }

    #[inline(always)]
    fn fire_block(
        &self,
        _block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let (potential, current) = halves(state);
        let charge = self.charging(current, input);
        let stepped = Block { potential, sent }.fire(self.fire, charge);
        if fire::charges_late(self.fire) {
            self.take_up(current, input);
        }
        Stepped { still: false, ..stepped }
    }

    /// A current only comes closer to zero.
    #[inline(always)]
    fn is_quiet_block(&self, _block: usize, state: &[f32]) -> bool {
        let Some(fire) = self.fire else { return false };
        let (potential, current) = (variable(state, 0), variable(state, 1));
        let most = |i: usize| if current[i] > 0.0 { current[i] } else { 0.0 };
        let rises = |i: usize| (self.decay.of(i) >= 0.0) & (self.coupling.of(i) >= 0.0);
        let fades = |i: usize| (0.0..=1.0).contains(&self.current_decay.of(i));
        every(|i| rises(i) & fades(i))
            && fire.is_quiet(potential, |i, v| {
                self.decay.of(i) * v + self.drift.of(i) + self.coupling.of(i) * most(i)
            })
    }
}

impl ByCoefficients for CurrentBased {
    const VARIABLES: usize = 2;

    type By<C: Coefficient> = Coefficients<C>;

    #[inline(always)]
    fn of_block(&self, block: usize) -> Coefficients<&[f32; BLOCK]> {
        Coefficients {
            decay: self.decay.block(block),
            drift: self.drift.block(block),
            current_decay: self.current_decay.block(block),
            current_gain: self.current_gain.block(block),
            coupling: self.coupling.block(block),
            direct: self.direct.block(block),
            fire: if_any(&self.fire, |fire| fire.of_block(block)),
        }
    }

    fn shared(&self) -> Option<Coefficients<f32>> {
        let fire = shared_if_any(&self.fire, Fire::shared)?;
        Some(Coefficients {
            decay: self.decay.shared()?,
            drift: self.drift.shared()?,
            current_decay: self.current_decay.shared()?,
            current_gain: self.current_gain.shared()?,
            coupling: self.coupling.shared()?,
            direct: self.direct.shared()?,
            fire,
        })
    }

    fn first_state(&self, block: usize, state: &mut [f32]) {
        state.fill(0.0);
        state[..BLOCK].copy_from_slice(self.start.block(block));
    }

    fn compared(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        let fire = self.fire.as_ref()?;
        let charge = self.of_block(block).charging(variable(state, 1), input);
        Some(fire.charge(block, variable(state, 0), charge))
    }
}
