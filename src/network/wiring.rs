//! The network that runs: graphs within graphs dissolved, every shape known,
//! every edge checked.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Node, NodeKind, stated_shape};
use crate::error::{Error, ErrorKind, Result};
use crate::layer::Layer;
use crate::neuron::Neuron;
use crate::signal::Shape;

/// The metadata entry that names the classes, one a line in output order.
pub const CLASS_NAMES: &str = "class_names";

/// A network whose shapes and edges fit.
#[derive(Debug)]
pub struct Network {
    /// The units, one [`Unit::Input`] and one [`Unit::Output`] among them.
    pub units: Vec<Wired>,
    /// Index of the input.
    pub input: usize,
    /// Index of the output.
    pub output: usize,
    /// What the file left open or said oddly, and how it was read.
    pub notes: Vec<String>,
    /// Names of the output's classes, where the file has them.
    pub classes: Option<Vec<String>>,
}

/// A unit with its place in the network.
#[derive(Debug)]
pub struct Wired {
    /// Its name, behind the names of the graphs around it.
    pub name: String,
    /// What it is.
    pub unit: Unit,
    /// Shape of what it receives.
    pub input: Shape,
    /// Shape of what it sends.
    pub output: Shape,
    /// The units it receives from, ascending.
    pub sources: Vec<usize>,
}

/// What runs.
#[derive(Debug)]
pub enum Unit {
    /// Events enter.
    Input,
    /// The answer leaves.
    Output,
    /// A population.
    Neuron(Box<dyn Neuron>),
    /// A connection.
    Layer(Box<dyn Layer>),
}

impl Unit {
    /// The name of its NIR node.
    pub fn nir(&self) -> &'static str {
        match self {
            Unit::Input => "Input",
            Unit::Output => "Output",
            Unit::Neuron(neuron) => neuron.nir(),
            Unit::Layer(layer) => layer.nir(),
        }
    }

    /// Number of stored parameters.
    pub fn parameters(&self) -> usize {
        match self {
            Unit::Input | Unit::Output => 0,
            Unit::Neuron(neuron) => neuron.parameters(),
            Unit::Layer(layer) => layer.parameters(),
        }
    }
}

impl Network {
    /// Wires a graph.
    ///
    /// # Errors
    /// An edge without a node, a shape that does not fit, no input or output or
    /// more than one, a loop in which nothing takes time; each names its nodes.
    pub fn new(graph: Graph) -> Result<Network> {
        let classes =
            graph.metadata(CLASS_NAMES).map(|text| text.lines().map(str::to_owned).collect());
        let mut flat = Flat::default();
        flat.dissolve(graph, "")?;
        flat.close()?;
        let mut network = flat.wire()?;
        network.classes = classes;
        network.refuse_idle_loops()?;
        if let Some(classes) = &network.classes
            && classes.len() != network.units[network.output].output.len()
        {
            let found = format!("{} class names", classes.len());
            let outputs = network.units[network.output].output.len();
            return Err(Error::new(ErrorKind::Graph, found, format!("{outputs}, one an output")));
        }
        Ok(network)
    }

    /// Stored parameters of all units.
    pub fn parameters(&self) -> usize {
        self.units.iter().map(|wired| wired.unit.parameters()).sum()
    }

    /// An order of evaluation. What units for which `sends_later` is true send is
    /// known before the step, so nobody waits for them.
    ///
    /// A loop is entered at a population that already hears from outside it; what
    /// closes the loop there is heard one step later.
    pub fn order(&self, sends_later: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut sequence = Vec::with_capacity(self.units.len());
        let mut placed = vec![false; self.units.len()];
        while sequence.len() < self.units.len() {
            let open = || (0..self.units.len()).filter(|&unit| !placed[unit]);
            let ready = open().find(|&unit| {
                let mut sources = self.units[unit].sources.iter();
                sources.all(|&source| placed[source] || sends_later(source))
            });
            let next = ready.or_else(|| {
                open().min_by_key(|&unit| {
                    let entered = self.units[unit].sources.iter().any(|&s| placed[s]);
                    (!entered, !matches!(self.units[unit].unit, Unit::Neuron(_)), unit)
                })
            });
            let Some(next) = next else { break };
            sequence.push(next);
            placed[next] = true;
        }
        sequence
    }

    /// A loop of layers alone would need its own output to compute it.
    fn refuse_idle_loops(&self) -> Result<()> {
        let takes_time = |unit: usize| match &self.units[unit].unit {
            Unit::Layer(layer) => layer.nir() == "Delay",
            _ => true,
        };
        let mut open: BTreeSet<usize> = (0..self.units.len()).filter(|&u| !takes_time(u)).collect();
        loop {
            let before = open.len();
            let hears = |u: &usize| self.units[*u].sources.iter().any(|s| open.contains(s));
            open = open.iter().copied().filter(hears).collect();
            match open.len() {
                0 => return Ok(()),
                n if n == before => break,
                _ => (),
            }
        }
        let names: Vec<_> = open.iter().map(|&u| format!("'{}'", self.units[u].name)).collect();
        let found = format!("a loop through {} alone", names.join(", "));
        Err(Error::new(ErrorKind::Graph, found, "a neuron or a delay in every loop"))
    }
}

