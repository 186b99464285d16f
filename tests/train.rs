//! `synops train` as a person uses it, on a small task: which way a dot moves.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use program::{data, done, folder, json, refused, text};
use serde_json::Value;
use synops::event::Batch;
use synops::format::encode;

const CONFIG: &str = r#"
epochs = 6
batch = 8

[data]
path = "PATH"
sensor = "12x8"
steps = 10
slice = "1ms"
validation = 0.2
test = 0.2

[neuron]
tau = 2.0
surrogate = "atan:2"

[optimizer]
rate = 2e-2
schedule = { cosine = { epochs = 12 } }

[[layers]]
type = "Conv2d"
channels = 4
kernel_size = 3
padding = 1
[[layers]]
type = "BatchNorm"
[[layers]]
type = "Neurons"
[[layers]]
type = "SumPool2d"
kernel_size = 2
[[layers]]
type = "Flatten"
[[layers]]
type = "Dropout"
p = 0.2
[[layers]]
type = "Linear"
outputs = 2
bias = true
[[layers]]
type = "Neurons"
"#;

/// A dot that moves right or left, with noise: 10 ms on 12×8 pixels.
fn dot(right: bool, number: u64) -> Batch {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let row = random(6) as u16 + 1;
    let mut events: Vec<(i64, u16, u16, bool)> = (0..60)
        .map(|_| (random(10_000) as i64, random(12) as u16, random(8) as u16, random(2) == 0))
        .collect();
    for t in 0..200 {
        let x = (t * 12 / 200) as u16;
        let (x, on) = if right { (x, true) } else { (11 - x, random(3) > 0) };
        events.push((t * 50, x, row + random(2) as u16, on));
    }
    events.sort();
    events.into_iter().collect()
}

/// A folder of its own with a folder of dots a class; the configuration for it.
fn task(name: &str) -> (PathBuf, String) {
    let root = folder().join(name);
    let _ = fs::remove_dir_all(&root);
    for (class, right) in [("left", false), ("right", true)] {
        let folder = root.join("dots").join(class);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..30 {
            let bytes = encode("atis-bin", &dot(right, 2 * number + u64::from(right))).unwrap();
            fs::write(folder.join(format!("{number:02}.bin")), bytes).unwrap();
        }
    }
    let config = CONFIG.replace("PATH", root.join("dots").to_str().unwrap());
    fs::write(root.join("dots.toml"), config).unwrap();
    let config = root.join("dots.toml").display().to_string();
    (root, config)
}

fn path(root: &Path, name: &str) -> String {
    root.join(name).display().to_string()
}

#[test]
fn a_trained_network_is_right_and_replays_to_the_outputs_that_training_gave() {
    let (root, config) = task("replays");
    let report = json(&["train", &config, "--out", &path(&root, "run")]);
    let test = &report["runs"][0]["test"];
    assert!(test["accuracy"].as_f64().unwrap() > 0.9, "{test}");
    assert_eq!(test["of"], 12);
    assert_eq!(test["as_trained"], 12, "the engine gives what training gave");
    assert_eq!(report["data"]["train"], 36);
    let epochs = report["runs"][0]["epochs"].as_array().unwrap();
    let loss = |epoch: &Value| epoch["training"]["loss"].as_f64().unwrap();
    assert!(epochs.len() == 6 && loss(&epochs[5]) < loss(&epochs[0]));
    assert!((1..).zip(epochs).all(|(number, epoch)| epoch["epoch"] == number));
    // the file knows its convention, its step and its classes
    let network = path(&root, "run/network.nir");
    let mut right = 0;
    for (class, number) in [("left", "03"), ("right", "17"), ("left", "22"), ("right", "08")] {
        let recording = path(&root, &format!("dots/{class}/{number}.bin"));
        let sensor = ["--sensor", "12x8"];
        let replay = json(&[&["replay", &recording, "--network", &network], &sensor[..]].concat());
        assert_eq!(replay["engine"]["dt_us"], 1000);
        assert_eq!(replay["engine"]["convention"], "spikingjelly");
        right += usize::from(replay["output"]["class"] == class);
    }
    assert!(right >= 3, "{right} of 4");
    for name in ["config.toml", "curves.csv", "curves.png", "report.json", "best.safetensors"] {
        assert!(root.join("run").join(name).is_file(), "{name}");
    }
    let csv = fs::read_to_string(root.join("run/curves.csv")).unwrap();
    assert_eq!(csv.lines().count(), 7);
}

#[test]
fn a_network_remembers_what_it_took_several_events_for() {
    let (root, config) = task("binary");
    let out = path(&root, "run");
    let set = ["--set", "data.input='binary'", "--set", "epochs=1"];
    json(&[&["train", &config, "--out", &out], &set[..]].concat());
    let (recording, network) = (path(&root, "dots/left/03.bin"), path(&root, "run/network.nir"));
    let replay = |more: &[&str]| {
        let arguments = ["replay", &recording, "--network", &network, "--sensor", "12x8"];
        json(&[&arguments[..], more].concat())["manifest"]["input"].clone()
    };
    assert_eq!((replay(&[]), replay(&["--input", "counts"])), ("binary".into(), "counts".into()));
    let own = path(&root, "own.synops");
    done(&["convert", &network, &own]);
    let arguments = ["replay", &recording, "--network", &own, "--sensor", "12x8"];
    assert_eq!(json(&arguments)["manifest"]["input"], "binary");
}

