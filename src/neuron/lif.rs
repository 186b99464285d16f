//! Leaky integrate-and-fire.
//!
//! ```text
//! τ v̇ = (v_leak − v) + R I            spike when v > v_threshold, then v = v_reset
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `tau` | τ | s | |
//! | `r` | R | potential per current | |
//! | `v_leak` | | potential | |
//! | `v_threshold` | θ | potential | |
//! | `v_reset` | | potential | 0 |
//!
//! Receives weighted spikes, sends spikes.
//!
//! **Discrete.** With decay α = e^(−dt/τ), or 1 − dt/τ by Euler:
//! u = α v + (1−α) v_leak + g w, where the gain g is (1−α)·R for a current held
//! over the step, R for an impulse, dt/τ·R scaled.
//!
//! **Between events** v relaxes to v∞ = v_leak + R·(constant input) with τ. It
//! fires alone where v∞ exceeds the threshold: [`super::flow::Relaxing`].
//!
//! **Training.** By Euler's rule with dt as the unit of time,
//! u = v + (x − (v − v_reset))/τ, or v − (v − v_reset)/τ + x where the input does not
//! decay; nothing is learned. NIR's `LIF` holds it where the reset is hard: `tau` is
//! τ·dt, `r` 1, or τ where the input does not decay, `v_leak` v_reset.
//!
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `LIF`; SpikingJelly 2.0,
//! `activation_based/functional/neuron.py`, `lif_step`, for training.

use super::column::{Column, Parameters};
use super::convention::{Input, Leak, Number};
use super::fire::Fire;
use super::flow::{Drive, Firing, Flow, Relaxing};
use super::lane::Lane;
use super::loihi;
use super::membrane::Membrane;
use super::trainable::{self, Charge, Learned, Of, Settings, Trainable};
use super::{Field, Model, Population, Step, TIME, field, field_or};
use crate::error::Result;

const FIELDS: &[Field] = &[
    field("tau", TIME),
    field("r", "potential per current"),
    field("v_leak", "potential"),
    field("v_threshold", "potential"),
    field_or("v_reset", "potential", 0.0),
];

/// The entry in [`super::MODELS`].
pub const LIF: Model = Model {
    nir: "LIF",
    about: "leaky integrate-and-fire",
    spikes: true,
    fields: FIELDS,
    bind,
    flow,
    leaking: None,
};

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    if let Number::Fixed(bits) = step.convention.number {
        return Ok(Box::new(loihi::bind_lif(parameters, step, bits)?));
    }
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let start = parameters.column(["v_leak", "v_reset"], |[leak, reset]| step.start(leak, reset));
    let fire = Fire::new(parameters.len, threshold, reset, &step.convention)?;
    Ok(Box::new(Membrane { fire: Some(fire), start, ..leaking(parameters, step) }))
}

fn flow(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    if step.convention.number != Number::F32 {
        return loihi::flow(parameters, step, drive);
    }
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let start = parameters.column(["v_leak", "v_reset"], |[leak, reset]| step.start(leak, reset));
    let firing = Firing::new(parameters.len, threshold, reset, step)?;
    Ok(Box::new(relaxing(parameters, step, drive, start, Some(firing))?))
}

/// A membrane with `tau`, `r` and `v_leak` between events.
///
/// # Errors
/// Euler's rule, and a decay that is none.
pub fn relaxing(
    parameters: &Parameters,
    step: &Step,
    drive: &Drive,
    start: Column<f64>,
    firing: Option<Firing>,
) -> Result<Relaxing> {
    // what a constant input leads to without a decay is no potential
    if step.time_constant(1.0)?.is_infinite() {
        return Err(step.needs_clock("leak", step.convention.leak));
    }
    let [tau, r, leak] = ["tau", "r", "v_leak"].map(|name| parameters.get(name));
    let constant = |tau: f64| step.time_constant(tau).unwrap_or(tau);
    // a held current is a constant one; of impulses one a step is a current
    let driven = |[tau, r, leak, input]: [f64; 4]| match step.convention.input {
        Input::Hold | Input::Scaled => leak + step.resistance(r) * input,
        Input::Impulse => leak + step.gain(tau, r) * input * constant(tau) / step.dt.0,
    };
    let columns = [
        parameters.column(["tau"], |[tau]| constant(tau)),
        Column::of(parameters.len, [tau, r, leak, drive.parameter()], driven),
        parameters.column(["tau", "r"], |[tau, r]| step.gain(tau, r)),
        start,
    ];
    Ok(Relaxing::new(parameters, columns, firing))
}

/// A membrane with `tau`, `r` and `v_leak` that starts from rest and never fires.
pub fn leaking(parameters: &Parameters, step: &Step) -> Membrane {
    Membrane {
        decay: parameters.column(["tau"], |[tau]| step.decay(tau)),
        gain: parameters.column(["tau", "r"], |[tau, r]| step.gain(tau, r)),
        drift: parameters.column(["tau", "v_leak"], |[tau, leak]| step.loss(tau) * leak),
        start: parameters.column(["v_leak"], |[leak]| step.start(leak, 0.0)),
        fire: None,
    }
}

impl Step {
    /// α of the module's head.
    pub fn decay(&self, tau: f64) -> f64 {
        match self.convention.leak {
            Leak::Exact => (-self.dt.0 / tau).exp(),
            Leak::Euler => 1.0 - self.dt.0 / tau,
            Leak::Fixed(factor) => factor,
        }
    }

    /// 1 − α, without the cancellation.
    pub fn loss(&self, tau: f64) -> f64 {
        match self.convention.leak {
            Leak::Exact => -(-self.dt.0 / tau).exp_m1(),
            Leak::Euler => self.dt.0 / tau,
            Leak::Fixed(factor) => 1.0 - factor,
        }
    }

    /// g of the module's head.
    pub fn gain(&self, tau: f64, r: f64) -> f64 {
        self.resistance(r)
            * match self.convention.input {
                Input::Impulse => 1.0,
                Input::Hold => self.loss(tau),
                Input::Scaled => self.dt.0 / tau,
            }
    }
}

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "lif",
    about: "leaky integrate-and-fire",
    engine: &LIF,
    learned: <Trained as trainable::Membrane<0>>::LEARNED,
    defaults: Settings::SPIKINGJELLY,
    build: |settings| Box::new(Of(Trained::new(settings))),
    signed: Some(|settings, sends| trainable::signed(Trained::new(settings), sends)),
    fields: |settings, _, step| settings.leak_fields(1.0 / settings.tau, step),
};

/// The neuron as it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    tau: f64,
    charge: Charge,
    firing: trainable::Firing,
}

impl Trained {
    /// Under these choices.
    pub fn new(settings: &Settings) -> Trained {
        let (charge, firing) = (Charge::new(settings), settings.firing());
        Trained { tau: settings.tau, charge, firing }
    }
}

impl trainable::Membrane<0> for Trained {
    const LEARNED: &'static [Learned; 0] = &[];

    fn firing(&self) -> &trainable::Firing {
        &self.firing
    }

    fn coefficients<L: Lane>(&self, []: [L; 0]) -> [L; 3] {
        self.charge.coefficients(L::of(1.0 / self.tau))
    }
}