/// All nodes of all graphs, and the edges between them.
#[derive(Default)]
struct Flat {
    nodes: Vec<Node>,
    edges: BTreeSet<(usize, usize)>,
    notes: Vec<String>,
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
    fn dissolve(&mut self, graph: Graph, prefix: &str) -> Result<(Vec<usize>, Vec<usize>)> {
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

    fn sources(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.iter().filter(move |(_, to)| *to == node).map(|(from, _)| *from)
    }

    fn targets(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.range((node, 0)..=(node, usize::MAX)).map(|(_, to)| *to)
    }

    /// Adds an input before the only node that nothing leads to, and an output
    /// behind the only one that leads nowhere, where the file has none.
    fn close(&mut self) -> Result<()> {
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
            let axes: Vec<i64> = shape.axes().iter().map(|&axis| axis as i64).collect();
            let kind = NodeKind::Input(crate::record::Array::integers(&axes));
            self.edges.insert((self.nodes.len(), root));
            self.nodes.push(Node::new("input", kind));
        }
        if !self.nodes.iter().any(is_output) {
            let leaves: Vec<_> = all.filter(|&n| self.targets(n).next().is_none()).collect();
            let leaf = self.only(&leaves, "Output", "node that leads nowhere")?;
            self.notes
                .push(format!("no Output in the file: '{}' is read as it", self.nodes[leaf].name));
            self.edges.insert((leaf, self.nodes.len()));
            self.nodes
                .push(Node::new("output", NodeKind::Output(crate::record::Array::integers(&[]))));
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

    /// Replaces every edge through a relay by edges past it.
    fn pass_relays(&mut self) -> Vec<Relay> {
        let ends = |node: usize| {
            (self.sources(node).next().is_some(), self.targets(node).next().is_some())
        };
        let relays: Vec<usize> = (0..self.nodes.len())
            .filter(|&n| match self.nodes[n].kind {
                NodeKind::Input(_) => ends(n).0,
                NodeKind::Output(_) => ends(n).1,
                _ => false,
            })
            .collect();
        let mut passed = Vec::new();
        for &relay in &relays {
            let sources: Vec<_> = self.sources(relay).filter(|&s| s != relay).collect();
            let targets: Vec<_> = self.targets(relay).filter(|&t| t != relay).collect();
            self.edges.retain(|&(from, to)| from != relay && to != relay);
            self.edges.extend(sources.iter().flat_map(|&s| targets.iter().map(move |&t| (s, t))));
            passed.push(Relay { node: relay, sources });
        }
        passed
    }

    fn wire(mut self) -> Result<Network> {
        let relays = self.pass_relays();
        let skipped: BTreeSet<usize> = relays.iter().map(|relay| relay.node).collect();
        let shapes = self.shapes(&skipped)?;
        self.check(&shapes, &relays)?;
        let kept: Vec<usize> = (0..self.nodes.len()).filter(|n| !skipped.contains(n)).collect();
        let index: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(i, &n)| (n, i)).collect();
        let sources: Vec<Vec<usize>> =
            kept.iter().map(|&n| self.sources(n).map(|s| index[&s]).collect()).collect();
        let mut units = Vec::new();
        for ((n, node), sources) in
            self.nodes.into_iter().enumerate().filter(|(n, _)| index.contains_key(n)).zip(sources)
        {
            let unit = match node.kind {
                NodeKind::Input(_) => Unit::Input,
                NodeKind::Output(_) => Unit::Output,
                NodeKind::Neuron(neuron) => Unit::Neuron(neuron),
                NodeKind::Layer(layer) => Unit::Layer(layer),
                NodeKind::Graph(_) => continue,
            };
            let Some((input, output)) = shapes[n].clone() else { continue };
            units.push(Wired { name: node.name, unit, input, output, sources });
        }
        let single = |what: &str, is: fn(&Unit) -> bool| {
            let all: Vec<usize> = (0..units.len()).filter(|&u| is(&units[u].unit)).collect();
            match all[..] {
                [one] => Ok(one),
                _ => {
                    let names: Vec<_> = all.iter().map(|&u| &units[u].name[..]).collect();
                    let found =
                        format!("{} nodes of type {what} [{}]", all.len(), names.join(", "));
                    Err(Error::new(ErrorKind::Unsupported, found, "one"))
                }
            }
        };
        let input = single("Input", |unit| matches!(unit, Unit::Input))?;
        let output = single("Output", |unit| matches!(unit, Unit::Output))?;
        Ok(Network { units, input, output, notes: self.notes, classes: None })
    }

    /// Input and output shape of every node, worked out from the input onwards.
    fn shapes(&mut self, skipped: &BTreeSet<usize>) -> Result<Vec<Option<(Shape, Shape)>>> {
        let mut shapes: Vec<Option<(Shape, Shape)>> = vec![None; self.nodes.len()];
        let mut open: BTreeSet<usize> = (0..self.nodes.len()).collect();
        open.retain(|n| !skipped.contains(n));
        while !open.is_empty() {
            let heard = |n: usize| {
                self.sources(n).find_map(|s| shapes[s].as_ref().map(|(_, output)| output.clone()))
            };
            let next = open.iter().find_map(|&n| {
                let is_input = matches!(self.nodes[n].kind, NodeKind::Input(_));
                if is_input {
                    own_shape(&self.nodes[n].kind).map(|s| (n, s))
                } else {
                    heard(n).map(|s| (n, s))
                }
            });
            let next = next.or_else(|| {
                open.iter().find_map(|&n| own_shape(&self.nodes[n].kind).map(|s| (n, s)))
            });
            let Some((n, input)) = next else {
                let names: Vec<_> =
                    open.iter().map(|&n| format!("'{}'", self.nodes[n].name)).collect();
                let found = format!("no way to tell the shape of {}", names.join(", "));
                return Err(Error::new(ErrorKind::Graph, found, "a path from the input"));
            };
            let output = self.output_shape(n, &input)?;
            shapes[n] = Some((input, output));
            open.remove(&n);
        }
        Ok(shapes)
    }

    fn output_shape(&mut self, n: usize, input: &Shape) -> Result<Shape> {
        let node = &self.nodes[n];
        let place = |e: Error| e.at(format!("node '{}' ({})", node.name, node.kind.nir()));
        match &node.kind {
            NodeKind::Layer(layer) => layer.output_shape(input).map_err(place),
            NodeKind::Neuron(neuron) => {
                let own = neuron.shape();
                let shared = own.iter().product::<usize>() == 1;
                if own != input.axes() && !shared {
                    let found = format!("an input of {input}");
                    let error = Error::new(ErrorKind::Shape, found, format!("{own:?}"));
                    return Err(place(error));
                }
                if own != input.axes() {
                    let note =
                        format!("'{}': one set of parameters for {input} neurons", node.name);
                    self.notes.push(note);
                }
                Ok(input.clone())
            }
            NodeKind::Output(stated) if !stated.is_empty() => {
                let stated = stated_shape(stated).map_err(place)?;
                if stated != *input && !stated.same_elements(input) {
                    let error = Error::new(
                        ErrorKind::Shape,
                        format!("an input of {input}"),
                        stated.to_string(),
                    );
                    return Err(place(error));
                }
                if stated != *input {
                    self.notes
                        .push(format!("'{}' states {stated} and receives {input}", node.name));
                }
                Ok(input.clone())
            }
            _ => Ok(input.clone()),
        }
    }

    /// Every edge must end in the shape that it brings.
    fn check(&mut self, shapes: &[Option<(Shape, Shape)>], relays: &[Relay]) -> Result<()> {
        let mismatch = |from: usize, to: usize, brought: &Shape, expected: &Shape| {
            let found = format!("{brought} from '{}'", self.nodes[from].name);
            let place = format!("node '{}' ({})", self.nodes[to].name, self.nodes[to].kind.nir());
            Error::new(ErrorKind::Shape, found, expected.to_string()).at(place)
        };
        let mut silent = Vec::new();
        for (n, shape) in shapes.iter().enumerate() {
            let Some((input, _)) = shape else { continue };
            let mut heard = false;
            for source in self.sources(n) {
                heard = true;
                if let Some((_, brought)) = &shapes[source]
                    && brought != input
                {
                    return Err(mismatch(source, n, brought, input));
                }
            }
            if !heard && !matches!(self.nodes[n].kind, NodeKind::Input(_)) {
                silent.push(format!("nothing leads to '{}'", self.nodes[n].name));
            }
        }
        for relay in relays {
            let (NodeKind::Input(stated) | NodeKind::Output(stated)) = &self.nodes[relay.node].kind
            else {
                continue;
            };
            let stated = stated_shape(stated)?;
            for &source in &relay.sources {
                if let Some((_, brought)) = &shapes[source]
                    && !brought.same_elements(&stated)
                {
                    return Err(mismatch(source, relay.node, brought, &stated));
                }
            }
        }
        self.notes.extend(silent);
        Ok(())
    }
}

/// An `Input` or `Output` of an inner graph, and what led to it.
struct Relay {
    node: usize,
    sources: Vec<usize>,
}

/// The input shape that a node's own parameters state.
fn own_shape(kind: &NodeKind) -> Option<Shape> {
    match kind {
        NodeKind::Input(stated) => stated_shape(stated).ok(),
        NodeKind::Neuron(neuron) => Shape::new(neuron.shape()).ok(),
        NodeKind::Layer(layer) => layer.input_shape(),
        NodeKind::Output(_) | NodeKind::Graph(_) => None,
    }
}
