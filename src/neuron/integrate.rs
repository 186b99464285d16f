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
//! unless the convention says `leak=FACTOR`. Between events a constant input makes
//! the potential rise steadily. A file with r = 1 means impulses;
//! one with r = 1/dt was written for a held input of that dt.
//!
//! **Training.** u = v + x with nothing to learn; [`super::trainable`] has threshold,
//! reset and adjoint. NIR's `IF` with r = 1 holds it where the reset is hard.
//!
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `IF` and `I`.

use super::column::{Column, Parameters};
use super::convention::{Input, Leak};
use super::fire::Fire;
use super::flow::{Drive, Firing, Flow, Relaxing};
use super::lane::Lane;
use super::membrane::Membrane;
use super::trainable::{self, Learned, Of, Settings, Trainable};
use super::{Field, Model, Population, Step, field, field_or};
use crate::error::Result;

const FIELDS: &[Field] = &[
    field("r", "1/s, or 1"),
    field("v_threshold", "potential"),
    field_or("v_reset", "potential", 0.0),
];

/// The entries in [`super::MODELS`].
pub const IF: Model = Model {
    nir: "IF",
    about: "integrate-and-fire",
    spikes: true,
    fields: FIELDS,
    bind: bind_if,
    flow: flow_if,
    leaking: None,
};

/// The integrator.
pub const I: Model = Model {
    nir: "I",
    about: "integrator, no spikes",
    spikes: false,
    fields: &[field("r", "1/s, or 1")],
    bind: bind_i,
    flow: flow_i,
    leaking: None,
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

fn flow_if(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let start = parameters.column(["v_reset"], |[reset]| step.start(0.0, reset));
    let firing = Firing::new(parameters.len, threshold, reset, step)?;
    Ok(Box::new(flow(parameters, step, drive, start, Some(firing))?))
}

fn flow_i(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    let start = Column::of(parameters.len, [], |[]| 0.0);
    Ok(Box::new(flow(parameters, step, drive, start, None)?))
}

fn flow(
    parameters: &Parameters,
    step: &Step,
    drive: &Drive,
    start: Column<f64>,
    firing: Option<Firing>,
) -> Result<Relaxing> {
    let len = parameters.len;
    let tau = match step.convention.leak {
        Leak::Exact | Leak::Euler => f64::INFINITY,
        Leak::Fixed(_) => step.time_constant(f64::INFINITY)?,
    };
    // one impulse a step, as a rate; what that amounts to where something leaks
    let over = if tau.is_finite() { tau } else { 1.0 };
    let columns = [
        Column::of(len, [], |[]| tau),
        Column::of(len, [parameters.get("r"), drive.parameter()], |[r, input]| {
            gain(r, step) * input / step.dt.0 * over
        }),
        parameters.column(["r"], |[r]| gain(r, step)),
        start,
    ];
    Ok(Relaxing::new(parameters, columns, firing))
}

/// What an input of a step is multiplied by.
fn gain(r: f64, step: &Step) -> f64 {
    match step.convention.input {
        Input::Impulse => step.resistance(r),
        Input::Hold | Input::Scaled => step.resistance(r) * step.dt.0,
    }
}

/// What both share: a sum that nothing takes away from.
fn integrator(parameters: &Parameters, step: &Step) -> Membrane {
    let decay = match step.convention.leak {
        Leak::Fixed(factor) => factor,
        Leak::Exact | Leak::Euler => 1.0,
    };
    Membrane {
        decay: Column::of(parameters.len, [], |[]| decay),
        gain: parameters.column(["r"], |[r]| gain(r, step)),
        drift: Column::of(parameters.len, [], |[]| 0.0),
        start: Column::of(parameters.len, [], |[]| 0.0),
        fire: None,
    }
}

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "if",
    about: "integrate-and-fire",
    engine: &IF,
    learned: <Trained as trainable::Membrane<0>>::LEARNED,
    defaults: Settings::SPIKINGJELLY,
    build: |settings| Box::new(Of(Trained(settings.firing()))),
    signed: Some(|settings, sends| trainable::signed(Trained(settings.firing()), sends)),
    fields: |settings, _, _| [("r", 1.0)].into_iter().chain(settings.firing_fields()).collect(),
};

/// The neuron as it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Trained(pub trainable::Firing);

impl trainable::Membrane<0> for Trained {
    const LEARNED: &'static [Learned; 0] = &[];

    fn firing(&self) -> &trainable::Firing {
        &self.0
    }

    fn coefficients<L: Lane>(&self, []: [L; 0]) -> [L; 3] {
        [L::of(1.0), L::of(1.0), L::of(0.0)]
    }
}
