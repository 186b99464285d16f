//! Events to slices: so many of a recording, however long it is.
//!
//! Of N events and T slices, event `i` is in slice `⌊i / ⌊N/T⌋⌋` by number, one at time `t`
//! in slice `⌊(t − t₀) / ⌊(t₁ − t₀)/T⌋⌋` by time, t₀ and t₁ the times of the first and the
//! last event. The last slice takes what is left over, or everything where a slice would
//! have no length.
//!
//! The first slice ends where only the last event says: this is not causal, and no camera
//! could be answered so while it looks.
//!
//! **Source.** W. Fang et al., Incorporating Learnable Membrane Time Constant to Enhance
//! Learning of Spiking Neural Networks, ICCV 2021, and the same group's SpikingJelly,
//! `cal_fixed_frames_number_segment_index`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::batch::Batch;
use super::bin::{Binner, Field, InputMode};
use super::tally::{Cause, Tally};
use super::window::Grid;
use crate::error::{Error, ErrorKind, Result};
use crate::signal::Spikes;
use crate::units::Micros;

/// Of what all slices of a recording have equally much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portions {
    /// Events.
    Number,
    /// Time.
    Time,
}

impl Portions {
    /// The name on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Portions::Number => "number",
            Portions::Time => "time",
        }
    }

    /// Makes of times in order the numbers of their slices.
    fn number(self, times: &mut [i64], slices: u64) {
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return };
        let (slices, count) = (slices as i64, times.len() as i64);
        let slice = |at: i64, all: i64| {
            at.checked_div(all / slices).map_or(slices - 1, |slice| slice.min(slices - 1))
        };
        for (i, t) in (0..).zip(times) {
            *t = match self {
                Portions::Number => slice(i, count),
                Portions::Time => slice(*t - first, last - first),
            };
        }
    }
}

impl fmt::Display for Portions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Portions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Portions> {
        match text {
            "number" => Ok(Portions::Number),
            "time" => Ok(Portions::Time),
            _ => Err(Error::new(ErrorKind::Usage, format!("slice '{text}'"), "number or time")),
        }
    }
}

/// The stage that keeps all events of a recording and turns them into slices at its end.
#[derive(Debug)]
pub struct Slicer {
    portions: Portions,
    slices: u64,
    field: Field,
    mode: InputMode,
    events: Batch,
    tally: Tally,
}

impl Slicer {
    /// A slicer without events.
    ///
    /// # Panics
    /// No slices.
    pub fn new(portions: Portions, slices: u64, field: Field, mode: InputMode) -> Slicer {
        assert!(slices > 0, "one slice or more");
        let (events, tally) = (Batch::default(), Tally::default());
        Slicer { portions, slices, field, mode, events, tally }
    }

    /// Takes a range of events in order of time; those outside the field are in no slice.
    pub fn push(&mut self, batch: &Batch, range: Range<usize>) {
        let before = self.events.len();
        for i in range.clone() {
            let (x, y, on) = (batch.x[i], batch.y[i], batch.on[i]);
            if self.field.address(x, y, on).is_some() {
                self.events.push(batch.t[i], x, y, on);
            }
        }
        let kept = self.events.len() - before;
        self.tally.drop(Cause::Outside, (range.len() - kept) as u64);
    }

    /// Hands every slice in which there is an event to `emit`, with its number; gives the
    /// account.
    pub fn finish(mut self, mut emit: impl FnMut(u64, &Spikes)) -> Tally {
        self.portions.number(&mut self.events.t, self.slices);
        let grid = Grid { start: 0, dt: Micros(1) };
        let mut binner = Binner::new(grid, self.field, self.mode, Some(self.slices));
        binner.push(&self.events, 0..self.events.len(), &mut emit);
        binner.finish(&mut emit);
        self.tally.plus(binner.tally())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::weights;

    const FIELD: Field = Field { width: 4, height: 1, channels: 1, channels_first: true };

    fn slices(portions: Portions, slices: u64, times: &[i64]) -> (Vec<u64>, Tally) {
        let events: Batch = times.iter().map(|&t| (t, 1, 0, true)).collect();
        let mut slicer = Slicer::new(portions, slices, FIELD, InputMode::Counts);
        events.t.iter().enumerate().for_each(|(i, _)| slicer.push(&events, i..i + 1));
        let mut counts = vec![0; slices as usize];
        let tally = slicer.finish(|slice, spikes| counts[slice as usize] += spikes.total());
        (counts, tally)
    }

    /// By hand: ⌊11/4⌋ = 2; ⌊(20 − 3)/4⌋ = 4.
    #[test]
    fn the_last_slice_takes_what_is_left_over() {
        let times = [3, 3, 4, 6, 7, 8, 10, 11, 12, 15, 20];
        assert_eq!(slices(Portions::Number, 4, &times).0, [2, 2, 2, 5]);
        assert_eq!(slices(Portions::Time, 4, &times).0, [4, 3, 2, 2]);
        assert_eq!(slices(Portions::Number, 4, &times[..3]).0, [0, 0, 0, 3]);
        assert_eq!(slices(Portions::Time, 4, &[5, 5]).0, [0, 0, 0, 2]);
        assert_eq!(slices(Portions::Number, 2, &[]).0, [0, 0]);
    }

    /// tests/golden/slices.npz: events and what SpikingJelly makes of them.
    #[test]
    fn slices_are_those_of_spikingjelly() {
        let golden = weights::from_bytes(include_bytes!("../../tests/golden/slices.npz")).unwrap();
        let field = Field { width: 12, height: 8, channels: 2, channels_first: true };
        for (name, portions) in
            [("number", Portions::Number), ("few", Portions::Number), ("time", Portions::Time)]
        {
            let column =
                |key: &str| golden.get(&format!("{name}.{key}")).unwrap().numbers().unwrap();
            let (t, x, y, p) = (column("t"), column("x"), column("y"), column("p"));
            let event = |i: usize| (t[i] as i64, x[i] as u16, y[i] as u16, p[i] > 0.0);
            let events: Batch = (0..t.len()).map(event).collect();
            let expected = column("frames");
            let slices = expected.len() / field.len();
            let mut slicer = Slicer::new(portions, slices as u64, field, InputMode::Counts);
            slicer.push(&events, 0..events.len());
            let mut found = vec![0.0; expected.len()];
            slicer.finish(|slice, spikes| {
                for (address, value, _) in spikes.iter() {
                    found[slice as usize * field.len() + address as usize] = f64::from(value);
                }
            });
            assert!(found == expected, "{name}");
        }
    }

    #[test]
    fn what_lies_outside_is_accounted_for_and_in_no_slice() {
        let events: Batch =
            [(0, 9, 0, true), (1, 0, 0, true), (2, 0, 0, true)].into_iter().collect();
        let mut slicer = Slicer::new(Portions::Number, 2, FIELD, InputMode::Binary);
        slicer.push(&events, 0..3);
        let mut seen = Vec::new();
        let tally = slicer.finish(|slice, spikes| seen.push((slice, spikes.total())));
        assert_eq!(seen, [(0, 1), (1, 1)]);
        assert_eq!((tally.read, tally.kept, tally.dropped[&Cause::Outside]), (3, 2, 1));
    }
}