#[test]
fn a_network_is_evaluated_as_its_samples_were_cut() {
    let (root, config) = task("slices");
    let mut list = String::from("file,class,part\n");
    for class in ["left", "right"] {
        for number in 0..30 {
            let part = if number % 3 == 0 { "test" } else { "train" };
            list += &format!("{class}/{number:02}.bin,{class},{part}\n");
        }
    }
    let lists = path(&root, "parts.csv");
    fs::write(&lists, list).unwrap();
    let dots = path(&root, "dots");
    for slice in ["number", "time", "2ms"] {
        let (out, set) = (path(&root, slice), format!("data.slice='{slice}'"));
        let steps = ["--set", "data.steps=4", "--set", "optimizer.rate=5e-3"];
        let train = ["train", &config, "--list", &lists, "--out", &out, "--set", &set];
        let trained = json(&[&train[..], &steps, &["--set", "epochs=2"]].concat());
        let test = &trained["runs"][0]["test"];
        assert_eq!((&test["of"], &test["as_trained"]), (&20.into(), &20.into()));
        let network = path(&root, &format!("{slice}/network.nir"));
        let eval = |more: &[&str]| {
            let eval = ["eval", &dots, "--list", &lists, "-n", &network, "--sensor", "12x8"];
            json(&[&eval[..], more].concat())
        };
        let evaluated = eval(&[]);
        let (head, accuracy) = (&evaluated["head"], &evaluated["accuracy"]);
        assert_eq!((&accuracy["right"], &accuracy["of"]), (&test["right"], &test["of"]));
        let spikes = &evaluated["all"]["spikes"]["mean"];
        let gap = spikes.as_f64().unwrap() - test["spikes"].as_f64().unwrap();
        assert!(gap.abs() < 1e-9, "{slice}: {spikes} spikes, {test}");
        assert_eq!(head["steps"], 4);
        let is_length = slice == "2ms";
        assert_eq!(head["causal"], is_length);
        assert_eq!(head["slice"], if is_length { Value::Null } else { slice.into() });
        // what is asked for counts
        let asked = &eval(&["--dt", "1ms"])["head"];
        assert_eq!((&asked["slice"], &asked["steps"]), (&Value::Null, &Value::Null));
        let asked = &eval(&["--slice", "number", "--steps", "3"])["head"];
        assert_eq!((&asked["slice"], &asked["steps"]), (&"number".into(), &3.into()));
        let recording = path(&root, "dots/left/03.bin");
        let replay = json(&["replay", &recording, "-n", &network, "--sensor", "12x8"]);
        assert_eq!(replay["manifest"]["slice"], head["slice"]);
        // nothing is cut off unasked, and that a sample of eval's would be is said
        assert_eq!(replay["engine"]["steps"], if is_length { 5 } else { 4 });
        let note = "run to its end; the network learned from 4 steps a sample";
        let notes = |verb: &str, more: &[&str]| {
            let arguments = [verb, &recording, "-n", &network, "--sensor", "12x8"];
            let report = json(&[&arguments[..], more].concat());
            let notes = report["notes"].as_array().unwrap().clone();
            notes.iter().filter(|said| said.as_str().unwrap().starts_with(note)).count()
        };
        for verb in ["replay", "energy"] {
            assert_eq!(notes(verb, &[]), usize::from(is_length), "{verb} {slice}");
            assert_eq!(notes(verb, &["--steps", "4"]), 0, "{verb} {slice}");
        }
    }
    let (recording, arm) = (path(&root, "dots/left/03.bin"), data("arm.nir"));
    let alone = ["replay", &recording, "-n", &arm, "--slice", "time"];
    assert!(refused(&alone, 2).contains("slices of equal time; expected how many: --steps N"));
}

#[test]
fn a_run_is_not_written_into_its_data() {
    let (root, config) = task("inside");
    let out = path(&root, "dots/runs/first");
    let message = refused(&["train", &config, "--out", &out, "--set", "epochs=1"], 2);
    assert!(
        message.contains("--out: found") && message.contains("a folder elsewhere"),
        "{message}"
    );
    assert!(!root.join("dots/runs").exists());
    // a list names its files
    let list = path(&root, "list.csv");
    fs::write(&list, "file,class,part\nleft/00.bin,left,train\nright/00.bin,right,train\n")
        .unwrap();
    done(&["train", &config, "--list", &list, "--out", &out, "--set", "epochs=1"]);
}

