//! Observers and arithmetic. Nothing here prints.

pub mod accuracy;
pub mod counts;
pub mod energy;

pub use accuracy::Accuracy;
pub use counts::{Counts, Readout, UnitCounts};
pub use energy::{Energy, Table};
