//! NIR files: what was read is written, and what is wrong is named.

use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg32;
use synops::engine::Clocked;
use synops::error::ErrorKind;
use synops::network::{Graph, Network, Node, NodeKind, nir};
use synops::neuron::MODELS;
use synops::neuron::preset::Conventions;
use synops::record::{Array, Record, Values};
use synops::units::Micros;

/// Where `tools/check_nir.py` finds what these tests write.
fn written(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nir");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn assert_written_as_read(graph: &Graph, name: &str) {
    let path = written(name);
    nir::write(graph, &path).unwrap();
    assert_eq!(nir::read(&path).unwrap().to_record(), graph.to_record(), "{name}");
}

/// A chain of every neuron model, with 32- and 64-bit parameters and metadata.
fn every_model() -> Graph {
    let mut graph = Graph::default();
    let shape = || Array::integers(&[2, 3]);
    graph.nodes.push(Node::new("input", NodeKind::Input(shape())));
    for (i, model) in MODELS.iter().enumerate() {
        let mut record = Record::default();
        for (k, field) in
            ["tau", "tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "threshold", "w_in"]
                .iter()
                .enumerate()
        {
            let values: Vec<f64> = (1..=6).map(|n| f64::from(n) / (3.0 + k as f64)).collect();
            let values = match k % 2 {
                0 => Values::F64(values),
                _ => Values::F32(values.iter().map(|&v| v as f32).collect()),
            };
            record.put(field, Array::new(&[2, 3], values).unwrap());
        }
        if i % 2 == 0 {
            record.put("v_reset", Array::floats(&[2, 3], vec![-0.5; 6]));
        }
        let mut node = Node::new(
            format!("{i}.{}", model.nir),
            NodeKind::Neuron(model.read(&mut record).unwrap()),
        );
        let mut metadata = Record::default();
        metadata.put("trained_by", Array::text("nobody, ünïcode"));
        node.rest.groups.insert("metadata".into(), metadata);
        graph.nodes.push(node);
    }
    graph.nodes.push(Node::new("output", NodeKind::Output(shape())));
    let names: Vec<String> = graph.nodes.iter().map(|node| node.name.clone()).collect();
    graph.edges = names.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    graph.set_metadata("class_names", "a\nb\nc\nd\ne\nf");
    graph
}

#[test]
fn what_is_written_is_what_was_read() {
    assert_written_as_read(&every_model(), "every_model.nir");
    let layers = nir::from_bytes(include_bytes!("golden/layers.nir").to_vec()).unwrap();
    assert_written_as_read(&layers, "layers.nir");
    let recurrent = nir::from_bytes(include_bytes!("golden/recurrent.nir").to_vec()).unwrap();
    assert_written_as_read(&recurrent, "recurrent.nir");
}

#[test]
fn published_networks_are_written_as_they_were_read() {
    let Some(data) = std::env::var_os("SYNOPS_DATA") else {
        eprintln!("SYNOPS_DATA is not set: skipped");
        return;
    };
    for name in [
        "nir/cnn_sinabs.nir",
        "nir/lif/lif_norse.nir",
        "nir/lif/lif_rockpool.nir",
        "sinabs/sinabs_dvs_gesture.nir",
    ] {
        let graph = nir::read(&Path::new(&data).join(name)).unwrap();
        assert_written_as_read(&graph, Path::new(name).file_name().unwrap().to_str().unwrap());
        Network::new(graph).unwrap();
    }
}

#[test]
fn every_model_runs_in_one_chain() {
    let network = Network::new(every_model()).unwrap();
    assert_eq!(network.classes.as_ref().unwrap()[5], "f");
    assert_eq!(network.units.len(), MODELS.len() + 2);
}

#[test]
fn a_full_disk_leaves_the_older_file_alone() {
    let path = written("kept.nir");
    std::fs::write(&path, b"older").unwrap();
    let missing = written("no_folder").join("deeper/new.nir");
    assert_eq!(nir::write(&every_model(), &missing).unwrap_err().kind, ErrorKind::Io);
    assert_eq!(std::fs::read(&path).unwrap(), b"older");
}

/// What is said of a graph whose record was tampered with.
fn refusal(tamper: impl FnOnce(&mut Record)) -> String {
    let mut record = every_model().to_record();
    tamper(&mut record);
    let bytes = nir::record_to_bytes(&record).unwrap();
    let network = nir::from_bytes(bytes).and_then(Network::new);
    let engine =
        network.and_then(|network| Clocked::new(&network, &Conventions::default(), Micros(1000)));
    engine.err().unwrap().to_string()
}

fn node_of<'r>(record: &'r mut Record, name: &str) -> &'r mut Record {
    record.groups.get_mut("nodes").unwrap().groups.get_mut(name).unwrap()
}

