//! DVS128 Gesture: class names, and the label files that cut a recording.
//!
//! A label file has one row a trial, `class,startTime_usec,endTime_usec`, with
//! classes from 1 to 11 and times on the clock of the recording. A trial is the
//! half-open span from its start to its end. Class 8 stands twice in most files,
//! once for each direction of rolling the arms.
//!
//! **Source.** A. Amir et al., A low power, fully event-based gesture
//! recognition system, CVPR 2017, and the data set's `gesture_mapping.csv`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::lines::Lines;
use super::{Corpus, Part, Sample, is_beside_recordings, user_of};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Window;

/// The classes; class 1 comes first.
pub const CLASSES: [&str; 11] = [
    "hand clapping",
    "right hand wave",
    "left hand wave",
    "right arm clockwise",
    "right arm counter clockwise",
    "left arm clockwise",
    "left arm counter clockwise",
    "arm roll",
    "air drums",
    "air guitar",
    "other gestures",
];

/// The first line of a label file.
const HEADER: [&str; 3] = ["class", "startTime_usec", "endTime_usec"];

/// One row of a label file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// 1 to 11.
    pub class: u8,
    /// When it took place, on the recording's clock.
    pub window: Window,
}

impl Trial {
    /// The name of its class.
    pub fn name(&self) -> &'static str {
        CLASSES[usize::from(self.class) - 1]
    }
}

/// The data set as its archive unpacks: of every recording with a label file beside it a
/// sample for each row of that. Where there are lists of trials, what they do not name is
/// left out.
///
/// Defects are rows that are no trials, those that begin before the one above ends,
/// recordings that are listed or have labels and are not there, those that have no labels
/// or are in no list, and one list without the other.
///
/// # Errors
/// A file that cannot be read, or a label file without its columns.
pub fn labelled(root: &Path, files: &[PathBuf]) -> Result<Corpus> {
    let mut defects = without_recording(files);
    let listed = listed(root, files, &mut defects)?;
    let mut samples = Vec::new();
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let user = user_of(name);
        let Some(labels) = labels_of(path) else {
            if !is_beside_recordings(path) {
                defects.push(left_out(path, "no labels", "a label file beside it"));
            }
            continue;
        };
        let part = match &listed {
            Some(listed) => listed.get(name).copied(),
            None if user.as_deref().is_some_and(is_tested) => Some(Part::Test),
            None => Some(Part::Train),
        };
        if part.is_none() {
            defects.push(left_out(path, "a recording in no list", "one that names it"));
        } else {
            for trial in trials(&labels, &mut defects)? {
                let Trial { window, .. } = trial;
                let (path, class, user) = (path.clone(), trial.name().to_owned(), user.clone());
                samples.push(Sample { path, window, class, user, part });
            }
        }
    }
    Ok(Corpus::of_gestures("ibm-labels", samples, defects))
}

/// What is wrong with a recording of which no trial is a sample.
fn left_out(recording: &Path, found: &str, expected: &str) -> Error {
    Error::new(ErrorKind::Corrupt, found, expected).in_file(recording)
}

/// Whether a user's trials are for the test.
fn is_tested(user: &str) -> bool {
    user.trim_start_matches("user").parse().is_ok_and(|user: u32| (24..=29).contains(&user))
}

const LABELS: &str = "_labels.csv";

/// Label files whose recording is not there.
fn without_recording(files: &[PathBuf]) -> Vec<Error> {
    let expected: BTreeSet<PathBuf> = files.iter().filter_map(|file| labels_of(file)).collect();
    let labels = files.iter().filter(|file| file.to_string_lossy().ends_with(LABELS));
    let lonely = labels.filter(|labels| !expected.contains(*labels));
    let defect = |labels: &PathBuf| {
        Error::new(ErrorKind::Corrupt, "labels", "a recording beside them").in_file(labels)
    };
    lonely.map(defect).collect()
}

/// What the lists of trials name for which part, if there are lists.
fn listed(
    root: &Path,
    files: &[PathBuf],
    defects: &mut Vec<Error>,
) -> Result<Option<BTreeMap<String, Part>>> {
    let mut parts = None;
    let mut missing = None;
    for (name, part) in [("trials_to_train.txt", Part::Train), ("trials_to_test.txt", Part::Test)] {
        let Some(list) = files.iter().find(|file| file.ends_with(name)) else {
            missing = Some(name);
            continue;
        };
        let parts = parts.get_or_insert_with(BTreeMap::new);
        let text = disk::text(list)?;
        let names = (1..).zip(text.lines().map(str::trim)).filter(|(_, name)| !name.is_empty());
        for (line, name) in names {
            if !files.iter().any(|file| file.ends_with(name)) {
                let expected = format!("a recording in {}", root.display());
                let defect = Error::new(ErrorKind::Corrupt, format!("'{name}'"), expected);
                defects.push(defect.at(format!("line {line}")).in_file(list));
            }
            parts.insert(name.to_owned(), part);
        }
    }
    if let (Some(name), Some(_)) = (missing, &parts) {
        let error = Error::new(ErrorKind::Corrupt, format!("no {name}"), "both lists, or none");
        defects.push(error.in_file(root));
    }
    Ok(parts)
}

