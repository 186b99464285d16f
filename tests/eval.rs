//! `synops eval` on the bundled recording as if it were a data set, and on real ones against
//! sinabs.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{data, done, folder, json, refused, synops, text};
use serde_json::Value;

/// The bundled recording of three users, as the archive of DVS128 Gesture has it; the last
/// user's labels have a trial of another class that ends behind the recording, one that begins
/// there and one that is none.
fn archive(name: &str) -> String {
    let root = folder().join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    for user in ["user24", "user25", "user29"] {
        fs::copy(data("arm.aedat"), root.join(format!("{user}_led.aedat"))).unwrap();
        let mut labels = fs::read_to_string(data("arm_labels.csv")).unwrap();
        if user == "user29" {
            labels += "9,200000,25000000\n4,90000000,91000000\n12,0,1\n";
        }
        fs::write(root.join(format!("{user}_led_labels.csv")), labels).unwrap();
    }
    root.display().to_string()
}

fn path(root: &str, name: &str) -> String {
    Path::new(root).with_extension(name).display().to_string()
}

#[test]
fn rows_are_what_a_replay_says_and_problems_are_named() {
    let root = archive("rows");
    let (network, plot, csv) = (data("arm.nir"), path(&root, "png"), path(&root, "csv"));
    let arguments = ["eval", &root, "--network", &network, "--plot", &plot, "--csv", &csv];
    let report = json(&arguments);
    let recording = PathBuf::from(&root).join("user24_led.aedat").display().to_string();
    let labels = data("arm_labels.csv");
    let replay = json(&["replay", &recording, "--network", &network, "--labels", &labels]);
    let (rows, trials) = (&report["samples"], &replay["trials"]["list"]);
    for (row, trial) in [(0, 0), (1, 1), (2, 0)] {
        for (mine, theirs) in [
            ("answer", "output.class"),
            ("class", "label_name"),
            ("events", "events"),
            ("steps", "steps"),
            ("spikes", "spikes"),
            ("synaptic_ops", "synaptic_ops"),
        ] {
            let expected = theirs.split('.').fold(&trials[trial], |at, key| &at[key]);
            assert_eq!(&rows[row][mine], expected, "{mine}");
            assert!(!expected.is_null(), "{theirs}");
        }
        let settled = rows[row]["settled_us"].as_u64().unwrap();
        assert!(settled > 0 && settled <= 1000 * rows[row]["steps"].as_u64().unwrap());
    }
    // six of the trials, one of another class, one without events
    let accuracy = &report["accuracy"];
    assert_eq!((&accuracy["right"], &accuracy["of"]), (&6.into(), &7.into()), "{accuracy}");
    assert_eq!((&report["refused"], &report["head"]["part"]), (&1.into(), &"test".into()));
    assert_eq!(report["problems"], 2, "a label behind the end, and one beyond it");
    assert_eq!(report["confusion"][8][3], 1, "air drums were taken for a circling arm");
    assert_eq!(report["users"][2]["name"], "user29");
    let defects = report["head"]["defects"].as_array().unwrap();
    assert!(defects.iter().any(|d| d.as_str().unwrap().contains("'12,0,1'")), "{defects:?}");
    let short = rows[6]["problem"].as_str().unwrap();
    assert!(
        short.starts_with("the recording ends at") && short.ends_with("its label at 25000000 µs")
    );
    let problem = rows[7]["problem"].as_str().unwrap();
    assert_eq!(problem, "no event in its window");
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().count(), 9);
    assert!(fs::read(&plot).unwrap().starts_with(b"\x89PNG"));
    let strict = synops(&[&arguments[..], &["--strict"]].concat());
    assert_eq!(strict.status.code(), Some(1));
    assert!(
        text(&strict.stderr).contains("4 problems, the first: user29_led_labels.csv: "),
        "{}",
        text(&strict.stderr)
    );
}

