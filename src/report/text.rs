//! What a replay says, for people: one screen.

use std::fmt::Write;

use super::replay::{Engine, Input, Layer, Network, Output, ReplayReport, Timing, Trial};
use super::table::{columns, grouped, grouped_or_dash};
use crate::event::Tally;
use crate::units::{Joules, Micros, Seconds};

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
        let Network { path, mapping, nodes, parameters } = &self.network;
        let by = mapping.as_ref().map_or(String::new(), |mapping| format!(", by {mapping}"));
        let _ = writeln!(text, "network  {path}{by}");
        let _ =
            writeln!(text, "         {nodes} nodes, {} parameters", grouped(*parameters as u64));
        let Engine { name, convention, dt_us, quantum_us, steps } = &self.engine;
        let time = match (*name, quantum_us) {
            ("clocked", _) => format!("{} steps of {}", grouped(*steps), Micros(*dt_us)),
            (_, Some(q)) => format!("{} quanta of {}", grouped(*steps), Micros(*q)),
            (_, None) => format!("no grid, {}", Micros(*dt_us * *steps as i64)),
        };
        let _ = writeln!(text, "engine   {name}, convention {convention}, {time}");
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
