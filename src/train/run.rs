//! Epochs: every sample once, in an order of its own, then the validation.

use std::path::{Path, PathBuf};

use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::architecture;
use super::checkpoint::{self, Sources};
use super::config::{Config, Distill, Rule};
use super::cycle::Phase;
use super::data::{Data, Slicing};
use super::teacher::Teacher;
use crate::corpus::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::layer::Pass;
use crate::learn::network::Network;
use crate::learn::optimizer::{Optimizer, clip_norm};
use crate::learn::rule::bptt::Answer;
use crate::learn::rule::{bptt, rate};
use crate::learn::{Tensor, spare};
use crate::measure::Accuracy;
use crate::measure::decision::leading;

/// What came of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// Its learning rate.
    pub rate: f64,
    /// Of the samples trained on, while they were.
    pub training: Score,
    /// Of those held out to choose by, afterwards; none where there are none.
    pub validation: Option<Score>,
}

/// How well samples were answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean loss.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
}

/// Where a run has got to.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// So many training samples of an epoch are done.
    Trained {
        /// The epoch, from 1.
        epoch: usize,
        /// Samples done.
        done: usize,
        /// Samples in all.
        of: usize,
    },
    /// An epoch is done.
    Epoch(&'a Epoch),
}

/// A network in training.
pub struct Training<'d> {
    pub(super) config: Config,
    pub(super) data: &'d Data,
    pub(super) network: Network,
    optimizer: Optimizer,
    pub(super) teacher: Option<Teacher>,
    epochs: Vec<Epoch>,
}

/// What randomness is for; each epoch and sample has its own.
#[derive(Clone, Copy)]
enum Stream {
    Order = 1,
    Dropout,
    Augment,
}

fn random(seed: u64, stream: Stream, epoch: usize, sample: usize) -> Pcg64 {
    // the parts of one number each, far apart by the generator's own mixing
    let state = u128::from(seed) << 64 | epoch as u128;
    Pcg64::new(state, (stream as u128) << 64 | sample as u128)
}

impl<'d> Training<'d> {
    /// A network before its first epoch.
    ///
    /// # Errors
    /// Layers that do not fit each other or the data; nothing to train on; a teacher that
    /// cannot be read.
    pub fn new(config: Config, data: &'d Data) -> Result<Training<'d>> {
        let network = architecture::build(&config, &data.features(), data.classes.len())?;
        if data.part(Part::Train).is_empty() {
            let error = Error::new(ErrorKind::Usage, "nothing to train on", "samples of that part");
            return Err(error);
        }
        let optimizer = Optimizer::new(config.optimizer.method()?, config.optimizer.decay);
        let read = |distill: &Distill| Teacher::read(Path::new(&distill.teacher), data);
        let teacher = config.distill.as_ref().map(read).transpose()?;
        Ok(Training { config, data, network, optimizer, teacher, epochs: Vec::new() })
    }

    /// The same, come to where a checkpoint was written.
    ///
    /// # Errors
    /// A file that cannot be read or is none, and one of another configuration, of other data
    /// or of another teacher.
    pub fn resume(self, path: &Path) -> Result<Training<'d>> {
        let checkpoint = checkpoint::read(path)?;
        let Training { config, data, mut network, optimizer, teacher, .. } = self;
        // more epochs are no other configuration
        let mut known = Config::parse(&checkpoint.config, &[]).map_err(|e| e.in_file(path))?;
        known.epochs = config.epochs;
        if known != config {
            let found = "a checkpoint of another configuration";
            let expected = "the one it was written with; more epochs aside";
            return Err(Error::new(ErrorKind::Usage, found, expected).in_file(path));
        }
        checkpoint.sources.expect(&sources(data, teacher.as_ref())).map_err(|e| e.in_file(path))?;
        let (steps, moments) = checkpoint.restore(&mut network).map_err(|e| e.in_file(path))?;
        let optimizer = optimizer.resumed(steps, moments);
        Ok(Training { config, data, network, optimizer, teacher, epochs: checkpoint.epochs })
    }

