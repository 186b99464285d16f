//! Learning rates, epoch by epoch.
//!
//! ```text
//! cosine   η_min + (η₀ − η_min)(1 + cos(π n/N))/2          up again after N epochs
//! step     η₀ fⁿ′, n′ = ⌊n/N⌋
//! ```
//!
//! **Source.** Loshchilov & Hutter 2017; as PyTorch's `CosineAnnealingLR` and `StepLR`.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// How the learning rate changes with epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// Down by a cosine.
    Cosine {
        /// N, epochs on the way down; as many go up again.
        epochs: usize,
        /// η_min, where it ends.
        #[serde(default)]
        least: f64,
    },
    /// Down by steps.
    Step {
        /// N, epochs between steps.
        epochs: usize,
        /// f, what it is multiplied by.
        factor: f64,
    },
}

impl Schedule {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// No epochs, a rate below 0 at the end, a factor that is not above it.
    pub fn check(&self) -> Result<()> {
        let (fine, found, expected) = match *self {
            Schedule::Constant => return Ok(()),
            Schedule::Cosine { epochs, least } => (
                epochs > 0 && least >= 0.0 && least.is_finite(),
                format!("{epochs} epochs, down to a rate of {least}"),
                "1 epoch or more, a rate of 0 or more",
            ),
            Schedule::Step { epochs, factor } => (
                epochs > 0 && factor > 0.0 && factor.is_finite(),
                format!("{epochs} epochs, a factor of {factor}"),
                "1 epoch or more, a positive factor",
            ),
        };
        if fine { Ok(()) } else { Err(Error::new(ErrorKind::Usage, found, expected)) }
    }

    /// The learning rate of an epoch, counted from 0, that starts at `initial`.
    pub fn rate(&self, initial: f64, epoch: usize) -> f64 {
        match *self {
            Schedule::Constant => initial,
            Schedule::Cosine { epochs, least } => {
                let phase = PI * epoch as f64 / epochs as f64;
                least + (initial - least) * (1.0 + phase.cos()) / 2.0
            }
            Schedule::Step { epochs, factor } => initial * factor.powi((epoch / epochs) as i32),
        }
    }
}
