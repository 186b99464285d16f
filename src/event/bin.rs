//! Events to steps: counts (or bits) per pixel and polarity, and what was lost.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::batch::Batch;
use super::histogram::Histogram;
use super::tally::{Cause, Tally};
use super::window::Grid;
use crate::error::{Error, ErrorKind, Result};
use crate::signal::Spikes;
use crate::signal::simd::{Kernel, dispatch};

/// What several events of one pixel and polarity in one step amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputMode {
    /// As many spikes as there are events.
    #[default]
    Counts,
    /// One spike.
    Binary,
}

impl InputMode {
    /// The name on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            InputMode::Counts => "counts",
            InputMode::Binary => "binary",
        }
    }
}

impl fmt::Display for InputMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for InputMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<InputMode> {
        match text {
            "counts" => Ok(InputMode::Counts),
            "binary" => Ok(InputMode::Binary),
            _ => Err(Error::new(ErrorKind::Usage, format!("input '{text}'"), "counts or binary")),
        }
    }
}

/// Where an event lands among the addresses of a network's input.
///
/// Channel 0 is OFF and channel 1 is ON, the polarity bit that every data set
/// of this field uses as channel; with one channel both polarities share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// 1 or 2.
    pub channels: u16,
    /// Whether addresses count channels first (`[p, y, x]`, what a flat input
    /// layer expects) or last (`[y, x, p]`, the engine's own order).
    pub channels_first: bool,
}

impl Field {
    /// Number of addresses.
    pub fn len(&self) -> usize {
        usize::from(self.width) * usize::from(self.height) * usize::from(self.channels)
    }

    /// Whether there is no address at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of an event, or none if it lies outside.
    #[inline(always)]
    pub fn address(&self, x: u16, y: u16, on: bool) -> Option<u32> {
        self.contains(x, y).then(|| self.strides().address(x, y, on))
    }

    #[inline(always)]
    fn contains(&self, x: u16, y: u16) -> bool {
        // both are compared: a way out after the first would keep events single
        (x < self.width) & (y < self.height)
    }

    /// How far neighbours are apart.
    fn strides(&self) -> Strides {
        let (width, channels) = (u32::from(self.width), u32::from(self.channels));
        let two = u32::from(self.channels > 1);
        match self.channels_first {
            true => Strides { x: 1, y: width, on: two * width * u32::from(self.height) },
            false => Strides { x: channels, y: channels * width, on: two },
        }
    }
}

/// By how much the address grows with the column, the row and the polarity.
#[derive(Clone, Copy)]
struct Strides {
    x: u32,
    y: u32,
    on: u32,
}

impl Strides {
    #[inline(always)]
    fn address(self, x: u16, y: u16, on: bool) -> u32 {
        u32::from(x) * self.x + u32::from(y) * self.y + u32::from(on) * self.on
    }
}

/// The stage that turns ordered events into one [`Spikes`] a step.
#[derive(Debug)]
pub struct Binner {
    grid: Grid,
    field: Field,
    mode: InputMode,
    limit: Option<u64>,
    step: u64,
    filled: bool,
    /// Of the events that are added together.
    addresses: Vec<u32>,
    histogram: Histogram,
    spikes: Spikes,
    tally: Tally,
}

impl Binner {
    /// A binner at step 0. With a `limit`, exactly so many steps come out:
    /// events behind them are cut off, and silence fills up what is missing.
    /// Memory is taken for every address of the field.
    pub fn new(grid: Grid, field: Field, mode: InputMode, limit: Option<u64>) -> Binner {
        Binner {
            grid,
            field,
            mode,
            limit,
            step: 0,
            filled: false,
            addresses: Vec::new(),
            histogram: Histogram::new(field.len()),
            spikes: Spikes::default(),
            tally: Tally::default(),
        }
    }

    /// The account so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Bins a range of events that are in order of time and not before the grid's
    /// start, and hands every complete step in which there was any to `emit`, with
    /// its number. An event that is late is binned in the step that is being filled:
    /// [`crate::replay::Reader`] hands on a recording's events in order.
    ///
    /// # Panics
    /// A range that the batch does not have; a step whose first event is before the grid's
    /// start.
    pub fn push(&mut self, batch: &Batch, range: Range<usize>, mut emit: impl FnMut(u64, &Spikes)) {
        let mut rest = range;
        while let Some(&t) = batch.t[rest.clone()].first() {
            let step = self.grid.step_of(t);
            if self.limit.is_some_and(|limit| step >= limit) {
                self.tally.drop(Cause::AfterWindow, rest.len() as u64);
                return;
            }
            if self.step < step {
                self.emit_step(&mut emit);
                self.step = step;
            }
            let end = self.grid.end_of(self.step);
            // the first is in the step, even at the end of time
            let count = 1 + before(end, &batch.t[rest.clone()][1..]);
            let next = rest.start + count;
            self.add(batch, rest.start..next);
            rest.start = next;
        }
    }

