//! The step of a membrane potential alone: IF, LIF, LI, I, Threshold and others.
//!
//! ```text
//! u = decay · v + gain · x + drift            x: weighted spikes of the step
//! ```
//!
//! The rooms differ in the coefficients and in what they do with u.

use super::coefficients::{ByCoefficients, Coefficient, if_any, shared_if_any};
use super::column::Column;
use super::convention::Start;
use super::fire::{self, Block, Fire, Lanes};
use super::sweep::{BlockStep, LOOK, Sweep, differ, variable};
use super::{Charge, Charged, Step, Stepped};
use crate::signal::BLOCK;
use crate::signal::simd::every;

/// A population with one state variable, the membrane potential.
pub struct Membrane {
    /// What remains of the potential after a step.
    pub decay: Column,
    /// What the input is multiplied by.
    pub gain: Column,
    /// What is added in every step.
    pub drift: Column,
    /// The potential before the first step.
    pub start: Column,
    /// Threshold and reset; without them the potential itself is sent.
    pub fire: Option<Fire>,
}

impl Step {
    /// Where the potential starts, of a neuron with this leak and reset.
    pub fn start(&self, leak: f64, reset: f64) -> f64 {
        match self.convention.start {
            Start::Zero => 0.0,
            Start::Leak => leak,
            Start::Reset => reset,
        }
    }

    /// The resistance that counts.
    pub fn resistance(&self, r: f64) -> f64 {
        if self.convention.resistance { r } else { 1.0 }
    }
}

/// The coefficients of a block.
#[derive(Clone, Copy)]
struct Coefficients<C> {
    decay: C,
    gain: C,
    drift: C,
    fire: Option<Lanes<C>>,
}

/// The step of blocks that have these coefficients. Those of a `PLAIN` step are 1, 1 and 0, as
/// those of IF mostly are: it only adds, which is the same but for the sign of a zero.
pub struct Stepping<C, const PLAIN: bool = false> {
    coefficients: Coefficients<C>,
    /// Whether a potential stays as it is without input.
    holds: bool,
}

impl<C: Coefficient, const PLAIN: bool> Stepping<C, PLAIN> {
    /// u of the module's head, of a neuron by its lane, potential and input.
    #[inline(always)]
    fn charge(&self) -> impl Fn(usize, f32, f32) -> f32 {
        let Coefficients { decay, gain, drift, .. } = self.coefficients;
        move |i, v, x| if PLAIN { v + x } else { decay.of(i) * v + gain.of(i) * x + drift.of(i) }
    }
}

impl<C: Coefficient, const PLAIN: bool> BlockStep for Stepping<C, PLAIN> {
    #[inline(always)]
    fn charge_block(&self, _block: usize, state: &mut [f32], input: &[f32; BLOCK]) -> Charged {
        let charge = self.charge();
        let charge = |i: usize, v: f32| charge(i, v, input[i]);
        let charged = fire::charge(self.coefficients.fire, potential(state), charge);
        Charged { still: charged.still && self.holds, ..charged }
    }

    #[inline(always)]
    fn fire_block(
        &self,
        _block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let charge = self.charge();
        let charge = |i: usize, v: f32| charge(i, v, input[i]);
        let mut block = Block { potential: potential(state), sent };
        let stepped = block.fire(self.coefficients.fire, charge);
        Stepped { still: stepped.still && self.holds, ..stepped }
    }

    // nothing is compared, and nothing leaves the nearest cache
    #[inline(always)]
    fn idle_block(&self, _block: usize, state: &mut [f32], steps: u64, _before: &mut Vec<f32>) {
        let (charge, potential) = (self.charge(), potential(state));
        let mut left = steps;
        while left > 0 {
            let (before, mut now) = (InLines(*potential), InLines(*potential));
            for _ in 0..left.min(LOOK) {
                for (i, v) in now.0.iter_mut().enumerate() {
                    let charged = charge(i, *v, 0.0);
                    *v = match self.coefficients.fire {
                        Some(fire) => fire.floored(i, charged),
                        None => charged,
                    };
                }
            }
            *potential = now.0;
            left -= left.min(LOOK);
            if !differ(&now.0, &before.0) {
                return;
            }
        }
    }

    #[inline(always)]
    fn is_quiet_block(&self, _block: usize, state: &[f32]) -> bool {
        let (Coefficients { decay, fire, .. }, charge) = (self.coefficients, self.charge());
        let Some(fire) = fire else { return false };
        every(|i| decay.of(i) >= 0.0) && fire.is_quiet(variable(state, 0), |i, v| charge(i, v, 0.0))
    }
}

/// A block in whole cache lines: one that lies across them takes half as long again.
#[repr(align(64))]
struct InLines([f32; BLOCK]);

impl ByCoefficients for Membrane {
    const VARIABLES: usize = 1;

    type By<C: Coefficient> = Stepping<C>;

    #[inline(always)]
    fn of_block(&self, block: usize) -> Stepping<&[f32; BLOCK]> {
        let coefficients = Coefficients {
            decay: self.decay.block(block),
            gain: self.gain.block(block),
            drift: self.drift.block(block),
            fire: if_any(&self.fire, |fire| fire.of_block(block)),
        };
        Stepping { coefficients, holds: self.holds() }
    }

    fn shared(&self) -> Option<Stepping<f32>> {
        let coefficients = Coefficients {
            decay: self.decay.shared()?,
            gain: self.gain.shared()?,
            drift: self.drift.shared()?,
            fire: shared_if_any(&self.fire, Fire::shared)?,
        };
        Some(Stepping { coefficients, holds: self.holds() })
    }

    fn first_state(&self, block: usize, state: &mut [f32]) {
        state.copy_from_slice(self.start.block(block));
    }

