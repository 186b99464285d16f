//! The program as a person or a script uses it.

mod program;

use std::fs;
use std::path::Path;

use program::{data, done, folder, json, refused, text};
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn with_nothing_named_the_bundled_pair_runs() {
    let screen = done(&["replay"]);
    assert!(screen.contains("answer   5 of 5 trials correct (100.0 %)"), "{screen}");
    assert!(screen.contains("air guitar"), "{screen}");
    assert!(screen.contains("synaptic ops × 0.9 pJ"), "{screen}");
    assert!(screen.lines().count() <= 40, "it fits a screen:\n{screen}");
    // it is drawn where the last line says
    let drawn = screen.lines().last().unwrap().strip_prefix("raster   ").unwrap();
    assert!(fs::read(drawn).unwrap().starts_with(b"\x89PNG"));
}

/// The recording and the network of an arm, and more words.
fn arm(more: &[&str]) -> Vec<String> {
    let pair = ["replay", &data("arm.aedat"), "--network", &data("arm.nir")];
    [&pair[..], more].concat().into_iter().map(str::to_owned).collect()
}

fn json_of_arm(more: &[&str]) -> Value {
    json(&arm(more).iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_json_has_the_promised_keys() {
    let report = json_of_arm(&["--to", "2.5s"]);
    for (part, promised) in [
        ("input", &["path", "format", "sensor", "events", "first_us", "last_us", "tally"][..]),
        ("network", &["path", "nodes", "parameters"]),
        ("engine", &["name", "convention", "dt_us", "steps"]),
        ("output", &["counts", "prediction", "class"]),
        ("timing", &["decode_s", "run_s", "real_time_factor"]),
        ("manifest", &["input_sha256", "network_sha256", "convention", "dt_us", "origin"]),
    ] {
        let present = keys(&report[part]);
        assert!(promised.iter().all(|key| present.contains(key)), "{part}: {present:?}");
    }
    let layer = ["name", "kind", "neurons", "spikes", "synaptic_ops", "dense_ops", "state_updates"];
    for row in report["layers"].as_array().unwrap() {
        assert!(layer.iter().all(|key| keys(row).contains(key)));
        assert!(row["spikes"].is_null() != row["synaptic_ops"].is_null());
    }
    let energy = &report["energy"][0];
    assert!(
        ["table", "unit", "low", "typical", "high", "terms"]
            .iter()
            .all(|k| keys(energy).contains(k))
    );
    assert_eq!(report["output"]["class"], "right arm clockwise");
}

#[test]
fn every_event_is_accounted_for_and_the_energy_adds_up() {
    for arguments in [
        &[][..],
        &["--to", "1s", "--input", "binary"],
        &["--from", "1s", "--steps", "70", "--dt", "10ms"],
        &["--origin", "absolute", "--from", "500ms", "--to", "900ms"],
    ] {
        let report = json_of_arm(arguments);
        let mut handed_on = report["input"]["tally"]["decode"]["read"].as_u64().unwrap();
        for stage in ["decode", "order", "window", "bin"] {
            let tally = &report["input"]["tally"][stage];
            let count = |key: &str| tally[key].as_u64().unwrap();
            let dropped = tally["dropped"].as_object();
            let dropped: u64 =
                dropped.iter().flat_map(|d| d.values()).map(|n| n.as_u64().unwrap()).sum();
            assert_eq!(count("read"), handed_on, "{arguments:?} {stage}");
            assert_eq!(count("read"), count("kept") + dropped, "{arguments:?} {stage}");
            handed_on = count("kept");
        }
        let operations: f64 = report["layers"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|l| l["synaptic_ops"].as_f64())
            .sum();
        let joules = report["energy"][0]["typical"].as_f64().unwrap();
        assert!((joules - operations * 0.9e-12).abs() <= 1e-12 * joules, "{joules} {operations}");
    }
}

#[test]
fn counts_by_step_add_up_to_those_of_the_run() {
    let path = folder().join("steps.csv");
    let report = json(&["replay", "--by-step", path.to_str().unwrap()]);
    let text = fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..5], ["trial", "step", "from_us", "layer", "kind"]);
    let sum = |layer: &str, column: usize| -> u64 {
        let own = rows[1..].iter().filter(|row| row[3] == layer);
        own.map(|row| row[column].parse::<u64>().unwrap()).sum()
    };
    for layer in report["layers"].as_array().unwrap() {
        let name = layer["name"].as_str().unwrap();
        for (column, key) in [(5, "spikes"), (6, "synaptic_ops"), (7, "multiply_adds")] {
            if let Some(expected) = layer[key].as_u64() {
                assert_eq!(sum(name, column), expected, "{key} of {name}");
            }
        }
    }
    // five trials of 20 steps
    assert_eq!(rows.last().unwrap()[..2], ["5", "19"]);
}

