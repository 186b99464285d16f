//! What simulators disagree on, as data.
//!
//! A file says "leaky integrate-and-fire, τ, θ"; it does not say whether a step
//! decays by e^(−dt/τ) or by 1 − dt/τ, whether θ itself fires, or what is left
//! after a spike. Each of these is a field here; [`super::preset`] names the values
//! that make the spikes of one simulator.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::units::{Micros, Seconds};

/// How a potential decays over one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leak {
    /// By e^(−dt/τ), the solution of the equation.
    Exact,
    /// By 1 − dt/τ, one Euler step.
    Euler,
    /// By this factor, whatever τ is and even where there is none.
    Fixed(f64),
}

/// What the weighted spikes `w` of one step do to the potential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// They are charges: the potential jumps by R·w.
    Impulse,
    /// They are a current that flows for the whole step: (1 − decay)·R·w, or
    /// dt·R·w where nothing leaks.
    Hold,
    /// dt/τ·R·w, whatever the leak.
    Scaled,
}

/// Whether the threshold itself fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fire {
    /// v ≥ θ.
    AtOrAbove,
    /// v > θ.
    Above,
}

/// How many spikes a neuron sends in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpikesPerStep {
    /// One at most.
    One,
    /// ⌊v/θ⌋.
    Many,
}

/// What a spike does to the potential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Takes θ away, for each spike.
    Subtract,
    /// Sets it to the file's `v_reset`.
    ToValue,
    /// Sets it to 0, whatever the file's `v_reset`.
    ToZero,
}

/// When the reset happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In the step of the spike.
    SameStep,
    /// In the next step, while it charges.
    NextStep,
    /// In the step of the spike; but a potential that is still above θ after
    /// its reset is lowered by θ before it is compared again. snnTorch does
    /// this under `reset_delay=False`.
    Pending,
}

/// A lower bound of the potential, applied after the reset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Floor {
    /// None.
    None,
    /// −θ.
    MinusThreshold,
    /// This value.
    At(f64),
}

/// When a spike reaches the next population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// In the step in which it was fired.
    SameStep,
    /// One step later.
    NextStep,
}

/// Where the potential stands before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At 0.
    Zero,
    /// At the file's `v_leak`; 0 where there is none.
    Leak,
    /// At the file's `v_reset`.
    Reset,
}

/// The numbers that a population calculates with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// 32-bit floating point.
    F32,
    /// Integers of 24 bits, products cut off towards zero.
    Fixed(FixedPoint),
}

/// Where the binary points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedPoint {
    /// Bits of a decay: 12 count it in 4096ths.
    pub decay_bits: u8,
    /// Bits that weights, thresholds and biases are shifted left by.
    pub weight_exponent: u8,
}

/// Every choice that the equations leave open, for one neuron model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convention {
    /// Decay over one step.
    pub leak: Leak,
    /// Effect of weighted spikes.
    pub input: Input,
    /// Whether the file's `r` (and `w_in`) is used; 1 otherwise.
    pub resistance: bool,
    /// Comparison with the threshold.
    pub fire: Fire,
    /// Spikes per step.
    pub spikes: SpikesPerStep,
    /// Effect of a spike on the potential.
    pub reset: Reset,
    /// When it takes effect.
    pub when: When,
    /// Lower bound of the potential.
    pub floor: Floor,
    /// Steps between firing and arrival.
    pub delay: Delay,
    /// The potential before the first step.
    pub start: Start,
    /// The step length that the importer assumes, where it is not the run's.
    pub step: Option<Seconds>,
    /// How long the potential is held after a spike.
    pub refractory: Seconds,
    /// What populations calculate with.
    pub number: Number,
}

