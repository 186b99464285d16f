//! Networks out of state dicts: the spikes that SpikingJelly gives.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use synops::engine::Observer;
use synops::error::Error;
use synops::format::Recording;
use synops::network::mapping::{self, MAPPINGS};
use synops::network::{Mapping, Network, Unit};
use synops::record::weights::{self, Weights};
use synops::replay::{Advance, Answer, Replay, Settings};
use synops::signal::Spikes;
use synops::units::Micros;

use super::{json, numbers};

/// What `tools/make_torch_golden.py` calls `network()`.
const NET: &str = r#"
input = [2, 12, 10]
convention = "spikingjelly"
layers = [
  { type = "Conv2d", key = "0", padding = 1 },
  { type = "BatchNorm", key = "1" },
  { type = "LIF", name = "2", tau = 2.0 },
  { type = "MaxPool2d", kernel_size = 2 },
  { type = "Conv2d", key = "4", stride = [1, 2], padding = [1, 0], groups = 2 },
  { type = "BatchNorm", key = "5", eps = 0.01 },
  { type = "ParametricLIF", key = "6", decay_input = false, v_threshold = 0.75, v_reset = -0.125 },
  { type = "AvgPool2d", kernel_size = [2, 2] },
  { type = "Flatten" },
  { type = "Linear", key = "10" },
  { type = "BatchNorm", key = "11" },
  { type = "LIF", name = "12", tau = 3, decay_input = false },
  { type = "Linear", key = "13" },
  { type = "IF", name = "14", v_threshold = 0.5 },
  { type = "Voting", size = 5 },
]
"#;

fn net_weights() -> Weights {
    weights::from_bytes(include_bytes!("../golden/torch/net.pt")).unwrap()
}

fn net_frames() -> Recording {
    let bytes: &[u8] = include_bytes!("../golden/torch/net_frames.npz");
    Recording::from_bytes("net_frames.npz", bytes).unwrap()
}

fn made(mapping: &str, weights: &Weights, dt: Micros) -> Result<Network, Error> {
    Network::new(Mapping::parse(mapping)?.graph(weights, dt.seconds())?)
}

/// Spikes by unit and step.
struct PerStep(Vec<Vec<u64>>);

impl Observer for PerStep {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        let steps = &mut self.0[unit];
        steps.resize(steps.len().max(step as usize + 1), 0);
        steps[step as usize] += sent.total();
    }
}

/// Replays frames under the network's own convention; also the spikes of every
/// population by step.
fn replay(
    network: &Network,
    frames: &mut Recording,
    settings: Settings,
) -> (Answer, Vec<(String, Vec<u64>)>) {
    let conventions = network.convention.clone().unwrap();
    let replay = Replay::new(network, Settings { conventions, ..settings }).unwrap();
    let mut per_step = PerStep(vec![Vec::new(); network.units.len()]);
    let (take, answer) = replay.run(frames, &mut per_step, |_| ()).unwrap();
    assert!(take.damage.is_none(), "{:?}", take.damage);
    assert_eq!(answer.binned.kept, take.events);
    let populations = network.units.iter().zip(per_step.0);
    let populations = populations.filter(|(wired, _)| matches!(wired.unit, Unit::Neuron(_)));
    let spikes = populations.map(|(wired, mut spikes)| {
        spikes.resize(answer.steps as usize, 0);
        (wired.name.clone(), spikes)
    });
    let spikes = spikes.collect();
    (answer, spikes)
}

fn assert_golden(spikes: &[(String, Vec<u64>)], golden: &Value) {
    let golden = golden.as_object().unwrap();
    assert_eq!(spikes.len(), golden.len());
    for (name, spikes) in spikes {
        let expected: Vec<u64> = numbers(&golden[name]).iter().map(|&n| n as u64).collect();
        assert_eq!(*spikes, expected, "{name}");
    }
}

