//! The pickle machine, without its hands: it builds lists, tuples and dicts, and
//! knows the names of [`super::globals`]. Nothing is imported, nothing is run.
//!
//! Values lie in one list and refer to each other by their place in it, so that
//! no depth of nesting can exhaust the stack and no loop can leak. Every opcode
//! makes one value at most: memory follows the bytes that are really there.
//!
//! **Source.** CPython 3.13, `pickletools.py`; protocols 2 to 5, as far as
//! `torch.save` goes.

use std::collections::BTreeMap;

use super::globals::{self, Global, Made};
use crate::error::{Error, ErrorKind, Result};
use crate::record::element::Element;

/// The place of a value.
pub type Ref = usize;

/// A value.
#[derive(Debug)]
pub enum Node {
    /// Something without tensors: nothing, a number with a fraction, a device.
    Plain,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// A tuple.
    Tuple(Vec<Ref>),
    /// A list.
    List(Vec<Ref>),
    /// A dict, or an ordered one.
    Dict(Vec<(Ref, Ref)>),
    /// One of the names that may be named.
    Global(&'static Global),
    /// A storage: its key, its type, the numbers in it.
    Storage(Ref, Option<Element>, usize),
    /// A tensor.
    Tensor(View),
}

/// What a tensor is: numbers of a storage.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The storage.
    pub storage: Ref,
    /// The type of its numbers.
    pub element: Element,
    /// Its first number.
    pub offset: usize,
    /// The axes.
    pub size: Ref,
    /// How many numbers the next element of each axis is away.
    pub stride: Ref,
}

/// What a pickle made.
#[derive(Debug)]
pub struct Pickle {
    /// All values.
    pub nodes: Vec<Node>,
    /// The one that was pickled.
    pub root: Ref,
    /// Bytes that it took.
    pub length: usize,
}

struct Machine<'b> {
    bytes: &'b [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Ref>,
    /// Heights of the stack at which a list of arguments begins.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Ref>,
}

