//! What travels between the nodes of a network within one step.

mod accumulator;
mod aligned;
mod matrix;
mod shape;
pub mod simd;
mod spikes;

pub use accumulator::{Accumulator, BLOCK, Offset, Stretch, lanes};
pub use aligned::Aligned;
pub use matrix::{Matrix, product};
pub use shape::Shape;
pub use spikes::{Entries, Merge, Spikes};
