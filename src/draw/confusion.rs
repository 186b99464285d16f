//! Answers by true class: a matrix whose cells are darker the larger their share of the
//! row is.

use super::band::label;
use super::clock::LABEL;
use super::font;
use super::scene::{Anchor, Rect, Scene};
use super::shade::{Colour, GREY, GUIDE, INK, PAPER, mix};

const MARGIN: i32 = 28;
const EDGE: i32 = 22;
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
        for (column, name) in (0..).zip(&self.columns) {
            let x = left + column * CELL + CELL / 2;
            scene.text(label(x, top - 8, GREY, Anchor::Middle, name.clone()), CELL);
        }
        for (row, (name, counts)) in (0..).zip(self.rows.iter().zip(&self.counts)) {
            let y = top + row * CELL;
            let middle = y + CELL / 2 + 4;
            let name = font::fit(name, LABEL, NAMES - 10);
            scene.text(label(left - 10, middle, INK, Anchor::End, name), NAMES - 10);
            let all: u64 = counts.iter().sum();
            for (column, &count) in (0..).zip(counts) {
                let share = if all > 0 { count as f64 / all as f64 } else { 0.0 };
                let x = left + column * CELL;
                let cell = Rect::new(x + 1, y + 1, CELL - 2, CELL - 2);
                scene.fill(if count > 0 { mix(PAPER, FULL, share) } else { GUIDE }, vec![cell]);
                if count > 0 {
                    let ink = if share > 0.5 { PAPER } else { INK };
                    let text = label(x + CELL / 2, middle, ink, Anchor::Middle, count.to_string());
                    scene.text(text, CELL - 4);
                }
            }
        }
        scene.height = top + self.rows.len() as i32 * CELL + EDGE;
        scene
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Item;
    use super::*;

    #[test]
    fn a_count_stands_under_its_answer_and_beside_its_class() {
        let names = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
        let confusion = Confusion {
            title: "title".into(),
            subtitle: "subtitle".into(),
            rows: names(&["clap", "wave"]),
            columns: names(&["A", "B", "C"]),
            counts: vec![vec![11, 0, 33], vec![0, 25, 5]],
        };
        let scene = confusion.draw();
        let (mut texts, mut cells) = (Vec::new(), Vec::new());
        for item in &scene.items {
            match item {
                Item::Text(text) => texts.push(text),
                Item::Fill(fill) => {
                    cells.extend(fill.rects.iter().map(|rect| (*rect, fill.colour)))
                }
                Item::Marks { .. } => unreachable!("a matrix has no marks"),
            }
        }
        let find = |name: &str| texts.iter().find(|text| text.text == name).unwrap();
        let inside = |rect: &Rect| {
            rect.x >= 0
                && rect.y >= 0
                && rect.x + rect.w <= scene.width
                && rect.y + rect.h <= scene.height
        };
        assert!(cells.len() == 6 && cells.iter().all(|(rect, _)| inside(rect)));
        let mut seen = Vec::new();
        for (row, column, count) in
            [("clap", "A", "11"), ("clap", "C", "33"), ("wave", "B", "25"), ("wave", "C", "5")]
        {
            let (text, row, column) = (find(count), find(row), find(column));
            assert_eq!((text.x, text.y), (column.x, row.y), "{count}");
            assert!(row.anchor == Anchor::End && column.anchor == text.anchor);
            let holds = |rect: &Rect| {
                (rect.x..rect.x + rect.w).contains(&text.x)
                    && (rect.y..rect.y + rect.h).contains(&text.y)
            };
            let around: Vec<_> = cells.iter().filter(|(rect, _)| holds(rect)).collect();
            let [(rect, colour)] = around[..] else { panic!("{count} in {} cells", around.len()) };
            assert!(row.x < rect.x && column.y < rect.y, "names are outside");
            assert!(2 * rect.x + rect.w == 2 * text.x, "in the middle");
            seen.push((colour.0, text.colour));
        }
        // a quarter of the row, three quarters, five sixths, a sixth
        let [quarter, three, five, sixth] = seen[..] else { unreachable!() };
        assert!(five.0 < three.0 && three.0 < quarter.0 && quarter.0 < sixth.0);
        assert!([three, five].iter().all(|(_, ink)| *ink == PAPER));
        assert!([quarter, sixth].iter().all(|(_, ink)| *ink == INK));
        assert_eq!(cells.iter().filter(|(_, colour)| *colour == GUIDE).count(), 2);
    }
}
