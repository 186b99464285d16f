//! What `energy` says: counts, constants and their products, so that every figure can be
//! worked out again from the same page.

mod caution;
mod json;
mod text;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use caution::Caution;

use super::{csv, through};
use crate::draw::{Bar, Group, Spans};
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{
    COUNTS, Comparison, Count, Distribution, Energy, Ledger, Table, Traffic, Work, compare, traffic,
};
use crate::network::Network;
use crate::units::Bytes;

/// Bytes of a word where a table does not say.
const WORD_BYTES: u64 = 4;

/// What ran, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    /// The program's version.
    pub synops: &'static str,
    /// The recording, or the folder of the data set.
    pub data: String,
    /// How it was cut, and of a data set its part.
    pub cut: String,
    /// The network's file.
    pub network: String,
    /// SHA-256 of the network.
    pub network_sha256: String,
    /// `clocked` or `event`.
    pub engine: &'static str,
    /// The convention.
    pub convention: String,
    /// Length of a step.
    pub dt_us: i64,
    /// Steps that every sample had, where that was asked for.
    pub steps: Option<u64>,
    /// Of what steps had equally much, instead of their length.
    pub slice: Option<&'static str>,
    /// What several events of a pixel in a step were.
    pub input: &'static str,
}

/// One sample, accounted for.
#[derive(Clone, Debug)]
pub struct Metered {
    /// Its recording.
    pub recording: String,
    /// Its window on the recording's clock, where it is a part of that.
    pub window: Option<(i64, i64)>,
    /// Its class, where it has one.
    pub class: Option<String>,
    /// Steps that were run.
    pub steps: u64,
    /// Events in its window.
    pub events: u64,
    /// Those that the network saw, each input of a step once where the input is binary.
    pub events_used: u64,
    /// Those that it did not see: after the last step, or outside its sensor.
    pub events_unseen: u64,
    /// Those among them that nobody asked to leave out.
    pub events_lost: u64,
    /// Inputs of a step that were several events.
    pub crowded: u64,
    /// What each unit did; empty if it could not be run.
    pub works: Vec<Work>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Energy of a network on samples.
#[derive(Debug, Serialize)]
pub struct EnergyReport {
    /// What ran, and how.
    pub head: Head,
    /// Samples that were run.
    pub inferences: u64,
    /// Steps over all of them.
    pub steps: u64,
    /// What each unit did in all of them.
    pub layers: Vec<Layer>,
    /// The sum over all units.
    pub counts: Map<String, Value>,
    /// What each count means.
    pub conventions: Map<String, Value>,
    /// Share of neurons and steps without a spike.
    pub activation_sparsity: Option<f64>,
    /// Bytes moved, by kind of memory.
    pub traffic: Moved,
    /// Joules by each table.
    pub energy: Vec<Priced>,
    /// What is to be known before the figures are believed.
    pub cautions: Vec<Caution>,
    /// What the engine remarks.
    pub notes: Vec<String>,
    /// Sample by sample.
    pub samples: Vec<Value>,
}

/// What a unit did.
#[derive(Debug, Serialize)]
pub struct Layer {
    /// Its name in the file.
    pub name: String,
    /// Its NIR node.
    pub kind: &'static str,
    /// Its counts other than zero.
    pub counts: Map<String, Value>,
    /// Words in its memories: weights, states, inputs, outputs.
    pub words: [u64; 4],
    #[serde(skip)]
    work: Work,
}

/// Bytes moved in all samples.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// A memory that is no larger is near.
    pub buffer_bytes: u64,
    /// Bytes of a word.
    pub word_bytes: u64,
    /// By kind of memory.
    pub memories: Vec<Traffic>,
}

/// Joules by one table.
#[derive(Debug)]
pub struct Priced {
    /// Of all samples, with the working.
    pub all: Energy,
    /// How many these are.
    pub inferences: u64,
    /// Of one sample, by the published figures.
    pub each: Distribution,
    /// The same by class.
    pub classes: Vec<(String, Distribution)>,
    /// Beside other networks, where the table can price those.
    pub comparison: Option<Comparison>,
    /// Names of the units.
    names: Vec<String>,
}

