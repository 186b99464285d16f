//! The shape of every signal, worked out from the input onwards and checked on
//! every edge.

use std::collections::BTreeSet;

use super::flat::{Flat, Relay};
use super::graph::{NodeKind, stated_shape};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::Shape;

/// What a node receives and what it sends.
pub type InOut = (Shape, Shape);

impl Flat {
    /// Input and output shape of every node.
    ///
    /// # Errors
    /// A shape that does not fit where it arrives, or that nothing tells.
    pub fn shapes(&mut self, relays: &[Relay]) -> Result<Vec<InOut>> {
        for node in &self.nodes {
            if let NodeKind::Input(stated) = &node.kind {
                stated_shape(stated).map_err(|e| e.at("'shape'").at(node.place()))?;
            }
        }
        let mut shapes: Vec<Option<InOut>> = vec![None; self.nodes.len()];
        let mut open: BTreeSet<usize> = (0..self.nodes.len()).collect();
        while !open.is_empty() {
            let Some((n, input)) = self.next_known(&open, &shapes) else {
                let names: Vec<_> = open.iter().map(|&n| self.nodes[n].place()).collect();
                let found = format!("no way to tell the shape of {}", names.join(", "));
                return Err(Error::new(ErrorKind::Graph, found, "a path from the input"));
            };
            let output = self.output_shape(n, &input).map_err(|e| e.at(self.nodes[n].place()))?;
            shapes[n] = Some((input, output));
            open.remove(&n);
        }
        let shapes: Vec<InOut> = shapes.into_iter().flatten().collect();
        self.check_edges(&shapes, relays)?;
        Ok(shapes)
    }

    /// A node whose input shape can be told: an input, else one that hears a
    /// node of known shape, else one that states its own.
    fn next_known(
        &self,
        open: &BTreeSet<usize>,
        shapes: &[Option<InOut>],
    ) -> Option<(usize, Shape)> {
        let is_input = |n: usize| matches!(self.nodes[n].kind, NodeKind::Input(_));
        let own = |n: usize| own_shape(&self.nodes[n].kind).map(|shape| (n, shape));
        let heard = |n: usize| {
            let known = self.sources(n).find_map(|source| shapes[source].as_ref());
            known.map(|(_, output)| (n, output.clone()))
        };
        let all = || open.iter().copied();
        all()
            .filter(|&n| is_input(n))
            .find_map(own)
            .or_else(|| all().find_map(heard))
            .or_else(|| all().find_map(own))
    }

    fn output_shape(&mut self, n: usize, input: &Shape) -> Result<Shape> {
        let node = &self.nodes[n];
        let misfit = |expected: String| {
            Err(Error::new(ErrorKind::Shape, format!("an input of {input}"), expected))
        };
        match &node.kind {
            NodeKind::Layer(layer) => return layer.output_shape(input),
            NodeKind::Neuron(neuron) if !input.takes(neuron.shape()) => {
                let own = neuron.shape();
                if own.iter().any(|&axis| axis != 1) {
                    return misfit(format!("{own:?}, as its parameters"));
                }
                // numbers without an axis are meant for all; one of each may be a mistake
                if !own.is_empty() {
                    let note = format!("{}: one set of parameters for {input}", node.place());
                    self.notes.push(note);
                }
            }
            NodeKind::Output(stated) if !stated.is_empty() => {
                let stated = stated_shape(stated)?;
                if !stated.same_elements(input) {
                    return misfit(format!("the stated {stated}"));
                }
                if stated != *input {
                    let note = format!("{} states {stated} and receives {input}", node.place());
                    self.notes.push(note);
                }
            }
            _ => (),
        }
        Ok(input.clone())
    }

    /// Every edge must bring the shape that its end expects.
    fn check_edges(&mut self, shapes: &[InOut], relays: &[Relay]) -> Result<()> {
        let mismatch = |from: usize, place: String, expected: &Shape| {
            let found = format!("{} from {}", shapes[from].1, self.nodes[from].place());
            Err(Error::new(ErrorKind::Shape, found, expected.to_string()).at(place))
        };
        for &(from, to) in &self.edges {
            if shapes[from].1 != shapes[to].0 {
                return mismatch(from, self.nodes[to].place(), &shapes[to].0);
            }
        }
        for relay in relays {
            let wrong = |source: &&usize| !shapes[**source].1.same_elements(&relay.stated);
            if let Some(&source) = relay.sources.iter().find(wrong) {
                return mismatch(source, relay.place.clone(), &relay.stated);
            }
        }
        for n in 0..self.nodes.len() {
            let is_input = matches!(self.nodes[n].kind, NodeKind::Input(_));
            if !is_input && self.sources(n).next().is_none() {
                self.notes.push(format!("nothing leads to {}", self.nodes[n].place()));
            }
        }
        Ok(())
    }
}

/// The input shape that a node's own parameters state.
pub fn own_shape(kind: &NodeKind) -> Option<Shape> {
    match kind {
        NodeKind::Input(stated) => stated_shape(stated).ok(),
        NodeKind::Neuron(neuron) => Shape::new(neuron.shape()).ok(),
        NodeKind::Layer(layer) => layer.input_shape(),
        NodeKind::Output(_) | NodeKind::Graph(_) => None,
    }
}
