//! Connections: one room each, found by the name of their NIR node.
//!
//! A layer holds its parameters as the file gave them. [`Layer::bind`] fixes the
//! shape of its input and gives a [`Connection`], of one of three kinds:
//!
//! - **weighted** (dense, convolution): each spike adds a run of weights to the
//!   sums of the next population; these additions are the synaptic operations;
//! - **routed** (pooling, flatten, scale, voting): each spike goes on as a spike, to
//!   other addresses or with another value, and costs nothing; of a maximum only
//!   the largest goes on;
//! - **delayed**: each spike goes on as it is, some steps later.

mod axis;
mod choice;
mod conv2d;
mod delay;
mod dense;
mod divisor;
mod flatten;
pub mod norm;
mod pool2d;
mod scale;
mod voting;

use std::fmt::Debug;

use crate::error::{Error, ErrorKind, Result};
use crate::record::Record;
use crate::signal::{Merge, Shape, Spikes, Stretch};
use crate::units::Seconds;

/// A connection with its parameters.
pub trait Layer: Debug + Send + Sync {
    /// The name of its NIR node, or its own where NIR has none.
    fn nir(&self) -> &'static str;

    /// What a NIR file holds for it.
    fn write(&self) -> Record;

    /// Number of trained parameters.
    fn parameters(&self) -> usize;

    /// The shape of the input, where the parameters state it.
    fn input_shape(&self) -> Option<Shape> {
        None
    }

    /// Adds what NIR's own reader does not do without and this crate does, for an input of
    /// this shape.
    fn complete(&mut self, _input: &Shape) {}

    /// Whether signals that meet at its input may pass one by one and be added
    /// up behind it. If not, only one may lead to it.
    fn is_linear(&self) -> bool {
        true
    }

    /// The shape that comes out for this input.
    ///
    /// # Errors
    /// An input that does not fit.
    fn output_shape(&self, input: &Shape) -> Result<Shape>;

    /// The connection for an input of this shape.
    ///
    /// # Errors
    /// As [`Layer::output_shape`].
    fn bind(&self, input: &Shape) -> Result<Connection>;
}

/// A layer bound to the shape of its input.
pub enum Connection {
    /// Adds weights to sums.
    Weighted(Box<dyn Weighted>),
    /// Sends spikes on to other addresses.
    Routed(Box<dyn Routed>),
    /// Sends spikes on later: the delay of each address.
    Delayed(Vec<Seconds>),
}

/// A connection with weights.
pub trait Weighted: Send + Sync {
    /// The constant input of every step, where there is one: of the first sums, and all
    /// others repeat it.
    fn bias(&self) -> Option<Vec<f32>>;

    /// Adds `value · weight` for every synapse of every entry into this stretch of the
    /// sums. Returns Σ count · their number, the additions that the spikes behind the
    /// entries stand for.
    fn scatter(&self, spikes: &Spikes, sums: &mut Stretch<'_>) -> u64;

    /// Addresses at which the sums may be cut into about so many stretches of equal
    /// work, ascending, without the ends.
    fn cuts(&self, stretches: usize) -> Vec<usize>;

    /// Synapses that leave `address`, borders and strides honoured.
    fn fan_out(&self, address: u32) -> u64;

    /// Synapses in all: the operations of a step in which every input is active.
    fn synapses(&self) -> u64;
}

/// A connection without weights of its own.
pub trait Routed: Send + Sync {
    /// Hands every spike on.
    fn route(&self, spikes: &Spikes, out: &mut Merge);

    /// What merged values become before they are sent.
    fn finish(&self, values: &mut [f32]) {
        let _ = values;
    }
}

/// Reads a layer's parameters out of a NIR node.
pub type Read = fn(&mut Record) -> Result<Box<dyn Layer>>;

/// An entry of [`LAYERS`] or [`BEYOND_NIR`].
#[derive(Debug)]
pub struct Kind {
    /// The name of the NIR node, or the layer's own where there is none.
    pub nir: &'static str,
    /// One line for help texts.
    pub about: &'static str,
    /// Reads it.
    pub read: Read,
}

/// Every layer.
pub const LAYERS: &[Kind] = &[
    Kind { nir: "Linear", about: "dense, without bias", read: dense::read_linear },
    Kind { nir: "Affine", about: "dense, with bias", read: dense::read_affine },
    Kind { nir: "Conv1d", about: "convolution over one axis", read: conv2d::read_1d },
    Kind { nir: "Conv2d", about: "convolution over two axes", read: conv2d::read_2d },
    Kind { nir: "SumPool2d", about: "sum over windows", read: pool2d::read_sum },
    Kind { nir: "AvgPool2d", about: "mean over windows", read: pool2d::read_average },
    Kind { nir: "Flatten", about: "merges axes", read: flatten::read },
    Kind { nir: "Scale", about: "multiplies element by element", read: scale::read },
    Kind { nir: "Delay", about: "sends on later", read: delay::read },
];

/// Layers that other frameworks have and NIR does not. A graph that holds one
/// cannot be written to a NIR file.
pub const BEYOND_NIR: &[Kind] = &[
    Kind { nir: "MaxPool2d", about: "largest value of windows", read: pool2d::read_largest },
    Kind { nir: "Voting", about: "mean over groups of neighbours", read: voting::read },
    Kind { nir: "BatchNorm", about: "batch normalisation, evaluated", read: norm::read },
];

/// A shape that a layer cannot take.
fn misfit(found: &Shape, expected: impl Into<String>) -> Error {
    Error::new(ErrorKind::Shape, format!("an input of {found}"), expected)
}
