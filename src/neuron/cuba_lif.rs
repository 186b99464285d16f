//! Current-based leaky integrate-and-fire, and the integrator of the same kind.
//!
//! ```text
//! τ_syn İ = −I + w_in S
//! τ_mem v̇ = (v_leak − v) + R I            CubaLIF: spike when v > v_threshold, then v = v_reset
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `tau_syn` | τ_syn | s | |
//! | `tau_mem` | τ_mem | s | |
//! | `r` | R | potential per current | |
//! | `v_leak` | | potential | |
//! | `v_threshold` | θ | potential | |
//! | `v_reset` | | potential | 0 |
//! | `w_in` | | current per weight | 1 |
//!
//! Receives weighted spikes S. CubaLIF sends spikes, CubaLI its potential.
//!
//! **Discrete.** Both equations are linear, so one step is
//!
//! ```text
//! I' = a I + b S
//! u  = α v + (1−α) v_leak + c I + e S
//! ```
//!
//! With the decays α, β of membrane and synapse over dt, and
//! κ = τ_syn/(τ_syn − τ_mem) · (β − α), or dt/τ · α where the time constants
//! are equal (what a unit of current adds to the potential while it decays):
//!
//! | leak, input | a | b | c | e |
//! |---|---|---|---|---|
//! | exact, held | β | (1−β) w | R κ | R (1−α−κ) w |
//! | exact, impulse | β | β w | R κ | R κ w |
//! | exact, impulse, r ignored | β | β | β | β |
//! | Euler | 1−dt/τ_syn | dt/τ_syn w | R dt/τ_mem a | R dt/τ_mem b |
//!
//! The third row is sinabs' `LIF` with `tau_syn`, which adds the decayed
//! current to the potential as it is. Euler uses the new current for the
//! potential, as Norse, SpikingJelly and snnTorch do.
//!
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `CubaLIF` and `CubaLI`; the rows by
//! integrating the two equations over one step.

use super::column::{Column, Parameters};
use super::convention::{Input, Leak};
use super::fire::{Block, Fire};
use super::{Field, Model, Population, Step, TIME, field, field_or};
use crate::error::Result;
use crate::signal::BLOCK;

const LI_FIELDS: &[Field] = &[
    field("tau_syn", TIME),
    field("tau_mem", TIME),
    field("r", "potential per current"),
    field("v_leak", "potential"),
    field_or("w_in", "current per weight", 1.0),
];

const LIF_FIELDS: &[Field] = &[
    field("tau_syn", TIME),
    field("tau_mem", TIME),
    field("r", "potential per current"),
    field("v_leak", "potential"),
    field_or("w_in", "current per weight", 1.0),
    field("v_threshold", "potential"),
    field_or("v_reset", "potential", 0.0),
];

/// The entries in [`super::MODELS`].
pub const CUBA_LIF: Model = Model {
    nir: "CubaLIF",
    about: "current-based LIF, two time constants",
    spikes: true,
    fields: LIF_FIELDS,
    bind: bind_lif,
};

/// The integrator of the same kind.
pub const CUBA_LI: Model = Model {
    nir: "CubaLI",
    about: "current-based leaky integrator, no spikes",
    spikes: false,
    fields: LI_FIELDS,
    bind: bind_li,
};

fn bind_lif(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let start = parameters.column(["v_leak", "v_reset"], |[leak, reset]| step.start(leak, reset));
    let fire = Fire::new(parameters.len, threshold, reset, &step.convention)?;
    Ok(Box::new(Cells { fire: Some(fire), start, ..integrator(parameters, step) }))
}

fn bind_li(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    Ok(Box::new(integrator(parameters, step)))
}

fn integrator(parameters: &Parameters, step: &Step) -> Cells {
    let coefficient = |k: usize| {
        parameters.column(["tau_syn", "tau_mem", "r", "w_in"], |of| coefficients(of, step)[k])
    };
    Cells {
        decay: parameters.column(["tau_mem"], |[tau]| step.decay(tau)),
        drift: parameters.column(["tau_mem", "v_leak"], |[tau, leak]| step.loss(tau) * leak),
        current_decay: coefficient(0),
        current_gain: coefficient(1),
        coupling: coefficient(2),
        direct: coefficient(3),
        start: parameters.column(["v_leak"], |[leak]| step.start(leak, 0.0)),
        fire: None,
    }
}

/// a, b, c, e of the module's head, for one neuron.
fn coefficients([tau_syn, tau_mem, r, w_in]: [f64; 4], step: &Step) -> [f64; 4] {
    let (beta, alpha) = (step.decay(tau_syn), step.decay(tau_mem));
    let (r, w) = (step.resistance(r), step.resistance(w_in));
    if step.convention.leak != Leak::Exact {
        let (b, coupling) = (step.loss(tau_syn) * w, step.loss(tau_mem) * r);
        return [beta, b, coupling * beta, coupling * b];
    }
    let kappa = match (tau_syn - tau_mem).abs() <= 1e-9 * tau_mem {
        true => step.dt.0 / tau_mem * alpha,
        false => tau_syn / (tau_syn - tau_mem) * (beta - alpha),
    };
    match (step.convention.input, step.convention.resistance) {
        (Input::Impulse, false) => [beta, beta, beta, beta],
        (Input::Impulse, true) => [beta, beta * w, r * kappa, r * kappa * w],
        (Input::Hold | Input::Scaled, _) => {
            let held = step.loss(tau_mem) - kappa;
            [beta, step.loss(tau_syn) * w, r * kappa, r * held * w]
        }
    }
}

/// A population with two state variables: membrane potential, then current.
struct Cells {
    decay: Column,
    drift: Column,
    current_decay: Column,
    current_gain: Column,
    coupling: Column,
    direct: Column,
    start: Column,
    fire: Option<Fire>,
}

impl Population for Cells {
    fn variables(&self) -> usize {
        2
    }

    fn start(&self, block: usize, state: &mut [f32]) {
        state.fill(0.0);
        state[..BLOCK].copy_from_slice(self.start.block(block));
    }

    fn step(&self, block: usize, state: &mut [f32], input: &[f32; BLOCK], sent: &mut [f32; BLOCK]) {
        let (potential, current) = state.split_at_mut(BLOCK);
        let (Some(potential), Some(current)) =
            (potential.first_chunk_mut(), current.first_chunk_mut::<BLOCK>())
        else {
            return;
        };
        let (decay, drift) = (self.decay.block(block), self.drift.block(block));
        let (coupling, direct) = (self.coupling.block(block), self.direct.block(block));
        let before = *current;
        let charge = |i: usize, v: f32| {
            decay[i] * v + drift[i] + (coupling[i] * before[i] + direct[i] * input[i])
        };
        let (a, b) = (self.current_decay.block(block), self.current_gain.block(block));
        for i in 0..BLOCK {
            current[i] = a[i] * before[i] + b[i] * input[i];
        }
        match &self.fire {
            Some(fire) => fire.step(&mut Block { number: block, potential, sent }, charge),
            None => {
                for (i, v) in potential.iter_mut().enumerate() {
                    *v = charge(i, *v);
                }
                *sent = *potential;
            }
        }
    }
}