    /// What came of the epochs so far.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The network.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// Trains until the last epoch; after each, writes a checkpoint to a folder that is
    /// there, and one more where it did best so far. `tell` hears how it goes.
    ///
    /// # Errors
    /// A loss that is no number, a checkpoint that cannot be written: that of the epoch
    /// before stays as it was.
    pub fn run(&mut self, folder: &Path, tell: &mut dyn FnMut(Stage<'_>)) -> Result<()> {
        while self.epochs.len() < self.config.epochs {
            let epoch = self.epoch(tell)?;
            self.epochs.push(epoch);
            // a checkpoint, and whoever else needs memory now, have that of a step
            spare::clear();
            let bytes = self.checkpoint()?;
            if self.best() == self.epochs.last() {
                crate::disk::write(&best(folder), &bytes)?;
            }
            crate::disk::write(&last(folder), &bytes)?;
            tell(Stage::Epoch(&epoch));
        }
        Ok(())
    }

    /// The epoch with the most right answers in validation, of several the one with the
    /// least loss; without validation the last.
    pub fn best(&self) -> Option<&Epoch> {
        let better = |a: &Score, b: &Score| (a.accuracy, -a.loss) > (b.accuracy, -b.loss);
        self.epochs.iter().reduce(|best, epoch| match (&best.validation, &epoch.validation) {
            (Some(before), Some(now)) if !better(now, before) => best,
            _ => epoch,
        })
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>> {
        let (config, sources) = (self.config.to_toml()?, sources(self.data, self.teacher.as_ref()));
        let Training { network, optimizer, epochs, .. } = self;
        checkpoint::to_bytes(network, optimizer, config, sources, epochs)
    }

    fn epoch(&mut self, tell: &mut dyn FnMut(Stage<'_>)) -> Result<Epoch> {
        let (seed, epoch) = (self.config.seed, self.epochs.len());
        let mut order = self.data.part(Part::Train);
        order.shuffle(&mut random(seed, Stream::Order, epoch, 0));
        let spec = &self.config.optimizer;
        let rate = spec.schedule.rate(spec.rate, epoch);
        let pass = &mut Pass::training(seed);
        pass.random = random(seed, Stream::Dropout, epoch, 0);
        let mut score = Sum::default();
        for (i, samples) in order.chunks(self.config.batch).enumerate() {
            let labels = self.labels(samples);
            let input = |how| input(&self.config, how, self.data, samples, Some(epoch));
            let taught =
                self.teacher.as_mut().map(|teacher| teacher.answers(input(teacher.slicing())));
            let input = input(self.config.data.slicing());
            let place =
                |e: Error| e.at(format!("batch {}", i + 1)).at(format!("epoch {}", epoch + 1));
            let batch = Batch { input, labels: &labels, taught };
            let answer = self.step(batch, epoch, rate, pass).map_err(place)?;
            score.add(&answer, &labels);
            tell(Stage::Trained { epoch: epoch + 1, done: score.samples, of: order.len() });
        }
        let finite = |values: &[f32]| values.iter().all(|x| x.is_finite());
        let parameters = self.network.parameters().iter().all(|(_, p)| finite(&p.values));
        if !parameters || !self.network.running().iter().all(|(_, values)| finite(values)) {
            return Err(diverged().at(format!("epoch {}", epoch + 1)));
        }
        let held = self.data.part(Part::Validation);
        let validation = match held.is_empty() {
            true => None,
            false => Some(self.answers(&held)?.0),
        };
        Ok(Epoch { epoch: epoch + 1, rate, training: score.mean(), validation })
    }

    /// One step of learning; gives what the network answered before.
    fn step(&mut self, batch: Batch, epoch: usize, rate: f64, pass: &mut Pass) -> Result<Answer> {
        let Training { config, network, .. } = self;
        let (phase, mut local) = (Phase::of(&config.rule, epoch), None);
        if let Rule::Cycle(cycle) = &config.rule {
            pass.sends = phase.sends();
            if phase != Phase::Excitatory {
                let (input, labels) = (batch.input.clone(), batch.labels);
                let (answer, changes) =
                    cycle.stdp.learn(network, input, labels, config.loss, pass.sends)?;
                if phase == Phase::Inhibitory {
                    changes.apply(network);
                    return Ok(answer);
                }
                local = Some(changes);
            }
        }
        let answer = learn(config, network, batch, pass)?;
        let parameters = &mut network.parameters();
        let norm = clip_norm(parameters, config.optimizer.clip.unwrap_or(f64::INFINITY));
        if !norm.is_finite() {
            return Err(diverged());
        }
        self.optimizer.step(parameters, rate);
        if let Some(changes) = local {
            changes.apply(&mut self.network);
        }
        Ok(answer)
    }

    fn labels(&self, samples: &[usize]) -> Vec<usize> {
        samples.iter().map(|&sample| self.data.class(sample)).collect()
    }

    /// How well samples are answered, and the outputs' sums over time, sample by sample.
    ///
    /// # Errors
    /// A loss that is no number.
    pub fn answers(&mut self, samples: &[usize]) -> Result<(Score, Vec<Vec<f32>>)> {
        let (mut score, mut sums) = (Sum::default(), Vec::with_capacity(samples.len()));
        for samples in samples.chunks(self.config.batch) {
            let labels = self.labels(samples);
            let input = input(&self.config, self.config.data.slicing(), self.data, samples, None);
            let outputs = self.network.forward(input, &mut Pass::answering());
            let (loss, _) = self.config.loss.of(&outputs, &labels)?;
            let answer = Answer { loss, outputs };
            sums.extend(score.add(&answer, &labels));
        }
        Ok((score.mean(), sums))
    }
}

/// What a checkpoint says that was learned from.
fn sources(data: &Data, teacher: Option<&Teacher>) -> Sources {
    let teacher = teacher.map(|teacher| teacher.sha256().to_owned());
    Sources { data: data.identity(), teacher }
}

/// What is learned from at once.
struct Batch<'a> {
    /// `[T, B, 2, H, W]`.
    input: Tensor,
    labels: &'a [usize],
    /// What a teacher answers, `[1, B, K]`.
    taught: Option<Tensor>,
}

/// The answer to samples, and the gradients of its loss and of its distance from the
/// teacher's.
fn learn(config: &Config, network: &mut Network, batch: Batch, pass: &mut Pass) -> Result<Answer> {
    let Batch { input, labels, taught } = batch;
    let judge = |outputs: &Tensor| {
        let (mut loss, mut gradient) = config.loss.of(outputs, labels)?;
        if let (Some(distill), Some(taught)) = (&config.distill, &taught) {
            let (distance, toward) = distill.distance().of(outputs, taught)?;
            loss += distance;
            let pairs = gradient.values_mut().iter_mut().zip(toward.values());
            pairs.for_each(|(g, toward)| *g += toward);
        }
        Ok((loss, gradient))
    };
    let scale = match config.rule {
        Rule::Bptt | Rule::Tssl { .. } | Rule::Cycle(_) => {
            return bptt::learn_by(network, input, judge, pass);
        }
        Rule::Rate => rate::Scale::Exact,
        Rule::RateReference => rate::Scale::Reference,
    };
    rate::check_loss(config.loss)?;
    rate::learn_by(network, input, judge, scale, pass)
}

/// Samples side by side in such steps, `[T, B, 2, H, W]`, augmented for an epoch if there is one.
fn input(
    config: &Config,
    how: Slicing,
    data: &Data,
    samples: &[usize],
    epoch: Option<usize>,
) -> Tensor {
    let features = data.features();
    let per_sample: usize = features.iter().product();
    let changed = |&sample: &usize| {
        let mut events = data.events(sample);
        if let Some(epoch) = epoch {
            let random = &mut random(config.seed, Stream::Augment, epoch, sample);
            events = config.augment.apply(&events, data.sensor(), random);
        }
        let mut active: Vec<(u64, u32, f32)> = Vec::with_capacity(events.len());
        data.slice_as(how, events, true, |step, spikes| {
            active.extend(spikes.iter().map(|(address, value, _)| (step, address, value)));
        });
        active
    };
    let active: Vec<_> = samples.par_iter().map(changed).collect();
    let shape = [&[how.steps, samples.len()][..], &features].concat();
    let mut input = Tensor::zeros(&shape);
    let values = input.values_mut();
    for (i, active) in active.into_iter().enumerate() {
        for (step, address, value) in active {
            let row = step as usize * samples.len() + i;
            values[row * per_sample + address as usize] = value;
        }
    }
    input
}

fn diverged() -> Error {
    let expected = "a smaller learning rate, or optimizer.clip";
    Error::new(ErrorKind::Usage, "numbers beyond all bounds", expected)
}

/// The latest checkpoint of a folder.
pub fn last(folder: &Path) -> PathBuf {
    folder.join("last.safetensors")
}

/// The best checkpoint of a folder.
pub fn best(folder: &Path) -> PathBuf {
    folder.join("best.safetensors")
}

/// A score that is being added up.
#[derive(Default)]
struct Sum {
    samples: usize,
    loss: f64,
    accuracy: Accuracy,
}

impl Sum {
    /// Adds answers; gives the outputs' sums over time.
    fn add(&mut self, answer: &Answer, labels: &[usize]) -> Vec<Vec<f32>> {
        self.samples += labels.len();
        self.loss += answer.loss * labels.len() as f64;
        let (steps, classes) = (answer.outputs.steps() as f32, answer.outputs.feature_count());
        let means = answer.outputs.mean_over_time();
        let rows = means.values().chunks_exact(classes);
        let sums: Vec<Vec<f32>> =
            rows.map(|row| row.iter().map(|mean| mean * steps).collect()).collect();
        for (row, &label) in sums.iter().zip(labels) {
            self.accuracy.add(leading(row) == Some(label));
        }
        sums
    }

    fn mean(&self) -> Score {
        let samples = self.samples.max(1) as f64;
        Score { loss: self.loss / samples, accuracy: self.accuracy.share().unwrap_or(0.0) }
    }
}
