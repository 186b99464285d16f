//! Networks out of state dicts: which keys make which layers, in which order.
//!
//! A state dict holds the numbers of a network and not the network. What is
//! missing stands in a small TOML file, or in one of [`MAPPINGS`]:
//!
//! ```toml
//! input = [2, 34, 34]            # channels, height, width
//! convention = "spikingjelly"    # whose rules, unless --convention says so
//! prefix = "net."                # before every key; none by default
//! classes = ["left", "right"]    # names of the outputs; none by default
//! layers = [
//!   { type = "Conv2d", key = "features.0", padding = 1 },
//!   { type = "BatchNorm", key = "features.1" },
//!   { type = "LIF", tau = 2.0 },
//!   { type = "MaxPool2d", kernel_size = 2 },
//!   { type = "Flatten" },
//!   { type = "Linear", key = "classifier" },
//!   { type = "IF" },
//! ]
//! ```
//!
//! | type | keys of the weights | fields and their defaults |
//! |---|---|---|
//! | `Conv2d` | `weight`, `bias` if it is there | `stride` 1, `padding` 0, `dilation` 1, `groups` 1 |
//! | `Linear` | the same | |
//! | `BatchNorm` | `weight`, `bias`, `running_mean`, `running_var` | `eps` 1e-5 |
//! | `LIF` | | `tau`, `decay_input` true, `v_threshold` 1, `v_reset` 0 |
//! | `ParametricLIF` | `w` | as `LIF`; tau = 1/σ(w) |
//! | `IF` | | `v_threshold` 1, `v_reset` 0 |
//! | `MaxPool2d`, `AvgPool2d`, `SumPool2d` | | `kernel_size`, `stride` the same, `padding` 0 |
//! | `Flatten` | | |
//! | `Voting` | | `size` |
//!
//! `key` is what stands before the last dot of a weight's name. Every layer may
//! have a `name`; without one it is called by its key, or by its type and its
//! place. A batch norm right behind a convolution or a dense layer is folded into
//! it. Dropout does nothing in evaluation and is left out.
//!
//! Frameworks count `tau` in steps: so does this file, and the run's step makes
//! seconds of it. With v = v_reset at rest, `LIF` is
//!
//! ```text
//! v += (x − (v − v_reset))/tau        decay_input
//! v += x − (v − v_reset)/tau          otherwise
//! ```
//!
//! that is NIR's, with v_leak = v_reset and r = 1, or tau.
//!
//! **Source.** SpikingJelly 2.0, `activation_based/neuron`; torch 2.15, `nn`.

mod entry;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::graph::{Graph, Node, NodeKind, refuse_endless};
use super::wiring::CLASS_NAMES;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::layer::norm::BatchNorm;
use crate::layer::{BEYOND_NIR, LAYERS};
use crate::neuron::MODELS;
use crate::neuron::preset::Conventions;
use crate::record::weights::Weights;
use crate::record::{Array, Record};
use crate::units::Seconds;
use entry::{Entry, Make, Tau, corrupt, scalar};

/// Mappings by name: for networks that others publish.
pub const MAPPINGS: &[(&str, &str)] =
    &[("spikingjelly-dvsgesturenet", include_str!("spikingjelly-dvsgesturenet.toml"))];

/// Their names.
pub fn names() -> Vec<&'static str> {
    MAPPINGS.iter().map(|(name, _)| *name).collect()
}

/// How a network is made of a state dict.
#[derive(Debug)]
pub struct Mapping {
    input: Vec<usize>,
    convention: Option<Conventions>,
    prefix: String,
    classes: Option<Vec<String>>,
    layers: Vec<Entry>,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    input: Vec<usize>,
    convention: Option<String>,
    #[serde(default)]
    prefix: String,
    classes: Option<Vec<String>>,
    layers: Vec<toml::Table>,
}

/// Reads a mapping by its name in [`MAPPINGS`], else by its path.
///
/// # Errors
/// A file that cannot be read; whatever [`Mapping::parse`] refuses.
pub fn read(name_or_path: &Path) -> Result<(Mapping, Vec<u8>)> {
    let named = MAPPINGS.iter().find(|(name, _)| Path::new(name) == name_or_path);
    let bytes = match named {
        Some((_, text)) => text.as_bytes().to_vec(),
        None => fs::read(name_or_path).map_err(|e| unreadable(e).in_file(name_or_path))?,
    };
    let mapping = disk::utf8(&bytes).and_then(Mapping::parse);
    Ok((mapping.map_err(|e| e.in_file(name_or_path))?, bytes))
}

