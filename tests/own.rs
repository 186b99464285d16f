//! Files of synops' own: everything that a network is, written as it was read; what is
//! wrong is named, and damage is never fatal.

mod build;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use build::node;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg32;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use synops::engine::{Clocked, Engine, Observer};
use synops::error::ErrorKind;
use synops::network::{Graph, Network, Node, NodeKind, file, in_nir, nir, own};
use synops::record::{Array, Values};
use synops::signal::Spikes;
use synops::units::Micros;

fn floats(shape: &[usize], first: f32) -> Array {
    let numbers = (0..shape.iter().product::<usize>()).map(|i| first + i as f32 / 7.0);
    Array::floats(shape, numbers.collect())
}

fn one(value: f64) -> Array {
    Array::new(&[], Values::F64(vec![value])).unwrap()
}

/// Neurons and layers that NIR lacks, numbers of every width.
fn graph() -> Graph {
    let [k, alpha] = ["k", "alpha"].map(|name| (name, floats(&[2, 1, 1], 0.5)));
    let pool = ["kernel_size", "stride"].map(|name| (name, Array::integers(&[2, 2])));
    let pool = pool.into_iter().chain([("padding", Array::integers(&[0, 0]))]).collect();
    let common = || [("v_threshold", one(1.0 / 3.0)), ("step", one(0.01))];
    let klif = [("tau", one(0.02)), ("r", one(1.0)), ("v_leak", one(0.0)), k];
    let gates = ["beta", "gamma", "tau", "linear_decay", "v_subreset"];
    let gated = gates
        .map(|name| (name, one(0.25)))
        .into_iter()
        .chain([alpha, ("conduct", floats(&[3, 2, 1, 1], 0.1))]);
    let dual = [("alpha", one(0.5)), ("beta", one(0.75))];
    let nodes = vec![
        node("in.put", "KLIF", klif.into_iter().chain(common()).collect()),
        node("größe", "GatedLIF", gated.chain(common()).collect()),
        node("dual", "DALIF", dual.into_iter().chain(common()).collect()),
        node("pool", "MaxPool2d", pool),
    ];
    let path = "in in.put größe dual pool out";
    let mut graph = build::graph(&[2, 4, 4], nodes, &[2, 2, 2], &[path]);
    graph.set_metadata("class_names", "a\nb\nc\nd\ne\nf\ng\nh");
    graph.convention = Some("spikingjelly,reset=subtract".parse().unwrap());
    graph.dt = Some(Micros(10_000));
    graph
}

#[test]
fn what_is_written_is_what_was_read_byte_for_byte() {
    let (graph, bytes) = (graph(), own::to_bytes(&graph()).unwrap());
    let (format, read) = file::from_bytes(bytes.clone()).unwrap();
    assert_eq!(format.name, "synops");
    assert_eq!(read.to_record(), graph.to_record());
    assert_eq!(
        (read.dt, read.convention.as_ref().unwrap().to_string()),
        (Some(Micros(10_000)), "spikingjelly,reset=subtract".to_owned())
    );
    assert_eq!(own::to_bytes(&read).unwrap(), bytes);
    let network = Network::new(read).unwrap();
    assert_eq!(network.classes.as_ref().unwrap()[7], "h");
    assert!(
        Clocked::new(&network, network.convention.as_ref().unwrap(), network.dt.unwrap()).is_ok()
    );
}

#[test]
fn a_file_without_rules_says_none() {
    let silent = Graph { convention: None, dt: None, ..graph() };
    let read = own::from_bytes(&own::to_bytes(&silent).unwrap()).unwrap();
    assert!(read.convention.is_none() && read.dt.is_none());
}

#[test]
fn everything_of_a_nir_file_stays() {
    for bytes in [&include_bytes!("golden/layers.nir")[..], include_bytes!("golden/recurrent.nir")]
    {
        let graph = nir::from_bytes(bytes.to_vec()).unwrap();
        let read = own::from_bytes(&own::to_bytes(&graph).unwrap()).unwrap();
        assert_eq!(read.to_record(), graph.to_record());
    }
}

type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

/// The file as the safetensors crate reads it: its JSON, and tensors by name.
fn parts(bytes: &[u8]) -> (Value, Vec<Tensor>) {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let entry = &header.metadata().as_ref().unwrap()["synops"];
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let all = tensors.iter().map(|(name, tensor)| {
        (name.to_owned(), tensor.dtype(), tensor.shape().to_vec(), tensor.data().to_vec())
    });
    (serde_json::from_str(entry).unwrap(), all.collect())
}

