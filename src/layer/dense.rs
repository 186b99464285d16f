//! Dense connections.
//!
//! ```text
//! y = W x            Linear:  W of shape [out, in]
//! y = W x + b        Affine:  b of shape [out]
//! ```
//!
//! A spike of input j adds column j of W. The columns are stored one behind the
//! other, so each spike is one contiguous run of additions.
//!
//! **Source.** NIR 1.0.8, `ir/linear.py`. Weights of more than two axes, which
//! that file would read as stacked matrices, are refused.

use super::{Connection, Layer, Weighted, misfit};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record};
use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{Aligned, BLOCK, Shape, Spikes, Stretch};

/// Parameters of `Linear`, and of `Affine` where there is a bias.
#[derive(Debug)]
struct Dense {
    weight: Array,
    bias: Option<Array>,
    inputs: usize,
    outputs: usize,
}

/// Reads a `Linear` node.
pub fn read_linear(record: &mut Record) -> Result<Box<dyn Layer>> {
    Ok(Box::new(Dense::new(record.take("weight")?, None)?))
}

/// Reads an `Affine` node.
pub fn read_affine(record: &mut Record) -> Result<Box<dyn Layer>> {
    let weight = record.take("weight")?;
    Ok(Box::new(Dense::new(weight, Some(record.take("bias")?))?))
}

impl Dense {
    fn new(weight: Array, bias: Option<Array>) -> Result<Dense> {
        let &[outputs, inputs] = weight.shape() else {
            let found = format!("weight of shape {:?}", weight.shape());
            return Err(Error::new(ErrorKind::Unsupported, found, "two axes, [out, in]"));
        };
        Shape::new(&[outputs, inputs])?;
        if let Some(bias) = &bias
            && bias.len() != outputs
        {
            let found = format!("bias of shape {:?}", bias.shape());
            return Err(Error::new(ErrorKind::Shape, found, format!("[{outputs}]")));
        }
        Ok(Dense { weight, bias, inputs, outputs })
    }
}

impl Layer for Dense {
    fn nir(&self) -> &'static str {
        if self.bias.is_some() { "Affine" } else { "Linear" }
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("weight", self.weight.clone());
        record.put_if_any("bias", &self.bias);
        record
    }

    fn parameters(&self) -> usize {
        self.weight.len() + self.bias.as_ref().map_or(0, Array::len)
    }

    fn input_shape(&self) -> Option<Shape> {
        Shape::new(&[self.inputs]).ok()
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        match input.axes() == [self.inputs] {
            true => Shape::new(&[self.outputs]),
            false => {
                Err(misfit(input, format!("{} flat elements, no batch or time axis", self.inputs)))
            }
        }
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        self.output_shape(input)?;
        let rows = self.weight.singles().map_err(|e| e.at("'weight'"))?;
        // less than twice the memory
        let padded = match self.outputs > LANES / 2 {
            true => self.outputs.next_multiple_of(LANES),
            false => self.outputs,
        };
        let mut columns = Aligned::zeros(self.inputs * padded);
        for (j, column) in columns.chunks_mut(padded).enumerate() {
            let weights = rows[j..].iter().step_by(self.inputs);
            column.iter_mut().zip(weights).for_each(|(to, &weight)| *to = weight);
        }
        let bias = self.bias.as_ref().map(Array::singles).transpose();
        let bias = bias.map_err(|e| e.at("'bias'"))?;
        Ok(Connection::Weighted(Box::new(Columns { columns, outputs: self.outputs, padded, bias })))
    }
}

/// Weights that a register holds. Longer columns than half of it are padded to whole
/// registers, because what is left over would take longer than they do.
const LANES: usize = 16;

/// The weights, column by column.
struct Columns {
    columns: Aligned,
    outputs: usize,
    /// Weights of a column, with those of no output behind them, which are zero.
    padded: usize,
    bias: Option<Vec<f32>>,
}

/// Every spike adds its column to the sums.
struct Scatter<'a, 'b> {
    columns: &'a Columns,
    spikes: &'a Spikes,
    sums: &'a mut Stretch<'b>,
}

impl Kernel for Scatter<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut sums = self.sums.again();
        let range = sums.range();
        let len = range.end.min(self.columns.padded) - range.start;
        let all = [(self.spikes.slice(0..self.spikes.len()), 0)];
        let weights = &self.columns.columns[range.start..];
        sums.add_rows((range.start, len), weights, self.columns.padded, &all);
    }
}

impl Weighted for Columns {
    fn bias(&self) -> Option<Vec<f32>> {
        self.bias.clone()
    }

    fn scatter(&self, spikes: &Spikes, sums: &mut Stretch<'_>) -> u64 {
        let range = sums.range();
        let outputs = range.end.min(self.outputs) - range.start;
        dispatch(Scatter { columns: self, spikes, sums });
        spikes.total() * outputs as u64
    }

    fn cuts(&self, stretches: usize) -> Vec<usize> {
        let blocks = self.outputs / BLOCK;
        let stretches = stretches.min(blocks.max(1));
        (1..stretches).map(|i| i * blocks / stretches * BLOCK).collect()
    }

    fn fan_out(&self, _address: u32) -> u64 {
        self.outputs as u64
    }

    fn synapses(&self) -> u64 {
        (self.columns.len() / self.padded * self.outputs) as u64
    }
}
