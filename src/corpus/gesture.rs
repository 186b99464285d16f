//! DVS128 Gesture: class names, and the label files that cut a recording.
//!
//! A label file has one row a trial, `class,startTime_usec,endTime_usec`, with
//! classes from 1 to 11 and times on the clock of the recording. A trial is the
//! half-open span from its start to its end. Class 8 stands twice in most files,
//! once for each direction of rolling the arms.
//!
//! **Source.** A. Amir et al., A low power, fully event-based gesture
//! recognition system, CVPR 2017, and the data set's `gesture_mapping.csv`.

use std::fs;
use std::path::Path;

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

/// Reads a label file.
///
/// # Errors
/// A file that cannot be read, or a row that is no trial, with its line.
pub fn read_labels(path: &Path) -> Result<Vec<Trial>> {
    let text = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
    parse_labels(&text).map_err(|e| e.in_file(path))
}

/// Reads a label file that is in memory.
///
/// # Errors
/// As [`read_labels`].
pub fn parse_labels(text: &[u8]) -> Result<Vec<Trial>> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text);
    let corrupt = |e: csv::Error| Error::new(ErrorKind::Corrupt, e.to_string(), "");
    let header = reader.headers().map_err(corrupt)?;
    if header != HEADER.as_slice() {
        let found = format!("columns [{}]", header.iter().collect::<Vec<_>>().join(","));
        return Err(Error::new(ErrorKind::Corrupt, found, HEADER.join(",")).at("line 1"));
    }
    let rows = reader.records().map(|row| trial(&row.map_err(corrupt)?));
    rows.collect()
}

fn trial(row: &csv::StringRecord) -> Result<Trial> {
    let line = row.position().map_or(0, csv::Position::line);
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
        assert!(parse_labels(b"").is_err());
        assert!(parse_labels(b"\xff\xfe\0,1").is_err());
    }
}
