//! Graphs within graphs, dissolved: one list of nodes, one set of edges.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Node, NodeKind, stated_shape};
use super::shapes::own_shape;
use crate::error::{Error, ErrorKind, Result};
use crate::record::Array;
use crate::signal::Shape;

/// All nodes of all graphs, and the edges between them.
#[derive(Default)]
pub struct Flat {
    /// The nodes, inner inputs and outputs among them.
    pub nodes: Vec<Node>,
    /// `(from, to)`, by index.
    pub edges: BTreeSet<(usize, usize)>,
    /// What was odd, and how it was read.
    pub notes: Vec<String>,
}

/// Where edges to and from a name end up.
#[derive(Clone, Copy)]
struct Ends {
    enter: Option<usize>,
    leave: Option<usize>,
}

impl Flat {
    /// Adds the nodes of `graph` with `prefix` before their names.
    ///
    /// Inputs and outputs of graphs within it stay for now, as relays.
    pub fn dissolve(&mut self, graph: Graph, prefix: &str) -> Result<(Vec<usize>, Vec<usize>)> {
        self.notes.extend(graph.notes);
        let mut ends = BTreeMap::new();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for mut node in graph.nodes {
            let name = node.name.clone();
            node.name = format!("{prefix}{name}");
            let index = self.nodes.len();
            let both = Ends { enter: Some(index), leave: Some(index) };
            match node.kind {
                NodeKind::Graph(inner) => {
                    let (enter, leave) = self.dissolve(inner, &format!("{}.", node.name))?;
                    let single = |all: Vec<usize>| (all.len() == 1).then(|| all[0]);
                    ends.insert(name, Ends { enter: single(enter), leave: single(leave) });
                    continue;
                }
                NodeKind::Input(_) => inputs.push(index),
                NodeKind::Output(_) => outputs.push(index),
                _ => (),
            }
            let unknown = node.unknown();
            if !unknown.is_empty() {
                let fields = unknown.join("', '");
                self.notes.push(format!("{}: not read: '{fields}'", node.place()));
            }
            self.nodes.push(node);
            ends.insert(name, both);
        }
        for (from, to) in &graph.edges {
            let find = |name: &String| {
                ends.get(name).copied().ok_or_else(|| {
                    let found = format!("an edge '{from}' → '{to}' without a node '{name}'");
                    let place = if prefix.is_empty() { "the graph" } else { prefix };
                    Error::new(ErrorKind::Graph, found, format!("that node in {place}"))
                })
            };
            let several = |name: &str, what: &str| {
                let found = format!("an edge at graph '{name}', which has no single {what}");
                Error::new(ErrorKind::Unsupported, found, format!("one {what}"))
            };
            let leave = find(from)?.leave.ok_or_else(|| several(from, "Output"))?;
            let enter = find(to)?.enter.ok_or_else(|| several(to, "Input"))?;
            if !self.edges.insert((leave, enter)) {
                self.notes.push(format!("edge '{from}' → '{to}' stands twice and counts once"));
            }
        }
        Ok((inputs, outputs))
    }

    pub fn sources(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.iter().filter(move |(_, to)| *to == node).map(|(from, _)| *from)
    }

    pub fn targets(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.range((node, 0)..=(node, usize::MAX)).map(|(_, to)| *to)
    }

