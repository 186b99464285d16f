//! A histogram of spikes over rows and time whose columns widen as a run grows.

/// Columns at most; in a run of any length at least half of them are in use.
pub const COLUMNS: usize = 4096;

/// Counts by column and row. A column is `1 << shift` steps.
#[derive(Clone, Debug)]
pub struct Grid {
    rows: usize,
    shift: u32,
    cells: Vec<u32>,
}

impl Grid {
    /// An empty grid with one step a column.
    pub fn new(rows: usize) -> Grid {
        Grid { rows, shift: 0, cells: Vec::new() }
    }

    /// Log2 of the steps in a column.
    pub fn shift(&self) -> u32 {
        self.shift
    }

    /// The counts of the column that `step` falls into, by row.
    #[inline]
    pub fn column(&mut self, step: u64) -> &mut [u32] {
        while step >> self.shift >= COLUMNS as u64 {
            self.widen();
        }
        let start = (step >> self.shift) as usize * self.rows;
        if start >= self.cells.len() {
            self.cells.resize(start + self.rows, 0);
        }
        &mut self.cells[start..start + self.rows]
    }

    /// Merges pairs of columns, the later into the earlier.
    fn widen(&mut self) {
        let (rows, columns) = (self.rows, self.cells.len() / self.rows);
        for column in 0..columns {
            let (from, to) = (column * rows, column / 2 * rows);
            for row in 0..rows {
                let count = self.cells[from + row];
                self.cells[to + row] = match column % 2 {
                    0 => count,
                    _ => self.cells[to + row].saturating_add(count),
                };
            }
        }
        self.cells.truncate(columns.div_ceil(2) * rows);
        self.shift += 1;
    }

    /// The counts of `columns` columns of `steps` steps each, column by column;
    /// `steps` is a multiple of the grid's own width.
    pub fn resample(&self, steps: u64, columns: usize) -> Vec<u32> {
        let merged = (steps >> self.shift) as usize * self.rows;
        let mut out = vec![0u32; columns * self.rows];
        for (wide, narrow) in out.chunks_mut(self.rows).zip(self.cells.chunks(merged)) {
            for column in narrow.chunks(self.rows) {
                for (sum, &count) in wide.iter_mut().zip(column) {
                    *sum = sum.saturating_add(count);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_at_the_end_of_time_still_finds_a_column() {
        let mut grid = Grid::new(3);
        grid.column(0)[1] = 4;
        grid.column(u64::MAX)[2] += 1;
        assert_eq!(grid.shift(), 52);
        assert_eq!(grid.column(1)[1], 4);
        assert_eq!(grid.cells.iter().sum::<u32>(), 5);
    }

    #[test]
    fn counts_stop_at_the_largest_and_never_wrap() {
        let mut grid = Grid::new(1);
        grid.column(0)[0] = u32::MAX;
        grid.column(1)[0] = 7;
        assert_eq!(grid.resample(2, 1), [u32::MAX]);
        grid.column(COLUMNS as u64);
        assert_eq!(grid.column(0)[0], u32::MAX);
    }

    proptest! {
        #[test]
        fn every_cell_is_what_counting_by_hand_gives(
            rows in 1..5usize,
            stretch in prop::sample::select(vec![1u64, 3, 40, 1_000]),
            mut spikes in prop::collection::vec((0..9_000u64, 0..5usize, 1..4u32), 0..300),
            wider in 1..4u64,
        ) {
            spikes.sort();
            let mut grid = Grid::new(rows);
            for &(step, row, count) in &spikes {
                grid.column(step * stretch)[row % rows] += count;
            }
            let steps = wider << grid.shift();
            let columns = (9_000 * stretch).div_ceil(steps) as usize;
            let mut by_hand = vec![0; columns * rows];
            for &(step, row, count) in &spikes {
                by_hand[(step * stretch / steps) as usize * rows + row % rows] += count;
            }
            prop_assert_eq!(grid.resample(steps, columns), by_hand);
            prop_assert!(grid.cells.len() <= COLUMNS * rows);
            let last = spikes.last().map_or(0, |last| last.0 * stretch);
            prop_assert!(grid.shift() == 0 || last >> (grid.shift() - 1) >= COLUMNS as u64);
        }
    }
}
