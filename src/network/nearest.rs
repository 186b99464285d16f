//! A network in the words of NIR, and what of it they cannot say.

use std::collections::BTreeMap;

use super::graph::{Graph, NodeKind, Vocabulary};
use super::wiring::Network;
use crate::error::Result;
use crate::neuron::Nearest;
use crate::neuron::preset::Conventions;
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
/// one set of parameters for each channel one for each neuron.
///
/// # Errors
/// A network that does not run, and nodes that nothing in NIR is near.
pub fn in_nir(graph: &Graph) -> Result<Translation> {
    let mut copy = copied(graph)?;
    let network = Network::new(copied(graph)?)?;
    let conventions = graph.convention.clone().unwrap_or_default();
    let shapes = network.units.into_iter().map(|wired| (wired.name, wired.output)).collect();
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
    /// Of every unit, by its name behind those of the graphs around it.
    shapes: BTreeMap<String, Shape>,
    losses: &'a mut Vec<String>,
}

impl Translator<'_> {
    fn graph(&mut self, graph: &mut Graph, prefix: &str) -> Result<()> {
        for node in &mut graph.nodes {
            let (name, place) = (format!("{prefix}{}", node.name), node.place());
            match &mut node.kind {
                NodeKind::Graph(inner) => self.graph(inner, &format!("{name}."))?,
                NodeKind::Neuron(neuron) => {
                    let Some(shape) = self.shapes.get(&name) else { continue };
                    let Nearest { neuron: nearest, losses } =
                        neuron.in_nir(shape, &self.conventions).map_err(|e| e.at(&place))?;
                    self.losses.extend(losses.iter().map(|loss| format!("{place}: {loss}")));
                    *neuron = nearest;
                }
                _ => (),
            }
        }
        Ok(())
    }
}
