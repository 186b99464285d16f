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
//! HDF5 becomes a [`Record`] and a record becomes a [`Graph`]; each room knows
//! its own fields. Integers of any width are read as 64 bits; 32- and 64-bit
//! numbers stay what they are.
//!
//! **Source.** NIR 1.0.8, `serialization.py`.

use std::fs;
use std::path::Path;

use hdf5_pure::{DType, Dataset, File, FileBuilder, Group, GroupBuilder, VlenStringReadOptions};

use super::graph::Graph;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record, Values};

/// The version of the NIR format that is written.
const VERSION: &str = "1.0.8";

/// How deep groups may lie within groups.
const DEEPEST: usize = 64;

/// How many times the length of the file its content may take up: deflate reaches
/// 1032, and four bytes are counted as eight.
const LARGEST_EXPANSION: u64 = 4096;

/// The first bytes of every HDF5 file.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Whether a file that begins so is an HDF5 file.
pub fn sniff(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

/// Reads a file.
///
/// # Errors
/// A file that cannot be read, is no HDF5 file, holds no NIR graph, or a graph
/// with a node that is not known or lacks a field.
pub fn read(path: &Path) -> Result<Graph> {
    let bytes = fs::read(path).map_err(|e| Error::from(e).in_file(path))?;
    from_bytes(bytes).map_err(|e| e.in_file(path))
}

/// Reads a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: Vec<u8>) -> Result<Graph> {
    if !sniff(&bytes) {
        let found = format!("{} bytes that are no HDF5 file", bytes.len());
        return Err(Error::new(ErrorKind::UnknownFormat, found, "a NIR graph").at_byte(0));
    }
    let budget = (bytes.len() as u64).saturating_mul(LARGEST_EXPANSION);
    let file = File::from_bytes(bytes).map_err(|e| hdf5("the file", e))?;
    let node = file.group("node").map_err(|e| hdf5("/node", e))?;
    Graph::from_record(Reader { budget }.group(&node, 0)?, 0)
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
    record_to_bytes(&graph.to_record())
}

/// The bytes of a file that holds these fields of a `NIRGraph`, sound or not.
///
/// # Errors
/// As [`to_bytes`].
pub fn record_to_bytes(record: &Record) -> Result<Vec<u8>> {
    let mut file = FileBuilder::new();
    file.create_dataset("version").with_vlen_strings(&[VERSION]).with_shape(&[]);
    let mut node = file.create_group("node");
    write_record(&mut node, record);
    file.add_group(node.finish());
    file.finish().map_err(|e| hdf5("the file", e))
}

fn hdf5(place: &str, error: hdf5_pure::Error) -> Error {
    Error::new(ErrorKind::Corrupt, error.to_string(), "").at(place)
}

/// Reads groups while what they hold stays in proportion to the file.
struct Reader {
    budget: u64,
}

impl Reader {
    fn group(&mut self, group: &Group, depth: usize) -> Result<Record> {
        let mut record = Record::default();
        if depth > DEEPEST {
            let found = format!("groups within groups, {depth} deep");
            return Err(Error::new(ErrorKind::Corrupt, found, format!("{DEEPEST} at most")));
        }
        for name in group.datasets().map_err(|e| hdf5("a group", e))? {
            let dataset = group.dataset(&name).map_err(|e| hdf5(&name, e))?;
            let array = self.dataset(&dataset).map_err(|e| e.at(format!("'{name}'")))?;
            record.put(&name, array);
        }
        for name in group.groups().map_err(|e| hdf5("a group", e))? {
            let inner = group.group(&name).map_err(|e| hdf5(&name, e))?;
            let inner = self.group(&inner, depth + 1).map_err(|e| e.at(format!("'{name}'")))?;
            record.groups.insert(name, inner);
        }
        Ok(record)
    }

    fn dataset(&mut self, dataset: &Dataset) -> Result<Array> {
        let wrong = |e| hdf5("its data", e);
        let shape = dataset.shape().map_err(wrong)?;
        self.spend(&shape)?;
        let shape: Vec<usize> = shape.iter().map(|&axis| axis as usize).collect();
        let values = match dataset.dtype().map_err(wrong)? {
            DType::F32 => Values::F32(dataset.read_f32().map_err(wrong)?),
            DType::F64 => Values::F64(dataset.read_f64().map_err(wrong)?),
            DType::VariableLengthString => {
                let limit = usize::try_from(self.budget).unwrap_or(usize::MAX);
                let options = VlenStringReadOptions::new().with_max_payload_bytes(limit);
                Values::Text(dataset.read_vlen_strings(options).map_err(wrong)?)
            }
            DType::String => Values::Text(dataset.read_string().map_err(wrong)?),
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => {
                Values::I64(dataset.read_i64().map_err(wrong)?)
            }
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => {
                Values::I64(dataset.read_i64().map_err(wrong)?)
            }
            other => {
                let found = format!("data of type {other}");
                return Err(Error::new(ErrorKind::Unsupported, found, "numbers or texts"));
            }
        };
        Array::new(&shape, values)
    }

    /// Refuses a shape that claims more than a compressed file could hold.
    fn spend(&mut self, shape: &[u64]) -> Result<()> {
        let bytes = shape.iter().try_fold(8u64, |bytes, &axis| bytes.checked_mul(axis));
        match bytes.and_then(|bytes| self.budget.checked_sub(bytes)) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => {
                let found = format!("data of shape {shape:?}");
                Err(Error::new(ErrorKind::Corrupt, found, "no more than the file can hold"))
            }
        }
    }
}

fn write_record(group: &mut GroupBuilder, record: &Record) {
    for (name, array) in &record.arrays {
        let shape: Vec<u64> = array.shape().iter().map(|&axis| axis as u64).collect();
        let dataset = group.create_dataset(name);
        match array.values() {
            Values::F32(v) => dataset.with_f32_data(v),
            Values::F64(v) => dataset.with_f64_data(v),
            Values::I64(v) => dataset.with_i64_data(v),
            Values::Text(v) => {
                dataset.with_vlen_strings(&v.iter().map(String::as_str).collect::<Vec<_>>())
            }
        }
        .with_shape(&shape);
    }
    for (name, inner) in &record.groups {
        let mut builder = group.create_group(name);
        write_record(&mut builder, inner);
        group.add_group(builder.finish());
    }
}