    /// Adds an input before the only node that nothing leads to, and an output
    /// behind the only one that leads nowhere, where the file has none.
    pub fn close(&mut self) -> Result<()> {
        let is_input = |node: &Node| matches!(node.kind, NodeKind::Input(_));
        let is_output = |node: &Node| matches!(node.kind, NodeKind::Output(_));
        let all = 0..self.nodes.len();
        if !self.nodes.iter().any(is_input) {
            let roots: Vec<_> = all.clone().filter(|&n| self.sources(n).next().is_none()).collect();
            let root = self.only(&roots, "Input", "node that nothing leads to")?;
            let shape = own_shape(&self.nodes[root].kind).ok_or_else(|| {
                let found = format!("no Input before '{}'", self.nodes[root].name);
                Error::new(ErrorKind::Graph, found, "an Input, or a shape of that node's own")
            })?;
            self.notes
                .push(format!("no Input in the file: '{}' is read as it", self.nodes[root].name));
            let kind = NodeKind::Input(Array::of_sizes(shape.axes()));
            self.edges.insert((self.nodes.len(), root));
            self.nodes.push(Node::new("input", kind));
        }
        if !self.nodes.iter().any(is_output) {
            let leaves: Vec<_> = all.filter(|&n| self.targets(n).next().is_none()).collect();
            let leaf = self.only(&leaves, "Output", "node that leads nowhere")?;
            self.notes
                .push(format!("no Output in the file: '{}' is read as it", self.nodes[leaf].name));
            self.edges.insert((leaf, self.nodes.len()));
            self.nodes.push(Node::new("output", NodeKind::Output(Array::integers(&[]))));
        }
        Ok(())
    }

    fn only(&self, candidates: &[usize], what: &str, expected: &str) -> Result<usize> {
        match candidates {
            [one] => Ok(*one),
            _ => {
                let names: Vec<_> = candidates.iter().map(|&n| &self.nodes[n].name[..]).collect();
                let found =
                    format!("no {what}, and {} candidates [{}]", names.len(), names.join(", "));
                Err(Error::new(ErrorKind::Graph, found, format!("one {expected}")))
            }
        }
    }

    /// Takes out the inputs and outputs of inner graphs: what led to one leads to
    /// where it led.
    pub fn pass_relays(&mut self) -> Result<Vec<Relay>> {
        let heard = |n: usize| self.sources(n).next().is_some();
        let hears = |n: usize| self.targets(n).next().is_some();
        let is_relay = |n: &usize| match self.nodes[*n].kind {
            NodeKind::Input(_) => heard(*n),
            NodeKind::Output(_) => hears(*n),
            _ => false,
        };
        let relays: BTreeSet<usize> = (0..self.nodes.len()).filter(is_relay).collect();
        let mut led: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &relay in &relays {
            let sources: Vec<_> = self.sources(relay).filter(|&s| s != relay).collect();
            let targets: Vec<_> = self.targets(relay).filter(|&t| t != relay).collect();
            self.edges.retain(|&(from, to)| from != relay && to != relay);
            self.edges.extend(sources.iter().flat_map(|&s| targets.iter().map(move |&t| (s, t))));
            led.insert(relay, sources);
        }
        self.take_out(&relays, led)
    }

    /// Removes nodes that no edge touches any more, and counts the others anew.
    fn take_out(
        &mut self,
        relays: &BTreeSet<usize>,
        mut led: BTreeMap<usize, Vec<usize>>,
    ) -> Result<Vec<Relay>> {
        let kept = (0..self.nodes.len()).filter(|n| !relays.contains(n));
        let new: BTreeMap<usize, usize> = kept.enumerate().map(|(new, old)| (old, new)).collect();
        let (mut nodes, mut out) = (Vec::new(), Vec::new());
        for (old, node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            match (led.remove(&old), &node.kind) {
                (Some(sources), NodeKind::Input(stated) | NodeKind::Output(stated)) => {
                    let stated = stated_shape(stated).map_err(|e| e.at(node.place()))?;
                    let sources = sources.iter().filter_map(|s| new.get(s).copied()).collect();
                    out.push(Relay { place: node.place(), stated, sources });
                }
                _ => nodes.push(node),
            }
        }
        self.nodes = nodes;
        self.edges = self.edges.iter().map(|(from, to)| (new[from], new[to])).collect();
        Ok(out)
    }
}

/// An `Input` or `Output` of an inner graph, and what led to it.
pub struct Relay {
    /// Its name and type.
    pub place: String,
    /// The shape that it states.
    pub stated: Shape,
    /// What led to it.
    pub sources: Vec<usize>,
}
