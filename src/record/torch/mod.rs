//! PyTorch's files: a pickle that says which tensors there are, and the storages
//! with their numbers.
//!
//! ```text
//! since 1.6, a zip file:   name/data.pkl   name/data/<key>   name/byteorder
//! before:                  magic  version  system  pickle  keys  (i64 length, numbers) …
//! ```
//!
//! A tensor is a view of a storage: an offset, sizes, strides; several may share
//! one. Where tensors lie within dicts, lists and tuples, their names are the keys
//! on the way, joined by dots. What is no tensor is passed over.
//!
//! **Source.** torch 2.15, `serialization.py`.

mod globals;
mod pickle;

use std::collections::{BTreeMap, BTreeSet};

use super::Array;
use super::archive::Archive;
use super::budget::Budget;
use super::element::Endian;
use super::strided::Strided;
use crate::error::{Error, ErrorKind, Result};
use pickle::{Node, Pickle, Ref, View};

/// The magic number of the older format, itself a pickle.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// How deep tensors may lie within containers.
const DEEPEST: usize = 32;

/// How often every value may be looked at on the way to the tensors, on average. A
/// container that holds another several times, and so on, would be endless.
const MOST_VISITS: usize = 16;

/// Characters of a name.
const LONGEST_NAME: usize = 1 << 10;

/// Whether a file that begins so is of the older format.
pub fn is_legacy(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The folder in the archive, if its names are those of a torch file.
pub fn root(names: &[String]) -> Option<String> {
    let root = |name: &str| name.strip_suffix("data.pkl").map(str::to_owned);
    names.iter().find_map(|name| root(name).filter(|root| root.is_empty() || root.ends_with('/')))
}

/// The tensors of a zip file, by name.
///
/// # Errors
/// Anything but tensors in containers, and damage, with the byte.
pub fn zipped(archive: &mut Archive, root: &str) -> Result<Vec<(String, Array)>> {
    let name = format!("{root}data.pkl");
    let entry = archive.get(&name)?.ok_or_else(|| missing(&name))?;
    let place = |e: Error| e.at(format!("'{name}'"));
    let pickle = pickle::run(&entry.bytes, entry.offset(0)).map_err(place)?;
    let order = archive.get(&format!("{root}byteorder"))?;
    let mut storages = BTreeMap::new();
    for key in pickle.storages() {
        let name = format!("{root}data/{key}");
        let entry = archive.get(&name)?.ok_or_else(|| missing(&name))?;
        storages.insert(key, (entry.start, entry.bytes));
    }
    let endian = match order {
        Some(order) if order.bytes == b"big" => Endian::Big,
        _ => Endian::Little,
    };
    let tensors = pickle.tensors(&storages, endian, &mut archive.budget);
    tensors.map_err(|e| e.at_byte(entry.start))
}

/// The tensors of a file of the older format, by name.
///
/// # Errors
/// As [`zipped`].
pub fn legacy(bytes: &[u8]) -> Result<Vec<(String, Array)>> {
    let mut at = MAGIC.len();
    let mut next = || -> Result<Pickle> {
        let pickle = pickle::run(&bytes[at..], at as u64)?;
        at += pickle.length;
        Ok(pickle)
    };
    let (_version, system, pickle, keys) = (next()?, next()?, next()?, next()?);
    let storages = pickle.laid_out(&keys.texts(), bytes, at)?;
    let endian = if system.is_little_endian() { Endian::Little } else { Endian::Big };
    let tensors = pickle.tensors(&storages, endian, &mut Budget::for_file(bytes.len()));
    tensors.map_err(|e| e.at_byte(MAGIC.len() as u64))
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "no such entry", "one").at(format!("'{name}'")).at_byte(0)
}

/// Where storages begin in the file, and their bytes, by key.
type Storages<B> = BTreeMap<String, (u64, B)>;

impl Pickle {
    fn text(&self, node: Ref) -> &str {
        match &self.nodes[node] {
            Node::Text(text) => text,
            _ => "",
        }
    }

    /// The keys of the storages that tensors lie in.
    fn storages(&self) -> BTreeSet<String> {
        let key = |node: &Node| match node {
            Node::Storage(key, ..) => Some(self.text(*key).to_owned()),
            _ => None,
        };
        self.nodes.iter().filter_map(key).collect()
    }