/// The rows of a label file that are trials.
fn trials(labels: &Path, defects: &mut Vec<Error>) -> Result<Vec<Trial>> {
    let text = disk::read(labels)?;
    let mut trials: Vec<Trial> = Vec::new();
    for (line, row) in rows(&text).map_err(|e| e.in_file(labels))? {
        match row {
            Err(defect) => defects.push(defect.in_file(labels)),
            Ok(trial) => {
                let end = trials.last().map_or(i64::MIN, |above| above.window.to);
                if trial.window.from < end {
                    let found = format!("a start at {} µs", trial.window.from);
                    let expected = format!("one from {end} µs on, where the row above ends");
                    let defect = Error::new(ErrorKind::Corrupt, found, expected);
                    defects.push(defect.at(format!("line {line}")).in_file(labels));
                }
                trials.push(trial);
            }
        }
    }
    Ok(trials)
}

/// The label file beside a recording, if it has one.
pub fn labels_of(recording: &Path) -> Option<PathBuf> {
    let labels = label_file(recording);
    labels.is_file().then_some(labels)
}

/// Where the label file of a recording is, if it has one.
pub fn label_file(recording: &Path) -> PathBuf {
    let stem = recording.file_stem().unwrap_or_default().to_string_lossy();
    recording.with_file_name(format!("{stem}{LABELS}"))
}

/// The text of a label file.
pub fn labels(trials: &[Trial]) -> String {
    let row = |trial: &Trial| {
        let Trial { class, window } = trial;
        format!("{class},{},{}\n", window.from, window.to)
    };
    format!("{}\n{}", HEADER.join(","), trials.iter().map(row).collect::<String>())
}

/// The text of the data set's `gesture_mapping.csv`.
pub fn mapping() -> String {
    let rows =
        (1..).zip(CLASSES).map(|(class, name)| format!("{},{class}\n", name.replace(' ', "_")));
    format!("action,label\n{}", rows.collect::<String>())
}

/// Reads a label file.
///
/// # Errors
/// A file that cannot be read, or a row that is no trial, with its line.
pub fn read_labels(path: &Path) -> Result<Vec<Trial>> {
    let text = disk::read(path)?;
    parse_labels(&text).map_err(|e| e.in_file(path))
}

/// Reads a label file that is in memory.
///
/// # Errors
/// As [`read_labels`].
pub fn parse_labels(text: &[u8]) -> Result<Vec<Trial>> {
    rows(text)?.into_iter().map(|(_, row)| row).collect()
}

/// Every row with its line, whether it is a trial or not.
fn rows(text: &[u8]) -> Result<Vec<(u64, Result<Trial>)>> {
    let text = disk::utf8(text)?;
    let mut lines = Lines::of(text);
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let corrupt = |e: csv::Error| Error::new(ErrorKind::Corrupt, e.to_string(), "");
    let header = reader.headers().map_err(corrupt)?;
    if header != HEADER.as_slice() {
        let found = format!("columns [{}]", header.iter().collect::<Vec<_>>().join(","));
        return Err(Error::new(ErrorKind::Corrupt, found, HEADER.join(",")).at("line 1"));
    }
    let rows = reader.records().map(|row| row.map_err(corrupt));
    let rows: Result<Vec<csv::StringRecord>> = rows.collect();
    let row = |row: &csv::StringRecord| {
        let (line, _) = lines.of_row(row.position());
        (line, trial(row, line))
    };
    Ok(rows?.iter().map(row).collect())
}

