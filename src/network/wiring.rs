//! The network that runs: graphs within graphs dissolved, every shape known,
//! every edge checked.

use std::collections::BTreeSet;

use super::flat::Flat;
use super::graph::{Graph, NodeKind};
use super::shapes::InOut;
use crate::error::{Error, ErrorKind, Result};
use crate::layer::Layer;
use crate::neuron::Neuron;
use crate::neuron::preset::Conventions;
use crate::signal::Shape;
use crate::units::Micros;

/// The metadata entry that names the classes, one a line in output order.
pub const CLASS_NAMES: &str = "class_names";

/// The metadata entry that says what several events of a pixel in a step are, as on the
/// command line.
pub const INPUT_MODE: &str = "synops_input";

/// The metadata entry that says of what all steps of a sample had equally much, where they
/// had no length; as on the command line.
pub const SLICE: &str = "synops_slice";

/// The metadata entry that says how the data set was split that the network learned from.
pub const SPLIT: &str = "synops_split";

/// The metadata entry that says how many steps a sample had that the network learned from.
pub const STEPS: &str = "synops_steps";

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
    /// The rules that the file was made for, where that is known.
    pub convention: Option<Conventions>,
    /// The step that the file was made for, where that is known.
    pub dt: Option<Micros>,
    /// What it took several events of a pixel in a step for, where that is known.
    pub input_mode: Option<String>,
    /// Of what all steps of a sample had equally much, where that is known.
    pub slice: Option<String>,
    /// How the data set was split, where that is known.
    pub split: Option<String>,
    /// How many steps a sample had, where that is known.
    pub steps: Option<String>,
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
    Neuron(Neuron),
    /// A connection.
    Layer(Box<dyn Layer>),
}

impl Unit {
    /// The name of its NIR node.
    pub fn nir(&self) -> &'static str {
        match self {
            Unit::Input => "Input",
            Unit::Output => "Output",
            Unit::Neuron(neuron) => neuron.model().nir,
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
        let (convention, dt) = (graph.convention.clone(), graph.dt);
        let own = |entry| graph.metadata(entry).map(str::to_owned);
        let (input_mode, slice) = (own(INPUT_MODE), own(SLICE));
        let (split, steps) = (own(SPLIT), own(STEPS));
        let mut flat = Flat::default();
        flat.dissolve(graph, "")?;
        flat.close()?;
        let relays = flat.pass_relays()?;
        flat.refuse_lost_edges()?;
        flat.take_batches_of_one();
        let shapes = flat.shapes(&relays)?;
        flat.note_loops_that_weigh_their_input();
        let units = units(&mut flat, shapes);
        let network = Network {
            input: only(&units, "Input", |unit| matches!(unit, Unit::Input))?,
            output: only(&units, "Output", |unit| matches!(unit, Unit::Output))?,
            units,
            notes: flat.notes,
            classes,
            convention,
            dt,
            input_mode,
            slice,
            split,
            steps,
        };
        network.refuse_idle_loops()?;
        network.refuse_mixtures()?;
        network.check_classes()?;
        Ok(network)
    }

    fn check_classes(&self) -> Result<()> {
        let (named, outputs) = (&self.classes, self.units[self.output].output.len());
        match named.as_ref().map_or(outputs, Vec::len) {
            n if n == outputs => Ok(()),
            n => {
                let found = format!("{n} names under '{CLASS_NAMES}'");
                Err(Error::new(ErrorKind::Graph, found, format!("{outputs}, one an output")))
            }
        }
    }

    /// Stored parameters of all units.
    pub fn parameters(&self) -> usize {
        self.units.iter().map(|wired| wired.unit.parameters()).sum()
    }

