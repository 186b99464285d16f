//! What is said of a network that runs, but not as somebody may have meant it.

mod build;
mod program;

use std::fs;

use build::node;
use program::{data, done, folder, json, refused};
use serde_json::Value;
use synops::engine::{Clocked, Engine, EventDriven};
use synops::event::Batch;
use synops::format::encode;
use synops::network::{Network, Node, nir};
use synops::record::Array;
use synops::units::Micros;

const DT: Micros = Micros(1_000);

fn one(value: f64) -> Array {
    Array::floats(&[1], vec![value as f32])
}

/// One neuron.
fn neuron(model: &str, fields: &[(&str, f64)]) -> Network {
    let fields = fields.iter().map(|&(field, value)| (field, one(value))).collect();
    build::network(&[1], vec![node("cell", model, fields)], &[1], &["in cell out"])
}

#[test]
fn a_step_that_is_not_the_runs_has_another_pace_without_a_clock() {
    let lif = [("tau", 1e-2), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)];
    let lif = neuron("LIF", &lif);
    let notes = |convention: &str| {
        let conventions = convention.parse().unwrap();
        let event = EventDriven::new(&lif, &conventions, DT).unwrap();
        let clocked = Clocked::new(&lif, &conventions, DT).unwrap();
        [event.plan().notes.clone(), clocked.plan().notes.clone()]
    };
    let said = "'cell': step=100us: between events time passes as it is, where a clock takes \
                each step of 1.00 ms for 100 µs";
    assert_eq!(notes("nir,step=100us"), [vec![said.to_owned()], vec![]]);
    assert_eq!(notes("nir,step=1ms").concat(), [""; 0]);
    assert_eq!(notes("nir").concat(), [""; 0]);
    // what has no memory has no pace
    let threshold = neuron("Threshold", &[("threshold", 1.0)]);
    let event = EventDriven::new(&threshold, &"nir,step=100us".parse().unwrap(), DT).unwrap();
    assert_eq!(event.plan().notes, [""; 0]);
}

/// Populations one after the other, with threshold 1.
fn chain(len: usize) -> Network {
    let names: Vec<String> = (0..len).map(|i| format!("n{i}")).collect();
    let fields = || vec![("r", one(1.0)), ("v_threshold", one(1.0))];
    let nodes = names.iter().map(|name| node(name, "IF", fields())).collect();
    build::network(&[1], nodes, &[1], &[&format!("in {} out", names.join(" "))])
}

/// sinabs 2.0: `from_nir` makes IAFSqueeze with min_v_mem = -v_threshold; IAF has none by
/// default, and `to_nir` does not write it.
#[test]
fn a_floor_that_nobody_asked_for_is_noted_once_for_all_that_have_it() {
    let notes = |len: usize, convention: &str| {
        let engine = Clocked::new(&chain(len), &convention.parse().unwrap(), DT).unwrap();
        engine.plan().notes.clone()
    };
    let said = "potentials stop at -threshold, as the importer of sinabs makes them; networks \
                that sinabs exported mostly ran without a floor: floor=none";
    assert_eq!(notes(1, "sinabs"), [format!("'n0': {said}")]);
    assert_eq!(notes(3, "sinabs,number=f32"), [format!("'n0', 'n1', 'n2': {said}")]);
    let names = "'n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7' and 2 more";
    assert_eq!(notes(10, "sinabs"), [format!("{names}: {said}")]);
    for convention in ["sinabs,floor=none", "sinabs,floor=minus-threshold", "nir", "norse"] {
        assert_eq!(notes(2, convention), [""; 0], "{convention}");
    }
}

#[test]
fn fields_that_a_node_does_not_have_are_named() {
    let fields = vec![("r", one(1.0)), ("v_threshold", one(1.0))];
    let mut graph = build::graph(&[1], vec![node("cell", "IF", fields)], &[1], &["in cell out"]);
    graph.nodes[0].rest.put("v_rest", one(0.5));
    graph.nodes[0].rest.put("input_type", one(1.0));
    let metadata = graph.nodes[0].rest.groups.entry("metadata".into()).or_default();
    metadata.put("by", Array::text("nobody"));
    graph.nodes[0].rest.groups.entry("synapse".into()).or_default().put("tau", one(1.0));
    let read = nir::from_bytes(nir::to_bytes(&graph).unwrap()).unwrap();
    assert_eq!(read.to_record(), graph.to_record(), "kept all the same");
    let network = Network::new(read).unwrap();
    let said = "node 'cell' (IF): not read: 'v_rest', 'synapse'";
    assert_eq!(network.notes, [said]);
}

