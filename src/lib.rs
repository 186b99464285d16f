//! synops: recordings of event cameras through spiking networks.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod error;
pub mod event;
pub mod format;
pub mod spikes;
pub mod units;
