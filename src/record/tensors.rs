//! Files of the program's own: tensors by their names, and a manifest that says what
//! they are.
//!
//! A file is a safetensors file. `__metadata__` has one entry, `synops`: a JSON object
//! whose `format` and `version` say how to read the rest.
//!
//! **Source.** safetensors 0.8, <https://huggingface.co/docs/safetensors>.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The entry of `__metadata__`.
const ENTRY: &str = "synops";

/// What a manifest says first: what the file is, and in which version.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// `network` or `checkpoint`.
    pub format: &'static str,
    /// The version that is written and read.
    pub version: u64,
}

/// What every manifest has.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u64,
}

/// A tensor that is written.
pub struct Tensor {
    /// Its name; every name once.
    pub name: String,
    /// What its numbers are.
    pub dtype: Dtype,
    /// Its axes.
    pub shape: Vec<usize>,
    /// Its numbers, row by row, little-endian.
    pub bytes: Vec<u8>,
}

/// The bytes of a file.
///
/// # Errors
/// A manifest that is no JSON, a tensor of as many bytes as its shape does not have.
pub fn to_bytes(manifest: &impl Serialize, tensors: &[Tensor]) -> Result<Vec<u8>> {
    let manifest = serde_json::to_string(manifest)
        .map_err(|e| Error::new(ErrorKind::Unsupported, e.to_string(), "a manifest"))?;
    let mut views = Vec::with_capacity(tensors.len());
    for Tensor { name, dtype, shape, bytes } in tensors {
        let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(damaged)?;
        views.push((name.as_str(), view));
    }
    let entries = HashMap::from([(ENTRY.to_owned(), manifest)]);
    safetensors::serialize(views, Some(entries)).map_err(damaged)
}

/// The manifest and the tensors of a file that is in memory.
///
/// # Errors
/// Bytes that are no safetensors file or a damaged one, without a manifest, or with one of
/// another kind or version.
pub fn from_bytes<M: DeserializeOwned>(bytes: &[u8], kind: Kind) -> Result<(M, SafeTensors<'_>)> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let entry = header.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let Some(entry) = entry else {
        let found = format!("a safetensors file without a {}", kind.format);
        let expected = format!("an entry '{ENTRY}' in its __metadata__");
        return Err(Error::new(ErrorKind::UnknownFormat, found, expected));
    };
    let manifest = manifest(entry, kind).map_err(|e| e.at(format!("__metadata__ '{ENTRY}'")))?;
    Ok((manifest, SafeTensors::deserialize(bytes).map_err(damaged)?))
}

fn manifest<M: DeserializeOwned>(entry: &str, kind: Kind) -> Result<M> {
    let corrupt =
        |e: serde_json::Error| Error::new(ErrorKind::Corrupt, e.to_string(), "a manifest as JSON");
    let head: Head = serde_json::from_str(entry).map_err(corrupt)?;
    let Kind { format, version } = kind;
    if head.format != format {
        let found = format!("format '{}'", head.format);
        return Err(Error::new(ErrorKind::UnknownFormat, found, format!("'{format}'")));
    }
    if head.version != version {
        let found = format!("version {} of a {format}", head.version);
        return Err(Error::new(ErrorKind::Unsupported, found, format!("version {version}")));
    }
    serde_json::from_str(entry).map_err(corrupt)
}

fn damaged(error: SafeTensorError) -> Error {
    use SafeTensorError::{HeaderTooSmall, InvalidHeaderLength, MetadataIncompleteBuffer};
    let (kind, found) = match error {
        HeaderTooSmall | InvalidHeaderLength => {
            (ErrorKind::Truncated, "a header that ends behind the file".to_owned())
        }
        MetadataIncompleteBuffer => {
            (ErrorKind::Truncated, "tensors that do not end where the file does".to_owned())
        }
        other => (ErrorKind::Corrupt, other.to_string()),
    };
    Error::new(kind, found, "a whole safetensors file")
}
