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

use super::column::{Column, Parameter};
use super::convention::{Convention, Conventions, Input, Leak};
use super::fire::{Block, Fire};
use super::lif::{self, Leaking};
use super::membrane::start_value;
use super::{Neuron, Population};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::{BLOCK, Shape};
use crate::units::Seconds;

/// Parameters of `CubaLIF`, and of `CubaLI` where there is no threshold.
#[derive(Debug)]
struct Cuba {
    tau_syn: Array,
    tau_mem: Array,
    r: Array,
    v_leak: Array,
    w_in: Option<Array>,
    v_threshold: Option<Array>,
    v_reset: Option<Array>,
}

/// Reads a `CubaLIF` node.
pub fn read_lif(record: &mut Record) -> Result<Box<dyn Neuron>> {
    let v_threshold = Some(record.take("v_threshold")?);
    let v_reset = record.take_if_any("v_reset");
    Ok(Box::new(Cuba { v_threshold, v_reset, ..read_integrator(record)? }))
}

/// Reads a `CubaLI` node.
pub fn read_li(record: &mut Record) -> Result<Box<dyn Neuron>> {
    Ok(Box::new(read_integrator(record)?))
}

fn read_integrator(record: &mut Record) -> Result<Cuba> {
    Ok(Cuba {
        tau_syn: record.take("tau_syn")?,
        tau_mem: record.take("tau_mem")?,
        r: record.take("r")?,
        v_leak: record.take("v_leak")?,
        w_in: record.take_if_any("w_in"),
        v_threshold: None,
        v_reset: None,
    })
}

/// a, b, c, e of the module's head, for one neuron.
fn coefficients(
    [tau_syn, tau_mem, r, w_in]: [f64; 4],
    dt: Seconds,
    convention: &Convention,
) -> [f64; 4] {
    let leaking = Leaking { dt, convention };
    let (beta, alpha) = (leaking.decay(tau_syn), leaking.decay(tau_mem));
    let (r, w) = if convention.resistance { (r, w_in) } else { (1.0, 1.0) };
    if convention.leak != Leak::Exact {
        let (b, coupling) = (leaking.loss(tau_syn) * w, leaking.loss(tau_mem) * r);
        return [beta, b, coupling * beta, coupling * b];
    }
    let kappa = match (tau_syn - tau_mem).abs() <= 1e-9 * tau_mem {
        true => dt.0 / tau_mem * alpha,
        false => tau_syn / (tau_syn - tau_mem) * (beta - alpha),
    };
    match (convention.input, convention.resistance) {
        (Input::Impulse, false) => [beta, beta, beta, beta],
        (Input::Impulse, true) => [beta, beta * w, r * kappa, r * kappa * w],
        (Input::Hold | Input::Scaled, _) => {
            let held = leaking.loss(tau_mem) - kappa;
            [beta, leaking.loss(tau_syn) * w, r * kappa, r * held * w]
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

impl Neuron for Cuba {
    fn nir(&self) -> &'static str {
        if self.v_threshold.is_some() { "CubaLIF" } else { "CubaLI" }
    }

    fn shape(&self) -> &[usize] {
        self.r.shape()
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("tau_syn", self.tau_syn.clone());
        record.put("tau_mem", self.tau_mem.clone());
        record.put("r", self.r.clone());
        record.put("v_leak", self.v_leak.clone());
        record.put_if_any("w_in", &self.w_in);
        record.put_if_any("v_threshold", &self.v_threshold);
        record.put_if_any("v_reset", &self.v_reset);
        record
    }

    fn spikes(&self) -> bool {
        self.v_threshold.is_some()
    }

    fn at(
        &self,
        dt: Seconds,
        shape: &Shape,
        conventions: &Conventions,
    ) -> Result<Box<dyn Population>> {
        let convention = conventions.for_model(self.nir())?;
        let dt = convention.step.unwrap_or(dt);
        let leaking = Leaking { dt, convention: &convention };
        let tau_syn = Parameter::read("tau_syn", &self.tau_syn, shape)?;
        let tau_mem = Parameter::read("tau_mem", &self.tau_mem, shape)?;
        for (name, tau) in [("tau_syn", &tau_syn), ("tau_mem", &tau_mem)] {
            tau.require(name, "a positive time in seconds", |x| x > 0.0)?;
        }
        let r = Parameter::read("r", &self.r, shape)?;
        let v_leak = Parameter::read("v_leak", &self.v_leak, shape)?;
        let w_in = Parameter::read_or("w_in", &self.w_in, shape, 1.0)?;
        let reset = Parameter::read_or("v_reset", &self.v_reset, shape, 0.0)?;
        let len = shape.len();
        let fire = match &self.v_threshold {
            None => None,
            Some(theta) => {
                let theta = Parameter::read("v_threshold", theta, shape)?;
                Some(Fire::new(len, &theta, &reset, &convention)?)
            }
        };
        let coefficient = |k: usize| {
            Column::of(len, [&tau_syn, &tau_mem, &r, &w_in], |parameters| {
                coefficients(parameters, dt, &convention)[k]
            })
        };
        Ok(Box::new(Cells {
            decay: Column::of(len, [&tau_mem], |[tau]| leaking.decay(tau)),
            drift: Column::of(len, [&tau_mem, &v_leak], |[tau, v]| leaking.loss(tau) * v),
            current_decay: coefficient(0),
            current_gain: coefficient(1),
            coupling: coefficient(2),
            direct: coefficient(3),
            start: Column::of(len, [&v_leak, &reset], |[leak, reset]| {
                start_value(convention.start, leak, reset)
            }),
            fire,
        }))
    }

    fn caution(&self, dt: Seconds, conventions: &Conventions) -> Option<String> {
        let convention = conventions.for_model(self.nir()).ok()?;
        lif::caution(&self.tau_syn, &self.r, dt, &convention)
            .or_else(|| lif::caution(&self.tau_mem, &self.r, dt, &convention))
    }
}
