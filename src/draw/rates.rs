//! How often each neuron of each layer fired, as images: channels as tiles.
//!
//! [`Rates`] observes a run and keeps one total a neuron.

use super::band::label;
use super::clock::LABEL;
use super::font;
use super::page::{EDGE, Heading, MARGIN, WIDTH, head};
use super::raster::{Band, Rows};
use super::scene::{Anchor, Fill, Item, Rect, Scene};
use super::shade::{Colour, GREY, INK, NEURONS, OFF, ON, Ramp};
use super::tiles::Tiles;
use super::words;
use crate::engine::Observer;
use crate::signal::Spikes;
use crate::units::Micros;

/// Height that the images share, and that of one.
const IMAGES: i32 = 1100;
const IMAGE: (i32, i32) = (40, 260);
/// Height of a header, and white space below an image.
const HEADER: i32 = 20;
const GAP: i32 = 18;
/// Shades: the darkest is the highest rate, and every second lighter one is half of that.
const SHADES: usize = 12;
/// Neurons that never fired.
const SILENT: Colour = Colour(242, 243, 245);

/// How to read the picture.
const KEY: &str = "A cell is a neuron, or the mean of as many neighbours as its band says; tiles are channels in the \
                   order of the network's file. Every second shade stands for twice the rate; the palest cells are silent.";

/// An observer that counts every neuron's spikes.
#[derive(Clone, Debug)]
pub struct Rates {
    bands: Vec<Band>,
    /// Spikes by band and neuron, which is counted as files count.
    spikes: Vec<Vec<u64>>,
}

impl Rates {
    /// Nothing counted yet.
    pub fn new(bands: Vec<Band>) -> Rates {
        let spikes = bands.iter().map(|band| vec![0; band.shape.len()]).collect();
        Rates { bands, spikes }
    }

    /// The picture of a run of this length.
    pub fn draw(&self, heading: &Heading, length: Micros) -> Scene {
        let mut scene = Scene { width: WIDTH, height: 0, items: Vec::new() };
        let mut y = head(&mut scene, heading);
        let room = IMAGES / self.bands.len().max(1) as i32 - HEADER - GAP;
        let room = (WIDTH - 2 * MARGIN, room.clamp(IMAGE.0, IMAGE.1));
        for (band, spikes) in self.bands.iter().zip(&self.spikes) {
            let image = Tiles::new(&band.shape, room);
            let height = image.size().1;
            Map { band, spikes, image, length }.draw(&mut scene, y);
            y += HEADER + height + GAP;
        }
        let key = match heading.spans.len() {
            0 | 1 => KEY.to_owned(),
            trials => format!("Of {trials} trials together. {KEY}"),
        };
        scene.text(label(MARGIN, y + 4, GREY, Anchor::Start, key), WIDTH - 2 * MARGIN);
        scene.height = y + EDGE;
        scene
    }
}

impl Observer for Rates {
    fn sent(&mut self, _step: u64, unit: usize, sent: &Spikes) {
        for (band, spikes) in self.bands.iter().zip(&mut self.spikes) {
            if band.unit == unit {
                for (&address, &count) in sent.index.iter().zip(&sent.count) {
                    spikes[band.shape.element(address as usize)] += u64::from(count);
                }
            }
        }
    }
}

/// A band on its way into a scene.
struct Map<'a> {
    band: &'a Band,
    spikes: &'a [u64],
    image: Tiles,
    length: Micros,
}