/// Runs a pickle that begins at byte `base` of its file.
///
/// # Errors
/// An opcode or a name that tensors do not need, or damage, with the byte of the
/// opcode.
pub fn run(bytes: &[u8], base: u64) -> Result<Pickle> {
    let mut machine = Machine {
        bytes,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    loop {
        let opcode = machine.at;
        match machine.step() {
            Ok(None) => (),
            Ok(Some(root)) => {
                return Ok(Pickle { nodes: machine.nodes, root, length: machine.at });
            }
            Err(error) => return Err(error.at_byte(base + opcode as u64)),
        }
    }
}

fn corrupt(found: impl Into<String>, expected: &str) -> Error {
    Error::new(ErrorKind::Corrupt, found, expected)
}

impl Machine<'_> {
    /// Takes one opcode; the last one gives the root.
    fn step(&mut self) -> Result<Option<Ref>> {
        match self.byte()? {
            b'.' => return self.pop().map(Some),
            0x80 => match self.byte()? {
                0..=5 => (),
                version => {
                    let found = format!("a pickle of protocol {version}");
                    return Err(Error::new(ErrorKind::Unsupported, found, "5 at most"));
                }
            },
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.push(Node::Plain),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'G' => {
                self.take(8)?;
                self.push(Node::Plain);
            }
            b'J' => {
                let number = i32::from_le_bytes(self.array()?);
                self.push(Node::Int(number.into()));
            }
            b'K' => {
                let number = self.byte()?;
                self.push(Node::Int(number.into()));
            }
            b'M' => {
                let number = u16::from_le_bytes(self.array()?);
                self.push(Node::Int(number.into()));
            }
            0x8a => self.long()?,
            0x8c => {
                let length = self.byte()?;
                self.text(length.into())?;
            }
            b'X' => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length.into())?;
            }
            0x8d => {
                let length = u64::from_le_bytes(self.array()?);
                self.text(length)?;
            }
            b'}' => self.push(Node::Dict(Vec::new())),
            b']' => self.push(Node::List(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            b't' => {
                let items = self.marked()?;
                self.push(Node::Tuple(items));
            }
            n @ 0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x85..=n {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Node::Tuple(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend_list(vec![item])?;
            }
            b'e' => {
                let items = self.marked()?;
                self.extend_list(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(&[key, value])?;
            }
            b'u' => {
                let items = self.marked()?;
                self.extend_dict(&items)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Node::Text(module), Node::Text(name)) =
                    (&self.nodes[module], &self.nodes[name])
                else {
                    return Err(corrupt("a name that is no text", "a module and a name"));
                };
                let (module, name) = (module.clone(), name.clone());
                self.global(&module, &name)?;
            }
            b'R' => self.reduce()?,
            b'b' => {
                // the attributes of an ordered dict, such as the metadata of a
                // state dict; nothing else here has any
                self.pop()?;
                let Node::Dict(_) = self.nodes[self.top()?] else {
                    return Err(corrupt("attributes of something else", "those of a dict"));
                };
            }
            b'Q' => {
                let id = self.pop()?;
                let node = globals::storage(&self.nodes, id)?;
                self.push(node);
            }
            b'q' => {
                let place = self.byte()?;
                self.remember(place.into())?;
            }
            b'r' => {
                let place = u32::from_le_bytes(self.array()?);
                self.remember(place)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => {
                let place = self.byte()?;
                self.recall(place.into())?;
            }
            b'j' => {
                let place = u32::from_le_bytes(self.array()?);
                self.recall(place)?;
            }
            other => {
                let found = format!("pickle opcode {other:#04x}");
                return Err(Error::new(ErrorKind::Unsupported, found, globals::allowed()));
            }
        }
        Ok(None)
    }

    fn take(&mut self, n: u64) -> Result<&[u8]> {
        let left = &self.bytes[self.at..];
        let taken = usize::try_from(n).ok().and_then(|n| left.get(..n)).ok_or_else(|| {
            let found = format!("the end of the pickle, {} bytes on", left.len());
            Error::new(ErrorKind::Truncated, found, format!("{n} bytes"))
        })?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn line(&mut self) -> Result<String> {
        let left = &self.bytes[self.at..];
        let end = left.iter().take(LONGEST_NAME).position(|&b| b == b'\n');
        let end = end.ok_or_else(|| corrupt("a name without an end", "a line"))?;
        let line = String::from_utf8_lossy(self.take(end as u64)?).into_owned();
        self.at += 1;
        Ok(line)
    }

    fn text(&mut self, length: u64) -> Result<()> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Node::Text(text));
        Ok(())
    }

    /// A whole number of so many bytes, two's complement.
    fn long(&mut self) -> Result<()> {
        let length = self.byte()?;
        let bytes = self.take(length.into())?;
        if bytes.len() > 8 {
            let found = format!("an integer of {length} bytes");
            return Err(Error::new(ErrorKind::Unsupported, found, "8 at most"));
        }
        let sign = if bytes.last().is_some_and(|&b| b >= 0x80) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Node::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn top(&self) -> Result<Ref> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = self.stack.get(floor..).and_then(<[Ref]>::last);
        top.copied().ok_or_else(|| corrupt("an empty stack", "a value"))
    }

    fn pop(&mut self) -> Result<Ref> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Everything since the last mark.
    fn marked(&mut self) -> Result<Vec<Ref>> {
        let mark = self.marks.pop().ok_or_else(|| corrupt("no mark", "one"))?;
        Ok(self.stack.split_off(mark))
    }

    fn extend_list(&mut self, items: Vec<Ref>) -> Result<()> {
        let list = self.top()?;
        match &mut self.nodes[list] {
            Node::List(list) => list.extend(items),
            _ => return Err(corrupt("items for something else", "a list")),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Ref]) -> Result<()> {
        let dict = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        match &mut self.nodes[dict] {
            Node::Dict(dict) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
            _ => return Err(corrupt("keys and values for something else", "a dict")),
        }
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<()> {
        self.memo.insert(place, self.top()?);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<()> {
        let value = self.memo.get(&place).ok_or_else(|| {
            corrupt(format!("memo {place}, which nothing was put in"), "one of those before")
        })?;
        self.stack.push(*value);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let global = globals::find(module, name).ok_or_else(|| {
            let of = |text: &str| text.chars().take(80).collect::<String>();
            let found = format!("the name '{}.{}'", of(module), of(name));
            Error::new(ErrorKind::Unsupported, found, globals::allowed())
        })?;
        self.push(Node::Global(global));
        Ok(())
    }

    fn reduce(&mut self) -> Result<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let (Node::Global(global), Node::Tuple(arguments)) =
            (&self.nodes[callee], &self.nodes[arguments])
        else {
            return Err(corrupt("a call of something else", "a name and a tuple"));
        };
        match globals::call(global, arguments, &self.nodes)? {
            Made::New(node) => self.push(node),
            Made::Old(value) => self.stack.push(value),
        }
        Ok(())
    }
}

/// A module or a name longer than this is damage.
const LONGEST_NAME: usize = 1 << 10;
