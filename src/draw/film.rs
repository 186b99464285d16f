//! A run as a moving picture: input events beside the spikes of every layer, and the answer
//! so far.
//!
//! [`Film`] observes a run and writes a frame whenever the time of one is over, so that
//! what it keeps does not grow with the run.

use std::collections::VecDeque;
use std::fs::File;

use super::movie::{Movie, Moving};
use super::raster::Band;
use super::still::{self, Still};
use crate::engine::Observer;
use crate::error::Result;
use crate::signal::Spikes;
use crate::units::Micros;

/// How far back the answer looks.
const MEMORY: Micros = Micros(1_000_000);

/// What a film shows.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The title.
    pub title: String,
    /// Where it comes from.
    pub subtitle: String,
    /// The input.
    pub input: Band,
    /// Its columns and rows; as many polarities as it has more elements.
    pub pixels: (usize, usize),
    /// Spiking populations.
    pub layers: Vec<Band>,
    /// What gives the answer.
    pub output: Option<Output>,
    /// Trials, whose right answers are known, by their beginnings; none if the run is one.
    pub trials: Vec<Labelled>,
}

/// A trial of a run.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Its first tick.
    pub from: u64,
    /// The first tick behind it.
    pub to: u64,
    /// The right answer.
    pub name: String,
    /// Which output that is.
    pub output: Option<usize>,
}

impl Cast {
    /// The trial of a tick, of several the last.
    pub fn trial(&self, tick: u64) -> Option<usize> {
        self.trials.iter().rposition(|trial| (trial.from..trial.to).contains(&tick))
    }
}

/// What gives the answer: spikes, or values of which the mean counts.
#[derive(Clone, Debug)]
pub struct Output {
    /// The unit.
    pub band: Band,
    /// Whether it spikes.
    pub spikes: bool,
}

/// How time passes in a film.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The ticks that the observed engine counts in.
    pub tick: Micros,
    /// Ticks of a frame.
    pub ticks: u64,
    /// How long a frame is shown.
    pub shown: Micros,
    /// How long the run will be.
    pub length: Micros,
}

/// An observer that makes a film.
pub struct Film {
    still: Still,
    movie: Movie,
    pace: Pace,
    /// Frames that are written.
    frames: u64,
    seen: Seen,
    /// The first error of the file; nothing is written after it.
    written: Result<()>,
}

/// What happened in a frame, and before it.
pub struct Seen {
    /// Events of each element of the input, counted as files count.
    pub input: Vec<u32>,
    /// Spikes of each neuron of each layer.
    pub layers: Vec<Vec<u32>>,
    /// What each output sent in each of the last frames, this one first; in a trial, in each
    /// since it began.
    pub outputs: VecDeque<Vec<f64>>,
    /// Which trial that is.
    pub trial: Option<usize>,
}

impl Film {
    /// A film of a run that has not begun.
    ///
    /// # Errors
    /// Those of the file.
    pub fn new(cast: Cast, pace: Pace, file: File, format: Moving) -> Result<Film> {
        let seen = Seen {
            input: vec![0; cast.input.shape.len()],
            layers: cast.layers.iter().map(|band| vec![0; band.shape.len()]).collect(),
            outputs: VecDeque::new(),
            trial: None,
        };
        let still = Still::new(cast, pace);
        let movie = Movie::new(file, format, still.size(), still::colours())?;
        let mut film = Film { still, movie, pace, frames: 0, seen, written: Ok(()) };
        film.begin_frame();
        Ok(film)
    }

    /// Ends the film after `ticks` ticks; gives the number of its frames.
    ///
    /// # Errors
    /// Those of the file, whenever they came up.
    pub fn finish(mut self, ticks: u64) -> Result<u64> {
        let frames = ticks.div_ceil(self.pace.ticks).max(self.frames + 1);
        self.advance(frames);
        self.written?;
        self.movie.finish()?;
        Ok(frames)
    }

    /// Writes frames until so many are written.
    fn advance(&mut self, frames: u64) {
        while self.frames < frames && self.written.is_ok() {
            let scene = self.still.draw(&self.seen, self.frames);
            self.written = self.movie.push(&scene, self.pace.shown);
            self.frames += 1;
            self.begin_frame();
        }
    }

    fn begin_frame(&mut self) {
        let Seen { input, layers, outputs, .. } = &mut self.seen;
        input.fill(0);
        layers.iter_mut().for_each(|layer| layer.fill(0));
        if let Some(output) = &self.still.cast.output {
            outputs.push_front(vec![0.0; output.band.shape.len()]);
            if self.still.cast.trials.is_empty() {
                outputs.truncate(self.pace.remembered());
            }
        }
    }

    /// Forgets what outputs sent in another trial than that of this tick.
    fn begin_trial(&mut self, tick: u64) {
        let trial = self.still.cast.trial(tick);
        if trial != self.seen.trial {
            self.seen.trial = trial;
            self.seen.outputs.truncate(1);
            self.seen.outputs.iter_mut().for_each(|sums| sums.fill(0.0));
        }
    }
}

