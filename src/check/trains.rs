//! What populations sent, spike by spike, here or in another simulator.
//!
//! A file of another simulator names its layers as the network's file does. In an
//! `.npz` (or a `.pt` of tensors) each is an array:
//!
//! | shape | meaning |
//! |---|---|
//! | `[step, …]`, as many elements a step as neurons | spikes of each neuron in each step |
//! | `[spike, 2]` | step and neuron of each spike |
//! | `[spike, 3]` | step, neuron and count |
//!
//! `input`, of the first shape, is what the network was given; `dt_us` the length
//! of a step in microseconds. In JSON a layer is a list of `[step, neuron]` or
//! `[step, neuron, count]`, `input` likewise, and `dt_us` a number. Neurons are counted
//! as files do: `[C, H, W]` row by row. `SIMULATOR/LAYER` names several simulators.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::populations;
use crate::engine::Observer;
use crate::error::{Error, ErrorKind, Result};
use crate::network::{Network, Unit};
use crate::neuron::convention::Delay;
use crate::neuron::preset::Conventions;
use crate::record::{Array, weights};
use crate::signal::{Shape, Spikes};
use crate::units::Micros;

/// Spikes of one neuron in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    /// The step.
    pub step: u64,
    /// The neuron, as files count.
    pub element: u32,
    /// How many; at least one.
    pub count: u32,
}

impl Sent {
    /// When and by whom.
    pub fn at(&self) -> (u64, u32) {
        (self.step, self.element)
    }
}

/// The spikes of populations by name, by step and neuron; every neuron once a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trains {
    /// By name.
    pub layers: BTreeMap<String, Vec<Sent>>,
}

/// What a file of another simulator holds.
#[derive(Debug, Default)]
pub struct Others {
    /// The spikes by simulator: what stands before a `/` in the name of a layer,
    /// nothing where there is none.
    pub simulators: Vec<(String, Trains)>,
    /// What the network was given, in the engine's addresses, and for how many
    /// steps.
    pub input: Option<(Vec<(u64, Spikes)>, u64)>,
    /// Length of a step.
    pub dt: Option<Micros>,
    /// Steps that the arrays have.
    pub steps: Option<u64>,
}