    fn compared(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        let fire = self.fire.as_ref()?;
        let stepping = self.of_block(block);
        let charge = stepping.charge();
        Some(fire.charge(block, state, |i, v| charge(i, v, input[i])))
    }

    #[inline(always)]
    fn sweep(all: Stepping<f32>, sweep: &mut Sweep<'_>) -> u64 {
        let Stepping { coefficients, holds } = all;
        match coefficients {
            Coefficients { decay: 1.0, gain: 1.0, drift: 0.0, .. } => {
                sweep.each(1, &Stepping::<_, true> { coefficients, holds })
            }
            _ => sweep.each(1, &all),
        }
    }

    /// Where nobody reaches the threshold, nothing changes.
    fn always_rests_when_quiet(&self) -> bool {
        self.holds()
    }
}

impl Membrane {
    /// Whether a potential stays as it is without input.
    fn holds(&self) -> bool {
        self.decay.shared() == Some(1.0) && self.drift.shared() == Some(0.0)
    }
}

#[inline(always)]
fn potential(state: &mut [f32]) -> &mut [f32; BLOCK] {
    state.first_chunk_mut().expect("a block of potentials")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Population;
    use super::super::column::Parameter;
    use super::super::convention::{Convention, Floor};
    use super::super::preset::{Conventions, PRESETS};
    use super::super::sweep::StepOf;
    use super::*;
    use crate::signal::simd::Width;

    /// Numbers near and far from the threshold, of both signs.
    fn block() -> impl Strategy<Value = [f32; BLOCK]> {
        prop::collection::vec(-3.0f32..3.0, BLOCK).prop_map(|v| std::array::from_fn(|i| v[i]))
    }

    /// What a preset says of IF, if anything, perhaps with a reset that may be pending.
    fn convention(preset: usize, pending: bool) -> Option<Convention> {
        let change = if pending { ",when=pending,spikes=one,reset=subtract" } else { "" };
        let conventions = format!("{}{change}", PRESETS[preset].name).parse::<Conventions>();
        conventions.unwrap().for_model("IF").ok()
    }

    fn membrane(convention: &Convention, theta: f64, decay: f64) -> Membrane {
        let column = |x: f64| Column::of(BLOCK, [], move |[]| x);
        let (threshold, reset) = (Parameter::same(theta), Parameter::same(-0.25));
        Membrane {
            decay: column(decay),
            gain: column(0.7),
            drift: column(0.01),
            start: column(0.0),
            fire: Some(Fire::new(BLOCK, &threshold, &reset, convention).unwrap()),
        }
    }

    proptest! {
        /// Under every rule what is said to be compared decides who sends.
        #[test]
        fn what_is_compared_decides_what_is_sent(
            preset in 0..PRESETS.len(), pending in any::<bool>(), theta in 0.1f64..2.0,
            start in block(), input in block(),
        ) {
            let Some(convention) = convention(preset, pending) else { return Ok(()) };
            let membrane = membrane(&convention, theta, 0.875);
            let mut state = start;
            for _ in 0..3 {
                // where nobody fires nothing is written
                let mut sent = [0.0; BLOCK];
                let charge = membrane.charge(0, &state, &input).unwrap();
                membrane.step(0, &mut state, &input, &mut sent);
                let compared = charge.potential.into_iter().zip(charge.threshold);
                for ((u, theta), sent) in compared.zip(sent) {
                    // a threshold that is met exactly is the convention's to decide
                    prop_assert!(u == theta || (sent > 0.0) == (u > theta));
                }
            }
        }

        /// A threshold that is infinite is nothing to take away.
        #[test]
        fn who_never_fires_only_charges(
            preset in 0..PRESETS.len(), pending in any::<bool>(), theta in 0.1f64..2.0,
            start in block(), input in block(),
        ) {
            let Some(convention) = convention(preset, pending) else { return Ok(()) };
            let never = |i: usize| i % 2 == 1;
            let theta = |i: usize| if never(i) { f64::INFINITY } else { theta };
            let threshold = Parameter::each((0..BLOCK).map(theta).collect());
            let fire = Fire::new(BLOCK, &threshold, &Parameter::same(-0.25), &convention).unwrap();
            let membrane = Membrane { fire: Some(fire), ..membrane(&convention, 1.0, 0.875) };
            let (mut state, mut sent) = (start, [0.0; BLOCK]);
            let mut charged = start;
            for _ in 0..3 {
                let active = membrane.step(0, &mut state, &input, &mut sent).active;
                for i in (0..BLOCK).filter(|&i| never(i)) {
                    charged[i] = 0.875 * charged[i] + 0.7 * input[i] + 0.01;
                    if let Floor::At(low) = convention.floor {
                        charged[i] = charged[i].max(low as f32);
                    }
                    prop_assert_eq!(state[i], charged[i]);
                    prop_assert!(active >> i & 1 == 0);
                }
            }
        }

        #[test]
        fn every_width_gives_the_same_bits(
            preset in 0..PRESETS.len(), theta in 0.1f64..2.0, decay in 0.0f64..1.0,
            start in block(), input in block(),
        ) {
            let Some(convention) = convention(preset, false) else { return Ok(()) };
            let membrane = membrane(&convention, theta, decay);
            let mut all = Vec::new();
            for width in Width::ALL.into_iter().filter(|width| width.is_here()) {
                let (mut potential, mut sent) = (start, [0.0; BLOCK]);
                for _ in 0..3 {
                    let (input, state) = (&input, &mut potential[..]);
                    width.run(StepOf { by: &membrane, block: 0, state, input, sent: &mut sent });
                }
                all.push((potential.map(f32::to_bits), sent.map(f32::to_bits)));
            }
            prop_assert!(all.iter().all(|one| *one == all[0]));
        }
    }
}
