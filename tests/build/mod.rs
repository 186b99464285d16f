//! Small networks, as a file would hold them.

use synops::layer::{BEYOND_NIR, LAYERS};
use synops::network::{Graph, Network, Node, NodeKind};
use synops::neuron::{FOREIGN, MODELS};
use synops::record::{Array, Record};

/// A layer or a population by the name of its NIR node.
pub fn node(name: &str, kind: &str, fields: Vec<(&str, Array)>) -> Node {
    let mut record = Record::default();
    fields.into_iter().for_each(|(field, array)| record.put(field, array));
    let layer = LAYERS.iter().chain(BEYOND_NIR).find(|layer| layer.nir == kind);
    Node::new(
        name,
        match layer {
            Some(layer) => NodeKind::Layer((layer.read)(&mut record).unwrap()),
            None => {
                let mut models = MODELS.iter().chain(FOREIGN);
                let model = models.find(|model| model.nir == kind).unwrap();
                NodeKind::Neuron(model.read(&mut record).unwrap())
            }
        },
    )
}

/// A graph of these nodes between an input and an output named `in` and `out`. A
/// path is names with spaces between, each feeding the next.
pub fn graph(input: &[i64], nodes: Vec<Node>, output: &[i64], paths: &[&str]) -> Graph {
    let edges = paths.iter().flat_map(|path| {
        let names: Vec<&str> = path.split(' ').collect();
        let edge = |pair: &[&str]| (pair[0].to_owned(), pair[1].to_owned());
        names.windows(2).map(edge).collect::<Vec<_>>()
    });
    let edges = edges.collect();
    let ends = [
        Node::new("in", NodeKind::Input(Array::integers(input))),
        Node::new("out", NodeKind::Output(Array::integers(output))),
    ];
    let nodes = nodes.into_iter().chain(ends).collect();
    Graph { nodes, edges, ..Graph::default() }
}

/// That graph as a network.
pub fn network(input: &[i64], nodes: Vec<Node>, output: &[i64], paths: &[&str]) -> Network {
    Network::new(graph(input, nodes, output, paths)).unwrap()
}
