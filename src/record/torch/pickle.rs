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
            opcode @ (0x80 | 0x95) => self.head(opcode)?,
            b'(' => self.marks.push(self.stack.len()),
            opcode @ (b'N' | b'G' | 0x88 | 0x89) => self.plain(opcode)?,
            opcode @ (b'J' | b'K' | b'M' | 0x8a) => self.integer(opcode)?,
            opcode @ (b'X' | 0x8c | 0x8d) => self.text(opcode)?,
            opcode @ (b'}' | b']' | b')' | b't' | 0x85..=0x87) => self.container(opcode)?,
            opcode @ (b'a' | b'e' | b's' | b'u') => self.extend(opcode)?,
            opcode @ (b'q' | b'r' | 0x94) => self.remember(opcode)?,
            opcode @ (b'h' | b'j') => self.recall(opcode)?,
            opcode @ (b'c' | 0x93) => self.global(opcode)?,
            b'Q' => {
                let id = self.pop()?;
                let node = globals::storage(&self.nodes, id)?;
                self.push(node);
            }
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => {
                let found = format!("pickle opcode {other:#04x}");
                return Err(Error::new(ErrorKind::Unsupported, found, globals::allowed()));
            }
        }
        Ok(None)
    }

    /// The protocol, or the length of a frame.
    fn head(&mut self, opcode: u8) -> Result<()> {
        if opcode == 0x95 {
            return self.take(8).map(drop);
        }
        match self.byte()? {
            0..=5 => Ok(()),
            version => {
                let found = format!("a pickle of protocol {version}");
                Err(Error::new(ErrorKind::Unsupported, found, "5 at most"))
            }
        }
    }

    /// Nothing, a number of 64 bits, true or false.
    fn plain(&mut self, opcode: u8) -> Result<()> {
        if opcode == b'G' {
            self.take(8)?;
        }
        self.push(match opcode {
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            _ => Node::Plain,
        });
        Ok(())
    }

    /// A whole number of 32, 8 or 16 bits, or of so many bytes.
    fn integer(&mut self, opcode: u8) -> Result<()> {
        let number = match opcode {
            b'J' => i32::from_le_bytes(self.array()?).into(),
            b'K' => self.byte()?.into(),
            b'M' => u16::from_le_bytes(self.array()?).into(),
            _ => self.long()?,
        };
        self.push(Node::Int(number));
        Ok(())
    }

    /// A text behind its length of 32, 8 or 64 bits.
    fn text(&mut self, opcode: u8) -> Result<()> {
        let length = match opcode {
            b'X' => u32::from_le_bytes(self.array()?).into(),
            0x8c => self.byte()?.into(),
            _ => u64::from_le_bytes(self.array()?),
        };
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Node::Text(text));
        Ok(())
    }

    /// An empty dict, list or tuple; a tuple since the mark, or of one to three.
    fn container(&mut self, opcode: u8) -> Result<()> {
        let node = match opcode {
            b'}' => Node::Dict(Vec::new()),
            b']' => Node::List(Vec::new()),
            b')' => Node::Tuple(Vec::new()),
            b't' => Node::Tuple(self.marked()?),
            _ => {
                let mut items = Vec::new();
                for _ in 0x85..=opcode {
                    items.push(self.pop()?);
                }
                items.reverse();
                Node::Tuple(items)
            }
        };
        self.push(node);
        Ok(())
    }

    /// One item or those since the mark, into a list or as keys and values into a
    /// dict.
    fn extend(&mut self, opcode: u8) -> Result<()> {
        let items = match opcode {
            b'a' => vec![self.pop()?],
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                vec![key, value]
            }
            _ => self.marked()?,
        };
        let target = self.top()?;
        match (&mut self.nodes[target], opcode, items.as_chunks::<2>()) {
            (Node::List(list), b'a' | b'e', _) => list.extend(items),
            (Node::Dict(dict), b's' | b'u', (pairs, [])) => {
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
            _ => return Err(corrupt("items for something else", "a list or a dict")),
        }
        Ok(())
    }

    /// Notes the value on top, under a number of 8 or 32 bits or the next one.
    fn remember(&mut self, opcode: u8) -> Result<()> {
        let place = match opcode {
            b'q' => self.byte()?.into(),
            b'r' => u32::from_le_bytes(self.array()?),
            _ => self.memo.len() as u32,
        };
        self.memo.insert(place, self.top()?);
        Ok(())
    }

    /// What was noted under a number of 8 or 32 bits.
    fn recall(&mut self, opcode: u8) -> Result<()> {
        let place = match opcode {
            b'h' => self.byte()?.into(),
            _ => u32::from_le_bytes(self.array()?),
        };
        let value = self.memo.get(&place).ok_or_else(|| {
            corrupt(format!("memo {place}, which nothing was put in"), "one of those before")
        })?;
        self.stack.push(*value);
        Ok(())
    }

    /// A name, from two lines or from two texts.
    fn global(&mut self, opcode: u8) -> Result<()> {
        let (module, name) = match opcode {
            b'c' => (self.line()?, self.line()?),
            _ => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.nodes[module], &self.nodes[name]) {
                    (Node::Text(module), Node::Text(name)) => (module.clone(), name.clone()),
                    _ => return Err(corrupt("a name that is no text", "a module and a name")),
                }
            }
        };
        let global = globals::find(&module, &name).ok_or_else(|| {
            let of = |text: &str| text.chars().take(80).collect::<String>();
            let found = format!("the name '{}.{}'", of(&module), of(&name));
            Error::new(ErrorKind::Unsupported, found, globals::allowed())
        })?;
        self.push(Node::Global(global));
        Ok(())
    }

    /// What a name makes of a tuple of arguments.
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

    /// The attributes of an ordered dict, such as the metadata of a state dict, go
    /// away; nothing else here has any.
    fn build(&mut self) -> Result<()> {
        self.pop()?;
        match self.nodes[self.top()?] {
            Node::Dict(_) => Ok(()),
            _ => Err(corrupt("attributes of something else", "those of a dict")),
        }
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

    /// A whole number behind its length, two's complement.
    fn long(&mut self) -> Result<i64> {
        let length = self.byte()?;
        let bytes = self.take(length.into())?;
        if bytes.len() > 8 {
            let found = format!("an integer of {length} bytes");
            return Err(Error::new(ErrorKind::Unsupported, found, "8 at most"));
        }
        let sign = if bytes.last().is_some_and(|&b| b >= 0x80) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(i64::from_le_bytes(wide))
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
}

/// A module or a name longer than this is damage.
const LONGEST_NAME: usize = 1 << 10;
