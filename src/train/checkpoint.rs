//! Checkpoints: everything that the next epoch depends on, in one file.
//!
//! The tensors are `parameters/NAME`, `running/NAME` and `moments/NAME/0` and `/1`, the
//! manifest ([`tensors`]) has the configuration's text, what it learns from, what came of the
//! epochs so far, the optimiser's steps, and a digest: SHA-256 of the whole file with zeros in
//! the digest's own place. Whoever resumes from numbers that a disk has changed would not notice
//! otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use safetensors::Dtype;
use serde::{Deserialize, Serialize};

use super::run::Epoch;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::network::Network;
use crate::learn::optimizer::Optimizer;
use crate::record::tensors::{self, Kind, Tensor};

/// What the manifest says that the file is. Version 1 had no digest, version 2 did not say
/// what it learned from.
const KIND: Kind = Kind { format: "checkpoint", version: 3 };

/// What stands for the digest while it is taken.
const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A checkpoint that was read.
pub struct Checkpoint {
    /// The configuration.
    pub config: String,
    /// What it learned from.
    pub sources: Sources,
    /// What came of the epochs.
    pub epochs: Vec<Epoch>,
    /// SHA-256 of the file, zeros in its place.
    pub sha256: String,
    steps: i32,
    tensors: BTreeMap<String, Vec<f32>>,
}

/// What a network learns from beside its configuration, which names it only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// What tells the data from others.
    pub data: String,
    /// SHA-256 of the teacher, as its file says.
    pub teacher: Option<String>,
}

impl Sources {
    /// Refuses others than these, of the same configuration.
    ///
    /// # Errors
    /// Data or a teacher that have changed since.
    pub fn expect(&self, found: &Sources) -> Result<()> {
        let teacher = |sources: &Sources| {
            let digest = sources.teacher.as_deref();
            digest.map_or_else(|| "no teacher".into(), |digest| format!("a teacher {digest}"))
        };
        let data = |sources: &Sources| format!("data of {}", sources.data);
        let (found, expected) = match self.data == found.data {
            _ if self == found => return Ok(()),
            true => (teacher(found), teacher(self)),
            false => (data(found), data(self)),
        };
        let expected = format!("{expected}, as when it was written: it has been changed since");
        Err(Error::new(ErrorKind::Usage, found, expected))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    version: u64,
    sha256: String,
    config: String,
    sources: Sources,
    epochs: Vec<Epoch>,
    steps: i32,
}

/// The bytes of a file for a network and its optimiser, with the configuration's text, what
/// it learns from and what came of the epochs.
///
/// # Errors
/// None for a network of this crate.
pub fn to_bytes(
    network: &mut Network,
    optimizer: &Optimizer,
    config: String,
    sources: Sources,
    epochs: &[Epoch],
) -> Result<Vec<u8>> {
    let (steps, moments) = optimizer.state();
    let mut all = Vec::new();
    let mut put = |name: String, shape: &[usize], values: &[f32]| {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        all.push(Tensor { name, dtype: Dtype::F32, shape: shape.into(), bytes });
    };
    for (i, (name, parameter)) in network.parameters().into_iter().enumerate() {
        if let Some(moments) = moments.get(i) {
            for (which, values) in moments.iter().enumerate() {
                put(format!("moments/{name}/{which}"), &parameter.shape, values);
            }
        }
        put(format!("parameters/{name}"), &parameter.shape, &parameter.values);
    }
    for (name, values) in network.running() {
        put(format!("running/{name}"), &[values.len()], values);
    }
    let manifest = Manifest {
        format: KIND.format.into(),
        version: KIND.version,
        sha256: NO_DIGEST.into(),
        config,
        sources,
        epochs: epochs.to_vec(),
        steps,
    };
    let mut bytes = tensors::to_bytes(&manifest, &all)?;
    if let Some(place) = place(&bytes, NO_DIGEST) {
        let digest = digest(&bytes, &place);
        bytes[place].copy_from_slice(digest.as_bytes());
    }
    Ok(bytes)
}

/// Where a file has its digest: nothing in front of it looks like one.
fn place(bytes: &[u8], digest: &str) -> Option<Range<usize>> {
    let start = bytes.windows(NO_DIGEST.len()).position(|part| part == digest.as_bytes())?;
    Some(start..start + NO_DIGEST.len())
}

/// SHA-256 of a file whose digest has this place.
fn digest(bytes: &[u8], place: &Range<usize>) -> String {
    let mut digest = Digest::default();
    digest.add(&bytes[..place.start]);
    digest.add(NO_DIGEST);
    digest.add(&bytes[place.end..]);
    digest.hex()
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
    let (manifest, all): (Manifest, _) = tensors::from_bytes(bytes, KIND)?;
    let Manifest { sha256, config, sources, epochs, steps, .. } = manifest;
    let found = place(bytes, &sha256).map(|place| digest(bytes, &place));
    if found.as_ref() != Some(&sha256) {
        let found = format!("SHA-256 {}", found.unwrap_or_default());
        let expected = format!("{sha256}, as when it was written: it has been changed since");
        return Err(Error::new(ErrorKind::Corrupt, found, expected));
    }
    let mut tensors = BTreeMap::new();
    for (name, tensor) in all.iter() {
        if tensor.dtype() != Dtype::F32 {
            let found = format!("{:?} for '{name}'", tensor.dtype());
            return Err(Error::new(ErrorKind::Corrupt, found, "F32"));
        }
        let values = tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b));
        tensors.insert(name.to_owned(), values.collect());
    }
    Ok(Checkpoint { config, sources, epochs, sha256, steps, tensors })
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
