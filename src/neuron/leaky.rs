//! Leaky integrator: a LIF that never fires, and sends its potential.
//!
//! ```text
//! τ v̇ = (v_leak − v) + R I
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `tau` | τ | s | |
//! | `r` | R | potential per current | |
//! | `v_leak` | | potential | |
//!
//! Receives weighted spikes, sends its potential. **Discrete** and **between
//! events** as in [`super::lif`].
//!
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `LI`.

use super::column::Parameters;
use super::flow::{Drive, Flow};
use super::lif::{leaking, relaxing};
use super::{Field, Model, Population, Step, TIME, field};
use crate::error::Result;

const FIELDS: &[Field] =
    &[field("tau", TIME), field("r", "potential per current"), field("v_leak", "potential")];

/// The entry in [`super::MODELS`].
pub const LI: Model = Model {
    nir: "LI",
    about: "leaky integrator, no spikes",
    spikes: false,
    fields: FIELDS,
    bind,
    flow,
    leaking: None,
};

fn flow(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    let start = parameters.column(["v_leak"], |[leak]| step.start(leak, 0.0));
    Ok(Box::new(relaxing(parameters, step, drive, start, None)?))
}

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    Ok(Box::new(leaking(parameters, step)))
}
