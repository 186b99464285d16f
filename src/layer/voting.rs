//! Voting: several neurons a class, and the class has their mean.
//!
//! ```text
//! y[i] = (x[i·k] + … + x[i·k + k − 1]) / k
//! ```
//!
//! | field | symbol | shape |
//! |---|---|---|
//! | `size` | k | 1 number |
//!
//! Flat input, a multiple of k long. Each spike goes on as a spike of its class.
//!
//! **Source.** SpikingJelly 2.0, `layer.VotingLayer`, which drops the neurons
//! that fill no group; here they are refused.

use super::{Connection, Layer, Routed, misfit};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record};
use crate::signal::{Merge, Shape, Spikes};

/// Parameters of `Voting`.
#[derive(Debug)]
struct Voting {
    size: usize,
}

/// Reads a `Voting`.
pub fn read(record: &mut Record) -> Result<Box<dyn Layer>> {
    let size = record.take("size")?.sizes().map_err(|e| e.at("'size'"))?;
    match size[..] {
        [size] if size > 0 => Ok(Box::new(Voting { size })),
        _ => {
            let found = format!("'size' = {size:?}");
            Err(Error::new(ErrorKind::Corrupt, found, "one positive size"))
        }
    }
}

impl Layer for Voting {
    fn nir(&self) -> &'static str {
        "Voting"
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("size", Array::integer(self.size as i64));
        record
    }

    fn parameters(&self) -> usize {
        0
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        match input.axes() {
            &[len] if len % self.size == 0 => Shape::new(&[len / self.size]),
            _ => Err(misfit(input, format!("a flat multiple of {}", self.size))),
        }
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        self.output_shape(input)?;
        Ok(Connection::Routed(Box::new(Groups { size: self.size as u32 })))
    }
}

struct Groups {
    size: u32,
}

impl Routed for Groups {
    fn route(&self, spikes: &Spikes, out: &mut Merge) {
        for (address, value, count) in spikes.iter() {
            out.add(address / self.size, value, count);
        }
    }

    fn finish(&self, values: &mut [f32]) {
        values.iter_mut().for_each(|value| *value /= self.size as f32);
    }
}
