//! The compartment of Intel's Loihi, in integers, as Lava and lava-dl simulate it.
//!
//! ```text
//! u = (u · (4096 − iDecay)) / 4096 + (Σ w << 6)      wraps around in 24 bits
//! v = (v · (4096 − vDecay)) / 4096 + u + (bias << 6)     saturates in 24 bits
//! spike when v > vThMant << 6 (or ≥), then v = 0      divisions cut off towards zero
//! ```
//!
//! | field | unit | range | default |
//! |---|---|---|---|
//! | `iDecay` | 1/4096 of u a step; 4096: u has no memory | 0 to 4096 | |
//! | `vDecay` | 1/4096 of v a step | 0 to 4096 | |
//! | `vThMant` | weights | 0 to 131071 | |
//! | `bias` | weights, in every step, not remembered by u | −4096 to 4095 | 0 |
//!
//! Receives spikes with integer weights, sends spikes. NIR has no node for it.
//! The 12 bits of the decays and the weight exponent 6 are the convention's
//! `number=fixed:12:6`.
//!
//! The engine sums weights in 32-bit floating point, exactly up to 2²⁴; a sum of
//! 2¹⁷ overflows u already, which wraps as it does on the chip.
//!
//! **Who differs.** Lava's `PyLifModelBitAcc`, lava-dl from 0.3 on and the chip
//! fire above the threshold; lava-dl up to 0.2 fired at it (its issue 77). SLAYER
//! counts in 64 bits instead of 24. All of them deliver a spike one step later.
//!
//! **LIF in the same arithmetic** (`number=fixed` for a NIR `LIF`), quantised as
//! the NIR paper's Lava script does it: iDecay = 4096, vDecay = ⌊4095 dt/τ⌋,
//! vThMant = ⌊131071 θ⌋ >> 9, input ⌊256 dt/τ w⌋; 1 is 256 << 6. The script
//! rounds each weight, here their sum is rounded.
//!
//! **Source.** Lava 0.10 `proc/lif/models.py`, `AbstractPyLifModelFixed`; lava-dl
//! `slayer/neuron/cuba.py` and `dynamics/leaky_integrator.py`; NIR
//! `paper/01_lif/lif_sim_lava.ipynb`.

use super::coefficients::{ByCoefficients, Coefficient};
use super::column::{Column, Parameters};
use super::convention::{Fire, FixedPoint, Input, Number};
use super::flow::{Drive, Flow};
use super::sweep::{BlockStep, halves, variable};
use super::{Charge, Charged, Field, Model, Population, Step, Stepped, field, field_or};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::BLOCK;
use crate::signal::simd::every;

const FIELDS: &[Field] = &[
    field("iDecay", "1/4096"),
    field("vDecay", "1/4096"),
    field("vThMant", "weights"),
    field_or("bias", "weights", 0.0),
];

/// The entry in [`super::FOREIGN`].
pub const LOIHI_CUBA: Model = Model {
    nir: "LoihiCuba",
    about: "current-based LIF in Loihi's integers",
    spikes: true,
    fields: FIELDS,
    bind,
    flow,
    leaking: None,
};

/// u and v have 24 bits with their sign.
const LIMIT: f64 = 8_388_608.0;

/// A bias has 13 bits with its sign.
const BIASES: std::ops::RangeInclusive<f64> = -4096.0..=4095.0;

/// The largest threshold, before it is shifted.
const LARGEST_MANTISSA: f64 = 131_071.0;

/// What a weight of 1 becomes.
const WEIGHT_UNIT: f64 = 256.0;

