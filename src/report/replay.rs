//! What a replay says, as data and as text.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::manifest::Manifest;
use super::table::{columns, grouped, grouped_or_dash};
use crate::event::Tally;
use crate::measure::{Accuracy, Energy};
use crate::units::{Joules, Micros, Seconds};

/// A replay of a recording, or of its trials.
#[derive(Debug, Serialize)]
pub struct ReplayReport {
    /// The recording.
    pub input: Input,
    /// The network.
    pub network: Network,
    /// How it ran.
    pub engine: Engine,
    /// Every unit between input and output, in the order of evaluation; summed
    /// over the trials where there are any.
    pub layers: Vec<Layer>,
    /// The answer; over all trials where there are any.
    pub output: Output,
    /// The answers to the trials of a label file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<Trials>,
    /// One entry for each table.
    #[serde(serialize_with = "energies")]
    pub energy: Vec<Energy>,
    /// How long it took.
    pub timing: Timing,
    /// What should be known before the numbers are believed.
    pub notes: Vec<String>,
    /// Everything that it takes to get this result again.
    pub manifest: Manifest,
}

/// The recording of a replay.
#[derive(Debug, Serialize)]
pub struct Input {
    /// Where it was.
    pub path: String,
    /// Its format.
    pub format: &'static str,
    /// Width and height of the sensor, or of the network's input.
    pub sensor: [usize; 2],
    /// Events in it.
    pub events: u64,
    /// Time of the first one, on the recording's clock.
    pub first_us: Option<i64>,
    /// Time of the last one.
    pub last_us: Option<i64>,
    /// What became of them, stage by stage.
    pub tally: Stages,
    /// What ended it early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// The stages that events pass, in order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stages {
    /// Out of the file.
    pub decode: Tally,
    /// In order of time.
    pub order: Tally,
    /// Inside the window; for trials, inside any.
    pub window: Tally,
    /// Into steps and addresses.
    pub bin: Tally,
}

impl Stages {
    /// The stages by name.
    pub fn all(&self) -> [(&'static str, &Tally); 4] {
        [
            ("decode", &self.decode),
            ("order", &self.order),
            ("window", &self.window),
            ("bin", &self.bin),
        ]
    }

    /// Events that went missing although nobody asked for it.
    pub fn lost(&self) -> u64 {
        self.all().iter().map(|(_, tally)| tally.lost()).sum()
    }

    /// The losses, for people: `decode: 3 marked invalid`.
    pub fn losses(&self) -> Vec<String> {
        let asked_for = |cause: &crate::event::Cause| cause.was_asked_for();
        let stages = self.all().into_iter();
        let losses = stages.flat_map(|(stage, tally)| {
            let dropped = tally.dropped.iter().filter(|(cause, _)| !asked_for(cause));
            dropped.map(move |(cause, &n)| format!("{stage}: {} {}", grouped(n), cause.phrase()))
        });
        losses.collect()
    }
}

/// The network of a replay.
#[derive(Debug, Serialize)]
pub struct Network {
    /// Where it was.
    pub path: String,
    /// Number of nodes, input and output included.
    pub nodes: usize,
    /// Number of stored parameters.
    pub parameters: usize,
}

/// How a network ran.
#[derive(Debug, Serialize)]
pub struct Engine {
    /// `clocked`.
    pub name: &'static str,
    /// The convention as it was named.
    pub convention: String,
    /// Length of a step.
    pub dt_us: i64,
    /// Steps run, over all trials.
    pub steps: u64,
}

/// One unit.
#[derive(Debug, Serialize)]
pub struct Layer {
    /// Its name in the file.
    pub name: String,
    /// Its NIR node.
    pub kind: &'static str,
    /// Number of elements that it sends from.
    pub neurons: usize,
    /// Spikes sent; none for a connection.
    pub spikes: Option<u64>,
    /// Weight additions that spikes caused; none for a population.
    pub synaptic_ops: Option<u64>,
    /// Multiplications that values other than spikes caused.
    pub multiply_adds: Option<u64>,
    /// Synaptic operations if every input were active in every step.
    pub dense_ops: Option<u64>,
    /// Neuron updates: one for each neuron and step.
    pub state_updates: Option<u64>,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    /// Spikes of each output; empty if the output does not spike.
    pub counts: Vec<u64>,
    /// Mean of each output over the steps; empty if it spikes.
    pub means: Vec<f64>,
    /// Index of the output that stands out.
    pub prediction: Option<usize>,
    /// Its class, where names are known.
    pub class: Option<String>,
}

/// Trials and how many were answered rightly.
#[derive(Debug, Serialize)]
pub struct Trials {
    /// Right answers and answers.
    pub right: u64,
    /// Trials.
    pub of: u64,
    /// Their share.
    pub accuracy: Option<f64>,
    /// One by one.
    pub list: Vec<Trial>,
}

/// One trial.
#[derive(Debug, Serialize)]
pub struct Trial {
    /// Its label.
    pub label: u8,
    /// The label's name.
    pub label_name: &'static str,
    /// Its start, on the recording's clock.
    pub from_us: i64,
    /// Its end.
    pub to_us: i64,
    /// Where step 0 began.
    pub start_us: Option<i64>,
    /// Events inside.
    pub events: u64,
    /// Steps run.
    pub steps: u64,
    /// Spikes of all populations.
    pub spikes: u64,
    /// Synaptic operations of all connections.
    pub synaptic_ops: u64,
    /// The answer.
    pub output: Output,
    /// Whether it is the label's class.
    pub right: bool,
}

/// How long it took.
#[derive(Debug, Serialize)]
pub struct Timing {
    /// Seconds for reading, decoding and ordering.
    pub decode_s: f64,
    /// Seconds for binning and running.
    pub run_s: f64,
    /// Time simulated for each second that all of it took.
    pub real_time_factor: Option<f64>,
}

impl Trials {
    /// Counts the right answers.
    pub fn new(list: Vec<Trial>) -> Trials {
        let mut accuracy = Accuracy::default();
        list.iter().for_each(|trial| accuracy.add(trial.right));
        Trials { right: accuracy.right, of: accuracy.of, accuracy: accuracy.share(), list }
    }
}

fn energies<S: serde::Serializer>(all: &[Energy], serializer: S) -> Result<S::Ok, S::Error> {
    let joules = |energy: &Energy, column| energy.sum(column).0;
    let entries = all.iter().map(|energy| {
        let terms = energy.table.terms.iter().zip(&energy.terms).map(|(constant, term)| {
            let value = json!({
                "count": term.count,
                "picojoules": constant.typical,
                "low": term.low.0,
                "typical": term.typical.0,
                "high": term.high.0,
            });
            (constant.name.clone(), value)
        });
        json!({
            "table": energy.table.name,
            "unit": "J",
            "low": joules(energy, |t| t.low),
            "typical": joules(energy, |t| t.typical),
            "high": joules(energy, |t| t.high),
            "terms": terms.collect::<Map<String, Value>>(),
            "citation": energy.table.citation,
            "leaves_out": energy.table.leaves_out,
        })
    });
    serializer.collect_seq(entries)
}

impl ReplayReport {
    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.head(&mut text);
        self.answer(&mut text);
        self.units(&mut text);
        self.cost(&mut text);
        text
    }