#[test]
fn a_small_network_spikes_as_in_spikingjelly() {
    let golden = json(include_str!("../golden/torch/net.json"));
    for (name, convention) in [("hard", "spikingjelly"), ("soft", "spikingjelly,reset=subtract")] {
        let mut mapping = NET.replace("\"spikingjelly\"", &format!("{convention:?}"));
        if name == "soft" {
            // without a reset potential, the leak is towards 0
            mapping = mapping.replace("v_reset = -0.125", "v_reset = 0");
        }
        for (advance, dt) in [
            (Advance::Clocked, Micros(1_000)),
            (Advance::Clocked, Micros(33_333)),
            (Advance::Quanta, Micros(5_000)),
        ] {
            let network = made(&mapping, &net_weights(), dt).unwrap();
            assert!(network.notes.is_empty(), "{:?}", network.notes);
            let settings = Settings { advance, dt, ..Settings::default() };
            let (answer, spikes) = replay(&network, &mut net_frames(), settings);
            assert_eq!(answer.steps, 12);
            assert_golden(&spikes, &golden["runs"][name]["spikes"]);
            let output = &answer.counts.units[network.output];
            let votes: f64 = numbers(&golden["runs"][name]["output"]).iter().sum();
            assert_eq!(output.spikes, (votes * 5.0).round() as u64);
        }
    }
}

/// Behind anything but a connection a batch norm is a layer of its own.
#[test]
fn a_batch_norm_that_cannot_be_folded_gives_the_same_spikes() {
    let golden = json(include_str!("../golden/torch/net.json"));
    let norm = "{ type = \"BatchNorm\", key = \"11\" }";
    let apart = NET.replace(norm, &format!("{{ type = \"Flatten\" }}, {norm}"));
    let network = made(&apart, &net_weights(), Micros(1_000)).unwrap();
    assert!(network.units.iter().any(|wired| wired.unit.nir() == "BatchNorm"));
    let (_, spikes) = replay(&network, &mut net_frames(), Settings::default());
    assert_golden(&spikes, &golden["runs"]["hard"]["spikes"]);
}

#[test]
fn dvs_gesture_nets_spike_as_in_spikingjelly() {
    let Some(data) = std::env::var_os("SYNOPS_DATA").map(PathBuf::from) else {
        eprintln!("SYNOPS_DATA is not set: skipped");
        return;
    };
    let folder = data.join("spikingjelly");
    for width in [32, 128] {
        let file = |ending: &str| folder.join(format!("dvsgesturenet_c{width}_{ending}"));
        let golden = std::fs::read(file("golden.json")).unwrap();
        let golden: Value = serde_json::from_slice(&golden).unwrap();
        let (mapping, _) = mapping::read("spikingjelly-dvsgesturenet".as_ref()).unwrap();
        let weights = weights::read(&file("calibrated.npz")).unwrap();
        let graph = mapping.graph(&weights, Micros(1_000).seconds()).unwrap();
        let network = Network::new(graph).unwrap();
        assert!(network.notes.is_empty(), "{:?}", network.notes);
        let frames = folder.join("gesture_frames_seed0.npz");
        let mut frames = Recording::open(&frames, None).unwrap();
        let (answer, spikes) = replay(&network, &mut frames, Settings::default());
        assert_eq!((answer.steps, answer.binned.kept), (16, 400_000));
        assert_golden(&spikes, &golden["spikes_per_step_per_layer"]);
        let output = &answer.counts.units[network.output];
        assert_eq!(output.spikes as f64, numbers(&golden["vote_out_mean"][0]).iter().sum::<f64>());
    }
}

