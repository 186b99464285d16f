//! Curves over a few columns that have names: what moves when one thing is changed.

use super::band::label;
use super::clock::LABEL;
use super::font;
use super::scene::{Anchor, Rect, Scene};
use super::shade::{Colour, GREY, GUIDE, INK, RULE};
use super::words;

const WIDTH: i32 = 1000;
const MARGIN: i32 = 28;
const EDGE: i32 = 22;
/// Room for the labels of the y axis.
const GUTTER: i32 = 96;
const PANEL: i32 = 180;
const GAP: i32 = 56;
/// Half the side of a mark.
const MARK: i32 = 3;
/// Parts that the y axis is divided into, about.
const PARTS: f64 = 4.0;

/// What stands out among several lines.
const STRONG: Colour = Colour(34, 113, 178);
/// The others.
const WEAK: Colour = Colour(190, 196, 204);

/// Panels below each other over the same columns.
#[derive(Clone, Debug)]
pub struct Curves {
    /// The title.
    pub title: String,
    /// What is shown, and of what.
    pub subtitle: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// Lines on one axis, which holds zero.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it shows.
    pub label: String,
    /// The unit of its values.
    pub unit: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// A word for each column, or none.
    pub words: Vec<String>,
}

/// A value for each column.
#[derive(Clone, Debug)]
pub struct Line {
    /// The values.
    pub values: Vec<f64>,
    /// Whether it is to stand out.
    pub strong: bool,
}

impl Curves {
    /// The picture.
    pub fn draw(&self) -> Scene {
        let mut scene = Scene { width: WIDTH, height: 0, items: Vec::new() };
        let mut y = scene.heading([&self.title, &self.subtitle], (MARGIN, EDGE));
        for panel in &self.panels {
            y = self.panel(&mut scene, panel, y + GAP);
        }
        scene.height = y + EDGE + LABEL as i32;
        scene
    }

    /// The middle of a column.
    fn x(&self, column: usize) -> i32 {
        let width = WIDTH - 2 * MARGIN - GUTTER;
        MARGIN + GUTTER + width * (2 * column as i32 + 1) / (2 * self.columns.len().max(1) as i32)
    }

    /// Draws a panel; gives the line below it.
    fn panel(&self, scene: &mut Scene, panel: &Panel, top: i32) -> i32 {
        let (left, right) = (MARGIN + GUTTER, WIDTH - MARGIN);
        let bottom = top + PANEL;
        let axis = Axis::of(panel.lines.iter().flat_map(|line| &line.values).copied());
        let y = |value: f64| bottom - (axis.share(value) * f64::from(PANEL)).round() as i32;
        scene.text(label(left, top - 26, INK, Anchor::Start, panel.label.clone()), right - left);
        for value in axis.ticks() {
            let colour = if value == 0.0 { RULE } else { GUIDE };
            scene.fill(colour, vec![Rect::new(left, y(value), right - left, 1)]);
            let text = words::quantity(value, panel.unit);
            scene.text(label(left - 8, y(value) + 4, GREY, Anchor::End, text), GUTTER - 8);
        }
        let (strong, weak): (Vec<&Line>, Vec<&Line>) =
            panel.lines.iter().partition(|line| line.strong);
        for (lines, colour) in [(weak, WEAK), (strong, STRONG)] {
            let rects = lines.iter().flat_map(|line| self.line(line, y)).collect();
            scene.fill(colour, rects);
        }
        let room = self.x(1) - self.x(0);
        for (column, word) in panel.words.iter().enumerate() {
            let is_new = column == 0 || panel.words[column - 1] != *word;
            let colour = if is_new { INK } else { GREY };
            let text = label(self.x(column), top - 8, colour, Anchor::Middle, word.clone());
            scene.text(text, room - 6);
        }
        for (column, name) in self.columns.iter().enumerate() {
            let text = label(self.x(column), bottom + 16, GREY, Anchor::Middle, name.clone());
            scene.text(text, room.max(font::width(name, LABEL)));
        }
        bottom + 16
    }

