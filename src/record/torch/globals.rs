//! The names that a pickle of tensors may name, and what calling them makes.
//!
//! **Source.** torch 2.15, `_utils.py` and `serialization.py`.

use super::pickle::{Node, Ref, View};
use crate::error::{Error, ErrorKind, Result};
use crate::record::element::Element;

/// What a name stands for.
#[derive(Debug)]
pub enum Global {
    /// A dict.
    OrderedDict,
    /// A tensor of the storage's type.
    Tensor,
    /// A tensor of a type given apart, the seventh argument.
    TensorOfType,
    /// The tensor that is its first argument.
    Parameter,
    /// The tuple that is its first argument.
    Size,
    /// A device, which does not matter.
    Device,
    /// A type of storages; without one, of bytes.
    Storage(Option<Element>),
    /// A type of numbers.
    Type(Element),
}

/// What a call makes: a value, or one of its arguments.
pub enum Made {
    /// A value.
    New(Node),
    /// An argument.
    Old(Ref),
}

const TORCH: &str = "torch";
const UTILS: &str = "torch._utils";

/// Every name, with its module.
const GLOBALS: &[(&str, &str, Global)] = &[
    ("collections", "OrderedDict", Global::OrderedDict),
    (UTILS, "_rebuild_tensor", Global::Tensor),
    (UTILS, "_rebuild_tensor_v2", Global::Tensor),
    (UTILS, "_rebuild_tensor_v3", Global::TensorOfType),
    (UTILS, "_rebuild_parameter", Global::Parameter),
    (TORCH, "Size", Global::Size),
    (TORCH, "device", Global::Device),
    ("torch.storage", "UntypedStorage", Global::Storage(None)),
    (TORCH, "DoubleStorage", Global::Storage(Some(Element::F64))),
    (TORCH, "FloatStorage", Global::Storage(Some(Element::F32))),
    (TORCH, "HalfStorage", Global::Storage(Some(Element::F16))),
    (TORCH, "BFloat16Storage", Global::Storage(Some(Element::BF16))),
    (TORCH, "LongStorage", Global::Storage(Some(Element::I64))),
    (TORCH, "IntStorage", Global::Storage(Some(Element::I32))),
    (TORCH, "ShortStorage", Global::Storage(Some(Element::I16))),
    (TORCH, "CharStorage", Global::Storage(Some(Element::I8))),
    (TORCH, "ByteStorage", Global::Storage(Some(Element::U8))),
    (TORCH, "BoolStorage", Global::Storage(Some(Element::Bool))),
    (TORCH, "float64", Global::Type(Element::F64)),
    (TORCH, "float32", Global::Type(Element::F32)),
    (TORCH, "float16", Global::Type(Element::F16)),
    (TORCH, "bfloat16", Global::Type(Element::BF16)),
    (TORCH, "int64", Global::Type(Element::I64)),
    (TORCH, "int32", Global::Type(Element::I32)),
    (TORCH, "int16", Global::Type(Element::I16)),
    (TORCH, "int8", Global::Type(Element::I8)),
    (TORCH, "uint64", Global::Type(Element::U64)),
    (TORCH, "uint32", Global::Type(Element::U32)),
    (TORCH, "uint16", Global::Type(Element::U16)),
    (TORCH, "uint8", Global::Type(Element::U8)),
    (TORCH, "bool", Global::Type(Element::Bool)),
];

/// What a name stands for, if it may be named.
pub fn find(module: &str, name: &str) -> Option<&'static Global> {
    let found = GLOBALS.iter().find(|(own, of, _)| *own == module && *of == name);
    found.map(|(_, _, global)| global)
}

/// What errors say is allowed.
pub fn allowed() -> String {
    let names = GLOBALS.iter().filter(|(.., global)| match global {
        Global::Storage(element) => element.is_none(),
        Global::Type(_) => false,
        _ => true,
    });
    let names: Vec<String> = names.map(|(module, name, _)| format!("{module}.{name}")).collect();
    format!(
        "tensors in dicts, lists and tuples, as torch.save(model.state_dict(), …) writes them: \
         {}, torch storages and types; nothing is ever executed",
        names.join(", ")
    )
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("other arguments for {what}"), "those of torch.save")
}

/// What a call makes.
///
/// # Errors
/// Arguments that torch would not have written.
pub fn call(global: &Global, arguments: &[Ref], nodes: &[Node]) -> Result<Made> {
    let argument = |i: usize| arguments.get(i).map(|&value| (value, &nodes[value]));
    match (global, argument(0)) {
        (Global::OrderedDict, None) => Ok(Made::New(Node::Dict(Vec::new()))),
        (Global::Device, _) => Ok(Made::New(Node::Plain)),
        (Global::Parameter, Some((tensor, Node::Tensor(_)))) => Ok(Made::Old(tensor)),
        (Global::Size, Some((tuple, Node::Tuple(_)))) => Ok(Made::Old(tuple)),
        (Global::Tensor, Some((storage, &Node::Storage(_, Some(element), _)))) => {
            tensor(storage, element, arguments, nodes)
        }
        (Global::TensorOfType, Some((storage, Node::Storage(..)))) => match argument(6) {
            Some((_, Node::Global(Global::Type(element)))) => {
                tensor(storage, *element, arguments, nodes)
            }
            _ => Err(wrong("a tensor")),
        },
        _ => Err(wrong(&format!("{global:?}"))),
    }
}

fn tensor(storage: Ref, element: Element, arguments: &[Ref], nodes: &[Node]) -> Result<Made> {
    let &[_, offset, size, stride, ..] = arguments else { return Err(wrong("a tensor")) };
    let offset = number(&nodes[offset]).ok_or_else(|| wrong("a tensor's offset"))?;
    Ok(Made::New(Node::Tensor(View { storage, element, offset, size, stride })))
}

fn number(node: &Node) -> Option<usize> {
    match node {
        Node::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

/// The sizes in a tuple.
///
/// # Errors
/// Anything else, and more axes than torch allows.
pub fn sizes(nodes: &[Node], tuple: Ref) -> Result<Vec<usize>> {
    let items = match &nodes[tuple] {
        Node::Tuple(items) if items.len() <= MOST_AXES => items,
        _ => return Err(wrong("a tensor's axes")),
    };
    let sizes: Option<Vec<usize>> = items.iter().map(|&item| number(&nodes[item])).collect();
    sizes.ok_or_else(|| wrong("a tensor's axes"))
}

/// As `torch` has it.
const MOST_AXES: usize = 64;

/// A storage by its persistent id, `('storage', type, key, location, numbers)`;
/// where it was does not matter.
///
/// # Errors
/// Any other id.
pub fn storage(nodes: &[Node], id: Ref) -> Result<Node> {
    let Node::Tuple(id) = &nodes[id] else { return Err(wrong("a storage")) };
    let (&[tag, kind, key, _, numbers], rest) = match id.split_first_chunk::<5>() {
        Some(parts) => parts,
        None => return Err(wrong("a storage")),
    };
    let is_view = rest.iter().any(|&view| !matches!(nodes[view], Node::Plain));
    match (&nodes[tag], &nodes[kind], &nodes[key], number(&nodes[numbers])) {
        (Node::Text(tag), Node::Global(Global::Storage(element)), Node::Text(_), Some(numbers))
            if tag == "storage" && !is_view =>
        {
            Ok(Node::Storage(key, *element, numbers))
        }
        _ => Err(wrong("a storage")),
    }
}
