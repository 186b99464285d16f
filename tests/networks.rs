//! Graphs: loops, delays, graphs within graphs, and files that do not add up.

use serde_json::Value;
use synops::engine::{Clocked, Engine, Observer};
use synops::error::ErrorKind;
use synops::layer::LAYERS;
use synops::network::{Graph, Network, Node, NodeKind, nir};
use synops::neuron::MODELS;
use synops::neuron::preset::Conventions;
use synops::record::{Array, Record};
use synops::signal::Spikes;
use synops::units::Micros;

fn shape(axes: &[i64]) -> Array {
    Array::integers(axes)
}

fn node(name: &str, nir: &str, fields: &[(&str, Array)]) -> Node {
    let mut record = Record::default();
    fields.iter().for_each(|(field, array)| record.put(field, array.clone()));
    let neuron = MODELS.iter().find(|m| m.nir == nir);
    let kind = match neuron {
        Some(model) => NodeKind::Neuron(model.read(&mut record).unwrap()),
        None => {
            let layer = LAYERS.iter().find(|l| l.nir == nir).unwrap();
            NodeKind::Layer((layer.read)(&mut record).unwrap())
        }
    };
    Node::new(name, kind)
}

fn floats(values: &[f32]) -> Array {
    Array::floats(&[values.len()], values.to_vec())
}

/// Integrate-and-fire neurons that fire on every spike of weight 1.
fn relay(name: &str, n: usize) -> Node {
    node(name, "IF", &[("r", floats(&vec![1.0; n])), ("v_threshold", floats(&vec![0.5; n]))])
}

fn input(n: i64) -> Node {
    Node::new("in", NodeKind::Input(shape(&[n])))
}

fn output(n: i64) -> Node {
    Node::new("out", NodeKind::Output(shape(&[n])))
}

fn graph(nodes: Vec<Node>, edges: &[(&str, &str)]) -> Graph {
    let edges = edges.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    Graph { nodes, edges, ..Graph::default() }
}

/// The steps in which each address of a unit sent something.
struct Sent {
    unit: usize,
    steps: Vec<Vec<u64>>,
}

impl Observer for Sent {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit == self.unit {
            sent.index.iter().for_each(|&i| self.steps[i as usize].push(step));
        }
    }
}

/// What the output sends if a network is run on `(step, address)` inputs.
fn run(network: &Network, convention: &str, input: &[(u64, u32)], steps: u64) -> Vec<Vec<u64>> {
    run_to(network, network.output, convention, input, steps)
}

/// What a unit sends.
fn run_to(
    network: &Network,
    unit: usize,
    convention: &str,
    input: &[(u64, u32)],
    steps: u64,
) -> Vec<Vec<u64>> {
    let conventions: Conventions = convention.parse().unwrap();
    let engine = Clocked::new(network, &conventions, Micros(1000)).unwrap();
    let addresses = network.units[unit].output.len();
    let mut sent = Sent { unit, steps: vec![Vec::new(); addresses] };
    let mut state = engine.start();
    for step in 0..steps {
        let mut spikes = Spikes::default();
        let mut active: Vec<u32> = input.iter().filter(|i| i.0 == step).map(|i| i.1).collect();
        active.sort();
        active.iter().for_each(|&address| spikes.push(address, 1.0, 1));
        if !spikes.is_empty() {
            engine.receive(&mut state, step, &spikes, &mut sent);
        }
    }
    engine.finish(&mut state, steps, &mut sent);
    sent.steps
}

#[test]
fn a_loop_runs_as_spikingjelly_runs_it() {
    let golden: Value = serde_json::from_str(include_str!("golden/recurrent.json")).unwrap();
    let file = nir::from_bytes(include_bytes!("golden/recurrent.nir").to_vec()).unwrap();
    let network = Network::new(file).unwrap();
    let ones = |text: &Value| {
        let bytes = text.as_str().unwrap().bytes().enumerate();
        bytes.filter(|(_, b)| *b == b'1').map(|(t, _)| t as u64).collect::<Vec<_>>()
    };
    let inputs = golden["input"].as_array().unwrap().iter().enumerate();
    let inputs: Vec<(u64, u32)> =
        inputs.flat_map(|(i, row)| ones(row).into_iter().map(move |t| (t, i as u32))).collect();
    let expected: Vec<Vec<u64>> = golden["output"].as_array().unwrap().iter().map(ones).collect();
    assert_eq!(run(&network, "spikingjelly", &inputs, 200), expected);
}