#[test]
fn what_is_learned_is_not_reported_on_without_a_word() {
    let (root, config) = task("leak");
    let lists = path(&root, "parts.csv");
    let out = path(&root, "run");
    let train = ["train", &config, "--list", &lists, "--out", &out, "--set", "epochs=1"];
    let defects = |rows: &str| {
        fs::write(&lists, format!("file,class,part,from,to\n{rows}")).unwrap();
        let _ = fs::remove_dir_all(&out);
        let report = json(&train);
        let defects = report["data"]["defects"].as_array().unwrap().clone();
        defects.iter().map(|text| text.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let apart = "left/00.bin,left,train,0,3000\nleft/00.bin,left,test,3000,5000\n\
                 right/00.bin,right,train,,\nleft/00.bin,left,train,1000,3000\n";
    assert_eq!(defects(apart), [""; 0]);
    let again = "left/./00.bin,left,validation,2999,4000\n";
    let found = defects(&format!("{apart}{again}"));
    let expected = |(file, parts): (&str, &str)| {
        let file = path(&root, file);
        format!("{file}: found the same events for {parts}; expected each for one part")
    };
    let twice = ("dots/left/00.bin", "train and validation");
    let once = ("dots/left/./00.bin", "validation and test");
    assert_eq!(found, [twice, twice, once].map(expected));
    let users = [&train[..], &["--set", "data.test=['user1']"]].concat();
    let message = refused(&users, 2);
    assert!(message.contains("users for the part test; expected none: the data come split"));
}

#[test]
fn a_split_is_named_wherever_figures_are() {
    let (root, config) = task("split");
    for (dots, class) in [("left", "bird"), ("right", "cat")] {
        let (from, to) = (root.join("dots").join(dots), root.join("dots").join(class));
        fs::rename(&from, &to).unwrap();
        for i in 0..30 {
            let name = to.join(format!("cifar10_{class}_{}.bin", 99 + i));
            fs::rename(to.join(format!("{i:02}.bin")), name).unwrap();
        }
    }
    let (dots, out) = (path(&root, "dots"), path(&root, "run"));
    let train = |more: &[&str]| {
        let _ = fs::remove_dir_all(&out);
        let arguments = ["train", &config, "--out", &out, "--set", "epochs=1"];
        json(&[&arguments[..], more].concat())
    };
    let config_of = |report: &Value| report["config"]["data"].clone();
    // 30 − ⌈27⌉ of each class; only number 99 is among the first hundred
    let first = &train(&["--set", "data.split=first-hundred"])["data"];
    assert_eq!((&first["split"], &first["test"]), (&"first-hundred".into(), &2.into()));
    assert!(first["caution"].as_str().unwrap().contains("easier than random-tenth"));
    let usual = train(&[]);
    assert_eq!(
        (&usual["data"]["split"], &usual["data"]["test"]),
        (&"last-tenth".into(), &6.into())
    );
    assert_eq!(usual["data"]["caution"], Value::Null);
    let made = config_of(&usual);
    for (key, expected) in [("sensor", "12x8"), ("slice", "1000us"), ("input", "counts")] {
        assert_eq!(made[key], expected, "{made}");
    }
    assert_eq!((&made["steps"], &made["split"]), (&10.into(), &"last-tenth".into()));
    assert!(fs::read_to_string(root.join("run/config.toml")).unwrap().contains("last-tenth"));
    let checkpoint = fs::read(root.join("run/best.safetensors")).unwrap();
    assert!(checkpoint.windows(10).any(|bytes| bytes == b"last-tenth"));
    let network = path(&root, "run/network.nir");
    let eval = ["eval", &dots, "-n", &network, "--sensor", "12x8"];
    let report = json(&eval);
    assert_eq!(
        (&report["head"]["cut"], &report["head"]["split"]),
        (&"cifar10dvs".into(), &"last-tenth".into())
    );
    assert_eq!(report["accuracy"]["right"], usual["runs"][0]["test"]["right"]);
    let other = refused(&[&eval[..], &["--split", "first-hundred"]].concat(), 2);
    assert!(other.contains("a network that learned from last-tenth"), "{other}");
    let (_, config) = task("unsplit");
    let message = refused(&["train", &config, "--set", "data.split=last-tenth"], 2);
    assert!(
        message.contains("'data.split': found the split last-tenth of a data set cut by folders"),
        "{message}"
    );
}

#[test]
fn every_neuron_comes_out_as_a_file_that_does_what_training_did() {
    let (root, config) = task("neurons");
    let files = [
        ("if", "nir"),
        ("plif", "nir"),
        ("klif", "synops"),
        ("gated-lif", "synops"),
        ("da-lif", "nir"),
    ];
    for (model, ending) in files {
        let (out, set) = (path(&root, model), format!("neuron.model={model}"));
        let change = ["--set", &set, "--set", "epochs=3"];
        let report = json(&[&["train", &config, "--out", &out], &change[..]].concat());
        let run = &report["runs"][0];
        assert_eq!(run["test"]["as_trained"], 12, "{model}");
        let network = run["network"].as_str().unwrap();
        assert!(network.ends_with(ending), "{network}");
        let recording = path(&root, "dots/left/03.bin");
        done(&["replay", &recording, "--network", network, "--sensor", "12x8"]);
    }
}

#[test]
fn neurons_that_vote_do_what_training_did() {
    let (root, config) = task("votes");
    let conv = r#"{ type = "Conv2d", channels = 2, kernel_size = 3, stride = 4, padding = 1 },
        { type = "BatchNorm" }, { type = "Neurons" }"#;
    let pooled = r#"{ type = "AvgPool2d", kernel_size = 2 }, { type = "Flatten" }"#;
    let voted = r#"{ type = "Flatten" }, { type = "Linear", outputs = 6, gain = 4 },
        { type = "Neurons" }, { type = "Voting", size = 3 }"#;
    for (name, rest) in [("pooled", pooled), ("voted", voted)] {
        let (out, layers) = (path(&root, name), format!("layers=[{conv}, {rest}]"));
        let train = ["train", &config, "--out", &out, "--set", &layers];
        let test = &json(&train)["runs"][0]["test"];
        assert!(test["as_trained"] == 12 && test["spikes"].as_f64().unwrap() > 1.0, "{test}");
    }
}

#[test]
fn neurons_that_hear_themselves_do_what_training_did() {
    let (root, config) = task("loops");
    let layers = r#"layers=[
        { type = "Conv2d", channels = 4, kernel_size = 3, padding = 1 }, { type = "BatchNorm" },
        { type = "Recurrent", kernel_size = 3 }, { type = "SumPool2d", kernel_size = 2 },
        { type = "Flatten" }, { type = "Linear", outputs = 10, bias = true },
        { type = "Recurrent", gain = 3, neuron = { model = "plif" } },
        { type = "Linear", outputs = 2, bias = true }, { type = "Neurons" }]"#;
    let out = path(&root, "run");
    let report = json(&["train", &config, "--out", &out, "--set", layers, "--set", "epochs=8"]);
    let test = &report["runs"][0]["test"];
    assert_eq!(test["as_trained"], 12, "the engine gives what training gave");
    assert!(test["accuracy"].as_f64().unwrap() > 0.9, "{test}");
    let recording = path(&root, "dots/left/03.bin");
    let network = path(&root, "run/network.nir");
    let info = done(&["info", &network]);
    assert!(info.contains("2.recurrent") && info.contains("6.recurrent"), "{info}");
    done(&["replay", &recording, "--network", &network, "--sensor", "12x8"]);
    for wrong in [r#"{ type = "Recurrent" }"#, r#"{ type = "Recurrent", kernel_size = 2 }"#] {
        let layers = format!("layers=[{wrong}, {{ type = \"Flatten\" }}]");
        let message = refused(&["train", &config, "--set", &layers], 2);
        assert!(message.contains("an odd one for channels"), "{message}");
    }
}

#[test]
fn a_resumed_run_ends_in_the_same_bytes() {
    let (root, config) = task("resumes");
    let augment = ["--set", "augment.flip=true", "--set", "augment.drop=0.1"];
    let train = |out: &str, more: &[&str]| {
        done(&[&["train", &config, "--out", &path(&root, out)], &augment[..], more].concat());
    };
    train("whole", &[]);
    train("parts", &["--set", "epochs=2"]);
    train("parts", &["--set", "epochs=3", "--resume"]);
    train("parts", &["--resume"]);
    for name in ["last.safetensors", "best.safetensors", "network.nir", "curves.csv"] {
        let of = |out: &str| fs::read(root.join(out).join(name)).unwrap();
        assert!(of("whole") == of("parts"), "{name}");
    }
    train("threads", &["--threads", "1"]);
    let of = |out: &str| fs::read(root.join(out).join("last.safetensors")).unwrap();
    assert!(of("whole") == of("threads"), "on one thread as on all");
}

#[test]
fn a_run_goes_on_with_the_data_that_it_began_with() {
    let (root, config) = task("data");
    let (out, list) = (path(&root, "run"), root.join("list.csv"));
    let rows = |of: &str| {
        let row = |i: usize| {
            let part = if i < 2 { "validation" } else { "train" };
            format!("{of}/{i:02}.bin,{of},{part}\n")
        };
        (0..8).map(row).collect::<String>()
    };
    let listed = |rows: &str| fs::write(&list, format!("file,class,part\n{rows}")).unwrap();
    let rows = rows("left") + &rows("right");
    listed(&rows);
    let lists = list.display().to_string();
    let train = ["train", &config, "--list", &lists, "--out", &out, "--set", "epochs=1"];
    done(&train);
    let resume = ["train", &config, "--list", &lists, "--out", &out, "--resume"];
    let resume = [&resume[..], &["--set", "epochs=2"]].concat();
    let refuse = |what: &str| {
        let message = refused(&resume, 2);
        assert!(message.contains("last.safetensors: found data of 1"), "{what}: {message}");
        assert!(message.contains("expected data of 16 samples, SHA-256 "), "{what}: {message}");
        assert!(message.contains("changed since"), "{what}: {message}");
    };
    listed(&rows.replacen("left/07.bin,left,train\n", "", 1));
    refuse("a sample less");
    listed(&rows.replacen("left/07.bin,left", "left/07.bin,right", 1));
    refuse("a class");
    listed(&rows.replacen("left/07.bin,left,train", "left/07.bin,left,validation", 1));
    refuse("a part");
    listed(&rows);
    let recording = root.join("dots/right/05.bin");
    let whole = fs::read(&recording).unwrap();
    let mut bytes = whole.clone();
    bytes[2] ^= 1 << 7;
    fs::write(&recording, &bytes).unwrap();
    refuse("a polarity");
    fs::write(&recording, &whole).unwrap();
    done(&resume);
}

#[test]
fn what_is_tested_is_the_epoch_that_is_reported() {
    let (root, config) = task("killed");
    let out = path(&root, "run");
    // without validation the best is the last
    let train = ["train", &config, "--out", &out, "--set", "data.validation=0", "--set"];
    let once = [&train[..], &["epochs=1"]].concat();
    let (once_more, twice) =
        ([&once[..], &["--resume"]].concat(), [&train[..], &["epochs=2", "--resume"]].concat());
    let last = root.join("run/last.safetensors");
    done(&once);
    let first = fs::read(&last).unwrap();
    done(&twice);
    let second = fs::read(&last).unwrap();
    // as if it had been killed after the best and before the last was written
    fs::write(&last, &first).unwrap();
    let message = refused(&once_more, 2);
    let words = "best.safetensors: found epoch 2; expected 1, the best so far, or epochs = 2";
    assert!(message.contains(words), "{message}");
    done(&twice);
    assert!(fs::read(&last).unwrap() == second);
}

#[test]
fn a_checkpoint_that_was_changed_is_refused() {
    let (root, config) = task("damage");
    let out = path(&root, "run");
    done(&["train", &config, "--out", &out, "--set", "epochs=1"]);
    let file = root.join("run/last.safetensors");
    let whole = fs::read(&file).unwrap();
    let find = |word: &[u8]| whole.windows(word.len()).position(|at| at == word).unwrap();
    let score = find(b"accuracy") + 13;
    // a score, and numbers of several tensors
    let tensors = (1..8).map(|i| whole.len() - 1 - i * 200);
    for at in tensors.chain([score, whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, bytes).unwrap();
        let message = refused(&["train", &config, "--out", &out, "--resume"], 2);
        assert!(message.contains("last.safetensors: found SHA-256 "), "byte {at}: {message}");
        assert!(message.contains("changed since"), "byte {at}: {message}");
    }
    let mut older = whole.clone();
    older[find(b"version") + 10] = b'1';
    fs::write(&file, older).unwrap();
    let message = refused(&["train", &config, "--out", &out, "--resume"], 2);
    assert!(message.contains("version 1 of a checkpoint; expected version 3"), "{message}");
    fs::write(&file, &whole).unwrap();
    done(&["train", &config, "--out", &out, "--resume"]);
}

/// The task with so many channels that memory is a network's.
fn wide(name: &str) -> (PathBuf, String) {
    let (root, config) = task(name);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("channels = 4", "channels = 96")).unwrap();
    (root, config)
}

