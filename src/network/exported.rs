//! What the exporters of other simulators write that is not what ran there: edges that
//! are lost, batches that are stated as an axis, loops that weigh what they should not.
//!
//! **Source.** Networks that nirtorch 2.6 (sinabs 2.0, snnTorch 1.0), Norse 1.1 and Spyx 1.0
//! exported, and the spikes that they sent there: `tools/peer_networks.py`.

use super::flat::Flat;
use super::graph::{NodeKind, stated_shape};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Array;
use crate::signal::Shape;

impl Flat {
    /// Refuses what a file looks like that lost edges: a connection that nothing leads to, or
    /// an input of its own where something else led.
    ///
    /// # Errors
    /// The first of them, by its name.
    pub fn refuse_lost_edges(&self) -> Result<()> {
        let lost = "exporters lose additions that are no node";
        let nodes = || 0..self.nodes.len();
        let inputs = nodes().filter(|&n| matches!(self.nodes[n].kind, NodeKind::Input(_)));
        let inputs: Vec<&str> = inputs.map(|n| &self.nodes[n].name[..]).collect();
        if inputs.len() > 1 {
            let found = format!("{} nodes of type Input [{}]", inputs.len(), inputs.join(", "));
            return Err(Error::new(ErrorKind::Unsupported, found, format!("one; {lost}")));
        }
        let is_layer = |n: &usize| matches!(self.nodes[*n].kind, NodeKind::Layer(_));
        match nodes().filter(is_layer).find(|&n| self.sources(n).next().is_none()) {
            None => Ok(()),
            Some(n) => {
                let found = format!("nothing leads to {}", self.nodes[n].place());
                Err(Error::new(ErrorKind::Graph, found, format!("an edge to it; {lost}")))
            }
        }
    }

    /// Takes a first axis of one off inputs: exporters state the shape of a sample with its
    /// batch. It is one where what hears the input takes the rest and not the whole, or where
    /// there are more axes than a signal has.
    pub fn take_batches_of_one(&mut self) {
        for n in 0..self.nodes.len() {
            let Some((whole, rest)) = self.behind_a_batch(n) else { continue };
            let place = self.nodes[n].place();
            self.notes.push(format!("{place} states {whole}: a batch of one, read as {rest}"));
            self.nodes[n].kind = NodeKind::Input(Array::of_sizes(rest.axes()));
        }
    }

    /// The shape that an input states, and without its batch of one.
    fn behind_a_batch(&self, n: usize) -> Option<(Shape, Shape)> {
        let NodeKind::Input(stated) = &self.nodes[n].kind else { return None };
        let whole = stated_shape(stated).ok()?;
        let [1, rest @ ..] = whole.axes() else { return None };
        let rest = Shape::new(rest).ok().filter(|rest| !rest.axes().is_empty())?;
        let takes = |shape: &Shape| {
            self.targets(n).all(|target| match &self.nodes[target].kind {
                NodeKind::Layer(layer) => layer.output_shape(shape).is_ok(),
                NodeKind::Neuron(neuron) => shape.takes(neuron.shape()),
                _ => true,
            })
        };
        let is_batch = takes(&rest) && (whole.axes().len() > 3 || !takes(&whole));
        is_batch.then_some((whole, rest))
    }

    /// Loops whose weights hear, beside the population that hears nothing but them, an input.
    pub fn note_loops_that_weigh_their_input(&mut self) {
        for n in 0..self.nodes.len() {
            let targets: Vec<usize> = self.targets(n).collect();
            let (&[cell], NodeKind::Layer(_)) = (&targets[..], &self.nodes[n].kind) else {
                continue;
            };
            let is_fed_back = self.sources(n).any(|source| source == cell);
            let hears_more = |n: usize| self.sources(n).nth(1).is_some();
            let is_population = matches!(self.nodes[cell].kind, NodeKind::Neuron(_));
            if is_population && is_fed_back && hears_more(n) && !hears_more(cell) {
                let (place, cell) = (self.nodes[n].place(), &self.nodes[cell].name);
                self.notes.push(format!(
                    "{place} weighs its input and what '{cell}' feeds back alike: Spyx's exporter \
                     writes so what weighs the latter alone"
                ));
            }
        }
    }
}
