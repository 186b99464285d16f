//! How the neurons of a population share the rows of its band.
//!
//! Few neurons have a row each; many share rows in groups of one size, in the
//! order in which files count them. The two polarities of an input never share a
//! row. A row is a whole number of pixels high, so that every row looks the same.

use std::ops::Range;

/// Height of a row that neurons share, in pixels.
const SHARED: usize = 2;

/// Height of the row of a lone neuron, in pixels.
const TALLEST: usize = 16;

/// Neurons in rows.
#[derive(Clone, Debug)]
pub struct Fold {
    /// Neurons of one part; parts are the polarities, or all there is.
    part: usize,
    parts: usize,
    per_row: usize,
    /// Height of a row in pixels.
    pub pixels: usize,
}

impl Fold {
    /// Folds `neurons` into about `height` pixels.
    pub fn new(neurons: usize, parts: usize, height: usize) -> Fold {
        let part = neurons / parts;
        let room = height / parts;
        let per_row = even_share(part, part.div_ceil((room / SHARED).max(1)));
        let rows = part.div_ceil(per_row);
        let pixels = (room / rows).clamp(SHARED, TALLEST);
        Fold { part, parts, per_row, pixels: if per_row > 1 { SHARED } else { pixels } }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.part.div_ceil(self.per_row) * self.parts
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.rows() * self.pixels
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Neurons in a full row.
    pub fn per_row(&self) -> usize {
        self.per_row
    }

    /// The row of a neuron.
    pub fn row(&self, neuron: usize) -> usize {
        neuron / self.part * (self.rows() / self.parts) + neuron % self.part / self.per_row
    }

    /// The part that a row belongs to.
    pub fn part_of(&self, row: usize) -> usize {
        row * self.parts / self.rows()
    }

    /// The neurons of a row.
    pub fn neurons(&self, row: usize) -> Range<usize> {
        let (rows, part) = (self.rows() / self.parts, self.part_of(row));
        let start = part * self.part + row % rows * self.per_row;
        start..(start + self.per_row).min((part + 1) * self.part)
    }
}

/// The smallest share from `least` to half as much again that leaves no row
/// short, and so does not cut the lines of an image unevenly; else `least`.
fn even_share(neurons: usize, least: usize) -> usize {
    let shares = least..=least + least / 2;
    shares.clone().find(|&share| neurons.is_multiple_of(share)).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_neurons_have_a_row_each_and_many_share() {
        let shape = |neurons, height| {
            let fold = Fold::new(neurons, 1, height);
            (fold.per_row(), fold.rows(), fold.pixels)
        };
        assert_eq!(shape(1, 80), (1, 1, 16));
        assert_eq!(shape(10, 130), (1, 10, 13));
        assert_eq!(shape(40, 80), (1, 40, 2));
        assert_eq!(shape(41, 80), (2, 21, 2));
        assert_eq!(shape(65_536, 80), (2048, 32, 2));
        assert_eq!(shape(65_537, 80), (1639, 40, 2));
    }

    #[test]
    fn every_neuron_is_in_the_row_that_lists_it() {
        for (neurons, parts) in [(1, 1), (7, 1), (2312, 2), (2, 2), (4096, 1), (2310, 2)] {
            let fold = Fold::new(neurons, parts, 80);
            let listed: Vec<usize> = (0..fold.rows()).flat_map(|row| fold.neurons(row)).collect();
            assert_eq!(listed, (0..neurons).collect::<Vec<_>>());
            for row in 0..fold.rows() {
                assert!(fold.neurons(row).all(|neuron| fold.row(neuron) == row));
                let part = neurons / parts;
                assert!(fold.neurons(row).all(|neuron| neuron / part == fold.part_of(row)));
            }
        }
    }
}
