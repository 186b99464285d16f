//! Networks as lava-dl writes them: against its own spikes, and damaged.

use proptest::prelude::*;
use serde_json::Value;
use synops::network::hdf5::{self, Hdf5};
use synops::network::{Graph, Network, Unit, file, lava};
use synops::record::{Array, Record};

use super::{data, numpy, run};

const CONV: &[u8] = include_bytes!("../golden/lava_conv.net");
const POOL: &[u8] = include_bytes!("../golden/lava_pool.net");

fn read(bytes: &[u8]) -> Network {
    let (format, graph) = file::from_bytes(bytes.to_vec()).unwrap();
    assert_eq!(format.name, "lava-dl");
    Network::new(graph).unwrap()
}

/// Under the convention of the file.
fn run_as_read(network: &Network, input: &[(usize, usize)], steps: usize) -> Vec<(usize, usize)> {
    let convention = network.convention.as_ref().unwrap().to_string();
    run(network, &convention, input, steps)
}

/// `tools/peer_lava.py`: convolutions with strides, groups, dilation, padding and
/// biases; neurons at the input, a pool, delays.
#[test]
fn layers_as_lava_dl_runs_them() {
    let golden: Value = serde_json::from_str(include_str!("../golden/lava.json")).unwrap();
    let steps = golden["steps"].as_u64().unwrap() as usize;
    for (name, bytes) in [("conv", CONV), ("pool", POOL)] {
        let golden = &golden["networks"][name];
        let number = |n: &Value| n.as_u64().unwrap() as usize;
        let events = golden["input"].as_array().unwrap();
        let input: Vec<_> =
            events.iter().map(|event| (number(&event[0]), number(&event[1]))).collect();
        let rows = golden["output"].as_array().unwrap().iter().enumerate();
        let fired = |(neuron, row): (usize, &Value)| {
            let row = row.as_str().unwrap().to_owned();
            row.match_indices('1').map(|(step, _)| (neuron, step)).collect::<Vec<_>>()
        };
        let expected: Vec<_> = rows.flat_map(fired).collect();
        assert!(expected.len() > 50);
        assert_eq!(run_as_read(&read(bytes), &input, steps), expected, "{name}");
    }
}

/// Made with lava-dl 0.2, which fired at the threshold.
#[test]
fn the_oxford_network_as_lava_dl_runs_it() {
    let Some(data) = data() else { return };
    let data = data.join("oxford");
    let network = read(&std::fs::read(data.join("network.net")).unwrap());
    let array = |name: &str| numpy::npy(&std::fs::read(data.join(name)).unwrap());
    let events = |name: &str| -> Vec<(usize, usize)> {
        let array = array(name);
        let rows = array.values.chunks(array.shape[1]);
        rows.map(|row| (row[0] as usize, row[2].round_ties_even() as usize)).collect()
    };
    let mut expected = events("ground_truth.npy");
    expected.sort();
    assert_eq!(expected.len(), 10_178);
    let input = events("input.npy");
    assert_eq!(run(&network, "loihi,fire=at-or-above", &input, 2000), expected);
    assert_ne!(run_as_read(&network, &input, 2000), expected, "the network tells ≥ from >");
}

/// As netx reads it; it is 1 in SLAYER.
#[test]
fn an_input_that_states_no_weight_has_one() {
    let mut layers = layers(POOL);
    layer(&mut layers, "0").take("weight").unwrap();
    let network = Network::new(lava::from_record(layers).unwrap()).unwrap();
    let Unit::Layer(scale) = &network.units[1].unit else { panic!("{}", network.units[1].name) };
    assert_eq!(scale.write().arrays["scale"].numbers().unwrap(), [64.0]);
}

/// The groups of a file, to be changed.
fn layers(bytes: &[u8]) -> Record {
    Hdf5::open(bytes.to_vec(), "").unwrap().read("layer").unwrap()
}

/// What is said about layers that were changed so.
fn refusal(bytes: &[u8], change: impl Fn(&mut Record)) -> String {
    let mut layers = layers(bytes);
    change(&mut layers);
    let network = lava::from_record(layers).and_then(Network::new);
    network.and_then(|network| bound(&network)).unwrap_err().to_string()
}

fn bound(network: &Network) -> synops::error::Result<()> {
    let conventions = network.convention.as_ref().unwrap();
    let dt = synops::units::Micros(1000);
    synops::engine::Clocked::new(network, conventions, dt).map(|_| ())
}

fn layer<'r>(layers: &'r mut Record, n: &str) -> &'r mut Record {
    layers.groups.get_mut(n).unwrap()
}

