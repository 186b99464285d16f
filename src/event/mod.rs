//! What an event is: columns, time order, windows, steps, and what was lost on
//! the way. No files, no networks.

pub mod batch;
pub mod bin;
mod histogram;
pub mod order;
pub mod slice;
pub mod tally;
pub mod window;

pub use batch::{Batch, Sensor};
pub use bin::{Binner, Field, InputMode};
pub use order::{Order, OrderPolicy, Unwrap};
pub use slice::{Portions, Slicer};
pub use tally::{Cause, Tally};
pub use window::{Grid, Origin, Window};