    /// An order of evaluation. What units for which `sends_later` is true send is
    /// known before the step, so nobody waits for them.
    ///
    /// What closes a loop is the spikes of a population: they are heard one step
    /// later, by a unit that is evaluated before their sender. Everything else
    /// is heard in its own step.
    ///
    /// # Errors
    /// A loop in which nothing takes time.
    pub fn order(&self, sends_later: impl Fn(usize) -> bool) -> Result<Vec<usize>> {
        let depth = self.depths();
        let mut sequence = Vec::with_capacity(self.units.len());
        let mut open: BTreeSet<usize> = (0..self.units.len()).collect();
        while !open.is_empty() {
            let waits_for = |unit: usize| {
                let sources = self.units[unit].sources.iter().copied();
                sources.filter(|&source| open.contains(&source) && !sends_later(source))
            };
            let nearest = |unit: &usize| (depth[*unit], *unit);
            let ready = open.iter().copied().filter(|&unit| waits_for(unit).next().is_none());
            let next = ready.min_by_key(nearest).or_else(|| {
                let is_population = |unit: usize| matches!(self.units[unit].unit, Unit::Neuron(_));
                let breaks_loop = |unit: &usize| {
                    waits_for(*unit).all(|source| {
                        is_population(source) && ancestors(source, &waits_for).contains(unit)
                    })
                };
                open.iter().copied().filter(breaks_loop).min_by_key(nearest)
            });
            let Some(next) = next else {
                let loops = |unit: &usize| ancestors(*unit, &waits_for).contains(unit);
                let names = open.iter().copied().filter(loops);
                let names: Vec<_> = names.map(|u| format!("'{}'", self.units[u].name)).collect();
                let found = format!("a loop through {} that takes no time", names.join(", "));
                let expected = "a neuron, or a delay of a step or more, in every loop";
                return Err(Error::new(ErrorKind::Graph, found, expected));
            };
            sequence.push(next);
            open.remove(&next);
        }
        Ok(sequence)
    }

    /// How many edges each unit is from the input; the largest number where no
    /// path leads.
    fn depths(&self) -> Vec<usize> {
        let mut depth = vec![usize::MAX; self.units.len()];
        depth[self.input] = 0;
        for level in 0..self.units.len() {
            let hears = |unit: &usize| {
                let mut sources = self.units[*unit].sources.iter();
                depth[*unit] == usize::MAX && sources.any(|&source| depth[source] == level)
            };
            let next: Vec<usize> = (0..self.units.len()).filter(hears).collect();
            next.into_iter().for_each(|unit| depth[unit] = level + 1);
        }
        depth
    }

    /// What is not linear cannot hear several signals one by one.
    fn refuse_mixtures(&self) -> Result<()> {
        let mixes = |wired: &&Wired| match &wired.unit {
            Unit::Layer(layer) => !layer.is_linear() && wired.sources.len() > 1,
            _ => false,
        };
        match self.units.iter().find(mixes) {
            None => Ok(()),
            Some(wired) => {
                let found = format!("{} signals that meet", wired.sources.len());
                let place = format!("node '{}' ({})", wired.name, wired.unit.nir());
                Err(Error::new(ErrorKind::Unsupported, found, "one").at(place))
            }
        }
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

/// Everything that a unit waits for, directly or through others.
fn ancestors<I>(unit: usize, waits_for: &impl Fn(usize) -> I) -> BTreeSet<usize>
where
    I: Iterator<Item = usize>,
{
    let mut found = BTreeSet::new();
    let mut open = vec![unit];
    while let Some(unit) = open.pop() {
        open.extend(waits_for(unit).filter(|&source| found.insert(source)));
    }
    found
}

fn units(flat: &mut Flat, shapes: Vec<InOut>) -> Vec<Wired> {
    let sources: Vec<Vec<usize>> =
        (0..flat.nodes.len()).map(|n| flat.sources(n).collect()).collect();
    let nodes = std::mem::take(&mut flat.nodes).into_iter().zip(shapes).zip(sources);
    nodes
        .filter_map(|((node, (input, output)), sources)| {
            let unit = match node.kind {
                NodeKind::Input(_) => Unit::Input,
                NodeKind::Output(_) => Unit::Output,
                NodeKind::Neuron(neuron) => Unit::Neuron(neuron),
                NodeKind::Layer(layer) => Unit::Layer(layer),
                NodeKind::Graph(_) => return None,
            };
            Some(Wired { name: node.name, unit, input, output, sources })
        })
        .collect()
}

fn only(units: &[Wired], what: &str, is: fn(&Unit) -> bool) -> Result<usize> {
    let all: Vec<usize> = (0..units.len()).filter(|&u| is(&units[u].unit)).collect();
    match all[..] {
        [one] => Ok(one),
        _ => {
            let names: Vec<_> = all.iter().map(|&u| &units[u].name[..]).collect();
            let found = format!("{} nodes of type {what} [{}]", all.len(), names.join(", "));
            Err(Error::new(ErrorKind::Unsupported, found, "one"))
        }
    }
}
