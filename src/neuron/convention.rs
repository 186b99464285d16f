//! What simulators disagree on, as data.
//!
//! A file says "leaky integrate-and-fire, τ, θ"; it does not say whether a step
//! decays by e^(−dt/τ) or by 1 − dt/τ, whether θ itself fires, or what is left
//! after a spike. Each of these is a field here, and a [`Preset`] names the
//! values that make the spikes of one simulator.
//!
//! The presets were read in the sources of the versions they name, and are
//! tested against spikes that those versions gave.

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
}

/// The fields' values by name: what `NAME,field=value` on the command line and
/// the manifest are made of.
impl Convention {
    /// `(field, value)` of every field.
    pub fn fields(&self) -> [(&'static str, String); 11] {
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
        ]
    }

    fn set(&mut self, field: &str, value: &str) -> Result<()> {
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
            "step" => self.step = Some(value.parse::<Micros>()?.seconds()),
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

fn usage(found: String, expected: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, found, expected)
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
            _ => Ok(Leak::Fixed(number(text, "exact, euler or a decay factor")?)),
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

/// A named set of choices.
#[derive(Debug)]
pub struct Preset {
    /// The name on the command line.
    pub name: &'static str,
    /// Whose spikes it makes, in one line.
    pub about: &'static str,
    /// The NIR models that the simulator's own importer reads; the others run
    /// by its rules for these.
    pub imports: &'static [&'static str],
    choose: fn(model: &str) -> Convention,
}

/// Every preset, the default first.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "nir",
        about: "the equations of the NIR specification, solved exactly",
        imports: &["IF", "LIF", "CubaLIF", "LI", "I", "CubaLI", "Threshold"],
        choose: nir,
    },
    Preset {
        name: "sinabs",
        about: "sinabs 2.0 from_nir: several spikes a step, subtract, IF floored at −θ",
        imports: &["IF", "LIF", "LI"],
        choose: sinabs,
    },
    Preset {
        name: "spikingjelly",
        about: "SpikingJelly 2.0: fires at θ, hard reset, Euler",
        imports: &["IF", "LIF", "CubaLIF"],
        choose: spikingjelly,
    },
    Preset {
        name: "norse",
        about: "Norse 1.1 from_nir: fires above θ, hard reset to 0, Euler, r of LIF ignored",
        imports: &["IF", "LIF", "CubaLIF"],
        choose: norse,
    },
    Preset {
        name: "snntorch",
        about: "snnTorch 1.0 neurons with their defaults: subtract, one step after the spike",
        imports: &["IF", "LIF", "CubaLIF"],
        choose: snntorch,
    },
    Preset {
        name: "snntorch-nir",
        about: "snnTorch 1.0 import_from_nir as it is: IF leaks by 0.9, dt is 0.1 ms",
        imports: &["IF", "LIF", "CubaLIF"],
        choose: snntorch_nir,
    },
];

const NIR: Convention = Convention {
    leak: Leak::Exact,
    input: Input::Hold,
    resistance: true,
    fire: Fire::Above,
    spikes: SpikesPerStep::One,
    reset: Reset::ToValue,
    when: When::SameStep,
    floor: Floor::None,
    delay: Delay::SameStep,
    start: Start::Leak,
    step: None,
};

/// Models without a time constant: nothing says over which time a current
/// would flow, so files with r = 1 mean that a spike adds its weight.
fn has_no_time_constant(model: &str) -> bool {
    matches!(model, "IF" | "I" | "Threshold")
}

fn nir(model: &str) -> Convention {
    match has_no_time_constant(model) {
        true => Convention { input: Input::Impulse, ..NIR },
        false => NIR,
    }
}

fn sinabs(model: &str) -> Convention {
    Convention {
        input: Input::Impulse,
        resistance: false,
        fire: Fire::AtOrAbove,
        spikes: SpikesPerStep::Many,
        reset: Reset::Subtract,
        floor: if model == "IF" { Floor::MinusThreshold } else { Floor::None },
        start: Start::Zero,
        ..NIR
    }
}

/// Euler's rule with currents, charges where nothing leaks.
fn euler(model: &str) -> Convention {
    let charges = has_no_time_constant(model);
    Convention {
        leak: Leak::Euler,
        input: if charges { Input::Impulse } else { Input::Hold },
        resistance: !charges,
        start: Start::Zero,
        ..NIR
    }
}