fn trial(row: &csv::StringRecord, line: u64) -> Result<Trial> {
    let refuse = |expected: &str| {
        let found = format!("'{}'", row.iter().collect::<Vec<_>>().join(","));
        Error::new(ErrorKind::Corrupt, found, expected).at(format!("line {line}"))
    };
    let numbers: Option<Vec<i64>> = row.iter().map(|field| field.parse().ok()).collect();
    let Some(&[class, from, to]) = numbers.as_deref() else {
        return Err(refuse("a class and two times in µs"));
    };
    if !(1..=CLASSES.len() as i64).contains(&class) {
        return Err(refuse("a class from 1 to 11"));
    }
    if from >= to {
        return Err(refuse("a start before its end"));
    }
    Ok(Trial { class: class as u8, window: Window { from, to } })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn rows_become_half_open_trials() {
        let trials =
            parse_labels(b"class,startTime_usec,endTime_usec\r\n1,10,20\r\n8, 20 ,35\r\n").unwrap();
        assert_eq!(trials[1], Trial { class: 8, window: Window { from: 20, to: 35 } });
        assert_eq!(trials[0].name(), "hand clapping");
    }

    #[test]
    fn wrong_rows_are_named_by_line() {
        let refusal = |rows: &str| {
            let text = format!("class,startTime_usec,endTime_usec\n1,0,5\n{rows}\n");
            parse_labels(text.as_bytes()).unwrap_err().to_string()
        };
        assert!(refusal("12,0,5").starts_with("line 3: found '12,0,5'; expected a class from 1"));
        assert!(refusal("0,0,5").contains("a class from 1 to 11"));
        assert!(refusal("3,9,9").contains("a start before its end"));
        assert!(refusal("3,9").contains("two times"));
        assert!(refusal("3,a,b").contains("two times"));
        assert!(
            parse_labels(b"label,from,to\n1,2,3\n").unwrap_err().to_string().contains("line 1")
        );
        for (blank, line) in [("\r\n", 3), ("\r\n\r\n", 4), ("\n\n\n", 5)] {
            let text = format!("class,startTime_usec,endTime_usec\r\n1,0,5{blank}12,0,5\r\n");
            for text in [text.clone(), format!("\u{feff}{text}")] {
                let error = parse_labels(text.as_bytes()).unwrap_err().to_string();
                assert!(error.starts_with(&format!("line {line}: found '12,0,5'")), "{error}");
            }
        }
        assert!(parse_labels(b"").is_err());
        assert!(parse_labels(b"\xff\xfe\0,1").is_err());
    }

    /// An archive with these recordings and label files.
    fn archive(name: &str, recordings: &[&str], labels: &[(&str, &str)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("synops-{name}-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        recordings.iter().for_each(|name| fs::write(root.join(name), b"").unwrap());
        for (name, rows) in labels {
            let text = format!("class,startTime_usec,endTime_usec\n{rows}");
            fs::write(root.join(format!("{name}{LABELS}")), text).unwrap();
        }
        root
    }

    fn open(root: &Path) -> Corpus {
        Corpus::open(root).unwrap()
    }

    #[test]
    fn an_archive_is_cut_by_its_labels_and_split_by_user_or_list() {
        let recordings =
            ["user23_led.aedat", "user24_led.aedat", "user24_lab.aedat", "extra.aedat"];
        let rows = "2,10,20\n8,30,40\n8,50,60\n";
        let root =
            archive("labels", &recordings, &[("user23_led", rows), ("user24_led", "1,5,9\n")]);
        let corpus = open(&root);
        assert_eq!((corpus.cut, corpus.samples.len(), corpus.defects.len()), ("ibm-labels", 4, 2));
        let parts: Vec<_> = corpus.samples.iter().map(|sample| sample.part).collect();
        assert_eq!(parts, [Part::Train, Part::Train, Part::Train, Part::Test].map(Some));
        assert_eq!(corpus.samples[1].class, "arm roll");
        assert_eq!(corpus.samples[3].user.as_deref(), Some("user24"));
        fs::write(root.join("trials_to_test.txt"), "user23_led.aedat\nuser99_led.aedat\n").unwrap();
        let corpus = open(&root);
        assert_eq!(corpus.samples.len(), 3, "what no list names is left out");
        assert!(corpus.samples.iter().all(|sample| sample.part == Some(Part::Test)));
        let defects: Vec<String> = corpus.defects.iter().map(Error::to_string).collect();
        assert_eq!(defects.len(), 5, "{defects:?}");
        for (defect, part) in defects.iter().zip([
            "trials_to_test.txt: line 2: found 'user99_led.aedat'",
            "found no trials_to_train.txt; expected both lists",
            "extra.aedat: found no labels; expected a label file beside it",
            "user24_lab.aedat: found no labels; expected a label file beside it",
            "user24_led.aedat: found a recording in no list",
        ]) {
            assert!(defect.contains(part), "{defect}: {part}");
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn defects_are_named_and_the_rest_is_good() {
        let rows = "1,10,20\n12,30,40\n3,19,25\n4,60,50\n5,70,80\n";
        let labels = [("user22_led", rows), ("user22_lab", "1,0,5\n")];
        let root = archive("defects", &["user22_led.aedat"], &labels);
        let corpus = open(&root);
        let classes: Vec<&str> = corpus.samples.iter().map(|sample| &sample.class[..]).collect();
        assert_eq!(classes, [CLASSES[0], CLASSES[2], CLASSES[4]]);
        let defects: Vec<String> = corpus.defects.iter().map(Error::to_string).collect();
        assert_eq!(defects.len(), 4, "{defects:?}");
        for (defect, part) in defects.iter().zip([
            "a recording beside them",
            "line 3: found '12,30,40'; expected a class",
            "line 4: found a start at 19 µs; expected one from 20 µs on",
            "line 5: found '4,60,50'; expected a start before its end",
        ]) {
            assert!(defect.contains(part), "{defect}: {part}");
        }
        fs::remove_dir_all(root).unwrap();
    }
}