/// A file of these parts.
fn whole(manifest: &str, tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    let entries = HashMap::from([("synops".to_owned(), manifest.to_owned())]);
    safetensors::serialize(views, Some(entries)).unwrap()
}

#[test]
fn others_find_the_numbers_by_their_places() {
    let (manifest, tensors) = parts(&own::to_bytes(&graph()).unwrap());
    assert_eq!(manifest["texts"]["nodes/dual/type"], "DALIF");
    assert_eq!(manifest["texts"]["edges"]["shape"], json!([5, 2]));
    assert_eq!((&manifest["version"], &manifest["dt_us"]), (&json!(1), &json!(10_000)));
    let k = tensors.iter().find(|(name, ..)| name == "nodes/in.put/k").unwrap();
    let expected: Vec<u8> =
        [0.5f32, 0.5 + 1.0 / 7.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!((k.1, &k.2[..], &k.3), (Dtype::F32, &[2, 1, 1][..], &expected));
}

#[test]
fn what_is_wrong_is_named() {
    let bytes = own::to_bytes(&graph()).unwrap();
    let (manifest, tensors) = parts(&bytes);
    let refusal = |bytes: Vec<u8>| file::from_bytes(bytes).unwrap_err().to_string();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        refusal(whole(&manifest.to_string(), &tensors))
    };
    let later = changed(&|m| m["version"] = json!(2));
    assert_eq!(later, "__metadata__ 'synops': found version 2 of a network; expected version 1");
    assert!(changed(&|m| m["format"] = json!("checkpoint")).contains("found format 'checkpoint'"));
    assert!(
        changed(&|m| m["texts"] = json!(3)).contains("__metadata__ 'synops': found invalid type")
    );
    assert!(changed(&|m| m["dt_us"] = json!(0)).contains("'dt_us' = 0; expected a positive time"));
    assert!(changed(&|m| m["convention"] = json!("torch")).contains("found convention 'torch'"));
    let unknown = changed(&|m| m["texts"]["nodes/dual/type"] = json!("Izhikevich"));
    assert!(unknown.starts_with("node 'dual' (Izhikevich): found a node of type"), "{unknown}");
    assert!(
        unknown.contains("KLIF, GatedLIF, DALIF") && unknown.contains("MaxPool2d"),
        "{unknown}"
    );
    let both = changed(&|m| m["texts"]["nodes/dual/beta"] = json!("half"));
    assert_eq!(both, "'nodes/dual/beta': found it as numbers and as texts; expected one of them");
    let shape = changed(&|m| m["texts"]["edges"]["shape"] = json!([6, 2]));
    assert!(shape.starts_with("'edges': found shape [6, 2]"), "{shape}");
    let deep = changed(&|m| m["texts"]["a/".repeat(1_000_000)] = json!(""));
    assert!(deep.ends_with("found groups within groups; expected 64 at most"), "{}", deep.len());

    let mut wrong = tensors.clone();
    let at = wrong.iter().position(|(name, ..)| name == "nodes/in.put/k").unwrap();
    (wrong[at].1, wrong[at].3) = (Dtype::F16, vec![0; 4]);
    assert_eq!(
        refusal(whole(&manifest.to_string(), &wrong)),
        "'nodes/in.put/k': found numbers of type F16; expected F32, F64 or I64"
    );
    wrong.remove(at);
    let missing = refusal(whole(&manifest.to_string(), &wrong));
    assert!(missing.starts_with("node 'in.put' (KLIF): found no 'k' among"), "{missing}");

    assert!(refusal(whole("{", &tensors)).contains("__metadata__ 'synops': found EOF"));
    let foreign = safetensors::serialize(Vec::<(String, TensorView)>::new(), None).unwrap();
    assert_eq!(own::from_bytes(&foreign).unwrap_err().kind, ErrorKind::UnknownFormat);
    let cut = refusal(bytes[..bytes.len() - 1].to_vec());
    assert_eq!(
        cut,
        "found tensors that do not end where the file does; expected a whole safetensors file"
    );
    assert!(refusal(bytes[..100].to_vec()).contains("found a header that ends behind the file"));
    let outside =
        String::from_utf8_lossy(&bytes).replacen("\"data_offsets\":[0,", "\"data_offsets\":[9,", 1);
    assert_eq!(own::from_bytes(outside.as_bytes()).unwrap_err().kind, ErrorKind::Corrupt);

    let slash = Graph {
        nodes: vec![Node::new("a/b", NodeKind::Graph(Graph::default()))],
        ..Graph::default()
    };
    assert!(own::to_bytes(&slash).unwrap_err().to_string().contains("a name without '/'"));
}

