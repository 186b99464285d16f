//! What `check` says of conventions and simulators: who agrees with whom.

use std::fmt::Write;

use serde::Serialize;

use super::table::columns;
use crate::check::suite::{self, Case, Row};
use crate::check::{Comparison, Difference, LayerComparison};
use crate::draw::words::{counted, grouped};
use crate::error::shown;
use crate::units::Micros;

/// Networks under every convention, against every simulator.
#[derive(Debug, Serialize)]
pub struct AgreementReport {
    /// Network by network.
    pub networks: Vec<Agreement>,
}

/// One network.
#[derive(Debug, Serialize)]
pub struct Agreement {
    /// Its name, or its path.
    pub network: String,
    /// Models of its populations.
    pub models: Vec<&'static str>,
    /// Neurons in them.
    pub neurons: usize,
    /// Steps that were run.
    pub steps: u64,
    /// Length of one.
    pub dt_us: i64,
    /// Every pair of a convention and a simulator.
    pub pairs: Vec<Pair>,
    /// Conventions that this network has no meaning under, and why.
    pub refused: Vec<(String, String)>,
    /// What can go unnoticed in the run, where one convention alone was tried.
    pub notes: Vec<String>,
}

/// A convention and a simulator.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// The convention.
    pub convention: String,
    /// The simulator; empty where the file does not say.
    pub simulator: String,
    /// Spikes here.
    pub ours: u64,
    /// Spikes there.
    pub theirs: u64,
    /// Spikes that only one of the two has.
    pub different: u64,
    /// Whether every spike is the same.
    pub equal: bool,
    /// Layer by layer.
    pub layers: Vec<LayerComparison>,
    /// Where the two part.
    pub first_difference: Option<First>,
}

/// Where two simulators part.
#[derive(Debug, Serialize)]
pub struct First {
    /// The layer.
    pub layer: String,
    /// The neuron's place along each axis.
    pub neuron: Vec<usize>,
    /// The step.
    pub step: u64,
    /// When it begins.
    pub time_us: i64,
    /// Spikes here.
    pub ours: u32,
    /// Spikes there.
    pub theirs: u32,
    /// The membrane potential that was compared here.
    pub potential: Option<f32>,
    /// The threshold.
    pub threshold: Option<f32>,
    /// How many thresholds that was: several where a step may have several spikes.
    pub thresholds: Option<u32>,
    /// How far the potential is above so many.
    pub above_threshold: Option<f64>,
    /// Whether another order of summation could decide otherwise.
    pub is_tie: Option<bool>,
}

impl Agreement {
    /// What came of a network.
    pub fn new(case: &Case) -> Agreement {
        let mut agreement = Agreement {
            network: case.name.clone(),
            models: case.models.clone(),
            neurons: case.neurons,
            steps: case.steps,
            dt_us: case.dt.0,
            pairs: Vec::new(),
            refused: Vec::new(),
            notes: case.notes.clone(),
        };
        for Row { convention, comparisons } in &case.rows {
            match comparisons {
                Ok(comparisons) => agreement.pairs.extend(
                    case.simulators
                        .iter()
                        .zip(comparisons)
                        .map(|(simulator, c)| Pair::new(convention, simulator, c, case.dt)),
                ),
                Err(error) => agreement.refused.push((convention.clone(), error.to_string())),
            }
        }
        agreement
    }