/// What a report says that a run was to take, and what Linux says that it took.
fn memory(report: &Value) -> (u64, u64) {
    let said = report["predicted_bytes"].as_u64().unwrap();
    (said, report["peak_bytes"].as_u64().unwrap_or(said))
}

/// Whether a run took what was said, as near as an allocator and a system let that be told
/// that are not this program's own.
fn is_as_said(took: u64, said: u64) -> bool {
    took <= said + said / 20 && said < took * 3 / 2
}

#[test]
fn a_run_takes_what_was_said() {
    let (root, config) = wide("said");
    let cycle = r#"rule.cycle.phases=[{ phase = "inhibitory" }, { phase = "joint" }]"#;
    for set in ["rule='bptt'", "rule='rate'", cycle, "batch=1000", "batch=1"] {
        for threads in ["1", "4"] {
            let out = path(&root, &format!("{set} on {threads}"));
            let train = ["train", &config, "--out", &out, "--threads", threads];
            let set = ["--set", "epochs=3", "--set", set];
            let (said, took) = memory(&json(&[&train[..], &set].concat()));
            assert!(is_as_said(took, said), "{set:?}, {threads}: {took} of {said}");
        }
    }
}

#[test]
fn a_budget_changes_memory_and_time_and_nothing_else() {
    let (root, config) = wide("budgets");
    let text = fs::read_to_string(&config).unwrap();
    let pool = text.find("[[layers]]\ntype = \"SumPool2d\"").unwrap();
    let block = text[text.find("[[layers]]").unwrap()..pool].to_owned();
    let dropout = "[[layers]]\ntype = \"Dropout\"\np = 0.1\n";
    fs::write(&config, [&text[..pool], dropout, &block, &text[pool..]].concat()).unwrap();
    let train = |out: &str, more: &[&str]| {
        let (out, set) = (path(&root, out), ["--set", "epochs=2", "--threads", "2"]);
        json(&[&["train", &config, "--out", &out], &set[..], more].concat())
    };
    let whole = train("whole", &[]);
    let (predicted, peak) = memory(&whole);
    assert!(whole["repeated_layers"] == 0 && is_as_said(peak, predicted), "{peak}, {predicted}");
    let budget = |bytes: u64| format!("{}.{:03}kB", bytes / 1000, bytes % 1000);
    let less = train("less", &["--memory", &budget(predicted * 19 / 20)]);
    let (said, took) = memory(&less);
    assert!(is_as_said(took, said), "{took} of {said}");
    assert!(said <= predicted * 19 / 20, "{said}, {predicted} before");
    assert!(less["repeated_layers"].as_u64().unwrap() > 0);
    for name in ["last.safetensors", "best.safetensors", "network.nir", "curves.csv"] {
        let of = |out: &str| fs::read(root.join(out).join(name)).unwrap();
        assert!(of("whole") == of("less"), "{name}");
    }
    let refused = |size: &str| {
        let out = path(&root, "none");
        refused(&["train", &config, "--out", &out, "--threads", "2", "--memory", size], 2)
    };
    let less = refused(&budget(predicted * 4 / 5));
    assert!(less.contains("--memory: found") && less.contains(", or batch = "), "{less}");
    let none = refused("1kB");
    assert!(none.contains("found 1.00 kB; expected ") && none.contains("no smaller batch fits"));
    assert!(refused("6").contains("a size with its unit"));
}

