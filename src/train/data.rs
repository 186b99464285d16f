//! What is trained on: recordings, their classes and who made them, in three parts.
//!
//! | source | class | user |
//! |---|---|---|
//! | a folder of folders | name of the folder that a file is in | |
//! | DVS128 Gesture: recordings with a `_labels.csv` beside each | its trials | `user07` of `user07_led.aedat` |
//! | a list | `file,class` and maybe `part` (train, validation, test), `user`, `from`, `to` | |
//!
//! Paths of a list are in the folder of the data; `from` and `to` are µs on the clock of
//! the recording. Classes are in the order of their numbers where all are numbers, else
//! of their names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use rayon::prelude::*;
use serde::Deserialize;

use super::config::{DataSpec, Held, Slice};
use crate::corpus::gesture;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Binner, Field, Grid, InputMode, OrderPolicy, Sensor, Tally, Window};
use crate::format::Recording;
use crate::replay::Reader;
use crate::signal::Spikes;
use crate::units::Micros;

/// What a sample is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// To be trained on.
    Train,
    /// To choose by.
    Validation,
    /// To be reported on, once.
    Test,
}

/// All samples, in memory.
#[derive(Debug)]
pub struct Data {
    /// Names of the classes.
    pub classes: Vec<String>,
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

/// Where a sample is, and what is known of it.
#[derive(Clone, Debug)]
struct Entry {
    path: PathBuf,
    window: Window,
    class: String,
    user: Option<String>,
    part: Option<Part>,
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
        let entries = match &spec.list {
            Some(list) => listed(root, Path::new(list))?,
            None => found(root)?,
        };
        let classes = classes(&entries);
        let parts = parts(&entries, spec)?;
        let mut by_file: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
        for (i, entry) in entries.iter().enumerate() {
            by_file.entry(&entry.path).or_default().push(i);
        }
        let (files, done) = (by_file.len(), AtomicUsize::new(0));
        let read = |(path, at): (&Path, Vec<usize>)| {
            let windows: Vec<Window> = at.iter().map(|&i| entries[i].window).collect();
            let events = read_events(path, &windows, spec.sensor)?;
            tell(1 + done.fetch_add(1, Ordering::Relaxed), files);
            let sample = |(i, events): (usize, Vec<Event>)| {
                let class = classes.iter().position(|class| *class == entries[i].class);
                let class = class.expect("a class of the entries");
                (i, Sample { class, part: parts[i], events })
            };
            Ok(at.into_iter().zip(events).map(sample).collect())
        };
        let read: Result<Vec<Vec<_>>> = by_file.into_par_iter().map(read).collect();
        let mut read: Vec<(usize, Sample)> = read?.into_iter().flatten().collect();
        read.sort_by_key(|(i, _)| *i);
        let samples = read.into_iter().map(|(_, sample)| sample).collect();
        Ok(Data { classes, samples, sensor: spec.sensor, slicing: spec.slicing() })
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
        mut events: Batch,
        channels_first: bool,
        mut emit: impl FnMut(u64, &Spikes),
    ) {
        let Sensor { width, height } = self.sensor;
        let field = Field { width, height, channels: 2, channels_first };
        let dt = match slice {
            Slice::Length(dt) => dt,
            Slice::Number => {
                let each = (events.len() / steps).max(1) as i64;
                let last = steps as i64 - 1;
                let step = |i: usize| (i as i64 / each).min(last);
                events.t = (0..events.len()).map(step).collect();
                Micros(1)
            }
            Slice::Time => {
                let first = events.t.first().copied().unwrap_or(0);
                let span = events.t.last().map_or(1, |last| last - first + 1);
                let step = |t: &i64| (t - first) * steps as i64 / span;
                events.t = events.t.iter().map(step).collect();
                Micros(1)
            }
        };
        let limit = Some(steps as u64);
        let mut binner = Binner::new(Grid { start: 0, dt }, field, input, limit);
        binner.push(&events, 0..events.len(), &mut emit);
        binner.finish(&mut emit);
    }
}

