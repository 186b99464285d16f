//! The input at several times: event frames, and time surfaces.
//!
//! An event frame counts what happened in a stretch of time; in a time surface each pixel
//! fades with the age of its last event, e^(−age/τ) (Lagorce et al., "HOTS", 2017).

use super::band::label;
use super::page::{EDGE, Heading, MARGIN, Span, WIDTH, head};
use super::raster::{Band, Rows};
use super::scene::{Anchor, Fill, Item, Rect, Scene};
use super::shade::{self, Colour, GREY, INK, NEURONS, OFF, ON, PAPER, RULE, Ramp};
use super::words;
use crate::engine::Observer;
use crate::signal::Spikes;
use crate::units::Micros;

/// Pictures beside each other, and white space between them.
const ACROSS: i32 = 4;
const GAP: i32 = 16;
/// Width of the narrowest page, which has room for its key.
const NARROWEST: i32 = 1060;
/// Pictures.
const VIEWS: u64 = 8;
/// Shades of a polarity.
const SHADES: usize = 8;
/// Height of the words above a picture.
const HEADER: i32 = 20;

/// What is seen of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The events of some time.
    Frame(Micros),
    /// The last event of each pixel, fading with this time constant.
    Surface(Micros),
}

/// An observer that remembers the input as it was at times of equal distance.
#[derive(Clone, Debug)]
pub struct Views {
    band: Band,
    pixels: (usize, usize),
    sight: Sight,
    tick: Micros,
    views: Vec<View>,
}

/// The input as it was at a time.
#[derive(Clone, Debug)]
struct View {
    /// The tick behind it.
    end: u64,
    /// OFF and ON events of each pixel.
    counts: Vec<[u32; 2]>,
    /// Tick and polarity of each pixel's last event.
    last: Vec<Option<(u64, usize)>>,
}

impl Views {
    /// Views of an input of so many columns and rows during `ticks` ticks.
    ///
    /// # Panics
    /// Once something is seen or drawn: no columns or rows, a tick of no length.
    pub fn new(
        band: Band,
        pixels: (usize, usize),
        sight: Sight,
        (tick, ticks): (Micros, u64),
    ) -> Views {
        let all = pixels.0 * pixels.1;
        let (frame, surface) = match sight {
            Sight::Frame(_) => (all, 0),
            Sight::Surface(_) => (0, all),
        };
        let view = |k| View {
            end: (u128::from(ticks) * k / u128::from(VIEWS)) as u64,
            counts: vec![[0; 2]; frame],
            last: vec![None; surface],
        };
        let views = (1..=u128::from(VIEWS)).map(view).collect();
        Views { band, pixels, sight, tick, views }
    }

    /// The picture.
    pub fn draw(&self, heading: &Heading) -> Scene {
        let room = (WIDTH - 2 * MARGIN - (ACROSS - 1) * GAP) / ACROSS;
        let longest = self.pixels.0.max(self.pixels.1);
        let fold = longest.div_ceil(room as usize);
        let side = room / longest.div_ceil(fold) as i32;
        let size = |pixels: usize| pixels.div_ceil(fold) as i32 * side;
        let (width, height) = (size(self.pixels.0), size(self.pixels.1));
        let all = 2 * MARGIN + ACROSS * (width + GAP) - GAP;
        let mut scene = Scene { width: all.max(NARROWEST), height: 0, items: Vec::new() };
        let mut y = head(&mut scene, heading);
        for line in self.views.chunks(ACROSS as usize) {
            for (view, x) in line.iter().zip((MARGIN..).step_by((width + GAP) as usize)) {
                self.view(&mut scene, view, &heading.spans, (x, y), (fold, side));
            }
            y += HEADER + height + GAP;
        }
        let key = match self.has_polarity() {
            true => format!("Blue: ON. Orange: OFF. {}", self.key()),
            false => self.key(),
        };
        scene.text(label(MARGIN, y + 8, GREY, Anchor::Start, key), scene.width - 2 * MARGIN);
        scene.height = y + EDGE + 4;
        scene
    }

    fn key(&self) -> String {
        match self.sight {
            Sight::Frame(time) => format!(
                "Events of the {} before the time above; each shade stands for twice as many as \
                 the one before, and of two polarities the more frequent one is shown.",
                words::duration(time)
            ),
            Sight::Surface(tau) => {
                format!(
                    "Each pixel's last event, fading with its age: e^(−age/τ), τ = {}.",
                    words::duration(tau)
                )
            }
        }
    }

    fn has_polarity(&self) -> bool {
        matches!(self.band.rows, Rows::Inputs { polarity: true })
    }

