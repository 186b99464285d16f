//! Convolution over one or two axes.
//!
//! ```text
//! y[o, i, j] = b[o] + Σ w[o, c, k, l] · x[g + c, i·s + k·d − p, j·s + l·d − p]
//! ```
//!
//! | field | symbol | shape | default |
//! |---|---|---|---|
//! | `weight` | w | [out, in / groups, kernel height, kernel width] | |
//! | `bias` | b | [out] | 0 |
//! | `stride` | s | 1 or 2 numbers | |
//! | `padding` | p | 1 or 2 numbers, "same" or "valid" | |
//! | `dilation` | d | 1 or 2 numbers | |
//! | `groups` | | 1 number: output block q reads input block q | 1 |
//! | `input_shape` | | [H, W] or W, checked where it is there | |
//!
//! Input `[C, H, W]` (Conv1d: `[C, W]`), zeros around it; output length
//! ⌊(n + 2p − d(k−1) − 1)/s⌋ + 1 per axis. "same" pads d(k−1) in all, the odd one
//! behind, and wants stride 1.
//!
//! A spike at `[c, y, x]` adds, for every kernel tap that reads it, the run
//! w[·, c, k, l] to the sums of all output channels at one pixel. Taps that
//! would land outside are not counted. Four loops do that, see
//! [`bound`]; they add in one order and give the same bits.
//!
//! **Source.** NIR 1.0.8, `ir/conv.py`; `torch.nn.Conv2d`.

mod bound;
mod plane;
mod pull;
mod push;
mod stamp;

use super::axis::{Axis, size};
use super::{Connection, Layer, misfit};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record};
use crate::signal::Shape;
use bound::Bound;

/// Parameters of `Conv2d`, and of `Conv1d` where the weight has three axes.
#[derive(Debug)]
struct Conv {
    nir: &'static str,
    input_shape: Option<Array>,
    weight: Array,
    bias: Option<Array>,
    stride: Array,
    padding: Array,
    dilation: Array,
    groups: Option<Array>,
}

/// Reads a `Conv1d` node.
pub fn read_1d(record: &mut Record) -> Result<Box<dyn Layer>> {
    Conv::read(record, "Conv1d", 3)
}

/// Reads a `Conv2d` node.
pub fn read_2d(record: &mut Record) -> Result<Box<dyn Layer>> {
    Conv::read(record, "Conv2d", 4)
}

impl Conv {
    fn read(record: &mut Record, nir: &'static str, axes: usize) -> Result<Box<dyn Layer>> {
        let weight = record.take("weight")?;
        if weight.shape().len() != axes {
            let found = format!("weight of shape {:?}", weight.shape());
            return Err(Error::new(ErrorKind::Shape, found, format!("{axes} axes")));
        }
        Shape::new(weight.shape())?;
        let conv = Conv {
            nir,
            input_shape: record.take_if_any("input_shape"),
            bias: record.take_if_any("bias"),
            stride: record.take("stride")?,
            padding: record.take("padding")?,
            dilation: record.take("dilation")?,
            groups: record.take_if_any("groups"),
            weight,
        };
        conv.check()?;
        Ok(Box::new(conv))
    }

    fn check(&self) -> Result<()> {
        let (outputs, groups) = (self.weight.shape()[0], self.groups()?);
        if groups == 0 || outputs % groups != 0 {
            let found = format!("{groups} groups of {outputs} output channels");
            return Err(Error::new(ErrorKind::Shape, found, "a divisor of the channels"));
        }
        match &self.bias {
            Some(bias) if bias.len() != outputs => {
                let found = format!("bias of shape {:?}", bias.shape());
                Err(Error::new(ErrorKind::Shape, found, format!("[{outputs}]")))
            }
            _ => Ok(()),
        }
    }

    fn groups(&self) -> Result<usize> {
        self.groups.as_ref().map_or(Ok(1), |groups| size("groups", groups, 0))
    }

    fn is_1d(&self) -> bool {
        self.weight.shape().len() == 3
    }