    /// Marks, and between them one run of pixels a column of pixels.
    fn line(&self, line: &Line, y: impl Fn(f64) -> i32) -> Vec<Rect> {
        let points: Vec<(i32, i32)> =
            line.values.iter().enumerate().map(|(i, &value)| (self.x(i), y(value))).collect();
        let mark = |&(x, y): &(i32, i32)| Rect::new(x - MARK, y - MARK, 2 * MARK + 1, 2 * MARK + 1);
        let mut rects: Vec<Rect> = points.iter().map(mark).collect();
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let at = |x: i32| y0 + ((y1 - y0) * (x - x0)) / (x1 - x0).max(1);
            rects.extend((x0..x1).map(|x| {
                let (from, to) = (at(x).min(at(x + 1)), at(x).max(at(x + 1)));
                Rect::new(x, from, 1, (to - from).max(1) + 1)
            }));
        }
        rects
    }
}

/// The axis of a panel; both ends are ticks, and zero lies between.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    /// The distance between ticks, 1, 2 or 5 times a power of ten.
    step: f64,
    /// Ticks below zero.
    below: i32,
    /// Ticks above it.
    above: i32,
}

impl Axis {
    /// The axis for some values.
    fn of(values: impl Iterator<Item = f64>) -> Axis {
        let (least, most) = values.fold((0.0, 0.0), |(least, most): (f64, f64), value| {
            (least.min(value), most.max(value))
        });
        let span = most - least;
        if span <= 0.0 || !span.is_finite() {
            return Axis { step: 1.0, below: 0, above: 1 };
        }
        let step = round_step(span / PARTS);
        let ticks = |end: f64| (end / step * 0.999).ceil() as i32;
        Axis { step, below: ticks(-least), above: ticks(most) }
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        (-self.below..=self.above).map(move |k| f64::from(k) * self.step)
    }

    /// How far up the axis a value is, from 0 to 1; what lies beyond is at its end.
    fn share(self, value: f64) -> f64 {
        let (below, above) = (f64::from(self.below), f64::from(self.above));
        ((value / self.step + below) / (below + above)).clamp(0.0, 1.0)
    }
}

/// 1, 2 or 5 times a power of ten: the smallest that is no less than a positive number.
pub fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|&k| k * power >= rough * 0.999);
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_a_tick_at_or_above_the_largest_value() {
        let of = |most: f64| Axis::of([0.0, most, most / 3.0].into_iter());
        let axis = |step, above| Axis { step, below: 0, above };
        assert_eq!([of(4.0), of(100.0), of(17.0)], [axis(1.0, 4), axis(50.0, 2), axis(5.0, 4)]);
        assert_eq!([of(0.0), of(2.4)], [axis(1.0, 1), axis(1.0, 3)]);
        let Axis { step, above, .. } = of(3.3e-7);
        assert!((step - 1e-7).abs() < 1e-20 && above == 4);
    }

    #[test]
    fn axes_reach_below_zero_where_values_do() {
        let axis = Axis::of([-0.7, 1.9].into_iter());
        assert_eq!(axis, Axis { step: 1.0, below: 1, above: 2 });
        assert_eq!(axis.ticks().collect::<Vec<f64>>(), [-1.0, 0.0, 1.0, 2.0]);
        assert_eq!([-1.0, 0.5, 2.0, 9.0].map(|value| axis.share(value)), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(Axis::of([-30.0, -7.0].into_iter()), Axis { step: 10.0, below: 3, above: 0 });
    }

    #[test]
    fn a_line_has_no_gaps() {
        let curves = Curves {
            title: "a".into(),
            subtitle: "b".into(),
            columns: vec!["1".into(), "2".into(), "3".into()],
            panels: vec![],
        };
        let line = Line { values: vec![0.0, 100.0, 20.0], strong: true };
        let rects = curves.line(&line, |value| 200 - value as i32);
        let runs: Vec<&Rect> = rects.iter().filter(|rect| rect.w == 1).collect();
        for pair in runs.windows(2) {
            assert_eq!(pair[0].right(), pair[1].x);
            assert!(pair[0].y <= pair[1].bottom() && pair[1].y <= pair[0].bottom());
        }
    }
}
