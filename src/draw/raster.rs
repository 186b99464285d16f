//! What a raster remembers of a run.
//!
//! A band keeps a [`Grid`] of spikes by row and column and one total a neuron, so
//! that what is kept does not grow with the run, and what is said in numbers is
//! exact whatever the picture can resolve.

use super::band::AROUND;
use super::clock::Clock;
use super::fold::Fold;
use super::grid::Grid;
use super::margin::ROW_OF_TEXT;
use crate::engine::Observer;
use crate::signal::{Shape, Spikes};
use crate::units::Micros;

/// Height that the bands share, where their number allows it.
const BANDS: usize = 1240;
/// Pixels that the marks of a large population are high.
const HEIGHTS: (usize, usize) = (56, 320);
/// Output neurons up to which each has a row high enough for its name.
const NAMED: usize = 24;

/// One population of the raster.
#[derive(Clone, Debug)]
pub struct Band {
    /// The unit that is observed, as in [`Observer::sent`]; it sends spikes.
    pub unit: usize,
    /// What stands above the band.
    pub label: String,
    /// Shape of what the unit sends, or its observer panics; rows are in the order of files.
    pub shape: Shape,
    /// What the rows are.
    pub rows: Rows,
}

/// What the rows of a band are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Elements of an input. With polarity the first half of them is OFF and the
    /// second half ON, as in any shape of two channels.
    Inputs {
        /// Whether there are two polarities.
        polarity: bool,
    },
    /// Neurons.
    Neurons,
    /// The outputs of a classifier, of which the busiest is the answer, and
    /// their names; without names they are numbered.
    Classes(Option<Vec<String>>),
}

impl Rows {
    /// What each of them is called, and what it sends.
    pub(super) fn nouns(&self) -> (&'static str, &'static str) {
        match self {
            Rows::Inputs { .. } => ("input", "event"),
            Rows::Neurons | Rows::Classes(_) => ("neuron", "spike"),
        }
    }
}

/// An observer that remembers what a raster shows.
#[derive(Clone, Debug)]
pub struct Raster {
    pub(super) lanes: Vec<Lane>,
    dt: Micros,
    /// Steps up to the last spike.
    steps: u64,
}

/// What is kept of a band.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub band: Band,
    pub fold: Fold,
    pub grid: Grid,
    /// The row of each address.
    row: Vec<u16>,
    /// Spikes of each address.
    sent: Vec<u64>,
}

impl Raster {
    /// A raster of these bands from top to bottom, of steps of length `dt`.
    pub fn new(bands: Vec<Band>, dt: Micros) -> Raster {
        let height = (BANDS / bands.len().max(1)).saturating_sub(AROUND);
        let height = height.clamp(HEIGHTS.0, HEIGHTS.1);
        let lanes = bands.into_iter().map(|band| Lane::new(band, height)).collect();
        Raster { lanes, dt, steps: 0 }
    }

    /// The time of `steps` steps, or up to the last spike if that came later, on a stretch of
    /// an axis.
    pub(super) fn clock(&self, steps: u64, left: i32, width: i32) -> Clock {
        let shift = self.lanes.iter().map(|lane| lane.grid.shift()).max().unwrap_or(0);
        Clock::new(steps.max(self.steps), self.dt, shift, left, width)
    }
}

impl Lane {
    /// Of a band in about so many pixels.
    pub fn new(band: Band, height: usize) -> Lane {
        let neurons = band.shape.len();
        let fold = match band.rows {
            Rows::Inputs { polarity: true } if neurons.is_multiple_of(2) => {
                Fold::new(neurons, 2, height)
            }
            Rows::Classes(_) if neurons <= NAMED => {
                Fold::new(neurons, 1, height.max(neurons * ROW_OF_TEXT))
            }
            _ => Fold::new(neurons, 1, height),
        };
        let row = (0..neurons).map(|address| fold.row(band.shape.element(address)) as u16);
        Lane {
            row: row.collect(),
            sent: vec![0; neurons],
            grid: Grid::new(fold.rows()),
            band,
            fold,
        }
    }

