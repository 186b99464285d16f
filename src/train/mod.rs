//! Training as a person wants it: a configuration in, a trained network out, and
//! everything in between in one folder.
//!
//! | file of the folder | what it holds |
//! |---|---|
//! | `config.toml` | the configuration, as it was understood |
//! | `last.safetensors` | the checkpoint after the latest epoch; a run resumes here |
//! | `best.safetensors` | that of the epoch that did best in validation |
//! | `network.nir`, or `network.synops` where NIR lacks a node | the trained network |
//! | `curves.csv`, `curves.png` | loss and accuracy by epoch |
//! | `report.json` | all of it |
//!
//! The checkpoints are [`Training::run`]'s and the network [`finish`]'s; the others are
//! written by the program, from [`Config::to_toml`] and [`crate::report::train`].

pub mod architecture;
mod augment;
mod checkpoint;
pub mod config;
pub mod cycle;
pub mod data;
mod evaluate;
mod export;
mod memory;
pub mod neuron;
mod parts;
pub mod preset;
mod run;
mod teacher;

pub use config::Config;
pub use data::Data;
pub use evaluate::{Tested, Trained, finish};
pub use memory::Prediction;
pub use run::{Epoch, Score, Stage, Training, last};
