//! `synops check`: the bundled suite, other people's spikes, step lengths.

mod program;

use std::fs;
use std::path::PathBuf;

use program::{data, done, folder, json, refused, synops, text};
use serde_json::{Value, json as value};
use synops::layer::LAYERS;
use synops::network::{Graph, Node, NodeKind, nir};
use synops::neuron::MODELS;
use synops::record::{Array, Record};

/// Two IF neurons, θ = 1, each behind one input: weights 5/8 and 1/2.
fn network() -> String {
    let two = |values: [f32; 2]| Array::floats(&[2], values.to_vec());
    let mut weights = Record::default();
    weights.put("weight", Array::floats(&[2, 2], vec![0.625, 0.0, 0.0, 0.5]));
    let mut cells = Record::default();
    cells.put("r", two([1.0, 1.0]));
    cells.put("v_threshold", two([1.0, 1.0]));
    cells.put("v_reset", two([0.0, 0.0]));
    let linear = LAYERS.iter().find(|layer| layer.nir == "Linear").unwrap();
    let model = MODELS.iter().find(|model| model.nir == "IF").unwrap();
    let nodes = vec![
        Node::new("in", NodeKind::Input(Array::integers(&[2]))),
        Node::new("w", NodeKind::Layer((linear.read)(&mut weights).unwrap())),
        Node::new("cells", NodeKind::Neuron(model.read(&mut cells).unwrap())),
        Node::new("out", NodeKind::Output(Array::integers(&[2]))),
    ];
    let edges = ["in w", "w cells", "cells out"];
    let edges = edges.map(|edge| edge.split_once(' ').unwrap());
    let edges = edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec();
    let path = folder().join("two.nir");
    nir::write(&Graph { nodes, edges, ..Graph::default() }, &path).unwrap();
    path.display().to_string()
}

fn written(name: &str, content: &Value) -> String {
    let path: PathBuf = folder().join(name);
    fs::write(&path, content.to_string()).unwrap();
    path.display().to_string()
}

/// Neuron 0 hears a spike in steps 0 and 3, neuron 1 in steps 1 and 2.
fn input() -> Value {
    value!([[0, 0], [3, 0], [1, 1], [2, 1], [9, 1]])
}

#[test]
fn every_preset_makes_its_own_simulators_spikes() {
    let report = json(&["check"]);
    let networks = report["networks"].as_array().unwrap();
    let pairs = networks.iter().flat_map(|network| network["pairs"].as_array().unwrap());
    let (mut own, mut others) = (Vec::new(), 0);
    for pair in pairs {
        let (simulator, convention) = (&pair["simulator"], &pair["convention"]);
        let preset = if simulator == "exact" { "nir" } else { simulator.as_str().unwrap() };
        if *convention == preset {
            assert_eq!(pair["different"], 0, "{pair}");
            assert!(pair["theirs"].as_u64().unwrap() > 100, "{pair}");
            own.push(preset.to_owned());
        }
        others += u32::from(pair["equal"] == false);
        assert_eq!(pair["equal"] == true, pair["first_difference"].is_null());
    }
    own.sort();
    own.dedup();
    assert_eq!(
        own,
        [
            "nengo",
            "nir",
            "norse",
            "rockpool",
            "sinabs",
            "snntorch",
            "snntorch-nir",
            "spikingjelly",
            "spyx",
        ]
    );
    assert!(others > 50, "conventions differ, or nothing was compared");
    let screen = done(&["check", "--differences"]);
    assert!(screen.contains("sinabs ≠ norse: first in step"), "{screen}");
}

#[test]
fn the_first_difference_is_located() {
    let network = network();
    // by hand, under nir: 5/8 in step 0, 10/8 in step 3; 1/2, 2/2, 3/2 in 1, 2 and 9
    let right = value!({"input": input(), "cells": [[3, 0], [9, 1]]});
    let right = written("right.json", &right);
    let screen = done(&["check", &network, "--against", &right, "--convention", "nir"]);
    assert!(screen.lines().any(|line| line.split_whitespace().eq(["nir", "="])), "{screen}");

    let early =
        written("early.json", &value!({"input": input(), "cells": [[2, 0], [9, 1]], "dt_us": 500}));
    let arguments = ["check", &network, "--against", &early, "--convention", "nir"];
    let said = refused(&arguments, 1);
    assert!(said.contains("expected the same spikes"), "{said}");
    let report = program::synops(&[&arguments[..], &["--json", "-"]].concat()).stdout;
    let report: Value = serde_json::from_slice(&report).unwrap();
    let first = &report["networks"][0]["pairs"][0]["first_difference"];
    let expected = value!({
        "layer": "cells", "neuron": [0], "step": 2, "time_us": 1000, "ours": 0, "theirs": 1,
        "potential": 0.625, "threshold": 1.0, "thresholds": 1, "above_threshold": -0.375,
        "is_tie": false,
    });
    assert_eq!(*first, expected);
}

