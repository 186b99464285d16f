//! The graph as a file has it: named nodes, edges between names, graphs within
//! graphs. Nothing is inferred here and nothing is dropped: what a room does not
//! know of its node is kept and written back, and a network notes that it was not read.

use crate::error::{Error, ErrorKind, Result};
use crate::layer::{BEYOND_NIR, Kind, LAYERS, Layer};
use crate::neuron::preset::Conventions;
use crate::neuron::{FOREIGN, MODELS, Model, Neuron};
use crate::record::{Array, Record, Values};
use crate::signal::Shape;
use crate::units::Micros;

/// How deep graphs may lie within graphs.
const DEEPEST: usize = 16;

/// A graph of nodes, or a node that is one.
#[derive(Debug, Default)]
pub struct Graph {
    /// The nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// `(from, to)` by name, in the order of the file.
    pub edges: Vec<(String, String)>,
    /// Everything else that the file holds for the graph, metadata included.
    pub rest: Record,
    /// The rules that the file was made for, where it says so or its format does.
    pub convention: Option<Conventions>,
    /// The step that it was made for, where it says so.
    pub dt: Option<Micros>,
    /// What was odd in the file, and how it was read.
    pub notes: Vec<String>,
}

/// A node with its name.
#[derive(Debug)]
pub struct Node {
    /// Its name, unique within its graph.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// What the file holds for it beyond its parameters, metadata included.
    pub rest: Record,
}

/// Which nodes a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// Those of NIR.
    Nir,
    /// Those that NIR has not too.
    Own,
}

impl Vocabulary {
    fn models(self) -> impl Iterator<Item = &'static Model> {
        MODELS.iter().chain(if self == Vocabulary::Own { FOREIGN } else { &[] })
    }

    fn layers(self) -> impl Iterator<Item = &'static Kind> {
        LAYERS.iter().chain(if self == Vocabulary::Own { BEYOND_NIR } else { &[] })
    }
}

/// What a node is.
#[derive(Debug)]
pub enum NodeKind {
    /// Where signals of this shape enter.
    Input(Array),
    /// Where signals of this shape leave.
    Output(Array),
    /// A population.
    Neuron(Neuron),
    /// A connection.
    Layer(Box<dyn Layer>),
    /// A graph with its own inputs and outputs.
    Graph(Graph),
}

impl NodeKind {
    /// The name of its NIR node.
    pub fn nir(&self) -> &'static str {
        match self {
            NodeKind::Input(_) => "Input",
            NodeKind::Output(_) => "Output",
            NodeKind::Neuron(neuron) => neuron.model().nir,
            NodeKind::Layer(layer) => layer.nir(),
            NodeKind::Graph(_) => "NIRGraph",
        }
    }

    fn read(nir: &str, record: &mut Record, words: Vocabulary, depth: usize) -> Result<NodeKind> {
        if let Some(model) = words.models().find(|m| m.nir == nir) {
            return Ok(NodeKind::Neuron(model.read(record)?));
        }
        if let Some(layer) = words.layers().find(|l| l.nir == nir) {
            refuse_endless(record)?;
            return Ok(NodeKind::Layer((layer.read)(record)?));
        }
        match nir {
            "Input" => Ok(NodeKind::Input(record.take("shape")?)),
            "Output" => Ok(NodeKind::Output(record.take("shape")?)),
            "NIRGraph" => {
                let inner = Graph::from_record(std::mem::take(record), words, depth)?;
                Ok(NodeKind::Graph(inner))
            }
            _ => {
                let models = words.models().map(|m| m.nir);
                let known: Vec<_> = models.chain(words.layers().map(|l| l.nir)).collect();
                let expected = format!("Input, Output, NIRGraph, {}", known.join(", "));
                Err(Error::new(ErrorKind::Unsupported, format!("a node of type {nir}"), expected))
            }
        }
    }

    fn write(&self) -> Record {
        let shape = |shape: &Array| {
            let mut record = Record::default();
            record.put("shape", shape.clone());
            record
        };
        match self {
            NodeKind::Input(array) | NodeKind::Output(array) => shape(array),
            NodeKind::Neuron(neuron) => neuron.write(),
            NodeKind::Layer(layer) => layer.write(),
            NodeKind::Graph(graph) => graph.to_record(),
        }
    }
}

impl Node {
    /// A node with nothing beyond its parameters.
    pub fn new(name: impl Into<String>, kind: NodeKind) -> Node {
        Node { name: name.into(), kind, rest: Record::default() }
    }

    /// How errors name it.
    pub(super) fn place(&self) -> String {
        format!("node '{}' ({})", self.name, self.kind.nir())
    }

    /// The fields of the file that are none of its kind: misspelt perhaps, or of another
    /// version. Every node may have metadata, and the types that NIR works out for itself.
    pub(super) fn unknown(&self) -> Vec<&str> {
        let Record { arrays, groups } = &self.rest;
        let names = arrays.keys().chain(groups.keys()).map(String::as_str);
        names.filter(|name| !["metadata", "input_type", "output_type"].contains(name)).collect()
    }

    fn from_record(
        name: &str,
        mut record: Record,
        words: Vocabulary,
        depth: usize,
    ) -> Result<Node> {
        let place = |e: Error| e.at(format!("node '{name}'"));
        let nir = record.take("type").and_then(|t| Ok(t.as_text()?.to_owned())).map_err(place)?;
        let kind = NodeKind::read(&nir, &mut record, words, depth)
            .map_err(|e| e.at(format!("node '{name}' ({nir})")))?;
        Ok(Node { name: name.into(), kind, rest: record })
    }