#[test]
fn counts_by_step_of_trials_are_those_of_each_alone() {
    let rows = |more: &[&str]| -> Vec<Vec<String>> {
        let arguments = arm(&[&["--origin", "absolute", "--by-step", "-"], more].concat());
        let text = done(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let rows = text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect());
        rows.collect()
    };
    // the second begins before the first ends
    let labels = folder().join("trials.csv");
    let trials = "class,startTime_usec,endTime_usec\n4,200000,3000000\n5,2900000,5200000\n";
    fs::write(&labels, trials).unwrap();
    let of_trials = rows(&["--labels", labels.to_str().unwrap()]);
    for (trial, [from, to]) in [("1", [200_000, 3_000_000]), ("2", [2_900_000, 5_200_000])] {
        let alone = rows(&["--from", &format!("{from}us"), "--to", &format!("{to}us")]);
        let own = || of_trials.iter().filter(|row| row[0] == trial);
        assert!(own().map(|row| &row[3..]).eq(alone.iter().map(|row| &row[3..])));
        for (row, alone) in own().zip(&alone) {
            let number = |text: &str| text.parse::<i64>().unwrap();
            assert_eq!(row[1], alone[1]);
            assert_eq!(number(&row[2]), from - 200_000 + 1000 * number(&row[1]));
            assert_eq!([&alone[0], &alone[2]], ["", &format!("{}", 1000 * number(&row[1]))]);
        }
    }
    // slices last as long as it takes
    let sliced = rows(&["--slice", "number", "--steps", "3"]);
    assert!(sliced.iter().all(|row| row[2].is_empty() && ["0", "1", "2"].contains(&&*row[1])));
}

#[test]
fn trials_are_answered_as_if_each_were_its_own_recording() {
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    let labels = data("arm_labels.csv");
    let by_label = json(&["replay", &recording, "--network", &network, "--labels", &labels]);
    let trials = by_label["trials"]["list"].as_array().unwrap();
    assert_eq!(by_label["trials"]["right"], 2);
    for trial in trials {
        let time = |key: &str| format!("{}us", trial[key].as_i64().unwrap());
        let (from, to) = (time("from_us"), time("to_us"));
        let cut = ["--origin", "absolute", "--from", &from, "--to", &to];
        let alone = json(&[&["replay", &recording, "--network", &network][..], &cut].concat());
        assert_eq!(alone["manifest"]["start_us"], trial["from_us"]);
        let answer = |report: &Value| report["output"]["prediction"].clone();
        assert_eq!(answer(&alone), answer(trial));
        assert_eq!(alone["input"]["tally"]["window"]["kept"], trial["events"]);
    }
    let sum = |key: &str| trials.iter().map(|t| t[key].as_u64().unwrap()).sum::<u64>();
    let layers = by_label["layers"].as_array().unwrap();
    let operations: u64 = layers.iter().filter_map(|l| l["synaptic_ops"].as_u64()).sum();
    assert_eq!(operations, sum("synaptic_ops"));
}

#[test]
fn potentials_of_trials_have_one_mean() {
    use synops::network::{NodeKind, nir};
    use synops::neuron::MODELS;
    use synops::record::{Array, Record};
    let mut graph = nir::read(Path::new(&data("arm.nir"))).unwrap();
    let last = graph.nodes.iter_mut().find(|node| node.name == "direction");
    let mut record = Record::default();
    for (field, value) in [("tau", 0.05), ("r", 1.0), ("v_leak", 0.0)] {
        record.put(field, Array::floats(&[2], vec![value; 2]));
    }
    let li = MODELS.iter().find(|model| model.nir == "LI").unwrap();
    last.unwrap().kind = NodeKind::Neuron(li.read(&mut record).unwrap());
    let network = folder().join("leaky.nir");
    nir::write(&graph, &network).unwrap();
    let recording = data("arm.aedat");
    let run = |more: &[&str]| {
        let network = ["replay", &recording, "--network", network.to_str().unwrap()];
        let report = json(&[&network[..], &["--origin", "absolute"], more].concat());
        let means = report["output"]["means"].as_array().unwrap().clone();
        let means: Vec<f64> = means.iter().map(|mean| mean.as_f64().unwrap()).collect();
        (means, report["engine"]["steps"].as_f64().unwrap())
    };
    // as the label file has them: 2,300 steps each
    let (first, a) = run(&["--from", "200ms", "--to", "2500ms"]);
    let (second, b) = run(&["--from", "2900ms", "--to", "5200ms"]);
    let (all, steps) = run(&["--labels", &data("arm_labels.csv")]);
    assert_eq!(steps, a + b);
    assert!(first.iter().any(|mean| mean.abs() > 1e-3));
    for (all, (first, second)) in all.iter().zip(first.iter().zip(&second)) {
        assert!((all - (first * a + second * b) / steps).abs() <= 1e-9 * all.abs());
    }
}

