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
//! Receives weighted spikes, sends its potential. **Discrete** as in
//! [`super::lif`].
//!
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `LI`.

use super::column::Parameter;
use super::convention::Conventions;
use super::lif::{self, Leaking};
use super::{Neuron, Population};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::Shape;
use crate::units::Seconds;

/// Parameters of `LI`.
#[derive(Debug)]
struct Li {
    tau: Array,
    r: Array,
    v_leak: Array,
}

/// Reads a `LI` node.
pub fn read(record: &mut Record) -> Result<Box<dyn Neuron>> {
    let (tau, r) = (record.take("tau")?, record.take("r")?);
    Ok(Box::new(Li { tau, r, v_leak: record.take("v_leak")? }))
}

impl Neuron for Li {
    fn nir(&self) -> &'static str {
        "LI"
    }

    fn shape(&self) -> &[usize] {
        self.r.shape()
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("tau", self.tau.clone());
        record.put("r", self.r.clone());
        record.put("v_leak", self.v_leak.clone());
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
        let convention = conventions.for_model("LI")?;
        let leaking = Leaking { dt: convention.step.unwrap_or(dt), convention: &convention };
        let tau = Parameter::read("tau", &self.tau, shape)?;
        let r = Parameter::read("r", &self.r, shape)?;
        let v_leak = Parameter::read("v_leak", &self.v_leak, shape)?;
        let parameters = [&tau, &r, &v_leak, &Parameter::same(0.0)];
        Ok(Box::new(leaking.membrane(shape.len(), parameters, None)?))
    }

    fn caution(&self, dt: Seconds, conventions: &Conventions) -> Option<String> {
        lif::caution(&self.tau, &self.r, dt, &conventions.for_model("LI").ok()?)
    }
}
