//! Delay: sends on what it received, later.
//!
//! ```text
//! y(t) = x(t − delay)            delay in seconds, of the input's shape
//! ```
//!
//! A clocked engine rounds the delay to whole steps and says where that
//! changed it. Without a grid one below a microsecond, which is all that times are told
//! to, is taken for a microsecond, and that is said: through shorter ones a loop would go
//! round without end.
//!
//! **Source.** NIR 1.0.8, `ir/delay.py`.

use super::{Connection, Layer, misfit};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record};
use crate::signal::Shape;
use crate::units::Seconds;

/// Parameters of `Delay`.
#[derive(Debug)]
struct Delay {
    delay: Array,
}

/// Reads a `Delay` node.
pub fn read(record: &mut Record) -> Result<Box<dyn Layer>> {
    Ok(Box::new(Delay { delay: record.take("delay")? }))
}

impl Layer for Delay {
    fn nir(&self) -> &'static str {
        "Delay"
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("delay", self.delay.clone());
        record
    }

    fn parameters(&self) -> usize {
        self.delay.len()
    }

    fn input_shape(&self) -> Option<Shape> {
        Shape::new(self.delay.shape()).ok().filter(|shape| shape.len() > 1)
    }

    fn complete(&mut self, input: &Shape) {
        self.delay = self.delay.clone().spread(input.axes());
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        match self.delay.shape() == input.axes() || self.delay.len() == 1 {
            true => Ok(input.clone()),
            false => Err(misfit(input, format!("the delay's shape {:?}", self.delay.shape()))),
        }
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        self.output_shape(input)?;
        let delays = self.delay.numbers().map_err(|e| e.at("'delay'"))?;
        if let Some(wrong) = delays.iter().find(|d| !(0.0..=60.0).contains(*d)) {
            let found = format!("a delay of {wrong} s");
            return Err(Error::new(ErrorKind::Unsupported, found, "0 to 60 seconds"));
        }
        let delays = match delays.len() {
            1 => vec![delays[0]; input.len()],
            _ => input.to_engine_order(&delays),
        };
        Ok(Connection::Delayed(delays.into_iter().map(Seconds).collect()))
    }
}
