//! Populations between events: closed forms in place of steps, in 64 bits.
//!
//! Without input a state flows; an event makes it jump. [`Flow::pass`] is the
//! solution of the room's equations over any time, [`Flow::receive`] the jump, and
//! [`Flow::alone`] says when a neuron without input reaches its threshold.
//!
//! What a step means to a [`Step`] of length dt, its nominal step, means an event
//! here: an impulse of the same charge, the gain of the convention at that dt. A
//! constant input, such as a bias, is one impulse each dt to a clock; here it
//! flows.

use super::column::{Column, Parameter};
use super::convention::{Convention, Fire as Comparison, Leak, Reset, SpikesPerStep, When};
use super::{Parameters, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::simd::{Kernel, bits, dispatch};
use crate::signal::{BLOCK, lanes};

/// A population that flows.
///
/// The state of a block is [`Flow::variables`] runs of [`BLOCK`] numbers, the
/// membrane potential first.
pub trait Flow: Send + Sync {
    /// State variables per neuron, one at least.
    fn variables(&self) -> usize;

    /// The state of a block at the beginning.
    fn start(&self, block: usize, state: &mut [f64]);

    /// Lets `elapsed` seconds go by without input.
    fn pass(&self, block: usize, state: &mut [f64], elapsed: f64);

    /// Adds `input` at an instant; lanes in `may_fire` are compared with their
    /// threshold, and what they send is written to `sent`.
    fn receive(
        &self,
        block: usize,
        state: &mut [f64],
        input: &[f32; BLOCK],
        may_fire: u64,
        sent: &mut [f32; BLOCK],
    );

    /// Which neurons of a block may reach their threshold without input within so many
    /// seconds or are not below it, a bit each, and for how many seconds all others stay below
    /// it at least. Quicker told than when they do; it may be said of too many.
    fn may_fire_within(&self, block: usize, state: &[f64], seconds: f64) -> (u64, f64) {
        let _ = (block, state, seconds);
        (0, f64::INFINITY)
    }

    /// In how many seconds neuron `lane`, below its threshold now, reaches it without
    /// input, if it ever does.
    fn alone(&self, block: usize, lane: usize, state: &[f64]) -> Option<f64> {
        let _ = (block, lane, state);
        None
    }

    /// The neurons of a block that are not below their threshold, a bit each.
    fn above(&self, block: usize, state: &[f64]) -> u64 {
        let _ = (block, state);
        0
    }

    /// The potential at which neuron `lane` fires; infinite if it never does.
    fn fires_at(&self, block: usize, lane: usize) -> f64 {
        let _ = (block, lane);
        f64::INFINITY
    }

    /// Integral of the potential of neuron `lane` over time so far, in seconds
    /// times potential; of populations that send no spikes.
    fn integral(&self, lane: usize, state: &[f64]) -> f64 {
        state[BLOCK + lane]
    }
}

/// The constant input of a population, by address; one zero where there is none.
pub struct Drive(Parameter);

impl Drive {
    /// No constant input.
    pub fn none() -> Drive {
        Drive(Parameter::same(0.0))
    }

    /// These inputs.
    pub fn of(inputs: Vec<f64>) -> Drive {
        Drive(Parameter::each(inputs))
    }

    /// As a parameter like the others.
    pub fn parameter(&self) -> &Parameter {
        &self.0
    }
}

impl Step {
    /// The time constant of a decay; what `leak=FACTOR` means as one.
    ///
    /// # Errors
    /// Euler's rule, which is a rule for steps, and a factor that is no decay.
    pub fn time_constant(&self, tau: f64) -> Result<f64> {
        match self.convention.leak {
            Leak::Exact => Ok(tau),
            Leak::Fixed(factor) if factor > 0.0 && factor < 1.0 => Ok(-self.dt.0 / factor.ln()),
            Leak::Fixed(1.0) => Ok(f64::INFINITY),
            Leak::Fixed(_) | Leak::Euler => Err(self.needs_clock("leak", self.convention.leak)),
        }
    }

    /// A choice that only a clock can follow.
    pub fn needs_clock(&self, field: &str, value: impl std::fmt::Display) -> Error {
        let found = format!("convention {field}: {value}, between events");
        let expected =
            "a rule for any time, as --convention nir has them; or --quantum; or --engine clocked";
        Error::new(ErrorKind::Unsupported, found, expected)
    }
}

/// Threshold and reset of a population that flows.
pub struct Firing {
    threshold: Column<f64>,
    fires_at: Column<f64>,
    reset_to: Column<f64>,
    floor: Option<Column<f64>>,
    many: bool,
    subtract: bool,
}

/// Lifts a block to its floor.
struct Lift<'a> {
    state: &'a mut [f64],
    floor: &'a [f64; BLOCK],
}

