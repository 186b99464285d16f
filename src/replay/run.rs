//! Running: one window of a recording on its way through the network.

use std::time::{Duration, Instant};

use super::{Answer, Replay, Settings};
use crate::engine::{Engine, Observer};
use crate::event::{Batch, Binner, Field, Grid, Origin, Slicer, Tally, Window};
use crate::measure::{Counts, Readout};
use crate::network::Network;
use crate::signal::Spikes;

/// A window with its own binner, state and observers.
pub struct Run<'r, E: Engine, O> {
    engine: &'r E,
    network: &'r Network,
    settings: &'r Settings,
    field: Field,
    is_trial: bool,
    has_frames: bool,
    window: Option<Window>,
    start: Option<i64>,
    binner: Option<Binner>,
    slicer: Option<Slicer>,
    state: E::State,
    observer: (Counts, O),
    cut: Tally,
    /// Steps, and what became of the events in them, once nothing more can come.
    ran: Option<(u64, Tally)>,
    elapsed: Duration,
}

impl<'r, E: Engine, O: Observer> Run<'r, E, O> {
    /// A run over a trial's window, or over the one that the settings ask for.
    pub fn new(
        replay: &'r Replay<'_>,
        engine: &'r E,
        field: Field,
        has_frames: bool,
        trial: Option<Window>,
        observer: O,
    ) -> Run<'r, E, O> {
        let settings = &replay.settings;
        let slicer = settings.slice.zip(settings.steps);
        let slicer =
            slicer.map(|(portions, steps)| Slicer::new(portions, steps, field, settings.input));
        Run {
            engine,
            network: replay.network,
            settings,
            field,
            is_trial: trial.is_some(),
            has_frames,
            window: trial,
            start: None,
            binner: None,
            slicer,
            state: engine.start(),
            observer: (Counts::new(replay.network, engine.plan()), observer),
            cut: Tally::default(),
            ran: None,
            elapsed: Duration::ZERO,
        }
    }

    /// Takes the next events of the recording, in order.
    pub fn feed(&mut self, events: &Batch) {
        let Some(&first) = events.t.first() else { return };
        let began = Instant::now();
        let window = self.window.unwrap_or_else(|| self.asked_window(first));
        self.window = Some(window);
        let inside = window.cut(events, &mut self.cut);
        if let Some(slicer) = &mut self.slicer {
            self.start = self.start.or(events.t[inside.clone()].first().copied());
            slicer.push(events, inside);
        } else if let Some(&first) = events.t[inside.clone()].first() {
            if self.binner.is_none() {
                let start = self.first_edge(window, first);
                self.start = Some(start);
                self.binner = Some(self.binner(start));
            }
            let Run { engine, state, observer, binner: Some(binner), .. } = self else { return };
            binner.push(events, inside, |tick, input| {
                engine.receive(state, tick, input, observer);
            });
        }
        // an observer of several trials is to see the end of one before the next begins
        let is_over = events.t.last().is_some_and(|&last| last >= window.to);
        if self.is_trial && is_over && self.ran.is_none() {
            self.run_out(None);
        }
        self.elapsed += began.elapsed();
    }

    /// Runs what is left. Of a recording of frames, so many were read.
    fn run_out(&mut self, frames: Option<u64>) {
        let ticks_per_step = self.ticks_per_step();
        let mut binner = self.binner.take().unwrap_or_else(|| self.binner(0));
        let silent = frames.map_or(0, |frames| self.steps_of(frames));
        let Run { engine, slicer, state, observer, .. } = self;
        let mut receive = |tick, input: &Spikes| engine.receive(state, tick, input, observer);
        let sliced = slicer.take();
        let sliced = sliced
            .map(|slicer| slicer.finish(|slice, input| receive(slice * ticks_per_step, input)));
        let steps = binner.finish(receive).div_ceil(ticks_per_step).max(silent);
        let binned = sliced.unwrap_or_else(|| binner.tally().clone());
        engine.finish(state, steps * ticks_per_step, observer);
        self.ran = Some((steps, binned));
    }

    /// Runs what is left, and gives the account. Of a recording of frames, so many
    /// were read.
    pub fn finish(mut self, frames: Option<u64>) -> Answer {
        let began = Instant::now();
        if self.ran.is_none() {
            self.run_out(frames);
        }
        let remarks = self.remarks();
        let (cut, (steps, binned)) = (self.cut, self.ran.unwrap_or_default());
        cut.assert_conserved();
        assert_eq!(cut.kept, binned.read, "events were lost between cut and steps");
        Answer {
            start: self.start,
            steps,
            cut,
            binned,
            counts: self.observer.0,
            remarks,
            elapsed: self.elapsed + began.elapsed(),
        }
    }

    /// What the engine says of its units, and of means that are no numbers.
    fn remarks(&self) -> Vec<String> {
        let name = |unit: usize| &self.network.units[unit].name;
        let of_units = self.engine.remarks(&self.state).into_iter();
        let mut remarks: Vec<String> =
            of_units.map(|(unit, remark)| format!("'{}': {remark}", name(unit))).collect();
        if let Readout::Mean(means) = self.observer.0.readout(1)
            && means.iter().any(|mean| !mean.is_finite())
        {
            remarks.push(format!("'{}': means beyond all numbers", name(self.network.output)));
        }
        remarks
    }

    fn binner(&self, start: i64) -> Binner {
        let grid = Grid { start, dt: self.engine.tick() };
        let limit = self.settings.steps.map(|n| n.saturating_mul(self.ticks_per_step()));
        Binner::new(grid, self.field, self.settings.input, limit)
    }

    fn ticks_per_step(&self) -> u64 {
        (self.settings.dt.0 / self.engine.tick().0) as u64
    }

    /// Steps from step 0 to the end of this many frames, silent ones among them;
    /// none where something else says how many.
    fn steps_of(&self, frames: u64) -> u64 {
        if self.is_trial || self.settings.steps.is_some() {
            return 0;
        }
        let dt = self.settings.dt.0;
        let window = self.asked_window(0);
        let start = self.start.unwrap_or(window.from.max(0));
        let end = dt.saturating_mul(i64::try_from(frames).unwrap_or(i64::MAX)).min(window.to);
        (end.saturating_sub(start).max(0) as u64).div_ceil(dt as u64)
    }

    /// Where step 0 begins: at the start that was asked for, else at the first
    /// frame or event, or at the edge before it of a grid that holds time zero.
    fn first_edge(&self, window: Window, first: i64) -> i64 {
        let dt = self.settings.dt.0;
        match self.settings.origin {
            _ if self.settings.from.is_some() && !self.is_trial => window.from,
            _ if self.has_frames && !self.is_trial => 0,
            Origin::First => first,
            Origin::Absolute => first.div_euclid(dt).saturating_mul(dt),
        }
    }

    /// The window that the settings ask for, given the time of the first event.
    fn asked_window(&self, first: i64) -> Window {
        let zero = match self.settings.origin {
            Origin::First if !self.has_frames => first,
            _ => 0,
        };
        Window {
            from: self.settings.from.map_or(i64::MIN, |from| zero.saturating_add(from.0)),
            to: self.settings.to.map_or(i64::MAX, |to| zero.saturating_add(to.0)),
        }
    }
}
