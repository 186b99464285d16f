//! A recording in, an answer out: decode, order, cut, bin and run, in one pass
//! over the file and with memory that does not grow with it, unless it is to be cut into
//! equal slices.
//!
//! Several windows of one recording (the trials of a label file) are run side by
//! side in that pass, each with a state of its own.

mod field;
mod reader;
mod run;

use std::str::FromStr;
use std::time::Duration;

use crate::engine::event::{Free, Quanta};
use crate::engine::{Clocked, Engine, EventDriven, Observer, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{InputMode, OrderPolicy, Origin, Portions, Sensor, Tally, Window};
use crate::format::Recording;
use crate::measure::Counts;
use crate::network::Network;
use crate::neuron::preset::Conventions;
use crate::units::Micros;
use field::{check_channels, field};
pub use reader::Reader;
use run::Run;

/// How time is to advance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Advance {
    /// In steps.
    #[default]
    Clocked,
    /// From event to event, without a grid.
    Event,
    /// From event to event, simultaneous within a step.
    Quanta,
}

/// How a recording is to be run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The engine.
    pub advance: Advance,
    /// What the network's file leaves open.
    pub conventions: Conventions,
    /// Length of a step, or of a quantum; positive. Without a grid, the step that
    /// the convention's gains are meant for. Of frames, each lasts so long.
    pub dt: Micros,
    /// What time zero means; of frames, it is always the first one.
    pub origin: Origin,
    /// Start of the window, from the origin; steps are counted from there.
    pub from: Option<Micros>,
    /// End of the window, from the origin.
    pub to: Option<Micros>,
    /// Exactly so many steps.
    pub steps: Option<u64>,
    /// Of what the steps have equally much, instead of their length; asks for their number.
    pub slice: Option<Portions>,
    /// What several events of one pixel in one step amount to.
    pub input: InputMode,
    /// What becomes of disorder.
    pub order: OrderPolicy,
    /// The pixel array, where the file states none or a wrong one.
    pub sensor: Option<Sensor>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            advance: Advance::Clocked,
            conventions: Conventions::default(),
            dt: Micros(1_000),
            origin: Origin::First,
            from: None,
            to: None,
            steps: None,
            slice: None,
            input: InputMode::Counts,
            order: OrderPolicy::default(),
            sensor: None,
        }
    }
}

impl Settings {
    /// The time within which events are simultaneous, where it is not the step of a clock.
    pub fn quantum(&self) -> Option<Micros> {
        (self.advance == Advance::Quanta).then_some(self.dt)
    }
}

impl Advance {
    /// The name on the command line, in reports and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Advance::Clocked => "clocked",
            Advance::Event | Advance::Quanta => "event",
        }
    }
}

impl FromStr for Advance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Advance> {
        match text {
            "clocked" => Ok(Advance::Clocked),
            "event" => Ok(Advance::Event),
            _ => Err(Error::new(ErrorKind::Usage, format!("engine '{text}'"), "clocked or event")),
        }
    }
}

/// A network made ready to replay recordings.
pub struct Replay<'n> {
    network: &'n Network,
    engine: Bound,
    settings: Settings,
}

/// A network on its engine.
enum Bound {
    Clocked(Clocked),
    Event(EventDriven<Free>),
    Quanta(EventDriven<Quanta>),
}

/// What was read of a recording, whatever ran on it.
#[derive(Debug)]
pub struct Take {
    /// Events that the decoder delivered.
    pub events: u64,
    /// Time of the first and of the last of them, on the recording's clock.
    pub span: Option<(i64, i64)>,
    /// What the decoder dropped and skipped.
    pub decoded: Tally,
    /// What was put in order and dropped for want of it.
    pub ordered: Tally,
    /// Time spent on reading.
    pub elapsed: Duration,
    /// What ended the recording early; events before it count.
    pub damage: Option<Error>,
}

impl Take {
    /// What is wrong with the answer to a window of it, which may be the whole.
    pub fn problem(&self, Window { to, .. }: Window, answer: &Answer) -> Option<String> {
        let last = self.span.map_or(i64::MIN, |(_, last)| last);
        match &self.damage {
            Some(damage) if last < to => Some(damage.to_string()),
            _ if answer.is_silent() => Some(NO_EVENT.into()),
            _ if to != Window::ALL.to && last < to - 1 => {
                Some(format!("the recording ends at {last} µs, its label at {to} µs"))
            }
            _ if answer.remarks.is_empty() => None,
            _ => Some(answer.remarks.join("; ")),
        }
    }
}

