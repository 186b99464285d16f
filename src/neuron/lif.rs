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
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `LIF`.

use super::column::{Column, Parameter};
use super::convention::{Convention, Conventions, Input, Leak};
use super::fire::Fire;
use super::membrane::{Membrane, start_value};
use super::{Neuron, Population};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::Shape;
use crate::units::Seconds;

/// Parameters of `LIF`.
#[derive(Debug)]
struct Lif {
    tau: Array,
    r: Array,
    v_leak: Array,
    v_threshold: Array,
    v_reset: Option<Array>,
}

/// Reads a `LIF` node.
pub fn read(record: &mut Record) -> Result<Box<dyn Neuron>> {
    let (tau, r) = (record.take("tau")?, record.take("r")?);
    let (v_leak, v_threshold) = (record.take("v_leak")?, record.take("v_threshold")?);
    let v_reset = record.take_if_any("v_reset");
    Ok(Box::new(Lif { tau, r, v_leak, v_threshold, v_reset }))
}

/// The decay of one step and the gain of its input.
#[derive(Clone, Copy)]
pub struct Leaking<'a> {
    /// The step.
    pub dt: Seconds,
    /// The choices.
    pub convention: &'a Convention,
}

impl Leaking<'_> {
    /// α of the module's head.
    pub fn decay(self, tau: f64) -> f64 {
        match self.convention.leak {
            Leak::Exact => (-self.dt.0 / tau).exp(),
            Leak::Euler => 1.0 - self.dt.0 / tau,
            Leak::Fixed(factor) => factor,
        }
    }

    /// 1 − α, without the cancellation.
    pub fn loss(self, tau: f64) -> f64 {
        match self.convention.leak {
            Leak::Exact => -(-self.dt.0 / tau).exp_m1(),
            Leak::Euler => self.dt.0 / tau,
            Leak::Fixed(factor) => 1.0 - factor,
        }
    }

    /// g of the module's head.
    pub fn gain(self, tau: f64, r: f64) -> f64 {
        let r = if self.convention.resistance { r } else { 1.0 };
        match self.convention.input {
            Input::Impulse => r,
            Input::Hold => self.loss(tau) * r,
            Input::Scaled => self.dt.0 / tau * r,
        }
    }

    /// The columns that LIF and LI share.
    pub fn membrane(
        self,
        len: usize,
        [tau, r, v_leak, v_reset]: [&Parameter; 4],
        fire: Option<Fire>,
    ) -> Result<Membrane> {
        tau.require("tau", "a positive time in seconds", |x| x > 0.0)?;
        let start = self.convention.start;
        Ok(Membrane {
            decay: Column::of(len, [tau], |[tau]| self.decay(tau)),
            gain: Column::of(len, [tau, r], |[tau, r]| self.gain(tau, r)),
            drift: Column::of(len, [tau, v_leak], |[tau, leak]| self.loss(tau) * leak),
            start: Column::of(len, [v_leak, v_reset], |[l, r]| start_value(start, l, r)),
            fire,
        })
    }
}

impl Neuron for Lif {
    fn nir(&self) -> &'static str {
        "LIF"
    }

    fn shape(&self) -> &[usize] {
        self.v_threshold.shape()
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("tau", self.tau.clone());
        record.put("r", self.r.clone());
        record.put("v_leak", self.v_leak.clone());
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
        let convention = conventions.for_model("LIF")?;
        let leaking = Leaking { dt: convention.step.unwrap_or(dt), convention: &convention };
        let tau = Parameter::read("tau", &self.tau, shape)?;
        let r = Parameter::read("r", &self.r, shape)?;
        let v_leak = Parameter::read("v_leak", &self.v_leak, shape)?;
        let threshold = Parameter::read("v_threshold", &self.v_threshold, shape)?;
        let reset = Parameter::read_or("v_reset", &self.v_reset, shape, 0.0)?;
        let fire = Fire::new(shape.len(), &threshold, &reset, &convention)?;
        Ok(Box::new(leaking.membrane(shape.len(), [&tau, &r, &v_leak, &reset], Some(fire))?))
    }

    fn caution(&self, dt: Seconds, conventions: &Conventions) -> Option<String> {
        caution(&self.tau, &self.r, dt, &conventions.for_model("LIF").ok()?)
    }
}

/// What can go unnoticed with a time constant and a resistance.
pub fn caution(tau: &Array, r: &Array, dt: Seconds, convention: &Convention) -> Option<String> {
    let dt = convention.step.unwrap_or(dt);
    let shortest = tau.numbers().ok()?.into_iter().fold(f64::INFINITY, f64::min);
    if shortest < dt.0 {
        return Some(format!("tau = {} is below the step of {dt}", Seconds(shortest)));
    }
    let r = r.numbers().ok()?.into_iter().find(|&r| r != 1.0)?;
    (!convention.resistance).then(|| format!("r = {r} is ignored"))
}
