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

use super::column::{Column, Parameter};
use super::convention::{Convention, Conventions, Input, Leak};
use super::fire::Fire;
use super::membrane::{Membrane, start_value};
use super::{Neuron, Population};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::Shape;
use crate::units::Seconds;

/// Parameters of `IF`.
#[derive(Debug)]
struct If {
    r: Array,
    v_threshold: Array,
    v_reset: Option<Array>,
}

/// Parameters of `I`.
#[derive(Debug)]
struct I {
    r: Array,
}

/// Reads an `IF` node.
pub fn read_if(record: &mut Record) -> Result<Box<dyn Neuron>> {
    let r = record.take("r")?;
    let v_threshold = record.take("v_threshold")?;
    let v_reset = record.take_if_any("v_reset");
    Ok(Box::new(If { r, v_threshold, v_reset }))
}

/// Reads an `I` node.
pub fn read_i(record: &mut Record) -> Result<Box<dyn Neuron>> {
    Ok(Box::new(I { r: record.take("r")? }))
}

fn gain(r: f64, dt: Seconds, convention: &Convention) -> f64 {
    let r = if convention.resistance { r } else { 1.0 };
    match convention.input {
        Input::Impulse => r,
        Input::Hold | Input::Scaled => r * dt.0,
    }
}

fn decay(convention: &Convention) -> f64 {
    match convention.leak {
        Leak::Fixed(factor) => factor,
        Leak::Exact | Leak::Euler => 1.0,
    }
}

impl Neuron for If {
    fn nir(&self) -> &'static str {
        "IF"
    }

    fn shape(&self) -> &[usize] {
        self.v_threshold.shape()
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("r", self.r.clone());
        record.put("v_threshold", self.v_threshold.clone());
        record.put_if_any("v_reset", &self.v_reset);
        record
    }

    fn spikes(&self) -> bool {
        true
    }

    fn at(
        &self,
        dt: Seconds,
        shape: &Shape,
        conventions: &Conventions,
    ) -> Result<Box<dyn Population>> {
        let convention = conventions.for_model("IF")?;
        let dt = convention.step.unwrap_or(dt);
        let r = Parameter::read("r", &self.r, shape)?;
        let threshold = Parameter::read("v_threshold", &self.v_threshold, shape)?;
        let reset = Parameter::read_or("v_reset", &self.v_reset, shape, 0.0)?;
        let len = shape.len();
        Ok(Box::new(Membrane {
            decay: Column::of(len, [], |[]| decay(&convention)),
            gain: Column::of(len, [&r], |[r]| gain(r, dt, &convention)),
            drift: Column::of(len, [], |[]| 0.0),
            start: Column::of(len, [&reset], |[v]| start_value(convention.start, 0.0, v)),
            fire: Some(Fire::new(len, &threshold, &reset, &convention)?),
        }))
    }

    fn caution(&self, dt: Seconds, conventions: &Conventions) -> Option<String> {
        let convention = conventions.for_model("IF").ok()?;
        let r = self.r.numbers().ok()?.into_iter().find(|&r| r != 1.0)?;
        match (convention.resistance, convention.input) {
            (false, _) => Some(format!("r = {r} is ignored")),
            (true, Input::Impulse) if (r * dt.0 - 1.0).abs() < 1e-3 => Some(format!(
                "r = {r} is 1/dt: the file was written for a held input; \
                 input=hold or --convention spikingjelly runs it so"
            )),
            _ => None,
        }
    }
}

impl Neuron for I {
    fn nir(&self) -> &'static str {
        "I"
    }

    fn shape(&self) -> &[usize] {
        self.r.shape()
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("r", self.r.clone());
        record
    }

    fn spikes(&self) -> bool {
        false
    }

    fn at(
        &self,
        dt: Seconds,
        shape: &Shape,
        conventions: &Conventions,
    ) -> Result<Box<dyn Population>> {
        let convention = conventions.for_model("I")?;
        let dt = convention.step.unwrap_or(dt);
        let r = Parameter::read("r", &self.r, shape)?;
        let len = shape.len();
        Ok(Box::new(Membrane {
            decay: Column::of(len, [], |[]| decay(&convention)),
            gain: Column::of(len, [&r], |[r]| gain(r, dt, &convention)),
            drift: Column::of(len, [], |[]| 0.0),
            start: Column::of(len, [], |[]| 0.0),
            fire: None,
        }))
    }
}
