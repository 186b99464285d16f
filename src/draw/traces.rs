//! Membrane potentials of chosen neurons over time, with threshold and spikes.
//!
//! [`Traces`] observes a clocked run. What it keeps does not grow with the run: a column
//! has the least and the greatest potential of its steps, and columns widen as a raster's do.

use super::band::label;
use super::clock::Clock;
use super::curves::round_step;
use super::grid::COLUMNS;
use super::page::{EDGE, Heading, MARGIN, Span, WIDTH, axis, head, spans};
use super::scene::{Anchor, Rect, Scene};
use super::shade::{GREY, GUIDE, INK, OFF, ON, RULE};
use super::words;
use crate::engine::Observer;
use crate::neuron::Charge;
use crate::signal::{BLOCK, Spikes};
use crate::units::Micros;

/// Room for the labels of the y axis.
const GUTTER: i32 = 72;
/// Height that the panels share, and that of one.
const PANELS: i32 = 900;
const PANEL: (i32, i32) = (56, 170);
/// Height of a panel's header, and of the spikes above the panel.
const HEADER: i32 = 20;
const SPIKES: i32 = 9;
/// Thickness of a line.
const LINE: i32 = 2;

/// How to read the picture.
const KEY: &str = "Line: the potential that a step compares with the threshold, before it fires and \
                   resets, in the units of the network's file. Dashes: the threshold. Marks above: steps in which it spiked.";

/// A neuron that is looked at.
#[derive(Clone, Debug)]
pub struct Neuron {
    /// Its population.
    pub unit: usize,
    /// Its address, as the engine counts.
    pub address: usize,
    /// What stands above its panel.
    pub label: String,
}

/// An observer that remembers potentials.
#[derive(Clone, Debug)]
pub struct Traces {
    traces: Vec<Trace>,
    dt: Micros,
    /// Log2 of the steps in a column.
    shift: u32,
}

#[derive(Clone, Debug)]
struct Trace {
    neuron: Neuron,
    columns: Vec<Column>,
    threshold: Option<f32>,
    spikes: u64,
}

/// What a neuron did in some steps.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    /// Least and greatest potential; none where the engine had nothing to compute.
    potential: Option<(f32, f32)>,
    fired: bool,
}

impl Column {
    fn merge(self, later: Column) -> Column {
        let potential = match (self.potential, later.potential) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        Column { potential, fired: self.fired || later.fired }
    }
}

impl Traces {
    /// Traces of these neurons from top to bottom, in a clocked run of steps of length `dt`.
    pub fn new(neurons: Vec<Neuron>, dt: Micros) -> Traces {
        let trace = |neuron| Trace { neuron, columns: Vec::new(), threshold: None, spikes: 0 };
        Traces { traces: neurons.into_iter().map(trace).collect(), dt, shift: 0 }
    }

    /// The column of a trace that a step falls into.
    fn column(&mut self, trace: usize, step: u64) -> &mut Column {
        while step >> self.shift >= COLUMNS as u64 {
            for Trace { columns, .. } in &mut self.traces {
                let pairs = columns.chunks(2);
                *columns = pairs
                    .map(|pair| pair.iter().fold(Column::default(), |a, &b| a.merge(b)))
                    .collect();
            }
            self.shift += 1;
        }
        let (column, columns) = ((step >> self.shift) as usize, &mut self.traces[trace].columns);
        if column >= columns.len() {
            columns.resize(column + 1, Column::default());
        }
        &mut columns[column]
    }

    /// The picture of a run of `steps` steps.
    pub fn draw(&self, heading: &Heading, steps: u64) -> Scene {
        let mut scene = Scene { width: WIDTH, height: 0, items: Vec::new() };
        let left = MARGIN + GUTTER;
        let clock = Clock::new(steps, self.dt, self.shift, left, WIDTH - left - MARGIN);
        let height = PANELS / self.traces.len().max(1) as i32 - HEADER - SPIKES;
        let height = height.clamp(PANEL.0, PANEL.1);
        let top = head(&mut scene, heading) + 2;
        let mut y = spans(&mut scene, &heading.spans, &clock, top);
        for trace in &self.traces {
            y = trace.draw(&mut scene, &clock, (self.shift, &heading.spans), (y, height));
        }
        scene.height = axis(&mut scene, &clock, y, KEY) + EDGE;
        scene
    }
}

