//! What `check --dt-sweep` says: what the length of a step does.

use std::fmt::Write;

use serde::Serialize;

use super::table::headed;
use super::{answered, through};
use crate::check::sweep::Point;
use crate::draw::words::grouped;
use crate::draw::{Curves, Line, Panel};
use crate::error::shown;
use crate::measure::Readout;
use crate::units::{Joules, Micros, Seconds};

/// A recording and a network at one step length after the other.
#[derive(Debug, Serialize)]
pub struct SweepReport {
    /// The recording.
    pub input: String,
    /// The network.
    pub network: String,
    /// The convention.
    pub convention: String,
    /// From long steps to short ones, and to none.
    pub points: Vec<SweepPoint>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What came of one step length.
#[derive(Debug, Serialize)]
pub struct SweepPoint {
    /// The step; null without a grid.
    pub dt_us: Option<i64>,
    /// Steps that were run; null without a grid.
    pub steps: Option<u64>,
    /// Spikes of all populations.
    pub spikes: u64,
    /// Synaptic operations.
    pub synaptic_ops: u64,
    /// The least energy that is defensible.
    pub energy_low_j: f64,
    /// Energy by the published figures.
    pub energy_j: f64,
    /// The most that is defensible.
    pub energy_high_j: f64,
    /// The output that answered most.
    pub prediction: Option<usize>,
    /// Its name.
    pub class: Option<String>,
    /// Spikes of each output, or its mean.
    pub output: Vec<f64>,
    /// Whether it is means, which may be negative.
    #[serde(skip)]
    pub by_means: bool,
    /// Time that it took.
    pub run_s: f64,
}

impl SweepPoint {
    /// What came of one step length.
    pub fn new(point: &Point, classes: Option<&[String]>) -> SweepPoint {
        let prediction = point.readout.prediction();
        SweepPoint {
            dt_us: point.dt.map(|dt| dt.0),
            steps: point.dt.map(|_| point.steps),
            spikes: point.spikes,
            synaptic_ops: point.synaptic_ops,
            energy_low_j: point.energy.sum(|term| term.low).0,
            energy_j: point.energy.sum(|term| term.typical).0,
            energy_high_j: point.energy.sum(|term| term.high).0,
            prediction,
            class: prediction.and_then(|index| Some(classes?.get(index)?.clone())),
            output: match &point.readout {
                Readout::Spikes(counts) => counts.iter().map(|&count| count as f64).collect(),
                Readout::Mean(means) => means.clone(),
            },
            by_means: matches!(point.readout, Readout::Mean(_)),
            run_s: point.elapsed.as_secs_f64(),
        }
    }

    /// What stands for the step length.
    pub fn label(&self) -> String {
        self.dt_us.map_or_else(|| "no grid".into(), |dt| Micros(dt).to_string())
    }

    fn answer(&self) -> String {
        answered(self.prediction, self.class.as_deref()).unwrap_or_else(|| "none".into())
    }
}

impl SweepReport {
    /// The sweep as a picture.
    pub fn curves(&self) -> Curves {
        let line = |of: fn(&SweepPoint) -> f64| {
            vec![Line { values: self.points.iter().map(of).collect(), strong: true }]
        };
        let outputs = self.points.iter().map(|point| point.output.len()).max().unwrap_or(0);
        let winner = self.points.last().and_then(|point| point.prediction);
        // means have no shares: they may be negative
        let by_means = self.points.iter().any(|point| point.by_means);
        let value = |point: &SweepPoint, output: usize| {
            let sum: f64 = point.output.iter().sum();
            match by_means {
                true => point.output[output],
                false if sum > 0.0 => 100.0 * point.output[output] / sum,
                false => 0.0,
            }
        };
        let lines = (0..outputs).map(|output| Line {
            values: self.points.iter().map(|point| value(point, output)).collect(),
            strong: winner == Some(output),
        });
        let panel = |label: &str, unit: &'static str, lines| Panel {
            label: label.to_owned(),
            unit,
            lines,
            words: Vec::new(),
        };
        let (label, unit) =
            if by_means { ("mean of each output", "") } else { ("share of each output", "%") };
        let mut answers = panel(label, unit, lines.collect());
        answers.words = self.points.iter().map(SweepPoint::answer).collect();
        Curves {
            title: through(&self.input, &self.network),
            subtitle: format!("convention {}, by length of a step", self.convention),
            columns: self.points.iter().map(SweepPoint::label).collect(),
            panels: vec![
                panel("spikes", "", line(|point| point.spikes as f64)),
                panel("energy", "J", line(|point| point.energy_j)),
                answers,
            ],
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "input    {}\nnetwork  {}\nengine   convention {}\n",
            shown(&self.input),
            shown(&self.network),
            self.convention
        );
        for note in &self.notes {
            let _ = writeln!(text, "note     {note}");
        }
        text.push('\n');
        let head = ["dt", "answer", "spikes", "", "synaptic ops", "", "energy", "run"];
        let last = self.points.last();
        let row = |point: &SweepPoint| {
            let change = |of: fn(&SweepPoint) -> u64| {
                let limit = last.map_or(0, of);
                match limit {
                    0 => String::new(),
                    _ => format!("{:+.1} %", 100.0 * (of(point) as f64 / limit as f64 - 1.0)),
                }
            };
            vec![
                point.label(),
                point.answer(),
                grouped(point.spikes),
                change(|point| point.spikes),
                grouped(point.synaptic_ops),
                change(|point| point.synaptic_ops),
                Joules(point.energy_j).to_string(),
                Seconds(point.run_s).to_string(),
            ]
        };
        text.push_str(&headed(head, self.points.iter().map(row), 2, "  "));
        if let Some(last) = last {
            let _ = writeln!(text, "\npercentages: to the last line, {}", last.label());
        }
        text
    }
}
