//! What a replay says, for people: one screen.

use std::fmt::Write;

use super::answered;
use super::replay::{
    Engine, Input, Layer, Network, Output, ReplayReport, Stages, Timing, Trial, sum,
};
use super::table::{grouped_or_dash, headed};
use crate::draw::words::{counted, grouped, rough};
use crate::error::shown;
use crate::event::Tally;
use crate::measure::Energy;
use crate::units::{Joules, Micros, Seconds};

impl ReplayReport {
    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.head(&mut text);
        self.answer(&mut text);
        units(&self.layers, &mut text);
        self.cost(&mut text);
        text
    }

    fn head(&self, text: &mut String) {
        let Input { path, format, sensor: [width, height], events, .. } = &self.input;
        let span = self.input.first_us.zip(self.input.last_us).map(|(first, last)| last - first);
        let span = Micros(span.unwrap_or(0));
        let rate = match span.seconds().0 {
            s if s > 0.0 => format!(", {} a second", rough(*events as f64 / s)),
            _ => String::new(),
        };
        let _ = writeln!(text, "input    {}", shown(path));
        let _ = writeln!(
            text,
            "         {format}, {width}×{height}, {} in {span}{rate}",
            counted(*events, "event")
        );
        self.network.lines(text);
        self.engine.line(text);
        self.input.tally.remarks(text);
        for note in &self.notes {
            let _ = writeln!(text, "note     {note}");
        }
        text.push('\n');
    }

    fn answer(&self, text: &mut String) {
        if let Some(trials) = &self.trials {
            let head = ["", "label", "from", "to", "answer", "", "output spikes"];
            let rows = trials.list.iter().enumerate().map(|(i, trial)| trial.row(i));
            text.push_str(&headed(head, rows, 7, "  "));
            let share =
                trials.accuracy.map_or_else(String::new, |a| format!(" ({:.1} %)", a * 100.0));
            let _ = writeln!(
                text,
                "\nanswer   {} of {} correct{share}\n",
                trials.right,
                counted(trials.of, "trial")
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

    fn cost(&self, text: &mut String) {
        let trials = self.trials.as_ref().map_or(0, |trials| trials.of);
        joules(&self.energy, trials, "trial", text);
        let Timing { decode_s, run_s, real_time_factor } = &self.timing;
        let factor = real_time_factor
            .map_or_else(String::new, |factor| format!(": {} times real time", rough(factor)));
        let (read, run) = (Seconds(*decode_s), Seconds(*run_s));
        let _ = writeln!(text, "time     read in {read}, run in {run}{factor}");
    }
}

impl Network {
    /// Which network it is.
    pub(super) fn lines(&self, text: &mut String) {
        let Network { path, mapping, nodes, parameters } = self;
        let by = mapping.as_ref().map_or(String::new(), |m| format!(", by {}", shown(m)));
        let _ = writeln!(text, "network  {}{by}", shown(path));
        let (nodes, parameters) = (*nodes as u64, *parameters as u64);
        let (nodes, parameters) = (counted(nodes, "node"), counted(parameters, "parameter"));
        let _ = writeln!(text, "         {nodes}, {parameters}");
    }
}

impl Engine {
    /// How it ran.
    pub(super) fn line(&self, text: &mut String) {
        let Engine { name, convention, dt_us, quantum_us, steps, slice } = self;
        let time = match (*name, quantum_us) {
            _ if let Some(slice) = slice => {
                format!("{} of equal {slice}, not causal", counted(*steps, "slice"))
            }
            ("clocked", _) => format!("{} of {}", counted(*steps, "step"), Micros(*dt_us)),
            (_, Some(q)) if *steps == 1 => format!("1 quantum of {}", Micros(*q)),
            (_, Some(q)) => format!("{} quanta of {}", grouped(*steps), Micros(*q)),
            (_, None) => format!("no grid, {}", Micros(dt_us.saturating_mul(*steps as i64))),
        };
        let _ = writeln!(text, "engine   {name}, convention {convention}, {time}");
    }
}

/// A table of layers, and their sums.
pub(super) fn units(layers: &[Layer], text: &mut String) {
    let head = ["layer", "kind", "neurons", "spikes", "synaptic ops", "dense ops", "share"];
    let (operations, dense) = (sum(layers, |l| l.synaptic_ops), sum(layers, |l| l.dense_ops));
    let all = vec![
        "all".into(),
        String::new(),
        String::new(),
        grouped(sum(layers, |l| l.spikes)),
        grouped(operations),
        grouped(dense),
        share(operations, dense),
    ];
    text.push_str(&headed(head, layers.iter().map(Layer::row).chain([all]), 2, "  "));
    text.push('\n');
}

/// Energy by every table: of all, and of each of `parts`, if there are any.
pub(super) fn joules(energy: &[Energy], parts: u64, part: &str, text: &mut String) {
    for energy in energy {
        let total = energy.sum(|t| t.typical);
        let each = match parts {
            0 => String::new(),
            _ => format!(", {} a {part}", Joules(total.0 / parts as f64)),
        };
        let table = &energy.table;
        let [low, high] = [energy.sum(|t| t.low), energy.sum(|t| t.high)];
        let bounds = if low == high { String::new() } else { format!(" ({low} to {high})") };
        let _ = writeln!(
            text,
            "energy   {total}{bounds}{each}: {} ({}, {})",
            table.name, table.about, table.process
        );
        let terms = table.terms.iter().zip(&energy.terms);
        let terms = terms.map(|(constant, term)| {
            let name = constant.name.replace('_', " ");
            format!("{} {name} × {} pJ", grouped(term.count), constant.typical)
        });
        let accesses = table.accesses.iter().zip(&energy.accesses).map(|(access, (term, _))| {
            let name = access.name.replace('_', " ");
            format!("{} {name} for {}", grouped(term.count), term.typical)
        });
        let sum: Vec<String> = terms.chain(accesses).collect();
        let _ = writeln!(text, "         {}", sum.join(" + "));
        let _ = writeln!(text, "         without {}", table.leaves_out.join(", "));
    }
}

fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".into(),
        _ => format!("{:.2} %", 100.0 * part as f64 / whole as f64),
    }
}

impl Stages {
    /// What is worth a line about each stage.
    pub(super) fn remarks(&self, text: &mut String) {
        self.all().into_iter().for_each(|(stage, tally)| remarks(text, stage, tally));
    }
}

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
            "{stage:8} {} of {} kept; {}",
            grouped(tally.kept),
            counted(tally.read, "event"),
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
    /// The answer by its name, or by its index.
    pub(super) fn answer(&self) -> String {
        answered(self.prediction, self.class.as_deref()).unwrap_or_else(|| "none".into())
    }

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
        vec![
            format!("{}", index + 1),
            self.label_name.to_owned(),
            Micros(self.from_us).to_string(),
            Micros(self.to_us).to_string(),
            self.output.answer(),
            if self.right { "correct" } else { "wrong" }.to_owned(),
            self.output.line().replace("spikes ", ""),
        ]
    }
}