impl Trace {
    /// Draws a panel from line `y` down; gives the first free line.
    fn draw(
        &self,
        scene: &mut Scene,
        clock: &Clock,
        (shift, spans): (u32, &[Span]),
        (y, height): (i32, i32),
    ) -> i32 {
        let Clock { left, width, .. } = *clock;
        scene.text(label(left, y + 12, INK, Anchor::Start, self.neuron.label.clone()), width / 2);
        let spikes = words::counted(self.spikes, "spike");
        scene.text(label(left + width, y + 12, GREY, Anchor::End, spikes), width / 2);
        let mut columns = self.resample((clock.per_column >> shift) as usize, clock.columns());
        leave_gaps(&mut columns, clock.per_column, spans);
        let marks = columns.iter().enumerate().filter(|(_, column)| column.fired);
        let above = y + HEADER;
        let mark = |(column, _)| Rect::new(clock.column(column).0, above, 1, SPIKES - 2);
        scene.fill(INK, marks.map(mark).collect());
        let plot = Rect::new(left, above + SPIKES, width, height);
        let (low, high) = self.range();
        let line = |value: f64| {
            let share = (value - low) / (high - low);
            plot.bottom() - LINE - (share * f64::from(plot.h - LINE)).round() as i32
        };
        let step = round_step((high - low) / (f64::from(height) / 28.0));
        let ticks =
            ((low / step).ceil() as i64..=(high / step).floor() as i64).map(|k| k as f64 * step);
        for value in ticks {
            scene.fill(GUIDE, vec![Rect::new(left, line(value), width, 1)]);
            let text = words::quantity(value, "");
            scene.text(label(left - 8, line(value) + 4, GREY, Anchor::End, text), GUTTER - 8);
        }
        scene.fill(RULE, vec![Rect::new(left - 1, plot.y, 1, height)]);
        if let Some(threshold) = self.threshold {
            let y = line(threshold.into());
            let dashes = (0..width / 10).map(|k| Rect::new(left + 10 * k, y, 6, 1));
            scene.fill(OFF.ink(), dashes.collect());
        }
        scene.fill(ON.ink(), curve(&columns, clock, line));
        plot.bottom() + 12
    }

    /// Least and greatest of what is drawn.
    fn range(&self) -> (f64, f64) {
        let potentials = self.columns.iter().filter_map(|column| column.potential);
        let ends = potentials.chain(self.threshold.map(|theta| (theta, theta)));
        let (low, high) =
            ends.fold((0f64, 0f64), |(low, high), (a, b)| (low.min(a.into()), high.max(b.into())));
        if low < high { (low, high) } else { (0.0, 1.0) }
    }

    /// So many columns, each of a few of those that are kept. A neuron at rest is where it was.
    fn resample(&self, each: usize, columns: usize) -> Vec<Column> {
        let mut wide = self
            .columns
            .chunks(each.max(1))
            .map(|narrow| narrow.iter().fold(Column::default(), |a, &b| a.merge(b)));
        let mut rest = None;
        let column = |_| {
            let mut column = wide.next().unwrap_or_default();
            column.potential = column.potential.or(rest);
            rest = column.potential;
            column
        };
        (0..columns).map(column).collect()
    }
}

/// Between trials nothing runs, and no neuron is anywhere.
fn leave_gaps(columns: &mut [Column], per_column: u64, spans: &[Span]) {
    for (number, column) in (0..).zip(columns) {
        let (from, to) = (number * per_column, (number + 1) * per_column);
        let runs = spans.is_empty() || spans.iter().any(|span| span.from < to && from < span.to);
        column.potential = column.potential.filter(|_| runs);
    }
}

/// One run of pixels a column, each as far as the one before if there is one.
fn curve(columns: &[Column], clock: &Clock, line: impl Fn(f64) -> i32) -> Vec<Rect> {
    let mut before: Option<(i32, i32)> = None;
    let mut rects = Vec::new();
    for (column, &Column { potential, .. }) in columns.iter().enumerate() {
        let Some((low, high)) = potential else {
            before = None;
            continue;
        };
        let own = (line(high.into()), line(low.into()));
        let (top, bottom) = before.map_or(own, |(top, bottom)| (own.0.min(bottom), own.1.max(top)));
        let (x, width) = clock.column(column);
        rects.push(Rect::new(x, top, 1, bottom - top + LINE));
        if width > 1 {
            rects.push(Rect::new(x + 1, own.0, width - 1, own.1 - own.0 + LINE));
        }
        before = Some(own);
    }
    rects
}