#[test]
fn without_a_convention_all_are_tried_and_ties_are_called_ties() {
    let network = network();
    // neuron 1 meets its threshold in step 2: only ≥ fires
    let spikes = value!({"input": input(), "cells": [[3, 0], [2, 1]]});
    let spikes = written("at.json", &spikes);
    let screen = done(&["check", &network, "--against", &spikes, "--differences"]);
    let line = |preset: &str| {
        let is_of = |line: &&str| line.split_whitespace().next() == Some(preset);
        screen.lines().find(is_of).unwrap_or_default().to_owned()
    };
    assert!(line("spikingjelly").ends_with('='), "{screen}");
    assert!(line("nir").ends_with("2 differ"), "{screen}");
    let first = "nir ≠ the file: first in step 2 (2.00 ms), 'cells' neuron [1]: 0 spikes here, \
                 1 spike there; potential 1, on the threshold 1: a tie";
    assert!(screen.contains(first), "{screen}");
}

#[test]
fn a_comparison_under_one_convention_says_what_a_replay_notes() {
    let [network, spikes] = ["agreement/dense-lif.nir", "agreement/dense-lif.npz"].map(data);
    let check = ["check", &network, "--against", &spikes];
    let norse = synops(&[&check[..], &["--convention", "norse"]].concat());
    let said = "  note: 'lif1', 'lif2': r = 20 is ignored\n";
    assert!(text(&norse.stdout).contains(said), "{}", text(&norse.stdout));
    // of all conventions it would be said too often
    assert!(!text(&synops(&check).stdout).contains("note: "));
}

#[test]
fn words_that_a_comparison_has_no_use_for_are_refused() {
    let network = network();
    let spikes = value!({"input": input(), "dt_us": 1000, "cells": [[3, 0], [2, 1]]});
    let spikes = written("spikes.json", &spikes);
    let said =
        |words: &[&str]| refused(&[&["check", &network, "--against", &spikes], words].concat(), 2);
    let engine = said(&["--engine", "event"]);
    assert!(engine.contains("found --engine; expected a clock"), "{engine}");
    let dt = said(&["--dt", "5ms"]);
    assert!(dt.contains("found --dt 5.00 ms; expected 1.00 ms, as the spikes have"), "{dt}");
    let to = said(&["--to", "1s"]);
    assert!(to.contains("found --to; expected a recording: the spikes come with"), "{to}");
    let steps = said(&["--steps", "1000000000000"]);
    assert!(steps.contains("expected 1000000000 at most"), "{steps}");
    done(&["check", &network, "--against", &spikes, "--engine", "clocked", "--dt", "1ms"]);
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let network = network();
    let said = |name: &str, content: Value| {
        let path = written(name, &content);
        refused(&["check", &network, "--against", &path], 2)
    };
    let names = said("names.json", value!({"input": [[0, 0]], "cell": [[1, 0]]}));
    assert!(names.contains("'cell'") && names.contains("populations of the network: cells"));
    let neuron = said("neuron.json", value!({"input": [[0, 0]], "cells": [[1, 2]]}));
    assert!(neuron.contains("'cells': found neuron 2; expected neurons below 2"), "{neuron}");
    let text = said("text.json", value!({"cells": "none"}));
    assert!(text.contains("expected {\"layer\": [[step, neuron], …]"), "{text}");
    assert!(said("empty.json", value!({})).contains("found no layer"));
    assert!(said("dt.json", value!({"dt_us": 0.5, "cells": []})).contains("whole number"));
    let alone = said("alone.json", value!({"cells": [[1, 0]]}));
    assert!(alone.contains("a network without a recording"), "{alone}");
    let lonely = refused(&["check", &network], 2);
    assert!(lonely.contains("--against FILE, or --dt-sweep"), "{lonely}");
}

#[test]
fn a_sweep_runs_every_step_length_and_none() {
    let pair = [&data("arm.aedat")[..], "--network", &data("arm.nir")];
    let plot = folder().join("sweep.png").display().to_string();
    let sweep = [&["check"], &pair[..], &["--dt-sweep=2ms,1ms", "--plot", &plot]].concat();
    let report = json(&sweep);
    let points = report["points"].as_array().unwrap();
    let steps: Vec<&Value> = points.iter().map(|point| &point["dt_us"]).collect();
    assert_eq!(steps, [&value!(2000), &value!(1000), &Value::Null]);
    let total = |arguments: &[&str], key: &str| {
        let replay = json(&[&["replay"], &pair[..], arguments].concat());
        let layers = replay["layers"].as_array().unwrap();
        layers.iter().filter_map(|layer| layer[key].as_u64()).sum::<u64>()
    };
    for (point, arguments) in
        points.iter().zip([["--dt", "2ms"], ["--dt", "1ms"], ["--engine", "event"]])
    {
        assert_eq!(point["spikes"], total(&arguments, "spikes"), "{arguments:?}");
        assert_eq!(point["synaptic_ops"], total(&arguments, "synaptic_ops"), "{arguments:?}");
    }
    // the bundled network's convention holds its input for a step
    assert!(report["notes"][0].as_str().unwrap().starts_with("input=hold"), "{report}");
    assert!(fs::read(&plot).unwrap().starts_with(b"\x89PNG"));
    let said = refused(&["check", "--dt-sweep=1"], 2);
    assert!(said.contains("a time with its unit"), "{said}");
    // as many steps of another length are another window
    let said = refused(&[&["check"], &pair[..], &["--dt-sweep", "--steps", "10"]].concat(), 2);
    assert!(said.contains("cannot be used with '--steps <N>'"), "{said}");
}

