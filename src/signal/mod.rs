//! What travels between the nodes of a network within one step.

mod accumulator;
mod shape;
mod spikes;

pub use accumulator::{Accumulator, BLOCK, lanes};
pub use shape::Shape;
pub use spikes::{Merge, Spikes};