impl Observer for Traces {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        for trace in 0..self.traces.len() {
            let Neuron { unit: own, address, .. } = self.traces[trace].neuron;
            let found = (own == unit).then(|| sent.index.binary_search(&(address as u32)).ok());
            if let Some(entry) = found.flatten() {
                self.column(trace, step).fired = true;
                self.traces[trace].spikes += u64::from(sent.count[entry]);
            }
        }
    }

    fn watches(&self, _step: u64, unit: usize) -> bool {
        self.traces.iter().any(|trace| trace.neuron.unit == unit)
    }

    fn charged(&mut self, step: u64, unit: usize, block: usize, charge: &Charge) {
        for trace in 0..self.traces.len() {
            let Neuron { unit: own, address, .. } = self.traces[trace].neuron;
            if own == unit && address / BLOCK == block {
                // what is infinite has no place on an axis
                let of = |all: &[f32; BLOCK]| Some(all[address % BLOCK]).filter(|x| x.is_finite());
                self.traces[trace].threshold = of(&charge.threshold);
                let potential = of(&charge.potential).map(|v| (v, v));
                let column = self.column(trace, step);
                *column = column.merge(Column { potential, fired: false });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(potential: f32) -> Charge {
        Charge { potential: [potential; BLOCK], threshold: [1.0; BLOCK] }
    }

    /// Steps 0, 1 and 4 of a neuron that climbs, fires and is left at rest.
    fn traces() -> Traces {
        let neuron = Neuron { unit: 1, address: BLOCK + 2, label: "neuron".into() };
        let mut traces = Traces::new(vec![neuron], Micros(1_000));
        for (step, potential) in [(0, 0.5), (1, 1.25), (4, 0.0)] {
            traces.charged(step, 1, 0, &charge(9.0));
            traces.charged(step, 1, 1, &charge(potential));
        }
        let index = vec![3, BLOCK as u32 + 2];
        traces.sent(1, 1, &Spikes { index, value: vec![1.0; 2], count: vec![1, 2] });
        traces
    }

    #[test]
    fn a_column_is_what_its_steps_compared() {
        let traces = traces();
        let trace = &traces.traces[0];
        assert_eq!((trace.threshold, trace.spikes, trace.range()), (Some(1.0), 2, (0.0, 1.25)));
        let columns = trace.resample(1, 6);
        let potentials: Vec<_> = columns.iter().map(|c| c.potential.unwrap().0).collect();
        assert_eq!(potentials, [0.5, 1.25, 1.25, 1.25, 0.0, 0.0]);
        assert_eq!(
            columns.iter().map(|c| c.fired).collect::<Vec<_>>(),
            [false, true, false, false, false, false]
        );
        let pairs: Vec<_> = trace.resample(2, 3).iter().map(|c| c.potential.unwrap()).collect();
        assert_eq!(pairs, [(0.5, 1.25), (0.5, 1.25), (0.0, 0.0)]);
    }

    #[test]
    fn a_line_ends_with_its_trial() {
        let trace = &traces().traces[0];
        let mut columns = trace.resample(1, 6);
        let span = |from, to| Span { from, to, label: String::new() };
        leave_gaps(&mut columns, 1, &[span(0, 2), span(4, 5)]);
        let drawn: Vec<bool> = columns.iter().map(|column| column.potential.is_some()).collect();
        assert_eq!(drawn, [true, true, false, false, true, false]);
        // nothing leads from 1.25 over the gap to 0
        let clock = Clock::new(6, Micros(1_000), 0, 0, 60);
        let rects = curve(&columns, &clock, |value| (100.0 * value) as i32);
        let last = rects.iter().find(|rect| rect.x == 40).unwrap();
        assert_eq!((last.y, last.h), (0, LINE));
    }

    #[test]
    fn what_is_infinite_is_left_out() {
        let mut traces = traces();
        traces.charged(5, 1, 1, &charge(f32::INFINITY));
        assert_eq!(traces.traces[0].range(), (0.0, 1.25));
        assert_eq!(traces.traces[0].columns[5].potential, None);
        let never = Charge { threshold: [f32::INFINITY; BLOCK], ..charge(0.25) };
        traces.charged(6, 1, 1, &never);
        let Traces { traces, .. } = traces;
        assert_eq!((traces[0].threshold, traces[0].range()), (None, (0.0, 1.25)));
    }

    #[test]
    fn columns_widen_and_nothing_is_lost() {
        let mut traces = traces();
        traces.charged(5 * COLUMNS as u64, 1, 1, &charge(-2.0));
        let trace = &traces.traces[0];
        assert_eq!(traces.shift, 3);
        assert!(trace.columns.len() <= COLUMNS);
        assert_eq!(trace.columns[0].potential, Some((0.0, 1.25)));
        assert!(trace.columns[0].fired);
        assert_eq!(trace.range(), (-2.0, 1.25));
    }
}
