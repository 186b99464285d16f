//! The agreement suite: small networks with every spike that other simulators gave
//! them. `tools/peer_agreement.py` makes it, and `tools/peer_networks.py` the whole networks
//! that their own exporters wrote.

use super::trains::Others;
use super::{Comparison, Subject};
use crate::bundled::{self, File};
use crate::error::{Error, ErrorKind, Result};
use crate::network::{Network, Wired, file};
use crate::neuron::preset::{Conventions, PRESETS};
use crate::units::Micros;

/// What solves the equations themselves, in the suite's files.
const EXACT: &str = "exact";

/// One network under every preset, against every simulator that has run it.
#[derive(Debug)]
pub struct Case {
    /// Name of the network.
    pub name: String,
    /// Models of its populations.
    pub models: Vec<&'static str>,
    /// Neurons in them.
    pub neurons: usize,
    /// Steps.
    pub steps: u64,
    /// Length of one.
    pub dt: Micros,
    /// The simulators.
    pub simulators: Vec<String>,
    /// A row for each convention.
    pub rows: Vec<Row>,
    /// What can go unnoticed in the run, where there is one convention; of all of them it
    /// would be said too often.
    pub notes: Vec<String>,
}

/// One convention against every simulator.
#[derive(Debug)]
pub struct Row {
    /// The convention.
    pub convention: String,
    /// A comparison for each simulator, or why there is none.
    pub comparisons: Result<Vec<Comparison>>,
}

impl Case {
    /// Runs a network under these conventions.
    ///
    /// # Errors
    /// None for what an engine refuses: that is part of the row.
    pub fn run(
        name: &str,
        subject: &Subject<'_>,
        others: &Others,
        conventions: &[Conventions],
    ) -> Case {
        let units = super::populations(subject.network).map(|unit| &subject.network.units[unit]);
        let units: Vec<&Wired> = units.collect();
        let mut models: Vec<&'static str> = Vec::new();
        for model in units.iter().map(|wired| wired.unit.nir()) {
            if !models.contains(&model) {
                models.push(model);
            }
        }
        let row = |conventions: &Conventions| {
            let theirs = others.simulators.iter().map(|(_, trains)| trains);
            let comparisons = theirs.map(|trains| subject.compare(conventions, trains)).collect();
            Row { convention: conventions.to_string(), comparisons }
        };
        Case {
            name: name.to_owned(),
            models,
            neurons: units.iter().map(|wired| wired.output.len()).sum(),
            steps: subject.steps,
            dt: subject.dt,
            simulators: others.simulators.iter().map(|(name, _)| name.clone()).collect(),
            rows: conventions.iter().map(row).collect(),
            notes: match conventions {
                [one] => subject.notes(one),
                _ => Vec::new(),
            },
        }
    }

    /// The presets that are to reproduce a simulator and do not.
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for (column, simulator) in self.simulators.iter().enumerate() {
            let preset = preset_of(simulator);
            let row = self.rows.iter().find(|row| row.convention == preset);
            let agrees = row.and_then(|row| row.comparisons.as_ref().ok());
            if agrees.is_some_and(|comparisons| comparisons[column].different() > 0) {
                failures.push(format!("{}: {preset} ≠ {simulator}", self.name));
            }
        }
        failures
    }
}

/// The preset that is to make a simulator's spikes.
pub fn preset_of(simulator: &str) -> &str {
    if simulator == EXACT { "nir" } else { simulator }
}

/// Every preset.
///
/// # Errors
/// None.
pub fn presets() -> Result<Vec<Conventions>> {
    PRESETS.iter().map(|preset| preset.name.parse()).collect()
}

/// Runs the suite under these conventions.
///
/// # Errors
/// Files that do not read: a program that was built wrongly.
pub fn run(conventions: &[Conventions]) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (network, spikes) in bundled::AGREEMENT {
        cases.push(
            case(network, spikes, conventions).map_err(|e| e.in_file(network.name.as_ref()))?,
        );
    }
    Ok(cases)
}

fn case(network: &File, spikes: &File, conventions: &[Conventions]) -> Result<Case> {
    let (_, graph) = file::from_bytes(network.bytes.to_vec())?;
    let wired = Network::new(graph)?;
    let others = Others::from_bytes(spikes.bytes, &wired)?;
    let missing = || Error::new(ErrorKind::Corrupt, "nothing", "'input' and 'dt_us'");
    let (input, steps) = others.input.clone().ok_or_else(missing)?;
    let dt = others.dt.ok_or_else(missing)?;
    let subject = Subject { network: &wired, dt, input, steps };
    let name = network.name.trim_start_matches("data/agreement/").trim_end_matches(".nir");
    Ok(Case::run(name, &subject, &others, conventions))
}