    /// A table with a row for each convention and a column for each simulator.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{}: {}, {}, {} of {}\n",
            shown(&self.network),
            self.models.join(" and "),
            counted(self.neurons as u64, "neuron"),
            counted(self.steps, "step"),
            Micros(self.dt_us)
        );
        let mut simulators: Vec<&Pair> = Vec::new();
        for pair in &self.pairs {
            if !simulators.iter().any(|other| other.simulator == pair.simulator) {
                simulators.push(pair);
            }
        }
        let name = |pair: &&Pair| match &pair.simulator[..] {
            "" => "differing spikes".to_owned(),
            name => name.to_owned(),
        };
        let mut rows = vec![vec![String::new()], vec!["their spikes".to_owned()]];
        rows[0].extend(simulators.iter().map(name));
        rows[1].extend(simulators.iter().map(|pair| grouped(pair.theirs)));
        for pairs in self.pairs.chunk_by(|a, b| a.convention == b.convention) {
            let mut row = vec![pairs[0].convention.clone()];
            row.extend(pairs.iter().map(|pair| match pair.equal {
                true => "=".to_owned(),
                false => format!("{} differ", grouped(pair.different)),
            }));
            rows.push(row);
        }
        text.push_str(&columns(&rows, 1, "  "));
        for (convention, why) in &self.refused {
            let _ = writeln!(text, "  {convention}: {why}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "  note: {}", shown(note));
        }
        text
    }

    /// Where each pair parts, that `which` picks.
    pub fn differences(&self, which: impl Fn(&Pair) -> bool) -> String {
        let mut text = String::new();
        for pair in self.pairs.iter().filter(|pair| which(pair)) {
            let Some(first) = &pair.first_difference else { continue };
            let simulator = if pair.simulator.is_empty() { "the file" } else { &pair.simulator };
            let _ = writeln!(text, "  {} ≠ {simulator}: {}", pair.convention, first.sentence());
        }
        text
    }
}

impl Pair {
    fn new(convention: &str, simulator: &str, comparison: &Comparison, dt: Micros) -> Pair {
        Pair {
            convention: convention.to_owned(),
            simulator: simulator.to_owned(),
            ours: comparison.layers.iter().map(|layer| layer.ours).sum(),
            theirs: comparison.theirs(),
            different: comparison.different(),
            equal: comparison.first.is_none(),
            layers: comparison.layers.clone(),
            first_difference: comparison.first.as_ref().map(|first| First::new(first, dt)),
        }
    }

    /// Whether this is the convention that is to make the simulator's spikes.
    pub fn is_own(&self) -> bool {
        self.convention == suite::preset_of(&self.simulator)
    }
}

impl First {
    fn new(first: &Difference, dt: Micros) -> First {
        First {
            layer: first.layer.clone(),
            neuron: first.neuron.clone(),
            step: first.step,
            time_us: (first.step as i64).saturating_mul(dt.0),
            ours: first.ours,
            theirs: first.theirs,
            potential: first.compared.map(|compared| compared.potential),
            threshold: first.compared.map(|compared| compared.threshold),
            thresholds: first.compared.map(|compared| compared.times),
            above_threshold: first.compared.map(|compared| compared.distance()),
            is_tie: first.compared.map(|compared| compared.is_tie()),
        }
    }

    fn sentence(&self) -> String {
        let spikes = |n: u32| counted(n.into(), "spike");
        let mut text = format!(
            "first in step {} ({}), '{}' neuron {:?}: {} here, {} there",
            grouped(self.step),
            Micros(self.time_us),
            self.layer,
            self.neuron,
            spikes(self.ours),
            spikes(self.theirs)
        );
        if let (Some(potential), Some(threshold), Some(above)) =
            (self.potential, self.threshold, self.above_threshold)
        {
            let side = if above < 0.0 { "below" } else { "above" };
            let compared = match self.thresholds {
                Some(times) if times > 1 => format!("{times} times the threshold"),
                _ => "the threshold".to_owned(),
            };
            let distance = match above {
                0.0 => format!("on {compared}"),
                _ => format!("{:.3e} {side} {compared}", above.abs()),
            };
            let _ = write!(text, "; potential {potential}, {distance} {threshold}");
        }
        if self.is_tie == Some(true) {
            text += ": a tie, which ≥ or > decides, or the order of summation";
        }
        text
    }
}

impl AgreementReport {
    /// The report for people; with `differences`, where every pair parts.
    pub fn text(&self, differences: bool) -> String {
        let networks = self.networks.iter().map(|network| {
            let which = |pair: &Pair| differences || pair.is_own() || pair.simulator.is_empty();
            network.table() + &network.differences(which)
        });
        networks.collect::<Vec<_>>().join("\n")
    }
}
