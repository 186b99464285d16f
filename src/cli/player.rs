//! A network that is ready for recordings, and a recording's way through it before
//! whoever looks.

use std::cell::RefCell;
use std::path::Path;

use super::labels::{Labels, first_start};
use super::options::{Opened, RunOptions};
use super::progress::Progress;
use crate::corpus::gesture::Trial;
use crate::draw::Heading;
use crate::engine::{Observer, Operations};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Recording;
use crate::measure::Table;
use crate::neuron::Charge;
use crate::replay::{Answer, Replay, Take};
use crate::report::build::{Made, Origins, Outcome, Provenance};
use crate::report::raster::{self, ticks_between};
use crate::report::replay::{ReplayReport, Stages};
use crate::signal::Spikes;
use crate::units::Micros;

/// A network that is ready for recordings.
pub struct Player<'a> {
    options: &'a RunOptions,
    opened: &'a Opened,
    classes: Option<Vec<String>>,
    tables: Vec<Table>,
    replay: Replay<'a>,
}

impl<'a> Player<'a> {
    /// Binds a network to what the options say.
    ///
    /// # Errors
    /// Class names for another number of outputs; whatever [`Replay::new`] refuses.
    pub fn new(options: &'a RunOptions, opened: &'a Opened, has_labels: bool) -> Result<Self> {
        let network = &opened.network;
        let classes = options.class_names(network, has_labels)?;
        let replay = Replay::new(network, options.settings(network)?)
            .map_err(|e| opened.origins.blame(e))?;
        Ok(Player { options, opened, classes, tables: vec![Table::usual()?], replay })
    }

    /// What runs.
    pub fn replay(&self) -> &Replay<'a> {
        &self.replay
    }

    /// Names of the outputs.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// What operations cost.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Runs one recording of several. Gives what ended it early, too.
    ///
    /// # Errors
    /// As [`play`](super::play::play).
    pub fn report_on(&self, path: &Path) -> Result<(ReplayReport, Option<Error>)> {
        let (mut recording, origins) = self.options.open(path)?;
        let (take, answer) = self.replay.run(&mut recording, (), |_| ())?;
        let format = recording.header().format;
        let made = self.made(&take, Outcome::Whole(&answer), format, origins, None);
        Ok((self.report(&made)?, take.damage))
    }

    /// Runs one recording before an observer: all of it, or its trials, each at its place.
    ///
    /// # Errors
    /// As [`play`](super::play::play); under `--strict`, any loss.
    pub fn show<O: Observer>(
        &self,
        (mut recording, input): (Recording, Origins),
        labels: Option<&Labels>,
        observer: O,
    ) -> Result<Shown<O>> {
        let observer = RefCell::new(observer);
        let trials = labels.map(|(trials, _)| &trials[..]);
        let (take, answers) = run(&self.replay, &mut recording, trials, &observer, &mut [(); 0])?;
        let made = self.made(&take, answers.outcome(), recording.header().format, input, labels);
        let (origin, ticks) = axis(&made);
        let heading = raster::heading(&made, &self.report(&made)?.output, origin);
        let steps: u64 = answers.all().iter().map(|answer| answer.steps).sum();
        let steps = i64::try_from(steps.max(1)).unwrap_or(i64::MAX);
        let ran = Micros(self.replay.settings().dt.0.saturating_mul(steps));
        Ok(Shown { observer: observer.into_inner(), heading, ticks, ran, damage: take.damage })
    }

    /// What a report is written from.
    pub fn made<'m>(
        &'m self,
        take: &'m Take,
        outcome: Outcome<'m>,
        format: &'static str,
        input: Origins,
        labels: Option<&Labels>,
    ) -> Made<'m> {
        Made {
            replay: &self.replay,
            take,
            outcome,
            tables: &self.tables,
            classes: self.classes.as_deref(),
            format,
            origin: Provenance {
                input,
                network: self.opened.origins.clone(),
                mapping: self.opened.mapping.clone(),
                labels: labels.map(|(_, origins)| origins.clone()),
            },
        }
    }

    /// The report.
    ///
    /// # Errors
    /// Under `--strict`, any loss.
    pub fn report(&self, made: &Made<'_>) -> Result<ReplayReport> {
        let report = made.report()?;
        let damage = made.take.damage.as_ref();
        refuse_losses(self.options.strict, &report.input.tally, damage)?;
        Ok(report)
    }
}

/// What came of a run before an observer.
pub struct Shown<O> {
    /// The observer.
    pub observer: O,
    /// What stands above its picture.
    pub heading: Heading,
    /// Ticks from where the first trial begins to where the last one ends.
    pub ticks: u64,
    /// How long all of them are.
    pub ran: Micros,
    /// What ended the recording early.
    pub damage: Option<Error>,
}