#[test]
fn a_graph_within_a_graph_runs_as_if_it_were_spelled_out() {
    let ring = || {
        graph(
            vec![
                Node::new("i", NodeKind::Input(shape(&[2]))),
                Node::new("o", NodeKind::Output(shape(&[2]))),
                relay("cells", 2),
                node(
                    "swap",
                    "Linear",
                    &[("weight", Array::floats(&[2, 2], vec![0.0, 1.0, 1.0, 0.0]))],
                ),
            ],
            &[("i", "cells"), ("cells", "swap"), ("swap", "cells"), ("cells", "o")],
        )
    };
    let inner = Node::new("ring", NodeKind::Graph(ring()));
    let outer = graph(vec![input(2), inner, output(2)], &[("in", "ring"), ("ring", "out")]);
    let network = Network::new(outer).unwrap();
    let names: Vec<_> = network.units.iter().map(|unit| &unit.name[..]).collect();
    assert_eq!(names, ["in", "ring.cells", "ring.swap", "out"]);
    // a spike goes round for ever, one step for each turn of the loop
    let sent = run(&network, "nir", &[(2, 0)], 7);
    assert_eq!(sent, [vec![2, 4, 6], vec![3, 5]]);
    let alone = Network::new(ring()).unwrap();
    assert_eq!(run(&alone, "nir", &[(2, 0)], 7), sent);
}

#[test]
fn delays_are_whole_steps_each_address_its_own() {
    let delay = node("wait", "Delay", &[("delay", floats(&[0.0, 0.001, 0.003, 0.0026]))]);
    let edges = [("in", "wait"), ("wait", "cells"), ("cells", "out")];
    let network =
        Network::new(graph(vec![input(4), delay, relay("cells", 4), output(4)], &edges)).unwrap();
    let spikes = [(1, 0), (1, 1), (1, 2), (1, 3), (2, 2), (30, 2)];
    let sent = run(&network, "nir", &spikes, 40);
    assert_eq!(sent, [vec![1], vec![2], vec![4, 5, 33], vec![4]]);
    let engine = Clocked::new(&network, &Conventions::default(), Micros(1000)).unwrap();
    assert_eq!(engine.plan().notes, ["'wait': delays rounded to whole steps, by up to 400 µs"]);
}

#[test]
fn a_delay_of_several_axes_has_the_order_of_the_file() {
    // [channel][column]: channel 0 waits 1 and 2 steps, channel 1 waits 3 and 4
    let delays = Array::floats(&[2, 2], vec![0.001, 0.002, 0.003, 0.004]);
    let nodes = vec![
        Node::new("in", NodeKind::Input(shape(&[2, 2]))),
        node("wait", "Delay", &[("delay", delays)]),
        Node::new("out", NodeKind::Output(shape(&[2, 2]))),
    ];
    let network = Network::new(graph(nodes, &[("in", "wait"), ("wait", "out")])).unwrap();
    // the engine counts channels first: address 1 is channel 1 of column 0
    let sent = run(&network, "nir", &[(0, 0), (0, 1), (0, 2), (0, 3)], 6);
    assert_eq!(sent, [[1], [3], [2], [4]]);
}

#[test]
fn a_delay_closes_a_loop_without_a_further_step() {
    let nodes = || {
        let wait = node("wait", "Delay", &[("delay", floats(&[0.003]))]);
        vec![input(1), relay("cells", 1), wait, output(1)]
    };
    let edges = [("in", "cells"), ("cells", "wait"), ("wait", "cells"), ("cells", "out")];
    let network = Network::new(graph(nodes(), &edges)).unwrap();
    assert_eq!(run(&network, "nir", &[(0, 0)], 10), [[0, 3, 6, 9]]);
}

