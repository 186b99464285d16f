//! Columns of events: the currency between rooms.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// The pixel array of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Columns; `x` runs from 0 to `width - 1`.
    pub width: u16,
    /// Rows; `y` runs from 0 to `height - 1`, from the top unless the format's
    /// `coding` says otherwise.
    pub height: u16,
}

impl fmt::Display for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Sensor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Sensor> {
        let parse = || {
            let (width, height) = text.split_once('x')?;
            let sensor = Sensor { width: width.parse().ok()?, height: height.parse().ok()? };
            (sensor.width > 0 && sensor.height > 0).then_some(sensor)
        };
        parse().ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("'{text}'"), "width x height, such as 128x128")
        })
    }
}

/// A stretch of events, one column per field, all of one length; whoever reads a batch
/// panics where they are not.
///
/// Times are microseconds on the recording's own clock; nothing is subtracted
/// from them until a [`crate::event::Grid`] states an origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Time in microseconds.
    pub t: Vec<i64>,
    /// Column.
    pub x: Vec<u16>,
    /// Row.
    pub y: Vec<u16>,
    /// Polarity: true for ON (brighter), false for OFF.
    pub on: Vec<bool>,
}

impl Batch {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// Forgets the events and keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Keeps the first `len` events.
    pub fn truncate(&mut self, len: usize) {
        self.t.truncate(len);
        self.x.truncate(len);
        self.y.truncate(len);
        self.on.truncate(len);
    }

    /// Appends one event.
    #[inline]
    pub fn push(&mut self, t: i64, x: u16, y: u16, on: bool) {
        self.t.push(t);
        self.x.push(x);
        self.y.push(y);
        self.on.push(on);
    }

    /// Event `i` as `(t, x, y, on)`.
    #[inline]
    pub fn get(&self, i: usize) -> (i64, u16, u16, bool) {
        (self.t[i], self.x[i], self.y[i], self.on[i])
    }

    /// Events as `(t, x, y, on)`.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u16, u16, bool)> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Appends all of `other` and empties it.
    pub fn append(&mut self, other: &mut Batch) {
        self.t.append(&mut other.t);
        self.x.append(&mut other.x);
        self.y.append(&mut other.y);
        self.on.append(&mut other.on);
    }

    /// Appends a range of `other`'s events.
    pub fn extend(&mut self, other: &Batch, range: Range<usize>) {
        self.t.extend_from_slice(&other.t[range.clone()]);
        self.x.extend_from_slice(&other.x[range.clone()]);
        self.y.extend_from_slice(&other.y[range.clone()]);
        self.on.extend_from_slice(&other.on[range]);
    }

    /// Moves the first `len` events to the end of `out`.
    pub fn move_front(&mut self, len: usize, out: &mut Batch) {
        out.extend(self, 0..len);
        self.t.drain(..len);
        self.x.drain(..len);
        self.y.drain(..len);
        self.on.drain(..len);
    }

    /// Sorts by time; events of equal time keep their order.
    pub fn sort_by_time(&mut self) {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|&i| self.t[i as usize]);
        *self = order.iter().map(|&i| self.get(i as usize)).collect();
    }
}

impl FromIterator<(i64, u16, u16, bool)> for Batch {
    fn from_iter<I: IntoIterator<Item = (i64, u16, u16, bool)>>(events: I) -> Batch {
        let mut batch = Batch::default();
        for (t, x, y, on) in events {
            batch.push(t, x, y, on);
        }
        batch
    }
}
