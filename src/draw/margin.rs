//! What stands left and right of a band's marks: the names of its rows and the
//! spikes of each.

use super::band::{ASIDE, Painter, SIDE, label};
use super::clock::LABEL;
use super::font;
use super::raster::{Lane, Rows};
use super::scene::{Anchor, Rect, Scene};
use super::shade::{Colour, GREY, INK, SUM};
use super::words;

/// Height of a row that a name fits into.
pub const ROW_OF_TEXT: usize = 13;
/// Height of the capitals of a name.
const CAPITALS: i32 = 8;
/// Narrowest and widest space for names.
pub const GUTTER: (i32, i32) = (56, 210);
/// Space for the spikes of a class, in digits.
const DIGITS: i32 = 56;

/// A name on its way to a place where no other is.
struct Name {
    text: String,
    colour: Colour,
    /// Middle of what it names.
    middle: i32,
    spikes: Option<u64>,
}

/// How wide the names of a band's rows are, with space.
pub fn gutter(lane: &Lane) -> i32 {
    let named = match &lane.band.rows {
        Rows::Classes(Some(names)) => names.iter().map(|name| font::width(name, LABEL)).max(),
        _ => None,
    };
    (named.unwrap_or(0) + ASIDE).clamp(GUTTER.0, GUTTER.1)
}

/// The busiest neuron, the first of several; none if all are equal.
pub fn busiest<T: Copy + PartialOrd>(totals: &[T]) -> Option<usize> {
    let best = (0..totals.len()).reduce(|a, b| if totals[b] > totals[a] { b } else { a })?;
    totals.iter().any(|&total| total != totals[best]).then_some(best)
}

impl Painter<'_> {
    /// Draws the mean spikes of each row's neurons as bars.
    pub fn sums(&self, scene: &mut Scene) {
        let fold = &self.lane.fold;
        let means: Vec<f64> = (0..fold.rows()).map(|row| self.mean(row)).collect();
        let most = means.iter().copied().fold(0.0, f64::max);
        if most == 0.0 {
            return;
        }
        let answer = self.answer().map(|neuron| fold.row(neuron));
        let x = self.plot.right() + ASIDE;
        let longest = SIDE - ASIDE - if self.is_answer() { DIGITS } else { 0 };
        for (row, &mean) in means.iter().enumerate().filter(|(_, mean)| **mean > 0.0) {
            let (y, h) = self.row(row);
            let w = (mean / most * f64::from(longest)).ceil() as i32;
            let colour = match (fold.parts(), answer == Some(row)) {
                (2, _) => self.ramps()[fold.part_of(row)].pale(),
                (_, true) => INK,
                _ => SUM,
            };
            scene.fill(colour, vec![Rect::new(x, y, w, h)]);
        }
        if !self.is_answer() {
            let words = self.longest_bar(most);
            scene.text(label(x, self.plot.y - 5, GREY, Anchor::Start, words), SIDE - ASIDE);
        }
    }

    fn longest_bar(&self, most: f64) -> String {
        let most = words::mean(most);
        match self.lane.fold.per_row() {
            1 => format!("up to {most} per {}", self.lane.band.rows.nouns().0),
            _ => format!("row mean up to {most}"),
        }
    }

    fn mean(&self, row: usize) -> f64 {
        let neurons = self.lane.fold.neurons(row);
        let spikes: u64 = self.totals[neurons.clone()].iter().sum();
        spikes as f64 / neurons.len() as f64
    }

    fn is_answer(&self) -> bool {
        matches!(self.lane.band.rows, Rows::Classes(_))
    }

    /// The answer of a run; trials have one each, and their sum has none.
    fn answer(&self) -> Option<usize> {
        busiest(&self.totals).filter(|_| self.is_answer() && !self.trials)
    }

    /// Draws names beside the rows, and the spikes of the classes that are named:
    /// of those that want the same place the first in the list.
    pub fn names(&self, scene: &mut Scene) {
        let (left, right) = (self.plot.x - 8, self.plot.right() + SIDE);
        let mut taken: Vec<i32> = Vec::new();
        for Name { text, colour, middle, spikes } in self.wanted() {
            let y = self.baseline(middle);
            if taken.iter().any(|other| (other - y).abs() < ROW_OF_TEXT as i32 - 1) {
                continue;
            }
            taken.push(y);
            scene.text(label(left, y, colour, Anchor::End, text), GUTTER.1 - ASIDE);
            if let Some(spikes) = spikes {
                let spikes = words::grouped(spikes);
                scene.text(label(right, y, colour, Anchor::End, spikes), DIGITS - 4);
            }
        }
    }

    /// The names that a band should have, the most important first.
    fn wanted(&self) -> Vec<Name> {
        let last = self.totals.len() - 1;
        let neurons: Vec<usize> = match self.is_answer() && self.lane.fold.per_row() == 1 {
            true => self.answer().into_iter().chain(0..=last).collect(),
            false => self.answer().into_iter().chain([0, last]).collect(),
        };
        let mut names: Vec<Name> = Vec::new();
        if self.lane.fold.parts() == 2 {
            names.extend(["OFF", "ON"].into_iter().enumerate().map(|(part, name)| Name {
                text: name.into(),
                colour: self.ramps()[part].ink(),
                middle: self.plot.y + self.plot.h * (2 * part as i32 + 1) / 4,
                spikes: None,
            }));
        }
        names.extend(neurons.into_iter().map(|neuron| self.name(neuron)));
        names
    }

    fn name(&self, neuron: usize) -> Name {
        let known = match &self.lane.band.rows {
            Rows::Classes(Some(names)) => names.get(neuron).cloned(),
            _ => None,
        };
        let (y, h) = self.row(self.lane.fold.row(neuron));
        Name {
            text: known.unwrap_or_else(|| words::grouped(neuron as u64)),
            colour: if self.answer() == Some(neuron) { INK } else { GREY },
            middle: y + h / 2,
            spikes: self.is_answer().then(|| self.totals[neuron]),
        }
    }

    /// Baseline of a name around `middle` that does not leave the band.
    fn baseline(&self, middle: i32) -> i32 {
        let half = CAPITALS / 2;
        let (first, last) = (self.plot.y + half, self.plot.bottom() - half);
        middle.min(last).max(first) + half
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_busiest_the_first_of_several_and_none_in_silence() {
        assert_eq!(busiest(&[1, 5, 5]), Some(1));
        assert_eq!(busiest(&[0, 0]), None);
        assert_eq!(busiest(&[7]), None);
    }
}