#[test]
fn parts_put_together_and_interrupted_runs_are_the_whole_to_the_byte() {
    let root = archive("parts");
    let _ = fs::remove_dir_all(folder().join("files"));
    fs::create_dir_all(folder().join("files")).unwrap();
    let network = data("arm.nir");
    let rows = |name: &str| folder().join("files").join(name).display().to_string();
    let run = |name: &str, more: &[&str]| {
        let rows = rows(name);
        done(&[&["eval", &root, "--network", &network, "--rows", &rows], more].concat());
        fs::read(rows).unwrap()
    };
    let whole_json = rows("whole.json");
    let whole = run("whole", &["--json", &whole_json]);
    run("one", &["--shard", "1/2"]);
    let part = done(&["eval", &root, "--network", &network, "--shard", "1/2"]);
    let said = part.lines().next().unwrap();
    assert!(said.contains(", test: ") && said.contains(" of "), "a part is called so: {said}");
    run("two", &["--shard", "2/2", "--threads", "1"]);
    let (one, two, merged) = (rows("one"), rows("two"), rows("merged"));
    let merged_json = rows("merged.json");
    let arguments = ["eval", "--merge", &two, &one, "--rows", &merged, "--json", &merged_json];
    done(&arguments);
    assert!(fs::read(&merged).unwrap() == whole);
    assert!(fs::read(merged_json).unwrap() == fs::read(whole_json).unwrap());
    // as after a crash: before the first line, in the middle of one, and of a letter
    let letter = whole.iter().rposition(|byte| !byte.is_ascii()).unwrap();
    for kept in [0, whole.len() / 2, letter, whole.len() - 1] {
        fs::write(rows("cut"), &whole[..kept]).unwrap();
        assert!(run("cut", &["--resume"]) == whole);
    }
    // where the data set is changes nothing
    let moved = folder().join("files/moved");
    fs::rename(&root, &moved).unwrap();
    let (moved, elsewhere) = (moved.display().to_string(), rows("elsewhere"));
    done(&["eval", &moved, "--network", &network, "--rows", &elsewhere]);
    assert!(fs::read(elsewhere).unwrap() == whole);
    let message = refused(&["eval", "--merge", &two, &one, "--rows", "-"], 2);
    assert!(message.contains("standard output for rows"), "{message}");
    let message = refused(&["eval", "--merge", &one], 2);
    assert!(message.contains("expected all 8"), "{message}");
    let message = refused(&["eval", "--merge", &one, &one], 2);
    assert!(message.contains("sample 0 twice"), "{message}");
    let again = ["eval", &moved, "--network", &network, "--rows", &one];
    assert!(refused(&again, 2).contains("--resume, or another file"));
    let other = [&again[..], &["--resume", "--dt", "2ms"]].concat();
    assert!(refused(&other, 2).contains("rows with 'dt_us' 1000; expected 2000"));
    fs::write(rows("bad"), "{}\n").unwrap();
    let bad = rows("bad");
    assert!(
        refused(&["eval", "--merge", &bad], 2)
            .contains("line 1: found a line that is none (missing field")
    );
}

