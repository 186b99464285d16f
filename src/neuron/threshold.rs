//! Threshold: no memory, a spike wherever the input of the step exceeds θ.
//!
//! ```text
//! z = 1 where I > threshold, 0 elsewhere
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `threshold` | θ | the input's | |
//!
//! Receives anything, sends spikes. Of a convention only the comparison, the delay
//! and a refractory time matter. **Between events** it compares what arrives at one
//! instant; a constant input, and a threshold that no input at all exceeds, are for
//! steps.
//!
//! **Source.** NIR 1.0.8, `ir/threshold.py`.

use super::column::{Column, Parameter, Parameters};
use super::convention::{Convention, Fire, Floor, Reset, SpikesPerStep, When};
use super::fire;
use super::flow::{Drive, Firing, Flow};
use super::membrane::Membrane;
use super::{Model, Population, Step, field};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::{BLOCK, lanes};

/// The entry in [`super::MODELS`].
pub const THRESHOLD: Model = Model {
    nir: "Threshold",
    about: "spikes where its input exceeds θ",
    spikes: true,
    fields: &[field("threshold", "the input's")],
    bind,
    flow,
    leaking: None,
};

fn flow(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    let (zero, len) = (Parameter::same(0.0), parameters.len);
    if (0..len).any(|i| drive.parameter().at(i) != 0.0) {
        let found = "a constant input of what has no memory, between events";
        let expected = "--quantum; or --engine clocked";
        return Err(Error::new(ErrorKind::Unsupported, found, expected));
    }
    let is_silent = |theta: f64| match step.convention.fire {
        Fire::Above => theta >= 0.0,
        Fire::AtOrAbove => theta > 0.0,
    };
    parameters.require_flow("threshold", "one that an input of 0 does not fire", is_silent)?;
    let step = Step { convention: forgetful(step.convention), ..*step };
    let firing = Firing::new(len, parameters.get("threshold"), &zero, &step)?;
    Ok(Box::new(Instant(firing)))
}

/// What arrives at one instant fires or is gone; the state stays 0.
struct Instant(Firing);

impl Flow for Instant {
    fn variables(&self) -> usize {
        1
    }

    fn start(&self, _block: usize, state: &mut [f64]) {
        state.fill(0.0);
    }

    fn pass(&self, _block: usize, _state: &mut [f64], _elapsed: f64) {}

    fn receive(
        &self,
        block: usize,
        _state: &mut [f64],
        input: &[f32; BLOCK],
        may_fire: u64,
        sent: &mut [f32; BLOCK],
    ) {
        for lane in lanes(may_fire) {
            sent[lane] = self.0.fire(block, lane, &mut f64::from(input[lane]));
        }
    }
}

/// Of a convention only the comparison matters to what has no memory.
fn forgetful(convention: Convention) -> Convention {
    Convention {
        spikes: SpikesPerStep::One,
        reset: Reset::ToZero,
        when: When::SameStep,
        floor: Floor::None,
        ..convention
    }
}

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    let convention = forgetful(step.convention);
    let (len, zero) = (parameters.len, Parameter::same(0.0));
    Ok(Box::new(Membrane {
        decay: Column::of(len, [], |[]| 0.0),
        gain: Column::of(len, [], |[]| 1.0),
        drift: Column::of(len, [], |[]| 0.0),
        start: Column::of(len, [], |[]| 0.0),
        fire: Some(fire::Fire::new(len, parameters.get("threshold"), &zero, &convention)?),
    }))
}