    /// Adds events to the step.
    fn add(&mut self, batch: &Batch, range: Range<usize>) {
        let Binner { field, addresses, histogram, .. } = self;
        let pixels = (&batch.x[range.clone()], &batch.y[range.clone()], &batch.on[range.clone()]);
        dispatch(Add { field, pixels, addresses, histogram });
        let kept = addresses.len() as u64;
        self.tally.keep(kept);
        self.tally.drop(Cause::Outside, range.len() as u64 - kept);
        self.filled = true;
    }

    /// Hands out the last, partial step. Returns the number of steps in all, those
    /// without an event among and behind them included.
    pub fn finish(&mut self, mut emit: impl FnMut(u64, &Spikes)) -> u64 {
        let steps = self.limit.unwrap_or(self.step + u64::from(self.filled));
        self.emit_step(&mut emit);
        self.tally.assert_conserved();
        steps
    }

    fn emit_step(&mut self, emit: &mut impl FnMut(u64, &Spikes)) {
        self.spikes.clear();
        if std::mem::take(&mut self.filled) {
            self.histogram.drain(&mut self.spikes);
        }
        if self.mode == InputMode::Binary {
            self.merge_into_bits();
        }
        if !self.spikes.is_empty() {
            emit(self.step, &self.spikes);
        }
    }

    fn merge_into_bits(&mut self) {
        let surplus = self.spikes.total() - self.spikes.len() as u64;
        self.spikes.value.fill(1.0);
        self.spikes.count.fill(1);
        self.tally.retract(Cause::Merged, surplus);
    }
}

/// How many times come before `end`, of ascending ones.
fn before(end: i64, times: &[i64]) -> usize {
    const AT_ONCE: usize = 16;
    let are_before = |times: &&[i64; AT_ONCE]| times[AT_ONCE - 1] < end;
    let whole = times.as_chunks::<AT_ONCE>().0.iter().take_while(are_before).count() * AT_ONCE;
    whole + times[whole..].iter().take_while(|&&t| t < end).count()
}

