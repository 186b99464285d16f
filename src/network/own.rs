//! `.synops` files: networks as they are here, with neurons and layers that NIR has no
//! node for, the rules that they were made for and the length of their steps.
//!
//! A file is tensors and a manifest ([`tensors`]). The tensors are the numbers of a graph,
//! each named by its place, such as `nodes/conv/weight`; they stay as wide as they are. The
//! manifest has the rest:
//!
//! ```text
//! { "format": "network", "version": 1,
//!   "convention": "spikingjelly,fire=above",      where it is known
//!   "dt_us": 10000,                               likewise
//!   "texts": { "nodes/conv/type": "Conv2d",       texts, by their places
//!              "edges": { "shape": [2, 2], "values": ["in", "conv", …] }, … } }
//! ```
//!
//! Places and fields are those of a NIR file's `/node` ([`super::nir`]).

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::{Deserialize, Serialize};

use super::graph::{Graph, Vocabulary};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::record::element::{Element, Endian};
use crate::record::tensors::{self, Kind, Tensor};
use crate::record::{Array, Record, Values};
use crate::units::Micros;

/// What the manifest says that the file is.
const KIND: Kind = Kind { format: "network", version: 1 };

/// How deep groups may lie within groups.
const DEEPEST: usize = 64;

/// What a file says beside its numbers.
#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    convention: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dt_us: Option<i64>,
    texts: BTreeMap<String, Text>,
}

/// One text, or an array of them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    One(String),
    Many { shape: Vec<usize>, values: Vec<String> },
}

/// Whether a file that begins so may be one: a length below 4 GB, and JSON.
pub fn sniff(head: &[u8]) -> bool {
    matches!(head, [_, _, _, _, 0, 0, 0, 0, b'{', b'"', ..])
}

/// Reads a file that is in memory.
///
/// # Errors
/// Bytes that are no safetensors file or a damaged one, hold no network or one of another
/// version; a graph with a node that is not known or lacks a field.
pub fn from_bytes(bytes: &[u8]) -> Result<Graph> {
    let (manifest, tensors): (Manifest, _) = tensors::from_bytes(bytes, KIND)?;
    let mut record = Record::default();
    for (name, tensor) in tensors.iter() {
        let place = |e: Error| e.at(format!("'{name}'"));
        put(&mut record, name, array(&tensor).map_err(place)?).map_err(place)?;
    }
    for (name, text) in manifest.texts {
        let place = |e: Error| e.at(format!("'{name}'"));
        let array = match text {
            Text::One(text) => Array::text(text),
            Text::Many { shape, values } => {
                Array::new(&shape, Values::Text(values)).map_err(place)?
            }
        };
        put(&mut record, &name, array).map_err(place)?;
    }
    let mut graph = Graph::from_record(record, Vocabulary::Own, 0)?;
    graph.convention = manifest.convention.map(|text| text.parse()).transpose()?;
    graph.dt = manifest.dt_us.map(|us| positive(Micros(us))).transpose()?;
    Ok(graph)
}

/// Writes a file; it replaces an older one only once it is whole.
///
/// # Errors
/// A file that cannot be written, and as [`to_bytes`].
pub fn write(graph: &Graph, path: &Path) -> Result<()> {
    disk::write(path, &to_bytes(graph).map_err(|e| e.in_file(path))?)
}

/// The bytes of a file.
///
/// # Errors
/// Names with a slash.
pub fn to_bytes(graph: &Graph) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    flatten(&graph.to_record(), "", &mut all)?;
    let (mut texts, mut numbers) = (BTreeMap::new(), Vec::new());
    for (name, array) in all {
        let shape = array.shape().to_vec();
        match numbers_of(&array) {
            Some((dtype, bytes)) => numbers.push(Tensor { name, dtype, shape, bytes }),
            None => _ = texts.insert(name, text(&array)?),
        }
    }
    let manifest = Manifest {
        format: KIND.format.into(),
        version: KIND.version,
        convention: graph.convention.as_ref().map(ToString::to_string),
        dt_us: graph.dt.map(|dt| dt.0),
        texts,
    };
    tensors::to_bytes(&manifest, &numbers)
}

fn positive(dt: Micros) -> Result<Micros> {
    match dt > Micros(0) {
        true => Ok(dt),
        false => {
            let found = format!("'dt_us' = {}", dt.0);
            Err(Error::new(ErrorKind::Corrupt, found, "a positive time"))
        }
    }
}

fn array(tensor: &TensorView) -> Result<Array> {
    let element = match tensor.dtype() {
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        Dtype::I64 => Element::I64,
        other => {
            let found = format!("numbers of type {other:?}");
            return Err(Error::new(ErrorKind::Unsupported, found, "F32, F64 or I64"));
        }
    };
    Array::new(tensor.shape(), element.values(tensor.data(), Endian::Little)?)
}

/// The bytes of numbers; none of texts.
fn numbers_of(array: &Array) -> Option<(Dtype, Vec<u8>)> {
    Some(match array.values() {
        Values::F32(v) => (Dtype::F32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::F64(v) => (Dtype::F64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::I64(v) => (Dtype::I64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::Text(_) => return None,
    })
}

fn text(array: &Array) -> Result<Text> {
    Ok(match array.shape() {
        [] => Text::One(array.as_text()?.to_owned()),
        shape => Text::Many { shape: shape.into(), values: array.texts()?.to_vec() },
    })
}

/// Everything in a record by its place.
fn flatten(record: &Record, at: &str, all: &mut Vec<(String, Array)>) -> Result<()> {
    let place = |name: &String| match name.contains('/') {
        true => Err(Error::new(ErrorKind::Unsupported, format!("'{name}'"), "a name without '/'")),
        false => Ok(format!("{at}{name}")),
    };
    for (name, array) in &record.arrays {
        all.push((place(name)?, array.clone()));
    }
    record.groups.iter().try_for_each(|(name, inner)| {
        let place = place(name)?;
        flatten(inner, &format!("{place}/"), all)
    })
}

/// Puts an array where its name says.
fn put(record: &mut Record, name: &str, array: Array) -> Result<()> {
    let corrupt =
        |found: &str, expected: String| Err(Error::new(ErrorKind::Corrupt, found, expected));
    let mut path: Vec<&str> = name.split('/').collect();
    let name = path.pop().unwrap_or_default();
    if path.len() > DEEPEST {
        return corrupt("groups within groups", format!("{DEEPEST} at most"));
    }
    let group = path.into_iter().fold(record, |r, group| r.groups.entry(group.into()).or_default());
    match group.arrays.insert(name.into(), array) {
        None => Ok(()),
        Some(_) => corrupt("it as numbers and as texts", "one of them".into()),
    }
}
