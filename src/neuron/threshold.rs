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
//! Receives anything, sends spikes. Of a convention only the comparison
//! matters.
//!
//! **Source.** NIR 1.0.8, `ir/threshold.py`.

use super::column::{Column, Parameter, Parameters};
use super::convention::{Convention, Floor, Reset, SpikesPerStep, When};
use super::fire::Fire;
use super::membrane::Membrane;
use super::{Model, Population, Step, field};
use crate::error::Result;

/// The entry in [`super::MODELS`].
pub const THRESHOLD: Model = Model {
    nir: "Threshold",
    about: "spikes where its input exceeds θ",
    spikes: true,
    fields: &[field("threshold", "the input's")],
    bind,
};

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    let convention = Convention {
        spikes: SpikesPerStep::One,
        reset: Reset::ToZero,
        when: When::SameStep,
        floor: Floor::None,
        ..step.convention
    };
    let (len, zero) = (parameters.len, Parameter::same(0.0));
    Ok(Box::new(Membrane {
        decay: Column::of(len, [], |[]| 0.0),
        gain: Column::of(len, [], |[]| 1.0),
        drift: Column::of(len, [], |[]| 0.0),
        start: Column::of(len, [], |[]| 0.0),
        fire: Some(Fire::new(len, parameters.get("threshold"), &zero, &convention)?),
    }))
}
