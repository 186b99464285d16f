//! From samples to their account: which they are, and what each did.

use std::path::{Path, PathBuf};

use super::labels::{Labels, labels};
use super::options::{Opened, RunOptions};
use super::samples::{Choice, run};
use crate::bundled;
use crate::corpus::Sample;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Portions, Window};
use crate::measure::{Ledger, Table, Watch};
use crate::network::{Network, Unit};
use crate::replay::{Advance, Answer, Replay, Settings, Take};
use crate::report::energy::{Caution, EnergyReport, Head, Made, Metered};
use crate::units::Bytes;

/// What is metered.
pub struct Subject {
    /// The recording, or the folder of the data set.
    data: String,
    /// How it is cut, and of a data set its part.
    cut: String,
    samples: Vec<Sample>,
    /// What is wrong with the data set.
    defects: Vec<Error>,
}

impl Subject {
    /// What the options name, and how it is to be run: the samples of a data set, the trials
    /// of a recording, or a recording.
    ///
    /// # Errors
    /// Neither one recording nor one folder; whatever the data set and the labels refuse.
    pub fn of(
        options: &RunOptions,
        choice: &Choice,
        network: &Network,
    ) -> Result<(Subject, Settings)> {
        match &options.recordings[..] {
            [root] if root.is_dir() => {
                let (corpus, part, samples) = choice.samples(root, options, network)?;
                let cut = format!("cut by {}, {part}", corpus.cut);
                let (data, defects) = (root.display().to_string(), corpus.defects);
                let subject = Subject { data, cut, samples, defects };
                Ok((subject, options.settings_for_samples(network)?))
            }
            _ if choice.is_given() => {
                let found = "--list, --split or --part without a folder";
                Err(Error::new(ErrorKind::Usage, found, "the folder of a data set"))
            }
            [] | [_] => {
                let subject = Subject::of_one(options, labels(options)?.as_ref());
                Ok((subject, options.settings(network)?))
            }
            several => {
                let found = format!("{} recordings", several.len());
                Err(Error::new(ErrorKind::Usage, found, "one, or the folder of a data set"))
            }
        }
    }

    /// The one recording that the options name, or the bundled one: its trials, if there are
    /// labels, or all of it.
    pub fn of_one(options: &RunOptions, labels: Option<&Labels>) -> Subject {
        let bundled = || PathBuf::from(bundled::RECORDING.name);
        let path = options.recordings.first().cloned().unwrap_or_else(bundled);
        let sample = |window: Window, class: &str| Sample {
            path: path.clone(),
            window,
            class: class.to_owned(),
            user: None,
            part: None,
        };
        let (cut, samples) = match labels {
            Some((trials, origins)) if !trials.is_empty() => {
                let samples = trials.iter().map(|trial| sample(trial.window, trial.name()));
                (format!("trials of {}", origins.path), samples.collect())
            }
            _ => ("whole".into(), vec![sample(Window::ALL, "")]),
        };
        Subject { data: path.display().to_string(), cut, samples, defects: Vec::new() }
    }
}

/// A network that is ready for samples.
pub struct Metering<'r> {
    options: &'r RunOptions,
    replay: &'r Replay<'r>,
    ledger: Ledger,
    subject: Subject,
    /// Whether classes are known.
    has_classes: bool,
}

