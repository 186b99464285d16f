//! From a sample to its account.

use std::path::Path;

use crate::cli::options::{Opened, RunOptions};
use crate::cli::play::labels;
use crate::cli::samples::Choice;
use crate::corpus::Sample;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Portions, Window};
use crate::measure::{Ledger, Watch};
use crate::network::Unit;
use crate::replay::{Advance, Answer, Replay, Take};
use crate::report::energy::{Caution, Head, Metered};

/// A network that is ready for samples.
pub struct Metering<'a> {
    options: &'a RunOptions,
    replay: Replay<'a>,
    ledger: Ledger,
    /// What they are of, and how that was cut.
    data: (String, String),
    /// Whether classes are known.
    has_classes: bool,
    samples: Vec<Sample>,
}

impl<'a> Metering<'a> {
    /// For the samples that the options name: a data set's, the trials of a recording, or a
    /// recording.
    ///
    /// # Errors
    /// Neither one recording nor one folder; whatever the data set, the labels and
    /// [`Replay::new`] refuse.
    pub fn new(
        options: &'a RunOptions,
        choice: &Choice,
        opened: &'a Opened,
    ) -> Result<Metering<'a>> {
        let network = &opened.network;
        let (settings, data, samples) = match &options.recordings[..] {
            [root] if root.is_dir() => {
                if options.labels.is_some() || options.from.is_some() || options.to.is_some() {
                    let found = "--labels, --from or --to";
                    return Err(Error::new(ErrorKind::Usage, found, "the data set's own"));
                }
                let (corpus, part, samples) = choice.samples(root, network)?;
                let cut = format!("cut by {}, {part}", corpus.cut);
                let settings = options.settings_for_samples(network)?;
                (settings, (root.display().to_string(), cut), samples)
            }
            _ if choice.is_given() => {
                let found = "--list, --split or --part without a folder";
                return Err(Error::new(ErrorKind::Usage, found, "the folder of a data set"));
            }
            [] | [_] => {
                let (data, samples) = of_one(options)?;
                (options.settings(network)?, data, samples)
            }
            several => {
                let found = format!("{} recordings", several.len());
                return Err(Error::new(
                    ErrorKind::Usage,
                    found,
                    "one, or the folder of a data set",
                ));
            }
        };
        let is_clocked = settings.advance == Advance::Clocked;
        let ledger = Ledger::new(network, &settings.conventions, settings.dt, is_clocked)?;
        let replay =
            Replay::new(network, settings).map_err(|e| e.in_file(opened.origins.path.as_ref()))?;
        let has_classes = samples.iter().any(|sample| !sample.class.is_empty());
        Ok(Metering { options, replay, ledger, data, has_classes, samples })
    }

    /// The samples.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// What is known of the network.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Its units in the order of evaluation.
    pub fn sequence(&self) -> &[usize] {
        &self.replay.plan().sequence
    }

    /// What the engine remarks.
    pub fn notes(&self) -> Vec<String> {
        let remark = self.options.remark_on_engine(self.replay.network(), self.replay.settings());
        self.replay.plan().notes.iter().cloned().chain(remark).collect()
    }

    /// What ran, and how.
    pub fn head(&self, opened: &Opened) -> Head {
        let settings = self.replay.settings();
        let (data, cut) = self.data.clone();
        Head {
            synops: env!("CARGO_PKG_VERSION"),
            data,
            cut,
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

    /// Populations that are faster than the steps.
    pub fn cautions(&self) -> Vec<Caution> {
        let settings = self.replay.settings();
        let coarse = self.replay.network().units.iter().filter_map(|wired| {
            let Unit::Neuron(neuron) = &wired.unit else { return None };
            let time = neuron.outpaces(settings.dt.seconds(), &settings.conventions)?;
            Some(Caution::Coarse { what: format!("'{}': {time}", wired.name) })
        });
        coarse.collect()
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
        let mut watches: Vec<Watch<'_>> = samples.iter().map(|_| self.ledger.watch()).collect();
        let windows: Vec<Window> = samples.iter().map(|&i| self.samples[i].window).collect();
        let (take, answers) = match (&windows[..], &mut watches[..]) {
            ([Window::ALL], [watch]) => {
                let (take, answer) = self.replay.run(&mut recording, watch, at)?;
                (take, vec![answer])
            }
            _ => {
                let observed = windows.iter().copied().zip(&mut watches);
                self.replay.run_windows(&mut recording, observed, at)?
            }
        };
        let all = samples.iter().zip(answers.iter().zip(&watches));
        Ok(all.map(|(&i, (answer, watch))| self.metered(i, &take, answer, watch)).collect())
    }

    fn unmetered(&self, sample: usize) -> Metered {
        let Sample { path, window, class, .. } = &self.samples[sample];
        Metered {
            recording: path.display().to_string(),
            window: (*window != Window::ALL).then_some((window.from, window.to)),
            class: self.has_classes.then(|| class.clone()),
            steps: 0,
            events: 0,
            events_used: 0,
            crowded: 0,
            works: Vec::new(),
            problem: None,
        }
    }

    fn metered(&self, sample: usize, take: &Take, answer: &Answer, watch: &Watch<'_>) -> Metered {
        let (window, steps) = (self.samples[sample].window, answer.steps);
        let last = take.span.map_or(i64::MIN, |(_, last)| last);
        let damage = take.damage.as_ref().filter(|_| last < window.to);
        Metered {
            steps,
            events: answer.cut.kept,
            events_used: answer.binned.kept,
            crowded: watch.crowded(),
            works: match steps {
                0 => Vec::new(),
                steps => self.ledger.works(&answer.counts, watch, steps),
            },
            problem: match (damage, answer.cut.kept) {
                (Some(damage), _) => Some(damage.to_string()),
                (None, 0) => Some("no event in its window".into()),
                (None, _) => None,
            },
            ..self.unmetered(sample)
        }
    }
}

/// The one recording that the options name, or the bundled one: its trials, if there are
/// labels, or all of it.
fn of_one(options: &RunOptions) -> Result<((String, String), Vec<Sample>)> {
    let path = match options.recordings.first() {
        Some(path) => path.clone(),
        None => options.open_recording()?.1.path.into(),
    };
    let (cut, trials) = match labels(options)? {
        Some((trials, origins)) => (format!("trials of {}", origins.path), trials),
        None => ("whole".into(), Vec::new()),
    };
    let sample = |window: Window, class: &str| Sample {
        path: path.clone(),
        window,
        class: class.to_owned(),
        user: None,
        part: None,
    };
    let samples = match trials.is_empty() {
        true => vec![sample(Window::ALL, "")],
        false => trials.iter().map(|trial| sample(trial.window, trial.name())).collect(),
    };
    Ok(((path.display().to_string(), cut), samples))
}