/// What the script shifts a threshold of 17 bits by, to count it in weights.
const THRESHOLD_SHIFT: i32 = 9;

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    let Number::Fixed(bits) = step.convention.number else {
        let found = format!("number={}", step.convention.number);
        return Err(Error::new(
            ErrorKind::Usage,
            found,
            "number=fixed, for parameters in integers",
        ));
    };
    let whole = |x: f64| x.fract() == 0.0;
    let unit = bits.decay_unit();
    for decay in ["iDecay", "vDecay"] {
        let fits = |x: f64| whole(x) && (0.0..=unit).contains(&x);
        parameters.get(decay).require(decay, &format!("a whole number from 0 to {unit}"), fits)?;
    }
    let thresholds = 0.0..=LARGEST_MANTISSA;
    parameters
        .get("vThMant")
        .require("vThMant", "a whole number of 17 bits", |x| whole(x) && thresholds.contains(&x))?;
    parameters
        .get("bias")
        .require("bias", "a whole number of 13 bits", |x| whole(x) && BIASES.contains(&x))?;
    Ok(Box::new(Compartments {
        bits,
        gain: Column::of(parameters.len, [], |[]| 1.0),
        current_keep: parameters.column(["iDecay"], |[decay]| unit - decay),
        keep: parameters.column(["vDecay"], |[decay]| unit - decay),
        bias: parameters.column(["bias"], |[bias]| bits.shifted(bias)),
        fire_at: parameters.column(["vThMant"], |[theta]| step.fire_at(bits.shifted(theta))),
    }))
}

/// Integers are cut off in every step, whatever happens in it.
pub fn flow(_: &Parameters, step: &Step, _: &Drive) -> Result<Box<dyn Flow>> {
    Err(step.needs_clock("number", step.convention.number))
}

/// A NIR `LIF` in these integers.
pub fn bind_lif(parameters: &Parameters, step: &Step, bits: FixedPoint) -> Result<Compartments> {
    parameters.get("v_leak").require("v_leak", "0 with number=fixed", |leak| leak == 0.0)?;
    // divided in 32 bits, as the script does: a quotient meant to be 1/4 is 1/4
    let loss = |tau: f64| f64::from(step.dt.0 as f32 / tau as f32);
    let longer = "no shorter than the step with number=fixed";
    parameters.get("tau").require("tau", longer, |tau| loss(tau) <= 1.0)?;
    let unit = bits.decay_unit();
    let fits = |theta: f64| (0.0..=1.0).contains(&theta);
    parameters.get("v_threshold").require("v_threshold", "0 to 1 with number=fixed", fits)?;
    let keep = |tau: f64| unit - ((unit - 1.0) * loss(tau)).trunc();
    let gain = |tau: f64, r: f64| match step.convention.input {
        Input::Impulse => WEIGHT_UNIT * step.resistance(r),
        Input::Hold | Input::Scaled => WEIGHT_UNIT * step.resistance(r) * loss(tau),
    };
    let threshold = |theta: f64| {
        let mantissa = (LARGEST_MANTISSA * theta).trunc() / f64::from(1 << THRESHOLD_SHIFT);
        step.fire_at(bits.shifted(mantissa.trunc()))
    };
    Ok(Compartments {
        bits,
        gain: parameters.column(["tau", "r"], |[tau, r]| gain(tau, r)),
        current_keep: Column::of(parameters.len, [], |[]| 0.0),
        keep: parameters.column(["tau"], |[tau]| keep(tau)),
        bias: Column::of(parameters.len, [], |[]| 0.0),
        fire_at: parameters.column(["v_threshold"], |[theta]| threshold(theta)),
    })
}

impl Step {
    /// The smallest integer that fires.
    fn fire_at(&self, threshold: f64) -> f64 {
        match self.convention.fire {
            Fire::AtOrAbove => threshold,
            Fire::Above => threshold + 1.0,
        }
    }
}

/// A population with two state variables, potential and current: integers of 24
/// bits, which 32-bit floating point holds exactly.
pub struct Compartments {
    bits: FixedPoint,
    gain: Column,
    current_keep: Column,
    keep: Column,
    bias: Column,
    fire_at: Column,
}

/// The coefficients of a block.
#[derive(Clone, Copy)]
pub struct Coefficients<C> {
    bits: FixedPoint,
    gain: C,
    current_keep: C,
    keep: C,
    bias: C,
    fire_at: C,
}