/// Everything that a report is made of.
pub struct Made<'a> {
    /// What ran, and how.
    pub head: Head,
    /// The network.
    pub network: &'a Network,
    /// Its units in the order of evaluation.
    pub sequence: &'a [usize],
    /// What is known of them.
    pub ledger: &'a Ledger,
    /// The samples.
    pub samples: Vec<Metered>,
    /// What operations cost.
    pub tables: &'a [Table],
    /// The size of the buffer.
    pub buffer: Bytes,
    /// Cautions about the network.
    pub cautions: Vec<Caution>,
    /// What the engine remarks.
    pub notes: Vec<String>,
}

impl Made<'_> {
    /// The report.
    ///
    /// # Errors
    /// No sample that was run.
    pub fn report(self) -> Result<EnergyReport> {
        let ran: Vec<&Metered> = self.samples.iter().filter(|s| !s.works.is_empty()).collect();
        if ran.is_empty() {
            let problem = self.samples.iter().find_map(|sample| sample.problem.clone());
            let found = format!("no sample that runs: {}", problem.unwrap_or_default());
            return Err(Error::new(ErrorKind::Usage, found, "one at least"));
        }
        let works = works(&self.samples);
        let all = works.iter().fold(Work::default(), |sum, work| sum + *work);
        let steps = ran.iter().map(|sample| sample.steps).sum();
        let priced: Vec<Priced> = self
            .tables
            .iter()
            .filter_map(|table| self.priced(table, &ran, &works, steps))
            .collect();
        let units = &self.network.units;
        let layers = self.sequence.iter().filter(|&&unit| works[unit] != Work::default());
        let layers = layers.map(|&unit| Layer {
            name: units[unit].name.clone(),
            kind: units[unit].unit.nir(),
            counts: named(&works[unit]),
            words: works[unit].words,
            work: works[unit],
        });
        let neuron_steps = all[Count::NeuronSteps];
        let active = all[Count::Activations] as f64;
        Ok(EnergyReport {
            inferences: ran.len() as u64,
            steps,
            layers: layers.collect(),
            counts: named(&all),
            conventions: COUNTS.iter().map(|k| (k.name.to_owned(), k.about.into())).collect(),
            activation_sparsity: (neuron_steps > 0).then(|| 1.0 - active / neuron_steps as f64),
            traffic: Moved {
                buffer_bytes: self.buffer.0,
                word_bytes: WORD_BYTES,
                memories: traffic(&works, WORD_BYTES, self.buffer),
            },
            cautions: self.cautions(&ran, &all),
            notes: self.notes.clone(),
            samples: self.samples.iter().map(|sample| sample.row(self.tables)).collect(),
            energy: priced,
            head: self.head,
        })
    }

    fn priced(
        &self,
        table: &Table,
        ran: &[&Metered],
        works: &[Work],
        steps: u64,
    ) -> Option<Priced> {
        let joules: Vec<f64> = ran.iter().map(|sample| sample.joules(table)).collect();
        let mut names: Vec<&String> = Vec::new();
        for class in ran.iter().filter_map(|sample| sample.class.as_ref()) {
            if !names.contains(&class) {
                names.push(class);
            }
        }
        names.sort();
        let classes = names.into_iter().filter_map(|class| {
            let own = ran.iter().zip(&joules).filter(|(s, _)| s.class.as_ref() == Some(class));
            Some((class.clone(), Distribution::of(own.map(|(_, joules)| *joules))?))
        });
        Some(Priced {
            all: table.price_units(works),
            inferences: ran.len() as u64,
            classes: classes.collect(),
            comparison: compare(table, self.ledger, works, ran.len() as u64, steps),
            names: self.network.units.iter().map(|unit| unit.name.clone()).collect(),
            each: Distribution::of(joules)?,
        })
    }

    fn cautions(&self, ran: &[&Metered], all: &Work) -> Vec<Caution> {
        let sum = |of: fn(&Metered) -> u64| ran.iter().map(|sample| of(sample)).sum::<u64>();
        let (events, used, crowded) =
            (sum(|s| s.events), sum(|s| s.events_used), sum(|s| s.crowded));
        let (unseen, lost) = (sum(|s| s.events_unseen), sum(|s| s.events_lost));
        let problems = self.samples.iter().filter(|s| s.problem.is_some()).count() as u64;
        let share = 1.0 - unseen as f64 / events.max(1) as f64;
        let found = [
            (crowded > 0).then_some(Caution::Crowded { entries: crowded, events: used }),
            (unseen > 0).then_some(Caution::Unused { share, lost }),
            (ran.len() == 1).then_some(Caution::Single),
            (all[Count::Spikes] == 0).then_some(Caution::Silent),
            (problems > 0).then_some(Caution::Problems { samples: problems }),
        ];
        self.cautions.iter().cloned().chain(found.into_iter().flatten()).collect()
    }
}

