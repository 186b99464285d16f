//! What a replay of many recordings says: one by one, and all together.

mod text;

use std::time::Duration;

use serde::Serialize;

use super::replay::{Engine, Layer, Network, ReplayReport, Stages, energies, sum};
use super::table::grouped_or_dash;
use crate::measure::{Energy, Table, UnitCounts};

/// More recordings than this are not listed for people, but counted by answer.
const LISTED: usize = 40;

/// A replay of many recordings.
#[derive(Debug, Serialize)]
pub struct ManyReport {
    /// One by one, in the order in which they were added; empty if nobody wants them.
    pub recordings: Vec<Recording>,
    /// All together.
    pub total: Total,
    #[serde(skip)]
    keeps_all: bool,
    #[serde(skip)]
    rows: Vec<Vec<String>>,
    #[serde(skip)]
    errors: Vec<String>,
}

/// What came of one recording.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Recording {
    /// It ran, to its end or to its damage.
    Replayed(Box<ReplayReport>),
    /// It did not, or may not be counted.
    Refused {
        /// The recording.
        input: Refused,
        /// Why.
        error: String,
    },
}

/// A recording without an answer.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// Where it is.
    pub path: String,
}

/// Sums over all recordings that ran.
#[derive(Debug, Default, Serialize)]
pub struct Total {
    /// Recordings, whatever became of them.
    pub recordings: u64,
    /// Those that ran up to their damage.
    pub damaged: u64,
    /// Those without an answer.
    pub refused: u64,
    /// Files in the folders that are no recordings by their names.
    pub beside: u64,
    /// Events in those that ran.
    pub events: u64,
    /// What became of them, stage by stage.
    pub tally: Stages,
    /// The network.
    pub network: Option<Network>,
    /// How it ran; with the steps of all recordings.
    pub engine: Option<Engine>,
    /// Every unit between input and output.
    pub layers: Vec<Layer>,
    /// What was answered how often, by output; no answer last.
    pub answers: Vec<Answers>,
    /// One entry for each table.
    #[serde(serialize_with = "energies")]
    pub energy: Vec<Energy>,
    /// How long all of it took.
    pub timing: Throughput,
    /// What should be known before the numbers are believed.
    pub notes: Vec<String>,
}

/// The recordings with the same answer.
#[derive(Debug, Serialize)]
pub struct Answers {
    /// Index of the output.
    pub prediction: Option<usize>,
    /// Its class, where names are known.
    pub class: Option<String>,
    /// How many recordings.
    pub recordings: u64,
    /// Events in them.
    pub events: u64,
    /// Spikes of all populations.
    pub spikes: u64,
    /// Synaptic operations of all connections.
    pub synaptic_ops: u64,
    #[serde(skip)]
    name: String,
}

/// How long many recordings took.
#[derive(Debug, Default, Serialize)]
pub struct Throughput {
    /// Seconds from the first recording's opening to the last one's answer.
    pub elapsed_s: f64,
    /// Threads that worked.
    pub threads: usize,
    /// Seconds for reading, decoding and ordering, over all threads.
    pub decode_s: f64,
    /// Seconds for binning and running, over all threads.
    pub run_s: f64,
    /// Recordings that ran, for each second.
    pub recordings_per_s: f64,
    /// Events in them, for each second.
    pub events_per_s: f64,
    /// Time simulated for each second.
    pub real_time_factor: f64,
}