impl Others {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, layers that the network does not have, arrays of
    /// other shapes, numbers that count no spikes.
    pub fn read(path: &Path, network: &Network) -> Result<Others> {
        let bytes = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
        Others::from_bytes(&bytes, network).map_err(|e| e.in_file(path))
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// As [`Others::read`].
    pub fn from_bytes(bytes: &[u8], network: &Network) -> Result<Others> {
        match weights::sniff(bytes) {
            true => Others::of_arrays(&weights::from_bytes(bytes)?.arrays, network),
            false => Others::of_json(bytes, network),
        }
    }

    fn of_arrays(arrays: &[(String, Array)], network: &Network) -> Result<Others> {
        let mut others = Others::default();
        for (name, array) in arrays {
            let place = |e: Error| e.at(format!("'{name}'"));
            match &name[..] {
                "input" => {
                    let shape = &network.units[network.input].output;
                    let (sent, steps) = Table::of(array, shape.len()).map_err(place)?.dense()?;
                    others.input = Some((by_step(&sent, shape), steps));
                    others.steps = others.steps.max(Some(steps));
                }
                "dt_us" => {
                    let dt = array.numbers().map_err(place)?.first().copied();
                    others.dt = Some(step_length(dt.unwrap_or_default()).map_err(place)?);
                }
                _ => {
                    let (simulator, layer) = name.rsplit_once('/').unwrap_or(("", name));
                    let len = layer_len(network, layer).map_err(place)?;
                    let table = Table::of(array, len).map_err(place)?;
                    if let Table::Dense(_, steps) = table {
                        others.steps = others.steps.max(Some(steps));
                    }
                    others.put(simulator, layer, table.sent());
                }
            }
        }
        others.check(network)
    }

    fn of_json(bytes: &[u8], network: &Network) -> Result<Others> {
        /// `[step, neuron]` or `[step, neuron, count]`.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Entry {
            One([u32; 2]),
            Many([u32; 3]),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Field {
            Number(f64),
            Entries(Vec<Entry>),
        }
        let expected = "{\"layer\": [[step, neuron], …], …}, or an .npz";
        let fields: BTreeMap<String, Field> = serde_json::from_slice(bytes)
            .map_err(|e| Error::new(ErrorKind::Corrupt, e.to_string(), expected))?;
        let mut others = Others::default();
        for (name, field) in fields {
            let place = |e: Error| e.at(format!("'{name}'"));
            let entries = match field {
                Field::Number(dt) if name == "dt_us" => {
                    others.dt = Some(step_length(dt).map_err(place)?);
                    continue;
                }
                Field::Number(number) => {
                    let found = format!("{number}");
                    return Err(place(Error::new(ErrorKind::Corrupt, found, expected)));
                }
                Field::Entries(entries) => entries,
            };
            let rows = entries.into_iter().map(|entry| match entry {
                Entry::One([step, element]) => [step, element, 1].map(f64::from),
                Entry::Many(entry) => entry.map(f64::from),
            });
            if name == "input" {
                let shape = &network.units[network.input].output;
                let sent = listed(rows, shape.len()).map_err(place)?;
                let steps = sent.last().map_or(0, |sent| sent.step + 1);
                others.input = Some((by_step(&sent, shape), steps));
                continue;
            }
            let (simulator, layer) = name.rsplit_once('/').unwrap_or(("", &name));
            let len = layer_len(network, layer).map_err(place)?;
            others.put(simulator, layer, listed(rows, len).map_err(place)?);
        }
        others.check(network)
    }

    fn put(&mut self, simulator: &str, layer: &str, sent: Vec<Sent>) {
        let index = match self.simulators.iter().position(|(name, _)| name == simulator) {
            Some(index) => index,
            None => {
                self.simulators.push((simulator.to_owned(), Trains::default()));
                self.simulators.len() - 1
            }
        };
        self.simulators[index].1.layers.insert(layer.to_owned(), sent);
    }

    fn check(self, network: &Network) -> Result<Others> {
        match self.simulators.is_empty() {
            false => Ok(self),
            true => {
                let found = "no layer".to_owned();
                Err(Error::new(ErrorKind::Corrupt, found, names(network)))
            }
        }
    }
}

fn names(network: &Network) -> String {
    let names: Vec<_> = populations(network).map(|unit| &network.units[unit].name[..]).collect();
    format!("populations of the network: {}", names.join(", "))
}

/// The number of neurons of a layer.
fn layer_len(network: &Network, layer: &str) -> Result<usize> {
    let unit = populations(network).find(|&unit| network.units[unit].name == layer);
    let unit = unit.ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, format!("a layer '{layer}'"), names(network))
    })?;
    Ok(network.units[unit].output.len())
}

fn step_length(dt: f64) -> Result<Micros> {
    match dt >= 1.0 && dt.fract() == 0.0 && dt < 1e12 {
        true => Ok(Micros(dt as i64)),
        false => {
            let expected = "a whole number of microseconds";
            Err(Error::new(ErrorKind::Corrupt, format!("{dt}"), expected))
        }
    }
}

/// An array of spikes.
enum Table {
    /// Counts of every neuron in every step, and the number of steps.
    Dense(Vec<Sent>, u64),
    /// One row a spike.
    List(Vec<Sent>),
}

impl Table {
    fn of(array: &Array, len: usize) -> Result<Table> {
        let numbers = array.numbers()?;
        match array.shape() {
            [steps, rest @ ..] if !rest.is_empty() && rest.iter().product::<usize>() == len => {
                Ok(Table::Dense(dense(&numbers, len)?, *steps as u64))
            }
            [_, columns @ 2..=3] => {
                let row = |row: &[f64]| [row[0], row[1], row.get(2).copied().unwrap_or(1.0)];
                Ok(Table::List(listed(numbers.chunks(*columns).map(row), len)?))
            }
            shape => {
                let expected = format!("[step, …] with {len} neurons a step, or [spike, 2 or 3]");
                Err(Error::new(ErrorKind::Shape, format!("shape {shape:?}"), expected))
            }
        }
    }

    fn dense(self) -> Result<(Vec<Sent>, u64)> {
        match self {
            Table::Dense(sent, steps) => Ok((sent, steps)),
            Table::List(_) => {
                let expected = "[step, …], the network's input in each step";
                Err(Error::new(ErrorKind::Shape, "a list of spikes", expected).at("'input'"))
            }
        }
    }

    fn sent(self) -> Vec<Sent> {
        match self {
            Table::Dense(sent, _) | Table::List(sent) => sent,
        }
    }
}

