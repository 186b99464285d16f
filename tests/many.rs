//! Many recordings through one network: in order, whatever the threads, and none in
//! the way of another.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{data, done, folder, json, refused, synops, text};
use serde_json::Value;
use synops::event::Batch;
use synops::format::{Recording, encode};

/// A folder of recordings: parts of the bundled one, the longest first, so that it is
/// done last where several run at a time.
fn parts(name: &str, number: usize) -> PathBuf {
    let (mut all, mut whole) = (Batch::default(), Recording::open(arm(), None).unwrap());
    while whole.decode(&mut all).unwrap() {}
    let folder = fresh(name);
    for part in 0..number {
        let events = all.len() >> part;
        let events = (0..events).map(|i| (all.t[i], all.x[i], all.y[i], all.on[i]));
        let bytes = encode("aedat3", &events.collect()).unwrap();
        fs::write(folder.join(format!("{part:02}.aedat")), bytes).unwrap();
    }
    folder
}

fn arm() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/arm.aedat"))
}

/// An empty folder that the program may read.
fn fresh(name: &str) -> PathBuf {
    let folder = folder().join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A report without what the clock said.
fn timeless(mut report: Value) -> Value {
    let all = report.as_object_mut().unwrap();
    all.remove("timing");
    let parts = all.get_mut("recordings").and_then(Value::as_array_mut).into_iter().flatten();
    parts.for_each(|part| *part = timeless(part.take()));
    all.get_mut("total").into_iter().for_each(|total| *total = timeless(total.take()));
    report
}

fn replay(recordings: &[&Path], more: &[&str]) -> Vec<String> {
    let recordings = recordings.iter().map(|path| path.to_str().unwrap());
    let words = ["replay"].into_iter().chain(recordings).chain(more.iter().copied());
    words.chain(["--network"]).map(str::to_owned).chain([data("arm.nir")]).collect()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn report(recordings: &[&Path], more: &[&str]) -> Value {
    timeless(json(&words(&replay(recordings, more))))
}

fn sum<'v>(recordings: impl IntoIterator<Item = &'v Value>, of: impl Fn(&Value) -> u64) -> u64 {
    recordings.into_iter().map(of).sum()
}

#[test]
fn each_is_answered_as_alone_in_the_order_of_the_list_whatever_the_threads() {
    let folder = parts("order", 7);
    let on = |threads: &str| report(&[&folder], &["--threads", threads]);
    let one = on("1");
    let expected = one.to_string();
    for threads in ["2", "5", "16"] {
        assert_eq!(on(threads).to_string(), expected, "{threads} threads");
    }
    let list = one["recordings"].as_array().unwrap();
    assert_eq!(list.len(), 7);
    for (part, recording) in list.iter().enumerate() {
        let path = folder.join(format!("{part:02}.aedat"));
        assert_eq!(recording, &report(&[&path], &[]), "{part}");
    }
    let total = &one["total"];
    let events = sum(list, |r| r["input"]["events"].as_u64().unwrap());
    assert_eq!((&total["recordings"], &total["events"]), (&7.into(), &events.into()));
    for (layer, summed) in total["layers"].as_array().unwrap().iter().enumerate() {
        for key in ["spikes", "synaptic_ops", "dense_ops", "state_updates"] {
            let all = sum(list, |r| r["layers"][layer][key].as_u64().unwrap_or(0));
            assert_eq!(summed[key].as_u64().unwrap_or(0), all, "{layer} {key}");
        }
    }
    let joules = |r: &Value| r["energy"][0]["typical"].as_f64().unwrap();
    let all: f64 = list.iter().map(joules).sum();
    assert!((joules(total) - all).abs() <= 1e-12 * all);
    let answers = total["answers"].as_array().unwrap();
    assert_eq!(sum(answers, |answer| answer["recordings"].as_u64().unwrap()), 7);
    let back = report(&[&folder.join("01.aedat"), &folder.join("00.aedat")], &[]);
    assert_eq!(back["recordings"][0], list[1], "as listed, not as sorted");
}

#[test]
fn damage_and_misfits_stay_where_they_are() {
    let folder = parts("damage", 5);
    let path = |name: &str| folder.join(name);
    let whole = fs::read(path("01.aedat")).unwrap();
    fs::write(path("01.aedat"), &whole[..whole.len() / 2]).unwrap();
    fs::write(path("03.aedat"), b"what is this").unwrap();
    let missing = path("missing.aedat");
    for threads in ["1", "2"] {
        let arguments = replay(&[&folder, &missing], &["--threads", threads, "--json", "-"]);
        let output = synops(&words(&arguments));
        assert_eq!(output.status.code(), Some(2));
        let (many, errors) = (text(&output.stdout), text(&output.stderr));
        let many: Value = serde_json::from_str(&many).unwrap();
        let list = many["recordings"].as_array().unwrap();
        for (at, name) in ["00", "01", "02", "03", "04", "missing"].into_iter().enumerate() {
            let named = list[at]["input"]["path"].as_str().unwrap();
            assert!(named.ends_with(&format!("{name}.aedat")), "{named}");
            let answered = !matches!(name, "03" | "missing");
            assert_eq!(list[at]["output"].is_object(), answered, "{name}");
            let word = if name == "01" { &list[at]["input"]["damage"] } else { &list[at]["error"] };
            assert_eq!(word.is_string(), matches!(name, "01" | "03" | "missing"), "{name}");
        }
        let total = &many["total"];
        let fates = ["recordings", "damaged", "refused"].map(|key| total[key].as_u64().unwrap());
        assert_eq!(fates, [6, 1, 2]);
        let errors: Vec<&str> = errors.lines().collect();
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert!(errors[0].starts_with("synops: ") && errors[0].contains("01.aedat: byte "));
        assert!(errors[1].contains("03.aedat: byte 0: found a file that begins with 'what"));
        assert!(errors[2].contains("missing.aedat: "));
        assert!(errors[3].contains("3 of 6 recordings with an error"));
        let screen = text(&synops(&words(&replay(&[&folder, &missing], &[]))).stdout);
        assert!(screen.contains("1 cut short by damage, 2 without an answer"), "{screen}");
        assert!(screen.contains("error    ") && screen.contains("03.aedat: byte 0"), "{screen}");
    }
}

#[test]
fn strict_answers_no_after_all_have_run() {
    let folder = parts("strict", 3);
    assert_eq!(report(&[&folder], &["--strict"])["total"]["refused"], 0);
    let path = folder.join("01.aedat");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let arguments = replay(&[&folder], &["--strict", "--json", "-"]);
    let output = synops(&words(&arguments));
    assert_eq!(output.status.code(), Some(1));
    let many: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert!(many["recordings"][1]["error"].as_str().unwrap().contains("no loss (--strict)"));
    assert!(many["recordings"][2]["output"].is_object());
    assert!(text(&output.stderr).contains("01.aedat: found damage"));
    fs::write(folder.join("00.aedat"), b"what is this").unwrap();
    refused(&words(&arguments), 2);
}

#[test]
fn a_folder_is_the_files_in_it() {
    let folder = parts("folder", 2);
    fs::create_dir_all(folder.join("00")).unwrap();
    fs::rename(folder.join("01.aedat"), folder.join("00/late.aedat")).unwrap();
    fs::write(folder.join(".notes"), b"hidden").unwrap();
    let many = report(&[&folder], &[]);
    let path = |at: usize| many["recordings"][at]["input"]["path"].as_str().unwrap().to_owned();
    assert_eq!(many["total"]["recordings"], 2);
    assert_eq!(path(0), folder.join("00/late.aedat").to_str().unwrap());
    assert_eq!(path(1), folder.join("00.aedat").to_str().unwrap());
    assert_eq!(many["total"]["beside"], 0);
    fs::write(folder.join("00/labels.csv"), b"class\n").unwrap();
    fs::write(folder.join("README.TXT"), b"by hand\n").unwrap();
    let beside = report(&[&folder], &["--strict"]);
    assert_eq!(
        (&beside["total"]["recordings"], &beside["total"]["beside"]),
        (&2.into(), &2.into())
    );
    let screen = done(&words(&replay(&[&folder], &[])));
    assert!(screen.contains(" events, 2 left out by name\n"), "{screen}");
    // a file that is named is meant
    let named = refused(&words(&replay(&[&folder.join("00/labels.csv"), &folder], &[])), 2);
    assert!(named.contains("labels.csv: byte 0: found a file that begins"), "{named}");
    let empty = fresh("empty");
    fs::write(empty.join("labels.csv"), b"class\n").unwrap();
    let labels = refused(&words(&replay(&[&empty], &[])), 2);
    assert!(
        labels.contains("empty: found a folder without a recording; 1 left out by name"),
        "{labels}"
    );
    fs::remove_file(empty.join("labels.csv")).unwrap();
    let nothing = refused(&words(&replay(&[&folder, &empty], &[])), 2);
    assert!(nothing.contains("empty: found a folder without files"), "{nothing}");
}

#[test]
fn people_see_a_list_or_what_was_answered_how_often() {
    let folder = parts("screen", 3);
    let few = done(&words(&replay(&[&folder], &["--threads", "2"])));
    assert!(few.contains("3 recordings, ") && few.contains("02.aedat  right arm"), "{few}");
    assert!(few.contains(" a recording: horowitz45"), "{few}");
    assert!(few.contains(" on 2 threads: ") && few.contains(" events a second, "), "{few}");
    let short = folder.join("02.aedat");
    let many = done(&words(&replay(&[&*short; 41], &["--steps", "100"])));
    assert!(many.contains("41 recordings, ") && !many.contains("02.aedat"), "{many}");
    assert!(many.lines().any(|line| line.starts_with("  ") && line.contains("    41  ")), "{many}");
}

#[test]
fn some_words_go_with_a_single_recording() {
    let several = [arm(), arm()];
    let labels = data("arm_labels.csv");
    for (more, word) in
        [(["--labels", &labels[..]], "--labels"), (["--raster", "a.png"], "--raster")]
    {
        let message = refused(&words(&replay(&several, &more)), 2);
        let expected = format!("found 2 recordings or folders; expected one recording, for {word}");
        assert!(message.contains(&expected), "{message}");
    }
    let folder = parts("single", 1);
    let mut arguments = replay(&[&folder], &[]);
    for verb in ["raster", "check"] {
        arguments[0] = verb.to_owned();
        arguments.extend((verb == "check").then(|| "--dt-sweep".to_owned()));
        let message = refused(&words(&arguments), 2);
        assert!(message.contains("found the folder ") && message.contains("one recording"));
    }
    assert!(refused(&["replay", "--threads", "0"], 2).contains("--threads"));
    assert!(
        refused(&["replay", arm().to_str().unwrap(), folder.to_str().unwrap()], 2)
            .contains("--network")
    );
    assert!(done(&["replay", "--threads", "1"]).contains("5 of 5 trials correct"));
}

#[test]
fn fifty_of_nmnist_are_answered_as_one_by_one() {
    let Some(data) = std::env::var_os("SYNOPS_DATA").map(PathBuf::from) else {
        eprintln!("SYNOPS_DATA is not set: skipped");
        return;
    };
    let network = data.join("nir/cnn_sinabs.nir").display().to_string();
    let files = |folder: PathBuf| {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files.truncate(5);
        files
    };
    let paths = (0..10).flat_map(|digit| files(data.join(format!("nmnist/Train/{digit}"))));
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    let run = |paths: &[String]| {
        let how = ["--network", &network, "--convention", "spikingjelly", "--threads", "2"];
        let paths = paths.iter().map(String::as_str);
        timeless(json(&["replay"].into_iter().chain(paths).chain(how).collect::<Vec<_>>()))
    };
    let many = run(&paths);
    assert_eq!(many["total"]["recordings"], 50);
    for (at, path) in paths.iter().enumerate() {
        assert_eq!(many["recordings"][at], run(std::slice::from_ref(path)), "{path}");
    }
}

#[test]
fn one_is_not_several() {
    let recording = fresh("one").join("one.aedat");
    let batch: Batch = [(5, 1, 1, true)].into_iter().collect();
    fs::write(&recording, encode("aedat3", &batch).unwrap()).unwrap();
    let (recording, network) = (recording.to_str().unwrap(), data("arm.nir"));
    let pair = [recording, "--network", &network];
    let replay = done(&[&["replay"], &pair[..]].concat());
    let energy = done(&[&["energy"], &pair[..]].concat());
    let quantum = done(&[&["replay", "--engine", "event", "--quantum", "1ms"], &pair[..]].concat());
    let many = done(&[&["replay", recording], &pair[..]].concat());
    for (text, expected) in [
        (&replay, ", 1 event in "),
        (&replay, ", 1 step of 1.00 ms\n"),
        (&energy, ", 1 step of 1.00 ms\n"),
        (&quantum, ", 1 quantum of 1.00 ms\n"),
        (&many, "2 recordings, 2 events"),
    ] {
        assert!(text.contains(expected), "{expected}:\n{text}");
    }
    for text in [&replay, &energy, &quantum, &many] {
        let words: Vec<&str> = text.split_whitespace().collect();
        let wrong = words.windows(2).find(|pair| pair[0] == "1" && pair[1].ends_with('s'));
        // units of time aside
        let wrong = wrong.filter(|pair| !["ms", "µs", "s"].contains(&pair[1]));
        assert_eq!(wrong, None, "{text}");
    }
}
