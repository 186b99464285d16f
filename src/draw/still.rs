//! One frame of a film.

use super::band::label;
use super::clock::LABEL;
use super::film::{Cast, Labelled, Pace, Seen};
use super::font;
use super::margin::busiest;
use super::raster::Rows;
use super::scene::{Anchor, Rect, Scene, Text};
use super::shade::{self, Colour, GREY, GUIDE, INK, NEURONS, OFF, ON, PAPER, RULE, Ramp, SUM};
use super::tiles::Tiles;
use super::words;
use crate::units::Micros;

/// White space around the page.
const MARGIN: i32 = 24;
/// Side of the input's picture: where pixels are enlarged, and at the most.
const VIEW: (i32, i32) = (384, 480);
/// White space between the input and the layers, whose width follows.
const GUTTER: i32 = 28;
const COLUMN: i32 = 372;
/// Height of what layers have in common, and of the image of one.
const LAYERS: i32 = 380;
const IMAGE: (i32, i32) = (24, 150);
/// Height of the line above an image, and of one of the answer.
const LINE: i32 = 18;
/// Room for the names of outputs, and for their values.
const NAMES: i32 = 178;
const VALUES: i32 = 52;
/// Outputs that are shown at most.
const OUTPUTS: usize = 24;
/// Shades that counts have, whatever the frame: 1, 2 to 3, 4 to 7, 8 and more.
const SHADES: usize = 4;

/// What stays where it is from frame to frame.
pub struct Still {
    pub cast: Cast,
    pace: Pace,
    /// Pixels of the sensor in a cell of the picture, and side of that cell.
    scale: (usize, i32),
    /// Image of each layer.
    images: Vec<Tiles>,
    top: i32,
}

/// The colours of a film's palette.
pub fn colours() -> Vec<Colour> {
    let mut colours = vec![PAPER, RULE, SUM, GROUND, GUIDE];
    for ramp in [NEURONS, OFF, ON] {
        colours.extend((0..SHADES).map(|class| ramp.shade(class, SHADES)));
    }
    // of smooth letters, sixteen shades of each colour
    for ink in [INK, GREY, OFF.ink(), ON.ink()] {
        colours.extend((1..=16).map(|k| shade::mix(PAPER, ink, f64::from(k) / 16.0)));
    }
    colours
}

/// What lies behind neurons.
const GROUND: Colour = Colour(242, 243, 245);

impl Still {
    /// Lays out the page.
    pub fn new(cast: Cast, pace: Pace) -> Still {
        let longest = cast.pixels.0.max(cast.pixels.1);
        let fold = longest.div_ceil(VIEW.1 as usize);
        let scale = (fold, (VIEW.0 / longest.div_ceil(fold) as i32).max(1));
        let room = LAYERS / cast.layers.len().max(1) as i32 - LINE;
        let room = (COLUMN, room.clamp(IMAGE.0, IMAGE.1));
        let images = cast.layers.iter().map(|band| Tiles::new(&band.shape, room)).collect();
        let mut still = Still { cast, pace, scale, images, top: 0 };
        let mut blank = Scene { width: still.size().0, height: 0, items: Vec::new() };
        still.top = still.head(&mut blank);
        still
    }

    /// Width and height of the page.
    pub fn size(&self) -> (i32, i32) {
        let layers = self.images.iter().map(|image| LINE + image.size().1 + 10).sum::<i32>();
        let outputs = match self.outputs() {
            0 => 0,
            lines => self.above() + 10 + lines as i32 * 15,
        };
        let body = (self.view().1 + LINE).max(layers + outputs);
        let column = if layers + outputs > 0 { GUTTER + COLUMN } else { 0 };
        (2 * MARGIN + self.view().0.max(VIEW.0) + column, self.top + body + 66)
    }

    /// Width and height of the input's picture.
    fn view(&self) -> (i32, i32) {
        let (fold, side) = self.scale;
        let length = |pixels: usize| pixels.div_ceil(fold) as i32 * side;
        (length(self.cast.pixels.0), length(self.cast.pixels.1))
    }

    fn outputs(&self) -> usize {
        self.cast.output.as_ref().map_or(0, |output| output.band.shape.len().min(OUTPUTS))
    }

