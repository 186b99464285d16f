//! synops: recordings of event cameras through spiking networks.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod corpus;
pub mod draw;
pub mod engine;
pub mod error;
pub mod event;
pub mod format;
pub mod layer;
pub mod measure;
pub mod network;
pub mod neuron;
pub mod record;
pub mod replay;
pub mod signal;
pub mod units;