/// A network that answers by potentials, the first of which fall: 2×128×128 to 2.
fn falling() -> String {
    let mut weights = Record::default();
    let weight = [vec![-0.01; 32_768], vec![0.011; 32_768]].concat();
    weights.put("weight", Array::floats(&[2, 32_768], weight));
    let mut flat = Record::default();
    flat.put("start_dim", Array::integers(&[0]));
    flat.put("end_dim", Array::integers(&[-1]));
    flat.put("input_type", Array::integers(&[2, 128, 128]));
    let mut cells = Record::default();
    for (name, value) in [("tau", 0.02), ("r", 1.0), ("v_leak", 0.0)] {
        cells.put(name, Array::floats(&[2], vec![value; 2]));
    }
    let layer = |nir: &str| LAYERS.iter().find(|layer| layer.nir == nir).unwrap();
    let model = MODELS.iter().find(|model| model.nir == "LI").unwrap();
    let nodes = vec![
        Node::new("in", NodeKind::Input(Array::integers(&[2, 128, 128]))),
        Node::new("flat", NodeKind::Layer((layer("Flatten").read)(&mut flat).unwrap())),
        Node::new("w", NodeKind::Layer((layer("Linear").read)(&mut weights).unwrap())),
        Node::new("cells", NodeKind::Neuron(model.read(&mut cells).unwrap())),
        Node::new("out", NodeKind::Output(Array::integers(&[2]))),
    ];
    let edges = ["in flat", "flat w", "w cells", "cells out"];
    let edges = edges.map(|edge| edge.split_once(' ').unwrap());
    let edges = edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec();
    let path = folder().join("falling.nir");
    nir::write(&Graph { nodes, edges, ..Graph::default() }, &path).unwrap();
    path.display().to_string()
}

#[test]
fn a_sweep_of_potentials_is_drawn_with_those_below_zero() {
    let (network, recording) = (falling(), data("arm.aedat"));
    let [png, svg] = ["sweep.png", "sweep.svg"].map(|name| folder().join(name));
    let sweep = |plot: &PathBuf| {
        let plot = plot.display().to_string();
        let pair = ["check", &recording, "--network", &network, "--convention", "nir"];
        json(&[&pair[..], &["--to", "1s", "--dt-sweep=5ms,2ms", "--plot", &plot]].concat())
    };
    let report = sweep(&png);
    for point in report["points"].as_array().unwrap() {
        let output = point["output"].as_array().unwrap();
        assert!(output[0].as_f64() < Some(0.0) && output[1].as_f64() > Some(0.0), "{point}");
    }
    assert!(fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    sweep(&svg);
    let drawn = fs::read_to_string(&svg).unwrap();
    assert!(drawn.contains(">mean of each output<"), "{drawn}");
    assert!(!drawn.contains("share of each output") && drawn.contains(">-"), "{drawn}");
}

/// A recording that loses an event, and one that ends in the middle of one.
fn lossy() -> [String; 2] {
    let whole = fs::read(data("arm.aedat")).unwrap();
    let header = whole.windows(14).position(|w| w == b"#!END-HEADER\r\n").unwrap() + 14;
    let mut invalid = whole.clone();
    invalid[header + 28] &= !1;
    [("invalid.aedat", &invalid[..]), ("short.aedat", &whole[..whole.len() / 2])].map(
        |(name, bytes)| {
            let path = folder().join(name);
            fs::write(&path, bytes).unwrap();
            path.display().to_string()
        },
    )
}

#[test]
fn a_damaged_recording_is_not_compared() {
    let [_, short] = lossy();
    let theirs = written("theirs.json", &value!({"direction": [[0, 0]]}));
    let pair = ["check", &short, "--network", &data("arm.nir")];
    let against = refused(&[&pair[..], &["--against", &theirs]].concat(), 2);
    let sweep = refused(&[&pair[..], &["--dt-sweep=5ms"]].concat(), 2);
    for said in [against, sweep] {
        assert!(said.contains("short.aedat: byte "), "{said}");
    }
}

#[test]
fn strict_refuses_to_check_what_lost_anything() {
    let ([invalid, _], network) = (lossy(), data("arm.nir"));
    let theirs = written("theirs.json", &value!({"direction": [[0, 0]]}));
    for what in [&["--against", &theirs[..]][..], &["--dt-sweep=5ms"]] {
        let arguments = [&["check", &invalid, "--network", &network], what].concat();
        let said = refused(&[&arguments[..], &["--strict"]].concat(), 1);
        let words = "invalid.aedat: found decode: 1 marked invalid; expected no loss (--strict)";
        assert!(said.contains(words), "{said}");
    }
    let fine = ["check", &data("arm.aedat"), "--network", &network, "--dt-sweep=5ms"];
    done(&[&fine[..], &["--strict"]].concat());
}