    /// Counts what the unit sent in a step.
    pub fn observe(&mut self, step: u64, sent: &Spikes) {
        let column = self.grid.column(step);
        for (&address, &count) in sent.index.iter().zip(&sent.count) {
            let cell = &mut column[usize::from(self.row[address as usize])];
            *cell = cell.saturating_add(count);
            self.sent[address as usize] += u64::from(count);
        }
    }

    /// Spikes of each neuron, in the order of files.
    pub fn totals(&self) -> Vec<u64> {
        let shape = &self.band.shape;
        (0..shape.len()).map(|element| self.sent[shape.address(element)]).collect()
    }
}

impl Observer for Raster {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        for lane in self.lanes.iter_mut().filter(|lane| lane.band.unit == unit) {
            lane.observe(step, sent);
        }
        self.steps = self.steps.max(step.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn band(unit: usize, axes: &[usize], rows: Rows) -> Band {
        Band { unit, label: format!("unit {unit}"), shape: Shape::new(axes).unwrap(), rows }
    }

    /// Spikes at sorted addresses from any.
    fn spikes(entries: &[(usize, u32)], shape: &Shape) -> Spikes {
        let mut by_address = vec![0; shape.len()];
        entries.iter().for_each(|&(element, count)| by_address[shape.address(element)] += count);
        let mut spikes = Spikes::default();
        let sent = (0..).zip(by_address).filter(|(_, count)| *count > 0);
        sent.for_each(|(address, count)| spikes.push(address, count as f32, count));
        spikes
    }

    #[test]
    fn units_without_a_band_are_passed_over_and_one_unit_may_have_two() {
        let bands = vec![band(3, &[2], Rows::Neurons), band(3, &[2], Rows::Classes(None))];
        let mut raster = Raster::new(bands, Micros(1));
        let both = spikes(&[(0, 1), (1, 2)], &Shape::new(&[2]).unwrap());
        raster.sent(4, 3, &both);
        raster.sent(9, 0, &both);
        raster.sent(9, 70, &both);
        assert!(raster.lanes.iter().all(|lane| lane.totals() == [1, 2]));
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_run() {
        let mut raster = Raster::new(vec![band(0, &[2, 9, 9], Rows::Neurons)], Micros(1));
        let one = spikes(&[(161, 1)], &raster.lanes[0].band.shape);
        (0..100_000).for_each(|step| raster.sent(step, 0, &one));
        let Lane { grid, fold, .. } = &raster.lanes[0];
        assert_eq!(grid.shift(), 5);
        let row = fold.row(161);
        let columns = grid.resample(32, 3125);
        assert!(columns.chunks(fold.rows()).all(|column| column[row] == 32));
    }

    proptest! {
        #[test]
        fn every_spike_is_in_its_cell_and_in_its_neurons_total(
            polarity: bool,
            mut sent in prop::collection::vec((0..20_000u64, 0..96usize, 1..4u32), 0..200),
        ) {
            let rows = if polarity { Rows::Inputs { polarity } } else { Rows::Neurons };
            // 20 such bands leave so little room that neurons share rows
            let bands = (0..20).map(|unit| band(unit, &[2, 6, 8], rows.clone())).collect();
            let mut raster = Raster::new(bands, Micros(1_000));
            let shape = raster.lanes[7].band.shape.clone();
            sent.sort();
            for &(step, neuron, count) in &sent {
                raster.sent(step, 7, &spikes(&[(neuron, count)], &shape));
            }
            let Lane { fold, grid, .. } = &raster.lanes[7];
            prop_assert!(fold.per_row() > 1);
            let width = 1 << grid.shift();
            let columns = 20_000u64.div_ceil(width) as usize;
            let mut cells = vec![0; columns * fold.rows()];
            let mut totals = vec![0; 96];
            for &(step, neuron, count) in &sent {
                let row = (0..fold.rows()).find(|&row| fold.neurons(row).contains(&neuron));
                cells[(step / width) as usize * fold.rows() + row.unwrap()] += count;
                totals[neuron] += u64::from(count);
            }
            prop_assert_eq!(grid.resample(width, columns), cells);
            prop_assert_eq!(raster.lanes[7].totals(), totals);
            prop_assert!(raster.lanes[6].totals().iter().all(|&total| total == 0));
        }
    }
}
