//! What travels between the nodes of a network within one step.

mod accumulator;
mod aligned;
mod awake;
mod listing;
mod matrix;
mod shape;
pub mod simd;
mod spikes;
mod stretch;

pub use accumulator::{Accumulator, BLOCK, BLOCKS_WORTH_THREADS, gcd, lanes};
pub use aligned::Aligned;
pub use awake::keep_others_awake;
pub use listing::{LanesBy, Listing};
pub use matrix::{Matrix, product};
pub use shape::Shape;
pub use spikes::{Entries, Merge, Spikes};
pub use stretch::{Offset, Patch, Stretch};