/// The recordings below a folder.
fn found(root: &Path) -> Result<Vec<Entry>> {
    let files = disk::files(root)?;
    let trials: Vec<PathBuf> = files.iter().filter_map(|file| labels_of(file)).collect();
    if !trials.is_empty() {
        return gestures(&files);
    }
    let in_folders = files.iter().filter(|file| file.parent() != Some(root));
    let entry = |file: &PathBuf| {
        let class = file.parent()?.file_name()?.to_string_lossy().into_owned();
        Some(Entry { path: file.clone(), window: Window::ALL, class, user: None, part: None })
    };
    let entries: Vec<Entry> = in_folders.filter_map(entry).collect();
    match entries.is_empty() {
        false => Ok(entries),
        true => {
            let found = "neither folders of recordings nor labels beside them";
            let expected = "a folder a class, recordings with a _labels.csv, or a list";
            Err(Error::new(ErrorKind::Usage, found, expected).in_file(root))
        }
    }
}

/// The label file beside a recording of DVS128 Gesture, if it has one.
fn labels_of(recording: &Path) -> Option<PathBuf> {
    let stem = recording.file_stem()?.to_str()?;
    let labels = recording.with_file_name(format!("{stem}_labels.csv"));
    labels.is_file().then_some(labels)
}

fn gestures(files: &[PathBuf]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for path in files {
        let Some(labels) = labels_of(path) else { continue };
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let user = stem.split('_').next().map(str::to_owned);
        for trial in gesture::read_labels(&labels)? {
            entries.push(Entry {
                path: path.clone(),
                window: trial.window,
                class: trial.class.to_string(),
                user: user.clone(),
                part: None,
            });
        }
    }
    Ok(entries)
}

/// A line of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: PathBuf,
    class: String,
    part: Option<Part>,
    user: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
}

fn listed(root: &Path, list: &Path) -> Result<Vec<Entry>> {
    let corrupt = |e: csv::Error| {
        let line = e.position().map_or(0, csv::Position::line);
        let found = match e.into_kind() {
            csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
            csv::ErrorKind::Io(e) => return Error::from(e).in_file(list),
            other => format!("{other:?}"),
        };
        let expected = "file,class and maybe part (train, validation, test), user, from, to";
        Error::new(ErrorKind::Corrupt, found, expected).at(format!("line {line}")).in_file(list)
    };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(list).map_err(corrupt)?;
    let mut entries = Vec::new();
    for (i, row) in reader.deserialize::<Row>().enumerate() {
        let row = row.map_err(corrupt)?;
        let path = root.join(&row.file);
        let refuse = |found: String, expected: &str| {
            let place = format!("line {}", i + 2);
            Err(Error::new(ErrorKind::Usage, found, expected).at(place).in_file(list))
        };
        if !path.is_file() {
            return refuse(
                format!("'{}'", row.file.display()),
                &format!("a file in {}", root.display()),
            );
        }
        let Window { from, to } = Window::ALL;
        let window = Window { from: row.from.unwrap_or(from), to: row.to.unwrap_or(to) };
        if window.from >= window.to {
            return refuse("an end before its start".into(), "from < to");
        }
        let Row { class, part, user, .. } = row;
        entries.push(Entry { path, window, class, user, part });
    }
    match entries.is_empty() {
        false => Ok(entries),
        true => Err(Error::new(ErrorKind::Usage, "no rows", "samples").in_file(list)),
    }
}