    fn head(&self, text: &mut String) {
        let Input { path, format, sensor: [width, height], events, .. } = &self.input;
        let span = self.input.first_us.zip(self.input.last_us).map(|(first, last)| last - first);
        let span = Micros(span.unwrap_or(0));
        let rate = match span.seconds().0 {
            s if s > 0.0 => format!(", {:.1} k/s", *events as f64 / s / 1e3),
            _ => String::new(),
        };
        let _ = writeln!(text, "input    {path}");
        let _ = writeln!(
            text,
            "         {format}, {width}×{height}, {} events in {span}{rate}",
            grouped(*events)
        );
        let Network { path, nodes, parameters } = &self.network;
        let _ = writeln!(text, "network  {path}");
        let _ =
            writeln!(text, "         {nodes} nodes, {} parameters", grouped(*parameters as u64));
        let Engine { name, convention, dt_us, steps } = &self.engine;
        let _ = writeln!(
            text,
            "engine   {name}, convention {convention}, {} steps of {}",
            grouped(*steps),
            Micros(*dt_us)
        );
        for (stage, tally) in self.input.tally.all() {
            remarks(text, stage, tally);
        }
        for note in &self.notes {
            let _ = writeln!(text, "note     {note}");
        }
        text.push('\n');
    }

    fn answer(&self, text: &mut String) {
        if let Some(trials) = &self.trials {
            let head = ["", "label", "from", "to", "answer", "", "output spikes"];
            let mut rows = vec![head.map(str::to_owned).to_vec()];
            rows.extend(trials.list.iter().enumerate().map(|(i, trial)| trial.row(i)));
            text.push_str(&columns(&rows, 7, "  "));
            let share =
                trials.accuracy.map_or_else(String::new, |a| format!(" ({:.1} %)", a * 100.0));
            let _ = writeln!(
                text,
                "\nanswer   {} of {} trials correct{share}\n",
                trials.right, trials.of
            );
            return;
        }
        let Output { prediction, class, .. } = &self.output;
        let answer = match (prediction, class) {
            (Some(index), Some(class)) => format!("{class} (output {index})"),
            (Some(index), None) => format!("output {index}"),
            (None, _) => "none: no output stands out".to_owned(),
        };
        let _ = writeln!(text, "answer   {answer}\n         {}\n", self.output.line());
    }