/// The same for each of eight neurons.
fn each(value: f64) -> Array {
    Array::floats(&[2, 2, 2], vec![value as f32; 8])
}

/// Files of these nodes one behind the other, `[2, 2, 2]` in and out, and of a recording of two
/// pixels' events.
fn files(nodes: Vec<Node>, events: &[(i64, u16, u16, bool)]) -> [String; 2] {
    let path = ["in"].into_iter().chain(nodes.iter().map(|node| &node.name[..])).chain(["out"]);
    let path = path.collect::<Vec<_>>().join(" ");
    let graph = build::graph(&[2, 2, 2], nodes, &[2, 2, 2], &[&path]);
    let (network, recording) = (folder().join("network.nir"), folder().join("events.aedat"));
    nir::write(&graph, &network).unwrap();
    let events: Batch = events.iter().copied().collect();
    fs::write(&recording, encode("aedat3", &events).unwrap()).unwrap();
    [network, recording].map(|path| path.display().to_string())
}

/// A connection of each pixel's two polarities, with these weights.
fn pixels(weights: [f32; 2]) -> Node {
    let weight = [weights, weights].concat();
    let fields = vec![
        ("weight", Array::floats(&[2, 2, 1, 1], weight)),
        ("bias", Array::floats(&[2], vec![0.0; 2])),
        ("stride", Array::integers(&[1, 1])),
        ("padding", Array::integers(&[0, 0])),
        ("dilation", Array::integers(&[1, 1])),
        ("groups", Array::integers(&[1])),
    ];
    node("w", "Conv2d", fields)
}

const ENGINES: [&[&str]; 3] =
    [&["--dt", "1ms"], &["--engine", "event"], &["--engine", "event", "--quantum", "1ms"]];

#[test]
fn sums_beyond_all_numbers_are_named() {
    let li = vec![("tau", each(0.002)), ("r", each(1.0)), ("v_leak", each(0.0))];
    let cell = || node("cell", "LI", li.clone());
    // 3e38 once is a number, twice at the same time is none
    let events = [(0, 0, 0, true), (0, 0, 0, false), (2_000, 1, 1, true)];
    let [network, recording] = files(vec![pixels([3e38, 3e38]), cell()], &events);
    let said = "'cell': potentials beyond all numbers (inf or NaN)";
    for engine in ENGINES {
        let replay = ["replay", &recording, "-n", &network, "--sensor", "2x2"];
        let report = json(&[&replay[..], engine].concat());
        let notes: Vec<&str> =
            report["notes"].as_array().unwrap().iter().filter_map(|note| note.as_str()).collect();
        assert!(notes.len() == 2 && notes[0].starts_with(said), "{engine:?}: {notes:?}");
        assert_eq!(notes[1], "'out': means beyond all numbers");
        // where they are several, it is said once
        let replay = ["replay", &recording, &recording, "-n", &network, "--sensor", "2x2"];
        let screen = done(&[&replay[..], engine].concat());
        assert_eq!(screen.matches(said).count(), 1, "{screen}");
    }
    // of a data set, the sample has a problem
    for class in ["a", "b"] {
        let samples = folder().join("set").join(class);
        fs::create_dir_all(&samples).unwrap();
        fs::copy(&recording, samples.join("1.aedat")).unwrap();
    }
    let set = folder().join("set").display().to_string();
    let eval = ["eval", &set, "-n", &network, "--sensor", "2x2", "--dt", "1ms", "--strict"];
    let message = refused(&[&eval[..], &["--classes", "a,b,c,d,e,f,g,h"]].concat(), 1);
    let all = format!("2 problems, the first: {said}");
    assert!(message.contains(&all) && message.contains("; 'out': means beyond all"), "{message}");
    let [network, recording] = files(vec![pixels([3e38, 0.0]), cell()], &events);
    for engine in ENGINES {
        let replay = ["replay", &recording, "-n", &network, "--sensor", "2x2"];
        assert_eq!(json(&[&replay[..], engine].concat())["notes"], serde_json::json!([]));
    }
}