#[test]
fn what_is_wrong_is_named_with_its_node() {
    let unknown = refusal(|r| node_of(r, "2.LIF").put("type", Array::text("Izhikevich")));
    assert!(unknown.starts_with("node '2.LIF' (Izhikevich): found a node of type"), "{unknown}");
    let missing = refusal(|r| _ = node_of(r, "2.LIF").take("tau"));
    assert!(missing.starts_with("node '2.LIF' (LIF): found no 'tau' among"), "{missing}");
    let nan = refusal(|r| node_of(r, "2.LIF").put("r", Array::floats(&[2, 3], vec![f32::NAN; 6])));
    assert!(nan.starts_with("node '2.LIF' (LIF): 'r': found NaN"), "{nan}");
    let tau = refusal(|r| node_of(r, "2.LIF").put("tau", Array::floats(&[2, 3], vec![0.0; 6])));
    assert!(tau.contains("'tau' = 0"), "{tau}");
    let shape = refusal(|r| node_of(r, "2.LIF").put("r", Array::floats(&[3, 2], vec![1.0; 6])));
    assert!(shape.starts_with("node '2.LIF' (LIF): found 'r' of shape [3, 2]"), "{shape}");
    let text = refusal(|r| node_of(r, "2.LIF").put("r", Array::text("one")));
    assert!(text.contains("found text of shape []; expected numbers"), "{text}");
    let edge = refusal(|r| {
        r.put("edges", Array::new(&[1, 2], Values::Text(vec!["a".into(), "b".into()])).unwrap())
    });
    assert!(edge.contains("an edge 'a' → 'b' without a node 'a'"), "{edge}");
    let odd =
        refusal(|r| r.put("edges", Array::new(&[1], Values::Text(vec!["a".into()])).unwrap()));
    assert!(odd.contains("pairs of node names"), "{odd}");
    let zero = refusal(|r| node_of(r, "input").put("shape", Array::integers(&[0, 3])));
    assert!(zero.contains("'input'") || zero.contains("0.IF"), "{zero}");
    let input = |axes: &[i64]| refusal(|r| node_of(r, "input").put("shape", Array::integers(axes)));
    let negative = input(&[2, -34, 34]);
    assert!(
        negative.starts_with(
            "node 'input' (Input): 'shape': found shape [2, -34, 34]; expected one or more axes"
        ),
        "{negative}"
    );
    let large = input(&[2, 40_000, 40_000]);
    let found = "node 'input' (Input): 'shape': found shape [2, 40000, 40000]; expected";
    assert!(large.starts_with(found), "{large}");
    let classes = refusal(|r| {
        let metadata = r.groups.get_mut("metadata").unwrap();
        metadata.put("class_names", Array::text("only one"));
    });
    assert!(classes.contains("1 names under 'class_names'; expected 6"), "{classes}");
}

#[test]
fn what_is_no_network_is_refused() {
    let refusal = |bytes: &[u8]| nir::from_bytes(bytes.to_vec()).unwrap_err().kind;
    assert_eq!(refusal(b""), ErrorKind::UnknownFormat);
    assert_eq!(refusal(b"#!AER-DAT3.1\r\n"), ErrorKind::UnknownFormat);
    assert_eq!(refusal(b"\x89HDF\r\n\x1a\n"), ErrorKind::Corrupt);
}

/// In the old groups of HDF5 names end with a NUL.
#[test]
fn what_has_lost_its_name_is_named_all_the_same() {
    let mut bytes = include_bytes!("golden/recurrent.nir").to_vec();
    let at = bytes.windows(7).position(|name| name == b"v_leak\0").unwrap();
    bytes[at] = 0;
    let error = nir::from_bytes(bytes).unwrap_err().to_string();
    assert!(!error.contains(": :"), "{error}");
    assert!(error.contains("found ") && error.contains("; expected "), "{error}");
}

/// Cuts a file at 200 places and changes 2,000 single bytes, and makes an engine
/// of what can still be read. How many could, of the latter.
fn damage(file: &[u8]) -> u32 {
    let mut random = Pcg32::seed_from_u64(1);
    let use_it = |bytes: Vec<u8>| {
        let network = nir::from_bytes(bytes).and_then(Network::new);
        network.and_then(|n| Clocked::new(&n, &Conventions::default(), Micros(1000))).is_ok()
    };
    for _ in 0..200 {
        let cut = random.random_range(0..file.len());
        use_it(file[..cut].to_vec());
    }
    let mut read = 0;
    for _ in 0..2000 {
        let mut bytes = file.to_vec();
        let at = random.random_range(0..bytes.len());
        bytes[at] ^= random.random_range(1..=255u8);
        read += u32::from(use_it(bytes));
    }
    read
}

#[test]
fn a_damaged_file_is_refused_or_read_but_never_fatal() {
    let read = damage(include_bytes!("golden/recurrent.nir"));
    assert!(read > 500, "most single bytes are unused or numbers: {read}");
    damage(include_bytes!("golden/layers.nir"));
}

#[test]
fn a_damaged_published_file_is_never_fatal() {
    let Some(data) = std::env::var_os("SYNOPS_DATA") else {
        eprintln!("SYNOPS_DATA is not set: skipped");
        return;
    };
    for name in ["nir/cnn_sinabs.nir", "nir/lif/lif_norse.nir", "sinabs/sinabs_dvs_gesture.nir"] {
        damage(&std::fs::read(Path::new(&data).join(name)).unwrap());
    }
}
