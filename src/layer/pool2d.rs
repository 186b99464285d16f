//! Pooling over windows of two axes.
//!
//! ```text
//! y[c, i, j] = Σ x[c, i·s − p + k, j·s − p + l]      SumPool2d
//! y[c, i, j] = the same / (kernel height · width)    AvgPool2d, padding counted
//! ```
//!
//! Input `[C, H, W]`, output `[C, H', W']` with H' = ⌊(H + 2p − k)/s⌋ + 1. Each
//! spike goes on as a spike of the windows that hold it; a pool costs no
//! synaptic operation, and each of its spikes costs one per synapse downstream.
//!
//! **Source.** NIR 1.0.8, `ir/pooling.py`; division by the whole window as
//! `torch.nn.AvgPool2d` does.

use super::conv2d::Axis;
use super::{Connection, Layer, Routed, misfit};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::{Merge, Shape, Spikes};

/// Parameters of both pools.
#[derive(Debug)]
struct Pool {
    mean: bool,
    kernel_size: Array,
    stride: Array,
    padding: Array,
}

/// Reads a `SumPool2d` node.
pub fn read_sum(record: &mut Record) -> Result<Box<dyn Layer>> {
    Pool::read(record, false)
}

/// Reads an `AvgPool2d` node.
pub fn read_average(record: &mut Record) -> Result<Box<dyn Layer>> {
    Pool::read(record, true)
}

impl Pool {
    fn read(record: &mut Record, mean: bool) -> Result<Box<dyn Layer>> {
        let kernel_size = record.take("kernel_size")?;
        let (stride, padding) = (record.take("stride")?, record.take("padding")?);
        Ok(Box::new(Pool { mean, kernel_size, stride, padding }))
    }

    /// The two axes for an input of this shape.
    fn axes(&self, input: &Shape) -> Result<[Axis; 2]> {
        let &[_, height, width] = input.axes() else {
            return Err(misfit(input, "three axes, channel × height × width"));
        };
        let axis = |of: usize, input: usize| {
            Axis::pool(input, of, &self.kernel_size, &self.stride, &self.padding)
        };
        Ok([axis(0, height)?, axis(1, width)?])
    }
}

impl Layer for Pool {
    fn nir(&self) -> &'static str {
        if self.mean { "AvgPool2d" } else { "SumPool2d" }
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("kernel_size", self.kernel_size.clone());
        record.put("stride", self.stride.clone());
        record.put("padding", self.padding.clone());
        record
    }

    fn parameters(&self) -> usize {
        0
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        let [rows, columns] = self.axes(input)?;
        Shape::new(&[input.channels(), rows.output, columns.output])
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        let [rows, columns] = self.axes(input)?;
        let window = (rows.kernel * columns.kernel) as f32;
        Ok(Connection::Routed(Box::new(Windows {
            channels: input.channels(),
            width: columns.input,
            output_width: columns.output,
            divide_by: if self.mean { window } else { 1.0 },
            rows: rows.taps(),
            columns: columns.taps(),
        })))
    }
}

/// The windows that hold each row and each column.
struct Windows {
    channels: usize,
    width: usize,
    output_width: usize,
    divide_by: f32,
    rows: Vec<Vec<(u32, u32)>>,
    columns: Vec<Vec<(u32, u32)>>,
}

impl Routed for Windows {
    fn route(&self, spikes: &Spikes, out: &mut Merge) {
        for (address, value, count) in spikes.iter() {
            let (pixel, channel) =
                (address as usize / self.channels, address as usize % self.channels);
            for &(_, i) in &self.rows[pixel / self.width] {
                for &(_, j) in &self.columns[pixel % self.width] {
                    let window = i as usize * self.output_width + j as usize;
                    out.add((window * self.channels + channel) as u32, value, count);
                }
            }
        }
    }

    fn finish(&self, value: f32) -> f32 {
        value / self.divide_by
    }
}
