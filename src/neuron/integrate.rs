//! Integrate-and-fire, and the integrator.
//!
//! ```text
//! v̇ = R I            IF: spike when v > v_threshold, then v = v_reset
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `r` | R | 1/s for a current, 1 for charges | |
//! | `v_threshold` | θ | potential | |
//! | `v_reset` | | potential | 0 |
//!
//! Receives weighted spikes. IF sends spikes, I its potential.
//!
//! **Discrete.** Input as impulses: v += R·w. Held: v += dt·R·w. Nothing leaks
//! unless the convention says `leak=FACTOR`. A file with r = 1 means impulses;
//! one with r = 1/dt was written for a held input of that dt.
//!
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `IF` and `I`.

use super::column::{Column, Parameters};
use super::convention::{Input, Leak};
use super::fire::Fire;
use super::membrane::Membrane;
use super::{Field, Model, Population, Step, field, field_or};
use crate::error::Result;

const FIELDS: &[Field] = &[
    field("r", "1/s, or 1"),
    field("v_threshold", "potential"),
    field_or("v_reset", "potential", 0.0),
];

/// The entries in [`super::MODELS`].
pub const IF: Model =
    Model { nir: "IF", about: "integrate-and-fire", spikes: true, fields: FIELDS, bind: bind_if };

/// The integrator.
pub const I: Model = Model {
    nir: "I",
    about: "integrator, no spikes",
    spikes: false,
    fields: &[field("r", "1/s, or 1")],
    bind: bind_i,
};

fn bind_if(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let start = parameters.column(["v_reset"], |[reset]| step.start(0.0, reset));
    let fire = Fire::new(parameters.len, threshold, reset, &step.convention)?;
    Ok(Box::new(Membrane { fire: Some(fire), start, ..integrator(parameters, step) }))
}

fn bind_i(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    Ok(Box::new(integrator(parameters, step)))
}

/// What both share: a sum that nothing takes away from.
fn integrator(parameters: &Parameters, step: &Step) -> Membrane {
    let decay = match step.convention.leak {
        Leak::Fixed(factor) => factor,
        Leak::Exact | Leak::Euler => 1.0,
    };
    let gain = |r: f64| match step.convention.input {
        Input::Impulse => step.resistance(r),
        Input::Hold | Input::Scaled => step.resistance(r) * step.dt.0,
    };
    Membrane {
        decay: Column::of(parameters.len, [], |[]| decay),
        gain: parameters.column(["r"], |[r]| gain(r)),
        drift: Column::of(parameters.len, [], |[]| 0.0),
        start: Column::of(parameters.len, [], |[]| 0.0),
        fire: None,
    }
}
