//! What a run takes in memory, before it is made, and how it is made to take less.

use super::Training;
use super::config::Rule;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::layer::Keep;
use crate::learn::memory::Memory;
use crate::units::Bytes;

/// The most that a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Bytes of the data, of the parameters, and of a step or a checkpoint, whichever is
    /// more; see [`crate::learn::memory`].
    pub bytes: u64,
    /// Layers, from the first on, that go their way forth twice.
    pub repeated_layers: usize,
}

/// Bytes of an event on its way into an input.
const BINNED: usize = size_of::<(u64, u32, f32)>();

impl Training<'_> {
    /// The most that the run takes.
    ///
    /// # Errors
    /// None for a network of this data.
    pub fn memory(&mut self) -> Result<Prediction> {
        let (batch, keep) = (self.config.batch, self.keep());
        let memory = self.network.memory(&self.shape(batch), keep)?;
        Ok(self.predicted(batch, &memory))
    }

    /// Lets the run take at most so many bytes: layers keep less, and compute more.
    ///
    /// # Errors
    /// A budget that no plan fits into; says which would, and which smaller batch.
    pub fn fit(&mut self, budget: u64) -> Result<()> {
        let least = self.fitted(self.config.batch, budget)?.bytes;
        if least <= budget {
            return Ok(());
        }
        // of these batches the first fits, if any does, and the last does not
        let (mut fits, mut fails) = (0, self.config.batch);
        while fails - fits > 1 {
            let batch = fits.midpoint(fails);
            match self.fitted(batch, budget)?.bytes <= budget {
                true => fits = batch,
                false => fails = batch,
            }
        }
        let expected = match fits {
            0 => format!("{} or more; no smaller batch fits", Bytes(least)),
            batch => format!("{} or more, or batch = {batch} or less", Bytes(least)),
        };
        Err(Error::new(ErrorKind::Usage, Bytes(budget).to_string(), expected))
    }

    /// What the run takes with the plan that fits best.
    fn fitted(&mut self, batch: usize, budget: u64) -> Result<Prediction> {
        let beside = self.beside(batch) as u64;
        let left = usize::try_from(budget.saturating_sub(beside)).unwrap_or(usize::MAX);
        let (shape, keep) = (self.shape(batch), self.keep());
        let memory = self.network.fit(left, &shape, keep)?;
        Ok(self.predicted(batch, &memory))
    }

    fn predicted(&self, batch: usize, memory: &Memory) -> Prediction {
        // values and moments, once by tensor and once as a file
        let checkpoint = memory.parameters * 3 / 2;
        let most = memory.parameters + memory.passes.max(checkpoint);
        Prediction { bytes: (self.beside(batch) + most) as u64, repeated_layers: memory.repeated }
    }

    /// What is held beside a step: all events, and those of a batch while they are binned.
    fn beside(&self, batch: usize) -> usize {
        self.data.bytes() + BINNED * self.data.most_events(batch)
    }

    fn shape(&self, batch: usize) -> Vec<usize> {
        [&[self.config.data.steps, batch][..], &self.data.features()].concat()
    }

    fn keep(&self) -> Keep {
        match self.config.rule {
            Rule::Rate | Rule::RateReference => Keep::Means,
            Rule::Bptt | Rule::Tssl { .. } | Rule::Cycle(_) => Keep::Steps,
        }
    }
}
