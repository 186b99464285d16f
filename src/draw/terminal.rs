//! A raster as text: a few lines a band, as wide as the terminal.
//!
//! Few neurons have a row of braille dots each; many share lines of blocks that are darker
//! the more they sent. There is no colour in it, so that it can go anywhere that text goes.

use super::clock::Clock;
use super::page::Heading;
use super::raster::{Lane, Raster};
use super::words;
use crate::units::Micros;

/// Neurons up to which each has a row of dots.
const DOTTED: usize = 32;
/// Lines of a band of more; even, for two polarities.
const LINES: usize = 6;
/// From silent to the most.
const BLOCKS: [char; 5] = [' ', '░', '▒', '▓', '█'];
/// The bits of the dots of a braille character (Unicode 2800), by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Raster {
    /// The raster of a run of `steps` steps in lines of `width` characters at most.
    pub fn text(&self, heading: &Heading, steps: u64, width: usize) -> String {
        let width = width.max(24);
        let clock = |columns: usize| self.clock(steps, 0, columns as i32);
        let mut lines = vec![fit(&heading.title, width), fit(&heading.subtitle, width)];
        lines.retain(|line| !line.is_empty());
        if !heading.spans.is_empty() {
            lines.push(spans(heading, &clock(width), width));
        }
        for lane in &self.lanes {
            lines.push(lane.header(width));
            let is_dotted = lane.fold.per_row() == 1 && lane.fold.rows() <= DOTTED;
            lines.extend(match is_dotted {
                true => lane.dots(&clock(2 * width), width),
                false => lane.blocks(&clock(width), width),
            });
        }
        lines.push(axis(&clock(width), width));
        lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

impl Lane {
    /// `sectors · LIF · 16, 1,024 spikes, 3 silent`
    fn header(&self, width: usize) -> String {
        let (totals, (_, spike)) = (self.totals(), self.band.rows.nouns());
        let order = if self.fold.parts() == 2 { ", OFF above ON" } else { "" };
        let silent = totals.iter().filter(|&&total| total == 0).count() as u64;
        let (sent, silent) = (words::counted(totals.iter().sum(), spike), words::grouped(silent));
        fit(&format!("{}, {sent}, {silent} silent{order}", self.band.label), width)
    }

    /// A row of dots for each neuron.
    fn dots(&self, clock: &Clock, width: usize) -> Vec<String> {
        let rows = self.fold.rows();
        let mut lines = vec![vec![0x2800u32; width]; rows.div_ceil(4)];
        let cells = self.grid.resample(clock.per_column, clock.columns());
        for (column, cells) in cells.chunks(rows).enumerate() {
            let (x, w) = clock.column(column);
            for (row, _) in cells.iter().enumerate().filter(|(_, count)| **count > 0) {
                for x in x as usize..(x + w) as usize {
                    lines[row / 4][x / 2] |= DOTS[row % 4][x % 2];
                }
            }
        }
        let dots = |line: Vec<u32>| line.into_iter().filter_map(char::from_u32).collect();
        lines.into_iter().map(dots).collect()
    }

    /// Lines whose blocks are darker where more was sent; each step of darkness is as many
    /// times more as the next.
    fn blocks(&self, clock: &Clock, width: usize) -> Vec<String> {
        let rows = self.fold.rows();
        let mut sums = vec![vec![0u64; clock.columns()]; LINES];
        let cells = self.grid.resample(clock.per_column, clock.columns());
        for (column, cells) in cells.chunks(rows).enumerate() {
            for (row, &count) in cells.iter().enumerate() {
                sums[row * LINES / rows][column] += u64::from(count);
            }
        }
        let most = sums.iter().flatten().copied().max().unwrap_or(0) as f64;
        let line = |sums: Vec<u64>| {
            let mut line = vec![' '; width];
            for (column, sum) in sums.into_iter().enumerate().filter(|(_, sum)| *sum > 0) {
                let (x, w) = clock.column(column);
                let share = (sum as f64 + 1.0).ln() / (most + 1.0).ln();
                let block = (share * (BLOCKS.len() - 1) as f64).ceil() as usize;
                line[x as usize..(x + w) as usize].fill(BLOCKS[block.min(BLOCKS.len() - 1)]);
            }
            line.into_iter().collect()
        };
        sums.into_iter().map(line).collect()
    }
}

/// The names of stretches of time where they begin.
fn spans(heading: &Heading, clock: &Clock, width: usize) -> String {
    let mut line = vec![' '; width];
    for span in &heading.spans {
        let (from, to) = (clock.x(span.from) as usize, clock.x(span.to) as usize);
        let label = fit(&format!("│{}", span.label), to.saturating_sub(from));
        line[from..].iter_mut().zip(label.chars()).for_each(|(place, c)| *place = c);
    }
    line.into_iter().collect()
}

/// Beginning, middle and end of the time, as far as there is room.
fn axis(clock: &Clock, width: usize) -> String {
    let (left, right) = (width / 2, width - width / 2);
    let half = words::seconds(Micros(clock.end().0 / 2));
    let end = format!("{} s", words::seconds(clock.end()));
    match half.len() + end.len() < right {
        true => format!("{:<left$}{half}{end:>rest$}", "0", rest = right - half.len()),
        false => format!("0{end:>rest$}", rest = width - 1),
    }
}

/// As much of a text as there is room for.
fn fit(text: &str, room: usize) -> String {
    match text.chars().count() <= room {
        true => text.to_owned(),
        false => {
            text.chars().take(room.saturating_sub(1)).chain(['…'].into_iter().take(room)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Band, Rows};
    use super::*;
    use crate::engine::Observer;
    use crate::signal::{Shape, Spikes};
    use proptest::prelude::*;

    fn raster(neurons: usize, sent: &[(u64, u32)]) -> Raster {
        let shape = Shape::new(&[neurons]).unwrap();
        let band = Band { unit: 0, label: "layer".into(), shape, rows: Rows::Neurons };
        let mut raster = Raster::new(vec![band], Micros(1_000));
        for &(step, address) in sent {
            raster.sent(
                step,
                0,
                &Spikes { index: vec![address], value: vec![1.0], count: vec![1] },
            );
        }
        raster
    }

    #[test]
    fn a_neuron_is_a_row_of_dots() {
        // 64 columns of dots for 64 steps: neuron 0 in step 0, 3 in 1, 5 in 63
        let raster = raster(6, &[(0, 0), (1, 3), (63, 5)]);
        let text = raster.text(&Heading::default(), 64, 32);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "layer, 3 spikes, 3 silent");
        assert_eq!(lines[1].chars().collect::<Vec<_>>()[..2], ['⢁', '⠀']);
        assert_eq!(lines[2].chars().last(), Some('⠐'));
        assert_eq!(lines[3], "0               0.032    0.064 s");
    }

    #[test]
    fn a_crowd_is_lines_of_blocks() {
        let sent: Vec<(u64, u32)> = (0..40).map(|n| (12, n)).chain([(0, 599)]).collect();
        let text = raster(600, &sent).text(&Heading::default(), 24, 24);
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        assert_eq!(lines[1], format!("{:12}█", "").chars().collect::<Vec<_>>());
        assert_eq!(lines[6], ['░']);
        assert!(lines[2..6].iter().all(Vec::is_empty));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked(
            neurons in 1usize..200, steps in 0u64..10_000, width in 24usize..200,
        ) {
            let text = raster(neurons, &[(steps / 2, 0)]).text(&Heading::default(), steps, width);
            prop_assert!(text.lines().all(|line| line.chars().count() <= width), "{}", text);
        }
    }
}
