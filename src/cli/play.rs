//! What `replay` and `raster` have in common: open, run, report, draw.

use std::cell::RefCell;
use std::path::Path;

use super::labels::{Labels, first_start, labels};
use super::metering::{Metering, Subject};
use super::options::{Opened, Origins, RunOptions};
use super::progress::Progress;
use super::tables::BUFFER;
use crate::corpus::gesture::Trial;
use crate::draw::{Heading, Marks, Picture, Raster};
use crate::engine::{Observer, Operations};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Recording;
use crate::measure::{BySteps, Table, Watch};
use crate::neuron::Charge;
use crate::replay::{Answer, Replay, Take};
use crate::report::build::{Made, Outcome, Provenance};
use crate::report::energy;
use crate::report::html;
use crate::report::raster::{self, ticks_between};
use crate::report::replay::ReplayReport;
use crate::signal::Spikes;
use crate::units::Micros;

/// What came of a run.
pub struct Played {
    /// The report.
    pub report: ReplayReport,
    /// The raster, where one was asked for.
    pub drawn: Option<Drawn>,
    /// The page, likewise.
    pub page: Option<String>,
    /// Counts by step as CSV, likewise.
    pub steps: Option<Vec<u8>>,
    /// What ended the recording early.
    pub damage: Option<Error>,
}

/// What is to be made of a run, beside its report.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'t> {
    /// A raster.
    pub raster: bool,
    /// A page that prices the run by these tables.
    pub page: Option<&'t [Table]>,
    /// Counts by step.
    pub steps: bool,
    /// Joules by these tables in the report, instead of the usual one.
    pub tables: Option<&'t [Table]>,
}

/// A raster that is ready to become a picture.
pub struct Drawn {
    raster: Raster,
    heading: Heading,
    ticks: u64,
}

impl Drawn {
    /// As a file of a format.
    ///
    /// # Errors
    /// As [`Scene::render`](crate::draw::Scene::render).
    pub fn picture(&self, picture: Picture) -> Result<Vec<u8>> {
        self.raster.draw(&self.heading, self.ticks).render(picture)
    }

    /// As text of so many columns.
    pub fn text(&self, columns: usize) -> String {
        self.raster.text(&self.heading, self.ticks, columns)
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
enum Answers {
    Whole(Box<Answer>),
    Trials(Vec<(Trial, Answer)>),
}

impl Answers {
    fn outcome(&self) -> Outcome<'_> {
        match self {
            Answers::Whole(answer) => Outcome::Whole(answer),
            Answers::Trials(trials) => Outcome::Trials(trials),
        }
    }

    fn all(&self) -> Vec<&Answer> {
        match self {
            Answers::Whole(answer) => vec![answer],
            Answers::Trials(trials) => trials.iter().map(|(_, answer)| answer).collect(),
        }
    }
}

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
            .map_err(|e| e.in_file(opened.origins.path.as_ref()))?;
        Ok(Player { options, opened, classes, tables: Table::usual()?, replay })
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

    /// Runs one recording of several.
    ///
    /// # Errors
    /// As [`play`].
    pub fn play(&self, path: &Path) -> Result<Played> {
        let (mut recording, origins) = self.options.open(path)?;
        let (take, answer) = self.replay.run(&mut recording, (), |_| ())?;
        let format = recording.header().format;
        let made = self.made(&take, Outcome::Whole(&answer), format, origins, None);
        let report = self.report(&made)?;
        Ok(Played { report, drawn: None, page: None, steps: None, damage: take.damage })
    }

    /// Runs one recording before an observer: all of it, or its trials, each at its place.
    ///
    /// # Errors
    /// As [`play`].
    pub fn show<O: Observer>(
        &self,
        (mut recording, input): (Recording, Origins),
        labels: Option<&Labels>,
        observer: O,
    ) -> Result<Shown<O>> {
        let observer = RefCell::new(observer);
        let trials = labels.map(|(trials, _)| &trials[..]);
        let (take, answers) = run(&self.replay, &mut recording, trials, &observer, &mut [])?;
        let made = self.made(&take, answers.outcome(), recording.header().format, input, labels);
        let (origin, ticks) = axis(&made);
        let heading = raster::heading(&made, &made.report()?.output, origin);
        let steps: u64 = answers.all().iter().map(|answer| answer.steps).sum();
        let steps = i64::try_from(steps.max(1)).unwrap_or(i64::MAX);
        let ran = Micros(self.replay.settings().dt.0.saturating_mul(steps));
        Ok(Shown { observer: observer.into_inner(), heading, ticks, ran, damage: take.damage })
    }

    fn made<'m>(
        &'m self,
        take: &'m Take,
        outcome: Outcome<'m>,
        format: &'static str,
        input: Origins,
        labels: Option<&Labels>,
    ) -> Made<'m> {
        let Opened { origins, mapping, .. } = self.opened;
        let pair = |file: &Origins| (file.path.clone(), file.sha256.clone());
        let (network, network_sha256) = pair(origins);
        Made {
            replay: &self.replay,
            take,
            outcome,
            tables: &self.tables,
            classes: self.classes.as_deref(),
            format,
            origin: Provenance {
                input: input.path,
                input_sha256: input.sha256,
                network,
                network_sha256,
                mapping: mapping.as_ref().map(pair),
                labels: labels.map(|(_, origins)| pair(origins)),
            },
        }
    }

    fn report(&self, made: &Made<'_>) -> Result<ReplayReport> {
        let report = made.report()?;
        refuse_losses(self.options.strict, &report, made.take)?;
        Ok(report)
    }
}