#[test]
fn what_cannot_be_run_faithfully_is_refused_by_name() {
    let neuron = |field: &'static str, array: Array| {
        refusal(CONV, |layers| {
            let neuron = layer(layers, "1").groups.get_mut("neuron").unwrap();
            neuron.put(field, array.clone());
        })
    };
    let found = neuron("type", Array::text("RF"));
    assert_eq!(found, "layer 1 (conv): found neurons of type 'RF'; expected CUBA");
    assert!(neuron("refDelay", Array::integer(2)).contains("refDelay = 2"));
    assert!(neuron("gradedSpike", Array::integer(1)).contains("gradedSpike = 1"));
    assert!(neuron("weight_exp", Array::integer(3)).contains("weight_exp = 3"));
    assert!(neuron("vDecay", Array::integer(5000)).contains("'1.cuba'"));
    assert!(neuron("vDecay", Array::integers(&[1, 2])).contains("expected 1, 4 or 140 numbers"));
    let field = |bytes, n: &'static str, field: &'static str, array: Array| {
        refusal(bytes, |layers| layer(layers, n).put(field, array.clone()))
    };
    let half = Array::floats(&[4], vec![0.5; 4]);
    assert!(field(CONV, "1", "type", Array::text("average")).contains("type 'average'"));
    assert!(field(CONV, "1", "shape", Array::integers(&[4, 4, 4])).contains("the stated 4×4×4"));
    assert!(field(CONV, "1", "bias", half.clone()).contains("'bias' = 0.5"));
    assert!(field(POOL, "1", "delay", half).contains("'delay' = 0.5"));
    assert!(field(POOL, "0", "bias", Array::integer(3)).contains("a bias of an input"));
    let indivisible = refusal(POOL, |layers| {
        layer(layers, "0").put("shape", Array::integers(&[2, 8, 8]));
        layer(layers, "1").take("shape").unwrap();
    });
    assert!(indivisible.contains("a window that divides it"), "{indivisible}");
    let without = |bytes, n: &'static str, what: &'static str| {
        refusal(bytes, |layers| {
            let layer = layer(layers, n);
            layer.arrays.remove(what);
            layer.groups.remove(what);
        })
    };
    assert!(without(CONV, "1", "neuron").contains("a layer without neurons"));
    assert!(without(CONV, "1", "weight").contains("layer 1 (conv): found no 'weight' among"));
    assert!(without(CONV, "4", "type").contains("layer 4: found no 'type'"));
    assert!(without(CONV, "0", "shape").contains("a field 'shape'"));
    let gap = refusal(CONV, |layers| drop(layers.groups.remove("2")));
    assert!(gap.contains("no layer 2"), "{gap}");
    let headless = refusal(CONV, |layers| {
        for n in 0..5 {
            let next = layers.groups.remove(&(n + 1).to_string()).unwrap();
            layers.groups.insert(n.to_string(), next);
        }
    });
    assert!(headless.contains("layer 0 (conv): found no input layer"), "{headless}");
    assert!(refusal(CONV, |layers| layers.groups.clear()).contains("no input layer"));
}

#[test]
fn an_hdf5_file_without_a_network_is_refused() {
    let mut empty = Record::default();
    empty.put("version", Array::text("1"));
    let error = file::from_bytes(hdf5::to_bytes(&empty).unwrap()).unwrap_err().to_string();
    assert!(error.contains("NIR graphs (.nir), lava-dl networks (.net)"), "{error}");
    assert!(file::from_bytes(b"not one".to_vec()).is_err());
}

/// Reads, wires and binds what is left of a file; only a panic is wrong.
fn survive(bytes: Vec<u8>) {
    let graph = file::from_bytes(bytes).map(|(_, graph): (_, Graph)| graph);
    if let Ok(network) = graph.and_then(Network::new) {
        let _ = bound(&network);
    }
}

#[test]
fn files_cut_anywhere_are_refused() {
    for length in (0..POOL.len()).step_by(97) {
        assert!(file::from_bytes(POOL[..length].to_vec()).is_err(), "{length} bytes");
    }
}

fn anything() -> impl Strategy<Value = Array> {
    let number = prop_oneof![
        -3i64..6,
        prop::sample::select(vec![i64::MIN, i64::MAX, 1 << 20, 1 << 40, 131_071, 4097]),
    ];
    prop_oneof![
        number.prop_map(Array::integer),
        prop::collection::vec(-3i64..9, 0..5).prop_map(|v| Array::integers(&v)),
        prop::sample::select(vec![f32::INFINITY, f32::NAN, 0.5, -1e30])
            .prop_map(|x| Array::floats(&[1, 1], vec![x])),
        prop::sample::select(vec!["input", "dense", "pool", "flatten", "", "CUBA"])
            .prop_map(Array::text),
    ]
}

proptest! {
    #[test]
    fn changed_bytes_do_not_panic(at in 0..CONV.len(), byte in any::<u8>()) {
        let mut bytes = CONV.to_vec();
        bytes[at] = byte;
        survive(bytes);
    }

    #[test]
    fn changed_fields_do_not_panic(
        pool in any::<bool>(),
        group in 0usize..6,
        field in 0usize..14,
        array in prop::option::of(anything()),
        in_neuron in any::<bool>(),
    ) {
        let mut layers = layers(if pool { POOL } else { CONV });
        let Some(mut record) = layers.groups.get_mut(&group.to_string()) else { return Ok(()) };
        if in_neuron {
            record = record.groups.entry("neuron".into()).or_default();
        }
        let names: Vec<String> = record.arrays.keys().cloned().collect();
        let name = names.get(field).cloned().unwrap_or("delay".into());
        match array {
            Some(array) => record.put(&name, array),
            None => drop(record.take_if_any(&name)),
        }
        if let Ok(network) = lava::from_record(layers).and_then(Network::new) {
            let _ = bound(&network);
        }
    }
}