/// The fields' values by name: what `NAME,field=value` on the command line and
/// the manifest are made of.
impl Convention {
    /// `(field, value)` of every field.
    pub fn fields(&self) -> [(&'static str, String); 13] {
        let text = |s: &str| s.to_owned();
        [
            ("leak", self.leak.to_string()),
            ("input", text(name_of(&INPUTS, self.input))),
            ("resistance", text(name_of(&RESISTANCES, self.resistance))),
            ("fire", text(name_of(&FIRES, self.fire))),
            ("spikes", text(name_of(&SPIKES, self.spikes))),
            ("reset", text(name_of(&RESETS, self.reset))),
            ("when", text(name_of(&WHENS, self.when))),
            ("floor", self.floor.to_string()),
            ("delay", text(name_of(&DELAYS, self.delay))),
            ("start", text(name_of(&STARTS, self.start))),
            ("step", self.step.map_or("dt".into(), |s| format!("{}us", s.micros().0))),
            ("refractory", format!("{}us", self.refractory.micros().0)),
            ("number", self.number.to_string()),
        ]
    }

    pub(super) fn set(&mut self, field: &str, value: &str) -> Result<()> {
        match field {
            "leak" => self.leak = value.parse()?,
            "input" => self.input = value_of(&INPUTS, value)?,
            "resistance" => self.resistance = value_of(&RESISTANCES, value)?,
            "fire" => self.fire = value_of(&FIRES, value)?,
            "spikes" => self.spikes = value_of(&SPIKES, value)?,
            "reset" => self.reset = value_of(&RESETS, value)?,
            "when" => self.when = value_of(&WHENS, value)?,
            "floor" => self.floor = value.parse()?,
            "delay" => self.delay = value_of(&DELAYS, value)?,
            "start" => self.start = value_of(&STARTS, value)?,
            "step" if value == "dt" => self.step = None,
            "step" => self.step = Some(step(value)?),
            "refractory" => self.refractory = refractory(value)?,
            "number" => self.number = value.parse()?,
            _ => {
                let names = self.fields().map(|(name, _)| name).join(", ");
                return Err(usage(format!("convention field '{field}'"), names));
            }
        }
        Ok(())
    }
}

type Names<T, const N: usize> = [(&'static str, T); N];

const INPUTS: Names<Input, 3> =
    [("impulse", Input::Impulse), ("hold", Input::Hold), ("scaled", Input::Scaled)];
const RESISTANCES: Names<bool, 2> = [("used", true), ("ignored", false)];
const FIRES: Names<Fire, 2> = [("at-or-above", Fire::AtOrAbove), ("above", Fire::Above)];
const SPIKES: Names<SpikesPerStep, 2> =
    [("one", SpikesPerStep::One), ("many", SpikesPerStep::Many)];
const RESETS: Names<Reset, 3> =
    [("subtract", Reset::Subtract), ("to-value", Reset::ToValue), ("to-zero", Reset::ToZero)];
const WHENS: Names<When, 3> =
    [("same-step", When::SameStep), ("next-step", When::NextStep), ("pending", When::Pending)];
const DELAYS: Names<Delay, 2> = [("0", Delay::SameStep), ("1", Delay::NextStep)];
const STARTS: Names<Start, 3> =
    [("zero", Start::Zero), ("leak", Start::Leak), ("reset", Start::Reset)];

fn name_of<T: PartialEq + Copy, const N: usize>(names: &Names<T, N>, value: T) -> &'static str {
    names.iter().find(|(_, v)| *v == value).map_or("", |(name, _)| name)
}

fn value_of<T: Copy, const N: usize>(names: &Names<T, N>, text: &str) -> Result<T> {
    let found = names.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| usage(format!("'{text}'"), names.map(|(name, _)| name).join(", ")))
}

pub(super) fn usage(found: String, expected: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, found, expected)
}

fn step(text: &str) -> Result<Seconds> {
    let time: Micros = text.parse()?;
    match time.0 > 0 {
        true => Ok(time.seconds()),
        false => Err(usage(format!("'{text}'"), "dt or a positive time, such as 1ms")),
    }
}

fn refractory(text: &str) -> Result<Seconds> {
    let time = if text == "0" { Micros(0) } else { text.parse()? };
    match time.0 >= 0 {
        true => Ok(time.seconds()),
        false => Err(usage(format!("'{text}'"), "0 or a time, such as 2ms")),
    }
}

fn number(text: &str, expected: &str) -> Result<f64> {
    let number = text.parse::<f64>().ok().filter(|x| x.is_finite());
    number.ok_or_else(|| usage(format!("'{text}'"), expected))
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Leak::Exact => f.write_str("exact"),
            Leak::Euler => f.write_str("euler"),
            Leak::Fixed(factor) => write!(f, "{factor}"),
        }
    }
}

impl FromStr for Leak {
    type Err = Error;

    fn from_str(text: &str) -> Result<Leak> {
        match text {
            "exact" => Ok(Leak::Exact),
            "euler" => Ok(Leak::Euler),
            _ => {
                let expected = "exact, euler or a decay factor from 0 to 1";
                let factor = number(text, expected)?;
                match (0.0..=1.0).contains(&factor) {
                    true => Ok(Leak::Fixed(factor)),
                    false => Err(usage(format!("'{text}'"), expected)),
                }
            }
        }
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Floor::None => f.write_str("none"),
            Floor::MinusThreshold => f.write_str("minus-threshold"),
            Floor::At(v) => write!(f, "{v}"),
        }
    }
}

impl FromStr for Floor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Floor> {
        match text {
            "none" => Ok(Floor::None),
            "minus-threshold" => Ok(Floor::MinusThreshold),
            _ => Ok(Floor::At(number(text, "none, minus-threshold or a potential")?)),
        }
    }
}

impl FixedPoint {
    /// Loihi's.
    pub const LOIHI: FixedPoint = FixedPoint { decay_bits: 12, weight_exponent: 6 };

    /// What a decay of everything is.
    pub fn decay_unit(self) -> f64 {
        f64::from(1 << self.decay_bits)
    }

    /// A number of weights, as potentials count.
    #[inline(always)]
    pub fn shifted(self, weights: f64) -> f64 {
        weights * f64::from(1 << self.weight_exponent)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::F32 => f.write_str("f32"),
            Number::Fixed(FixedPoint { decay_bits, weight_exponent }) => {
                write!(f, "fixed:{decay_bits}:{weight_exponent}")
            }
        }
    }
}

impl FromStr for Number {
    type Err = Error;

    fn from_str(text: &str) -> Result<Number> {
        let bits =
            |text: &str, most: u8| text.parse().ok().filter(|bits| (1..=most).contains(bits));
        let fixed = |decay, weight| {
            let (decay_bits, weight_exponent) = (bits(decay, 16)?, bits(weight, 6)?);
            Some(Number::Fixed(FixedPoint { decay_bits, weight_exponent }))
        };
        let number = match text.split(':').collect::<Vec<_>>()[..] {
            ["f32"] => Some(Number::F32),
            ["fixed"] => Some(Number::Fixed(FixedPoint::LOIHI)),
            ["fixed", decay, weight] => fixed(decay, weight),
            _ => None,
        };
        let expected = "f32, fixed, or fixed:DECAY_BITS:WEIGHT_EXPONENT (1 to 16, 1 to 6)";
        number.ok_or_else(|| usage(format!("'{text}'"), expected))
    }
}