impl ManyReport {
    /// A report of nothing; whether it is to keep the report of each recording, and how many
    /// files beside the recordings were left out.
    pub fn new(keeps_all: bool, beside: u64) -> ManyReport {
        ManyReport {
            recordings: Vec::new(),
            total: Total { beside, ..Total::default() },
            keeps_all,
            rows: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Adds a recording that ran.
    pub fn add(&mut self, report: ReplayReport) {
        let numbers = [
            report.input.events,
            sum(&report.layers, |layer| layer.spikes),
            sum(&report.layers, |layer| layer.synaptic_ops),
        ];
        self.row(&report.input.path, &report.output.answer(), numbers.map(Some));
        self.errors.extend(report.input.damage.clone());
        self.total.add(&report, numbers);
        if self.keeps_all {
            self.recordings.push(Recording::Replayed(Box::new(report)));
        }
    }

    /// Adds a recording without an answer.
    pub fn refuse(&mut self, path: String, error: String) {
        self.row(&path, "error", [None; 3]);
        self.errors.push(error.clone());
        self.total.recordings += 1;
        self.total.refused += 1;
        if self.keeps_all {
            self.recordings.push(Recording::Refused { input: Refused { path }, error });
        }
    }

    fn row(&mut self, path: &str, answer: &str, numbers: [Option<u64>; 3]) {
        // one too many is enough to know that there are too many
        if self.rows.len() <= LISTED {
            let names = [path, answer].map(str::to_owned);
            self.rows.push(names.into_iter().chain(numbers.map(grouped_or_dash)).collect());
        }
    }

    /// Ends the list: what operations cost; it took so long, on so many threads.
    pub fn finish(&mut self, tables: &[Table], elapsed: Duration, threads: usize) {
        let total = &mut self.total;
        total.answers.sort_by_key(|answer| (answer.prediction.is_none(), answer.prediction));
        let counts = UnitCounts {
            spikes: sum(&total.layers, |layer| layer.spikes),
            synaptic_ops: sum(&total.layers, |layer| layer.synaptic_ops),
            multiply_adds: sum(&total.layers, |layer| layer.multiply_adds),
            updates: 0,
        };
        total.energy = tables.iter().map(|table| table.price(&counts)).collect();
        let elapsed = elapsed.as_secs_f64();
        let rate = |amount: f64| if elapsed > 0.0 { amount / elapsed } else { 0.0 };
        let engine = total.engine.as_ref();
        let engine = engine.filter(|e| e.slice.is_none());
        let simulated = engine.map_or(0.0, |e| e.steps as f64 * e.dt_us as f64 * 1e-6);
        let timing = &mut total.timing;
        (timing.elapsed_s, timing.threads) = (elapsed, threads);
        timing.recordings_per_s = rate((total.recordings - total.refused) as f64);
        timing.events_per_s = rate(total.events as f64);
        timing.real_time_factor = rate(simulated);
    }
}

impl Total {
    fn add(&mut self, report: &ReplayReport, [events, spikes, synaptic_ops]: [u64; 3]) {
        self.recordings += 1;
        self.damaged += u64::from(report.input.damage.is_some());
        self.events += events;
        self.tally = std::mem::take(&mut self.tally).plus(&report.input.tally);
        self.timing.decode_s += report.timing.decode_s;
        self.timing.run_s += report.timing.run_s;
        let of = |answers: &Answers| answers.prediction == report.output.prediction;
        let at = self.answers.iter().position(of).unwrap_or_else(|| {
            self.answers.push(Answers::none_yet(report));
            self.answers.len() - 1
        });
        let answers = &mut self.answers[at];
        answers.recordings += 1;
        answers.events += events;
        answers.spikes += spikes;
        answers.synaptic_ops += synaptic_ops;
        match &mut self.engine {
            Some(engine) => {
                engine.steps += report.engine.steps;
                self.layers.iter_mut().zip(&report.layers).for_each(|(sum, one)| sum.add(one));
                let is_new = |note: &&String| !self.notes.contains(note);
                let new: Vec<String> = report.notes.iter().filter(is_new).cloned().collect();
                self.notes.extend(new);
            }
            None => {
                self.network = Some(report.network.clone());
                self.engine = Some(report.engine.clone());
                self.layers = report.layers.clone();
                self.notes = report.notes.clone();
            }
        }
    }
}

impl Layer {
    /// Counts what it did in another recording.
    fn add(&mut self, other: &Layer) {
        for (sum, more) in [
            (&mut self.spikes, other.spikes),
            (&mut self.synaptic_ops, other.synaptic_ops),
            (&mut self.multiply_adds, other.multiply_adds),
            (&mut self.dense_ops, other.dense_ops),
            (&mut self.state_updates, other.state_updates),
        ] {
            *sum = sum.zip(more).map(|(sum, more)| sum + more);
        }
    }
}

impl Answers {
    fn none_yet(report: &ReplayReport) -> Answers {
        Answers {
            prediction: report.output.prediction,
            class: report.output.class.clone(),
            recordings: 0,
            events: 0,
            spikes: 0,
            synaptic_ops: 0,
            name: report.output.answer(),
        }
    }
}