impl Pace {
    /// How long a frame lasts in the run.
    pub fn frame(&self) -> Micros {
        Micros(self.tick.0.saturating_mul(i64::try_from(self.ticks).unwrap_or(i64::MAX)))
    }

    /// Frames that the answer looks back on.
    pub fn remembered(&self) -> usize {
        (MEMORY.0 / self.frame().0).max(1) as usize
    }
}

impl Observer for Film {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        self.advance(step / self.pace.ticks);
        self.begin_trial(step);
        let Cast { input, layers, output, .. } = &self.still.cast;
        let add = |counts: &mut [u32], band: &Band| {
            for (&address, &count) in sent.index.iter().zip(&sent.count) {
                let sum = &mut counts[band.shape.element(address as usize)];
                *sum = sum.saturating_add(count);
            }
        };
        if unit == input.unit {
            add(&mut self.seen.input, input);
        }
        for (counts, band) in self.seen.layers.iter_mut().zip(layers) {
            if unit == band.unit {
                add(counts, band);
            }
        }
        if let Some(output) = output.as_ref().filter(|output| output.band.unit == unit) {
            for (address, value, count) in sent.iter() {
                let element = output.band.shape.element(address as usize);
                let more = if output.spikes { f64::from(count) } else { f64::from(value) };
                self.seen.outputs[0][element] += more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::raster::Rows;
    use super::super::scene::Item;
    use super::*;
    use crate::signal::Shape;

    fn band(unit: usize, neurons: usize, rows: Rows) -> Band {
        let shape = Shape::new(&[neurons]).unwrap();
        Band { unit, label: "a".into(), shape, rows }
    }

    /// Frames of ten ticks, trials, and outputs a and b.
    fn film() -> Film {
        let trial = |from, to, name: &str, output| Labelled {
            from,
            to,
            name: name.into(),
            output: Some(output),
        };
        film_of(vec![trial(5, 25, "b", 1), trial(45, 70, "a", 0)], true, 70_000)
    }

    fn film_of(trials: Vec<Labelled>, spikes: bool, length: i64) -> Film {
        let names = Rows::Classes(Some(vec!["a".into(), "b".into()]));
        let cast = Cast {
            title: String::new(),
            subtitle: String::new(),
            input: band(0, 1, Rows::Neurons),
            pixels: (1, 1),
            layers: Vec::new(),
            output: Some(Output { band: band(1, 2, names), spikes }),
            trials,
        };
        let (tick, shown) = (Micros(1_000), Micros(20_000));
        let pace = Pace { tick, ticks: 10, shown, length: Micros(length) };
        let file = tempfile::tempfile().unwrap();
        Film::new(cast, pace, file, Moving::Gif).unwrap()
    }

    /// The texts of the frame that is not yet written, and whether a full box is among them.
    fn says(film: &Film) -> (Vec<String>, bool) {
        let scene = film.still.draw(&film.seen, film.frames);
        let texts = scene.items.iter().filter_map(|item| match item {
            Item::Text(text) => Some(text.text.clone()),
            _ => None,
        });
        let is_box = |item: &Item| matches!(item, Item::Fill(fill) if fill.rects.iter().any(|r| (r.w, r.h) == (11, 11)));
        (texts.collect(), scene.items.iter().any(is_box))
    }

    #[test]
    fn the_last_frame_speaks_of_no_time_behind_the_end() {
        let mut film = film_of(Vec::new(), false, 24_000);
        let mut values = Spikes::default();
        values.push(0, 0.5, 1);
        (0..24).for_each(|tick| film.sent(tick, 1, &values));
        let (texts, _) = says(&film);
        let says = |text: &str| assert!(texts.contains(&text.to_owned()), "{text}: {texts:?}");
        says("answer, by the mean of the last 24 ms");
        says("0.50");
        says("0.024000 of 0.024000 s");
    }

    #[test]
    fn each_trial_begins_anew_and_its_label_is_beside_its_answer() {
        let mut film = film();
        let mut send = |tick, output| {
            let mut spikes = Spikes::default();
            spikes.push(output, 1.0, 1);
            film.sent(tick, 1, &spikes);
            says(&film)
        };
        send(12, 0);
        send(18, 1);
        let (texts, is_full) = send(19, 1);
        assert!(
            texts.contains(&"answer, by the spikes of trial 1 of 2 so far".into()),
            "{texts:?}"
        );
        assert!(texts.contains(&"label: b".into()) && texts.contains(&"right".into()) && is_full);
        // nobody's: the time between trials has neither label nor verdict
        let (texts, is_full) = send(31, 0);
        assert!(texts.contains(&"between trials".into()) && !is_full, "{texts:?}");
        assert!(!texts.iter().any(|text| text.starts_with("label") || text == "right"));
        // of two spikes of b the first trial's are forgotten
        let (texts, is_full) = send(46, 1);
        assert!(texts.contains(&"label: a".into()) && texts.contains(&"wrong".into()), "{texts:?}");
        assert!(texts.contains(&"1".into()) && !is_full, "{texts:?}");
        send(51, 0);
        let (texts, is_full) = send(52, 0);
        assert!(texts.contains(&"2".into()) && texts.contains(&"right".into()) && is_full);
    }
}