#[test]
fn without_names_output_0_is_class_1() {
    use synops::network::nir;
    let mut graph = nir::read(Path::new(&data("arm.nir"))).unwrap();
    graph.rest.groups.clear();
    let network = folder().join("nameless.nir");
    nir::write(&graph, &network).unwrap();
    let labels = folder().join("nameless.csv");
    let rows = "class,startTime_usec,endTime_usec\n1,200000,2500000\n1,2900000,5200000\n";
    fs::write(&labels, rows).unwrap();
    let (network, labels) = (network.to_str().unwrap(), labels.to_str().unwrap());
    let arguments = ["replay", &data("arm.aedat"), "--network", network, "--labels", labels];
    let report = json(&arguments);
    assert_eq!(report["trials"]["list"][0]["right"], true);
    assert_eq!(report["trials"]["list"][1]["right"], false);
    assert!(report["output"]["class"].is_null());
}

#[test]
fn the_same_call_gives_the_same_result() {
    let strip = |mut report: Value| {
        report.as_object_mut().unwrap().remove("timing");
        report
    };
    assert_eq!(strip(json(&["replay"])), strip(json(&["replay"])));
}

#[test]
fn info_tells_recordings_from_networks() {
    let recording = json(&["info", &data("arm.aedat")]);
    assert_eq!((&recording["what"], &recording["camera"]), (&"recording".into(), &"DVS128".into()));
    let network = json(&["info", &data("arm.nir")]);
    assert_eq!((&network["what"], &network["parameters"]), (&"network".into(), &9546.into()));
    // as its own configuration says
    assert_eq!(json(&["info", &data("gestures.nir")])["steps"], "20");
    let both = done(&["info", &data("arm.aedat"), &data("arm.nir")]);
    assert!(both.contains("128×128") && both.contains("SumPool2d"), "{both}");
}

fn golden(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torch");
    folder.join(name).display().to_string()
}

#[test]
fn a_state_dict_runs_by_its_mapping_and_by_the_rules_that_go_with_it() {
    let mapping = folder().join("net.toml");
    let text = r#"
        input = [2, 12, 10]
        convention = "spikingjelly"
        layers = [
            { type = "Conv2d", key = "0", padding = 1 },
            { type = "BatchNorm", key = "1" },
            { type = "LIF", tau = 2.0 },
        ]"#;
    fs::write(&mapping, text).unwrap();
    let (frames, weights) = (golden("net_frames.npz"), golden("net.pt"));
    let bare = ["replay", &frames, "--network", &weights];
    let arguments = [&bare[..], &["--mapping", mapping.to_str().unwrap()]].concat();
    let report = json(&arguments);
    assert_eq!(report["manifest"]["convention"], "spikingjelly");
    assert_eq!(report["manifest"]["mapping_sha256"].as_str().map(str::len), Some(64));
    assert_eq!(report["network"]["mapping"], mapping.to_str().unwrap());
    assert_eq!(report["engine"]["steps"], 12);
    assert_eq!(report["layers"][1]["spikes"], 428, "as in net.json");
    let other = json(&[&arguments[..], &["--convention", "norse", "--dt", "20ms"]].concat());
    assert_eq!(other["manifest"]["convention"], "norse");
    assert_eq!(other["engine"]["steps"], 12);
    assert!(done(&arguments).contains("net.pt, by "));

    let none = refused(&bare, 2);
    assert!(none.contains("net.pt: found a state dict") && none.contains("0.weight [8, 2, 3, 3]"));
    assert!(none.contains("--mapping") && none.contains("spikingjelly-dvsgesturenet"), "{none}");
    let unfit = refused(&[&bare[..], &["--mapping", "spikingjelly-dvsgesturenet"]].concat(), 2);
    assert!(unfit.contains("net.pt: layer 'conv_fc.0' (Conv2d): found no 'conv_fc.0.weight'"));
    let nir = ["replay", &data("arm.aedat"), "--network", &data("arm.nir"), "--mapping", "x"];
    assert!(refused(&nir, 2).contains("a --mapping for what is no state dict"));
    let unknown = refused(&[&bare[..], &["--mapping", "x"]].concat(), 2);
    assert!(unknown.contains("x: found no such file and no mapping of that name"), "{unknown}");
    let trap = refused(&["replay", &frames, "--network", &golden("malicious.pt")], 2);
    assert!(trap.contains("malicious.pt: byte ") && trap.contains("'posix.system'"), "{trap}");
}

