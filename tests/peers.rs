//! The spikes of other simulators, on real recordings.
//!
//! The golden files under `$SYNOPS_DATA` say which version of which simulator
//! gave them and how. Skipped where the variable is not set.

use std::path::{Path, PathBuf};

use serde_json::Value;
use synops::format::Recording;
use synops::measure::Readout;
use synops::network::{Network, Unit, nir};
use synops::replay::{Answer, Replay, Settings};
use synops::units::Micros;

fn data() -> Option<PathBuf> {
    let data = std::env::var_os("SYNOPS_DATA").map(PathBuf::from);
    if data.is_none() {
        eprintln!("SYNOPS_DATA is not set: skipped");
    }
    data
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as u64).collect()
}

/// Spikes of the populations in graph order, and the counts of the outputs.
fn spikes(replay: &Replay<'_>, answer: &Answer) -> (Vec<u64>, Vec<u64>) {
    let units = replay.plan().sequence.iter();
    let populations = units.filter(|&&u| matches!(replay.network().units[u].unit, Unit::Neuron(_)));
    let per_layer = populations.map(|&u| answer.counts.units[u].spikes).collect();
    let Readout::Spikes(outputs) = answer.counts.readout(answer.steps) else { panic!() };
    (per_layer, outputs)
}

fn network(path: &Path) -> Network {
    Network::new(nir::read(path).unwrap()).unwrap()
}

/// The steps that an oracle ran for each recording.
///
/// The snnTorch run with subtraction was batched, 20 recordings at a time, and
/// padded with silence to the longest. Silence is not neutral there: charge that
/// is left above the threshold goes on firing. Every other oracle gives the same
/// counts with and without it.
fn steps(golden: &Value, oracle: &str) -> Vec<u64> {
    let runs = golden["runs"][oracle].as_array().unwrap();
    let own: Vec<u64> = runs.iter().map(|run| run["steps"].as_u64().unwrap()).collect();
    match oracle {
        "snntorch_if_subtract" => {
            own.chunks(20).flat_map(|c| vec![*c.iter().max().unwrap(); c.len()]).collect()
        }
        _ => own,
    }
}

#[test]
fn nmnist_as_six_simulators_run_it() {
    let Some(data) = data() else { return };
    let golden = json(&data.join("nir/nmnist_cnn_golden.json"));
    let network = network(&data.join("nir/cnn_sinabs.nir"));
    let mut compared = 0;
    for (oracle, convention) in [
        ("sinabs", "sinabs"),
        ("spikingjelly_multistep", "spikingjelly"),
        ("norse", "norse"),
        ("snntorch_imported", "snntorch-nir"),
        ("snntorch_if_zero", "snntorch,reset=to-zero,when=same-step"),
        ("snntorch_if_subtract", "snntorch,when=pending"),
    ] {
        let runs = golden["runs"][oracle].as_array().unwrap();
        for (run, steps) in runs.iter().zip(steps(&golden, oracle)) {
            let conventions = convention.parse().unwrap();
            let settings = Settings { conventions, steps: Some(steps), ..Settings::default() };
            let replay = Replay::new(&network, settings).unwrap();
            let name = run["recording"].as_str().unwrap();
            let mut recording = Recording::open(&data.join(name), None).unwrap();
            let (take, answer) = replay.run(&mut recording, (), |_| ()).unwrap();
            assert_eq!(take.events, run["events"].as_u64().unwrap());
            assert_eq!(answer.binned.kept, take.events, "{name}: nothing is cut off");
            let expected = (numbers(&run["spikes"]), numbers(&run["output_counts"]));
            assert_eq!(spikes(&replay, &answer), expected, "{oracle} {name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 240);
}

#[test]
fn a_recording_runs_from_its_first_event_to_its_last() {
    let Some(data) = data() else { return };
    let golden = json(&data.join("nir/nmnist_cnn_golden.json"));
    let network = network(&data.join("nir/cnn_sinabs.nir"));
    let replay = Replay::new(&network, Settings::default()).unwrap();
    for run in golden["runs"]["sinabs"].as_array().unwrap() {
        let path = data.join(run["recording"].as_str().unwrap());
        let (_, answer) =
            replay.run(&mut Recording::open(&path, None).unwrap(), (), |_| ()).unwrap();
        assert_eq!(answer.steps, run["steps"].as_u64().unwrap());
    }
}
#[test]
fn a_gesture_network_as_sinabs_runs_it() {
    let Some(data) = data() else { return };
    let golden = json(&data.join("sinabs/sinabs_dvs_gesture_golden.json"));
    let network = network(&data.join("sinabs/sinabs_dvs_gesture.nir"));
    let settings = Settings {
        conventions: "sinabs".parse().unwrap(),
        dt: Micros(10_000),
        steps: Some(200),
        ..Settings::default()
    };
    let replay = Replay::new(&network, settings).unwrap();
    let path = data.join(golden["recording"].as_str().unwrap());
    let mut recording = Recording::open(&path, None).unwrap();
    let (_, answer) = replay.run(&mut recording, (), |_| ()).unwrap();
    let (layers, outputs) = spikes(&replay, &answer);
    assert_eq!(answer.binned.kept, golden["events"].as_u64().unwrap());
    assert_eq!(layers, numbers(&golden["layer_spikes"]));
    assert_eq!(outputs, numbers(&golden["output_counts"]));
}

#[test]
fn synaptic_operations_as_sinabs_counts_them() {
    let Some(data) = data() else { return };
    let golden = json(&data.join("nir/sinabs_synops_golden.json"));
    let network = network(&data.join("nir/cnn_sinabs.nir"));
    let settings = Settings { conventions: "sinabs".parse().unwrap(), ..Settings::default() };
    let replay = Replay::new(&network, settings).unwrap();
    for run in golden["runs"].as_array().unwrap() {
        let path = data.join(run["recording"].as_str().unwrap());
        let (_, answer) =
            replay.run(&mut Recording::open(&path, None).unwrap(), (), |_| ()).unwrap();
        for (layer, node) in
            [("conv1", "0"), ("conv2", "2"), ("conv3", "5"), ("fc1", "9"), ("fc2", "11")]
        {
            let unit = network.units.iter().position(|wired| wired.name == node).unwrap();
            let expected = run["synops"][layer].as_f64().unwrap();
            assert_eq!(answer.counts.units[unit].synaptic_ops as f64, expected, "{layer}");
        }
    }
}

#[test]
fn dense_operations_as_neurobench_counts_them() {
    let Some(data) = data() else { return };
    let golden = json(&data.join("nir/neurobench_golden.json"));
    let network = network(&data.join("nir/cnn_sinabs.nir"));
    let replay = Replay::new(&network, Settings::default()).unwrap();
    let units = 0..network.units.len();
    let a_step: u64 = units.filter_map(|unit| replay.plan().synapses[unit]).sum();
    for run in golden["runs"].as_array().unwrap() {
        let dense = run["SynapticOperations"]["Dense"].as_f64().unwrap();
        assert_eq!((a_step * run["steps"].as_u64().unwrap()) as f64, dense);
    }
}