    /// The texts of a list.
    fn texts(&self) -> Vec<String> {
        match &self.nodes[self.root] {
            Node::List(items) => items.iter().map(|&item| self.text(item).to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    fn is_little_endian(&self) -> bool {
        let Node::Dict(entries) = &self.nodes[self.root] else { return true };
        let entry = entries.iter().find(|(key, _)| self.text(*key) == "little_endian");
        entry.is_none_or(|(_, value)| !matches!(self.nodes[*value], Node::Bool(false)))
    }

    /// The storages of the older format: one behind the other, each behind its
    /// length.
    fn laid_out<'b>(
        &self,
        keys: &[String],
        bytes: &'b [u8],
        mut at: usize,
    ) -> Result<Storages<&'b [u8]>> {
        let sizes: BTreeMap<&str, usize> = self
            .nodes
            .iter()
            .filter_map(|node| match node {
                Node::Storage(key, element, _) => {
                    Some((self.text(*key), element.map_or(1, |element| element.size())))
                }
                _ => None,
            })
            .collect();
        let mut storages = BTreeMap::new();
        for key in keys {
            let place = |e: Error| e.at(format!("storage '{key}'")).at_byte(at as u64);
            let Some(&size) = sizes.get(&key[..]) else {
                let found = Error::new(ErrorKind::Corrupt, "a storage that no tensor has", "one");
                return Err(place(found));
            };
            let length = bytes[at..].first_chunk().map(|&length| u64::from_le_bytes(length));
            let end = length.and_then(|length| {
                let length = usize::try_from(length).ok()?.checked_mul(size)?;
                (at + 8).checked_add(length)
            });
            let stored = end.and_then(|end| bytes.get(at + 8..end)).ok_or_else(|| {
                let found = format!("the end of the file, {} bytes on", bytes.len() - at);
                place(Error::new(ErrorKind::Truncated, found, "its length and its numbers"))
            })?;
            storages.insert(key.clone(), (at as u64 + 8, stored));
            at += 8 + stored.len();
        }
        Ok(storages)
    }

    /// Every tensor, with its name.
    fn tensors<B: AsRef<[u8]>>(
        &self,
        storages: &Storages<B>,
        endian: Endian,
        budget: &mut Budget,
    ) -> Result<Vec<(String, Array)>> {
        let mut views = Views { pickle: self, looked_at: 0, found: Vec::new() };
        views.visit(self.root, "", 0)?;
        let mut names = BTreeSet::new();
        let mut tensors = Vec::with_capacity(views.found.len());
        for (name, view) in views.found {
            let array = self.tensor(&view, storages, endian, budget);
            let array = array.map_err(|e| e.at(format!("tensor '{name}'")))?;
            if !names.insert(name.clone()) {
                let found = format!("two tensors of the name '{name}'");
                return Err(Error::new(ErrorKind::Corrupt, found, "one of each"));
            }
            tensors.push((name, array));
        }
        Ok(tensors)
    }

    fn tensor<B: AsRef<[u8]>>(
        &self,
        view: &View,
        storages: &Storages<B>,
        endian: Endian,
        budget: &mut Budget,
    ) -> Result<Array> {
        let Node::Storage(key, element, numbers) = self.nodes[view.storage] else {
            return Err(Error::new(ErrorKind::Corrupt, "no storage", "one"));
        };
        let key = self.text(key);
        let (start, stored) = storages.get(key).ok_or_else(|| missing(key))?;
        let place = |e: Error| e.at(format!("storage '{key}'")).at_byte(*start);
        let stored = stored.as_ref();
        let length = element.map_or(1, |element| element.size()).checked_mul(numbers);
        let stored = length.and_then(|length| stored.get(..length)).ok_or_else(|| {
            let found = format!("{} bytes", stored.len());
            place(Error::new(ErrorKind::Truncated, found, format!("{numbers} numbers")))
        })?;
        let (shape, stride) =
            (globals::sizes(&self.nodes, view.size)?, globals::sizes(&self.nodes, view.stride)?);
        if shape.len() != stride.len() {
            let found = format!("{} axes with {} strides", shape.len(), stride.len());
            return Err(place(Error::new(ErrorKind::Corrupt, found, "one each")));
        }
        let strided = Strided { shape, stride, offset: view.offset };
        // integers become eight bytes each
        let held = strided.elements().map_err(place)?.saturating_mul(8);
        budget.spend(held as u64).map_err(place)?;
        strided.array(stored, view.element, endian).map_err(place)
    }
}

/// The tensors that were found on the way through the containers.
struct Views<'p> {
    pickle: &'p Pickle,
    looked_at: usize,
    found: Vec<(String, View)>,
}

impl Views<'_> {
    fn visit(&mut self, node: Ref, name: &str, depth: usize) -> Result<()> {
        self.looked_at += 1;
        let endless = self.looked_at > self.pickle.nodes.len().saturating_mul(MOST_VISITS);
        if depth > DEEPEST || endless || name.len() > LONGEST_NAME {
            let found = "containers that hold each other without end";
            let expected = format!("tensors {DEEPEST} deep at most");
            return Err(Error::new(ErrorKind::Corrupt, found, expected));
        }
        let below = |key: &str| match name {
            "" => key.to_owned(),
            _ => format!("{name}.{key}"),
        };
        let pickle = self.pickle;
        match &pickle.nodes[node] {
            Node::Tensor(view) => self.found.push((name.to_owned(), *view)),
            Node::Dict(entries) => {
                for &(key, value) in entries {
                    let key = match &pickle.nodes[key] {
                        Node::Text(key) => below(key),
                        Node::Int(key) => below(&key.to_string()),
                        // no name, as in a dict by objects
                        _ => continue,
                    };
                    self.visit(value, &key, depth + 1)?;
                }
            }
            Node::Tuple(items) | Node::List(items) => {
                for (i, &item) in items.iter().enumerate() {
                    self.visit(item, &below(&i.to_string()), depth + 1)?;
                }
            }
            _ => (),
        }
        Ok(())
    }
}
