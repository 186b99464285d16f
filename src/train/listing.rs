//! Which samples there are: recordings, their classes and who made them, in three parts.
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

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::Deserialize;

use super::config::{DataSpec, Held};
use crate::corpus::gesture;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Window;

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

/// Where a sample is, and what is known of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its recording.
    pub path: PathBuf,
    /// Its part of that.
    pub window: Window,
    /// Its class.
    pub class: String,
    /// Who made it.
    pub user: Option<String>,
    /// What it is for, where a list says so.
    pub part: Option<Part>,
}

/// The recordings below a folder.
pub fn found(root: &Path) -> Result<Vec<Entry>> {
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

pub fn listed(root: &Path, list: &Path) -> Result<Vec<Entry>> {
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
pub fn classes(entries: &[Entry]) -> Vec<String> {
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
pub fn parts(entries: &[Entry], spec: &DataSpec) -> Result<Vec<Part>> {
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
