//! The layers that NIR does not have.

use proptest::prelude::*;
use serde_json::Value;
use synops::engine::{Clocked, Engine, EventDriven, Observer};
use synops::error::ErrorKind;
use synops::layer::norm::BatchNorm;
use synops::layer::{BEYOND_NIR, LAYERS, Layer};
use synops::measure::Counts;
use synops::network::{Graph, Network, Node, NodeKind, nir};
use synops::neuron::MODELS;
use synops::neuron::preset::Conventions;
use synops::record::{Array, Record};
use synops::signal::{Shape, Spikes};
use synops::units::Micros;

use super::{json, numbers, sizes};

/// A layer by its name and fields.
fn layer(name: &str, fields: &[(&str, Array)]) -> Box<dyn Layer> {
    let mut record = Record::default();
    fields.iter().for_each(|(field, array)| record.put(field, array.clone()));
    let kind = LAYERS.iter().chain(BEYOND_NIR).find(|kind| kind.nir == name).unwrap();
    (kind.read)(&mut record).unwrap()
}

/// A leaky population of one set of parameters.
fn leaky() -> NodeKind {
    let mut record = Record::default();
    for (field, value) in [("tau", 0.004), ("r", 4.0), ("v_leak", 0.0), ("v_threshold", 1.0)] {
        record.put(field, Array::floats(&[], vec![value]));
    }
    let model = MODELS.iter().find(|model| model.nir == "LIF").unwrap();
    NodeKind::Neuron(model.read(&mut record).unwrap())
}

fn floats(values: &[f64]) -> Array {
    Array::floats(&[values.len()], values.iter().map(|&v| v as f32).collect())
}

fn graph(input: &[i64], layers: Vec<(&str, Box<dyn Layer>)>) -> Graph {
    let layers = layers.into_iter().map(|(name, layer)| (name, NodeKind::Layer(layer)));
    chain(input, layers.collect())
}

fn chain(input: &[i64], middle: Vec<(&str, NodeKind)>) -> Graph {
    let mut nodes = vec![Node::new("in", NodeKind::Input(Array::integers(input)))];
    nodes.extend(middle.into_iter().map(|(name, kind)| Node::new(name, kind)));
    nodes.push(Node::new("out", NodeKind::Output(Array::integers(&[]))));
    let names: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let edges = names.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    Graph { nodes, edges, ..Graph::default() }
}

/// What the output sends, in the order of the file.
struct Output<'n> {
    unit: usize,
    shape: &'n Shape,
    values: Vec<f64>,
    spikes: u64,
}

impl Observer for Output<'_> {
    fn sent(&mut self, _step: u64, unit: usize, sent: &Spikes) {
        if unit == self.unit {
            self.spikes += sent.total();
            for (address, value, _) in sent.iter() {
                self.values[self.shape.element(address as usize)] += f64::from(value);
            }
        }
    }
}

/// What comes out for `input`, in the order of the file, the spikes behind it,
/// and the operations.
fn compute(graph: Graph, input: &[f64]) -> (Vec<f64>, u64, u64) {
    let network = Network::new(graph).unwrap();
    let engine = Clocked::new(&network, &Conventions::default(), Micros(1000)).unwrap();
    let shape = &network.units[network.input].output;
    let mut spikes = Spikes::default();
    for address in 0..shape.len() {
        let value = input[shape.element(address)];
        if value != 0.0 {
            spikes.push(address as u32, value as f32, value.abs().ceil() as u32);
        }
    }
    let shape = &network.units[network.output].output;
    let values = vec![0.0; shape.len()];
    let output = Output { unit: network.output, shape, values, spikes: 0 };
    let mut observer = (output, Counts::new(&network, engine.plan()));
    engine.receive(&mut engine.start(), 0, &spikes, &mut observer);
    let (output, counts) = observer;
    (output.values, output.spikes, counts.total().synaptic_ops)
}

fn golden() -> Value {
    json(include_str!("../golden/torch/layers.json"))["cases"].take()
}