/// Counts events.
struct Add<'a> {
    field: &'a Field,
    /// Columns, rows and polarities.
    pixels: (&'a [u16], &'a [u16], &'a [bool]),
    /// Becomes those of all that lie inside.
    addresses: &'a mut Vec<u32>,
    histogram: &'a mut Histogram,
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Add { field, pixels: (x, y, on), addresses, histogram } = self;
        addresses.clear();
        let events = || x.iter().zip(y).zip(on);
        let is_inside = |((x, y), _): &((&u16, &u16), &bool)| field.contains(**x, **y);
        let strides = field.strides();
        let address = |((x, y), on): ((&u16, &u16), &bool)| strides.address(*x, *y, *on);
        match events().fold(true, |all, event| all & is_inside(&event)) {
            true => addresses.extend(events().map(address)),
            false => addresses.extend(events().filter(is_inside).map(address)),
        }
        histogram.add(addresses);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Micros;
    use proptest::prelude::*;

    const FIELD: Field = Field { width: 4, height: 3, channels: 2, channels_first: false };

    type Steps = Vec<Vec<(u32, f32, u32)>>;

    fn steps(
        events: &[(i64, u16, u16, bool)],
        mode: InputMode,
        limit: Option<u64>,
    ) -> (Steps, Tally) {
        let grid = Grid { start: 100, dt: Micros(10) };
        let mut binner = Binner::new(grid, FIELD, mode, limit);
        let mut out = Vec::new();
        let mut emit = |step: u64, s: &Spikes| {
            assert!(step >= out.len() as u64 && !s.is_empty());
            out.resize(step as usize, Vec::new());
            out.push(s.iter().collect());
        };
        binner.push(&events.iter().copied().collect(), 0..events.len(), &mut emit);
        let count = binner.finish(&mut emit) as usize;
        assert!(count >= out.len());
        out.resize(count, Vec::new());
        (out, binner.tally().clone())
    }

    const EVENTS: [(i64, u16, u16, bool); 6] = [
        (100, 1, 0, true),
        (109, 1, 0, true),
        (109, 0, 0, false),
        (110, 3, 2, false),
        (125, 4, 0, true),
        (141, 0, 1, true),
    ];

    #[test]
    fn counts_per_pixel_and_polarity_with_empty_steps_and_a_partial_last() {
        let (out, tally) = steps(&EVENTS, InputMode::Counts, None);
        assert_eq!(out[0], [(0, 1.0, 1), (3, 2.0, 2)]);
        assert_eq!(out[1], [(22, 1.0, 1)]);
        assert_eq!((out[2].len(), out[3].len()), (0, 0));
        assert_eq!(out[4], [(9, 1.0, 1)]);
        assert_eq!(out.len(), 5);
        assert_eq!((tally.kept, tally.dropped[&Cause::Outside]), (5, 1));
    }

    #[test]
    fn binary_input_merges_and_says_so() {
        let (out, tally) = steps(&EVENTS, InputMode::Binary, None);
        assert_eq!(out[0], [(0, 1.0, 1), (3, 1.0, 1)]);
        assert_eq!((tally.kept, tally.dropped[&Cause::Merged]), (4, 1));
    }

    #[test]
    fn a_limit_cuts_or_fills_up() {
        let (out, tally) = steps(&EVENTS, InputMode::Counts, Some(2));
        assert_eq!((out.len(), tally.dropped[&Cause::AfterWindow]), (2, 2));
        let (out, _) = steps(&EVENTS, InputMode::Counts, Some(9));
        assert_eq!(out.len(), 9);
        let (out, _) = steps(&[], InputMode::Counts, Some(3));
        assert_eq!(out, vec![vec![]; 3] as Steps);
        assert!(steps(&[], InputMode::Counts, None).0.is_empty());
    }

    #[test]
    fn a_flat_input_counts_polarity_then_row_then_column() {
        let flat = Field { channels_first: true, ..FIELD };
        assert_eq!(flat.address(1, 2, true), Some(12 + 2 * 4 + 1));
        assert_eq!(flat.address(1, 2, false), Some(2 * 4 + 1));
        let grey = Field { channels: 1, ..FIELD };
        assert_eq!(grey.address(1, 2, true), grey.address(1, 2, false));
    }

    proptest! {
        #[test]
        fn every_event_is_in_some_step_or_in_the_tally(
            mut events in prop::collection::vec((100i64..400, 0u16..5, 0u16..4, any::<bool>()), 0..100),
            limit in prop::option::of(0u64..40),
            binary in any::<bool>(),
        ) {
            events.sort();
            let mode = if binary { InputMode::Binary } else { InputMode::Counts };
            let (out, tally) = steps(&events, mode, limit);
            let binned: u64 = out.iter().flatten().map(|e| u64::from(e.2)).sum();
            prop_assert_eq!(binned, tally.kept);
            prop_assert_eq!(tally.read, events.len() as u64);
        }

        #[test]
        fn times_before_an_end_are_a_head_of_all(
            mut times in prop::collection::vec(0i64..60, 0..100), end in 0i64..60,
        ) {
            times.sort();
            prop_assert_eq!(before(end, &times), times.partition_point(|&t| t < end));
        }

        /// Step and address of each event by themselves.
        #[test]
        fn steps_are_what_the_grid_and_the_field_say(
            mut events in prop::collection::vec((100i64..400, 0u16..5, 0u16..4, any::<bool>()), 0..100),
            cut in 1..30_usize,
        ) {
            events.sort();
            let grid = Grid { start: 100, dt: Micros(10) };
            let mut expected = std::collections::BTreeMap::new();
            for &(t, x, y, on) in &events {
                if let Some(address) = FIELD.address(x, y, on) {
                    *expected.entry((grid.step_of(t), address)).or_default() += 1_u32;
                }
            }
            let mut binner = Binner::new(grid, FIELD, InputMode::Counts, None);
            let mut found = std::collections::BTreeMap::new();
            let mut emit = |step: u64, spikes: &Spikes| {
                for (address, value, count) in spikes.iter() {
                    assert_eq!(value, count as f32);
                    assert!(found.insert((step, address), count).is_none());
                }
            };
            for events in events.chunks(cut) {
                binner.push(&events.iter().copied().collect(), 0..events.len(), &mut emit);
            }
            binner.finish(&mut emit);
            prop_assert_eq!(found, expected);
        }
    }
}
