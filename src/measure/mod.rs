//! Observers and arithmetic. Nothing here prints.

pub mod accuracy;
pub mod by_step;
pub mod compare;
pub mod counts;
pub mod decision;
pub mod distribution;
pub mod energy;
pub mod ledger;
pub mod work;

pub use accuracy::Accuracy;
pub use by_step::BySteps;
pub use compare::{Comparison, compare};
pub use counts::{Counts, Readout, UnitCounts};
pub use decision::Decision;
pub use distribution::Distribution;
pub use energy::{Certainty, Energy, Table};
pub use ledger::{Ledger, Watch};
pub use work::{COUNTS, Count, Traffic, Work, traffic};
