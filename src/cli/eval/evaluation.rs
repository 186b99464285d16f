//! From a sample to its row.

use std::path::Path;

use crate::cli::options::{Opened, RunOptions};
use crate::cli::samples::run;
use crate::corpus::cifar10dvs::Split;
use crate::corpus::{Corpus, Sample};
use crate::digest::Digest;
use crate::draw::words::counted;
use crate::error::{Error, ErrorKind, Result, shown};
use crate::event::Window;
use crate::measure::Decision;
use crate::replay::{Answer, Replay, Take};
use crate::report::corpus::names_and_sizes;
use crate::report::eval::{Head, Row};

/// A network that is ready for samples.
pub struct Evaluation<'a> {
    root: &'a Path,
    options: &'a RunOptions,
    replay: Replay<'a>,
    /// What the outputs are called.
    outputs: Vec<String>,
    samples: Vec<Sample>,
}

/// What the outputs are called: as the options or the network's file say, else as the data
/// set's classes, where there are as many.
fn outputs(options: &RunOptions, opened: &Opened, classes: &[String]) -> Result<Vec<String>> {
    let network = &opened.network;
    let count = network.units[network.output].output.len();
    match options.class_names(network, false)? {
        Some(names) if classes.iter().any(|class| names.contains(class)) => Ok(names),
        Some(names) => {
            let found = format!("outputs {}", names.join(", "));
            Err(Error::new(ErrorKind::Usage, found, format!("classes {}", classes.join(", "))))
        }
        None if count == classes.len() => Ok(classes.to_vec()),
        None => {
            let found = {
                let (outputs, classes) = (counted(count as u64, "output"), classes.len() as u64);
                format!("{outputs} for {}", counted(classes, "class"))
            };
            Err(Error::new(ErrorKind::Shape, found, "as many, or --classes"))
        }
    }
}

impl<'a> Evaluation<'a> {
    /// Of these samples.
    ///
    /// # Errors
    /// Outputs that are not the classes; whatever [`Replay::new`] refuses.
    pub fn new(
        root: &'a Path,
        options: &'a RunOptions,
        opened: &'a Opened,
        corpus: &Corpus,
        samples: Vec<Sample>,
    ) -> Result<Evaluation<'a>> {
        let replay = Replay::new(&opened.network, options.settings_for_samples(&opened.network)?)?;
        let outputs = outputs(options, opened, &corpus.classes)?;
        Ok(Evaluation { root, options, replay, outputs, samples })
    }

    /// What all rows have in common.
    ///
    /// # Errors
    /// Recordings that are gone.
    pub fn head(&self, corpus: &Corpus, part: &str, opened: &Opened) -> Result<Head> {
        let mut digest = Digest::default();
        for sample in &self.samples {
            let Window { from, to } = sample.window;
            let line = format!("{} {from} {to} {}\n", self.name(&sample.path), sample.class);
            digest.add(line);
        }
        let settings = self.replay.settings();
        Ok(Head {
            synops: env!("CARGO_PKG_VERSION").into(),
            network: Path::new(&opened.origins.path).file_name().map_or_else(
                || opened.origins.path.clone(),
                |name| name.to_string_lossy().into_owned(),
            ),
            cut: corpus.cut.into(),
            split: corpus.split.map(|split| split.to_string()),
            caution: corpus.split.and_then(Split::caution).map(str::to_owned),
            part: part.into(),
            samples: self.samples.len(),
            samples_sha256: digest.hex(),
            names_and_sizes_sha256: names_and_sizes(self.root, corpus)?,
            classes: corpus.classes.clone(),
            network_sha256: opened.origins.sha256.clone(),
            mapping_sha256: opened.mapping.as_ref().map(|mapping| mapping.sha256.clone()),
            engine: settings.advance.name().into(),
            convention: settings.conventions.to_string(),
            dt_us: settings.dt.0,
            quantum_us: settings.quantum().map(|quantum| quantum.0),
            steps: settings.steps,
            slice: settings.slice.map(|slice| slice.name().into()),
            causal: settings.slice.is_none(),
            input: settings.input.name().into(),
            order: settings.order.name(),
            defects: corpus.defects.iter().map(|defect| self.said(&defect.to_string())).collect(),
        })
    }

    /// The samples.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// A recording's path in the folder of the data.
    fn name(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).display().to_string()
    }

    /// What is said of files that are in the folder of the data, wherever that is.
    fn said(&self, text: &str) -> String {
        text.replace(&format!("{}/", shown(&self.root.to_string_lossy())), "")
    }

    /// The rows of the samples of a recording.
    pub fn recording(&self, path: &Path, samples: &[usize]) -> Vec<Row> {
        self.answers(path, samples).unwrap_or_else(|error| {
            let refused = |&sample: &usize| Row {
                problem: Some(self.said(&error.to_string())),
                ..self.unanswered(sample)
            };
            samples.iter().map(refused).collect()
        })
    }

    fn answers(&self, path: &Path, samples: &[usize]) -> Result<Vec<Row>> {
        let (mut recording, _) = self.options.open(path)?;
        let (network, plan) = (self.replay.network(), self.replay.plan());
        let mut decisions: Vec<Decision> =
            samples.iter().map(|_| Decision::new(network, plan)).collect();
        let windows: Vec<Window> = samples.iter().map(|&i| self.samples[i].window).collect();
        let (take, answers) = run(&self.replay, &mut recording, &windows, &mut decisions, |_| ())?;
        let rows = samples.iter().zip(answers.iter().zip(&decisions));
        Ok(rows
            .map(|(&sample, (answer, decision))| self.row(sample, &take, answer, decision))
            .collect())
    }

    fn unanswered(&self, sample: usize) -> Row {
        let Sample { path, window, class, user, .. } = &self.samples[sample];
        let bounds = (*window != Window::ALL).then_some(window);
        Row {
            sample,
            recording: self.name(path),
            from_us: bounds.map(|window| window.from),
            to_us: bounds.map(|window| window.to),
            class: class.clone(),
            user: user.clone(),
            answer: None,
            steps: 0,
            events: 0,
            events_used: 0,
            spikes: 0,
            synaptic_ops: 0,
            multiply_adds: 0,
            settled_us: None,
            problem: None,
        }
    }

    fn row(&self, sample: usize, take: &Take, answer: &Answer, decision: &Decision) -> Row {
        let counts = answer.counts.total();
        let spikes = counts.spikes;
        let prediction = answer.counts.readout(answer.steps).prediction();
        let tick = self.replay.tick().0 as u64;
        let is_causal = self.replay.settings().slice.is_none();
        Row {
            answer: prediction.map(|output| self.outputs[output].clone()),
            steps: answer.steps,
            events: answer.cut.kept,
            events_used: answer.binned.kept,
            spikes,
            synaptic_ops: counts.synaptic_ops,
            multiply_adds: counts.multiply_adds,
            settled_us: decision.since().filter(|_| is_causal).map(|step| (step + 1) * tick),
            problem: take.problem(self.samples[sample].window, answer).map(|text| self.said(&text)),
            ..self.unanswered(sample)
        }
    }
}