/// A delay that is no step long takes no time: nothing in its loop could have a turn, nor
/// what hears it.
#[test]
fn a_delay_of_nothing_closes_no_loop() {
    for delay in [0.0, 0.0004] {
        let wait = node("wait", "Delay", &[("delay", floats(&[delay]))]);
        let scale = node("scale", "Scale", &[("scale", floats(&[0.5]))]);
        let nodes = vec![input(1), wait, scale, relay("cells", 1), output(1)];
        let edges = [
            ("in", "wait"),
            ("scale", "wait"),
            ("wait", "scale"),
            ("scale", "cells"),
            ("cells", "out"),
        ];
        let network = Network::new(graph(nodes, &edges)).unwrap();
        let bound = Clocked::new(&network, &Conventions::default(), Micros(1000));
        let text = bound.err().unwrap().to_string();
        assert!(text.contains("a loop through 'wait', 'scale' that takes no time"), "{text}");
        let finer = Clocked::new(&network, &Conventions::default(), Micros(100));
        assert_eq!(finer.is_ok(), delay > 0.0);
    }
}

#[test]
fn everything_that_can_go_unnoticed_is_said() {
    let one = |value: f32| floats(&[value]);
    let fields =
        [("tau", one(0.0009)), ("r", one(1000.0)), ("v_leak", one(0.0)), ("v_threshold", one(1.0))];
    let nodes = vec![input(1), node("cell", "LIF", &fields), output(1)];
    let network = Network::new(graph(nodes, &[("in", "cell"), ("cell", "out")])).unwrap();
    let bound = Clocked::new(&network, &"norse".parse().unwrap(), Micros(1000)).unwrap();
    let notes = bound.plan().notes.join("\n");
    assert!(notes.contains("'cell': tau = 900 µs is below the step of 1.00 ms"), "{notes}");
    assert!(notes.contains("'cell': r = 1000 is ignored"), "{notes}");
}

/// One output, however far the next would be.
#[test]
fn a_stride_beyond_the_input_is_one_output() {
    for stride in [3, 1_000_000_007, 1_000_000_000_000] {
        let weight = Array::floats(&[8, 1, 3, 3], vec![1.0; 72]);
        let two = |n: i64| Array::integers(&[n, n]);
        let cells = |value: f32| Array::floats(&[8, 1, 1], vec![value; 8]);
        let fields = [
            ("weight", weight),
            ("bias", floats(&[0.0; 8])),
            ("stride", two(stride)),
            ("padding", two(0)),
            ("dilation", two(2)),
            ("groups", Array::integers(&[1])),
        ];
        let nodes = vec![
            Node::new("in", NodeKind::Input(shape(&[1, 5, 5]))),
            node("conv", "Conv2d", &fields),
            node("cells", "IF", &[("r", cells(1.0)), ("v_threshold", cells(0.5))]),
            Node::new("out", NodeKind::Output(shape(&[8, 1, 1]))),
        ];
        let network =
            Network::new(graph(nodes, &[("in", "conv"), ("conv", "cells"), ("cells", "out")]));
        let network = network.unwrap();
        let sent = run(&network, "nir", &[(1, 12), (2, 13)], 4);
        assert!(sent.iter().all(|steps| steps == &[1]), "{sent:?}");
    }
}

#[test]
fn a_neuron_may_hear_itself() {
    let edges = [("in", "cells"), ("cells", "cells"), ("cells", "out")];
    let network =
        Network::new(graph(vec![input(1), relay("cells", 1), output(1)], &edges)).unwrap();
    assert_eq!(run(&network, "nir", &[(2, 0)], 6), [[2, 3, 4, 5]]);
    assert_eq!(run(&network, "nir,delay=1", &[(2, 0)], 6), [[3, 4, 5]]);
}

