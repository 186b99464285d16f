//! Files as the exporters of other simulators write them: what they leave out or put otherwise
//! is said, and refused where it cannot be run.

mod build;
mod program;

use std::fs;

use build::{graph, node};
use program::{data, done, folder, json, refused};
use serde_json::json as value;
use synops::check::Subject;
use synops::check::trains::Others;
use synops::engine::{Clocked, Engine};
use synops::layer::LAYERS;
use synops::network::{Graph, Network, Node, NodeKind, nir};
use synops::record::Array;
use synops::units::Micros;

fn floats(values: &[f32]) -> Array {
    Array::floats(&[values.len()], values.to_vec())
}

fn lif(tau: &[f32], r: &[f32]) -> Node {
    let zeros = vec![0.0; tau.len()];
    let ones = vec![1.0; tau.len()];
    let fields = vec![
        ("tau", floats(tau)),
        ("r", floats(r)),
        ("v_leak", floats(&zeros)),
        ("v_threshold", floats(&ones)),
    ];
    node("cell", "LIF", fields)
}

/// What is said of a population with these times in steps of `micros`.
fn said(tau: &[f32], r: &[f32], convention: &str, micros: i64) -> Vec<String> {
    let n = tau.len() as i64;
    let network = build::network(&[n], vec![lif(tau, r)], &[n], &["in cell out"]);
    let conventions = convention.parse().unwrap();
    Clocked::new(&network, &conventions, Micros(micros)).unwrap().plan().notes.clone()
}

/// Norse 1.1 writes τ·dt for τ, SpikingJelly 2.0 and snnTorch 1.0 write for steps of 0.1 ms
/// unless told otherwise.
#[test]
fn times_that_are_too_short_name_the_step_of_the_exporter() {
    let [norse, spikingjelly] =
        [said(&[1e-5], &[1.0], "norse", 1_000), said(&[2e-4], &[1.0], "spikingjelly", 1_000)];
    let is_below = "is below the step of 1.00 ms";
    let norse_says = "step=1us is that of files which norse itself wrote";
    assert_eq!(norse, [format!("'cell': tau = 10.0 µs {is_below}; {norse_says}")]);
    let spikingjelly_says = "step=100us is that of files which spikingjelly itself wrote";
    assert_eq!(spikingjelly, [format!("'cell': tau = 200 µs {is_below}; {spikingjelly_says}")]);
    assert_eq!(said(&[1e-5], &[1.0], "norse,step=1us", 1_000), [""; 0]);
    assert_eq!(said(&[2e-4], &[1.0], "spikingjelly", 100), [""; 0]);
    // too short even so
    let short = said(&[5e-5], &[1.0], "spikingjelly", 1_000);
    assert_eq!(short, [format!("'cell': tau = 50.0 µs {is_below}")]);
}

/// sinabs 2.0 and Spyx 1.0 count τ in steps; neurons hardly ever leak within seconds.
#[test]
fn times_that_count_steps_are_named() {
    let [sinabs, right] =
        [said(&[20.0], &[1.0], "sinabs", 1_000), said(&[20.0], &[1.0], "sinabs,step=1s", 1_000)];
    let text = "'cell': tau = 20.0 s is 20000 steps of 1.00 ms: where a file counts times in \
                steps, step=1s runs it so";
    assert_eq!((sinabs, right), (vec![text.to_owned()], vec![]));
    assert_eq!(said(&[0.5], &[1.0], "sinabs", 1_000), [""; 0]);
    assert_eq!(said(&[2.0], &[1.0], "nir", 1_000_000), [""; 0]);
}

/// snnTorch 1.0 writes r = tau/dt of its Leaky, SpikingJelly 2.0 of a LIFNode that does not
/// decay its input.
#[test]
fn resistances_tell_the_step_that_a_file_is_for() {
    let (tau, r) = ([1e-3, 2e-3, 1e-2], [10.0, 20.0, 100.0]);
    let text = "'cell': r = tau/100 µs: as of a file for steps of that length; step=100us runs \
                it so";
    assert_eq!(said(&tau, &r, "snntorch", 1_000), [text]);
    assert_eq!(said(&tau, &r, "snntorch", 100), [""; 0]);
    assert_eq!(said(&tau, &r, "snntorch,step=100us", 1_000), [""; 0]);
    // ratios of no round length, or of several, say nothing
    assert_eq!(said(&[0.02], &[3.0], "snntorch", 1_000), [""; 0]);
    assert_eq!(said(&tau, &[10.0, 20.0, 10.0], "snntorch", 1_000), [""; 0]);
    assert_eq!(said(&[1e-3], &[1.0], "snntorch", 500), [""; 0]);
}