#[test]
fn info_tells_frames_from_weights() {
    let frames = json(&["info", &golden("frames_stored.npz")]);
    assert_eq!((&frames["what"], &frames["format"]), (&"recording".into(), &"frames".into()));
    for name in ["net.pt", "legacy.pth", "stored.npz"] {
        assert_eq!(json(&["info", &golden(name)])["what"], "weights", "{name}");
    }
    let text = done(&["info", &golden("net.pt")]);
    assert!(text.contains("torch, a state dict") && text.contains("8×2×3×3"), "{text}");
    let picture = folder().join("frames.png");
    done(&["raster", &golden("frames_u8.npy"), "--out", picture.to_str().unwrap()]);
}

#[test]
fn help_has_an_example_for_every_verb() {
    let help = done(&["--help"]);
    let verbs = "info replay raster plot render check eval energy train convert synth";
    for verb in verbs.split(' ') {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb}");
        assert!(done(&[verb, "--help"]).contains(&format!("synops {verb} ")), "{verb}");
    }
    for (verb, names) in [
        ("replay", &["snntorch-nir", "spikingjelly-dvsgesturenet", "aedat4"][..]),
        ("info", &["atis-bin", "SumPool2d", "CubaLIF", "MaxPool2d", "KLIF"]),
        ("train", &["plif-nmnist", "gated-lif", "v_subreset"]),
        ("energy", &["horowitz45-int8"]),
    ] {
        let help = done(&[verb, "--help"]);
        names.iter().for_each(|name| assert!(help.contains(name), "{name} is not listed"));
    }
}

#[test]
fn rasters_are_written_where_asked_and_alike() {
    let picture = |name: &str, extra: &[&str]| {
        let path = folder().join(name);
        let _ = fs::remove_file(&path);
        done(&[&["raster", "--out", path.to_str().unwrap()], extra].concat());
        fs::read(path).unwrap()
    };
    let png = picture("bundled.png", &[]);
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(picture("again.png", &[]), png);
    let svg = text(&picture("bundled.svg", &[]));
    assert!(svg.contains("air guitar: correct"));
    // with the report of what is drawn
    let path = folder().join("reported.png").display().to_string();
    assert_eq!(json(&["raster", "--out", &path])["layers"], json(&["replay"])["layers"]);
    assert_eq!(fs::read(&path).unwrap(), png);
    let alone = json(&["raster", &data("arm.aedat"), "--out", &path]);
    assert_eq!(alone["input"]["events"], 48_522);
    let events = text(&picture("events.svg", &[&data("arm.aedat")]));
    assert!(events.contains("48,522 events") && !events.contains("LIF"));
    let path = folder().join("with.svg");
    let words = arm(&["--to", "2.5s", "--raster", path.to_str().unwrap()]);
    let screen = done(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(screen.ends_with(&format!("raster   {}\n", path.display())));
    assert!(fs::read_to_string(path).unwrap().contains("answer: right arm clockwise"));
}

#[test]
fn a_lava_dl_network_brings_its_convention() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lava_pool.net");
    let network = golden.display().to_string();
    assert!(done(&["info", &network]).contains("lava-dl"));
    let replay = ["replay", &data("arm.aedat"), "--network", &network, "--sensor", "8x9"];
    let report = json(&[&replay[..], &["--steps", "3"]].concat());
    assert_eq!(report["manifest"]["convention"], "loihi");
    assert_eq!(report["manifest"]["conventions"]["LoihiCuba"]["delay"], "1");
    let named = json(&[&replay[..], &["--convention", "lava,fire=at-or-above"]].concat());
    assert_eq!(named["manifest"]["convention"], "lava,fire=at-or-above");
    let float = [&replay[..], &["--convention", "nir"]].concat();
    assert!(refused(&float, 2).contains("expected number=fixed"));
}