/// What each unit did in all samples.
pub fn works(samples: &[Metered]) -> Vec<Work> {
    let units = samples.iter().map(|sample| sample.works.len()).max().unwrap_or(0);
    let mut works = vec![Work::default(); units];
    for sample in samples {
        works.iter_mut().zip(&sample.works).for_each(|(sum, work)| *sum = *sum + *work);
    }
    works
}

/// Counts other than zero by their names.
fn named(work: &Work) -> Map<String, Value> {
    let counts = COUNTS.iter().map(|kind| (kind.name, work[kind.count]));
    counts.filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n.into())).collect()
}

impl Metered {
    /// By the published figures of a table.
    fn joules(&self, table: &Table) -> f64 {
        table.price_units(&self.works).sum(|term| term.typical).0
    }

    fn row(&self, tables: &[Table]) -> Value {
        let all = self.works.iter().fold(Work::default(), |sum, work| sum + *work);
        let ran = !self.works.is_empty();
        let joules = tables.iter().filter(|_| ran);
        let joules = joules.map(|table| (table.name.clone(), self.joules(table).into()));
        json!({
            "recording": self.recording,
            "from_us": self.window.map(|(from, _)| from),
            "to_us": self.window.map(|(_, to)| to),
            "class": self.class,
            "steps": self.steps,
            "events": self.events,
            "events_used": self.events_used,
            "counts": named(&all),
            "joules": joules.collect::<Map<String, Value>>(),
            "problem": self.problem,
        })
    }
}

impl Priced {
    /// A bar of what a sample takes: on the mean, by the lowest figures and by the highest.
    fn bar(&self) -> Bar {
        let mean = |column| self.all.sum(column).0 / self.inferences as f64;
        Bar {
            label: self.all.table.name.clone(),
            low: mean(|term| term.low),
            typical: mean(|term| term.typical),
            high: mean(|term| term.high),
        }
    }
}

impl EnergyReport {
    /// A bar a table.
    pub fn bars(&self) -> Spans {
        let Head { data, network, cut, .. } = &self.head;
        let group = |priced: &Priced| Group {
            label: priced.all.table.about.clone(),
            bars: vec![priced.bar()],
        };
        Spans {
            title: through(data, network),
            subtitle: format!("joules a sample, mean of {}, {cut}", self.inferences),
            unit: "J",
            groups: self.energy.iter().map(group).collect(),
        }
    }

    /// A row a sample: what it is, every count, and joules by every table.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let plain = ["recording", "from_us", "to_us", "class", "steps", "events", "events_used"];
        let tables = self.energy.iter().map(|priced| priced.all.table.name.clone());
        let tables: Vec<String> = tables.collect();
        let counts = || COUNTS.iter().map(|kind| kind.name.to_owned());
        let joules = tables.iter().map(|table| format!("{table}_j"));
        let head = plain.iter().map(|name| (*name).to_owned()).chain(counts()).chain(joules);
        let row = |sample: &Value| {
            let of_sample = plain.iter().map(|name| cell(&sample[*name], ""));
            let of_counts = COUNTS.iter().map(|kind| cell(&sample["counts"][kind.name], "0"));
            let of_tables = tables.iter().map(|table| cell(&sample["joules"][table], ""));
            let row = of_sample.chain(of_counts).chain(of_tables);
            row.chain([cell(&sample["problem"], "")]).collect::<Vec<_>>()
        };
        csv(|writer| {
            writer.write_record(head.chain(["problem".to_owned()]))?;
            self.samples.iter().try_for_each(|sample| writer.write_record(row(sample)))
        })
    }
}

fn cell(value: &Value, none: &str) -> String {
    match value {
        Value::Null => none.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