impl<C: Coefficient> Coefficients<C> {
    /// u and v of the module's head before anything fires, of a neuron by its lane, u, v and
    /// input.
    #[inline(always)]
    fn charged(self) -> impl Fn(usize, f32, f32, f32) -> (f32, f32) {
        let Coefficients { bits, gain, current_keep, keep, bias, .. } = self;
        // 64-bit floating point holds all that occurs exactly, and is cut off in wide
        // registers; a conversion to integers is not
        let share = 1.0 / bits.decay_unit();
        let decayed = move |x: f32, keep: f32| (f64::from(x) * f64::from(keep) * share).trunc();
        let limits = (f64::from(i32::MIN), f64::from(i32::MAX));
        move |i, u, v, x| {
            let weights = (f64::from(x) * f64::from(gain.of(i))).trunc().clamp(limits.0, limits.1);
            let u = wrapped(decayed(u, current_keep.of(i)) + bits.shifted(weights));
            let v = decayed(v, keep.of(i)) + u + f64::from(bias.of(i));
            (u as f32, v.clamp(1.0 - LIMIT, LIMIT - 1.0) as f32)
        }
    }
}

impl<C: Coefficient> BlockStep for Coefficients<C> {
    #[inline(always)]
    fn charge_block(&self, _block: usize, state: &mut [f32], input: &[f32; BLOCK]) -> Charged {
        let (charged, (potential, current)) = (self.charged(), halves(state));
        let mut fires = false;
        for i in 0..BLOCK {
            (current[i], potential[i]) = charged(i, current[i], potential[i], input[i]);
            fires |= potential[i] >= self.fire_at.of(i);
        }
        Charged { fires, still: false }
    }

    #[inline(always)]
    fn fire_block(
        &self,
        _block: usize,
        state: &mut [f32],
        _input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let (potential, _) = halves(state);
        for (i, v) in potential.iter_mut().enumerate() {
            let fires = *v >= self.fire_at.of(i);
            sent[i] = if fires { 1.0 } else { 0.0 };
            *v = if fires { 0.0 } else { *v };
        }
        Stepped::moving(sent)
    }

    /// The largest potential below the threshold stays below it, and a current only comes
    /// closer to zero.
    #[inline(always)]
    fn is_quiet_block(&self, _block: usize, state: &[f32]) -> bool {
        let (charged, potential, current) =
            (self.charged(), variable(state, 0), variable(state, 1));
        every(|i| {
            let fire_at = self.fire_at.of(i);
            let (_, next) = charged(i, current[i].max(0.0), fire_at - 1.0, 0.0);
            (potential[i] < fire_at) & (next < fire_at)
        })
    }
}

impl ByCoefficients for Compartments {
    const VARIABLES: usize = 2;

    type By<C: Coefficient> = Coefficients<C>;

    #[inline(always)]
    fn of_block(&self, block: usize) -> Coefficients<&[f32; BLOCK]> {
        Coefficients {
            bits: self.bits,
            gain: self.gain.block(block),
            current_keep: self.current_keep.block(block),
            keep: self.keep.block(block),
            bias: self.bias.block(block),
            fire_at: self.fire_at.block(block),
        }
    }

    fn shared(&self) -> Option<Coefficients<f32>> {
        Some(Coefficients {
            bits: self.bits,
            gain: self.gain.shared()?,
            current_keep: self.current_keep.shared()?,
            keep: self.keep.shared()?,
            bias: self.bias.shared()?,
            fire_at: self.fire_at.shared()?,
        })
    }

    fn first_state(&self, _block: usize, state: &mut [f32]) {
        state.fill(0.0);
    }

    fn compared(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        let charged = self.of_block(block).charged();
        let (potential, current) = (variable(state, 0), variable(state, 1));
        let potential = |i: usize| charged(i, current[i], potential[i], input[i]).1;
        let threshold = *self.fire_at.block(block);
        Some(Charge { potential: std::array::from_fn(potential), threshold })
    }
}

/// Into 24 bits, from −2²³ (excluded) to 2²³.
#[inline(always)]
fn wrapped(u: f64) -> f64 {
    u - 2.0 * LIMIT * ((u - LIMIT) / (2.0 * LIMIT)).ceil()
}