    /// The frame of this number.
    pub fn draw(&self, seen: &Seen, frame: u64) -> Scene {
        let (width, height) = self.size();
        let mut scene = Scene { width, height, items: Vec::new() };
        self.head(&mut scene);
        self.events(&mut scene, &seen.input);
        let mut y = self.top;
        for (layer, spikes) in seen.layers.iter().enumerate() {
            y = self.layer(&mut scene, layer, spikes, y);
        }
        self.answer(&mut scene, seen, frame, y);
        self.foot(&mut scene, frame);
        scene
    }

    /// Draws what stands above; gives the first free line.
    fn head(&self, scene: &mut Scene) -> i32 {
        let Cast { title, subtitle, .. } = &self.cast;
        scene.heading([title, subtitle], (MARGIN, MARGIN - 8)) + 12
    }

    /// Draws the events of a frame where their pixels are, each in the colour of the
    /// polarity that it had more often.
    fn events(&self, scene: &mut Scene, counts: &[u32]) {
        let ((width, height), (w, h)) = (self.cast.pixels, self.view());
        let columns = width.div_ceil(self.scale.0);
        let mut cells = vec![[0u32; 2]; columns * height.div_ceil(self.scale.0)];
        let has_polarity = counts.len() == 2 * width * height;
        for (element, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (part, pixel) = (element / (width * height), element % (width * height));
            let (x, y) = (pixel % width / self.scale.0, pixel / width / self.scale.0);
            let sum = &mut cells[y * columns + x][part.min(1)];
            *sum = sum.saturating_add(count);
        }
        scene.fill(RULE, vec![Rect::new(MARGIN - 1, self.top - 1, w + 2, h + 2)]);
        scene.fill(PAPER, vec![Rect::new(MARGIN, self.top, w, h)]);
        let ramps = if has_polarity { [OFF, ON] } else { [NEURONS, NEURONS] };
        let marks = cells.iter().enumerate().filter_map(|(cell, &[off, on])| {
            let (part, count) = (usize::from(on >= off), off.max(on));
            let (x, y) = ((cell % columns) as i32, (cell / columns) as i32);
            let side = self.scale.1;
            let place = Rect::new(MARGIN + x * side, self.top + y * side, side, side);
            (count > 0).then(|| (part * SHADES + shade(count), place))
        });
        fill(scene, &ramps, marks);
        let y = self.top + h + LINE;
        let sum = |part: &[u32]| part.iter().map(|&n| u64::from(n)).sum::<u64>();
        let size = format!("{width} × {height} pixels");
        scene.text(label(MARGIN, y, GREY, Anchor::Start, size), w);
        let (off, on) = counts.split_at(if has_polarity { counts.len() / 2 } else { 0 });
        let parts = match has_polarity {
            true => vec![
                (ON.ink(), format!("{} ON", words::grouped(sum(on)))),
                (OFF.ink(), format!("{} OFF", words::grouped(sum(off)))),
            ],
            false => vec![(INK, words::counted(sum(on), "event"))],
        };
        let mut x = MARGIN + w;
        for (colour, text) in parts {
            let width = font::width(&text, LABEL);
            scene.text(label(x, y, colour, Anchor::End, text), w);
            x -= width + 12;
        }
    }

    /// Height of what stands above the outputs: the answer, and the label where there is one.
    fn above(&self) -> i32 {
        if self.cast.trials.is_empty() { 2 * LINE } else { 3 * LINE }
    }

    fn column(&self) -> i32 {
        MARGIN + self.view().0.max(VIEW.0) + GUTTER
    }

    /// Draws a layer from line `y` down; gives the first free line.
    fn layer(&self, scene: &mut Scene, layer: usize, spikes: &[u32], y: i32) -> i32 {
        let (band, image, x) = (&self.cast.layers[layer], &self.images[layer], self.column());
        let mut all = words::counted(spikes.iter().map(|&n| u64::from(n)).sum(), "spike");
        if image.per_cell() > 1 {
            all += &format!(", {} neurons a cell", image.per_cell());
        }
        let room = COLUMN - font::width(&all, LABEL) - 12;
        scene.text(label(x, y + 10, INK, Anchor::Start, band.label.clone()), room);
        scene.text(label(x + COLUMN, y + 10, GREY, Anchor::End, all), COLUMN);
        let y = y + LINE;
        let moved = |Rect { x: left, y: top, w, h }: Rect| Rect::new(x + left, y + top, w, h);
        scene.fill(GROUND, image.ground().into_iter().map(moved).collect());
        let mut cells = vec![0u32; image.cells()];
        for (neuron, &count) in spikes.iter().enumerate().filter(|(_, count)| **count > 0) {
            let sum = &mut cells[image.cell(neuron)];
            *sum = sum.saturating_add(count);
        }
        let sent = cells.iter().enumerate().filter(|(_, count)| **count > 0);
        fill(
            scene,
            &[NEURONS],
            sent.map(|(cell, &count)| (shade(count), moved(image.place(cell)))),
        );
        y + image.size().1 + 10
    }

