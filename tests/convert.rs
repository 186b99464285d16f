//! Networks from one format to another, and what runs of them then.

mod program;

use std::fs;
use std::path::Path;

use program::{data, done, folder, json, refused, synops};
use serde_json::Value;
use synops::network::{Graph, NodeKind, nir, own};
use synops::neuron::FOREIGN;
use synops::record::{Array, Values};
use synops::units::Micros;

fn written(name: &str) -> String {
    folder().join(name).display().to_string()
}

/// A report without what says where it came from and how long it took.
fn result(mut report: Value) -> Value {
    let report = report.as_object_mut().unwrap();
    report.remove("timing");
    report.remove("manifest");
    report.remove("notes");
    report["network"].as_object_mut().unwrap().remove("path");
    Value::Object(report.clone())
}

#[test]
fn a_nir_network_runs_alike_from_a_file_of_our_own_and_back() {
    let (there, back) = (written("there.synops"), written("back.nir"));
    let text = done(&["convert", &data("arm.nir"), &there]);
    assert!(text.contains("there.synops, synops") && text.contains("9,546 parameters"), "{text}");
    done(&["convert", &there, &back]);
    let arm = data("arm.aedat");
    let replay = |network: &str, more: &[&str]| {
        result(json(&[&["replay", &arm, "--network", network, "--to", "2.5s"], more].concat()))
    };
    for more in [&[][..], &["--quantum", "1ms"], &["--engine", "event"]] {
        let expected = replay(&data("arm.nir"), more);
        assert_eq!(replay(&there, more), expected);
        assert_eq!(replay(&back, more), expected);
    }
    let info = |network: &str| {
        let mut info = json(&["info", network]);
        let format = info.as_object_mut().unwrap().remove("format").unwrap();
        info.as_object_mut().unwrap().remove("path");
        (format, info)
    };
    let (format, described) = info(&there);
    assert_eq!((format, &described), (Value::from("synops"), &info(&data("arm.nir")).1));
    // no matter what it is called
    let other = written("renamed.bin");
    fs::copy(&there, &other).unwrap();
    assert_eq!(info(&other).1, described);
    let picture = written("there.png");
    done(&["raster", &arm, "--network", &there, "--to", "1s", "--out", &picture]);
    done(&["check", &arm, "--network", &there, "--dt-sweep=1ms,2ms", "--to", "1s"]);
}

/// The bundled network of KLIF neurons with this k, in steps of 2 ms.
fn klif(k: f64) -> Graph {
    let model = FOREIGN.iter().find(|model| model.nir == "KLIF").unwrap();
    let mut graph = nir::read(Path::new(&data("arm.nir"))).unwrap();
    for node in &mut graph.nodes {
        let NodeKind::Neuron(neuron) = &node.kind else { continue };
        let mut fields = neuron.write();
        let own = [("k", k), ("relu", 0.0), ("scale_reset", 1.0), ("step", 2e-3)];
        for (name, value) in own {
            fields.put(name, Array::new(&[], Values::F64(vec![value])).unwrap());
        }
        node.kind = NodeKind::Neuron(model.read(&mut fields).unwrap());
    }
    let convention = Some("spikingjelly,fire=above".parse().unwrap());
    Graph { convention, dt: Some(Micros(2_000)), ..graph }
}

