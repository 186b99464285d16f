//! Batch normalisation as it is evaluated: by the running statistics, which no
//! longer run.
//!
//! ```text
//! y = γ (x − μ)/√(σ² + ε) + β = f x + s       f = γ/√(σ² + ε),  s = β − μ f
//! ```
//!
//! | field | symbol | shape | default |
//! |---|---|---|---|
//! | `weight` | γ | `[C]` | 1 |
//! | `bias` | β | `[C]` | 0 |
//! | `running_mean` | μ | `[C]` | |
//! | `running_var` | σ² | `[C]` | |
//! | `eps` | ε | 1 number | |
//!
//! Input `[C, …]`; one f and s a channel. Threshold-dependent batch norm is this
//! with γ multiplied by the threshold.
//!
//! **Folded.** Behind a dense connection or a convolution, W' = f W and
//! b' = f b + s do the same at no cost of their own. f, s and the products are
//! 64 bits wide and rounded once; what is left of torch's roundings is that of
//! any other order of summation, and no spike of the reference networks depends
//! on it. So an importer folds where it can, and counts the operations of the
//! connection alone. Elsewhere it is a connection of one synapse an element.
//!
//! **Source.** `torch.nn.BatchNorm2d`, evaluation mode; Ioffe and Szegedy 2015,
//! algorithm 2, step 11.

use super::{Connection, Layer, Weighted, misfit};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record, Values};
use crate::signal::{Shape, Spikes, Stretch};

/// Parameters of `BatchNorm`.
#[derive(Debug)]
pub struct BatchNorm {
    fields: Record,
    factor: Vec<f64>,
    shift: Vec<f64>,
}

const FIELDS: [&str; 5] = ["weight", "bias", "running_mean", "running_var", "eps"];

/// Reads a `BatchNorm`.
pub fn read(record: &mut Record) -> Result<Box<dyn Layer>> {
    Ok(Box::new(BatchNorm::read(record)?))
}

impl BatchNorm {
    /// Takes its parameters out of a record.
    ///
    /// # Errors
    /// Statistics that are missing, of other lengths than each other, or no
    /// variances.
    pub fn read(record: &mut Record) -> Result<BatchNorm> {
        let mut fields = Record::default();
        FIELDS.iter().for_each(|field| fields.put_if_any(field, &record.take_if_any(field)));
        let mean = numbers(&fields, "running_mean", None)?;
        let len = mean.len();
        let or = |name: &str, default: f64| match fields.arrays.contains_key(name) {
            true => numbers(&fields, name, Some(len)),
            false => Ok(vec![default; len]),
        };
        let (weight, bias) = (or("weight", 1.0)?, or("bias", 0.0)?);
        let variance = numbers(&fields, "running_var", Some(len))?;
        let eps = numbers(&fields, "eps", Some(1))?[0];
        let inverse = |variance: f64| (variance + eps).sqrt().recip();
        let factor: Vec<f64> = weight.iter().zip(variance).map(|(w, v)| w * inverse(v)).collect();
        if let Some(channel) = factor.iter().position(|f| !f.is_finite()) {
            let found = format!("'running_var' whose element {channel} has no square root");
            return Err(Error::new(ErrorKind::Corrupt, found, "variances"));
        }
        let shift = bias.iter().zip(&mean).zip(&factor).map(|((b, m), f)| b - m * f).collect();
        Ok(BatchNorm { fields, factor, shift })
    }

    /// Weight and bias of the connection before it with this behind it; their
    /// first axis is the channel.
    ///
    /// # Errors
    /// Another number of channels.
    pub fn fold(&self, weight: &Array, bias: Option<&Array>) -> Result<(Array, Array)> {
        let channels = self.factor.len();
        let fits = weight.shape().first() == Some(&channels);
        if !fits || bias.is_some_and(|bias| bias.len() != channels) {
            let found = format!("a weight of shape {:?}", weight.shape());
            let expected = format!("{channels} output channels, as the batch norm behind it");
            return Err(Error::new(ErrorKind::Shape, found, expected));
        }
        let numbers = weight.numbers().map_err(|e| e.at("'weight'"))?;
        let row = numbers.len() / channels;
        let scaled = numbers.iter().enumerate().map(|(i, w)| w * self.factor[i / row.max(1)]);
        let bias = bias.map_or_else(|| Ok(vec![0.0; channels]), Array::numbers);
        let bias = bias.map_err(|e| e.at("'bias'"))?;
        let moved = bias.iter().zip(&self.factor).zip(&self.shift).map(|((b, f), s)| b * f + s);
        let as_wide = |shape: &[usize], values: Vec<f64>| match weight.values() {
            Values::F64(_) => Array::new(shape, Values::F64(values)),
            _ => Array::new(shape, Values::F32(values.iter().map(|&v| v as f32).collect())),
        };
        Ok((as_wide(weight.shape(), scaled.collect())?, as_wide(&[channels], moved.collect())?))
    }
}

/// The numbers of a field, `len` of them if that is known.
fn numbers(fields: &Record, name: &str, len: Option<usize>) -> Result<Vec<f64>> {
    let place = |e: Error| e.at(format!("'{name}'"));
    let Some(array) = fields.arrays.get(name) else {
        return Err(Error::new(ErrorKind::Corrupt, "nothing", "numbers").at(format!("'{name}'")));
    };
    match len {
        Some(len) if array.len() != len => {
            let found = format!("shape {:?}", array.shape());
            Err(place(Error::new(ErrorKind::Shape, found, format!("[{len}]"))))
        }
        _ => array.numbers().map_err(place),
    }
}

impl Layer for BatchNorm {
    fn nir(&self) -> &'static str {
        "BatchNorm"
    }

    fn write(&self) -> Record {
        self.fields.clone()
    }

    fn parameters(&self) -> usize {
        let trained = self.fields.arrays.iter().filter(|(name, _)| *name != "eps");
        trained.map(|(_, array)| array.len()).sum()
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        match input.channels() == self.factor.len() {
            true => Ok(input.clone()),
            false => Err(misfit(input, format!("{} channels", self.factor.len()))),
        }
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        self.output_shape(input)?;
        let single = |numbers: &[f64]| numbers.iter().map(|&x| x as f32).collect::<Vec<_>>();
        Ok(Connection::Weighted(Box::new(Channels {
            factor: single(&self.factor),
            shift: single(&self.shift),
            len: input.len(),
        })))
    }
}

/// One factor and one shift a channel; the channel is the engine's last axis.
struct Channels {
    factor: Vec<f32>,
    shift: Vec<f32>,
    len: usize,
}

impl Weighted for Channels {
    fn bias(&self) -> Option<Vec<f32>> {
        Some(self.shift.clone())
    }

    fn scatter(&self, spikes: &Spikes, sums: &mut Stretch<'_>) -> u64 {
        for (address, value, _) in spikes.iter() {
            let address = address as usize;
            sums.add_run(address, &[self.factor[address % self.factor.len()]], value);
        }
        spikes.total()
    }

    fn cuts(&self, _stretches: usize) -> Vec<usize> {
        Vec::new()
    }

    fn fan_out(&self, _address: u32) -> u64 {
        1
    }

    fn synapses(&self) -> u64 {
        self.len as u64
    }
}