/// Digests by coreutils, in the folder: `sha256sum */*.bin | sha256sum`, and
/// `stat -c '%s  %n' */*.bin | sha256sum`.
#[test]
fn a_data_set_is_described() {
    let root = folder().join("described");
    let _ = fs::remove_dir_all(&root);
    for (name, bytes) in [("3/00001.bin", "abc"), ("3/00002.bin", ""), ("10/00001.bin", "de")] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let root = root.display().to_string();
    let info = json(&["info", &root, "--digest"]);
    assert_eq!((&info["what"], &info["cut"]), (&"data set".into(), &"folders".into()));
    let sizes = [&info["samples"], &info["recordings"], &info["bytes"]];
    assert_eq!(sizes, [&Value::from(3), &3.into(), &5.into()]);
    assert_eq!(
        (&info["classes"][0]["name"], &info["classes"][0]["unsaid"]),
        (&"3".into(), &2.into())
    );
    assert_eq!(
        info["recordings_sha256"],
        "b64ec7f03bd4d81f93fa8d944ec8dde89777ecf9e3c1cedefd55c32fd1a71489"
    );
    assert_eq!(
        info["names_and_sizes_sha256"],
        "6de432605d3dfb6151c79155349ee1928fe4a500ed93f8b71a883ee7c961efc8"
    );
    assert_eq!(json(&["info", &root])["recordings_sha256"], Value::Null);
    let gestures = archive("gestures");
    let info = json(&["info", &gestures]);
    assert_eq!((&info["users"]["user29"], &info["classes"][3]["test"]), (&4.into(), &4.into()));
    assert_eq!(info["defects"].as_array().unwrap().len(), 2, "{info}");
    let text = done(&["info", &gestures]);
    assert!(text.contains("data set, cut by ibm-labels\n  8 samples in 3 recordings"), "{text}");
    let head = json(&["eval", &gestures, "-n", &data("arm.nir")])["head"].clone();
    assert_eq!(head["names_and_sizes_sha256"], info["names_and_sizes_sha256"]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let root = archive("refused");
    let network = data("arm.nir");
    let message = |more: &[&str]| refused(&[&["eval", &root, "-n", &network], more].concat(), 2);
    assert!(message(&["--part", "train"]).contains("no samples of the part train"));
    assert!(message(&["--shard", "3/2"]).contains("from 1/2 to 2/2"));
    assert!(message(&["--labels", "a.csv"]).contains("the data set's own"));
    let message = refused(&["eval", &root], 2);
    assert!(message.contains("--network FILE"), "{message}");
    let message = refused(&["eval", "--merge", &data("arm_labels.csv")], 2);
    let words = "line 1: found a line that is none (expected value";
    assert!(message.contains(words) && message.contains("; expected rows of an"), "{message}");
}

/// Spikes of all layers and the output with the most, of 40 recordings, by sinabs.
#[test]
fn spikes_and_answers_are_those_of_sinabs() {
    let Some(data) = std::env::var_os("SYNOPS_DATA").map(PathBuf::from) else {
        eprintln!("skipped: SYNOPS_DATA names no folder of recordings");
        return;
    };
    let golden = fs::read(data.join("nir/nmnist_cnn_golden.json")).unwrap();
    let golden: Value = serde_json::from_slice(&golden).unwrap();
    let runs = golden["runs"]["sinabs"].as_array().unwrap();
    let list = folder().join("sinabs.csv");
    let rows = runs.iter().map(|run| {
        let file = run["recording"].as_str().unwrap().trim_start_matches("nmnist/");
        format!("{file},{}", run["label"])
    });
    let rows: Vec<String> = ["file,class".to_owned()].into_iter().chain(rows).collect();
    fs::write(&list, rows.join("\n")).unwrap();
    let path = |path: &Path| path.display().to_string();
    let (root, network, list) =
        (path(&data.join("nmnist")), path(&data.join("nir/cnn_sinabs.nir")), path(&list));
    let options = ["--convention", "sinabs", "--sensor", "34x34"];
    let report = json(&[&["eval", &root, "-n", &network, "--list", &list], &options[..]].concat());
    let samples = report["samples"].as_array().unwrap();
    assert_eq!(samples.len(), runs.len());
    let numbers = |of: &Value| -> Vec<u64> {
        of.as_array().unwrap().iter().filter_map(Value::as_u64).collect()
    };
    let mut right = 0;
    for (row, run) in samples.iter().zip(runs) {
        let spikes: u64 = numbers(&run["spikes"]).iter().sum();
        assert_eq!(row["spikes"], spikes, "{row}");
        let counts = numbers(&run["output_counts"]);
        let most = (0..10).rev().max_by_key(|&i| counts[i]).unwrap();
        assert_eq!(row["answer"], most.to_string(), "{row}");
        right += u64::from(run["label"] == most);
    }
    assert_eq!(report["accuracy"]["right"], right);
}

#[test]
fn a_label_behind_the_recordings_end_is_named_whoever_runs_it() {
    let root = archive("ends");
    let [arm, labels] =
        ["user29_led.aedat", "user29_led_labels.csv"].map(|file| format!("{root}/{file}"));
    let rows = "class,startTime_usec,endTime_usec\n4,200000,2500000\n5,2900000,9000000\n\
                4,20000000,21000000\n";
    fs::write(&labels, rows).unwrap();
    let network = data("arm.nir");
    let of = |verb: &str| json(&[verb, &arm, "--network", &network, "--labels", &labels]);
    let (replay, energy) = (of("replay"), of("energy"));
    let ends = "the recording ends at 5399270 µs, its label at 9000000 µs";
    assert_eq!(energy["samples"][1]["problem"], ends);
    let notes = replay["notes"].as_array().unwrap();
    let expected = [format!("trial 2: {ends}"), "trial 3: no event in its window".to_owned()];
    assert_eq!(notes[notes.len() - 2..], expected);
    // which count all the same
    assert_eq!(replay["trials"]["of"], 3);
}
