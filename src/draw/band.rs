//! One band: its header, the activity over time, and the marks.

use super::clock::{Clock, LABEL};
use super::font;
use super::raster::Lane;
use super::scene::{Anchor, Fill, Item, Rect, Scene, Text};
use super::shade::{self, Colour, GREY, GUIDE, INK, RULE, Ramp, SUM};
use super::words;

/// Height of the header line.
const HEADER: i32 = 18;
/// Height of the activity over time.
const TRACE: i32 = 18;
/// White space below.
const GAP: i32 = 16;
/// What a band needs around its marks.
pub const AROUND: usize = (HEADER + TRACE + GAP) as usize;
/// Space between the marks and what is beside them.
pub const ASIDE: i32 = 14;
/// Width of the sums right of the marks, with that space.
pub const SIDE: i32 = 154;
/// From this size on, a pixel of each mark is left white, to keep neighbours
/// apart.
const ROOMY: i32 = 4;

/// A band on its way into a scene.
pub struct Painter<'a> {
    pub lane: &'a Lane,
    clock: &'a Clock,
    /// Where the marks are.
    pub plot: Rect,
    /// First pixel and number of pixels of each column.
    columns: Vec<(i32, i32)>,
    /// Spikes by column and row.
    cells: Vec<u32>,
    /// Spikes by neuron, in the order of files.
    pub totals: Vec<u64>,
    /// Whether these are of several trials.
    pub trials: bool,
}

/// Draws a band of a run, or of its trials, from line `y` down; gives the first free line
/// below.
pub fn draw(scene: &mut Scene, lane: &Lane, clock: &Clock, y: i32, trials: bool) -> i32 {
    let painter = Painter::new(lane, clock, y + HEADER + TRACE, trials);
    painter.header(scene, y + 12);
    painter.guides(scene);
    painter.trace(scene);
    painter.marks(scene);
    painter.sums(scene);
    painter.names(scene);
    painter.plot.bottom() + GAP
}

/// A text in the size of labels.
pub fn label(x: i32, y: i32, colour: Colour, anchor: Anchor, text: impl Into<String>) -> Text {
    Text { x, y, size: LABEL, colour, anchor, text: text.into() }
}