/// What is said where [`Answer::is_silent`].
const NO_EVENT: &str = "no event in its window";

/// What came of one window.
#[derive(Debug)]
pub struct Answer {
    /// Where step 0 began, on the recording's clock; none if no event came.
    pub start: Option<i64>,
    /// Steps that were run.
    pub steps: u64,
    /// What the window cut off.
    pub cut: Tally,
    /// What binning merged or left outside.
    pub binned: Tally,
    /// What every unit did.
    pub counts: Counts,
    /// What a report should say about it, beyond what is said about every run.
    pub remarks: Vec<String>,
    /// Time spent on binning and running.
    pub elapsed: Duration,
}

impl Answer {
    /// Whether no event was run.
    fn is_silent(&self) -> bool {
        self.binned.kept == 0
    }

    /// What a report should say of a recording that was run whole, or in the window that was
    /// asked for.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let silent = self.is_silent().then(|| NO_EVENT.to_owned());
        silent.into_iter().chain(self.remarks.iter().cloned())
    }
}

/// Steps that may be asked for, most of them silent: eleven days of milliseconds. Who means
/// more has slipped a digit, and would wait for days to see it.
const MOST_STEPS: u64 = 1_000_000_000;

/// The longest time, the same that can be written: beyond, its microseconds are not exact.
const LONGEST: Micros = Micros(9_000_000_000_000_000);

/// Refuses more steps of a length than anybody runs.
///
/// # Errors
/// So many.
pub fn check_steps(steps: u64, dt: Micros) -> Result<()> {
    let length = i64::try_from(steps).ok().and_then(|steps| steps.checked_mul(dt.0));
    match steps <= MOST_STEPS && length.is_some_and(|length| length <= LONGEST.0) {
        true => Ok(()),
        false => {
            let found = format!("{steps} steps of {dt}");
            let expected = format!("{MOST_STEPS} at most, and {LONGEST} in all");
            Err(Error::new(ErrorKind::Usage, found, expected))
        }
    }
}

impl<'n> Replay<'n> {
    /// Binds a network to the settings.
    ///
    /// # Errors
    /// A step that is not positive, a window that ends before it begins, equal slices without
    /// their number, more steps than anybody runs; whatever the engine refuses.
    pub fn new(network: &'n Network, settings: Settings) -> Result<Replay<'n>> {
        if let (Some(from), Some(to)) = (settings.from, settings.to)
            && from >= to
        {
            let found = format!("a window from {from} to {to}");
            return Err(Error::new(ErrorKind::Usage, found, "one that ends after it begins"));
        }
        if let (Some(slice), None | Some(0)) = (settings.slice, settings.steps) {
            let found = format!("slices of equal {slice}");
            return Err(Error::new(ErrorKind::Usage, found, "how many: --steps N"));
        }
        check_steps(settings.steps.unwrap_or(0), settings.dt)?;
        let (conventions, dt) = (&settings.conventions, settings.dt);
        let engine = match settings.advance {
            Advance::Clocked => Bound::Clocked(Clocked::new(network, conventions, dt)?),
            Advance::Event => Bound::Event(EventDriven::new(network, conventions, dt)?),
            Advance::Quanta => Bound::Quanta(EventDriven::in_quanta(network, conventions, dt)?),
        };
        Ok(Replay { network, engine, settings })
    }

    /// The network.
    pub fn network(&self) -> &'n Network {
        self.network
    }

    /// What the engine made of it.
    pub fn plan(&self) -> &Plan {
        match &self.engine {
            Bound::Clocked(engine) => engine.plan(),
            Bound::Event(engine) => engine.plan(),
            Bound::Quanta(engine) => engine.plan(),
        }
    }