#[test]
fn every_layer_computes_what_torch_computes() {
    let cases = golden();
    for (name, case) in cases.as_object().unwrap() {
        let fields = case["fields"].as_object().unwrap().iter();
        let fields: Vec<(&str, Array)> =
            fields.map(|(field, values)| (&field[..], floats(&numbers(values)))).collect();
        let layer = layer(case["layer"].as_str().unwrap(), &fields);
        let input = sizes(&case["input_shape"]);
        let axes: Vec<usize> = input.iter().map(|&n| n as usize).collect();
        let output = layer.output_shape(&Shape::new(&axes).unwrap()).unwrap();
        let expected: Vec<usize> =
            sizes(&case["output_shape"]).iter().map(|&n| n as usize).collect();
        assert_eq!(output.axes(), expected, "{name}");
        let (values, ..) = compute(graph(&input, vec![("layer", layer)]), &numbers(&case["input"]));
        assert_eq!(values, numbers(&case["output"]), "{name}");
    }
    assert_eq!(cases.as_object().unwrap().len(), 10);
}

fn max_pool() -> Box<dyn Layer> {
    let two = || Array::integers(&[2, 2]);
    let none = Array::integers(&[0, 0]);
    layer("MaxPool2d", &[("kernel_size", two()), ("stride", two()), ("padding", none)])
}

#[test]
fn of_the_spikes_in_a_window_one_goes_on() {
    let dense = layer("Linear", &[("weight", Array::floats(&[5, 4], vec![1.0; 20]))]);
    let flat = layer("Flatten", &[("start_dim", Array::integer(0))]);
    let chain = vec![("pool", max_pool()), ("flat", flat), ("dense", dense)];
    // two windows of the upper row hold three spikes and one; the larger counts
    let input =
        [[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]];
    let (values, _, operations) = compute(graph(&[1, 4, 4], chain), &input.concat());
    assert_eq!(values, [3.0; 5]);
    assert_eq!(operations, (1 + 2) * 5);
    let (_, spikes, _) = compute(graph(&[1, 4, 4], vec![("pool", max_pool())]), &input.concat());
    assert_eq!(spikes, 3);
}

/// What a unit sent at a tick.
type Signal = (u64, usize, Vec<(u32, f32, u32)>);

/// Everything that is sent, by tick and unit.
#[derive(Default)]
struct Sent(Vec<Signal>);

impl Observer for Sent {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        self.0.push((step, unit, sent.iter().collect()));
    }
}

/// What every unit sends for spikes at these ticks and addresses.
fn run(engine: &impl Engine, ticks: u64, events: &[(u64, u32)]) -> Sent {
    let (mut state, mut sent) = (engine.start(), Sent::default());
    for tick in 0..ticks {
        let mut addresses: Vec<u32> =
            events.iter().filter(|event| event.0 == tick).map(|event| event.1).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let mut spikes = Spikes::default();
        addresses.iter().for_each(|&address| spikes.push(address, 1.0, 1));
        if !spikes.is_empty() {
            engine.receive(&mut state, tick, &spikes, &mut sent);
        }
    }
    engine.finish(&mut state, ticks, &mut sent);
    sent.0.sort_by_key(|(tick, unit, _)| (*tick, *unit));
    sent
}

