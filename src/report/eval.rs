//! What `eval` says: every sample by itself, and what they come to.
//!
//! Nothing in it depends on when, where or in how many parts it was made: rows of parts
//! of a data set, put together, give the report of the whole to the byte.

mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::csv;
use crate::draw::Confusion;
use crate::error::Result;
use crate::measure::{Accuracy, Distribution, Energy, Table, UnitCounts};

/// What all rows have in common; only rows with the same belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The program's version.
    pub synops: String,
    /// Name of the network's file.
    pub network: String,
    /// How the data set was cut.
    pub cut: String,
    /// How it was split, where it does not come split.
    pub split: Option<String>,
    /// What is to be said of figures on that split.
    pub caution: Option<String>,
    /// The part that was run.
    pub part: String,
    /// How many samples that part has.
    pub samples: usize,
    /// SHA-256 of the names, windows and classes of its samples.
    pub samples_sha256: String,
    /// SHA-256 of the names and sizes of the data set's recordings: not of what is in them.
    pub names_and_sizes_sha256: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// SHA-256 of the network.
    pub network_sha256: String,
    /// SHA-256 of what made it of a state dict.
    pub mapping_sha256: Option<String>,
    /// `clocked` or `event`.
    pub engine: String,
    /// The convention.
    pub convention: String,
    /// Length of a step.
    pub dt_us: i64,
    /// Length of the time within which events were simultaneous, where no clock ran.
    pub quantum_us: Option<i64>,
    /// Steps that every sample had, where that was asked for.
    pub steps: Option<u64>,
    /// Of what steps had equally much, instead of their length.
    pub slice: Option<String>,
    /// Whether an answer took nothing that came after its step; equal slices take the whole
    /// recording.
    pub causal: bool,
    /// What several events of a pixel in a step were.
    pub input: String,
    /// What was done about disorder.
    pub order: String,
    /// What is wrong with the data set.
    pub defects: Vec<String>,
}

/// What came of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the part.
    pub sample: usize,
    /// Its recording, in the folder of the data.
    pub recording: String,
    /// Start of its window on the recording's clock, where it is a part of that.
    pub from_us: Option<i64>,
    /// End of its window.
    pub to_us: Option<i64>,
    /// Its class.
    pub class: String,
    /// Who made it.
    pub user: Option<String>,
    /// The class that was answered; none where no output stood out.
    pub answer: Option<String>,
    /// Steps that were run.
    pub steps: u64,
    /// Events in its window.
    pub events: u64,
    /// Those that the network saw.
    pub events_used: u64,
    /// Spikes of all populations.
    pub spikes: u64,
    /// Synaptic operations of all connections.
    pub synaptic_ops: u64,
    /// Multiply-adds of all connections.
    pub multiply_adds: u64,
    /// Time from the first step to the end of the one after which the answer never
    /// changed; none without an answer, or where steps have no length.
    pub settled_us: Option<u64>,
    /// What is wrong with the sample; one that could not be run has no steps.
    pub problem: Option<String>,
}

impl Row {
    /// Whether it was run.
    pub fn ran(&self) -> bool {
        self.steps > 0
    }

    fn right(&self) -> bool {
        self.answer.as_ref() == Some(&self.class)
    }

    fn energy(&self, table: &Table) -> Energy {
        let Row { spikes, synaptic_ops, multiply_adds, .. } = *self;
        table.price(&UnitCounts { spikes, synaptic_ops, multiply_adds, updates: 0 })
    }
}

/// A network on a data set.
#[derive(Debug, Serialize)]
pub struct EvalReport {
    /// What was run and how.
    pub head: Head,
    /// Right answers.
    pub accuracy: Share,
    /// Samples without an answer, among those that were run.
    pub unanswered: usize,
    /// Samples that could not be run.
    pub refused: usize,
    /// Samples with something wrong, those that could not be run among them.
    pub problems: usize,
    /// True class by row, in the order of the classes; answer by column, none last.
    pub confusion: Vec<Vec<u64>>,
    /// Class by class.
    pub classes: Vec<Group>,
    /// User by user, where they are known.
    pub users: Vec<Group>,
    /// Over all samples that were run.
    pub all: Figures,
    /// Sample by sample.
    pub samples: Vec<Row>,
}

/// Right answers of some samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Right answers.
    pub right: u64,
    /// Samples that were run.
    pub of: u64,
    /// Their share.
    pub share: Option<f64>,
    /// Its interval of 95 % by Wilson's score.
    pub interval: Option<(f64, f64)>,
}

/// Samples that have something in common.
#[derive(Debug, Serialize)]
pub struct Group {
    /// What that is.
    pub name: String,
    /// Right answers.
    pub accuracy: Share,
    /// What they took.
    pub figures: Figures,
}