impl Kernel for Lift<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (v, &floor) in self.state[..BLOCK].iter_mut().zip(self.floor) {
            *v = if *v < floor { floor } else { *v };
        }
    }
}

/// Comparison of a block with its thresholds.
struct Above<'a> {
    potential: &'a [f64],
    fires_at: &'a [f64; BLOCK],
}

impl Kernel for Above<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let Some(potential) = self.potential.first_chunk::<BLOCK>() else { return 0 };
        bits(|lane| potential[lane] >= self.fires_at[lane])
    }
}

impl Firing {
    /// The rules of `len` neurons with these thresholds and resets.
    ///
    /// # Errors
    /// A reset that waits for a next step; thresholds that are not positive where
    /// several spikes at once are asked for; a floor that fires.
    pub fn new(
        len: usize,
        threshold: &Parameter,
        reset: &Parameter,
        step: &Step,
    ) -> Result<Firing> {
        let convention: &Convention = &step.convention;
        if convention.when != When::SameStep {
            return Err(step.needs_clock("when", "a reset after the step"));
        }
        let many = convention.spikes == SpikesPerStep::Many;
        if many {
            threshold.require("v_threshold", "a positive number", |x| x > 0.0)?;
        }
        let to_zero = convention.reset == Reset::ToZero;
        Ok(Firing {
            threshold: Column::of(len, [threshold], |[theta]| theta),
            fires_at: Column::of(len, [threshold], |[theta]| match convention.fire {
                Comparison::Above => theta.next_up(),
                Comparison::AtOrAbove => theta,
            }),
            reset_to: Column::of(len, [reset], |[v]| if to_zero { 0.0 } else { v }),
            floor: convention.floors(len, threshold)?,
            many,
            subtract: convention.reset == Reset::Subtract,
        })
    }

    /// The smallest potentials that fire, of a block.
    pub fn thresholds(&self, block: usize) -> &[f64; BLOCK] {
        self.fires_at.block(block)
    }

    /// The smallest potential that fires.
    #[inline]
    pub fn fires_at(&self, block: usize, lane: usize) -> f64 {
        self.fires_at.block(block)[lane]
    }

    /// Fires and resets those of `may_fire` that are not below their threshold, and
    /// lifts all to their floor.
    pub fn settle(&self, block: usize, state: &mut [f64], may_fire: u64, sent: &mut [f32; BLOCK]) {
        for lane in lanes(self.above(block, state) & may_fire) {
            sent[lane] = self.fire(block, lane, &mut state[lane]);
        }
        self.lift(block, state);
    }

    /// Lifts a block to its floor. At the end of a time in which a potential only rises or
    /// only falls, that is as good as all along.
    pub fn lift(&self, block: usize, state: &mut [f64]) {
        if let Some(floor) = &self.floor {
            dispatch(Lift { state, floor: floor.block(block) });
        }
    }

    /// The neurons of a block that fire, a bit each.
    pub fn above(&self, block: usize, potential: &[f64]) -> u64 {
        dispatch(Above { potential, fires_at: self.fires_at.block(block) })
    }

    /// Fires and resets one neuron, if it is not below its threshold; gives what it
    /// sends.
    #[inline]
    pub fn fire(&self, block: usize, lane: usize, v: &mut f64) -> f32 {
        let mut sent = 0.0;
        if *v >= self.fires_at(block, lane) {
            let theta = self.threshold.block(block)[lane];
            sent = if self.many { (*v / theta).trunc() } else { 1.0 };
            *v = match self.subtract {
                true => *v - sent * theta,
                false => self.reset_to.block(block)[lane],
            };
        }
        sent as f32
    }
}

/// A membrane potential that relaxes to a resting value, or rises steadily where
/// nothing leaks: IF, I, LIF and LI between events.
///
/// ```text
/// v(t) = v∞ + (v − v∞) e^(−t/τ)        fires where v∞ > θ, after τ ln((v∞ − v)/(v∞ − θ))
/// v(t) = v + t·rate                    fires where rate > 0, after (θ − v)/rate
/// ```
pub struct Relaxing {
    /// τ; infinite where nothing leaks.
    pub tau: Column<f64>,
    /// v∞; the rate, in potential per second, where nothing leaks.
    pub rest: Column<f64>,
    /// What the input is multiplied by.
    pub gain: Column<f64>,
    /// The potential at the beginning.
    pub start: Column<f64>,
    /// Threshold and reset; without them the potential is integrated.
    pub firing: Option<Firing>,
    fires_alone: bool,
    /// Nothing moves without input.
    stays: bool,
}

