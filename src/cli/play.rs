//! What `replay` and `raster` have in common: open, run, report, draw.

use std::cell::RefCell;

use super::labels::{first_start, labels};
use super::metering::{Metering, Subject};
use super::options::{Opened, RunOptions};
use super::player::{self, Answers, Player};
use super::tables::BUFFER;
use crate::draw::{Heading, Marks, Picture, Raster};
use crate::error::{Error, Result};
use crate::measure::{BySteps, Table, Watch};
use crate::replay::Replay;
use crate::report::by_step::{self, Counted};
use crate::report::replay::ReplayReport;
use crate::report::{energy, html, raster};
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

/// Runs the one recording that the options name, and makes of it what is wanted.
///
/// # Errors
/// Anything that keeps the recording from being run; under `--strict`, any loss.
/// Damage is no error here: what came before it was run.
pub fn play(options: &RunOptions, opened: &Opened, wanted: Wanted<'_>) -> Result<Played> {
    let (mut recording, input) = options.open_recording()?;
    let labels = labels(options)?;
    let player = Player::new(options, opened, labels.is_some())?;
    let replay = player.replay();
    let is_metered = wanted.page.is_some() || wanted.tables.is_some();
    let subject = || Subject::of_one(options, labels.as_ref());
    let metering = is_metered.then(|| Metering::new(options, replay, subject())).transpose()?;
    let trials = labels.as_ref().map(|(trials, _)| &trials[..]);
    let watch = || metering.as_ref().map(Metering::watch);
    let counted = || wanted.steps.then(|| BySteps::new(replay.plan()));
    let mut own: Vec<(Option<Watch<'_>>, Option<BySteps>)> =
        (0..trials.map_or(1, <[_]>::len)).map(|_| (watch(), counted())).collect();
    let bands = || raster::bands(replay.network(), replay.plan(), player.classes());
    let raster = wanted.raster.then(|| Raster::new(bands(), replay.tick()));
    let marks = wanted.page.map(|_| Marks::new(bands(), html::ROOM));
    let drawing = RefCell::new((raster, marks));
    let (take, answers) = player::run(replay, &mut recording, trials, &drawing, &mut own)?;
    let samples = metering.as_ref().map_or_else(Vec::new, |metering| {
        let watches = own.iter().filter_map(|(watch, _)| watch.as_ref());
        let ran = answers.all().into_iter().zip(watches).enumerate();
        ran.map(|(i, (answer, watch))| metering.metered(i, &take, answer, watch)).collect()
    });
    let format = recording.header().format;
    let made = player.made(&take, answers.outcome(), format, input, labels.as_ref());
    let mut report = player.report(&made)?;
    if let Some(tables) = wanted.tables {
        let works = energy::works(&samples);
        report.energy = tables.iter().map(|table| table.price_units(&works)).collect();
    }
    let (origin, ticks) = player::axis(&made);
    let heading = raster::heading(&made, &report.output, origin);
    let (raster, marks) = drawing.into_inner();
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
    let steps = wanted.steps.then(|| by_step(replay, &answers, &own)).transpose()?;
    Ok(Played { report, drawn, page, steps, damage: take.damage })
}

/// Counts by step of the recording, or of its trials, since the first of them began.
fn by_step<W>(
    replay: &Replay<'_>,
    answers: &Answers,
    own: &[(W, Option<BySteps>)],
) -> Result<Vec<u8>> {
    let steps = own.iter().filter_map(|(_, steps)| steps.as_ref());
    let begin = match answers {
        Answers::Whole(answer) => answer.start.unwrap_or(0),
        Answers::Trials(trials) => first_start(trials.iter().map(|(trial, _)| trial)),
    };
    let counted = answers.all().into_iter().zip(steps).enumerate().map(|(i, (answer, steps))| {
        let trial = matches!(answers, Answers::Trials(_)).then_some(i + 1);
        let start = Micros(answer.start.unwrap_or(begin).saturating_sub(begin));
        Counted { trial, start, steps }
    });
    let is_sliced = replay.settings().slice.is_some();
    let tick = (!is_sliced).then(|| replay.tick());
    by_step::csv(replay.network(), tick, &counted.collect::<Vec<_>>())
}
