//! A network in the words of NIR, and what of it they cannot say.

use std::collections::BTreeMap;

use super::graph::{Graph, NodeKind, Vocabulary, stated_shape};
use super::wiring::Network;
use crate::error::Result;
use crate::neuron::Nearest;
use crate::neuron::preset::Conventions;
use crate::record::Array;
use crate::signal::Shape;

/// A graph of nodes that NIR has, made of one of others.
#[derive(Debug)]
pub struct Translation {
    /// The graph.
    pub graph: Graph,
    /// What it does not say any more, each with its node; without any, it makes the same
    /// spikes up to rounding, under the same convention in steps of the same length.
    pub losses: Vec<String>,
}

/// Says a graph in NIR: every neuron that NIR lacks becomes the nearest that it has, and
/// one set of parameters for each channel one for each neuron. Layers say all that NIR's own
/// reader asks for.
///
/// # Errors
/// A network that does not run, and nodes that nothing in NIR is near.
pub fn in_nir(graph: &Graph) -> Result<Translation> {
    let mut copy = copied(graph)?;
    let network = Network::new(copied(graph)?)?;
    let conventions = graph.convention.clone().unwrap_or_default();
    let units = network.units.into_iter();
    let shapes = units.map(|wired| (wired.name, (wired.input, wired.output))).collect();
    let mut losses = Vec::new();
    Translator { conventions, shapes, losses: &mut losses }.graph(&mut copy, "")?;
    copy.check_nir()?;
    Ok(Translation { graph: copy, losses })
}

fn copied(graph: &Graph) -> Result<Graph> {
    let copy = Graph::from_record(graph.to_record(), Vocabulary::Own, 0)?;
    let (convention, notes) = (graph.convention.clone(), graph.notes.clone());
    Ok(Graph { convention, dt: graph.dt, notes, ..copy })
}

struct Translator<'a> {
    conventions: Conventions,
    /// What every unit receives and sends, by its name behind those of the graphs around it.
    shapes: BTreeMap<String, (Shape, Shape)>,
    losses: &'a mut Vec<String>,
}

impl Translator<'_> {
    fn graph(&mut self, graph: &mut Graph, prefix: &str) -> Result<()> {
        for node in &mut graph.nodes {
            let (name, place) = (format!("{prefix}{}", node.name), node.place());
            match (&mut node.kind, self.shapes.get(&name)) {
                (NodeKind::Graph(inner), _) => self.graph(inner, &format!("{name}."))?,
                (NodeKind::Neuron(neuron), Some((_, shape))) => {
                    let Nearest { neuron: nearest, losses } =
                        neuron.in_nir(shape, &self.conventions).map_err(|e| e.at(&place))?;
                    self.losses.extend(losses.iter().map(|loss| format!("{place}: {loss}")));
                    *neuron = nearest;
                }
                (NodeKind::Layer(layer), Some((shape, _))) => layer.complete(shape),
                // where a batch stood before it
                (NodeKind::Input(stated) | NodeKind::Output(stated), Some((_, shape)))
                    if stated_shape(stated).is_ok_and(|stated| stated != *shape) =>
                {
                    *stated = Array::of_sizes(shape.axes());
                }
                _ => (),
            }
        }
        Ok(())
    }
}