proptest! {
    #[test]
    fn in_quanta_a_maximum_is_that_of_the_clock(
        weights in prop::collection::vec(-0.6f32..0.9, 3 * 9),
        bias in prop::option::of(prop::collection::vec(-0.2f32..0.3, 3)),
        events in prop::collection::vec((0u64..30, 0u32..36), 0..90),
        behind_the_neurons in any::<bool>(),
    ) {
        let fields = [("padding", 1), ("stride", 1), ("dilation", 1)];
        let fields = fields.map(|(field, n)| (field, Array::integer(n)));
        let weight = [("weight", Array::floats(&[3, 1, 3, 3], weights))];
        let bias: Vec<_> = bias.map(|b| ("bias", Array::floats(&[3], b))).into_iter().collect();
        let conv = layer("Conv2d", &[&fields[..], &weight, &bias].concat());
        let (pool, neurons) = (("pool", NodeKind::Layer(max_pool())), ("lif", leaky()));
        let last = if behind_the_neurons { [neurons, pool] } else { [pool, neurons] };
        let middle = [("conv", NodeKind::Layer(conv))].into_iter().chain(last).collect();
        let network = Network::new(chain(&[1, 6, 6], middle)).unwrap();
        let conventions: Conventions = "spikingjelly".parse().unwrap();
        let clocked = Clocked::new(&network, &conventions, Micros(1000)).unwrap();
        let quanta = EventDriven::in_quanta(&network, &conventions, Micros(1000)).unwrap();
        let of_neurons = |sent: Sent| -> Vec<_> {
            let is_output = |signal: &Signal| signal.1 == network.output;
            sent.0.into_iter().filter(is_output).collect()
        };
        let expected = of_neurons(run(&clocked, 30, &events));
        prop_assert_eq!(of_neurons(run(&quanta, 30, &events)), expected);
    }
}

#[test]
fn without_a_grid_only_simultaneous_spikes_compete() {
    let network = Network::new(graph(&[1, 4, 4], vec![("pool", max_pool())])).unwrap();
    let free = EventDriven::new(&network, &Conventions::default(), Micros(1000)).unwrap();
    let passed = |events: &[(u64, u32)]| {
        let sent = run(&free, 10, events).0.into_iter();
        let out = sent.filter(|(_, unit, _)| *unit == network.output);
        out.map(|(tick, _, spikes)| (tick, spikes.len())).collect::<Vec<_>>()
    };
    assert_eq!(passed(&[(3, 0), (3, 1), (3, 4)]), [(3, 1)]);
    assert_eq!(passed(&[(3, 0), (4, 1), (6, 4)]), [(3, 1), (4, 1), (6, 1)]);
}

#[test]
fn every_vote_is_a_spike_of_its_class() {
    let voting = layer("Voting", &[("size", Array::integer(3))]);
    let input = [0.0, 1.0, 1.0, 0.0, 0.0, 0.0];
    let (values, spikes, _) = compute(graph(&[6], vec![("voting", voting)]), &input);
    assert_eq!(values, [f64::from(2.0f32 / 3.0), 0.0]);
    assert_eq!(spikes, 2);
}

/// Statistics for a batch norm, from a golden case.
fn batch_norm(case: &Value) -> Vec<(&str, Array)> {
    let fields = case["fields"].as_object().unwrap().iter();
    fields.map(|(field, values)| (&field[..], floats(&numbers(values)))).collect()
}

#[test]
fn a_folded_batch_norm_is_the_one_behind_the_connection() {
    let cases = golden();
    let fields = batch_norm(&cases["batch_norm"]);
    let mut record = Record::default();
    fields.iter().for_each(|(name, array)| record.put(name, array.clone()));
    let norm = BatchNorm::read(&mut record).unwrap();
    let weight = (0..4 * 2 * 9).map(|i| (i * 7 % 23) as f32 / 8.0 - 1.0).collect();
    let weight = Array::floats(&[4, 2, 3, 3], weight);
    let bias = floats(&[0.5, -1.0, 0.0, 2.0]);
    let one = || Array::integers(&[1, 1]);
    let conv = |weight: Array, bias: Array| {
        let fields = [("weight", weight), ("bias", bias), ("padding", one())];
        let rest = [("stride", one()), ("dilation", one())];
        layer("Conv2d", &[&fields[..], &rest].concat())
    };
    let input: Vec<f64> = (0..2 * 5 * 5).map(|i| f64::from(i % 3 == 0)).collect();
    let (folded, shift) = norm.fold(&weight, Some(&bias)).unwrap();
    let behind = vec![("conv", conv(weight.clone(), bias)), ("norm", layer("BatchNorm", &fields))];
    let (apart, ..) = compute(graph(&[2, 5, 5], behind), &input);
    let (together, _, operations) =
        compute(graph(&[2, 5, 5], vec![("conv", conv(folded, shift))]), &input);
    assert_eq!(apart, together);
    assert!(operations > 0);
    assert!(norm.fold(&Array::floats(&[3, 4], vec![0.0; 12]), None).is_err());
}