#[test]
fn spikes_can_take_a_step_between_populations() {
    let nodes = vec![input(1), relay("a", 1), relay("b", 1), relay("c", 1), output(1)];
    let edges = [("in", "a"), ("a", "b"), ("b", "c"), ("c", "out")];
    let network = Network::new(graph(nodes, &edges)).unwrap();
    assert_eq!(run(&network, "nir", &[(3, 0)], 9), [[3]]);
    assert_eq!(run(&network, "nir,delay=1", &[(3, 0)], 9), [[6]]);
    // a spike is counted in the step in which it is fired
    let fired = |unit| run_to(&network, unit, "nir,delay=1", &[(3, 0)], 9);
    assert_eq!([fired(1), fired(2), fired(3)], [[[3]], [[4]], [[5]]]);
}

#[test]
fn only_the_spikes_that_close_a_loop_take_a_step() {
    // neuron 0 hears the input directly, neuron 1 through w; the loop leads from
    // neuron 0 through back and w to neuron 1. Whatever comes first in the file,
    // both answer in the step of their input, and the loop takes one.
    for (w, cells, back) in [("w", "x", "y"), ("y", "w", "x"), ("x", "y", "w")] {
        let weights = |all: [f32; 4]| vec![("weight", Array::floats(&[2, 2], all.to_vec()))];
        let scale = |name, factors: [f32; 2]| node(name, "Scale", &[("scale", floats(&factors))]);
        let mut nodes = vec![
            input(2),
            scale("direct", [1.0, 0.0]),
            scale("indirect", [1.0, 1.0]),
            node(w, "Linear", &weights([0.0, 0.0, 1.0, 1.0])),
            relay(cells, 2),
            node(back, "Linear", &weights([1.0, 0.0, 0.0, 0.0])),
            output(2),
        ];
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let edges = [
            ("in", "direct"),
            ("direct", cells),
            ("in", "indirect"),
            ("indirect", w),
            (w, cells),
            (cells, back),
            (back, w),
            (cells, "out"),
        ];
        let network = Network::new(graph(nodes, &edges)).unwrap();
        assert_eq!(run(&network, "nir", &[(3, 1), (6, 0)], 9), [vec![6], vec![3, 6, 7]]);
    }
}

#[test]
fn a_loop_takes_one_step_under_a_delayed_convention_too() {
    let nodes = vec![
        input(1),
        relay("cells", 1),
        node("w", "Linear", &[("weight", Array::floats(&[1, 1], vec![1.0]))]),
        output(1),
    ];
    let edges = [("in", "cells"), ("cells", "w"), ("w", "cells"), ("cells", "out")];
    let network = Network::new(graph(nodes, &edges)).unwrap();
    assert_eq!(run(&network, "nir", &[(0, 0)], 4), [[0, 1, 2, 3]]);
    assert_eq!(run(&network, "nir,delay=1", &[(0, 0)], 4), [[1, 2, 3]]);
}

#[test]
fn signals_that_meet_add_up() {
    let nodes = vec![
        input(2),
        node("half", "Scale", &[("scale", floats(&[0.25, 0.25]))]),
        node(
            "w",
            "Affine",
            &[
                ("weight", Array::floats(&[2, 2], vec![0.125, 0.0, 0.0, 0.125])),
                ("bias", floats(&[0.0, 0.125])),
            ],
        ),
        node("cells", "Threshold", &[("threshold", floats(&[0.3, 0.45]))]),
        output(2),
    ];
    let edges = [("in", "half"), ("in", "w"), ("half", "cells"), ("w", "cells"), ("cells", "out")];
    let network = Network::new(graph(nodes, &edges)).unwrap();
    // 0.25 + 0.125 exceeds 0.3; with the bias 0.5 exceeds 0.45
    assert_eq!(run(&network, "nir", &[(1, 0), (2, 1)], 4), [[1], [2]]);
}

#[test]
fn a_bias_alone_makes_neurons_fire() {
    let nodes = vec![
        input(1),
        node(
            "w",
            "Affine",
            &[("weight", Array::floats(&[1, 1], vec![0.0])), ("bias", floats(&[0.25]))],
        ),
        node("cells", "IF", &[("r", floats(&[1.0])), ("v_threshold", floats(&[0.9]))]),
        output(1),
    ];
    let edges = [("in", "w"), ("w", "cells"), ("cells", "out")];
    let network = Network::new(graph(nodes, &edges)).unwrap();
    assert_eq!(run(&network, "nir", &[], 12), [[3, 7, 11]]);
}

