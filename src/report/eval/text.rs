//! What `eval` says, for people.

use std::fmt::Write;

use super::{EvalReport, Figures, Group, Share};
use crate::draw::words::{counted, grouped};
use crate::error::shown;
use crate::measure::Distribution;
use crate::report::list;
use crate::report::table::{columns, headed};
use crate::units::{Joules, Micros};

/// More classes than this are no matrix that a terminal can show.
const MATRIX: usize = 20;

/// As many problems are listed.
const LISTED: usize = 10;

impl EvalReport {
    /// The report for people.
    pub fn text(&self) -> String {
        let (head, mut text) = (&self.head, String::new());
        let _ = writeln!(
            text,
            "data     cut by {}{}, {}: {}, {}",
            head.cut,
            head.split.as_ref().map_or(String::new(), |split| format!(", split {split}")),
            head.part,
            match self.samples.len() {
                all if all == head.samples => counted(all as u64, "sample"),
                some => format!(
                    "{} of {}",
                    grouped(some as u64),
                    counted(head.samples as u64, "sample")
                ),
            },
            counted(head.classes.len() as u64, "class")
        );
        let _ = writeln!(
            text,
            "network  {}, SHA-256 {}…",
            shown(&head.network),
            &head.network_sha256[..12]
        );
        let several = |one: &str, more: &str| match head.steps {
            Some(1) => format!("1 {one}"),
            Some(steps) => format!("{} {more}", grouped(steps)),
            None => more.to_owned(),
        };
        let time = match (&head.slice, head.quantum_us) {
            (Some(slice), _) => {
                format!("{} of equal {slice}, not causal", several("slice", "slices"))
            }
            (None, Some(quantum)) => {
                format!("{} of {}", several("quantum", "quanta"), Micros(quantum))
            }
            (None, None) => format!("{} of {}", several("step", "steps"), Micros(head.dt_us)),
        };
        let _ = writeln!(text, "engine   {}, {}, {time}", head.engine, head.convention);
        let samples = self.samples.iter();
        let problems: Vec<String> = samples
            .filter_map(|row| {
                let problem = row.problem.as_ref()?;
                Some(format!("{}: {problem}", shown(&row.recording)))
            })
            .collect();
        list(&mut text, "caution", head.caution.as_slice(), LISTED);
        list(&mut text, "defect", &head.defects, LISTED);
        list(&mut text, "problem", &problems, LISTED);
        let _ = writeln!(text, "\naccuracy {}", self.accuracy.phrase());
        for (count, what) in [
            (self.unanswered, "without an answer, which is wrong"),
            (self.refused, "not run"),
            (self.problems - self.refused, "run on what there is of them"),
        ] {
            if count > 0 {
                let _ = writeln!(text, "         {} {what}", grouped(count as u64));
            }
        }
        text.push('\n');
        text += &groups("class", &self.classes, Some(&self.all));
        if !self.users.is_empty() {
            text.push('\n');
            text += &groups("user", &self.users, None);
        }
        if self.head.classes.len() <= MATRIX {
            text += "\ntrue class by row, answer by column\n";
            text += &self.matrix();
        }
        text.push('\n');
        self.all.lines(&mut text);
        text
    }

    fn matrix(&self) -> String {
        let number = |count: &u64| match count {
            0 => "·".into(),
            n => grouped(*n),
        };
        let (names, heads) = self.labels();
        let mut rows = vec![[String::new()].into_iter().chain(heads).collect()];
        for (name, counts) in names.into_iter().zip(&self.confusion) {
            rows.push([name].into_iter().chain(counts.iter().map(number)).collect());
        }
        columns(&rows, 1, "  ")
    }
}

impl Share {
    fn phrase(&self) -> String {
        match (self.share, self.interval) {
            (Some(share), Some((low, high))) => format!(
                "{:.1} % ({} of {}), {:.1} to {:.1} % with a confidence of 95 %",
                100.0 * share,
                grouped(self.right),
                grouped(self.of),
                100.0 * low,
                100.0 * high
            ),
            _ => "none: no sample was run".into(),
        }
    }
}

/// A line for each group, and one for all.
fn groups(kind: &str, groups: &[Group], all: Option<&Figures>) -> String {
    let head = [kind, "right", "of", "share", "spikes", "synaptic ops", "energy", "settled"];
    let mut rows = Vec::new();
    for Group { name, accuracy, figures } in groups {
        let share = accuracy.share.map_or("–".into(), |share| format!("{:.1} %", 100.0 * share));
        let counts = [grouped(accuracy.right), grouped(accuracy.of), share];
        rows.push([name.clone()].into_iter().chain(counts).chain(figures.medians()).collect());
    }
    if let Some(all) = all {
        let counts = ["all", "", "", ""].map(str::to_owned);
        rows.push(counts.into_iter().chain(all.medians()).collect());
    }
    let note = "  spikes, operations, energy and time until the answer settled: medians\n";
    headed(head, rows, 1, "  ") + if all.is_some() { note } else { "" }
}

fn whole(number: f64) -> String {
    grouped(number.round() as u64)
}

impl Figures {
    fn medians(&self) -> [String; 4] {
        let of = |distribution: Option<&Distribution>, write: fn(f64) -> String| {
            distribution.map_or("–".into(), |d| write(d.median))
        };
        [
            of(self.spikes.as_ref(), whole),
            of(self.synaptic_ops.as_ref(), whole),
            of(self.energy_j.values().next(), |j| Joules(j).to_string()),
            of(self.settled_us.as_ref(), |us| Micros(us.round() as i64).to_string()),
        ]
    }

    /// Quartiles of each figure.
    fn lines(&self, text: &mut String) {
        let mut rows = Vec::new();
        let mut row = |name: &str, d: Option<&Distribution>, write: fn(f64) -> String| {
            let Some(d) = d else { return };
            let numbers = [d.least, d.lower, d.median, d.upper, d.most, d.mean];
            rows.push([name.to_owned()].into_iter().chain(numbers.map(write)).collect());
        };
        row("events", self.events.as_ref(), whole);
        row("events used", self.events_used.as_ref(), |share| format!("{:.1} %", 100.0 * share));
        row("spikes", self.spikes.as_ref(), whole);
        row("synaptic ops", self.synaptic_ops.as_ref(), whole);
        row("settled", self.settled_us.as_ref(), |us| Micros(us.round() as i64).to_string());
        for (table, energy) in &self.energy_j {
            row(&format!("energy, {table}"), Some(energy), |j| Joules(j).to_string());
        }
        if !rows.is_empty() {
            let head = ["a sample", "least", "25 %", "median", "75 %", "most", "mean"];
            rows.insert(0, head.map(str::to_owned).to_vec());
        }
        *text += &columns(&rows, 1, "  ");
    }
}
