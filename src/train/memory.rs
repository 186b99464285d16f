//! What a run takes in memory, before it is made, and how it is made to take less.
//!
//! ```text
//! most = the process before it + events of a batch, being binned + parameters
//!        + the greatest of: a training step, by gradients or local, and its holes
//!                           an answer to samples that are held out, likewise
//!                           an answer of the teacher, likewise
//!                           a checkpoint
//! ```

use super::Training;
use super::config::Rule;
use crate::corpus::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::layer::Keep;
use crate::units::Bytes;

/// The most that a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Bytes of the process with the data, of the parameters, and of a step or a checkpoint,
    /// whichever is more; see [`crate::learn::memory`].
    pub bytes: u64,
    /// Layers, from the first on, that go their way forth twice.
    pub repeated_layers: usize,
}

/// Bytes of an event on its way into an input.
const BINNED: usize = size_of::<(u64, u32, f32)>();

/// What memory that was given back leaves behind: one byte in so many of a step, for slices
/// that wait for the next tensor beyond those that are counted ([`crate::learn::spare`]), and
/// one in so many, but at most so many, for the allocator. glibc asks the system for blocks
/// of more than 32 MiB one by one; smaller ones leave holes. Both together were 20 to 40 MB
/// where the presets for N-MNIST were run, with batches of 16 to 128 on 1 to 4 threads, and
/// with TSSL-BP's once in 15 runs 96 MB, 3 % of the run more than is said here.
const WAITING: usize = 8;
const HOLES: usize = 4;
const MOST_HOLES: usize = 48 << 20;

/// What the program takes once it has read the data: threads that multiply, pictures.
const LATER: u64 = 4 << 20;

/// What each thread beyond the first takes: the allocator's heap for it, its stack. With 16
/// threads it was 0.7 MB each for a network of 10 MB, 0.9 MB for one of 200 MB.
const THREAD: u64 = 1 << 20;

fn with_holes(bytes: usize) -> usize {
    bytes + bytes / WAITING + (bytes / HOLES).min(MOST_HOLES)
}

/// The most that with its holes is no more than this.
fn without_holes(bytes: usize) -> usize {
    let few = bytes as f64 / (1.0 + 1.0 / WAITING as f64 + 1.0 / HOLES as f64);
    let many = bytes.saturating_sub(MOST_HOLES) as f64 / (1.0 + 1.0 / WAITING as f64);
    few.max(many) as usize
}

impl Training<'_> {
    /// The most that the run takes in a process that has taken `before`, the data aside.
    ///
    /// # Errors
    /// None for a network of this data.
    pub fn memory(&mut self, before: u64) -> Result<Prediction> {
        self.predicted(self.config.batch, before)
    }

    /// Lets the run, in a process that has taken `before`, the data aside, take at most so
    /// many bytes: layers keep less, and compute more.
    ///
    /// # Errors
    /// A budget that no plan fits into; says which would, and which smaller batch.
    pub fn fit(&mut self, budget: u64, before: u64) -> Result<()> {
        let least = self.fitted(self.config.batch, budget, before)?.bytes;
        if least <= budget {
            return Ok(());
        }
        // of these batches the first fits, if any does, and the last does not
        let (mut fits, mut fails) = (0, self.config.batch);
        while fails - fits > 1 {
            let batch = fits.midpoint(fails);
            match self.fitted(batch, budget, before)?.bytes <= budget {
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
    fn fitted(&mut self, batch: usize, budget: u64, before: u64) -> Result<Prediction> {
        let (shape, keep) = (self.shape(batch, &[Part::Train]), self.keep());
        let parameters = self.network.memory(&shape, keep)?.parameters;
        let beside = self.beside(batch, before) + parameters as u64;
        let left = usize::try_from(budget.saturating_sub(beside)).unwrap_or(usize::MAX);
        self.network.fit(parameters.saturating_add(without_holes(left)), &shape, keep)?;
        self.predicted(batch, before)
    }

    fn predicted(&mut self, batch: usize, before: u64) -> Result<Prediction> {
        let memory = self.network.memory(&self.shape(batch, &[Part::Train]), self.keep())?;
        let held = self.shape(batch, &[Part::Validation, Part::Test]);
        let mut passes = memory.passes.max(self.network.memory(&held, Keep::Nothing)?.passes);
        if matches!(self.config.rule, Rule::Cycle(_)) {
            passes = passes.max(self.network.local(&self.shape(batch, &[Part::Train]))?);
        }
        let mut parameters = memory.parameters;
        let seen = self.teacher.as_ref().map(|teacher| teacher.slicing().steps);
        let seen = seen.map(|steps| self.shape_of(steps, batch, &[Part::Train]));
        if let (Some(teacher), Some(seen)) = (&mut self.teacher, seen) {
            let teacher = teacher.memory(&seen)?;
            // values and gradients, but no moments
            parameters += teacher.parameters / 2;
            passes = passes.max(teacher.passes);
        }
        // values and moments, once by tensor and once as a file
        let checkpoint = memory.parameters * 3 / 2;
        let most = parameters + with_holes(passes).max(checkpoint);
        let bytes = self.beside(batch, before) + most as u64;
        Ok(Prediction { bytes, repeated_layers: memory.repeated })
    }

    /// What is held beside a step: the program, all events, and those of a batch while they
    /// are binned.
    fn beside(&self, batch: usize, before: u64) -> u64 {
        let threads = (rayon::current_num_threads() as u64 - 1) * THREAD;
        before
            + LATER
            + threads
            + (self.data.bytes() + BINNED * self.data.most_events(batch)) as u64
    }

    /// An input of so many samples, or of as many as the largest of these parts has.
    fn shape(&self, batch: usize, parts: &[Part]) -> Vec<usize> {
        self.shape_of(self.config.data.steps, batch, parts)
    }

    fn shape_of(&self, steps: usize, batch: usize, parts: &[Part]) -> Vec<usize> {
        let most = parts.iter().map(|&part| self.data.part(part).len()).max().unwrap_or(0);
        [&[steps, batch.min(most).max(1)][..], &self.data.features()].concat()
    }

    fn keep(&self) -> Keep {
        match self.config.rule {
            Rule::Rate | Rule::RateReference => Keep::Means,
            Rule::Bptt | Rule::Tssl { .. } | Rule::Cycle(_) => Keep::Steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_without_holes_fits_with_them() {
        for budget in [0, 1, 7, 1000, 4 * MOST_HOLES - 1, 4 * MOST_HOLES, 9 * MOST_HOLES] {
            let most = without_holes(budget);
            assert!(with_holes(most) <= budget, "{budget}");
            assert!(with_holes(most + 9) > budget, "{budget}");
        }
    }
}
