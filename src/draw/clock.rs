//! Time on the x axis: which pixels a step has, how many steps share a column,
//! and where the ticks stand.

use super::curves::round_step;
use super::font;
use super::words;
use crate::units::Micros;

/// Size of the labels.
pub const LABEL: u32 = 11;

/// Steps from the first to the last, on a stretch of pixels.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Length of the run.
    pub steps: u64,
    /// Length of a step.
    pub dt: Micros,
    /// Steps that share a column.
    pub per_column: u64,
    /// First pixel.
    pub left: i32,
    /// Number of pixels.
    pub width: i32,
}

/// A time that is marked on the axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Its pixel.
    pub x: i32,
    /// The time in seconds.
    pub label: String,
}

impl Clock {
    /// A clock whose columns are whole multiples of `1 << shift` steps, as few as
    /// leave each column at least a pixel.
    pub fn new(steps: u64, dt: Micros, shift: u32, left: i32, width: i32) -> Clock {
        let narrowest = steps.div_ceil(width as u64).max(1);
        let per_column = narrowest.div_ceil(1 << shift) << shift;
        Clock { steps, dt, per_column, left, width }
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.steps.div_ceil(self.per_column) as usize
    }

    /// Where a step begins.
    pub fn x(&self, step: u64) -> i32 {
        let (step, steps) = (u128::from(step.min(self.steps)), u128::from(self.steps.max(1)));
        self.left + (step * self.width as u128 / steps) as i32
    }

    /// First pixel and number of pixels of a column.
    pub fn column(&self, column: usize) -> (i32, i32) {
        let start = column as u64 * self.per_column;
        let left = self.x(start);
        (left, self.x(start.saturating_add(self.per_column)) - left)
    }

    /// How long a column lasts.
    pub fn column_time(&self) -> Micros {
        Micros(i64::try_from(self.per_column).unwrap_or(i64::MAX).saturating_mul(self.dt.0))
    }

    /// The end of the run and round times before it, as many as their labels
    /// leave room for.
    pub fn ticks(&self) -> Vec<Tick> {
        let end = self.end();
        let last = Tick { x: self.left + self.width, label: words::seconds(end) };
        if end.0 <= 0 {
            return vec![Tick { x: self.left, label: "0".into() }];
        }
        let step = round_step(end.0 as f64 * 130.0 / f64::from(self.width)).max(1.0) as i64;
        let mut ticks: Vec<Tick> = (0..=end.0 / step).map(|i| self.tick(i * step)).collect();
        ticks.retain(|tick| apart(tick, &last));
        ticks.push(last);
        ticks
    }

    /// The end of the run.
    pub fn end(&self) -> Micros {
        Micros(i64::try_from(self.steps).unwrap_or(i64::MAX).saturating_mul(self.dt.0))
    }

    fn tick(&self, time: i64) -> Tick {
        let share = time as f64 / self.end().0 as f64;
        let x = self.left + (share * f64::from(self.width)).round() as i32;
        Tick { x, label: words::seconds(Micros(time)) }
    }
}

/// Whether the labels of two ticks leave a gap between them.
fn apart(left: &Tick, right: &Tick) -> bool {
    let half = |tick: &Tick| font::width(&tick.label, LABEL) / 2 + 8;
    left.x + half(left) < right.x - half(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(steps: u64) -> Clock {
        Clock::new(steps, Micros(1_000), 0, 100, 1_000)
    }

    #[test]
    fn ticks_are_round_and_the_last_is_the_end() {
        let labels = |steps| clock(steps).ticks().into_iter().map(|t| t.label).collect::<Vec<_>>();
        assert_eq!(labels(0), ["0"]);
        assert_eq!(labels(1), ["0", "0.0002", "0.0004", "0.0006", "0.0008", "0.001"]);
        assert_eq!(labels(307), ["0", "0.05", "0.1", "0.15", "0.2", "0.25", "0.307"]);
        assert_eq!(labels(40_000), ["0", "10", "20", "30", "40"]);
    }

    #[test]
    fn a_tick_stands_where_its_step_begins() {
        let tick = clock(307).ticks().into_iter().find(|tick| tick.label == "0.15").unwrap();
        assert!((tick.x - clock(307).x(150)).abs() <= 1);
    }

    proptest! {
        #[test]
        fn columns_cover_the_axis_without_gap_or_overlap(
            steps in prop_oneof![1..5_000u64, 1..=u64::MAX >> 1], shift in 0..12u32,
        ) {
            prop_assume!(steps >> shift > 0);
            let clock = Clock::new(steps, Micros(1), shift, 100, 1_000);
            prop_assert!((1..=1_000).contains(&clock.columns()));
            prop_assert_eq!(clock.per_column % (1 << shift), 0);
            let mut x = 100;
            for column in 0..clock.columns() {
                let (left, width) = clock.column(column);
                prop_assert_eq!(left, x);
                prop_assert!(width >= 1);
                x += width;
            }
            prop_assert_eq!(x, 1_100);
            prop_assert!(clock.ticks().windows(2).all(|pair| apart(&pair[0], &pair[1])));
        }
    }
}
