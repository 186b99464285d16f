//! Every layer against torch.
//!
//! `golden/layers.nir` and `golden/layers.json` were made by
//! `tools/peer_layers.py` with the versions named there.

use serde_json::Value;
use synops::engine::{Clocked, Engine, Observer};
use synops::network::{Graph, Network, NodeKind, nir};
use synops::neuron::preset::Conventions;
use synops::signal::{Shape, Spikes};
use synops::units::Micros;

fn graphs() -> Vec<(String, Graph)> {
    let file = nir::from_bytes(include_bytes!("golden/layers.nir").to_vec()).unwrap();
    assert_eq!(file.metadata("made_by"), Some("tools/peer_layers.py"));
    let nodes = file.nodes.into_iter().map(|node| match node.kind {
        NodeKind::Graph(graph) => (node.name, graph),
        _ => panic!("'{}' is no graph", node.name),
    });
    nodes.collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

/// What the output unit sent, in the order of the file.
struct Output<'n> {
    unit: usize,
    shape: &'n Shape,
    values: Vec<f64>,
}

impl Observer for Output<'_> {
    fn sent(&mut self, _step: u64, unit: usize, sent: &Spikes) {
        if unit == self.unit {
            for (address, value, _) in sent.iter() {
                self.values[self.shape.element(address as usize)] += f64::from(value);
            }
        }
    }
}

#[test]
fn every_layer_computes_what_torch_computes() {
    let golden: Value = serde_json::from_str(include_str!("golden/layers.json")).unwrap();
    let cases = golden["cases"].as_object().unwrap();
    let graphs = graphs();
    assert_eq!(graphs.len(), cases.len());
    for (name, graph) in graphs {
        let network = Network::new(graph).unwrap_or_else(|e| panic!("{name}: {e}"));
        let engine = Clocked::new(&network, &Conventions::default(), Micros(1000)).unwrap();
        let shape = &network.units[network.input].output;
        let values = numbers(&cases[&name]["input"]);
        let mut input = Spikes::default();
        for address in 0..shape.len() {
            let value = values[shape.element(address)];
            if value != 0.0 {
                input.push(address as u32, value as f32, value as u32);
            }
        }
        let shape = &network.units[network.output].output;
        let mut output = Output { unit: network.output, shape, values: vec![0.0; shape.len()] };
        engine.receive(&mut engine.start(), 0, &input, &mut output);
        let axes: Vec<f64> = shape.axes().iter().map(|&axis| axis as f64).collect();
        assert_eq!(axes, numbers(&cases[&name]["output_shape"]), "{name}");
        assert_eq!(output.values, numbers(&cases[&name]["output"]), "{name}");
    }
}
