//! Checkpoints: everything that the next epoch depends on, in one safetensors file.
//!
//! Tensors are `parameters/NAME`, `running/NAME` and `moments/NAME/0` and `/1`.
//! `__metadata__` has one entry, `synops`: a JSON of the configuration's text, what came
//! of the epochs so far, and the optimiser's steps.
//!
//! **Source.** safetensors 0.8, <https://huggingface.co/docs/safetensors>.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use super::run::Epoch;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::network::Network;
use crate::learn::optimizer::Optimizer;

/// The entry of `__metadata__`.
const ENTRY: &str = "synops";

/// The version that is written and read.
const VERSION: u32 = 1;

/// A checkpoint that was read.
pub struct Checkpoint {
    /// The configuration.
    pub config: String,
    /// What came of the epochs.
    pub epochs: Vec<Epoch>,
    steps: i32,
    tensors: BTreeMap<String, Vec<f32>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    version: u32,
    config: String,
    epochs: Vec<Epoch>,
    steps: i32,
}

const FORMAT: &str = "checkpoint";

fn damaged(error: SafeTensorError) -> Error {
    Error::new(ErrorKind::Corrupt, error.to_string(), "a whole safetensors file")
}

/// The bytes of a file for a network and its optimiser, with the configuration's text and
/// what came of the epochs.
///
/// # Errors
/// None for a network of this crate.
pub fn to_bytes(
    network: &mut Network,
    optimizer: &Optimizer,
    config: String,
    epochs: &[Epoch],
) -> Result<Vec<u8>> {
    let (steps, moments) = optimizer.state();
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    for (i, (name, parameter)) in network.parameters().into_iter().enumerate() {
        let shape = parameter.shape.clone();
        if let Some(moments) = moments.get(i) {
            for (which, values) in moments.iter().enumerate() {
                let name = format!("moments/{name}/{which}");
                tensors.push((name, shape.clone(), bytes(values)));
            }
        }
        tensors.push((format!("parameters/{name}"), shape, bytes(&parameter.values)));
    }
    for (name, values) in network.running() {
        tensors.push((format!("running/{name}"), vec![values.len()], bytes(values)));
    }
    let (format, epochs) = (FORMAT.to_owned(), epochs.to_vec());
    let manifest = Manifest { format, version: VERSION, config, epochs, steps };
    let manifest = serde_json::to_string(&manifest)
        .map_err(|e| Error::new(ErrorKind::Unsupported, e.to_string(), "a manifest"))?;
    let views: Result<Vec<_>> = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(damaged)?;
            Ok((name.as_str(), view))
        })
        .collect();
    let entries = HashMap::from([(ENTRY.to_owned(), manifest)]);
    safetensors::serialize(views?, Some(entries)).map_err(damaged)
}
/// Reads a file.
///
/// # Errors
/// A file that cannot be read, is damaged or no checkpoint of this version.
pub fn read(path: &Path) -> Result<Checkpoint> {
    let bytes = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
    from_bytes(&bytes).map_err(|e| e.in_file(path))
}

fn from_bytes(bytes: &[u8]) -> Result<Checkpoint> {
    let expected = "a checkpoint of this program";
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let entry = header.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let Some(entry) = entry else {
        return Err(Error::new(ErrorKind::UnknownFormat, "no manifest", expected));
    };
    let manifest: Manifest = serde_json::from_str(entry)
        .map_err(|e| Error::new(ErrorKind::Corrupt, format!("its manifest: {e}"), expected))?;
    if (&manifest.format[..], manifest.version) != (FORMAT, VERSION) {
        let found = format!("{}, version {}", manifest.format, manifest.version);
        return Err(Error::new(ErrorKind::Unsupported, found, expected));
    }
    let all = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, tensor) in all.iter() {
        if tensor.dtype() != Dtype::F32 {
            let found = format!("{:?} for '{name}'", tensor.dtype());
            return Err(Error::new(ErrorKind::Corrupt, found, "F32"));
        }
        let values = tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b));
        tensors.insert(name.to_owned(), values.collect());
    }
    let Manifest { config, epochs, steps, .. } = manifest;
    Ok(Checkpoint { config, epochs, steps, tensors })
}

impl Checkpoint {
    /// Puts parameters and running averages into a network; gives the optimiser's steps
    /// and moments.
    ///
    /// # Errors
    /// Tensors that the network does not have, or of other sizes, or too few.
    pub fn restore(&self, network: &mut Network) -> Result<(i32, Vec<[Vec<f32>; 2]>)> {
        let mut used = 0;
        let mut take = |name: String, len: usize| match self.tensors.get(&name) {
            Some(values) if values.len() == len => {
                used += 1;
                Ok(values.clone())
            }
            other => {
                let found = match other {
                    Some(values) => format!("{} numbers in '{name}'", values.len()),
                    None => format!("no '{name}'"),
                };
                Err(Error::new(ErrorKind::Corrupt, found, format!("{len} numbers")))
            }
        };
        let mut moments = Vec::new();
        for (name, parameter) in network.parameters() {
            let len = parameter.values.len();
            parameter.values = take(format!("parameters/{name}"), len)?;
            if self.steps > 0 {
                let mut moment = |which: usize| take(format!("moments/{name}/{which}"), len);
                moments.push([moment(0)?, moment(1)?]);
            }
        }
        for (name, values) in network.running() {
            *values = take(format!("running/{name}"), values.len())?;
        }
        match used == self.tensors.len() {
            true => Ok((self.steps, moments)),
            false => {
                let found = format!("{} tensors", self.tensors.len());
                Err(Error::new(ErrorKind::Corrupt, found, format!("{used}")))
            }
        }
    }
}