    /// Draws the answer so far, and what each output says.
    fn answer(&self, scene: &mut Scene, seen: &Seen, frame: u64, y: i32) {
        let Some(output) = &self.cast.output else { return };
        let x = self.column();
        let trial = self.trial(frame);
        let (from, to) = self.span(trial, frame);
        let share = if output.spikes { 1.0 } else { to.saturating_sub(from).max(1) as f64 };
        let sum = |n: usize| match seen.trial == trial || self.cast.trials.is_empty() {
            true => seen.outputs.iter().map(|frame| frame[n]).sum::<f64>() / share,
            false => 0.0,
        };
        let sums: Vec<f64> = (0..output.band.shape.len()).map(sum).collect();
        let best = busiest(&sums);
        let name = |n: usize| match &output.band.rows {
            Rows::Classes(Some(names)) => names[n].clone(),
            _ => format!("output {n}"),
        };
        let caption = self.caption(output.spikes, trial, frame);
        scene.text(label(x, y + 10, GREY, Anchor::Start, caption), COLUMN);
        let (size, anchor) = (16, Anchor::Start);
        let text = best.map_or("none yet".into(), name);
        let colour = if best.is_some() { INK } else { GREY };
        scene.text(Text { x, y: y + 2 * LINE - 4, size, colour, anchor, text }, COLUMN);
        let trial = trial.map(|trial| &self.cast.trials[trial]);
        if let Some(trial) = trial {
            self.verdict(scene, trial, best, y + 3 * LINE - 4);
        }
        let most = sums.iter().copied().fold(0.0, f64::max);
        for (n, &sum) in sums.iter().enumerate().take(OUTPUTS) {
            let y = y + self.above() + 6 + n as i32 * 15;
            if trial.is_some_and(|trial| trial.output == Some(n)) {
                frame_of(scene, INK, Rect::new(x - 5, y - 2, COLUMN + 10, 17));
            }
            let colour = if best == Some(n) { INK } else { GREY };
            scene.text(label(x, y + 10, colour, Anchor::Start, name(n)), NAMES - 8);
            let longest = f64::from(COLUMN - NAMES - VALUES);
            let long = if most > 0.0 { (sum.max(0.0) / most * longest).round() as i32 } else { 0 };
            let bar = if best == Some(n) { INK } else { SUM };
            scene.fill(GUIDE, vec![Rect::new(x + NAMES, y, 1, 13)]);
            scene.fill(bar, vec![Rect::new(x + NAMES + 1, y + 1, long, 11)]);
            let value =
                if output.spikes { words::grouped(sum as u64) } else { format!("{sum:.2}") };
            scene.text(label(x + COLUMN, y + 10, colour, Anchor::End, value), VALUES - 4);
        }
    }

    /// The trial of a frame: that in which it ends, else that in which it begins.
    fn trial(&self, frame: u64) -> Option<usize> {
        let first = frame * self.pace.ticks;
        self.cast.trial(first + self.pace.ticks - 1).or_else(|| self.cast.trial(first))
    }

    /// What the answer is made of.
    fn caption(&self, spikes: bool, trial: Option<usize>, frame: u64) -> String {
        let of = if spikes { "spikes" } else { "mean" };
        if !self.cast.trials.is_empty() {
            return match trial {
                Some(trial) => {
                    let (number, all) = (trial + 1, self.cast.trials.len());
                    format!("answer, by the {of} of trial {number} of {all} so far")
                }
                None => "between trials".into(),
            };
        }
        let from = Micros((self.span(None, frame).0 as i64).saturating_mul(self.pace.tick.0));
        format!("answer, by the {of} of the last {}", words::duration(self.now(frame) - from))
    }