#[test]
fn statistics_that_are_none_are_refused() {
    let refusal = |name: &str, array: Option<Array>| {
        let mut record = Record::default();
        let cases = golden();
        batch_norm(&cases["batch_norm"]).iter().for_each(|(n, a)| record.put(n, a.clone()));
        record.take(name).unwrap();
        record.put_if_any(name, &array);
        BatchNorm::read(&mut record).unwrap_err().to_string()
    };
    assert!(refusal("running_var", None).contains("'running_var': found nothing"));
    let negative = refusal("running_var", Some(floats(&[1.0, -2.0, 1.0, 1.0])));
    assert!(negative.contains("element 1 has no square root"), "{negative}");
    let short = refusal("weight", Some(floats(&[1.0])));
    assert!(short.contains("'weight': found shape [1]; expected [4]"), "{short}");
}

#[test]
fn nir_files_cannot_hold_them_and_the_node_is_named() {
    for (name, fields) in [
        ("Voting", vec![("size", Array::integer(3))]),
        ("MaxPool2d", ["kernel_size", "stride", "padding"].map(|f| (f, floats(&[1.0]))).into()),
    ] {
        let error = nir::to_bytes(&graph(&[6], vec![("mine", layer(name, &fields))])).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        let start = format!("node 'mine' ({name}): found a layer that NIR does not have");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
    let inner = graph(&[6], vec![("mine", layer("Voting", &[("size", Array::integer(3))]))]);
    let mut outer = graph(&[6], Vec::new());
    outer.nodes.push(Node::new("inner", NodeKind::Graph(inner)));
    let error = nir::to_bytes(&outer).unwrap_err().to_string();
    assert!(error.starts_with("node 'inner' (NIRGraph): node 'mine' (Voting)"), "{error}");
    // and where one stands in a file, it is a type that nobody knows
    let mut record = graph(&[6], Vec::new()).to_record();
    let mut node = Record::default();
    node.put("type", Array::text("Voting"));
    record.groups.get_mut("nodes").unwrap().groups.insert("mine".into(), node);
    let error = nir::from_bytes(nir::record_to_bytes(&record).unwrap()).unwrap_err();
    assert!(error.to_string().contains("a node of type Voting"), "{error}");
}

#[test]
fn a_maximum_of_several_signals_is_refused() {
    let scale = || layer("Scale", &[("scale", Array::floats(&[1, 2, 2], vec![1.0; 4]))]);
    let mut both = graph(&[1, 2, 2], vec![("scale", scale()), ("pool", max_pool())]);
    both.edges.push(("in".into(), "pool".into()));
    let error = Network::new(both).unwrap_err().to_string();
    assert_eq!(error, "node 'pool' (MaxPool2d): found 2 signals that meet; expected one");
}

#[test]
fn layers_that_do_not_fit_say_so() {
    let shape = |axes: &[usize]| Shape::new(axes).unwrap();
    let voting = layer("Voting", &[("size", Array::integer(4))]);
    let error = voting.output_shape(&shape(&[10])).unwrap_err().to_string();
    assert_eq!(error, "found an input of 10; expected a flat multiple of 4");
    let wide = [("kernel_size", 2), ("stride", 2), ("padding", 2)];
    let wide = wide.map(|(field, n)| (field, Array::integer(n)));
    let error = layer("MaxPool2d", &wide).output_shape(&shape(&[1, 6, 6])).unwrap_err().to_string();
    assert_eq!(error, "found padding 2 for a kernel of 2; expected half the kernel at most");
}
