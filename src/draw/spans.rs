//! Quantities that are known within bounds: a bar as long as the typical value, and a line
//! from the lowest to the highest.

use super::band::label;
use super::clock::LABEL;
use super::curves::round_step;
use super::font;
use super::scene::{Anchor, Rect, Scene};
use super::shade::{Colour, GREY, GUIDE, INK, RULE};
use super::words;

const WIDTH: i32 = 1000;
const MARGIN: i32 = 28;
const EDGE: i32 = 22;
/// Room for the names of bars, and for their values.
const NAMES: i32 = 200;
const VALUES: i32 = 210;
/// Height of a bar, and of what it takes with white space.
const BAR: (i32, i32) = (14, 24);
/// Height of a group's name, and white space below a group.
const HEADER: i32 = 22;
const GAP: i32 = 14;
/// Parts that the axis is divided into, about.
const PARTS: f64 = 6.0;

/// Bars on one axis, which begins at zero.
#[derive(Clone, Debug)]
pub struct Spans {
    /// The title.
    pub title: String,
    /// What is shown, and of what.
    pub subtitle: String,
    /// The unit of all values.
    pub unit: &'static str,
    /// Bars that belong together.
    pub groups: Vec<Group>,
}

/// Bars that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they have in common.
    pub label: String,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// A quantity within bounds.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Its name.
    pub label: String,
    /// At the least.
    pub low: f64,
    /// As published.
    pub typical: f64,
    /// At the most.
    pub high: f64,
}

/// What the typical value fills.
const FULL: Colour = Colour(134, 186, 226);

/// How to read the picture.
const KEY: &str = "Bar: the typical value. Line: from the lowest to the highest.";

impl Spans {
    /// The picture.
    pub fn draw(&self) -> Scene {
        let mut scene = Scene { width: WIDTH, height: 0, items: Vec::new() };
        let mut y = scene.heading([&self.title, &self.subtitle], (MARGIN, EDGE)) + 12;
        let (left, right) = (MARGIN + NAMES, WIDTH - MARGIN - VALUES);
        let bars = self.groups.iter().flat_map(|group| &group.bars);
        let most = bars.map(|bar| bar.high.max(bar.typical)).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let x = |value: f64| left + (value / most * f64::from(right - left)).round() as i32;
        let step = round_step(most / PARTS);
        let ticks: Vec<f64> =
            (0..).map(|k| f64::from(k) * step).take_while(|v| *v <= most).collect();
        let height = |group: &Group| HEADER + group.bars.len() as i32 * BAR.1 + GAP;
        let bottom = y + self.groups.iter().map(height).sum::<i32>();
        scene.fill(GUIDE, ticks.iter().map(|&v| Rect::new(x(v), y, 1, bottom - y)).collect());
        for group in &self.groups {
            let room = WIDTH - 2 * MARGIN;
            scene.text(label(MARGIN, y + 13, INK, Anchor::Start, group.label.clone()), room);
            y += HEADER;
            for bar in &group.bars {
                self.bar(&mut scene, bar, &x, y);
                y += BAR.1;
            }
            y += GAP;
        }
        scene.fill(RULE, vec![Rect::new(left, bottom, right - left + 1, 1)]);
        for &value in &ticks {
            let text = words::quantity(value, self.unit);
            scene.text(label(x(value), bottom + 16, GREY, Anchor::Middle, text), NAMES);
        }
        scene.text(label(MARGIN, bottom + 40, GREY, Anchor::Start, KEY), WIDTH - 2 * MARGIN);
        scene.height = bottom + 40 + EDGE;
        scene
    }

    fn bar(&self, scene: &mut Scene, bar: &Bar, x: &impl Fn(f64) -> i32, y: i32) {
        let (left, middle, low, high) = (x(0.0), y + BAR.0 / 2, x(bar.low), x(bar.high));
        let name = font::fit(&bar.label, LABEL, NAMES - 10);
        scene.text(label(left - 10, middle + 4, GREY, Anchor::End, name), NAMES - 10);
        scene.fill(FULL, vec![Rect::new(left, y, x(bar.typical) - left, BAR.0)]);
        let typical = words::quantity(bar.typical, self.unit);
        let words = match bar.low < bar.high {
            true => {
                let whiskers = [
                    Rect::new(low, middle, high - low, 1),
                    Rect::new(low, middle - 3, 1, 7),
                    Rect::new(high, middle - 3, 1, 7),
                ];
                scene.fill(INK, whiskers.to_vec());
                let [low, high] = [bar.low, bar.high].map(|end| words::quantity(end, self.unit));
                format!("{typical} ({low} to {high})")
            }
            false => typical,
        };
        scene.text(label(WIDTH - MARGIN, middle + 4, INK, Anchor::End, words), VALUES - 8);
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Item;
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_it_says() {
        let bar = Bar { label: "all".into(), low: 1e-6, typical: 2e-6, high: 4e-6 };
        let groups = vec![Group { label: "table".into(), bars: vec![bar] }];
        let scene =
            Spans { title: String::new(), subtitle: String::new(), unit: "J", groups }.draw();
        let rects = |colour| {
            let fills = scene.items.iter().filter_map(move |item| match item {
                Item::Fill(fill) if fill.colour == colour => Some(fill.rects.clone()),
                _ => None,
            });
            fills.flatten().collect::<Vec<_>>()
        };
        // the axis has 534 pixels for 4 µJ
        assert_eq!(rects(FULL).iter().map(|r| (r.x, r.w)).collect::<Vec<_>>(), [(228, 267)]);
        let whiskers: Vec<_> = rects(INK).iter().map(|r| (r.x, r.w)).collect();
        assert_eq!(whiskers, [(362, 400), (362, 1), (762, 1)]);
        let said = |words: &str| {
            scene.items.iter().find_map(|item| match item {
                Item::Text(text) if text.text == words => Some((text.x, text.anchor)),
                _ => None,
            })
        };
        // ticks where the axis has their values
        assert_eq!(said("2 µJ"), Some((228 + 534 / 2, Anchor::Middle)));
        assert_eq!(said("4 µJ"), Some((228 + 534, Anchor::Middle)));
        // beside the bar: its name ends before it, the numbers after everything else
        assert!(matches!(said("all"), Some((x, Anchor::End)) if (200..228).contains(&x)));
        let numbers = said("2 µJ (1 µJ to 4 µJ)");
        assert!(matches!(numbers, Some((x, Anchor::End)) if x > 762 && x < scene.width));
    }
}
