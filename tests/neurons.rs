//! Every neuron model under every preset, against the simulator itself.
//!
//! `golden/neurons.json` was made by `tools/peer_neurons.py` from the versions
//! it names.

use serde_json::Value;
use synops::engine::{Clocked, Engine, Observer};
use synops::network::{Graph, Network, Node, NodeKind};
use synops::neuron::MODELS;
use synops::record::{Array, Record};
use synops::signal::Spikes;
use synops::units::Micros;

const NEURONS: usize = 8;

/// Input, one population, output.
fn network(model: &str, fields: &Value) -> Network {
    let mut record = Record::default();
    for (name, value) in fields.as_object().unwrap() {
        let value = value.as_f64().unwrap() as f32;
        record.put(name, Array::floats(&[NEURONS], vec![value; NEURONS]));
    }
    let model = MODELS.iter().find(|m| m.nir == model).unwrap();
    let shape = || Array::integers(&[NEURONS as i64]);
    let nodes = vec![
        Node::new("in", NodeKind::Input(shape())),
        Node::new("cells", NodeKind::Neuron(model.read(&mut record).unwrap())),
        Node::new("out", NodeKind::Output(shape())),
    ];
    let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let edges = vec![edge("in", "cells"), edge("cells", "out")];
    Network::new(Graph { nodes, edges, ..Graph::default() }).unwrap()
}

/// What the output sent, step by step and neuron by neuron.
struct Sent(Vec<[f64; NEURONS]>);

impl Observer for Sent {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit == 2 {
            for (address, value, _) in sent.iter() {
                self.0[step as usize][address as usize] = f64::from(value);
            }
        }
    }
}

fn input(golden: &Value) -> Vec<Spikes> {
    let columns: Vec<Vec<f32>> = golden["input_64ths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().split(' ').map(|q| q.parse::<f32>().unwrap() / 64.0))
        .map(Iterator::collect)
        .collect();
    let step = |t: usize| {
        let mut spikes = Spikes::default();
        let active = columns.iter().enumerate().filter(|(_, column)| column[t] != 0.0);
        active.for_each(|(i, column)| spikes.push(i as u32, column[t], 1));
        spikes
    };
    (0..columns[0].len()).map(step).collect()
}

fn run(case: &Value, golden: &Value) -> Vec<[f64; NEURONS]> {
    let network = network(case["model"].as_str().unwrap(), &case["fields"]);
    let conventions = case["convention"].as_str().unwrap().parse().unwrap();
    let dt = Micros(golden["dt_us"].as_i64().unwrap());
    let engine = Clocked::new(&network, &conventions, dt).unwrap();
    let (mut state, input) = (engine.start(), input(golden));
    let mut sent = Sent(vec![[0.0; NEURONS]; input.len()]);
    for (step, spikes) in input.iter().enumerate() {
        engine.receive(&mut state, step as u64, spikes, &mut sent);
    }
    sent.0
}

#[test]
fn every_preset_makes_the_spikes_of_its_simulator() {
    let golden: Value = serde_json::from_str(include_str!("golden/neurons.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let name = format!("{} {} {}", case["convention"], case["model"], case["fields"]);
        let sent = run(case, &golden);
        for neuron in 0..NEURONS {
            let column = sent.iter().map(|step| step[neuron]);
            if let Some(expected) = case["sent"].as_array() {
                let spikes: String = column.map(|n| (n as u32).to_string()).collect();
                assert_eq!(spikes, expected[neuron].as_str().unwrap(), "{name}, neuron {neuron}");
                continue;
            }
            let close = |found: f64, expected: &Value| {
                let expected = expected[neuron].as_f64().unwrap();
                assert!(
                    (found - expected).abs() < 1e-5 * expected.abs(),
                    "{name}: {found} {expected}"
                );
            };
            close(column.sum(), &case["sum"]);
            close(sent.last().unwrap()[neuron], &case["last"]);
        }
    }
}
