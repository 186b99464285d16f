//! Scale: multiplies element by element.
//!
//! ```text
//! y = x ⊙ scale            scale has the input's shape
//! ```
//!
//! **Source.** NIR 1.0.8, `ir/linear.py`, `Scale`.

use super::{Connection, Layer, Routed, misfit};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::{Merge, Shape, Spikes};

/// Parameters of `Scale`.
#[derive(Debug)]
struct Scale {
    scale: Array,
}

/// Reads a `Scale` node.
pub fn read(record: &mut Record) -> Result<Box<dyn Layer>> {
    Ok(Box::new(Scale { scale: record.take("scale")? }))
}

impl Layer for Scale {
    fn nir(&self) -> &'static str {
        "Scale"
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("scale", self.scale.clone());
        record
    }

    fn parameters(&self) -> usize {
        self.scale.len()
    }

    fn input_shape(&self) -> Option<Shape> {
        Shape::new(self.scale.shape()).ok().filter(|shape| shape.len() > 1)
    }

    fn complete(&mut self, input: &Shape) {
        self.scale = self.scale.clone().spread(input.axes());
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        match self.scale.shape() == input.axes() || self.scale.len() == 1 {
            true => Ok(input.clone()),
            false => Err(misfit(input, format!("the scale's shape {:?}", self.scale.shape()))),
        }
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        self.output_shape(input)?;
        let scale = self.scale.singles().map_err(|e| e.at("'scale'"))?;
        let factors = match scale.len() {
            1 => vec![scale[0]; input.len()],
            _ => input.to_engine_order(&scale),
        };
        Ok(Connection::Routed(Box::new(Factors(factors))))
    }
}

/// One factor per address.
struct Factors(Vec<f32>);

impl Routed for Factors {
    fn route(&self, spikes: &Spikes, out: &mut Merge) {
        for (address, value, count) in spikes.iter() {
            out.add(address, value * self.0[address as usize], count);
        }
    }
}
