//! What is trained on: the events of all samples, and how they become steps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::config::{DataSpec, Slice};
use super::parts::{parts, shared};
use crate::corpus::cifar10dvs::Split;
use crate::corpus::{Corpus, Part};
use crate::digest::{self, Digest};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{
    Batch, Binner, Cause, Field, Grid, InputMode, OrderPolicy, Sensor, Slicer, Tally, Window,
};
use crate::format::Recording;
use crate::replay::Reader;
use crate::signal::Spikes;
use crate::units::Micros;

/// All samples, in memory.
#[derive(Debug)]
pub struct Data {
    /// How the data set was cut.
    pub cut: &'static str,
    /// How it was split, where it does not come split.
    pub split: Option<Split>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What is wrong with the data set.
    pub defects: Vec<Error>,
    /// What became of the events of all recordings; those kept are in one sample or several.
    pub tally: Tally,
    /// SHA-256 of the samples, in order: their classes, parts and events.
    sha256: String,
    samples: Vec<Sample>,
    sensor: Sensor,
    slicing: Slicing,
}

/// How events become steps.
#[derive(Clone, Copy, Debug)]
pub struct Slicing {
    /// How many.
    pub steps: usize,
    /// What each is.
    pub slice: Slice,
    /// What several events of a pixel in a step are.
    pub input: InputMode,
}

/// A sample: its events in order, those outside the sensor left out.
#[derive(Debug)]
struct Sample {
    class: usize,
    part: Part,
    events: Vec<Event>,
}

/// An event in eight bytes.
#[derive(Clone, Copy, Debug)]
struct Event {
    /// µs since the first one of the recording or its window.
    t: u32,
    x: u16,
    /// The row, and the polarity in the highest bit.
    y_on: u16,
}

const ON: u16 = 1 << 15;

impl Data {
    /// Reads all samples; `tell` hears how many of how many were read.
    ///
    /// # Errors
    /// Files that cannot be read or are damaged, a list that does not fit, no samples.
    pub fn read(spec: &DataSpec, tell: &(dyn Fn(usize, usize) + Sync)) -> Result<Data> {
        let root = Path::new(&spec.path);
        let corpus = match &spec.list {
            Some(list) => Corpus::listed(root, Path::new(list))?,
            None => Corpus::open(root)?,
        };
        let corpus = corpus.split(spec.split).map_err(|e| e.at("'data.split'"))?;
        let parts = parts(&corpus, spec)?;
        let Corpus { cut, classes, samples: entries, split, defects } = corpus;
        let mut by_file: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
        for (i, entry) in entries.iter().enumerate() {
            by_file.entry(&entry.path).or_default().push(i);
        }
        let (files, done) = (by_file.len(), AtomicUsize::new(0));
        let read = |(path, at): (&Path, Vec<usize>)| {
            let windows: Vec<Window> = at.iter().map(|&i| entries[i].window).collect();
            let (events, wrong, tally) = read_events(path, &windows, spec.sensor)?;
            tell(1 + done.fetch_add(1, Ordering::Relaxed), files);
            let sample = |(i, events): (usize, Vec<Event>)| {
                let class = classes.iter().position(|class| *class == entries[i].class);
                let class = class.expect("a class of the entries");
                (i, Sample { class, part: parts[i], events })
            };
            Ok((at.into_iter().zip(events).map(sample).collect(), wrong, tally))
        };
        let files: Result<Vec<(Vec<_>, Vec<Error>, Tally)>> =
            by_file.into_par_iter().map(read).collect();
        let (mut read, mut defects, mut tally) = (Vec::new(), defects, Tally::default());
        defects.extend(shared(&entries, &parts));
        for (samples, wrong, of_file) in files? {
            read.extend(samples);
            defects.extend(wrong);
            tally = tally.plus(&of_file);
        }
        read.sort_by_key(|(i, _)| *i);
        let samples: Vec<Sample> = read.into_iter().map(|(_, sample)| sample).collect();
        let sha256 = digest(&classes, &samples);
        let (sensor, slicing) = (spec.sensor, spec.slicing());
        Ok(Data { cut, split, classes, defects, tally, sha256, samples, sensor, slicing })
    }

    /// What tells these samples from all others.
    pub fn identity(&self) -> String {
        format!("{} samples, SHA-256 {}", self.samples.len(), self.sha256)
    }

    /// The samples of a part.
    pub fn part(&self, part: Part) -> Vec<usize> {
        (0..self.samples.len()).filter(|&i| self.samples[i].part == part).collect()
    }

    /// The class of a sample.
    pub fn class(&self, sample: usize) -> usize {
        self.samples[sample].class
    }

    /// Bytes of all events in memory.
    pub fn bytes(&self) -> usize {
        self.samples.iter().map(|sample| size_of::<Event>() * sample.events.capacity()).sum()
    }

    /// The most events that so many samples have together.
    pub fn most_events(&self, samples: usize) -> usize {
        let mut counts: Vec<usize> = self.samples.iter().map(|s| s.events.len()).collect();
        counts.sort_unstable();
        counts.iter().rev().take(samples).sum()
    }

    /// The features of an input: polarities, rows, columns.
    pub fn features(&self) -> [usize; 3] {
        [2, self.sensor.height.into(), self.sensor.width.into()]
    }

