//! Conventions by the names of the simulators that they reproduce.
//!
//! The presets were read in the sources of the versions they name, and are
//! tested against spikes that those versions gave (`tests/peers.rs`,
//! `tests/neurons.rs`, `tests/lif_rows.rs`, `tests/lava`).

use std::fmt;
use std::str::FromStr;

use super::convention::{
    Convention, Delay, Fire, FixedPoint, Floor, Input, Leak, Number, Reset, SpikesPerStep, Start,
    When, usage,
};
use crate::error::{Error, Result};
use crate::units::Seconds;

/// A named set of choices.
#[derive(Debug)]
pub struct Preset {
    /// The name on the command line.
    pub name: &'static str,
    /// Whose spikes it makes, in one line.
    pub about: &'static str,
    /// The models that it covers: those of NIR that the simulator's own importer reads,
    /// and its own that NIR has not. The others run by its rules for these.
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
        imports: &["IF", "LIF", "CubaLIF", "KLIF", "GatedLIF"],
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
    Preset {
        name: "nengo",
        about: "Nengo 4.1 LIF: potentials in thresholds, none below 0",
        imports: &["LIF"],
        choose: nengo,
    },
    Preset {
        name: "rockpool",
        about: "Rockpool 3.1: several spikes a step, subtract, r ignored",
        imports: &["LIF", "CubaLIF"],
        choose: rockpool,
    },
    Preset {
        name: "spyx",
        about: "Spyx 1.0 from_nir: Euler, r ignored, spikes and their subtraction one step late",
        imports: &["IF", "LIF", "LI", "Threshold"],
        choose: spyx,
    },
    Preset {
        name: "lava",
        about: "Lava 0.10 LIF: integers, fires above θ, one step late; number=f32 for its other model",
        imports: INTEGERS,
        choose: lava,
    },
    Preset {
        name: "loihi",
        about: "the chip, which lava simulates bit by bit",
        imports: INTEGERS,
        choose: lava,
    },
];

/// The models that can run in integers.
const INTEGERS: &[&str] = &["LIF", "LoihiCuba"];

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
    refractory: Seconds(0.0),
    number: Number::F32,
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

fn nengo(model: &str) -> Convention {
    Convention { reset: Reset::ToZero, floor: Floor::At(0.0), start: Start::Zero, ..nir(model) }
}

fn rockpool(_: &str) -> Convention {
    Convention { floor: Floor::None, ..sinabs("LIF") }
}

/// The spikes of a step are those that the potential before it makes; those of its PSU_LIF,
/// which files hold as LI and Threshold, those of the potential itself.
fn spyx(model: &str) -> Convention {
    let is_compared_at_once = matches!(model, "LI" | "Threshold");
    Convention {
        input: Input::Impulse,
        resistance: false,
        reset: Reset::Subtract,
        when: When::NextStep,
        delay: if is_compared_at_once { Delay::SameStep } else { Delay::NextStep },
        ..euler(model)
    }
}

fn lava(_: &str) -> Convention {
    Convention {
        leak: Leak::Euler,
        resistance: false,
        reset: Reset::ToZero,
        delay: Delay::NextStep,
        start: Start::Zero,
        number: Number::Fixed(FixedPoint::LOIHI),
        ..NIR
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

    /// Whether a field of the preset was changed, or said once more.
    pub fn says(&self, field: &str) -> bool {
        self.changes.iter().any(|(changed, _)| changed == field)
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
        if let Number::Fixed(_) = convention.number {
            self.refuse_in_integers(model, convention)?;
        }
        Ok(convention)
    }

    /// Models and choices that were never tried in integers.
    fn refuse_in_integers(&self, model: &str, convention: Convention) -> Result<()> {
        if !INTEGERS.contains(&model) {
            let found = format!("convention '{self}': {model} with number={}", convention.number);
            return Err(usage(found, format!("number=f32, or {}", INTEGERS.join(", "))));
        }
        let possible = Convention {
            leak: Leak::Euler,
            spikes: SpikesPerStep::One,
            reset: Reset::ToZero,
            when: When::SameStep,
            floor: Floor::None,
            start: Start::Zero,
            ..convention
        };
        let pairs = convention.fields().into_iter().zip(possible.fields());
        match pairs.into_iter().find(|(chosen, possible)| chosen != possible) {
            None => Ok(()),
            Some(((field, chosen), (_, possible))) => Err(usage(
                format!("convention '{self}': {field}={chosen} with number={}", convention.number),
                format!("{field}={possible}, or number=f32"),
            )),
        }
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
        let mut changes: Vec<(String, String)> = Vec::new();
        let mut trial = NIR;
        for part in parts {
            let (field, value) = part.split_once('=').ok_or_else(|| {
                usage(format!("'{part}'"), "field=value behind the preset's name")
            })?;
            if changes.iter().any(|(other, _)| other == field) {
                return Err(usage(format!("convention field '{field}' twice"), "each field once"));
            }
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
            for model in ["IF", "LIF", "CubaLIF", "LI", "LoihiCuba"] {
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
        assert!(refusal("nir,number=f64").contains("f32, fixed"));
        for factor in ["-0.1", "1.5", "1e30", "nan"] {
            assert!(refusal(&format!("nir,leak={factor}")).contains("a decay factor from 0 to 1"));
        }
        assert!(
            ["0", "0.5", "1"]
                .iter()
                .all(|f| format!("nir,leak={f}").parse::<Conventions>().is_ok())
        );
        for step in ["0ms", "-1ms"] {
            assert!(refusal(&format!("nir,step={step}")).contains("dt or a positive time"));
        }
        assert!(refusal("nir,number=fixed:12:40").contains("1 to 6"));
        let many: Conventions = "nir,spikes=many".parse().unwrap();
        assert!(many.for_model("IF").is_err());
    }

    #[test]
    fn integers_are_for_what_was_tried_in_integers() {
        let refusal = |text: &str, model: &str| {
            text.parse::<Conventions>().unwrap().for_model(model).unwrap_err().to_string()
        };
        assert!(refusal("lava", "CubaLIF").contains("expected number=f32, or LIF, LoihiCuba"));
        assert!(refusal("lava,reset=subtract", "LIF").contains("expected reset=to-zero"));
        assert!(refusal("nir,number=fixed", "LIF").contains("leak=exact with number=fixed:12:6"));
        let float: Conventions = "lava,number=f32,spikes=one,reset=subtract".parse().unwrap();
        assert_eq!(float.for_model("IF").unwrap().number, Number::F32);
        let shifts: Conventions = "loihi,number=fixed:10:4,fire=at-or-above".parse().unwrap();
        assert_eq!(shifts.for_model("LIF").unwrap().number.to_string(), "fixed:10:4");
    }
}
