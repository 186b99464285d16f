//! Half-open windows and the grid of steps, both from a stated origin: no edge
//! ever depends on the data inside it.

use std::ops::Range;
use std::str::FromStr;

use super::batch::Batch;
use super::tally::{Cause, Tally};
use crate::error::{Error, ErrorKind, Result};
use crate::units::Micros;

/// What time zero means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The first event of the recording (or of the trial).
    #[default]
    First,
    /// The recording's own clock.
    Absolute,
}

impl Origin {
    /// The name on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Origin::First => "first",
            Origin::Absolute => "absolute",
        }
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Origin> {
        match text {
            "first" => Ok(Origin::First),
            "absolute" => Ok(Origin::Absolute),
            _ => Err(Error::new(ErrorKind::Usage, format!("origin '{text}'"), "first or absolute")),
        }
    }
}

/// The time span `[from, to)` on the recording's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First microsecond inside.
    pub from: i64,
    /// First microsecond behind it.
    pub to: i64,
}

impl Window {
    /// The window that cuts nothing off.
    pub const ALL: Window = Window { from: i64::MIN, to: i64::MAX };

    /// Which events of a batch in order of time lie inside; accounts for all.
    pub fn cut(&self, batch: &Batch, tally: &mut Tally) -> Range<usize> {
        let start = batch.t.partition_point(|&t| t < self.from);
        let end = batch.t.partition_point(|&t| t < self.to).max(start);
        tally.drop(Cause::BeforeWindow, start as u64);
        tally.drop(Cause::AfterWindow, (batch.len() - end) as u64);
        tally.keep((end - start) as u64);
        start..end
    }
}

/// Steps of equal length: step `k` is `[start + k·dt, start + (k+1)·dt)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Where step 0 begins, on the recording's clock.
    pub start: i64,
    /// Length of a step; positive.
    pub dt: Micros,
}

impl Grid {
    /// The step that holds time `t`.
    ///
    /// # Panics
    /// A time before the start; a step that is not positive.
    pub fn step_of(&self, t: i64) -> u64 {
        assert!(t >= self.start, "time {t} µs before a grid that starts at {} µs", self.start);
        assert!(self.dt > Micros(0), "steps of {} µs", self.dt.0);
        (t.abs_diff(self.start)) / self.dt.0 as u64
    }

    /// Where a step ends and the next begins, or the end of time.
    pub fn end_of(&self, step: u64) -> i64 {
        let offset = step.saturating_add(1).saturating_mul(self.dt.0 as u64);
        self.start.saturating_add_unsigned(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_half_open_and_touch_without_overlap() {
        let events: Batch = [0, 10, 10, 19, 20, 30].map(|t| (t, 0, 0, true)).into_iter().collect();
        let cut = |from, to| {
            let mut tally = Tally::default();
            let range = Window { from, to }.cut(&events, &mut tally);
            tally.assert_conserved();
            assert_eq!(tally.read, 6);
            range
        };
        assert_eq!([cut(i64::MIN, 10), cut(10, 20), cut(20, i64::MAX)], [0..1, 1..4, 4..6]);
        assert!(cut(25, 15).is_empty());
    }

    #[test]
    fn a_step_begins_on_its_edge() {
        let grid = Grid { start: 1_000, dt: Micros(10) };
        assert_eq!([1_000, 1_009, 1_010, 1_999].map(|t| grid.step_of(t)), [0, 0, 1, 99]);
        let far = Grid { start: i64::MIN, dt: Micros(1) };
        assert_eq!(far.step_of(i64::MAX), u64::MAX);
        assert_eq!([0, 1, 99].map(|step| grid.end_of(step)), [1_010, 1_020, 2_000]);
        assert_eq!([far.end_of(0), far.end_of(u64::MAX)], [i64::MIN + 1, i64::MAX]);
    }
}
