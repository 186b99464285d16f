//! What a replay says, as data.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::manifest::Manifest;
use crate::draw::words::grouped;
use crate::event::{Cause, Tally};
use crate::measure::{Accuracy, Energy};
use crate::replay::Take;

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
    /// Those of one window, given what it cut off and what was binned.
    pub fn of(take: &Take, cut: &Tally, binned: &Tally) -> Stages {
        Stages {
            decode: take.decoded.clone(),
            order: take.ordered.clone(),
            window: cut.clone(),
            bin: binned.clone(),
        }
    }

    /// The stages by name.
    pub fn all(&self) -> [(&'static str, &Tally); 4] {
        [
            ("decode", &self.decode),
            ("order", &self.order),
            ("window", &self.window),
            ("bin", &self.bin),
        ]
    }

    /// The account of two recordings.
    pub fn plus(self, other: &Stages) -> Stages {
        Stages {
            decode: self.decode.plus(&other.decode),
            order: self.order.plus(&other.order),
            window: self.window.plus(&other.window),
            bin: self.bin.plus(&other.bin),
        }
    }

    /// The losses, for people: `decode: 3 marked invalid`.
    pub fn losses(&self) -> Vec<String> {
        let losses = self.all().into_iter().flat_map(|(stage, tally)| {
            let said = move |(cause, n): (Cause, u64)| {
                format!("{stage}: {} {}", grouped(n), cause.phrase())
            };
            tally.losses().map(said)
        });
        losses.collect()
    }
}

/// The network of a replay.
#[derive(Clone, Debug, Serialize)]
pub struct Network {
    /// Where it was.
    pub path: String,
    /// Name or path of what made it of a state dict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// Number of nodes, input and output included.
    pub nodes: usize,
    /// Number of stored parameters.
    pub parameters: usize,
}

/// How a network ran.
#[derive(Clone, Debug, Serialize)]
pub struct Engine {
    /// `clocked` or `event`.
    pub name: &'static str,
    /// The convention as it was named.
    pub convention: String,
    /// Length of a step; without a grid, of the step that gains are meant for.
    pub dt_us: i64,
    /// Length of the time within which events are simultaneous, where it is not
    /// the step of a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantum_us: Option<i64>,
    /// Steps run, over all trials.
    pub steps: u64,
    /// Of what they had equally much, instead of their length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slice: Option<&'static str>,
}

/// One unit.
#[derive(Clone, Debug, Serialize)]
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
    /// Neuron updates: of a clock one for each neuron and step; between events one each time
    /// that something reaches a neuron.
    pub state_updates: Option<u64>,
}

/// Sum over all layers that have such a number.
pub fn sum(layers: &[Layer], of: fn(&Layer) -> Option<u64>) -> u64 {
    layers.iter().filter_map(of).sum()
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

/// Energies as JSON: every term, and their sums.
///
/// # Errors
/// The serializer's.
pub fn energies<S: serde::Serializer>(all: &[Energy], serializer: S) -> Result<S::Ok, S::Error> {
    let joules = |energy: &Energy, column| energy.sum(column).0;
    let entries = all.iter().map(|energy| {
        let terms = energy.table.terms.iter().zip(&energy.terms).map(|(constant, term)| {
            let value = json!({
                "count": term.count,
                "picojoules": constant.typical,
                "low": term.low.0,
                "typical": term.typical.0,
                "high": term.high.0,
                "certainty": energy.table.source(constant).certainty,
            });
            (constant.name.clone(), value)
        });
        let accesses = energy.table.accesses.iter().zip(&energy.accesses);
        let accesses = accesses.map(|(access, (term, _))| {
            let value = json!({
                "count": term.count,
                "low": term.low.0,
                "typical": term.typical.0,
                "high": term.high.0,
            });
            (access.name.clone(), value)
        });
        json!({
            "table": energy.table.name,
            "unit": "J",
            "low": joules(energy, |t| t.low),
            "typical": joules(energy, |t| t.typical),
            "high": joules(energy, |t| t.high),
            "terms": terms.collect::<Map<String, Value>>(),
            "accesses": accesses.collect::<Map<String, Value>>(),
            "citation": energy.table.citation,
            "certainty": energy.table.certainty,
            "leaves_out": energy.table.leaves_out,
        })
    });
    serializer.collect_seq(entries)
}