    fn units(&self, text: &mut String) {
        let head = ["layer", "kind", "neurons", "spikes", "synaptic ops", "dense ops", "share"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(self.layers.iter().map(Layer::row));
        let sum = |of: fn(&Layer) -> Option<u64>| self.layers.iter().filter_map(of).sum::<u64>();
        let (operations, dense) = (sum(|l| l.synaptic_ops), sum(|l| l.dense_ops));
        rows.push(vec![
            "all".into(),
            String::new(),
            String::new(),
            grouped(sum(|l| l.spikes)),
            grouped(operations),
            grouped(dense),
            share(operations, dense),
        ]);
        text.push_str(&columns(&rows, 2, "  "));
        text.push('\n');
    }

    fn cost(&self, text: &mut String) {
        let per = match &self.trials {
            Some(trials) if trials.of > 0 => Some(trials.of as f64),
            _ => None,
        };
        for energy in &self.energy {
            let total = energy.sum(|t| t.typical);
            let each =
                per.map_or_else(String::new, |n| format!(", {} a trial", Joules(total.0 / n)));
            let table = &energy.table;
            let _ = writeln!(
                text,
                "energy   {total}{each}: {} ({}, {})",
                table.name, table.about, table.process
            );
            let terms = table.terms.iter().zip(&energy.terms);
            let terms = terms.map(|(constant, term)| {
                let name = constant.name.replace('_', " ");
                format!("{} {name} × {} pJ", grouped(term.count), constant.typical)
            });
            let _ = writeln!(text, "         {}", terms.collect::<Vec<_>>().join(" + "));
            let _ = writeln!(text, "         without {}", table.leaves_out.join(", "));
        }
        let Timing { decode_s, run_s, real_time_factor } = &self.timing;
        let factor = real_time_factor
            .map_or_else(String::new, |factor| format!(": {factor:.1} times real time"));
        let (read, run) = (Seconds(*decode_s), Seconds(*run_s));
        let _ = writeln!(text, "time     read in {read}, run in {run}{factor}");
    }
}

fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".into(),
        _ => format!("{:.2} %", 100.0 * part as f64 / whole as f64),
    }
}

/// What is worth a line about a stage.
fn remarks(text: &mut String, stage: &str, tally: &Tally) {
    let dropped =
        tally.dropped.iter().map(|(cause, &n)| format!("{} {}", grouped(n), cause.phrase()));
    let noted =
        tally.noted.iter().map(|(cause, &n)| format!("{} {} (kept)", grouped(n), cause.phrase()));
    let skipped =
        tally.skipped.iter().map(|(what, &n)| format!("{} {what} (no events)", grouped(n)));
    let all: Vec<String> = dropped.chain(noted).chain(skipped).collect();
    if !all.is_empty() {
        let _ = writeln!(
            text,
            "{stage:8} {} of {} events kept; {}",
            grouped(tally.kept),
            grouped(tally.read),
            all.join(", ")
        );
    }
}

impl Layer {
    fn row(&self) -> Vec<String> {
        let share = match (self.synaptic_ops, self.dense_ops) {
            (Some(operations), Some(dense)) => share(operations, dense),
            _ => "–".into(),
        };
        vec![
            self.name.clone(),
            self.kind.to_owned(),
            grouped(self.neurons as u64),
            grouped_or_dash(self.spikes),
            grouped_or_dash(self.synaptic_ops),
            grouped_or_dash(self.dense_ops),
            share,
        ]
    }
}

impl Output {
    fn line(&self) -> String {
        match self.counts.is_empty() {
            false => {
                let counts = self.counts.iter().map(|&count| grouped(count));
                format!("spikes {}", counts.collect::<Vec<_>>().join(" "))
            }
            true => {
                let means = self.means.iter().map(|mean| format!("{mean:.4}"));
                format!("means {}", means.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

impl Trial {
    fn row(&self, index: usize) -> Vec<String> {
        let answer = match (&self.output.class, self.output.prediction) {
            (Some(class), _) => class.clone(),
            (None, Some(index)) => format!("output {index}"),
            (None, None) => "none".into(),
        };
        vec![
            format!("{}", index + 1),
            self.label_name.to_owned(),
            Micros(self.from_us).to_string(),
            Micros(self.to_us).to_string(),
            answer,
            if self.right { "correct" } else { "wrong" }.to_owned(),
            self.output.line().replace("spikes ", ""),
        ]
    }
}