    fn to_record(&self) -> Record {
        let mut record = self.rest.clone();
        let Record { arrays, groups } = self.kind.write();
        record.arrays.extend(arrays);
        record.groups.extend(groups);
        record.put("type", Array::text(self.kind.nir()));
        record
    }
}

impl Graph {
    /// Reads the fields of a `NIRGraph`.
    ///
    /// # Errors
    /// A node that is not known or misses a field, named with its path.
    pub(super) fn from_record(
        mut record: Record,
        words: Vocabulary,
        depth: usize,
    ) -> Result<Graph> {
        if depth > DEEPEST {
            let found = format!("graphs within graphs, {depth} deep");
            return Err(Error::new(ErrorKind::Unsupported, found, format!("{DEEPEST} at most")));
        }
        record.take_if_any("type");
        let edges = edges(&record.take("edges")?)?;
        let nodes = record.groups.remove("nodes").unwrap_or_default();
        let nodes = nodes.groups.into_iter();
        let nodes: Result<_> =
            nodes.map(|(name, r)| Node::from_record(&name, r, words, depth + 1)).collect();
        Ok(Graph { nodes: nodes?, edges, rest: record, ..Graph::default() })
    }

    /// The fields of a `NIRGraph`.
    pub fn to_record(&self) -> Record {
        let mut record = self.rest.clone();
        let ends = self.edges.iter().flat_map(|(from, to)| [from.clone(), to.clone()]);
        let ends = Array::new(&[self.edges.len(), 2], Values::Text(ends.collect()));
        record.put("edges", ends.expect("two ends an edge"));
        let nodes = self.nodes.iter().map(|node| (node.name.clone(), node.to_record()));
        let nodes = Record { groups: nodes.collect(), ..Record::default() };
        record.groups.insert("nodes".into(), nodes);
        record.put("type", Array::text("NIRGraph"));
        record
    }

    /// Refuses what a NIR file has no words for.
    ///
    /// # Errors
    /// The first such node, by its name.
    pub(super) fn check_nir(&self) -> Result<()> {
        self.nodes.iter().try_for_each(|node| match &node.kind {
            NodeKind::Layer(layer) if BEYOND_NIR.iter().any(|own| own.nir == layer.nir()) => {
                let found = "a layer that NIR does not have";
                let known: Vec<_> = LAYERS.iter().map(|l| l.nir).collect();
                Err(Error::new(ErrorKind::Unsupported, found, known.join(", ")).at(node.place()))
            }
            NodeKind::Neuron(neuron) if FOREIGN.iter().any(|own| own.nir == neuron.model().nir) => {
                let found = "a neuron that NIR does not have";
                let known: Vec<_> = MODELS.iter().map(|m| m.nir).collect();
                Err(Error::new(ErrorKind::Unsupported, found, known.join(", ")).at(node.place()))
            }
            NodeKind::Graph(inner) => inner.check_nir().map_err(|e| e.at(node.place())),
            _ => Ok(()),
        })
    }

    /// A text of the graph's metadata.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.rest.groups.get("metadata")?.arrays.get(name)?.as_text().ok()
    }

    /// Takes a text out of the graph's metadata.
    pub(super) fn take_metadata(&mut self, name: &str) -> Option<String> {
        let metadata = self.rest.groups.get_mut("metadata")?;
        let text = metadata.arrays.get(name)?.as_text().ok()?.to_owned();
        metadata.arrays.remove(name);
        if metadata.is_empty() {
            self.rest.groups.remove("metadata");
        }
        Some(text)
    }

    /// Sets a text of the graph's metadata.
    pub fn set_metadata(&mut self, name: &str, text: &str) {
        let metadata = self.rest.groups.entry("metadata".into()).or_default();
        metadata.put(name, Array::text(text));
    }
}

/// Refuses weights that are no numbers in 32 bits.
///
/// # Errors
/// The first that is infinite, too large or NaN, with its field.
pub(super) fn refuse_endless(fields: &Record) -> Result<()> {
    fields.arrays.iter().try_for_each(|(name, array)| {
        let wrong = match array.values() {
            Values::F32(v) => v.iter().position(|x| !x.is_finite()).map(|i| (i, f64::from(v[i]))),
            Values::F64(v) => v.iter().position(|&x| !(x as f32).is_finite()).map(|i| (i, v[i])),
            Values::I64(_) | Values::Text(_) => None,
        };
        let Some((i, x)) = wrong else { return Ok(()) };
        let error = Error::new(ErrorKind::Corrupt, format!("{x} at {i}"), "a number of 32 bits");
        Err(error.at(format!("'{name}'")))
    })
}

fn edges(array: &Array) -> Result<Vec<(String, String)>> {
    if array.is_empty() {
        return Ok(Vec::new());
    }
    let texts = array.texts().map_err(|e| e.at("'edges'"))?;
    match array.shape() {
        [_, 2] => Ok(texts.chunks(2).map(|ends| (ends[0].clone(), ends[1].clone())).collect()),
        shape => {
            let found = format!("'edges' of shape {shape:?}");
            Err(Error::new(ErrorKind::Corrupt, found, "pairs of node names, [edges, 2]"))
        }
    }
}

/// The shape that an `Input` or `Output` states.
pub(super) fn stated_shape(array: &Array) -> Result<Shape> {
    let numbers = array.numbers()?;
    let sizes = array.sizes().map_err(|e| {
        let axes: Vec<String> = numbers.iter().map(f64::to_string).collect();
        Error { found: format!("shape [{}]", axes.join(", ")), expected: AXES.into(), ..e }
    });
    Shape::new(&sizes?)
}

/// What a shape is made of.
const AXES: &str = "one or more axes of positive length";