    /// The sensor.
    pub fn sensor(&self) -> Sensor {
        self.sensor
    }

    /// The events of a sample; time 0 is that of the first, inside the sensor or not.
    pub fn events(&self, sample: usize) -> Batch {
        let event = |e: &Event| (i64::from(e.t), e.x, e.y_on & !ON, e.y_on & ON != 0);
        self.samples[sample].events.iter().map(event).collect()
    }

    /// Hands every step of some events that is not empty to `emit`, with its number.
    pub fn slice(&self, events: Batch, channels_first: bool, emit: impl FnMut(u64, &Spikes)) {
        self.slice_as(self.slicing, events, channels_first, emit);
    }

    /// The same for other steps.
    pub fn slice_as(
        &self,
        Slicing { steps, slice, input }: Slicing,
        events: Batch,
        channels_first: bool,
        mut emit: impl FnMut(u64, &Spikes),
    ) {
        let Sensor { width, height } = self.sensor;
        let field = Field { width, height, channels: 2, channels_first };
        let (steps, all) = (steps as u64, 0..events.len());
        match slice {
            Slice::Length(dt) => {
                let mut binner = Binner::new(Grid { start: 0, dt }, field, input, Some(steps));
                binner.push(&events, all, &mut emit);
                binner.finish(&mut emit);
            }
            Slice::Equal(portions) => {
                let mut slicer = Slicer::new(portions, steps, field, input);
                slicer.push(&events, all);
                slicer.finish(emit);
            }
        }
    }
}

/// SHA-256 of samples: what each is for, and its events.
fn digest(classes: &[String], samples: &[Sample]) -> String {
    let of_one = |sample: &Sample| {
        let mut digest = Digest::default();
        digest.add(format!("{} {}\n", classes[sample.class], sample.part.name()));
        let bytes = sample.events.iter().flat_map(|&Event { t, x, y_on }| {
            let event = u64::from(t) << 32 | u64::from(x) << 16 | u64::from(y_on);
            event.to_le_bytes()
        });
        digest.add(bytes.collect::<Vec<u8>>());
        digest.hex()
    };
    let each: Vec<String> = samples.par_iter().map(of_one).collect();
    digest::of(each.concat())
}

/// The events of each window of a recording, what is wrong with those windows, and what
/// became of the recording's events.
fn read_events(
    path: &Path,
    windows: &[Window],
    sensor: Sensor,
) -> Result<(Vec<Vec<Event>>, Vec<Error>, Tally)> {
    let mut recording = Recording::open(path, None)?;
    let mut reader = Reader::new(OrderPolicy::default());
    let mut samples: Vec<(Option<i64>, Vec<Event>)> = vec![Default::default(); windows.len()];
    let (mut between, mut outside) = (0, 0);
    while let Some(batch) = reader.next(&mut recording) {
        for (t, x, y, on) in batch.iter() {
            let is_inside = x < sensor.width && y < sensor.height && y < ON;
            let mut is_in_any = false;
            for (Window { from, to }, (first, events)) in windows.iter().zip(&mut samples) {
                if !(*from..*to).contains(&t) {
                    continue;
                }
                is_in_any = true;
                let since = t.saturating_sub(*first.get_or_insert(t));
                let t = u32::try_from(since).map_err(|_| too_long(since).in_file(path))?;
                if is_inside {
                    events.push(Event { t, x, y_on: y | if on { ON } else { 0 } });
                }
            }
            between += u64::from(!is_in_any);
            outside += u64::from(is_in_any && !is_inside);
        }
    }
    let take = reader.finish(&recording);
    if let Some(damage) = take.damage {
        return Err(damage);
    }
    let mut tally = take.decoded;
    take.ordered.dropped.iter().for_each(|(&cause, &n)| tally.retract(cause, n));
    take.ordered.noted.iter().for_each(|(&cause, &n)| tally.note(cause, n));
    tally.retract(Cause::BetweenTrials, between);
    tally.retract(Cause::Outside, outside);
    tally.assert_conserved();
    let last = take.span.map(|(_, last)| last);
    let windows = windows.iter().zip(&samples);
    let wrong = windows.filter_map(|(window, (first, _))| defect(*window, *first, last));
    let wrong = wrong.map(|e| e.in_file(path)).collect();
    Ok((samples.into_iter().map(|(_, events)| events).collect(), wrong, tally))
}

/// What is wrong with a window whose first event, and whose recording's last, were these.
fn defect(window: Window, first: Option<i64>, last: Option<i64>) -> Option<Error> {
    let Window { from, to } = window;
    let place = (from != Window::ALL.from).then(|| format!("from {from} µs"));
    let error = match (first, last) {
        (None, _) => Error::new(ErrorKind::Corrupt, "no event in its window", "a sample"),
        (_, Some(last)) if to != Window::ALL.to && last < to - 1 => {
            let found = format!("a recording that ends at {last} µs");
            Error::new(ErrorKind::Corrupt, found, format!("events until its label ends, {to} µs"))
        }
        _ => return None,
    };
    Some(place.into_iter().fold(error, Error::at))
}

fn too_long(since: i64) -> Error {
    let found = format!("an event {} after the first", Micros(since));
    Error::new(ErrorKind::Unsupported, found, "samples of an hour at most")
}
