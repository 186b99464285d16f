//! Answers by true class: a matrix whose cells are darker the larger their share of the
//! row is.

use super::font;
use super::scene::{Anchor, Rect, Scene, Text};
use super::shade::{Colour, GREY, GUIDE, INK, PAPER};

const MARGIN: i32 = 28;
const EDGE: i32 = 22;
const LABEL: u32 = 11;
/// The side of a cell.
const CELL: i32 = 40;
/// Room for the names of the classes.
const NAMES: i32 = 190;

/// A cell that holds its whole row.
const FULL: Colour = Colour(8, 64, 129);

/// A confusion matrix.
#[derive(Clone, Debug)]
pub struct Confusion {
    /// The title.
    pub title: String,
    /// What is shown.
    pub subtitle: String,
    /// Names of the rows, the true classes.
    pub rows: Vec<String>,
    /// Names of the columns, the answers.
    pub columns: Vec<String>,
    /// True class by row, answer by column.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// The picture.
    pub fn draw(&self) -> Scene {
        let columns = self.columns.len() as i32;
        let width = 2 * MARGIN + (NAMES + columns * CELL).max(360);
        let mut scene = Scene { width, height: 0, items: Vec::new() };
        let y = scene.heading([&self.title, &self.subtitle], (MARGIN, EDGE));
        let (left, top) = (MARGIN + NAMES, y + 40);
        let say = |x: i32, y: i32, anchor: Anchor, colour: Colour, text: String| Text {
            x,
            y,
            size: LABEL,
            colour,
            anchor,
            text,
        };
        for (column, name) in (0..).zip(&self.columns) {
            let x = left + column * CELL + CELL / 2;
            scene.text(say(x, top - 8, Anchor::Middle, GREY, name.clone()), CELL);
        }
        for (row, (name, counts)) in (0..).zip(self.rows.iter().zip(&self.counts)) {
            let y = top + row * CELL;
            let middle = y + CELL / 2 + 4;
            let name = font::fit(name, LABEL, NAMES - 10);
            scene.text(say(left - 10, middle, Anchor::End, INK, name), NAMES - 10);
            let all: u64 = counts.iter().sum();
            for (column, &count) in (0..).zip(counts) {
                let share = if all > 0 { count as f64 / all as f64 } else { 0.0 };
                let x = left + column * CELL;
                let cell = Rect::new(x + 1, y + 1, CELL - 2, CELL - 2);
                scene.fill(if count > 0 { mix(share) } else { GUIDE }, vec![cell]);
                if count > 0 {
                    let ink = if share > 0.5 { PAPER } else { INK };
                    let text = say(x + CELL / 2, middle, Anchor::Middle, ink, count.to_string());
                    scene.text(text, CELL - 4);
                }
            }
        }
        scene.height = top + self.rows.len() as i32 * CELL + EDGE;
        scene
    }
}

/// From paper to the full colour.
fn mix(share: f64) -> Colour {
    let between = |from: u8, to: u8| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8
    };
    let (Colour(r, g, b), Colour(full_r, full_g, full_b)) = (PAPER, FULL);
    Colour(between(r, full_r), between(g, full_g), between(b, full_b))
}