    /// The ticks that the answer of a frame is made of, from the first to behind the last: the
    /// last frame of a run, or of a trial, may end early.
    fn span(&self, trial: Option<usize>, frame: u64) -> (u64, u64) {
        let Pace { tick, ticks, length, .. } = self.pace;
        let run = (length.0.max(1) as u64).div_ceil(tick.0 as u64);
        let end = (frame + 1).saturating_mul(ticks).min(run);
        match trial.map(|trial| &self.cast.trials[trial]) {
            Some(trial) => (trial.from, end.min(trial.to)),
            None => ((frame + 1).saturating_sub(self.pace.remembered() as u64) * ticks, end),
        }
    }

    /// When a frame ends.
    fn now(&self, frame: u64) -> Micros {
        let end = self.pace.frame().0.saturating_mul(frame as i64 + 1);
        Micros(end.min(self.pace.length.0.max(1)))
    }

    /// Draws what the answer should be on line `y`, and whether it is: a word, and a box that
    /// is full if so.
    fn verdict(&self, scene: &mut Scene, trial: &Labelled, best: Option<usize>, y: i32) {
        let (x, right) = (self.column(), self.column() + COLUMN);
        let text = format!("label: {}", trial.name);
        scene.text(label(x, y, INK, Anchor::Start, text), COLUMN - VALUES - 24);
        let Some(best) = best else { return };
        let is_right = trial.output == Some(best);
        let (word, side) = (if is_right { "right" } else { "wrong" }, Rect::new(0, y - 10, 11, 11));
        let side = Rect { x: right - font::width(word, LABEL) - 18, ..side };
        match is_right {
            true => scene.fill(INK, vec![side]),
            false => frame_of(scene, INK, side),
        }
        scene.text(label(right, y, INK, Anchor::End, word), VALUES);
    }

    /// Draws how far the run is.
    fn foot(&self, scene: &mut Scene, frame: u64) {
        let (width, height) = (scene.width - 2 * MARGIN, scene.height - 46);
        let length = self.pace.length.0.max(1);
        let now = self.now(frame).0;
        scene.fill(GUIDE, vec![Rect::new(MARGIN, height, width, 5)]);
        let done = (i128::from(now) * i128::from(width) / i128::from(length)) as i32;
        scene.fill(SUM, vec![Rect::new(MARGIN, height, done, 5)]);
        // so many that short runs are told from none
        let digits = match length {
            5_000_000.. => 2,
            50_000.. => 3,
            _ => 6,
        };
        let seconds = |time: i64| format!("{:.digits$}", Micros(time).seconds().0);
        let mut time = format!("{} of {} s", seconds(now), seconds(length));
        // of events alone there is no answer to stand beside
        if let (None, Some(trial)) = (&self.cast.output, self.trial(frame)) {
            time += &format!(" · label: {}", self.cast.trials[trial].name);
        }
        scene.text(label(MARGIN, height + 22, INK, Anchor::Start, time), width / 2);
        let pace = format!("{} a frame{}", words::duration(self.pace.frame()), self.speed());
        scene.text(label(MARGIN + width, height + 22, GREY, Anchor::End, pace), width / 2);
    }

    /// How fast it is shown, where that is not as fast as it happened.
    fn speed(&self) -> String {
        let speed = self.pace.frame().0 as f64 / self.pace.shown.0 as f64;
        match (speed - 1.0).abs() < 0.005 {
            true => String::new(),
            false => format!(", at {} times the speed", words::mean(speed)),
        }
    }
}

/// Draws the edges of a box.
fn frame_of(scene: &mut Scene, colour: Colour, Rect { x, y, w, h }: Rect) {
    let (right, bottom) = (x + w - 1, y + h - 1);
    let edges = [
        Rect::new(x, y, w, 1),
        Rect::new(x, bottom, w, 1),
        Rect::new(x, y, 1, h),
        Rect::new(right, y, 1, h),
    ];
    scene.fill(colour, edges.to_vec());
}

/// The shade of a count.
fn shade(count: u32) -> usize {
    shade::class(count).min(SHADES - 1)
}

/// Draws places by shade of the ramps.
fn fill(scene: &mut Scene, ramps: &[Ramp], marks: impl Iterator<Item = (usize, Rect)>) {
    let mut shades = vec![Vec::new(); ramps.len() * SHADES];
    marks.for_each(|(shade, place)| shades[shade].push(place));
    for (shade, places) in shades.into_iter().enumerate() {
        scene.fill(ramps[shade / SHADES].shade(shade % SHADES, SHADES), places);
    }
}