#[test]
fn what_is_no_network_is_refused_by_its_first_bytes() {
    for bytes in [&b""[..], b"#!AER-DAT3.1\r\n", &[8, 0, 0, 0, 0, 0, 0, 0, b'[', b'"']] {
        let error = file::from_bytes(bytes.to_vec()).unwrap_err();
        assert_eq!((error.kind, error.offset), (ErrorKind::UnknownFormat, Some(0)));
        assert!(error.expected.contains(".nir") && error.expected.contains(".synops"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damage_is_refused_or_read_but_never_fatal(
        cut in prop::option::weighted(0.1, 0.0f64..1.0),
        changes in prop::collection::vec((0.0f64..1.0, any::<u8>()), 1..4),
    ) {
        let mut bytes = own::to_bytes(&graph()).unwrap();
        let len = bytes.len();
        for (at, byte) in changes {
            bytes[(at * len as f64) as usize] = byte;
        }
        bytes.truncate(cut.map_or(len, |cut| (cut * len as f64) as usize));
        if let Ok(network) = file::from_bytes(bytes).and_then(|(_, graph)| Network::new(graph)) {
            let convention = network.convention.clone().unwrap_or_default();
            _ = Clocked::new(&network, &convention, Micros(10_000));
        }
    }
}

/// A chain of one population of three neurons.
fn alone(model: &str, fields: &[(&'static str, f64)], convention: &str) -> Graph {
    let fields = fields.iter().map(|&(name, value)| (name, one(value)));
    let fields = fields.chain([("step", one(0.01))]).collect();
    let graph = build::graph(&[3], vec![node("cell", model, fields)], &[3], &["in cell out"]);
    let convention = Some(convention.parse().unwrap());
    Graph { convention, dt: Some(Micros(10_000)), ..graph }
}

/// Its NIR node, and what that loses.
fn translated(graph: &Graph) -> (String, HashMap<String, f64>, Vec<String>) {
    let translation = in_nir(graph).unwrap();
    let node = translation.graph.nodes.into_iter().find(|node| node.name == "cell").unwrap();
    let NodeKind::Neuron(neuron) = node.kind else { panic!("a neuron") };
    let fields = neuron.write().arrays.into_iter();
    let fields = fields.map(|(name, array)| (name, array.numbers().unwrap()[2])).collect();
    (neuron.model().nir.to_owned(), fields, translation.losses)
}

/// The constructors of NIR 1.0.8 want all of a convolution and the input of a Flatten, its
/// graph the shape of a population in its parameters. `tools/check_nir.py` loads the file.
#[test]
fn what_other_readers_ask_for_is_written() {
    let one = |x: f32| Array::floats(&[], vec![x]);
    let lif = [("tau", 0.02), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 0.5), ("v_reset", 0.0)];
    let conv = vec![
        ("weight", Array::floats(&[3, 2, 2, 2], vec![0.25; 24])),
        ("stride", Array::integer(1)),
        ("padding", Array::integer(0)),
        ("dilation", Array::integer(1)),
    ];
    let nodes = vec![
        node("conv", "Conv2d", conv),
        node("lif", "LIF", lif.map(|(name, x)| (name, one(x))).to_vec()),
        node("scale", "Scale", vec![("scale", one(0.5))]),
        node("wait", "Delay", vec![("delay", one(0.002))]),
        node("flat", "Flatten", vec![("start_dim", Array::integer(0))]),
        node("fc", "Linear", vec![("weight", Array::floats(&[2, 36], vec![0.1; 72]))]),
        node("if", "IF", vec![("r", one(1.0)), ("v_threshold", one(1.0))]),
    ];
    let graph =
        build::graph(&[1, 2, 4, 5], nodes, &[1, 2], &["in conv lif scale wait flat fc if out"]);
    let translation = in_nir(&graph).unwrap();
    assert_eq!(translation.losses, [""; 0]);
    let nodes = translation.graph.to_record().groups.remove("nodes").unwrap().groups;
    let field = |name: &str, field: &str| {
        let array = &nodes[name].arrays[field];
        (array.shape().to_vec(), array.numbers().unwrap())
    };
    assert_eq!(field("conv", "input_shape"), (vec![2], vec![4.0, 5.0]));
    assert_eq!(field("conv", "groups").1, [1.0]);
    assert_eq!(field("conv", "bias"), (vec![3], vec![0.0; 3]));
    assert_eq!(field("lif", "tau"), (vec![3, 3, 4], vec![f64::from(0.02f32); 36]));
    assert_eq!(field("scale", "scale"), (vec![3, 3, 4], vec![0.5; 36]));
    assert_eq!(field("wait", "delay").0, [3, 3, 4]);
    assert_eq!(field("flat", "input_type"), (vec![3], vec![3.0, 3.0, 4.0]));
    assert_eq!(field("if", "v_threshold"), (vec![2], vec![1.0; 2]));
    assert_eq!(field("in", "shape"), (vec![3], vec![2.0, 4.0, 5.0]));
    assert_eq!(field("out", "shape"), (vec![1], vec![2.0]));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nir");
    fs::create_dir_all(&folder).unwrap();
    nir::write(&translation.graph, &folder.join("completed.nir")).unwrap();
}

#[test]
fn a_lif_under_another_name_is_one_without_loss() {
    let close = |found: &HashMap<String, f64>, expected: &[(&str, f64)]| {
        let off = expected.iter().find(|(name, x)| (found[*name] - x).abs() > 1e-12);
        assert!(off.is_none(), "{found:?}, not {expected:?}");
    };
    // (1/τ, 1 − 1/τ) with τ = 4 steps
    let dual = [("alpha", 0.25), ("beta", 0.75), ("v_threshold", 1.0), ("v_reset", -0.5)];
    let (model, fields, losses) = translated(&alone("DALIF", &dual, "spikingjelly"));
    assert_eq!((&model[..], losses.len()), ("LIF", 0));
    close(
        &fields,
        &[("tau", 0.04), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0), ("v_reset", -0.5)],
    );
    // solved exactly, ¾ is what e^(−dt/τ) leaves
    let (_, fields, _) = translated(&alone("DALIF", &dual, "nir"));
    close(&fields, &[("tau", -0.01 / 0.75f64.ln()), ("r", 1.0)]);
    let (model, fields, losses) =
        translated(&alone("DALIF", &[("alpha", 1.0), ("beta", 1.0), ("v_threshold", 2.0)], "nir"));
    assert_eq!((&model[..], losses.len()), ("IF", 0));
    close(&fields, &[("r", 1.0), ("v_threshold", 2.0)]);
    // no ReLU: k scales leak and gain, or the threshold
    let klif = |k: f64, scale_reset: f64| {
        let leak = [("tau", 0.02), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)];
        let own = [("k", k), ("relu", 0.0), ("scale_reset", scale_reset)];
        translated(&alone("KLIF", &[&leak[..], &own].concat(), "spikingjelly"))
    };
    let (_, fields, losses) = klif(1.0, 0.0);
    assert_eq!(losses.len(), 0);
    close(&fields, &[("tau", 0.02), ("r", 1.0), ("v_threshold", 1.0)]);
    close(&klif(1.5, 0.0).1, &[("tau", 0.04), ("r", 3.0), ("v_threshold", 1.0)]);
    close(&klif(1.25, 1.0).1, &[("tau", 0.02), ("r", 1.0), ("v_threshold", 0.8)]);
}

#[test]
fn what_nir_cannot_say_is_said() {
    let dual = [("alpha", 0.5), ("beta", -0.5), ("v_threshold", 1.0)];
    let (model, fields, losses) = translated(&alone("DALIF", &dual, "spikingjelly"));
    assert_eq!((&model[..], fields["tau"]), ("LIF", 0.01 / 0.999));
    assert_eq!(
        losses,
        ["node 'cell' (DALIF): a step leaves -0.500 of the potential, of a LIF 0.001 to 0.999"]
    );
    let klif = [("tau", 0.02), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0), ("k", 1.0)];
    let (.., losses) = translated(&alone("KLIF", &klif, "spikingjelly"));
    assert_eq!(losses, ["node 'cell' (KLIF): potentials below 0 are not cut off"]);
    let refusal =
        |convention: &str| in_nir(&alone("DALIF", &dual, convention)).unwrap_err().to_string();
    assert!(
        refusal("norse").starts_with("node 'cell' (DALIF): found convention resistance=ignored")
    );
    assert!(refusal("nir,leak=0.5").contains("expected leak=exact or leak=euler"));
    let pool = in_nir(&graph()).unwrap_err().to_string();
    assert!(
        pool.starts_with("node 'pool' (MaxPool2d): found a layer that NIR does not have"),
        "{pool}"
    );
    assert!(
        nir::to_bytes(&alone("DALIF", &dual, "nir")).unwrap_err().to_string().contains("a neuron")
    );
}

/// What a network sends for some input, step by step.
#[derive(Default)]
struct Sent(Vec<(u64, usize, Spikes)>);

impl Observer for Sent {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        self.0.push((step, unit, sent.clone()));
    }
}