#[test]
fn silence_is_said_to_be_silence() {
    let cell =
        node("cell", "LI", vec![("tau", each(0.002)), ("r", each(1.0)), ("v_leak", each(0.0))]);
    let [network, recording] = files(vec![pixels([0.5, 0.5]), cell], &[(0, 0, 0, true)]);
    let replay = ["replay", &recording, "-n", &network, "--sensor", "2x2"];
    let notes = |window: &[&str]| json(&[&replay[..], window].concat())["notes"].clone();
    let said = serde_json::json!(["no event in its window"]);
    for engine in ENGINES {
        let with = |window: &[&'static str]| [engine, window].concat();
        assert_eq!(notes(&with(&["--from", "1ms"])), said, "{engine:?}");
        assert_eq!(notes(&with(&["--from", "1ms", "--steps", "5"])), said, "{engine:?}");
        assert_eq!(notes(&with(&["--steps", "0"])), said, "{engine:?}");
        assert_eq!(notes(&with(&["--to", "1ms"])), serde_json::json!([]), "{engine:?}");
    }
}

/// A LIF neuron for each pixel and polarity, whose time constant is 10 ms.
fn lif(leak: f64, threshold: f64) -> Node {
    let fields = [("tau", 1e-2), ("r", 1.0), ("v_leak", leak), ("v_threshold", threshold)];
    node("cell", "LIF", fields.map(|(field, value)| (field, each(value))).into())
}

/// The report of a replay whose notes are so many, all of which begin so.
fn noted([network, recording]: &[String; 2], engine: &[&str], many: usize, text: &str) -> Value {
    let replay = ["replay", recording, "-n", network, "--sensor", "2x2"];
    let report = json(&[&replay[..], engine].concat());
    let notes = report["notes"].as_array().unwrap();
    assert_eq!(notes.len(), many, "{notes:?}");
    assert!(notes.iter().all(|note| note.as_str().unwrap().starts_with(text)), "{notes:?}");
    report
}

#[test]
fn a_neuron_fires_once_a_microsecond_at_most() {
    // it reaches its threshold after τ ln(v∞/(v∞ − θ)): 10 ns, and 3.33 µs
    for (leak, spikes, said) in [(1e6, 2_000, 1), (3e3, 600, 0)] {
        let nodes = vec![pixels([0.0; 2]), lif(leak, 1.0)];
        let files = files(nodes, &[(0, 0, 0, true), (1_999, 0, 0, true)]);
        let text = "'cell': driven so hard that neurons reach their threshold again within 1.00 µs";
        let report = noted(&files, &["--engine", "event"], said, text);
        let counts = report["output"]["counts"].as_array().unwrap();
        assert!(counts.iter().all(|count| count.as_u64().unwrap().abs_diff(spikes) <= 1));
    }
}

#[test]
fn thresholds_without_end_are_named() {
    for (threshold, said) in [(f64::INFINITY, 1), (1e30, 0)] {
        let files = files(vec![pixels([1.0; 2]), lif(0.0, threshold)], &[(0, 0, 0, true)]);
        for engine in ENGINES {
            noted(&files, engine, said, "'cell': v_threshold = inf: such neurons never fire");
        }
    }
}

#[test]
fn a_replay_that_is_longer_than_a_sample_says_so() {
    let [recording, network, labels] =
        ["gestures.aedat", "gestures.nir", "gestures_labels.csv"].map(data);
    let notes = |more: &[&str]| {
        let replay = ["replay", &recording, "-n", &network];
        json(&[&replay[..], more].concat())["notes"].as_array().unwrap().len()
    };
    // its trials are as long as the samples that the network learned from
    assert_eq!([notes(&[]), notes(&["--labels", &labels]), notes(&["--steps", "20"])], [1, 0, 0]);
}