/// The classes, by their numbers or their names.
fn classes(entries: &[Entry]) -> Vec<String> {
    let names: BTreeSet<&String> = entries.iter().map(|entry| &entry.class).collect();
    let mut names: Vec<String> = names.into_iter().cloned().collect();
    let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    if numbers.is_some() {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    names
}

/// The seed of the parts: they are the same for all seeds of a network.
const PARTS_SEED: u64 = 0x5059_4e4f;

/// What each entry is for.
fn parts(entries: &[Entry], spec: &DataSpec) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = entries.iter().map(|e| e.part.unwrap_or(Part::Train)).collect();
    if entries.iter().any(|entry| entry.part.is_some()) {
        if let Some(i) = entries.iter().position(|entry| entry.part.is_none()) {
            let found = format!("no part for '{}'", entries[i].path.display());
            return Err(Error::new(ErrorKind::Usage, found, "a part in every line, or in none"));
        }
        return Ok(parts);
    }
    let mut free: BTreeSet<usize> = (0..entries.len()).collect();
    for (part, held) in [(Part::Test, &spec.test), (Part::Validation, &spec.validation)] {
        let drawn = match held {
            Held::Users(users) => of_users(entries, users)?,
            Held::Share(share) => drawn(entries, &free, *share),
        };
        for i in drawn {
            if free.remove(&i) {
                parts[i] = part;
            }
        }
    }
    Ok(parts)
}

fn of_users(entries: &[Entry], users: &[String]) -> Result<Vec<usize>> {
    let known: BTreeSet<&String> = entries.iter().filter_map(|e| e.user.as_ref()).collect();
    if let Some(stranger) = users.iter().find(|user| !known.contains(user)) {
        let known = known.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Error::new(ErrorKind::Usage, format!("user '{stranger}'"), known));
    }
    let theirs = |i: &usize| entries[*i].user.as_ref().is_some_and(|user| users.contains(user));
    Ok((0..entries.len()).filter(theirs).collect())
}

/// A share of those that are free: whole users where all are known, else of each class.
fn drawn(entries: &[Entry], free: &BTreeSet<usize>, share: f64) -> Vec<usize> {
    let by_user = free.iter().all(|&i| entries[i].user.is_some());
    let mut random = Pcg64::seed_from_u64(PARTS_SEED);
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &i in free {
        let user = entries[i].user.as_deref().filter(|_| by_user);
        groups.entry(user.unwrap_or(&entries[i].class)).or_default().push(i);
    }
    let all = entries.len() as f64 * share;
    if by_user {
        let mut users: Vec<Vec<usize>> = groups.into_values().collect();
        users.shuffle(&mut random);
        let mut drawn = Vec::new();
        for user in users {
            // the user with whom it comes nearest to the share is the last
            if (drawn.len() + user.len()) as f64 - all > all - drawn.len() as f64 {
                break;
            }
            drawn.extend(user);
        }
        return drawn;
    }
    let sizes: BTreeMap<&str, usize> = entries.iter().fold(BTreeMap::new(), |mut sizes, e| {
        *sizes.entry(&e.class[..]).or_default() += 1;
        sizes
    });
    let of_class = |(class, mut members): (&str, Vec<usize>)| {
        members.shuffle(&mut random);
        members.truncate((sizes[class] as f64 * share).round() as usize);
        members
    };
    groups.into_iter().flat_map(of_class).collect()
}

/// The events of each window of a recording.
fn read_events(path: &Path, windows: &[Window], sensor: Sensor) -> Result<Vec<Vec<Event>>> {
    let mut recording = Recording::open(path, None)?;
    let mut reader = Reader::new(OrderPolicy::default());
    let mut samples: Vec<(Option<i64>, Vec<Event>)> = vec![Default::default(); windows.len()];
    while let Some(batch) = reader.next(&mut recording) {
        for (window, (first, events)) in windows.iter().zip(&mut samples) {
            let inside = window.cut(batch, &mut Tally::default());
            for (t, x, y, on) in batch.iter().take(inside.end).skip(inside.start) {
                let since = t - *first.get_or_insert(t);
                let t = u32::try_from(since).map_err(|_| too_long(since).in_file(path))?;
                if x < sensor.width && y < sensor.height && y < ON {
                    events.push(Event { t, x, y_on: y | if on { ON } else { 0 } });
                }
            }
        }
    }
    match reader.finish(&recording).damage {
        Some(damage) => Err(damage),
        None => Ok(samples.into_iter().map(|(_, events)| events).collect()),
    }
}

fn too_long(since: i64) -> Error {
    let found = format!("an event {} after the first", Micros(since));
    Error::new(ErrorKind::Unsupported, found, "samples of an hour at most")
}