    /// Draws a view; a cell is `fold` pixels wide and `side` pixels of the page.
    fn view(
        &self,
        scene: &mut Scene,
        view: &View,
        spans: &[Span],
        (x, y): (i32, i32),
        (fold, side): (usize, i32),
    ) {
        let columns = self.pixels.0.div_ceil(fold);
        let size = |pixels: usize| pixels.div_ceil(fold) as i32 * side;
        let area = Rect::new(x, y + HEADER, size(self.pixels.0), size(self.pixels.1));
        let time = words::seconds(Micros(self.tick.0.saturating_mul(view.end as i64)));
        let span = spans.iter().rfind(|span| (span.from..span.to).contains(&(view.end - 1)));
        let span = span.map(|span| format!(" · {}", span.label)).unwrap_or_default();
        scene.text(label(x, y + 13, INK, Anchor::Start, format!("{time} s{span}")), area.w);
        scene.fill(RULE, vec![Rect::new(x - 1, area.y - 1, area.w + 2, area.h + 2)]);
        scene.fill(PAPER, vec![area]);
        let mut cells = vec![[0.0f64; 2]; columns * self.pixels.1.div_ceil(fold)];
        for (pixel, values) in self.values(view).into_iter().enumerate() {
            let (column, row) = (pixel % self.pixels.0 / fold, pixel / self.pixels.0 / fold);
            let cell = &mut cells[row * columns + column];
            cell.iter_mut().zip(values).for_each(|(cell, value)| *cell = cell.max(value));
        }
        let ramps: [Ramp; 2] = if self.has_polarity() { [OFF, ON] } else { [NEURONS; 2] };
        let mut shades: Vec<Fill> = Vec::new();
        for ramp in ramps {
            let colours = (0..SHADES).map(|class| self.colour(&ramp, class));
            shades.extend(colours.map(|colour| Fill { colour, rects: Vec::new() }));
        }
        for (cell, [off, on]) in cells.into_iter().enumerate() {
            if let Some(class) = self.class(off.max(on)) {
                let (column, row) = ((cell % columns) as i32, (cell / columns) as i32);
                let place = Rect::new(x + column * side, area.y + row * side, side, side);
                shades[usize::from(on >= off) * SHADES + class].rects.push(place);
            }
        }
        scene.items.push(Item::Marks { area, shades });
    }

    /// What OFF and ON events of each pixel amount to: counts, or shares of what fades.
    fn values(&self, view: &View) -> Vec<[f64; 2]> {
        let Sight::Surface(tau) = self.sight else {
            return view.counts.iter().map(|counts| counts.map(f64::from)).collect();
        };
        let fade = |last: &Option<(u64, usize)>| {
            let mut values = [0.0; 2];
            if let Some((tick, part)) = *last {
                let age = (view.end - 1 - tick) as f64 * self.tick.0 as f64 / tau.0 as f64;
                values[part] = (-age).exp();
            }
            values
        };
        view.last.iter().map(fade).collect()
    }

    /// The shade of a value; none for nothing.
    fn class(&self, value: f64) -> Option<usize> {
        match self.sight {
            Sight::Frame(_) => (value > 0.0).then(|| shade::class(value as u32).min(SHADES - 1)),
            Sight::Surface(_) => {
                ((value * SHADES as f64).ceil() as usize).checked_sub(1).filter(|_| value > 0.02)
            }
        }
    }

    fn colour(&self, ramp: &Ramp, class: usize) -> Colour {
        match self.sight {
            Sight::Frame(_) => ramp.shade(class.min(3), 4),
            Sight::Surface(_) => shade::mix(PAPER, ramp.ink(), (class + 1) as f64 / SHADES as f64),
        }
    }
}

impl Observer for Views {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit != self.band.unit {
            return;
        }
        let pixels = self.pixels.0 * self.pixels.1;
        let window = match self.sight {
            Sight::Frame(time) => (time.0 as u64).div_ceil(self.tick.0 as u64),
            Sight::Surface(_) => u64::MAX,
        };
        let sees = |view: &&mut View| step < view.end && step >= view.end.saturating_sub(window);
        for view in self.views.iter_mut().filter(sees) {
            for (&address, &count) in sent.index.iter().zip(&sent.count) {
                let element = self.band.shape.element(address as usize);
                let (part, pixel) = (element / pixels, element % pixels);
                if let Some(counts) = view.counts.get_mut(pixel) {
                    counts[part.min(1)] = counts[part.min(1)].saturating_add(count);
                }
                if let Some(last) = view.last.get_mut(pixel) {
                    *last = Some((step, part.min(1)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Shape;

    fn seen(sight: Sight) -> Views {
        let shape = Shape::new(&[2, 1, 2]).unwrap();
        let rows = Rows::Inputs { polarity: true };
        let band = Band { unit: 0, label: "input".into(), shape, rows };
        // views after 10, 20, … 80 ms
        let mut views = Views::new(band, (2, 1), sight, (Micros(1_000), 80));
        // pixel 1, ON, twice in step 9; pixel 0, OFF, in step 14, and ON where two views meet
        views.sent(9, 0, &Spikes { index: vec![3], value: vec![2.0], count: vec![2] });
        views.sent(14, 0, &Spikes { index: vec![0], value: vec![1.0], count: vec![1] });
        views.sent(20, 0, &Spikes { index: vec![1], value: vec![1.0], count: vec![1] });
        views
    }

    #[test]
    fn a_frame_has_the_events_before_its_time() {
        let views = seen(Sight::Frame(Micros(6_000)));
        let counts: Vec<_> = views.views.iter().take(3).map(|view| view.counts.clone()).collect();
        assert_eq!(counts, [[[0, 0], [0, 2]], [[1, 0], [0, 0]], [[0, 0], [0, 0]]]);
        assert_eq!(
            (views.class(0.0), views.class(1.0), views.class(3.0)),
            (None, Some(0), Some(1))
        );
    }

    #[test]
    fn a_surface_fades_with_age() {
        let views = seen(Sight::Surface(Micros(10_000)));
        // e^-1 ten steps after the event, e^-0.5 five steps after it
        let [off, on] = [views.values(&views.views[1])[0][0], views.values(&views.views[1])[1][1]];
        assert!((off - 0.60653).abs() < 1e-5 && (on - 0.36788).abs() < 1e-5, "{off} {on}");
        assert_eq!(views.values(&views.views[0]), [[0.0, 0.0], [0.0, 1.0]]);
    }
}