/// Answers to the whole recording, or to its trials.
pub enum Answers {
    Whole(Box<Answer>),
    Trials(Vec<(Trial, Answer)>),
}

impl Answers {
    /// As reports take them.
    pub fn outcome(&self) -> Outcome<'_> {
        match self {
            Answers::Whole(answer) => Outcome::Whole(answer),
            Answers::Trials(trials) => Outcome::Trials(trials),
        }
    }

    /// All of them.
    pub fn all(&self) -> Vec<&Answer> {
        match self {
            Answers::Whole(answer) => vec![answer],
            Answers::Trials(trials) => trials.iter().map(|(_, answer)| answer).collect(),
        }
    }
}

/// Runs a recording, or its trials, before an observer, and each before one of its `own`
/// where there are some.
pub fn run<O: Observer, W: Observer>(
    replay: &Replay<'_>,
    recording: &mut Recording,
    trials: Option<&[Trial]>,
    observer: &RefCell<O>,
    own: &mut [W],
) -> Result<(Take, Answers)> {
    let mut progress = Progress::new(recording.len());
    let at = |offset| progress.at(offset);
    let mut own = own.iter_mut();
    let Some(trials) = trials else {
        let observer = (Shared { observer, offset: 0 }, own.next());
        let (take, answer) = replay.run(recording, observer, at)?;
        return Ok((take, Answers::Whole(Box::new(answer))));
    };
    let origin = first_start(trials);
    let windows = trials.iter().map(|trial| {
        let offset = ticks_between(origin, trial.window.from, replay.tick());
        (trial.window, (Shared { observer, offset }, own.next()))
    });
    let (take, answers) = replay.run_windows(recording, windows, at)?;
    Ok((take, Answers::Trials(trials.iter().copied().zip(answers).collect())))
}

/// Where the raster's time begins on the recording's clock, and its ticks.
pub fn axis(made: &Made<'_>) -> (i64, u64) {
    let (dt, tick) = (made.replay.settings().dt, made.replay.tick());
    match &made.outcome {
        Outcome::Whole(answer) => {
            let ticks_per_step = (dt.0 / tick.0) as u64;
            (answer.start.unwrap_or(0), answer.steps * ticks_per_step)
        }
        Outcome::Trials(trials) => {
            let origin = first_start(trials.iter().map(|(trial, _)| trial));
            let ends = trials.iter().map(|(trial, _)| trial.window.to).max().unwrap_or(0);
            let end = made.take.span.map_or(origin, |(_, last)| ends.min(last.saturating_add(1)));
            (origin, ticks_between(origin, end.saturating_add(dt.0 - 1), tick))
        }
    }
}

/// `--strict`: no answer from a recording that lost anything.
///
/// # Errors
/// The losses, and the damage.
pub fn refuse_losses(strict: bool, stages: &Stages, damage: Option<&Error>) -> Result<()> {
    if !strict {
        return Ok(());
    }
    let mut losses = stages.losses();
    losses.extend(damage.map(|damage| format!("damage: {damage}")));
    match losses.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Strict, losses.join("; "), "no loss (--strict)")),
    }
}

/// One observer that several windows of a recording are shown to, each at its
/// place in the recording.
struct Shared<'o, O> {
    observer: &'o RefCell<O>,
    /// Ticks from the recording's beginning to the window's.
    offset: u64,
}

impl<O: Observer> Observer for Shared<'_, O> {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        self.observer.borrow_mut().sent(self.offset + step, unit, sent);
    }

    fn watches(&self, step: u64, unit: usize) -> bool {
        self.observer.borrow().watches(self.offset + step, unit)
    }

    fn charged(&mut self, step: u64, unit: usize, block: usize, charge: &Charge) {
        self.observer.borrow_mut().charged(self.offset + step, unit, block, charge);
    }

    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        self.observer.borrow_mut().operated(self.offset + step, unit, operations);
    }

    fn heard(&mut self, step: u64, unit: usize, entries: &Spikes) {
        self.observer.borrow_mut().heard(self.offset + step, unit, entries);
    }

    fn watches_states(&self, unit: usize) -> bool {
        self.observer.borrow().watches_states(unit)
    }

    fn changed(&mut self, step: u64, unit: usize, neurons: u64) {
        self.observer.borrow_mut().changed(self.offset + step, unit, neurons);
    }

    fn updated(&mut self, step: u64, unit: usize, neurons: u64) {
        self.observer.borrow_mut().updated(self.offset + step, unit, neurons);
    }
}