/// How many spikes a number stands for.
fn count(number: f64) -> Result<u32> {
    match number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        true => Ok(number as u32),
        false => Err(Error::new(ErrorKind::Corrupt, format!("{number}"), "a count of spikes")),
    }
}

fn dense(numbers: &[f64], len: usize) -> Result<Vec<Sent>> {
    let mut sent = Vec::new();
    for (step, numbers) in (0..).zip(numbers.chunks(len)) {
        for (element, &number) in (0..).zip(numbers) {
            match count(number)? {
                0 => (),
                count => sent.push(Sent { step, element, count }),
            }
        }
    }
    Ok(sent)
}

/// Rows of step, neuron and count, in any order; those of one neuron in one step
/// are added up.
fn listed(rows: impl Iterator<Item = [f64; 3]>, len: usize) -> Result<Vec<Sent>> {
    let mut sent: BTreeMap<(u64, u32), u32> = BTreeMap::new();
    for [step, element, number] in rows {
        let element = count(element)?;
        if element as usize >= len {
            let expected = format!("neurons below {len}");
            return Err(Error::new(ErrorKind::Corrupt, format!("neuron {element}"), expected));
        }
        let sum = sent.entry((u64::from(count(step)?), element)).or_default();
        *sum = sum.saturating_add(count(number)?);
    }
    let sent = sent.into_iter().filter(|(_, count)| *count > 0);
    Ok(sent.map(|((step, element), count)| Sent { step, element, count }).collect())
}

/// Spikes of an input of this shape as the engine takes them, step by step.
fn by_step(sent: &[Sent], shape: &Shape) -> Vec<(u64, Spikes)> {
    let address = |sent: &Sent| shape.address(sent.element as usize) as u32;
    let steps = sent.chunk_by(|a, b| a.step == b.step);
    let spikes = steps.map(|sent| {
        let mut entries: Vec<_> = sent.iter().map(|sent| (address(sent), sent.count)).collect();
        entries.sort_unstable();
        let mut spikes = Spikes::default();
        entries.into_iter().for_each(|(at, count)| spikes.push(at, count as f32, count));
        (sent[0].step, spikes)
    });
    spikes.collect()
}

/// Steps between firing and being heard.
///
/// # Errors
/// A convention that contradicts itself.
pub fn lateness(unit: &Unit, conventions: &Conventions) -> Result<u64> {
    let Unit::Neuron(neuron) = unit else { return Ok(0) };
    let convention = conventions.for_model(neuron.model().nir)?;
    Ok(u64::from(convention.delay == Delay::NextStep))
}

/// Records the trains of every spiking population, and the input. A spike stands at
/// the step in which the others hear it: there simulators that hold spikes back for a
/// step record them too.
pub struct Recorder<'n> {
    network: &'n Network,
    late: Vec<u64>,
    layers: Vec<Vec<Sent>>,
    input: Vec<(u64, Spikes)>,
}

impl<'n> Recorder<'n> {
    /// Nothing yet.
    ///
    /// # Errors
    /// A convention that contradicts itself.
    pub fn new(network: &'n Network, conventions: &Conventions) -> Result<Recorder<'n>> {
        let late = network.units.iter().map(|wired| lateness(&wired.unit, conventions));
        Ok(Recorder {
            network,
            late: late.collect::<Result<_>>()?,
            layers: vec![Vec::new(); network.units.len()],
            input: Vec::new(),
        })
    }

    /// What the populations sent, as far as it was heard before step `end`.
    pub fn trains(mut self, end: u64) -> Trains {
        let mut layers = BTreeMap::new();
        for unit in populations(self.network) {
            let mut sent = std::mem::take(&mut self.layers[unit]);
            sent.retain(|sent| sent.step < end);
            sent.sort_unstable();
            layers.insert(self.network.units[unit].name.clone(), sent);
        }
        Trains { layers }
    }

    /// What came in, step by step.
    pub fn input(&mut self) -> Vec<(u64, Spikes)> {
        std::mem::take(&mut self.input)
    }
}

impl Observer for Recorder<'_> {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        let wired = &self.network.units[unit];
        match &wired.unit {
            Unit::Input => self.input.push((step, sent.clone())),
            Unit::Neuron(neuron) if neuron.model().spikes => {
                let step = step + self.late[unit];
                let element = |address: u32| wired.output.element(address as usize) as u32;
                let sent = sent.iter().map(|(address, _, count)| Sent {
                    step,
                    element: element(address),
                    count,
                });
                self.layers[unit].extend(sent);
            }
            _ => (),
        }
    }
}