#[test]
fn a_network_that_nir_lacks_runs_by_its_own_rules_and_steps() {
    let (network, lif) = (written("klif.synops"), written("klif.nir"));
    own::write(&klif(1.25), Path::new(&network)).unwrap();
    let replay = ["replay", &data("arm.aedat"), "--network", &network];
    let report = json(&replay);
    assert_eq!(report["manifest"]["convention"], "spikingjelly,fire=above");
    assert_eq!(report["manifest"]["dt_us"], 2_000);
    assert_eq!(report["layers"][3]["kind"], "KLIF");
    assert!(report["layers"][3]["spikes"].as_u64().unwrap() > 100, "{}", report["layers"][3]);
    let text = done(&["info", &network]);
    assert!(
        text.contains("rules      spikingjelly,fire=above") && text.contains("2.00 ms"),
        "{text}"
    );
    let other = refused(&[&replay[..], &["--dt", "1ms"]].concat(), 2);
    assert!(other.contains("(KLIF): found parameters for steps of 2.00 ms"), "{other}");
    assert!(other.contains("expected --dt 2000us, or step=2000us"), "{other}");

    // without a ReLU it is a LIF of another threshold
    let conversion = json(&["convert", &network, &lif]);
    assert_eq!(conversion["losses"], Value::Array(Vec::new()));
    assert_eq!(
        (&conversion["format"], &conversion["written"]["format"]),
        (&"synops".into(), &"nir".into())
    );
    assert_eq!(conversion["dt_us"], 2_000);
    let as_lif = json(&["replay", &data("arm.aedat"), "--network", &lif]);
    assert_eq!(as_lif["manifest"]["convention"], "spikingjelly,fire=above");
    assert_eq!((&as_lif["output"], &as_lif["engine"]), (&report["output"], &report["engine"]));
    let spikes = |report: &Value| {
        let layers = report["layers"].as_array().unwrap();
        layers.iter().map(|layer| layer["spikes"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(spikes(&as_lif), spikes(&report));
}

#[test]
fn a_loss_is_refused_unless_it_is_asked_for() {
    let (network, lif) = (written("lossy.synops"), written("lossy.nir"));
    let mut graph = klif(1.0);
    for node in &mut graph.nodes {
        let NodeKind::Neuron(neuron) = &node.kind else { continue };
        let mut fields = neuron.write();
        fields.take("relu").unwrap();
        node.kind = NodeKind::Neuron(neuron.model().read(&mut fields).unwrap());
    }
    own::write(&graph, Path::new(&network)).unwrap();
    let _ = fs::remove_file(&lif);
    let refusal = refused(&["convert", &network, &lif], 2);
    assert!(
        refusal.contains("lossy.synops: found what NIR cannot say: node 'detectors' (KLIF)"),
        "{refusal}"
    );
    assert!(refusal.contains("potentials below 0 are not cut off, and 2 more"), "{refusal}");
    assert!(
        refusal.contains("expected --approximate, or a file that ends in .synops"),
        "{refusal}"
    );
    assert!(!Path::new(&lif).exists());
    let text = done(&["convert", &network, &lif, "--approximate"]);
    assert_eq!(text.matches("lost     node '").count(), 3, "{text}");
    done(&["replay", &data("arm.aedat"), "--network", &lif, "--to", "1s"]);
}

#[test]
fn what_cannot_be_converted_is_named() {
    let nir = data("arm.nir");
    let ending = refused(&["convert", &nir, &written("arm.onnx")], 2);
    assert!(ending.contains("arm.onnx; expected a name that ends in .nir or .synops"), "{ending}");
    let labels = refused(&["convert", &data("arm_labels.csv"), &written("labels.synops")], 2);
    assert!(labels.contains("arm_labels.csv: byte 0") && labels.contains(".synops"), "{labels}");
    let loihi = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lava_pool.net");
    let loihi = loihi.display().to_string();
    let none = refused(&["convert", &loihi, &written("loihi.nir"), "--approximate"], 2);
    assert!(none.contains("(LoihiCuba): found a neuron that nothing in NIR is near"), "{none}");
    let own = written("loihi.synops");
    assert!(done(&["convert", &loihi, &own]).contains("note     delays are read as steps of 1 ms"));
    let replay = |network: &str| {
        result(json(&[
            "replay",
            &data("arm.aedat"),
            "--network",
            network,
            "--sensor",
            "8x9",
            "--steps",
            "3",
        ]))
    };
    assert_eq!(replay(&own), replay(&loihi));
    let cut = written("cut.synops");
    let bytes = fs::read(&own).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 9]).unwrap();
    for verb in [&["info", &cut][..], &["replay", &data("arm.aedat"), "--network", &cut]] {
        let refusal = refused(verb, 2);
        assert!(refusal.contains("cut.synops: found tensors that do not end"), "{refusal}");
    }
    let mut unfit = nir::read(Path::new(&nir)).unwrap();
    unfit.edges.push(("input".into(), "nowhere".into()));
    let (from, to) = (written("unfit.nir"), written("kept.synops"));
    nir::write(&unfit, Path::new(&from)).unwrap();
    fs::write(&to, b"older").unwrap();
    let refusal = refused(&["convert", &from, &to], 2);
    assert!(refusal.contains("unfit.nir: found an edge 'input' → 'nowhere'"), "{refusal}");
    assert_eq!(fs::read(&to).unwrap(), b"older");
    assert_eq!(synops(&["convert", &nir, &written("no/such/folder.nir")]).status.code(), Some(2));
    let help = done(&["convert", "--help"]);
    assert!(help.contains("synops convert trained.synops trained.nir --approximate"), "{help}");
}