fn sent(network: &Network, convention: &str) -> Vec<(u64, usize, Spikes)> {
    let dt = network.dt.unwrap_or(Micros(10_000));
    let engine = Clocked::new(network, &convention.parse().unwrap(), dt).unwrap();
    let (mut state, mut all) = (engine.start(), Sent::default());
    let mut random = Pcg32::seed_from_u64(7);
    for step in 0..200 {
        let mut spikes = Spikes::default();
        for address in (0..8).filter(|_| random.random_bool(0.4)) {
            spikes.push(address, 1.0, 1);
        }
        engine.receive(&mut state, step, &spikes, &mut all);
    }
    all.0
}

#[test]
fn what_is_said_to_lose_nothing_sends_the_same() {
    let nodes = |model: &str, own: &[(&'static str, f64)]| {
        let fields = own.iter().map(|&(name, value)| (name, one(value)));
        let fields = fields.chain([("v_threshold", one(0.9)), ("step", one(0.01))]).collect();
        vec![
            node("w", "Linear", vec![("weight", floats(&[5, 8], -2.0))]),
            node("cell", model, fields),
        ]
    };
    let dual = [("alpha", 0.3), ("beta", 0.8)];
    let klif = [("tau", 0.025), ("r", 1.0), ("v_leak", 0.0), ("k", 1.2), ("relu", 0.0)];
    for (model, own, convention) in [
        ("DALIF", &dual[..], "spikingjelly"),
        ("DALIF", &dual, "nir,reset=subtract"),
        ("KLIF", &klif, "spikingjelly,fire=above,reset=subtract"),
        ("KLIF", &klif, "nir,input=impulse"),
    ] {
        let path = ["in w cell out"];
        let expected = sent(&build::network(&[8], nodes(model, own), &[5], &path), convention);
        let graph = build::graph(&[8], nodes(model, own), &[5], &path);
        let graph = Graph { convention: Some(convention.parse().unwrap()), ..graph };
        let translation = in_nir(&graph).unwrap();
        assert_eq!(translation.losses, [""; 0]);
        let bytes = nir::to_bytes(&translation.graph).unwrap();
        let found = sent(&Network::new(nir::from_bytes(bytes).unwrap()).unwrap(), convention);
        // units are counted in the order of the file's nodes
        assert!(found.len() > 250, "{}", found.len());
        let only = |all: Vec<(u64, usize, Spikes)>| {
            let spikes = all.into_iter().map(|(step, _, s)| (step, s.index, s.value));
            let mut spikes: Vec<_> = spikes.collect();
            spikes.sort_by_key(|(step, index, _)| (*step, index.clone()));
            spikes
        };
        assert_eq!(only(found), only(expected), "{model} under {convention}");
    }
}

#[test]
fn a_nir_file_remembers_rules_and_step() {
    let fields = [("alpha", 0.25), ("beta", 0.75), ("v_threshold", 1.0)];
    let graph = in_nir(&alone("DALIF", &fields, "spikingjelly,fire=above")).unwrap().graph;
    let bytes = nir::to_bytes(&graph).unwrap();
    let read = nir::from_bytes(bytes).unwrap();
    assert_eq!(read.convention.as_ref().unwrap().to_string(), "spikingjelly,fire=above");
    assert_eq!((read.dt, read.to_record()), (Some(Micros(10_000)), graph.to_record()));
    let mut tampered = graph.to_record();
    let metadata = tampered.groups.entry("metadata".into()).or_default();
    metadata.put("synops_convention", Array::text("torch"));
    let error = nir::from_bytes(nir::record_to_bytes(&tampered).unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("metadata 'synops_convention': found convention 'torch'"), "{error}");
}