    /// The time in which what happens is simultaneous, which observers count in.
    pub fn tick(&self) -> Micros {
        match &self.engine {
            Bound::Clocked(engine) => engine.tick(),
            Bound::Event(engine) => engine.tick(),
            Bound::Quanta(engine) => engine.tick(),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What a report should say of runs of so many steps each, if samples of a data set
    /// would take another number: as many as the network learned from.
    pub fn other_steps(&self, ran: impl IntoIterator<Item = u64>) -> Option<String> {
        let Settings { dt, steps, slice, .. } = self.settings;
        let is_free = steps.is_none() && slice.is_none() && self.network.dt == Some(dt);
        let own: u64 = self.network.steps.as_ref().filter(|_| is_free)?.parse().ok()?;
        ran.into_iter().any(|steps| steps > 0 && steps != own).then(|| {
            format!(
                "run to its end; the network learned from {own} steps a sample, which eval, and \
                 energy of a folder, run: --steps {own} does so here"
            )
        })
    }

    /// Runs a whole recording, or the window that the settings cut out of it.
    /// `progress` is told the offset that has been reached in the file.
    ///
    /// # Errors
    /// A recording that does not fit the network, and one that was read already: every run
    /// opens its own. Damage is no error here: it is part of the [`Take`].
    pub fn run<O: Observer>(
        &self,
        recording: &mut Recording,
        observer: O,
        progress: impl FnMut(u64),
    ) -> Result<(Take, Answer)> {
        let (take, mut answers) = self.pass(recording, vec![(None, observer)], progress)?;
        Ok((take, answers.swap_remove(0)))
    }

    /// Runs several windows of a recording, each from a fresh state; windows may
    /// overlap. Every window has its own observer.
    ///
    /// # Errors
    /// As [`Replay::run`].
    pub fn run_windows<O: Observer>(
        &self,
        recording: &mut Recording,
        windows: impl IntoIterator<Item = (Window, O)>,
        progress: impl FnMut(u64),
    ) -> Result<(Take, Vec<Answer>)> {
        let windows = windows.into_iter().map(|(window, observer)| (Some(window), observer));
        self.pass(recording, windows.collect(), progress)
    }

    fn pass<O: Observer>(
        &self,
        recording: &mut Recording,
        windows: Vec<(Option<Window>, O)>,
        progress: impl FnMut(u64),
    ) -> Result<(Take, Vec<Answer>)> {
        match &self.engine {
            Bound::Clocked(engine) => self.pass_on(engine, recording, windows, progress),
            Bound::Event(engine) => self.pass_on(engine, recording, windows, progress),
            Bound::Quanta(engine) => self.pass_on(engine, recording, windows, progress),
        }
    }

    fn pass_on<O: Observer>(
        &self,
        engine: &impl Engine,
        recording: &mut Recording,
        windows: Vec<(Option<Window>, O)>,
        mut progress: impl FnMut(u64),
    ) -> Result<(Take, Vec<Answer>)> {
        refuse_spent(recording)?;
        let header = recording.header();
        let sensor = self.settings.sensor.or(header.sensor);
        let input = &self.network.units[self.network.input];
        let field = field(&input.input, sensor)
            .and_then(|field| check_channels(field, header.channels))
            .map_err(|e| {
                e.at(format!("node '{}' (Input)", input.name)).in_file(recording.path())
            })?;
        recording.set_frame(self.settings.dt);
        let has_frames = recording.frames().is_some();
        // observers that share a picture are to see one window after the other
        let mut windows: Vec<_> = windows.into_iter().enumerate().collect();
        windows.sort_by_key(|(_, (window, _))| window.map(|window| window.from));
        let run = |(place, (window, observer))| {
            (place, Run::new(self, engine, field, has_frames, window, observer))
        };
        let (places, mut runs): (Vec<usize>, Vec<Run<_, O>>) = windows.into_iter().map(run).unzip();
        let mut reader = Reader::new(self.settings.order);
        while let Some(events) = reader.next(recording) {
            runs.iter_mut().for_each(|run| run.feed(events));
            progress(recording.offset());
        }
        let frames = recording.frames();
        let answers = runs.into_iter().map(|run| run.finish(frames));
        let mut answers: Vec<(usize, Answer)> = places.into_iter().zip(answers).collect();
        answers.sort_by_key(|(place, _)| *place);
        let answers = answers.into_iter().map(|(_, answer)| answer).collect();
        Ok((reader.finish(recording), answers))
    }
}

/// What was read is not read again: it would pass for silence.
fn refuse_spent(recording: &Recording) -> Result<()> {
    match recording.tally().read {
        0 => Ok(()),
        read => {
            let found = format!("a recording of which {read} events were read before");
            let error = Error::new(ErrorKind::Usage, found, "one that was just opened");
            Err(error.in_file(recording.path()))
        }
    }
}