impl<'a> Painter<'a> {
    fn new(lane: &'a Lane, clock: &'a Clock, y: i32, trials: bool) -> Painter<'a> {
        Painter {
            lane,
            clock,
            plot: Rect::new(clock.left, y, clock.width, lane.fold.height() as i32),
            columns: (0..clock.columns()).map(|column| clock.column(column)).collect(),
            cells: lane.grid.resample(clock.per_column, clock.columns()),
            totals: lane.totals(),
            trials,
        }
    }

    /// The shades of each part.
    pub fn ramps(&self) -> &'static [Ramp] {
        match self.lane.fold.parts() {
            2 => &[shade::OFF, shade::ON],
            _ => &[shade::NEURONS],
        }
    }

    /// Number of shades that the marks need; none without a mark.
    fn classes(&self) -> usize {
        let most = self.cells.iter().copied().max().unwrap_or(0);
        most.checked_ilog2().map_or(0, |class| class as usize + 1)
    }

    fn header(&self, scene: &mut Scene, y: i32) {
        let facts = self.facts();
        let (start, end) = (self.plot.x, self.legend(scene, y) - 20);
        let behind = 12 + font::width(&facts, 12);
        let name = font::fit(&self.lane.band.label, 13, (end - start - behind).max(120));
        let x = start + font::width(&name, 13) + 12;
        let anchor = Anchor::Start;
        scene.text(Text { x: start, y, size: 13, colour: INK, anchor, text: name }, end - start);
        scene.text(Text { x, y, size: 12, colour: GREY, anchor, text: facts }, end - x);
    }

    /// `256 neurons · 2,034 spikes · 31 silent`
    fn facts(&self) -> String {
        let (neuron, spike) = self.lane.band.rows.nouns();
        let sum = |part: &[u64]| part.iter().sum::<u64>();
        let halves = self.totals.split_at(self.totals.len() / 2);
        let polarities = match self.lane.fold.parts() {
            2 => {
                let [off, on] = [halves.0, halves.1].map(|half| words::grouped(sum(half)));
                format!(" ({off} OFF, {on} ON)")
            }
            _ => String::new(),
        };
        let neurons = words::counted(self.totals.len() as u64, neuron);
        let spikes = words::counted(sum(&self.totals), spike);
        let silent = self.totals.iter().filter(|&&total| total == 0).count();
        format!("{neurons} · {spikes}{polarities} · {} silent", words::grouped(silent as u64))
    }

    /// Draws what the shades stand for; gives its left end.
    fn legend(&self, scene: &mut Scene, y: i32) -> i32 {
        let (classes, ramps) = (self.classes(), self.ramps());
        if classes == 0 {
            return self.plot.right();
        }
        let words = self.scale();
        let left = self.plot.right() - font::width(&words, LABEL);
        scene.text(label(left, y, GREY, Anchor::Start, words), self.plot.w);
        let height = 10 / ramps.len() as i32;
        let start = left - 6 - classes as i32 * 11;
        for (line, ramp) in (0..).zip(ramps) {
            for class in 0..classes {
                let place = Rect::new(start + class as i32 * 11, y - 9 + line * height, 11, height);
                scene.fill(ramp.shade(class, classes), vec![place]);
            }
        }
        start
    }

    /// `1 to 31 spikes of 52 neurons in 2 ms`
    fn scale(&self) -> String {
        let (neuron, spike) = self.lane.band.rows.nouns();
        let most = self.cells.iter().copied().max().unwrap_or(0);
        let spikes = match most {
            1 => format!("1 {spike}"),
            most => format!("1 to {} {spike}s", words::grouped(most.into())),
        };
        let neurons = match self.lane.fold.per_row() {
            1 => format!("a {neuron}").replace("a i", "an i"),
            many => words::counted(many as u64, neuron),
        };
        format!("{spikes} of {neurons} in {}", words::duration(self.clock.column_time()))
    }

    fn guides(&self, scene: &mut Scene) {
        let Rect { x, y, w, h } = self.plot;
        let ticks = self.clock.ticks();
        let lines = ticks.iter().map(|tick| Rect::new(tick.x, y, 1, h));
        scene.fill(GUIDE, lines.chain([Rect::new(x, y + h, w + 1, 1)]).collect());
        scene.fill(RULE, vec![Rect::new(x - 1, y, 1, h + 1)]);
    }

    fn trace(&self, scene: &mut Scene) {
        let rows = self.lane.fold.rows();
        let sums: Vec<u64> =
            self.cells.chunks(rows).map(|c| c.iter().map(|&n| u64::from(n)).sum()).collect();
        let peak = sums.iter().copied().max().unwrap_or(0);
        let base = self.plot.y;
        let active = sums.iter().zip(&self.columns).filter(|(sum, _)| **sum > 0);
        let bars = active.map(|(&sum, &(x, w))| {
            let h = (sum as f64 / peak as f64 * f64::from(TRACE)).ceil() as i32;
            Rect::new(x, base - h, w, h)
        });
        scene.fill(SUM, bars.collect());
        scene.fill(RULE, vec![Rect::new(self.plot.x, base - 1, self.plot.w + 1, 1)]);
        if peak > 0 {
            let time = words::duration(self.clock.column_time());
            let words = format!("peak {} in {time}", words::grouped(peak));
            let x = self.plot.right() + ASIDE;
            scene.text(label(x, base - 18, GREY, Anchor::Start, words), SIDE - ASIDE);
        }
    }

    fn marks(&self, scene: &mut Scene) {
        let (rows, classes) = (self.lane.fold.rows(), self.classes());
        let mut shades: Vec<Fill> = Vec::new();
        for ramp in self.ramps() {
            let colours = (0..classes).map(|class| ramp.shade(class, classes));
            shades.extend(colours.map(|colour| Fill { colour, rects: Vec::new() }));
        }
        for row in 0..rows {
            let part = self.lane.fold.part_of(row);
            for (column, cells) in self.cells.chunks(rows).enumerate() {
                if cells[row] > 0 {
                    let rects = &mut shades[part * classes + shade::class(cells[row])].rects;
                    extend(rects, self.mark(row, column));
                }
            }
        }
        scene.items.push(Item::Marks { area: self.plot, shades });
    }

    /// Where spikes of a row in a column are drawn.
    fn mark(&self, row: usize, column: usize) -> Rect {
        let ((x, w), (y, h)) = (self.columns[column], self.row(row));
        Rect::new(x, y, apart(w), h)
    }

    /// First line and number of lines of what is drawn in a row.
    pub fn row(&self, row: usize) -> (i32, i32) {
        let h = self.lane.fold.pixels as i32;
        (self.plot.y + row as i32 * h, apart(h))
    }
}

/// The size of a mark in a cell of this size.
fn apart(size: i32) -> i32 {
    if size >= ROOMY { size - 1 } else { size }
}

/// Adds a mark, joined to the one before where the two touch.
fn extend(rects: &mut Vec<Rect>, mark: Rect) {
    match rects.last_mut() {
        Some(last) if last.y == mark.y && last.right() == mark.x => last.w += mark.w,
        _ => rects.push(mark),
    }
}
