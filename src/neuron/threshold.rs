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

use super::column::{Column, Parameter};
use super::convention::{Convention, Conventions, Floor, Reset, SpikesPerStep, When};
use super::fire::Fire;
use super::membrane::Membrane;
use super::{Neuron, Population};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::Shape;
use crate::units::Seconds;

/// Parameters of `Threshold`.
#[derive(Debug)]
struct Threshold {
    threshold: Array,
}

/// Reads a `Threshold` node.
pub fn read(record: &mut Record) -> Result<Box<dyn Neuron>> {
    Ok(Box::new(Threshold { threshold: record.take("threshold")? }))
}

impl Neuron for Threshold {
    fn nir(&self) -> &'static str {
        "Threshold"
    }

    fn shape(&self) -> &[usize] {
        self.threshold.shape()
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("threshold", self.threshold.clone());
        record
    }

    fn spikes(&self) -> bool {
        true
    }

    fn at(
        &self,
        _dt: Seconds,
        shape: &Shape,
        conventions: &Conventions,
    ) -> Result<Box<dyn Population>> {
        let convention = Convention {
            spikes: SpikesPerStep::One,
            reset: Reset::ToZero,
            when: When::SameStep,
            floor: Floor::None,
            ..conventions.for_model("Threshold")?
        };
        let threshold = Parameter::read("threshold", &self.threshold, shape)?;
        let len = shape.len();
        Ok(Box::new(Membrane {
            decay: Column::of(len, [], |[]| 0.0),
            gain: Column::of(len, [], |[]| 1.0),
            drift: Column::of(len, [], |[]| 0.0),
            start: Column::of(len, [], |[]| 0.0),
            fire: Some(Fire::new(len, &threshold, &Parameter::same(0.0), &convention)?),
        }))
    }
}