impl<'r> Metering<'r> {
    /// For the samples of a subject.
    ///
    /// # Errors
    /// As [`Ledger::new`].
    pub fn new(
        options: &'r RunOptions,
        replay: &'r Replay<'r>,
        subject: Subject,
    ) -> Result<Metering<'r>> {
        let settings = replay.settings();
        let is_clocked = settings.advance == Advance::Clocked;
        let ledger = Ledger::new(replay.network(), &settings.conventions, settings.dt, is_clocked)?;
        let has_classes = subject.samples.iter().any(|sample| !sample.class.is_empty());
        Ok(Metering { options, replay, ledger, subject, has_classes })
    }

    /// The samples.
    pub fn samples(&self) -> &[Sample] {
        &self.subject.samples
    }

    /// An observer for the run of one of them.
    pub fn watch(&self) -> Watch<'_> {
        self.ledger.watch()
    }

    /// What samples come to by tables.
    ///
    /// # Errors
    /// As [`Made::report`].
    pub fn report(
        &self,
        opened: &Opened,
        samples: Vec<Metered>,
        tables: &[Table],
        buffer: Bytes,
    ) -> Result<EnergyReport> {
        let (network, plan) = (self.replay.network(), self.replay.plan());
        let other_steps = self.replay.other_steps(samples.iter().map(|sample| sample.steps));
        let notes = network.notes.iter().chain(&plan.notes).cloned().chain(other_steps);
        Made {
            head: self.head(opened),
            network,
            sequence: &plan.sequence,
            ledger: &self.ledger,
            samples,
            tables,
            buffer,
            cautions: self.cautions(),
            notes: notes.collect(),
        }
        .report()
    }

    /// What ran, and how.
    fn head(&self, opened: &Opened) -> Head {
        let settings = self.replay.settings();
        Head {
            synops: env!("CARGO_PKG_VERSION"),
            data: self.subject.data.clone(),
            cut: self.subject.cut.clone(),
            network: opened.origins.path.clone(),
            network_sha256: opened.origins.sha256.clone(),
            engine: settings.advance.name(),
            convention: settings.conventions.to_string(),
            dt_us: settings.dt.0,
            steps: settings.steps,
            slice: settings.slice.map(Portions::name),
            input: settings.input.name(),
        }
    }

    /// Populations that are faster than the steps, and defects of the data set.
    fn cautions(&self) -> Vec<Caution> {
        let settings = self.replay.settings();
        let coarse = self.replay.network().units.iter().filter_map(|wired| {
            let Unit::Neuron(neuron) = &wired.unit else { return None };
            let time = neuron.outpaces(settings.dt.seconds(), &settings.conventions)?;
            Some(Caution::Coarse { what: format!("'{}': {time}", wired.name) })
        });
        let defects = &self.subject.defects;
        let defects = defects.first().map(|first| Caution::Defects {
            count: defects.len() as u64,
            first: first.to_string(),
        });
        coarse.chain(defects).collect()
    }

    /// The samples of a recording, with their numbers. `progress` is told the offset that has
    /// been reached in the file, and the file's length.
    pub fn recording(
        &self,
        path: &Path,
        samples: &[usize],
        progress: impl FnMut(u64, u64),
    ) -> Vec<(usize, Metered)> {
        let metered = self.answers(path, samples, progress).unwrap_or_else(|error| {
            let refused = |&sample: &usize| Metered {
                problem: Some(error.to_string()),
                ..self.unmetered(sample)
            };
            samples.iter().map(refused).collect()
        });
        samples.iter().copied().zip(metered).collect()
    }

    fn answers(
        &self,
        path: &Path,
        samples: &[usize],
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Vec<Metered>> {
        let mut recording = match self.options.recordings.is_empty() {
            true => self.options.open_recording()?.0,
            false => self.options.open(path)?.0,
        };
        let len = recording.len();
        let at = |offset| progress(offset, len);
        let mut watches: Vec<Watch<'_>> = samples.iter().map(|_| self.watch()).collect();
        let windows: Vec<Window> = samples.iter().map(|&i| self.samples()[i].window).collect();
        let (take, answers) = run(self.replay, &mut recording, &windows, &mut watches, at)?;
        let all = samples.iter().zip(answers.iter().zip(&watches));
        Ok(all.map(|(&i, (answer, watch))| self.metered(i, &take, answer, watch)).collect())
    }

    fn unmetered(&self, sample: usize) -> Metered {
        let Sample { path, window, class, .. } = &self.samples()[sample];
        Metered {
            recording: path.display().to_string(),
            window: (*window != Window::ALL).then_some((window.from, window.to)),
            class: self.has_classes.then(|| class.clone()),
            steps: 0,
            events: 0,
            events_used: 0,
            events_unseen: 0,
            events_lost: 0,
            crowded: 0,
            works: Vec::new(),
            problem: None,
        }
    }

    /// What the run of a sample did.
    pub fn metered(
        &self,
        sample: usize,
        take: &Take,
        answer: &Answer,
        watch: &Watch<'_>,
    ) -> Metered {
        let steps = answer.steps;
        Metered {
            steps,
            events: answer.cut.kept,
            events_used: answer.binned.kept,
            events_unseen: answer.binned.total_dropped() - answer.binned.merged(),
            events_lost: answer.binned.lost(),
            crowded: watch.crowded(),
            works: match steps {
                0 => Vec::new(),
                steps => self.ledger.works(&answer.counts, watch, steps),
            },
            problem: take.problem(self.samples()[sample].window, answer),
            ..self.unmetered(sample)
        }
    }
}
