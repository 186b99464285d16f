//! The trained network in its file, and what it does to the test part: the engine runs the
//! file that was written, so that what is reported is what a replay gives.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::architecture::{LayerSpec, spikes};
use super::config::{Config, Rule, Slice};
use super::data::Data;
use super::export::graph;
use super::run::{Epoch, Training, best};
use crate::corpus::Part;
use crate::engine::{Clocked, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Accuracy, Counts, Readout, UnitCounts};
use crate::network::{Network, file, in_nir, nir, own};
use crate::units::Micros;

/// A trained network.
#[derive(Debug)]
pub struct Trained {
    /// Its file.
    pub path: PathBuf,
    /// What it does to the test part; none where there is none.
    pub tested: Option<Tested>,
}

/// What a network does to samples that it never saw.
#[derive(Clone, Copy, Debug)]
pub struct Tested {
    /// Right answers.
    pub accuracy: Accuracy,
    /// What the engine says; none where it runs no such network.
    pub engine: Option<InEngine>,
}

/// What the engine says of a network.
#[derive(Clone, Copy, Debug)]
pub struct InEngine {
    /// What all samples together took.
    pub counts: UnitCounts,
    /// Samples to which training gives the same outputs, to a spike; none where neurons
    /// answer by currents in training and by spikes in the engine, as those of TSSL-BP.
    pub as_trained: Option<usize>,
}

/// Writes the network of the best epoch, `chosen`, to a folder and runs it on the test part.
/// One that sends no spikes, or negative ones, is its checkpoint, and nothing but training runs
/// it.
///
/// # Errors
/// A checkpoint that cannot be read or is of another epoch, a network that cannot be written,
/// whatever the engine refuses.
pub fn finish(
    config: &Config,
    data: &Data,
    chosen: Option<&Epoch>,
    folder: &Path,
) -> Result<Trained> {
    let mut training = Training::new(config.clone(), data)?.resume(&best(folder))?;
    // a run may end between its two checkpoints, the best and the last
    let number = |epoch: Option<&Epoch>| epoch.map_or(0, |epoch| epoch.epoch);
    let (found, expected) = (number(training.epochs().last()), number(chosen));
    if found != expected {
        let expected = format!("{expected}, the best so far, or epochs = {found} or more");
        let error = Error::new(ErrorKind::Usage, format!("epoch {found}"), expected);
        return Err(error.in_file(&best(folder)));
    }
    let samples = data.part(Part::Test);
    if !spikes(&config.layers, &config.neuron) {
        let mut accuracy = Accuracy::default();
        for (&sample, sums) in samples.iter().zip(training.answers(&samples)?.1) {
            let readout = Readout::Mean(sums.into_iter().map(f64::from).collect());
            accuracy.add(readout.prediction() == Some(data.class(sample)));
        }
        let tested = (!samples.is_empty()).then_some(Tested { accuracy, engine: None });
        return Ok(Trained { path: best(folder), tested });
    }
    let path = write(config, &mut training, data, folder)?;
    if samples.is_empty() {
        return Ok(Trained { path, tested: None });
    }
    let (accuracy, counts, outputs) = run(&path, config.data.steps, data, &samples)?;
    let (_, sums) = training.answers(&samples)?;
    let by_current = matches!(config.rule, Rule::Tssl { .. });
    let spikes = averaged(&config.layers);
    let as_trained = (!by_current).then(|| same(&outputs, &sums, config.data.steps, spikes));
    let engine = Some(InEngine { counts, as_trained });
    Ok(Trained { path, tested: Some(Tested { accuracy, engine }) })
}

/// Writes the network, to a file of NIR where that loses nothing.
fn write(
    config: &Config,
    training: &mut Training<'_>,
    data: &Data,
    folder: &Path,
) -> Result<PathBuf> {
    let dt = match config.data.slice {
        Slice::Length(dt) => dt,
        // steps without a length: whatever a recording is cut into
        Slice::Equal(_) => Micros(1000),
    };
    let graph = graph(config, training.network(), &data.features(), &data.classes, dt)?;
    match in_nir(&graph) {
        Ok(translation) if translation.losses.is_empty() => {
            let path = folder.join("network.nir");
            nir::write(&translation.graph, &path)?;
            Ok(path)
        }
        _ => {
            let path = folder.join("network.synops");
            own::write(&graph, &path)?;
            Ok(path)
        }
    }
}

/// Runs samples through the network of a file: right answers, what all took, and what came
/// out of each.
fn run(
    path: &Path,
    steps: usize,
    data: &Data,
    samples: &[usize],
) -> Result<(Accuracy, UnitCounts, Vec<Readout>)> {
    let network = Network::new(file::read(path)?.1)?;
    let conventions = network.convention.clone().unwrap_or_default();
    let engine = Clocked::new(&network, &conventions, network.dt.unwrap_or(Micros(1000)))?;
    let run = |&sample: &usize| {
        let (mut state, mut counts) = (engine.start(), Counts::new(&network, engine.plan()));
        data.slice(data.events(sample), false, |step, spikes| {
            engine.receive(&mut state, step, spikes, &mut counts);
        });
        engine.finish(&mut state, steps as u64, &mut counts);
        (counts.readout(steps as u64), counts.total())
    };
    let answers: Vec<(Readout, UnitCounts)> = samples.par_iter().map(run).collect();
    let (mut accuracy, mut all) = (Accuracy::default(), UnitCounts::default());
    let mut outputs = Vec::with_capacity(samples.len());
    for (&sample, (readout, counts)) in samples.iter().zip(answers) {
        accuracy.add(readout.prediction() == Some(data.class(sample)));
        all = all + counts;
        outputs.push(readout);
    }
    Ok((accuracy, all, outputs))
}

/// How many spikes of its neurons an output is the mean of: an engine passes each on and
/// counts it.
fn averaged(layers: &[LayerSpec]) -> f32 {
    layers.iter().fold(1.0, |spikes, layer| match *layer {
        LayerSpec::Neurons { .. } | LayerSpec::Recurrent { .. } => 1.0,
        LayerSpec::Voting { size } => spikes * size as f32,
        LayerSpec::AvgPool2d { kernel_size, .. } => spikes * (kernel_size * kernel_size) as f32,
        _ => spikes,
    })
}

/// For how many samples the engine gives the outputs that training gave, the means of so
/// many `spikes`.
fn same(outputs: &[Readout], trained: &[Vec<f32>], steps: usize, spikes: f32) -> usize {
    let equal = |(readout, sums): &(&Readout, &Vec<f32>)| match readout {
        Readout::Spikes(counts) => {
            let near = |(&count, sum): (&u64, &f32)| (count as f32 - spikes * sum).abs() < 0.5;
            counts.iter().zip(*sums).all(near)
        }
        Readout::Mean(means) => {
            let near = |(mean, sum): (&f64, &f32)| (mean * steps as f64 - f64::from(*sum)).abs();
            means.iter().zip(*sums).all(|pair| near(pair) < 0.05)
        }
    };
    outputs.iter().zip(trained).filter(equal).count()
}