#[test]
fn seeds_differ_and_are_summed_up() {
    let (root, config) = task("seeds");
    let out = path(&root, "run");
    let arguments = ["train", &config, "--out", &out, "--seeds", "2", "--set", "epochs=2"];
    let report = json(&arguments);
    let runs = report["runs"].as_array().unwrap();
    assert!(runs[0]["epochs"] != runs[1]["epochs"] && runs[1]["seed"] == 2);
    let of = |run: &Value| run["test"]["accuracy"].as_f64().unwrap();
    let mean = report["test_accuracy"]["mean"].as_f64().unwrap();
    assert!((mean - (of(&runs[0]) + of(&runs[1])) / 2.0).abs() < 1e-12);
    assert!(root.join("run/seed-2/network.nir").is_file());
}

#[test]
fn a_list_says_what_is_for_what_and_users_stay_together() {
    let (root, config) = task("lists");
    let list = root.join("list.csv");
    let mut rows = vec!["file,class,user".to_owned()];
    for number in 0..30 {
        for class in ["left", "right"] {
            rows.push(format!("{class}/{number:02}.bin,{class},user{:02}", number % 10));
        }
    }
    fs::write(&list, rows.join("\n")).unwrap();
    let (list, out) = (list.display().to_string(), path(&root, "run"));
    let set = ["--set", "epochs=1", "--set", "data.test=[\"user03\", \"user04\"]"];
    let arguments = [&["train", &config, "--out", &out, "--list", &list], &set[..]].concat();
    let report = json(&arguments);
    // 6 samples a user: 2 users reported on, 2 of the others make a fifth
    let counts = ["train", "validation", "test"].map(|part| report["data"][part].clone());
    assert_eq!(counts, [36, 12, 12]);
    let stranger = ["--set", "data.test=[\"user77\"]"];
    let arguments = [&["train", &config, "--out", &out, "--list", &list], &stranger[..]].concat();
    assert!(refused(&arguments, 2).contains("found user 'user77'; expected user00, user01"));
}

