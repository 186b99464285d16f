//! A teacher: a trained network whose answers another one learns from.

use std::path::Path;

use super::config::Config;
use super::data::{Data, Slicing};
use super::{architecture, checkpoint};
use crate::error::{Error, ErrorKind, Result};
use crate::learn::Tensor;
use crate::learn::layer::{Keep, Pass};
use crate::learn::memory::Memory;
use crate::learn::network::Network;

/// A network as a checkpoint has it, which learns nothing more.
pub struct Teacher {
    network: Network,
    slicing: Slicing,
    sha256: String,
}

impl Teacher {
    /// Reads the teacher of a checkpoint. What its classes are called is not in there:
    /// they are those of the data, in the same order.
    ///
    /// # Errors
    /// What is no checkpoint, and one of a network for another sensor or other classes.
    pub fn read(path: &Path, data: &Data) -> Result<Teacher> {
        let read = || {
            let checkpoint = checkpoint::read(path)?;
            let config = Config::parse(&checkpoint.config, &[])?;
            if config.data.sensor != data.sensor() {
                let found = format!("a teacher for a sensor of {}", config.data.sensor);
                let expected = data.sensor().to_string();
                return Err(Error::new(ErrorKind::Shape, found, expected));
            }
            let classes = data.classes.len();
            let mut network = architecture::build(&config, &data.features(), classes)?;
            checkpoint.restore(&mut network)?;
            let (slicing, sha256) = (config.data.slicing(), checkpoint.sha256);
            Ok(Teacher { network, slicing, sha256 })
        };
        read().map_err(|e: Error| if e.path.is_none() { e.in_file(path) } else { e })
    }

    /// What tells it from others: SHA-256, as its file says.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// How it sees a recording.
    pub fn slicing(&self) -> Slicing {
        self.slicing
    }

    /// What an answer takes.
    ///
    /// # Errors
    /// None for the data that it was read for.
    pub fn memory(&mut self, input: &[usize]) -> Result<Memory> {
        self.network.memory(input, Keep::Nothing)
    }

    /// Its mean outputs over time, `[1, B, K]`.
    pub fn answers(&mut self, input: Tensor) -> Tensor {
        self.network.forward(input, &mut Pass::answering()).mean_over_time()
    }
}