/// sinabs' IAF has no floor by default, its importer gives it one, and no file says which.
#[test]
fn what_files_do_not_say_is_said_where_spikes_differ() {
    let spikes = folder().join("none.json");
    fs::write(&spikes, value!({"input": [[0, 0]], "1": [[0, 0]]}).to_string()).unwrap();
    let (network, spikes) = (data("agreement/exported-sinabs.nir"), spikes.display().to_string());
    let check = ["check", &network, "--against", &spikes, "--convention"];
    let said = |convention| refused(&[&check[..], &[convention]].concat(), 1);
    let sinabs = said("sinabs");
    let unsaid = "the same spikes; files do not say: IAF without min_v_mem: floor=none;";
    assert!(sinabs.contains(unsaid), "{sinabs}");
    let nir = said("nir");
    assert!(nir.trim_end().ends_with("expected the same spikes"), "{nir}");
    let help = done(&["replay", "--help"]);
    assert!(help.contains("step=1s; IAF without min_v_mem: floor=none"), "{help}");
}

fn dense(name: &str) -> Node {
    let weight = Array::floats(&[2, 3], vec![1.0; 6]);
    node(name, "Affine", vec![("weight", weight), ("bias", floats(&[0.0; 2]))])
}

fn cells(name: &str) -> Node {
    node(name, "IF", vec![("r", floats(&[1.0; 2])), ("v_threshold", floats(&[1.0; 2]))])
}

fn read(graph: &Graph) -> synops::error::Result<Network> {
    Network::new(nir::from_bytes(nir::to_bytes(graph).unwrap()).unwrap())
}

/// Norse's and snnTorch's exporters write the shape of the sample that they were given.
#[test]
fn a_batch_of_one_is_no_axis_of_the_input() {
    let paths = ["in fc cell out"];
    let network = read(&graph(&[1, 3], vec![dense("fc"), cells("cell")], &[1, 2], &paths)).unwrap();
    assert_eq!(network.units[network.input].output.axes(), [3]);
    let said = "node 'in' (Input) states 1×3: a batch of one, read as 3";
    assert_eq!(network.notes[0], said);
    // a convolution behind a Flatten takes four axes as well; no recording has them
    let flat = node(
        "flat",
        "Flatten",
        vec![("start_dim", Array::integer(0)), ("end_dim", Array::integer(-1))],
    );
    let nodes = || vec![dense("fc"), cells("cell")];
    let all = [flat].into_iter().chain(nodes()).collect();
    let flatten = graph(&[1, 1, 1, 3], all, &[1, 2], &["in flat fc cell out"]);
    let network = read(&flatten).unwrap();
    assert_eq!(network.units[network.input].output.axes(), [1, 1, 3]);
    // nir's `infer_types` states it once more
    let mut stated = flatten;
    let NodeKind::Layer(layer) = &mut stated.nodes[0].kind else { panic!() };
    let mut fields = layer.write();
    fields.put("input_type", Array::integers(&[1, 1, 1, 3]));
    let kind = LAYERS.iter().find(|layer| layer.nir == "Flatten").unwrap();
    *layer = (kind.read)(&mut fields).unwrap();
    let network = read(&stated).unwrap();
    assert_eq!(network.units[network.input].output.axes(), [1, 1, 3]);
    let norse = ["nir", "npz"].map(|ending| data(&format!("agreement/exported-norse.{ending}")));
    let report = json(&["check", &norse[0], "--against", &norse[1], "--convention", "norse"]);
    let said = "node 'input' (Input) states 1×1×8×15: a batch of one, read as 1×8×15";
    assert_eq!(report["networks"][0]["notes"][0], said);
    let error = read(&graph(&[4, 3], nodes(), &[4, 2], &paths)).unwrap_err().to_string();
    assert!(error.contains("found an input of 4×3; expected 3 flat elements"), "{error}");
    assert!(error.contains("no batch or time axis"), "{error}");
}

/// nirtorch loses sums that are no module: what they led to hears nothing.
#[test]
fn a_layer_that_hears_nothing_is_refused() {
    let nodes = vec![dense("fc"), cells("cell"), dense("lost"), cells("deaf")];
    let mut graph = graph(&[3], nodes, &[2], &["in fc cell out", "lost deaf out"]);
    let error = read(&graph).unwrap_err().to_string();
    assert!(error.contains("nothing leads to node 'lost' (Affine)"), "{error}");
    assert!(error.contains("exporters lose additions"), "{error}");
    // nir's `infer_types` then adds an input of its own, perhaps without a shape
    graph.nodes.push(Node::new("input_lost", NodeKind::Input(Array::integers(&[]))));
    graph.edges.push(("input_lost".into(), "lost".into()));
    let error = read(&graph).unwrap_err().to_string();
    assert!(error.contains("found 2 nodes of type Input [in, input_lost]"), "{error}");
    assert!(error.contains("exporters lose additions"), "{error}");
}

