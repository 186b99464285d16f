//! HDF5 as records: groups of named arrays and of further groups.
//!
//! Integers of any width, truth values among them, are read as 64 bits; 32- and
//! 64-bit numbers stay what they are.

use hdf5_pure::{
    DType, Dataset, DatasetBuilder, File, FileBuilder, Group, GroupBuilder, VlenStringReadOptions,
};

use crate::error::{Error, ErrorKind, Result};
use crate::record::budget::Budget;
use crate::record::{Array, Record, Values};

/// How deep groups may lie within groups.
const DEEPEST: usize = 64;

/// What any file may hold in memory. The same number for every neuron of a large
/// population is packed a thousand times over, and is not much all the same.
const FLOOR: u64 = 64 << 20;

/// The first bytes of every HDF5 file.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Whether a file that begins so is an HDF5 file.
pub fn sniff(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

/// A file that is open for reading.
pub struct Hdf5 {
    file: File,
    length: usize,
}

impl Hdf5 {
    /// Opens a file that is in memory; `expected` says what should be in it.
    ///
    /// # Errors
    /// Bytes that are no HDF5 file, or a damaged one.
    pub fn open(bytes: Vec<u8>, expected: &str) -> Result<Hdf5> {
        if !sniff(&bytes) {
            let found = format!("{} bytes that are no HDF5 file", bytes.len());
            return Err(Error::new(ErrorKind::UnknownFormat, found, expected).at_byte(0));
        }
        let length = bytes.len();
        let file = File::from_bytes(bytes).map_err(|e| wrong("the file", e))?;
        Ok(Hdf5 { file, length })
    }

    /// Whether the file has a group of this name.
    pub fn has(&self, group: &str) -> bool {
        self.file.group(group).is_ok()
    }

    /// Everything in the group of this name.
    ///
    /// # Errors
    /// No such group, damage, or more data than a file of this length may hold, which is
    /// seen before it is unpacked.
    pub fn read(&self, group: &str) -> Result<Record> {
        let at = self.file.group(group).map_err(|e| wrong(&format!("/{group}"), e))?;
        Reader { budget: Budget::above(FLOOR, self.length) }.group(&at, 0)
    }
}

/// The bytes of a file with these arrays and groups.
///
/// # Errors
/// Names or texts that HDF5 cannot hold.
pub fn to_bytes(record: &Record) -> Result<Vec<u8>> {
    let mut file = FileBuilder::new();
    for (name, array) in &record.arrays {
        fill(file.create_dataset(name), array);
    }
    for (name, inner) in &record.groups {
        let mut group = file.create_group(name);
        write_record(&mut group, inner);
        file.add_group(group.finish());
    }
    file.finish().map_err(|e| wrong("the file", e))
}

/// An error of the library, which ends with a name where there is one.
fn wrong(place: &str, error: hdf5_pure::Error) -> Error {
    let error = error.to_string();
    let found = format!("'{}'", error.trim_end_matches([':', ' ']));
    Error::new(ErrorKind::Corrupt, found, "a sound HDF5 file").at(place)
}

/// How messages speak of a member of a group; damage may have taken its name.
fn member(name: &str) -> String {
    match name {
        "" => "a member without a name".to_owned(),
        name => format!("'{name}'"),
    }
}

/// Reads groups while what they hold stays in proportion to the file.
struct Reader {
    budget: Budget,
}

impl Reader {
    fn group(&mut self, group: &Group, depth: usize) -> Result<Record> {
        let mut record = Record::default();
        if depth > DEEPEST {
            let found = format!("groups within groups, {depth} deep");
            return Err(Error::new(ErrorKind::Corrupt, found, format!("{DEEPEST} at most")));
        }
        for name in group.datasets().map_err(|e| wrong("a group", e))? {
            let dataset = group.dataset(&name).map_err(|e| wrong(&member(&name), e))?;
            let array = self.dataset(&dataset).map_err(|e| e.at(member(&name)))?;
            record.put(&name, array);
        }
        for name in group.groups().map_err(|e| wrong("a group", e))? {
            let inner = group.group(&name).map_err(|e| wrong(&member(&name), e))?;
            let inner = self.group(&inner, depth + 1).map_err(|e| e.at(member(&name)))?;
            record.groups.insert(name, inner);
        }
        Ok(record)
    }

    fn dataset(&mut self, dataset: &Dataset) -> Result<Array> {
        let wrong = |e| wrong("its data", e);
        let shape = dataset.shape().map_err(wrong)?;
        let kind = dataset.dtype().map_err(wrong)?;
        self.spend(&shape, if matches!(kind, DType::F32) { 4 } else { 8 })?;
        let shape: Vec<usize> = shape.iter().map(|&axis| axis as usize).collect();
        let values = match kind {
            DType::F32 => Values::F32(dataset.read_f32().map_err(wrong)?),
            DType::F64 => Values::F64(dataset.read_f64().map_err(wrong)?),
            DType::VariableLengthString => {
                let limit = usize::try_from(self.budget.left()).unwrap_or(usize::MAX);
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
            // FALSE and TRUE over one byte, which is how h5py stores truth values
            DType::Enum(names) if names.len() == 2 => {
                let bytes = dataset.read_raw().map_err(wrong)?;
                Values::I64(bytes.into_iter().map(i64::from).collect())
            }
            other => {
                let found = format!("data of type {other}");
                return Err(Error::new(ErrorKind::Unsupported, found, "numbers or texts"));
            }
        };
        Array::new(&shape, values)
    }

    /// Refuses a shape that claims more elements than there may be, each of `size` bytes.
    fn spend(&mut self, shape: &[u64], size: u64) -> Result<()> {
        let bytes = shape.iter().try_fold(size, |bytes, &axis| bytes.checked_mul(axis));
        let spent = self.budget.spend(bytes.unwrap_or(u64::MAX));
        spent.map_err(|e| Error {
            found: format!("data of shape {shape:?}"),
            expected: e.expected + "; written without compression, as much as there is is read",
            ..e
        })
    }
}

fn write_record(group: &mut GroupBuilder, record: &Record) {
    for (name, array) in &record.arrays {
        fill(group.create_dataset(name), array);
    }
    for (name, inner) in &record.groups {
        let mut builder = group.create_group(name);
        write_record(&mut builder, inner);
        group.add_group(builder.finish());
    }
}

fn fill(dataset: &mut DatasetBuilder, array: &Array) {
    let shape: Vec<u64> = array.shape().iter().map(|&axis| axis as u64).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one deflated array of zeros, of so many MiB.
    fn zeros(mebibytes: usize) -> Vec<u8> {
        let mut file = FileBuilder::new();
        let mut group = file.create_group("node");
        let numbers = vec![0.0; mebibytes << 18];
        let weight = group.create_dataset("weight").with_f32_data(&numbers);
        weight.with_shape(&[mebibytes as u64, 1 << 18]).with_chunks(&[1, 1 << 18]).with_deflate(9);
        file.add_group(group.finish());
        file.finish().unwrap()
    }

    #[test]
    fn zeros_may_be_packed_tightly_but_not_without_bound() {
        let read = |mebibytes| Hdf5::open(zeros(mebibytes), "").and_then(|file| file.read("node"));
        assert_eq!(read(40).unwrap().arrays["weight"].len(), 40 << 18);
        let error = read(160).unwrap_err().to_string();
        assert!(error.starts_with("'weight': found data of shape [160, 262144]"), "{error}");
        assert!(error.contains("at most; written without compression"), "{error}");
    }
}