    /// Padding before and behind axis `of`.
    fn padding(&self, of: usize, reach: usize) -> Result<(usize, usize)> {
        let Ok(text) = self.padding.as_text() else {
            let padding = size("padding", &self.padding, of)?;
            return Ok((padding, padding));
        };
        match text {
            "valid" => Ok((0, 0)),
            "same" if size("stride", &self.stride, of)? == 1 => Ok((reach / 2, reach - reach / 2)),
            "same" => Err(Error::new(ErrorKind::Unsupported, "padding 'same' with a stride", "1")),
            other => {
                let found = format!("padding '{other}'");
                Err(Error::new(ErrorKind::Corrupt, found, "'same', 'valid' or numbers"))
            }
        }
    }

    fn axis(&self, of: usize, kernel: usize, input: usize) -> Result<Axis> {
        let stride = size("stride", &self.stride, of)?;
        let dilation = size("dilation", &self.dilation, of)?;
        let reach = kernel.saturating_sub(1).saturating_mul(dilation);
        Axis::new(input, [kernel, stride, dilation], self.padding(of, reach)?)
    }

    /// Rows and columns for an input of this shape; a Conv1d has one row.
    fn axes(&self, input: &Shape) -> Result<[Axis; 2]> {
        let channels = self.weight.shape()[1] * self.groups()?;
        let spatial = if self.is_1d() { "length" } else { "height × width" };
        let fits = input.axes().len() + 1 == self.weight.shape().len();
        if !fits || input.channels() != channels {
            return Err(misfit(
                input,
                format!("{channels} channels × {spatial}, no batch or time axis"),
            ));
        }
        if let Some(stated) = &self.input_shape {
            let stated = stated.sizes().map_err(|e| e.at("'input_shape'"))?;
            if stated != input.axes()[1..] {
                return Err(misfit(input, format!("the stated input_shape {stated:?}")));
            }
        }
        match (input.axes(), self.weight.shape()) {
            (&[_, width], &[_, _, kernel]) => {
                Ok([Axis::new(1, [1, 1, 1], (0, 0))?, self.axis(0, kernel, width)?])
            }
            (&[_, height, width], &[_, _, rows, columns]) => {
                Ok([self.axis(0, rows, height)?, self.axis(1, columns, width)?])
            }
            _ => Err(misfit(input, spatial)),
        }
    }
}

impl Layer for Conv {
    fn nir(&self) -> &'static str {
        self.nir
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put_if_any("input_shape", &self.input_shape);
        record.put("weight", self.weight.clone());
        record.put_if_any("bias", &self.bias);
        record.put("stride", self.stride.clone());
        record.put("padding", self.padding.clone());
        record.put("dilation", self.dilation.clone());
        record.put_if_any("groups", &self.groups);
        record
    }

    fn parameters(&self) -> usize {
        self.weight.len() + self.bias.as_ref().map_or(0, Array::len)
    }

    fn input_shape(&self) -> Option<Shape> {
        let spatial = self.input_shape.as_ref()?.sizes().ok()?;
        let channels = self.weight.shape()[1] * self.groups().ok()?;
        Shape::new(&[&[channels], &spatial[..]].concat()).ok()
    }

    fn complete(&mut self, input: &Shape) {
        let spatial = match input.axes() {
            [_, length] => Array::integer(*length as i64),
            axes => Array::of_sizes(&axes[1..]),
        };
        self.input_shape.get_or_insert(spatial);
        self.groups.get_or_insert(Array::integer(1));
        let channels = self.weight.shape()[0];
        self.bias.get_or_insert_with(|| Array::floats(&[channels], vec![0.0; channels]));
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        let [rows, columns] = self.axes(input)?;
        let channels = self.weight.shape()[0];
        match self.is_1d() {
            true => Shape::new(&[channels, columns.output]),
            false => Shape::new(&[channels, rows.output, columns.output]),
        }
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        self.output_shape(input)?;
        let axes = self.axes(input)?;
        let weights = self.weight.singles().map_err(|e| e.at("'weight'"))?;
        let bias = self.bias.as_ref().map(Array::singles).transpose();
        let bias = bias.map_err(|e| e.at("'bias'"))?;
        let channels = [input.channels(), self.weight.shape()[0]];
        Ok(Connection::Weighted(Box::new(Bound::new(
            axes,
            channels,
            self.groups()?,
            weights,
            bias,
        ))))
    }
}