impl Map<'_> {
    fn draw(&self, scene: &mut Scene, y: i32) {
        let (cells, rates) = (self.rates(), |spikes: f64| spikes / self.length.seconds().0);
        let most = cells.iter().copied().fold(0.0, f64::max);
        scene.text(label(MARGIN, y + 12, INK, Anchor::Start, self.band.label.clone()), WIDTH / 3);
        let x = MARGIN + font::width(&self.band.label, LABEL).min(WIDTH / 3) + 14;
        scene.text(label(x, y + 12, GREY, Anchor::Start, self.facts()), WIDTH / 2);
        let moved = |Rect { x, y: top, w, h }: Rect| Rect::new(MARGIN + x, y + HEADER + top, w, h);
        let (w, h) = self.image.size();
        let area = Rect::new(MARGIN, y + HEADER, w, h);
        let silent =
            Fill { colour: SILENT, rects: self.image.ground().into_iter().map(moved).collect() };
        let mut shades = vec![silent];
        for ramp in self.ramps() {
            let colours = (0..SHADES).map(|class| ramp.shade(class, SHADES));
            shades.extend(colours.map(|colour| Fill { colour, rects: Vec::new() }));
        }
        let parts = self.ramps().len();
        for (cell, &rate) in cells.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
            let below = (2.0 * (most / rate).log2()).floor().min(SHADES as f64 - 1.0) as usize;
            let part = cell * parts / cells.len();
            let place = moved(self.image.place(cell));
            shades[1 + part * SHADES + SHADES - 1 - below].rects.push(place);
        }
        scene.items.push(Item::Marks { area, shades });
        if most > 0.0 {
            self.legend(scene, y, rates(most));
        }
    }

    /// Mean spikes of each cell's neurons.
    fn rates(&self) -> Vec<f64> {
        let mut sums = vec![(0u64, 0u64); self.image.cells()];
        for (neuron, spikes) in self.spikes.iter().enumerate() {
            let (sum, neurons) = &mut sums[self.image.cell(neuron)];
            (*sum, *neurons) = (*sum + spikes, *neurons + 1);
        }
        sums.into_iter().map(|(sum, neurons)| sum as f64 / neurons.max(1) as f64).collect()
    }

    /// `mean 3.2 Hz · busiest 41 Hz (neuron 17) · 3 silent`; where all are silent, none is
    /// the busiest.
    fn facts(&self) -> String {
        let ((noun, _), sum) = (self.band.rows.nouns(), self.spikes.iter().sum::<u64>());
        let hertz = |spikes: f64| words::quantity(spikes / self.length.seconds().0, "Hz");
        let most = (0..self.spikes.len()).rev().max_by_key(|&neuron| self.spikes[neuron]);
        let busiest = most.filter(|_| sum > 0).map_or_else(String::new, |most| {
            let rate = hertz(self.spikes[most] as f64);
            format!(" · busiest {rate} ({noun} {})", words::grouped(most as u64))
        });
        let silent = self.spikes.iter().filter(|&&spikes| spikes == 0).count() as u64;
        let shared = match self.image.per_cell() {
            1 => String::new(),
            many => format!(" · {many} {noun}s a cell"),
        };
        format!(
            "mean {}{busiest} · {} silent{shared}",
            hertz(sum as f64 / self.spikes.len() as f64),
            words::grouped(silent),
        )
    }

    fn ramps(&self) -> &'static [Ramp] {
        match self.band.rows {
            Rows::Inputs { polarity: true } if self.band.shape.channels() == 2 => &[OFF, ON],
            _ => &[NEURONS],
        }
    }

    /// Draws what the shades stand for, at the right edge.
    fn legend(&self, scene: &mut Scene, y: i32, most: f64) {
        let (right, side) = (WIDTH - MARGIN, 7);
        let words = format!("up to {}", words::quantity(most, "Hz"));
        let left = right - font::width(&words, LABEL) - 6 - SHADES as i32 * side;
        let height = 10 / self.ramps().len() as i32;
        for (line, ramp) in (0..).zip(self.ramps()) {
            for class in 0..SHADES {
                let place =
                    Rect::new(left + class as i32 * side, y + 3 + line * height, side, height);
                scene.fill(ramp.shade(class, SHADES), vec![place]);
            }
        }
        scene.text(label(right, y + 12, GREY, Anchor::End, words), WIDTH / 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Shape;

    #[test]
    fn a_rate_is_spikes_over_time_where_the_neuron_is() {
        let shape = Shape::new(&[2, 3, 3]).unwrap();
        let band = Band { unit: 4, label: "layer".into(), shape, rows: Rows::Neurons };
        let mut rates = Rates::new(vec![band]);
        // channel 1 of pixel 5 six times, channel 0 of pixel 0 once, of another unit never
        let sent = Spikes { index: vec![0, 11], value: vec![1.0; 2], count: vec![1, 6] };
        rates.sent(0, 4, &sent);
        rates.sent(7, 3, &sent);
        let scene = rates.draw(&Heading::default(), Micros(2_000_000));
        let shades = scene.items.iter().find_map(|item| match item {
            Item::Marks { shades, .. } => Some(shades),
            _ => None,
        });
        let shades = shades.unwrap();
        let lit: Vec<(usize, Rect)> = (1..)
            .zip(&shades[1..])
            .flat_map(|(n, fill)| fill.rects.iter().map(move |r| (n, *r)))
            .collect();
        // two tiles of 36 pixels and 4 between them; a sixth of the highest rate is five
        // shades and a bit below it
        let (left, top) = (MARGIN, shades[0].rects[0].y);
        let expected =
            [(7, Rect::new(left, top, 11, 11)), (12, Rect::new(left + 40 + 24, top + 12, 11, 11))];
        assert_eq!(lit, expected);
        let facts = "mean 194.44 mHz · busiest 3 Hz (neuron 14) · 16 silent";
        assert!(
            scene.items.iter().any(|item| matches!(item, Item::Text(text) if text.text == facts))
        );
    }
}