fn spikingjelly(model: &str) -> Convention {
    Convention { fire: Fire::AtOrAbove, start: Start::Reset, ..euler(model) }
}

fn norse(model: &str) -> Convention {
    Convention {
        resistance: model == "CubaLIF" || model == "CubaLI",
        reset: Reset::ToZero,
        start: Start::Leak,
        ..euler(model)
    }
}

fn snntorch(model: &str) -> Convention {
    Convention { reset: Reset::Subtract, when: When::NextStep, ..euler(model) }
}

fn snntorch_nir(model: &str) -> Convention {
    let importer = Convention { step: Some(Seconds(1e-4)), ..euler(model) };
    match model {
        "IF" => Convention {
            leak: Leak::Fixed(0.9),
            reset: Reset::Subtract,
            when: When::Pending,
            ..importer
        },
        _ => Convention { reset: Reset::ToZero, ..importer },
    }
}

/// A preset with fields changed: what `--convention NAME,field=value,…` means.
#[derive(Clone, Debug)]
pub struct Conventions {
    preset: &'static Preset,
    changes: Vec<(String, String)>,
}

impl Default for Conventions {
    fn default() -> Conventions {
        Conventions { preset: &PRESETS[0], changes: Vec::new() }
    }
}

impl Conventions {
    /// The preset that was named.
    pub fn preset(&self) -> &'static Preset {
        self.preset
    }

    /// The choices for one neuron model, by its NIR name.
    ///
    /// # Errors
    /// Choices that contradict each other.
    pub fn for_model(&self, model: &str) -> Result<Convention> {
        let mut convention = (self.preset.choose)(model);
        for (field, value) in &self.changes {
            convention.set(field, value)?;
        }
        let many = convention.spikes == SpikesPerStep::Many;
        if many && (convention.fire != Fire::AtOrAbove || convention.when != When::SameStep) {
            return Err(usage(
                format!("convention '{self}': spikes=many for {model}"),
                "fire=at-or-above and when=same-step with it",
            ));
        }
        Ok(convention)
    }
}

impl fmt::Display for Conventions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.preset.name)?;
        self.changes.iter().try_for_each(|(field, value)| write!(f, ",{field}={value}"))
    }
}

impl FromStr for Conventions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Conventions> {
        let mut parts = text.split(',').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let preset = PRESETS.iter().find(|p| p.name == name).ok_or_else(|| {
            let names: Vec<_> = PRESETS.iter().map(|p| p.name).collect();
            usage(format!("convention '{name}'"), names.join(", "))
        })?;
        let mut changes = Vec::new();
        let mut trial = NIR;
        for part in parts {
            let (field, value) = part.split_once('=').ok_or_else(|| {
                usage(format!("'{part}'"), "field=value behind the preset's name")
            })?;
            trial.set(field, value).map_err(|e| e.at(format!("convention field '{field}'")))?;
            changes.push((field.to_owned(), value.to_owned()));
        }
        Ok(Conventions { preset, changes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_reads_back_what_it_prints() {
        for preset in PRESETS {
            for model in ["IF", "LIF", "CubaLIF", "LI"] {
                let convention = (preset.choose)(model);
                let mut copy = NIR;
                for (field, value) in convention.fields() {
                    copy.set(field, &value).unwrap();
                }
                assert_eq!(copy, convention, "{} {model}", preset.name);
            }
        }
    }

    #[test]
    fn a_preset_can_be_changed_field_by_field() {
        let changed: Conventions = "snntorch,reset=to-zero,when=same-step".parse().unwrap();
        let convention = changed.for_model("IF").unwrap();
        assert_eq!((convention.reset, convention.when), (Reset::ToZero, When::SameStep));
        assert_eq!(changed.to_string(), "snntorch,reset=to-zero,when=same-step");
    }

    #[test]
    fn wrong_names_are_answered_with_the_right_ones() {
        let refusal = |text: &str| text.parse::<Conventions>().unwrap_err().to_string();
        assert!(refusal("torch").contains("nir, sinabs, spikingjelly"));
        assert!(refusal("nir,leek=exact").contains("leak, input"));
        assert!(refusal("nir,fire=maybe").contains("at-or-above, above"));
        assert!(refusal("nir,fire").contains("field=value"));
        let many: Conventions = "nir,spikes=many".parse().unwrap();
        assert!(many.for_model("IF").is_err());
    }
}