fn unreadable(error: io::Error) -> Error {
    if error.kind() != io::ErrorKind::NotFound {
        return error.into();
    }
    let names = names();
    let expected = format!("a mapping's file, or {}", names.join(", "));
    Error::new(ErrorKind::Usage, "no such file and no mapping of that name", expected)
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// A text that is none, a layer of an unknown type or with a field that it
    /// does not have, two layers of one name.
    pub fn parse(text: &str) -> Result<Mapping> {
        let text: Text = toml::from_str(text).map_err(|e| {
            let byte = e.span().map_or(0, |span| span.start as u64);
            corrupt(e.message(), "a mapping: input, layers, convention").at_byte(byte)
        })?;
        let convention = text.convention.map(|name| name.parse()).transpose()?;
        let mut names = BTreeSet::from([INPUT.to_owned(), OUTPUT.to_owned()]);
        let mut layers = Vec::with_capacity(text.layers.len());
        for (place, table) in text.layers.into_iter().enumerate() {
            let entry = Entry::read(place, table).map_err(|e| e.at(format!("layer {place}")))?;
            if !names.insert(entry.name.clone()) {
                let found = format!("a second layer '{}'", entry.name);
                return Err(corrupt(found, "a name of its own").at(format!("layer {place}")));
            }
            layers.push(entry);
        }
        let Text { input, prefix, classes, .. } = text;
        Ok(Mapping { input, convention, prefix, classes, layers })
    }

    /// The network that the weights make, for steps of this length.
    ///
    /// # Errors
    /// A key that is not there, weights that do not fit their layer.
    pub fn graph(&self, weights: &Weights, dt: Seconds) -> Result<Graph> {
        let mut maker = Maker { weights, prefix: &self.prefix, dt, used: BTreeSet::new() };
        let mut made: Vec<(&Entry, Record)> = Vec::with_capacity(self.layers.len());
        for entry in &self.layers {
            let weighted =
                |(before, _): &&mut (&Entry, Record)| matches!(before.make, Make::Weighted(..));
            let last = made.last_mut().filter(weighted);
            let record = maker.record(entry, last.map(|(_, record)| record));
            if let Some(record) = record.map_err(|e| e.at(entry.place()))? {
                made.push((entry, record));
            }
        }
        let mut nodes = vec![Node::new(INPUT, NodeKind::Input(Array::of_sizes(&self.input)))];
        for (entry, record) in made {
            let kind = kind(&entry.kind, record).map_err(|e| e.at(entry.place()))?;
            nodes.push(Node::new(&entry.name, kind));
        }
        nodes.push(Node::new(OUTPUT, NodeKind::Output(Array::integers(&[]))));
        let ends = nodes.windows(2).map(|pair| (pair[0].name.clone(), pair[1].name.clone()));
        let mut graph = Graph { edges: ends.collect(), nodes, ..Graph::default() };
        graph.convention = self.convention.clone();
        graph.notes.extend(maker.unused());
        if let Some(classes) = &self.classes {
            graph.set_metadata(CLASS_NAMES, &classes.join("\n"));
        }
        Ok(graph)
    }
}

const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// What a layer of this type is, with these fields.
fn kind(name: &str, mut record: Record) -> Result<NodeKind> {
    let nir = match name {
        "ParametricLIF" => "LIF",
        "Linear" if record.arrays.contains_key("bias") => "Affine",
        other => other,
    };
    if let Some(model) = MODELS.iter().find(|model| model.nir == nir) {
        return Ok(NodeKind::Neuron(model.read(&mut record)?));
    }
    let layer = LAYERS.iter().chain(BEYOND_NIR).find(|layer| layer.nir == nir);
    let layer = layer.ok_or_else(|| corrupt(format!("type '{name}'"), "a layer"))?;
    refuse_endless(&record)?;
    Ok(NodeKind::Layer((layer.read)(&mut record)?))
}

/// What goes from the weights to the layers.
struct Maker<'w> {
    weights: &'w Weights,
    prefix: &'w str,
    dt: Seconds,
    used: BTreeSet<String>,
}

impl Maker<'_> {
    fn find(&mut self, key: &str, field: &str) -> Option<Array> {
        let name = format!("{}{key}.{field}", self.prefix);
        let array = self.weights.get(&name)?.clone();
        self.used.insert(name);
        Some(array)
    }

    fn take(&mut self, key: &str, field: &str) -> Result<Array> {
        self.find(key, field).ok_or_else(|| {
            let found = format!("no '{}{key}.{field}'", self.prefix);
            corrupt(found, format!("one of {}", self.weights.list()))
        })
    }

    /// The fields of a layer; none if it went into the one `before` it.
    fn record(&mut self, entry: &Entry, before: Option<&mut Record>) -> Result<Option<Record>> {
        let mut record = match &entry.make {
            Make::Plain(record) | Make::Weighted(_, record) | Make::Leaky(_, _, record) => {
                record.clone()
            }
            Make::Norm(..) => Record::default(),
        };
        match &entry.make {
            Make::Plain(_) => (),
            Make::Weighted(key, _) => {
                record.put("weight", self.take(key, "weight")?);
                record.put_if_any("bias", &self.find(key, "bias"));
            }
            Make::Norm(key, eps) => {
                record.put("running_mean", self.take(key, "running_mean")?);
                record.put("running_var", self.take(key, "running_var")?);
                record.put_if_any("weight", &self.find(key, "weight"));
                record.put_if_any("bias", &self.find(key, "bias"));
                record.put("eps", scalar(*eps));
                self.find(key, "num_batches_tracked");
                if let Some(before) = before {
                    let bias = before.take_if_any("bias");
                    let (weight, bias) = BatchNorm::read(&mut record)?
                        .fold(&before.take("weight")?, bias.as_ref())?;
                    before.put("weight", weight);
                    before.put("bias", bias);
                    return Ok(None);
                }
            }
            Make::Leaky(tau, decay_input, _) => {
                let tau = match tau {
                    Tau::Steps(tau) => *tau,
                    Tau::Key(key) => match self.take(key, "w")?.numbers()?[..] {
                        [w] => 1.0 + (-w).exp(),
                        ref other => {
                            return Err(corrupt(format!("{} numbers", other.len()), "one"));
                        }
                    },
                };
                record.put("tau", scalar(tau * self.dt.0));
                record.put("r", scalar(if *decay_input { 1.0 } else { tau }));
            }
        }
        Ok(Some(record))
    }

    /// Says which arrays made no layer.
    fn unused(&self) -> Option<String> {
        let names = self.weights.arrays.iter().map(|(name, _)| name);
        let unused: Vec<&str> =
            names.filter(|name| !self.used.contains(*name)).map(String::as_str).collect();
        let more = if unused.len() > 8 { ", …" } else { "" };
        let few = unused.iter().take(8).copied().collect::<Vec<_>>().join(", ");
        (!unused.is_empty())
            .then(|| format!("of the weights, {} made no layer: {few}{more}", unused.len()))
    }
}
