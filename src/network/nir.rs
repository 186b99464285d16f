//! `.nir` files: a graph in HDF5, as the NIR project defines it.
//!
//! ```text
//! /version                     text
//! /node/type                   "NIRGraph"
//! /node/edges                  texts [edges, 2]
//! /node/nodes/<name>/type      text, then the node's fields
//! /node/metadata/…             texts and arrays
//! ```
//!
//! Metadata of the graph may say by which rules it is to run, and in which steps: the
//! entries `synops_convention` and `synops_dt`, texts as on the command line.
//!
//! HDF5 becomes a [`Record`] and a record becomes a [`Graph`]; each room knows
//! its own fields.
//!
//! **Source.** NIR 1.0.8, `serialization.py`.

use std::path::Path;

use super::graph::{Graph, Vocabulary};
use super::hdf5::{self, Hdf5};
use crate::disk;
use crate::error::{Error, Result};
use crate::record::{Array, Record};

/// The version of the NIR format that is written.
const VERSION: &str = "1.0.8";

/// The metadata entry that names a convention.
const CONVENTION: &str = "synops_convention";

/// The metadata entry that says how long a step is.
const DT: &str = "synops_dt";

/// The group that holds the graph.
const NODE: &str = "node";

/// Reads a file.
///
/// # Errors
/// A file that cannot be read, is no HDF5 file, holds no NIR graph, or a graph
/// with a node that is not known or lacks a field.
pub fn read(path: &Path) -> Result<Graph> {
    let bytes = disk::read(path)?;
    from_bytes(bytes).map_err(|e| e.in_file(path))
}

/// Reads a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<Graph> {
    from_hdf5(&Hdf5::open(bytes, "a NIR graph")?)
}

/// Whether a file holds a graph.
pub fn is_in(file: &Hdf5) -> bool {
    file.has(NODE)
}

/// Reads a file that is open.
///
/// # Errors
/// As [`read`].
pub fn from_hdf5(file: &Hdf5) -> Result<Graph> {
    let mut graph = Graph::from_record(file.read(NODE)?, Vocabulary::Nir, 0)?;
    let place = |name: &'static str| move |e: Error| e.at(format!("metadata '{name}'"));
    let convention = graph.take_metadata(CONVENTION).map(|text| text.parse());
    graph.convention = convention.transpose().map_err(place(CONVENTION))?;
    let dt = graph.take_metadata(DT).map(|text| text.parse());
    graph.dt = dt.transpose().map_err(place(DT))?;
    Ok(graph)
}

/// Writes a file; it replaces an older one only once it is whole.
///
/// # Errors
/// A file that cannot be written.
pub fn write(graph: &Graph, path: &Path) -> Result<()> {
    disk::write(path, &to_bytes(graph).map_err(|e| e.in_file(path))?)
}

/// The bytes of a file.
///
/// # Errors
/// Names or texts that HDF5 cannot hold, nodes that NIR does not have.
pub fn to_bytes(graph: &Graph) -> Result<Vec<u8>> {
    graph.check_nir()?;
    let mut record = graph.to_record();
    let convention = graph.convention.as_ref().map(|c| (CONVENTION, c.to_string()));
    let dt = graph.dt.map(|dt| (DT, format!("{}us", dt.0)));
    for (name, text) in convention.into_iter().chain(dt) {
        let metadata = record.groups.entry("metadata".into()).or_default();
        metadata.put(name, Array::text(text));
    }
    record_to_bytes(&record)
}

/// The bytes of a file that holds these fields of a `NIRGraph`, sound or not.
///
/// # Errors
/// As [`to_bytes`].
pub fn record_to_bytes(record: &Record) -> Result<Vec<u8>> {
    let mut file = Record::default();
    file.put("version", Array::text(VERSION));
    file.groups.insert(NODE.into(), record.clone());
    hdf5::to_bytes(&file)
}