/// How samples are distributed; none of no samples.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Events.
    pub events: Option<Distribution>,
    /// Share of the events that the network saw.
    pub events_used: Option<Distribution>,
    /// Spikes.
    pub spikes: Option<Distribution>,
    /// Synaptic operations.
    pub synaptic_ops: Option<Distribution>,
    /// Microseconds until the answer no longer changed.
    pub settled_us: Option<Distribution>,
    /// Joules by each table's published figures.
    pub energy_j: BTreeMap<String, Distribution>,
}

impl EvalReport {
    /// What rows, in the order of their samples, come to.
    pub fn new(head: Head, samples: Vec<Row>, tables: &[Table]) -> EvalReport {
        let ran: Vec<&Row> = samples.iter().filter(|row| row.ran()).collect();
        let of = |name: &String, rows: Vec<&Row>| Group {
            name: name.clone(),
            accuracy: Share::of(&rows),
            figures: Figures::of(&rows, tables),
        };
        let with = |class: &String| ran.iter().copied().filter(|row| row.class == *class).collect();
        let mut by_user: BTreeMap<&String, Vec<&Row>> = BTreeMap::new();
        for row in &ran {
            row.user.iter().for_each(|user| by_user.entry(user).or_default().push(row));
        }
        EvalReport {
            accuracy: Share::of(&ran),
            unanswered: ran.iter().filter(|row| row.answer.is_none()).count(),
            refused: samples.len() - ran.len(),
            problems: samples.iter().filter(|row| row.problem.is_some()).count(),
            confusion: confusion(&head.classes, &ran),
            classes: head.classes.iter().map(|class| of(class, with(class))).collect(),
            users: by_user.into_iter().map(|(user, rows)| of(user, rows)).collect(),
            all: Figures::of(&ran, tables),
            head,
            samples,
        }
    }

    /// What rows and columns of the confusion matrix are called: short names by themselves,
    /// others with numbers for the columns.
    fn labels(&self) -> (Vec<String>, Vec<String>) {
        let names = &self.head.classes;
        let numbers = || (1..=names.len()).map(|number| number.to_string());
        let (rows, mut columns): (Vec<String>, Vec<String>) =
            match names.iter().all(|name| name.chars().count() <= 3) {
                true => (names.clone(), names.clone()),
                false => {
                    let numbered = numbers().zip(names).map(|(n, name)| format!("{n:>2} {name}"));
                    (numbered.collect(), numbers().collect())
                }
            };
        columns.push("none".into());
        (rows, columns)
    }

    /// The confusion matrix as a picture.
    pub fn picture(&self) -> Confusion {
        let (rows, columns) = self.labels();
        let Share { right, of, share, .. } = self.accuracy;
        Confusion {
            title: format!("{:.1} % right, {right} of {of}", 100.0 * share.unwrap_or(0.0)),
            subtitle: "true class by row, answer by column, share of the row".into(),
            rows,
            columns,
            counts: self.confusion.clone(),
        }
    }

    /// The rows as CSV.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn csv(&self) -> Result<Vec<u8>> {
        csv(|writer| self.samples.iter().try_for_each(|row| writer.serialize(row)))
    }
}

/// Answers by true class, those without one last.
fn confusion(classes: &[String], rows: &[&Row]) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; classes.len() + 1]; classes.len()];
    let place = |name: &String| classes.iter().position(|class| class == name);
    for row in rows {
        let Some(class) = place(&row.class) else { continue };
        let answer = row.answer.as_ref().and_then(place).unwrap_or(classes.len());
        counts[class][answer] += 1;
    }
    counts
}

impl Share {
    fn of(rows: &[&Row]) -> Share {
        let mut accuracy = Accuracy::default();
        rows.iter().for_each(|row| accuracy.add(row.right()));
        let Accuracy { right, of } = accuracy;
        Share { right, of, share: accuracy.share(), interval: accuracy.interval() }
    }
}

impl Figures {
    fn of(rows: &[&Row], tables: &[Table]) -> Figures {
        let over = |number: fn(&Row) -> Option<f64>| {
            Distribution::of(rows.iter().filter_map(|row| number(row)))
        };
        let energy = |table: &Table| {
            let joules = rows.iter().map(|row| row.energy(table).sum(|term| term.typical).0);
            Some((table.name.clone(), Distribution::of(joules)?))
        };
        Figures {
            events: over(|row| Some(row.events as f64)),
            events_used: over(|row| {
                (row.events > 0).then(|| row.events_used as f64 / row.events as f64)
            }),
            spikes: over(|row| Some(row.spikes as f64)),
            synaptic_ops: over(|row| Some(row.synaptic_ops as f64)),
            settled_us: over(|row| row.settled_us.map(|time| time as f64)),
            energy_j: tables.iter().filter_map(energy).collect(),
        }
    }
}