/// Spyx 1.0 writes so of its RIF, RLIF and RCuBaLIF, which weigh what they feed back alone.
#[test]
fn an_input_by_the_weights_of_a_loop_is_named() {
    let square = || {
        let weight = Array::floats(&[2, 2], vec![1.0; 4]);
        node("w_rec", "Linear", vec![("weight", weight)])
    };
    let notes = |paths: &[&str]| {
        read(&graph(&[2], vec![square(), cells("cell")], &[2], paths)).unwrap().notes
    };
    let said = "node 'w_rec' (Linear) weighs its input and what 'cell' feeds back alike: \
                Spyx's exporter writes so what weighs the latter alone";
    assert_eq!(notes(&["in w_rec cell out", "cell w_rec"]), [said]);
    assert_eq!(notes(&["in cell out", "cell w_rec cell"]), [""; 0]);
}

/// What snnTorch writes of a Leaky with beta = 1.
#[test]
fn a_neuron_that_never_leaks_is_another_model() {
    let nodes = vec![lif(&[f32::INFINITY], &[f32::INFINITY])];
    let network = build::network(&[1], nodes, &[1], &["in cell out"]);
    let error = Clocked::new(&network, &"snntorch".parse().unwrap(), Micros(100)).err().unwrap();
    let error = error.to_string();
    assert!(error.contains("'tau' = inf") && error.contains("IF and I do not leak"), "{error}");
}

/// Spyx 1.0 writes its PSU_LIF as LI and Threshold, and reads it back: V ← β V + x fires above
/// θ, in the same step and without a reset. β = 1/2, x = 3/4 for a spike: V = 0.75, 0.375,
/// 0.9375, 1.21875, 0.609375, 1.0546875.
#[test]
fn spyx_compares_what_a_leaky_integrator_sends_at_once() {
    let nodes = vec![
        node("w", "Linear", vec![("weight", Array::floats(&[1, 1], vec![0.75]))]),
        node(
            "cell",
            "LI",
            vec![("tau", floats(&[2e-3])), ("r", floats(&[1.0])), ("v_leak", floats(&[0.0]))],
        ),
        node("above", "Threshold", vec![("threshold", floats(&[1.0]))]),
    ];
    let network = read(&graph(&[1], nodes, &[1], &["in w cell above out"])).unwrap();
    let input = value!([[0, 0], [2, 0], [3, 0], [5, 0]]);
    let spikes = value!({"input": input, "above": [[3, 0], [5, 0]]}).to_string();
    let others = Others::from_bytes(spikes.as_bytes(), &network).unwrap();
    let (input, steps) = others.input.unwrap();
    let subject = Subject { network: &network, dt: Micros(1_000), input, steps };
    let spyx = "spyx".parse().unwrap();
    let comparison = subject.compare(&spyx, &others.simulators[0].1).unwrap();
    assert_eq!((comparison.theirs(), comparison.first), (2, None));
    assert_eq!(subject.notes(&spyx), [""; 0]);
}

/// An `.npy` of bytes, as `numpy.lib.format` describes it.
fn frames_of(shape: &str, counts: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), counts].concat()
}

/// Frames of one row are the input of a convolution over one axis.
#[test]
fn frames_of_one_row_feed_a_convolution_over_one_axis() {
    let conv = vec![
        ("weight", Array::floats(&[1, 2, 3], vec![1.0; 6])),
        ("bias", floats(&[0.0])),
        ("stride", Array::integer(1)),
        ("padding", Array::integer(0)),
        ("dilation", Array::integer(1)),
        ("groups", Array::integer(1)),
    ];
    let cells = [("r", 1.0), ("v_threshold", 0.5)];
    let cells = cells.map(|(name, value)| (name, Array::floats(&[1, 3], vec![value; 3]))).to_vec();
    let nodes = vec![node("conv", "Conv1d", conv), node("cell", "IF", cells)];
    let network = folder().join("row.nir");
    nir::write(&graph(&[2, 5], nodes, &[1, 3], &["in conv cell out"]), &network).unwrap();
    // step 0: an event at the left end, of polarity 1; step 1: one at the right, of polarity 0
    let mut counts = vec![0; 20];
    (counts[5], counts[14]) = (1, 1);
    let frames = folder().join("row.npy");
    fs::write(&frames, frames_of("(2, 2, 1, 5)", &counts)).unwrap();
    let [network, frames] = [network, frames].map(|path| path.display().to_string());
    let report = json(&["replay", &frames, "--network", &network, "--convention", "nir"]);
    assert_eq!(report["output"]["counts"], value!([1, 0, 1]), "{report}");
    // two rows are no row
    let frames = folder().join("rows.npy");
    fs::write(&frames, frames_of("(1, 2, 2, 5)", &[0; 20])).unwrap();
    let said = refused(&["replay", &frames.display().to_string(), "-n", &network], 2);
    assert!(said.contains("2×5 for a sensor of 5×2"), "{said}");
}