fn refusal(nodes: Vec<Node>, edges: &[(&str, &str)]) -> (ErrorKind, String) {
    let error = Network::new(graph(nodes, edges)).unwrap_err();
    (error.kind, error.to_string())
}

#[test]
fn a_dangling_edge_is_named() {
    let (kind, text) =
        refusal(vec![input(1), relay("lif1", 1), output(1)], &[("in", "lif1"), ("lif", "out")]);
    assert_eq!(kind, ErrorKind::Graph);
    assert!(text.contains("edge 'lif' → 'out' without a node 'lif'"), "{text}");
}

#[test]
fn a_shape_that_does_not_fit_names_the_node() {
    let weight = Array::floats(&[3, 2], vec![0.0; 6]);
    let dense = || node("w", "Linear", &[("weight", weight.clone())]);
    let (kind, text) = refusal(vec![input(4), dense(), output(3)], &[("in", "w"), ("w", "out")]);
    assert_eq!(kind, ErrorKind::Shape);
    assert!(text.starts_with("node 'w' (Linear): found an input of 4"), "{text}");
    let edges = [("in", "w"), ("w", "cells"), ("cells", "out")];
    let (_, text) = refusal(vec![input(2), dense(), relay("cells", 5), output(5)], &edges);
    assert!(text.starts_with("node 'cells' (IF): found an input of 3; expected [5]"), "{text}");
    let (_, text) = refusal(vec![input(2), dense(), output(2)], &[("in", "w"), ("w", "out")]);
    assert!(text.starts_with("node 'out' (Output): found an input of 3"), "{text}");
}

#[test]
fn a_loop_in_which_nothing_takes_time_is_refused() {
    let scale = |name| node(name, "Scale", &[("scale", floats(&[1.0]))]);
    let edges = [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")];
    let (kind, text) = refusal(vec![input(1), scale("a"), scale("b"), output(1)], &edges);
    assert_eq!(kind, ErrorKind::Graph);
    assert!(text.contains("a loop through 'a', 'b' alone"), "{text}");
}

#[test]
fn what_a_file_leaves_out_is_put_in_and_said() {
    let weight = Array::floats(&[3, 2], vec![1.0; 6]);
    let dense = node("w", "Linear", &[("weight", weight)]);
    let network = Network::new(graph(vec![dense, relay("cells", 3)], &[("w", "cells")])).unwrap();
    assert_eq!(network.units[network.input].output.axes(), [2]);
    assert_eq!(network.units[network.output].output.axes(), [3]);
    assert_eq!(network.notes.len(), 2, "{:?}", network.notes);
    let nodes = vec![input(6), relay("cells", 1), output(6)];
    let edges = [("in", "cells"), ("cells", "out"), ("in", "cells")];
    let network = Network::new(graph(nodes, &edges)).unwrap();
    assert!(network.notes[0].contains("stands twice"), "{:?}", network.notes);
    assert!(network.notes[1].contains("one set of parameters for 6"), "{:?}", network.notes);
    assert_eq!(run(&network, "nir", &[(0, 5)], 1)[5], [0]);
    let nodes =
        vec![input(3), relay("cells", 3), Node::new("out", NodeKind::Output(shape(&[1, 1, 3])))];
    let network = Network::new(graph(nodes, &[("in", "cells"), ("cells", "out")])).unwrap();
    assert!(network.notes[0].contains("states 1×1×3 and receives 3"), "{:?}", network.notes);
}

#[test]
fn several_inputs_are_refused_by_name() {
    let nodes =
        vec![input(1), Node::new("in2", NodeKind::Input(shape(&[1]))), relay("a", 1), output(1)];
    let (kind, text) = refusal(nodes, &[("in", "a"), ("in2", "a"), ("a", "out")]);
    assert_eq!(kind, ErrorKind::Unsupported);
    assert!(text.contains("2 nodes of type Input [in, in2]"), "{text}");
}