/// Changes that make the network of the task one of frames.
const FRAMES: [&str; 6] =
    ["--set", "data.steps=1", "--set", "data.slice=time", "--set", "optimizer.rate=5e-3"];

#[test]
fn a_spiking_network_learns_from_a_frame_network() {
    let (root, config) = task("teachers");
    let teacher = root.join("teacher.toml");
    let text = fs::read_to_string(&config).unwrap();
    let (body, last) = text.rsplit_once("[[layers]]").unwrap();
    let body = body.replace("type = \"Neurons\"", "type = \"ReLU\"");
    assert!(last.contains("Neurons") && body.contains("ReLU"));
    fs::write(&teacher, body).unwrap();
    let (teacher, out) = (teacher.display().to_string(), path(&root, "teacher"));
    let report = json(&[&["train", &teacher, "--out", &out], &FRAMES[..]].concat());
    let run = &report["runs"][0];
    let checkpoint = run["network"].as_str().unwrap().to_owned();
    assert!(checkpoint.ends_with("teacher/best.safetensors"), "no engine runs it: {run}");
    assert!(run["test"]["of"] == 12 && run["test"]["spikes"].is_null(), "{run}");
    let taught = format!("distill.teacher={checkpoint}");
    let augment = ["--set", "augment.drop=0.1", "--set", &taught];
    let student = |out: &str, more: &[&str]| {
        json(&[&["train", &config, "--out", &path(&root, out)], &augment[..], more].concat())
    };
    let report = student("student", &[]);
    let test = &report["runs"][0]["test"];
    assert!(test["accuracy"].as_f64().unwrap() > 0.9 && test["as_trained"] == 12, "{test}");
    // a teacher that counts nothing changes nothing, one that counts does
    student("unheard", &["--set", "distill.weight=0"]);
    done(&["train", &config, "--out", &path(&root, "alone"), "--set", "augment.drop=0.1"]);
    let network = |out: &str| fs::read(root.join(out).join("network.nir")).unwrap();
    assert!(network("unheard") == network("alone"));
    assert!(network("student") != network("alone"));
    student("parts", &["--set", "epochs=3"]);
    student("parts", &["--resume"]);
    let last = |out: &str| fs::read(root.join(out).join("last.safetensors")).unwrap();
    assert!(last("parts") == last("student"), "resumed to the same bytes");
    // another teacher in the same place
    let kept = fs::read(&checkpoint).unwrap();
    student("other", &["--set", "epochs=1"]);
    let again = path(&root, "again");
    let seed = ["train", &teacher, "--out", &again, "--set", "seed=2"];
    done(&[&seed[..], &FRAMES].concat());
    fs::copy(root.join("again/best.safetensors"), &checkpoint).unwrap();
    let out = path(&root, "other");
    let other = ["train", &config, "--out", &out, "--resume", "--set", "epochs=2"];
    let message = refused(&[&other[..], &augment].concat(), 2);
    assert!(message.contains("last.safetensors: found a teacher "), "{message}");
    assert!(message.contains("expected a teacher ") && message.contains("changed since"));
    fs::write(&checkpoint, kept).unwrap();
    let refuse = |set: &str| {
        let out = path(&root, "refused");
        refused(&["train", &config, "--out", &out, "--set", &taught, "--set", set], 2)
    };
    assert!(refuse("distill.temperature=0").contains("a positive temperature"));
    assert!(refuse("data.sensor=10x8").contains("a teacher for a sensor of 12x8; expected 10x8"));
    assert!(refuse("distill.teacher=nobody").contains("nobody"));
}