/// Runs the one recording that the options name, and makes of it what is wanted.
///
/// # Errors
/// Anything that keeps the recording from being run; under `--strict`, any loss.
/// Damage is no error here: what came before it was run.
pub fn play(options: &RunOptions, opened: &Opened, wanted: Wanted<'_>) -> Result<Played> {
    let (mut recording, input) = options.open_recording()?;
    let labels = labels(options)?;
    let player = Player::new(options, opened, labels.is_some())?;
    let replay = &player.replay;
    let is_metered = wanted.page.is_some() || wanted.tables.is_some();
    let subject = || Subject::of_one(options, labels.as_ref());
    let metering = is_metered.then(|| Metering::new(options, replay, subject())).transpose()?;
    let trials = labels.as_ref().map(|(trials, _)| &trials[..]);
    let watch = |_| metering.as_ref().map(Metering::watch);
    let mut watches: Vec<Option<Watch<'_>>> =
        (0..trials.map_or(1, <[_]>::len)).map(watch).collect();
    let bands = || raster::bands(replay.network(), replay.plan(), player.classes.as_deref());
    let raster = wanted.raster.then(|| Raster::new(bands(), replay.tick()));
    let marks = wanted.page.map(|_| Marks::new(bands(), html::ROOM));
    let drawing = RefCell::new(((raster, marks), wanted.steps.then(BySteps::default)));
    let (take, answers) = run(replay, &mut recording, trials, &drawing, &mut watches)?;
    let samples = metering.as_ref().map_or_else(Vec::new, |metering| {
        let ran = answers.all().into_iter().zip(watches.iter().flatten()).enumerate();
        ran.map(|(i, (answer, watch))| metering.metered(i, &take, answer, watch)).collect()
    });
    let format = recording.header().format;
    let made = player.made(&take, answers.outcome(), format, input, labels.as_ref());
    let mut report = player.report(&made)?;
    if let Some(tables) = wanted.tables {
        let works = energy::works(&samples);
        report.energy = tables.iter().map(|table| table.price_units(&works)).collect();
    }
    let (origin, ticks) = axis(&made);
    let heading = raster::heading(&made, &report.output, origin);
    let ((raster, marks), steps) = drawing.into_inner();
    let priced = match (&metering, wanted.page) {
        (Some(metering), Some(tables)) if samples.iter().any(|sample| !sample.works.is_empty()) => {
            Some(metering.report(opened, samples, tables, BUFFER)?)
        }
        _ => None,
    };
    let page = |marks: Marks| {
        html::page(&report, priced.as_ref(), &heading, &marks, (replay.tick(), ticks))
    };
    let page = marks.map(page).transpose()?;
    let drawn = raster.map(|raster| Drawn { raster, heading, ticks });
    let steps = steps.map(|steps| steps.csv(replay.network(), replay.tick())).transpose()?;
    Ok(Played { report, drawn, page, steps, damage: take.damage })
}

/// Runs a recording, or its trials, before an observer, and each before a watch of its own
/// where there are some.
fn run<O: Observer>(
    replay: &Replay<'_>,
    recording: &mut Recording,
    trials: Option<&[Trial]>,
    observer: &RefCell<O>,
    watches: &mut [Option<Watch<'_>>],
) -> Result<(Take, Answers)> {
    let mut progress = Progress::new(recording.len());
    let at = |offset| progress.at(offset);
    let mut watches = watches.iter_mut().map(Option::as_mut);
    let Some(trials) = trials else {
        let observer = (Shared { observer, offset: 0 }, watches.next().flatten());
        let (take, answer) = replay.run(recording, observer, at)?;
        return Ok((take, Answers::Whole(Box::new(answer))));
    };
    let origin = first_start(trials);
    let windows = trials.iter().map(|trial| {
        let offset = ticks_between(origin, trial.window.from, replay.tick());
        (trial.window, (Shared { observer, offset }, watches.next().flatten()))
    });
    let (take, answers) = replay.run_windows(recording, windows, at)?;
    Ok((take, Answers::Trials(trials.iter().copied().zip(answers).collect())))
}

/// Where the raster's time begins on the recording's clock, and its ticks.
fn axis(made: &Made<'_>) -> (i64, u64) {
    let (dt, tick) = (made.replay.settings().dt, made.replay.tick());
    match &made.outcome {
        Outcome::Whole(answer) => {
            let ticks_per_step = (dt.0 / tick.0) as u64;
            (answer.start.unwrap_or(0), answer.steps * ticks_per_step)
        }
        Outcome::Trials(trials) => {
            let origin = first_start(trials.iter().map(|(trial, _)| trial));
            let ends = trials.iter().map(|(trial, _)| trial.window.to).max().unwrap_or(0);
            let end = made.take.span.map_or(origin, |(_, last)| ends.min(last + 1));
            (origin, ticks_between(origin, end.saturating_add(dt.0 - 1), tick))
        }
    }
}

/// `--strict`: no answer from a recording that lost anything.
fn refuse_losses(strict: bool, report: &ReplayReport, take: &Take) -> Result<()> {
    if !strict {
        return Ok(());
    }
    let mut losses = report.input.tally.losses();
    losses.extend(take.damage.as_ref().map(|damage| format!("damage: {damage}")));
    match losses.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Strict, losses.join("; "), "no loss (--strict)")),
    }
}

/// The format of a picture that is to be written, if one is.
///
/// # Errors
/// A name with another ending.
pub fn picture_of(path: Option<&Path>) -> Result<Option<Picture>> {
    path.map(Picture::of).transpose()
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
}