impl Relaxing {
    /// A population; whether any of its neurons fires alone is found out here.
    pub fn new(
        parameters: &Parameters,
        [tau, rest, gain, start]: [Column<f64>; 4],
        firing: Option<Firing>,
    ) -> Relaxing {
        let stays = firing.is_some();
        let mut flow = Relaxing { tau, rest, gain, start, firing, fires_alone: false, stays };
        flow.fires_alone = (0..parameters.len).any(|i| {
            let (block, lane) = (i / BLOCK, i % BLOCK);
            let rest = flow.rest.block(block)[lane];
            match flow.tau.block(block)[lane].is_finite() {
                true => rest > flow.fires_at(block, lane),
                false => rest > 0.0 && flow.firing.is_some(),
            }
        });
        flow.stays &= (0..parameters.len).all(|i| {
            let (block, lane) = (i / BLOCK, i % BLOCK);
            flow.tau.block(block)[lane].is_infinite() && flow.rest.block(block)[lane] == 0.0
        });
        flow
    }
}

/// What an input does to the first variable of a block.
struct Jump<'a> {
    state: &'a mut [f64],
    gain: &'a [f64; BLOCK],
    input: &'a [f32; BLOCK],
}

impl Kernel for Jump<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (lane, v) in self.state[..BLOCK].iter_mut().enumerate() {
            *v += self.gain[lane] * f64::from(self.input[lane]);
        }
    }
}

impl Flow for Relaxing {
    fn variables(&self) -> usize {
        if self.firing.is_some() { 1 } else { 2 }
    }

    fn start(&self, block: usize, state: &mut [f64]) {
        state.fill(0.0);
        state[..BLOCK].copy_from_slice(self.start.block(block));
    }

    fn pass(&self, block: usize, state: &mut [f64], elapsed: f64) {
        if self.stays {
            return;
        }
        let (tau, rest) = (self.tau.block(block), self.rest.block(block));
        let shared = self.tau.shared().map(|tau| (-elapsed / tau).exp());
        let (potential, integral) = state.split_at_mut(BLOCK);
        for (lane, v) in potential.iter_mut().enumerate() {
            let leaks = tau[lane].is_finite();
            let factor = shared.unwrap_or_else(|| (-elapsed / tau[lane]).exp());
            let after = match leaks {
                true => rest[lane] + (*v - rest[lane]) * factor,
                false => *v + elapsed * rest[lane],
            };
            if let Some(sum) = integral.get_mut(lane) {
                *sum += match leaks {
                    true => rest[lane] * elapsed + (*v - rest[lane]) * tau[lane] * (1.0 - factor),
                    false => 0.5 * (*v + after) * elapsed,
                };
            }
            *v = after;
        }
        if let Some(firing) = &self.firing {
            firing.lift(block, potential);
        }
    }

    fn receive(
        &self,
        block: usize,
        state: &mut [f64],
        input: &[f32; BLOCK],
        may_fire: u64,
        sent: &mut [f32; BLOCK],
    ) {
        dispatch(Jump { state, gain: self.gain.block(block), input });
        if let Some(firing) = &self.firing {
            firing.settle(block, state, may_fire, sent);
        }
    }

    fn above(&self, block: usize, state: &[f64]) -> u64 {
        self.firing.as_ref().map_or(0, |firing| firing.above(block, state))
    }

    fn may_fire_within(&self, _block: usize, _state: &[f64], _seconds: f64) -> (u64, f64) {
        (if self.fires_alone { u64::MAX } else { 0 }, f64::INFINITY)
    }

    fn alone(&self, block: usize, lane: usize, state: &[f64]) -> Option<f64> {
        let (theta, v) = (self.fires_at(block, lane), state[lane]);
        let (tau, rest) = (self.tau.block(block)[lane], self.rest.block(block)[lane]);
        match tau.is_finite() {
            true => {
                let after = || tau * ((rest - v) / (rest - theta)).ln();
                (rest > theta).then(after)
            }
            false => (rest > 0.0).then(|| (theta - v) / rest),
        }
    }

    fn fires_at(&self, block: usize, lane: usize) -> f64 {
        self.firing.as_ref().map_or(f64::INFINITY, |firing| firing.fires_at(block, lane))
    }
}