#[test]
fn a_cycle_learns_by_gradients_and_by_pairs_of_spikes() {
    let (root, config) = task("cycles");
    let train = |out: &str, rule: &str, more: &[&str]| {
        let set = ["--set", rule];
        json(&[&["train", &config, "--out", &path(&root, out)], &set[..], more].concat())
    };
    let bytes = |out: &str, name: &str| fs::read(root.join(out).join(name)).unwrap();
    // with nothing inhibitory it is backpropagation, bit for bit
    train("excited", r#"rule.cycle.phases=[{ phase = "excitatory" }]"#, &[]);
    train("plain", r#"rule="bptt""#, &[]);
    assert!(bytes("excited", "network.nir") == bytes("plain", "network.nir"));
    let three = r#"rule.cycle={ stdp = { plus = 1e-3, minus = 1e-3 }, phases = [
        { phase = "excitatory", epochs = 2 }, { phase = "inhibitory" }, { phase = "joint" }] }"#;
    let three = &three.replace('\n', "");
    let report = train("whole", three, &[]);
    assert!(bytes("whole", "network.nir") != bytes("plain", "network.nir"));
    let test = &report["runs"][0]["test"];
    assert!(test["accuracy"].as_f64().unwrap() > 0.8 && test["as_trained"] == 12, "{test}");
    train("parts", three, &["--set", "epochs=3"]);
    train("parts", three, &["--resume"]);
    for name in ["last.safetensors", "network.nir"] {
        assert!(bytes("whole", name) == bytes("parts", name), "{name}: resumed within a cycle");
    }
    let message = |rule: &str| {
        refused(&["train", &config, "--out", &path(&root, "refused"), "--set", rule], 2)
    };
    assert!(message("rule.cycle.phases=[]").contains("1 phase or more"));
    // signed neurons learn, and run in training only
    let signed = ["--set", "neuron.signed=true", "--set", "neuron.reset='subtract'"];
    let report = train("signed", r#"rule="bptt""#, &signed);
    let run = &report["runs"][0];
    assert!(run["test"]["accuracy"].as_f64().unwrap() > 0.8, "{run}");
    assert!(run["network"].as_str().unwrap().ends_with("best.safetensors"), "{run}");
    let report = train("sides", three, &signed);
    assert!(report["runs"][0]["test"]["accuracy"].as_f64().unwrap() > 0.5, "{report}");
    assert!(bytes("sides", "last.safetensors") != bytes("signed", "last.safetensors"));
    assert!(message("neuron.signed=true").contains("reset = 'subtract'"));
    let klif = "neuron={ model = \"klif\", signed = true, reset = \"subtract\" }";
    assert!(message(klif).contains("if, lif, plif for that"));
}

/// Two gestures each of six users, as the archive of DVS128 Gesture has them.
#[test]
fn gestures_are_cut_by_their_labels_and_split_by_user() {
    let (root, config) = task("gestures");
    let folder = root.join("gestures");
    fs::create_dir_all(&folder).unwrap();
    for user in [1, 2, 3, 22, 24, 29] {
        let mut events = Batch::default();
        for (trial, right) in [(0, false), (1, true)] {
            for (t, x, y, on) in dot(right, user * 2 + trial).iter() {
                events.push(t + 20_000 * trial as i64, x, y, on);
            }
        }
        let name = format!("user{user:02}_led");
        fs::write(folder.join(format!("{name}.aedat")), encode("aedat3", &events).unwrap())
            .unwrap();
        // of user 22, the second begins before the first ends
        let end = if user == 22 { 20_500 } else { 12_000 };
        // the recording of user 29 has nothing for the last
        let empty = if user == 29 { "4,90000,91000\n" } else { "" };
        let rows = format!("3,0,{end}\n2,20000,32000\n12,0,1\n{empty}");
        let labels = format!("class,startTime_usec,endTime_usec\n{rows}");
        fs::write(folder.join(format!("{name}_labels.csv")), labels).unwrap();
    }
    let (out, data) = (path(&root, "run"), path(&root, "gestures"));
    let layers = r#"layers=[{ type = "Flatten" }, { type = "Linear", outputs = 11 }]"#;
    let set = ["--set", layers, "--set", "epochs=1", "--set", "data.validation=0.2"];
    let arguments = ["train", &config, "--data", &data, "--out", &out];
    let report = json(&[&arguments[..], &set].concat());
    let data = &report["data"];
    assert_eq!((&data["cut"], &data["train"]), (&"ibm-labels".into(), &6.into()), "{data}");
    assert_eq!((&data["validation"], &data["test"]), (&2.into(), &5.into()), "{data}");
    assert_eq!(data["classes"][2], "left hand wave");
    let defects: Vec<&str> =
        data["defects"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let of = |text: &str| defects.iter().filter(|defect| defect.contains(text)).count();
    assert_eq!((of("a class from 1 to 11"), of("where the row above ends")), (6, 1), "{defects:?}");
    let (short, empty) = ("events until its label ends, 32000 µs", "no event in its window");
    assert_eq!((of(short), of(empty)), (6, 1), "{defects:?}");
    assert!(defects.last().unwrap().contains("user29_led.aedat: from 90000 µs"), "{defects:?}");
}

#[test]
fn weights_stay_within_their_bound() {
    let (root, config) = task("bounds");
    let out = path(&root, "run");
    let set = ["--set", "optimizer.bound=0.05", "--set", "epochs=1"];
    done(&[&["train", &config, "--out", &out], &set[..]].concat());
    let bytes = fs::read(root.join("run/last.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for name in ["parameters/0.weight", "parameters/6.weight"] {
        let values = file.tensor(name).unwrap();
        let values = values.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b));
        let most = values.fold(0.0f32, |most, x| most.max(x.abs()));
        assert!(most <= 0.05 && most > 0.04, "{name}: {most}");
    }
}

#[test]
fn bad_input_is_refused_by_name() {
    let (root, config) = task("refusals");
    let train = |more: &[&str]| {
        let out = path(&root, "run");
        refused(&[&["train", &config, "--out", &out], more].concat(), 2)
    };
    assert!(refused(&["train", &data("arm.aedat")], 2).contains("arm.aedat"));
    let unknown = train(&["--set", "optimizer.speed=3"]);
    assert!(
        unknown.contains("dots.toml") && unknown.contains("unknown field `speed`"),
        "{unknown}"
    );
    assert!(train(&["--set", "neuron.model=fif"]).contains("expected if, lif, plif"));
    // changes of a schedule are added to the one that stands there
    let plain = fs::read_to_string(&config).unwrap().replace("schedule = {", "#");
    fs::write(root.join("plain.toml"), plain).unwrap();
    for (change, words) in [
        ("optimizer.schedule={ step = { epochs = 0, factor = 0.1 } }", "'optimizer.schedule'"),
        ("optimizer.schedule={ step = { epochs = 2, factor = -1.0 } }", "'optimizer.schedule'"),
        ("optimizer.schedule={ cosine = { epochs = 0 } }", "found 0 epochs, down to a rate of 0"),
        ("optimizer.schedule={ cosine = { epochs = 9, least = nan } }", "'optimizer.schedule'"),
        ("optimizer.clip=-1.0", "'optimizer.clip': found -1; expected a positive number"),
        ("optimizer.clip=nan", "'optimizer.clip'"),
        ("optimizer.momentum=1.5", "'optimizer.momentum'"),
        ("optimizer.decay=-0.1", "'optimizer.decay'"),
        ("loss={ tssl-kernel = { synapse = 0.0 } }", "'loss': found a synapse of 0 steps"),
        ("loss={ tssl-count = { desired = inf, undesired = 3.0 } }", "'loss'"),
        ("loss={ count = { label = 1.5, others = 0.1 } }", "'loss'"),
        ("loss={ tet = { lambda = -0.1 } }", "'loss'"),
    ] {
        let (plain, out) = (path(&root, "plain.toml"), path(&root, "run"));
        let message = refused(&["train", &plain, "--out", &out, "--set", change], 2);
        assert!(message.contains(words), "{change}: {message}");
    }
    let wide = train(&["--set", "data.sensor=12x1"]);
    assert!(wide.contains("'layers'"), "{wide}");
    let list = root.join("list.csv");
    let listed = |text: &str| {
        fs::write(&list, text).unwrap();
        train(&["--list", list.to_str().unwrap()])
    };
    let missing = listed("file,class\nleft/00.bin,left\nleft/99.bin,left\n");
    assert!(missing.contains("list.csv: line 3: found 'left/99.bin'"), "{missing}");
    assert!(listed("file,class,part\nleft/00.bin,left,exam\n").contains("line 2"));
    assert!(listed("file,label\nleft/00.bin,left\n").contains("unknown field `label`"));
    let three = "file,class\nleft/00.bin,a\nleft/01.bin,b\nleft/02.bin,c\n";
    assert!(listed(three).contains("[3], one for each class"));
    fs::write(root.join("dots/left/00.bin"), b"123").unwrap();
    let cut = train(&[]);
    assert!(cut.contains("dots/left/00.bin"), "{cut}");
}

#[test]
fn a_loss_that_is_no_number_and_a_full_disk_leave_the_last_checkpoint() {
    let (root, config) = task("losses");
    let out = path(&root, "run");
    done(&["train", &config, "--out", &out, "--set", "epochs=1"]);
    let kept = || {
        ["last", "best"].map(|name| fs::read(root.join(format!("run/{name}.safetensors"))).unwrap())
    };
    let good = kept();
    let again = ["train", &config, "--out", &out, "--set", "epochs=2"];
    assert!(refused(&again, 2).contains("expected --resume to go on, or another --out"));
    let resume = [&again[..], &["--resume"]].concat();
    // no file may be as long as it is: the rest of a disk that is full
    let limited = "trap '' XFSZ; ulimit -f 4; exec \"$@\"";
    let full = Command::new("sh")
        .args(["-c", limited, "sh", env!("CARGO_BIN_EXE_synops")])
        .args(&resume)
        .output()
        .unwrap();
    let message = text(&full.stderr);
    assert!(full.status.code() == Some(2) && message.contains(".safetensors: "), "{message}");
    assert!(kept() == good);
    let other = [&resume[..], &["--set", "optimizer.rate=1e-3"]].concat();
    assert!(refused(&other, 2).contains("a checkpoint of another configuration"));
    done(&resume);
    let wild = path(&root, "wild");
    let set = ["--set", "optimizer.method=sgd", "--set", "optimizer.rate=1e38"];
    let message = refused(&[&["train", &config, "--out", &wild], &set[..]].concat(), 2);
    assert!(
        message.contains("epoch 1: ") && message.contains("numbers beyond all bounds"),
        "{message}"
    );
}

/// Of ten events one is marked invalid, one lies outside the sensor, one in no sample, and
/// seven in samples, some in two.
#[test]
fn what_is_lost_of_the_data_is_counted() {
    let (root, config) = task("tally");
    let at = |i: i64| (1_000 * i, if i % 5 == 4 { 12 } else { 3 }, 2, true);
    let mut bytes = encode("aedat3", &(0..10).map(at).collect()).unwrap();
    let header = bytes.windows(14).position(|w| w == b"#!END-HEADER\r\n").unwrap() + 14;
    bytes[header + 28] &= !1;
    fs::write(root.join("dots/left/odd.aedat"), bytes).unwrap();
    let list = root.join("list.csv");
    let rows = "left/odd.aedat,left,test,0,8000\nleft/odd.aedat,left,test,3000,9000";
    let others =
        (0..8).map(|i| format!("left/{i:02}.bin,left,train,,\nright/{i:02}.bin,right,train,,"));
    let others = others.collect::<Vec<_>>().join("\n");
    fs::write(&list, format!("file,class,part,from,to\n{others}\n{rows}\n")).unwrap();
    let (list, out) = (list.display().to_string(), path(&root, "run"));
    let set = ["--set", "epochs=1", "--set", "data.validation=0", "--set", "data.test=0"];
    let train = [&["train", &config, "--list", &list, "--out", &out], &set[..]].concat();
    let screen = done(&train);
    assert!(screen.contains("\nlost     1 marked invalid, 1 outside the sensor\n"), "{screen}");
    let report: Value =
        serde_json::from_slice(&fs::read(root.join("run/report.json")).unwrap()).unwrap();
    let tally = &report["data"]["tally"];
    let dropped = serde_json::json!({"invalid": 1, "outside": 1, "between_trials": 1});
    assert_eq!(tally["dropped"], dropped);
    assert_eq!(tally["read"], 16 * 260 + 10);
    assert_eq!(tally["kept"], 16 * 260 + 7);
}
