//! What a replay of many recordings says, for people.

use std::fmt::Write;

use super::{Answers, LISTED, ManyReport, Throughput, Total};
use crate::draw::words::{counted, grouped, rough};
use crate::report::table::headed;
use crate::report::text::{joules, units};
use crate::units::Seconds;

impl ManyReport {
    /// The report for people.
    pub fn text(&self) -> String {
        let (total, mut text) = (&self.total, String::new());
        total.head(&mut text);
        let list = match self.rows.len() > LISTED {
            true => {
                let head =
                    ["answer", "recordings", "events each", "spikes each", "synaptic ops each"];
                headed(head, total.answers.iter().map(Answers::row), 1, "  ")
            }
            false => {
                let head = ["recording", "answer", "events", "spikes", "synaptic ops"];
                headed(head, self.rows.iter().cloned(), 2, "  ")
            }
        };
        text.push_str(&list);
        for error in &self.errors {
            let _ = writeln!(text, "error    {error}");
        }
        text.push('\n');
        if !total.layers.is_empty() {
            units(&total.layers, &mut text);
            joules(&total.energy, total.recordings - total.refused, "recording", &mut text);
        }
        total.timing.line(&mut text);
        text
    }
}

impl Total {
    fn head(&self, text: &mut String) {
        let Total { recordings, damaged, refused, beside, events, .. } = self;
        let _ = write!(text, "input    {}", counted(*recordings, "recording"));
        let _ = write!(text, ", {}", counted(*events, "event"));
        for (number, fate) in [
            (damaged, "cut short by damage"),
            (refused, "without an answer"),
            (beside, "left out by name"),
        ] {
            if *number > 0 {
                let _ = write!(text, ", {} {fate}", grouped(*number));
            }
        }
        text.push('\n');
        self.network.iter().for_each(|network| network.lines(text));
        self.engine.iter().for_each(|engine| engine.line(text));
        self.tally.remarks(text);
        for note in &self.notes {
            let _ = writeln!(text, "note     {note}");
        }
        text.push('\n');
    }
}

impl Answers {
    fn row(&self) -> Vec<String> {
        let sums = [self.events, self.spikes, self.synaptic_ops];
        let means = sums.map(|sum| grouped((sum as f64 / self.recordings as f64).round() as u64));
        [self.name.clone(), grouped(self.recordings)].into_iter().chain(means).collect()
    }
}

impl Throughput {
    fn line(&self, text: &mut String) {
        let Throughput { elapsed_s, threads, recordings_per_s, events_per_s, .. } = self;
        let threads = counted(*threads as u64, "thread");
        let _ = writeln!(
            text,
            "time     {} on {threads}: {} recordings and {} events a second, \
             {} times real time",
            Seconds(*elapsed_s),
            rough(*recordings_per_s),
            rough(*events_per_s),
            rough(self.real_time_factor)
        );
    }
}