fn refused(mapping: &str) -> String {
    // without the network, which would be printed with every weight
    made(mapping, &net_weights(), Micros(1_000)).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_does_not_fit_the_weights_is_named() {
    let missing = refused(&NET.replace("key = \"10\"", "key = \"9\""));
    assert!(missing.starts_with("layer '9' (Linear): found no '9.weight'; expected one of"));
    assert!(missing.contains("0.weight [8, 2, 3, 3], 1.weight [8]"), "{missing}");
    let channels = refused(&NET.replace("key = \"1\"", "key = \"5\", name = \"1\""));
    let start = "layer '1' (BatchNorm): found a weight of shape [8, 2, 3, 3]";
    assert!(channels.starts_with(start), "{channels}");
    let axes = refused(&NET.replace("key = \"0\"", "key = \"13\", name = \"0\""));
    assert!(axes.starts_with("layer '1' (BatchNorm): found a weight of shape [20, 24]"), "{axes}");
    let shape = refused(&NET.replace("[2, 12, 10]", "[2, 12, 20]"));
    assert!(shape.starts_with("node '10' (Affine): found an input of"), "{shape}");
}

#[test]
fn what_is_no_mapping_is_named() {
    let error = |text: &str| Mapping::parse(text).unwrap_err().to_string();
    let head = "input = [2]\nlayers = [{ ";
    for (layer, expected) in [
        ("type = \"Conv3d\"", "layer 0: 'conv3d_0' (Conv3d): found type 'Conv3d'; expected Conv2d"),
        ("key = \"a\"", "layer 0: found no 'type'"),
        ("type = \"Linear\"", "(Linear): found no 'key'"),
        ("type = \"LIF\"", "(LIF): found no 'tau'"),
        ("type = \"LIF\", tau = \"2\"", "found 'tau' = \"2\"; expected a number"),
        ("type = \"LIF\", tau = 2, key = \"6\"", "found a field 'key'; expected type, name"),
        ("type = \"LIF\", tau = 2, teta = 1", "found a field 'teta'; expected type, name"),
        ("type = \"MaxPool2d\", kernel_size = -2", "found 'kernel_size' = -2; expected sizes"),
        (
            "type = \"IF\" }, { type = \"IF\", name = \"if_0\"",
            "layer 1: found a second layer 'if_0'",
        ),
        ("type = \"IF\", name = \"input\"", "found a second layer 'input'"),
    ] {
        let error = error(&format!("{head}{layer} }}]"));
        assert!(error.contains(expected), "{error}");
    }
    assert!(error("input = 2").starts_with("byte 8: "));
    assert!(error("layers = []").contains("missing field `input`"));
    assert!(error("input = [1]\nlayers = []\nconvention = \"jelly\"").contains("spikingjelly"));
    assert!(error("input = [1]\nlayer = []\nlayers = []").contains("unknown field `layer`"));
    let missing = mapping::read("no-such-file".as_ref()).unwrap_err().to_string();
    assert!(missing.contains("spikingjelly-dvsgesturenet"), "{missing}");
    let latin = Path::new(env!("CARGO_TARGET_TMPDIR")).join("latin.toml");
    fs::write(&latin, b"input = [2]\nclasses = [\"r\xe9gle\"]\nlayers = []\n").unwrap();
    let latin = mapping::read(&latin).unwrap_err().to_string();
    assert!(latin.contains("byte 25: found byte 0xe9; expected text in UTF-8"), "{latin}");
}

#[test]
fn weights_that_make_no_layer_are_noted() {
    let short = NET.replace("  { type = \"Voting\", size = 5 },\n", "");
    let without = short.replace("  { type = \"BatchNorm\", key = \"11\" },\n", "");
    let network = made(&without, &net_weights(), Micros(1_000)).unwrap();
    let note = "of the weights, 5 made no layer: 11.weight, 11.bias, 11.running_mean";
    assert!(network.notes[0].starts_with(note), "{:?}", network.notes);
}

#[test]
fn keys_may_stand_behind_a_prefix_and_outputs_have_names() {
    let checkpoint: &[u8] = include_bytes!("../golden/torch/checkpoint.pth");
    let weights = weights::from_bytes(checkpoint).unwrap();
    let mapping = r#"
        input = [3]
        prefix = "net."
        classes = ["left", "right"]
        layers = [{ type = "Linear", key = "body.0" }, { type = "IF" }]
    "#;
    let network = made(mapping, &weights, Micros(1_000)).unwrap();
    assert_eq!(network.classes.unwrap(), ["left", "right"]);
    assert!(network.convention.is_none());
    assert_eq!(network.units[1].unit.parameters(), 6);
}

#[test]
fn every_named_mapping_can_be_read() {
    for (name, text) in MAPPINGS {
        Mapping::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
