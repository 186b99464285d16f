//! `synops synth`: the layout of DVS128 Gesture, the same bytes for a seed, and how far what it
//! makes is like what a real camera saw.

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use program::{data, done, folder, json, refused};
use synops::corpus::synthetic::{LIGHTINGS, Plan, Take};
use synops::corpus::{Corpus, Part, gesture};
use synops::format::encode;

fn made(name: &str, more: &[&str]) -> String {
    let root = folder().join(name);
    let _ = fs::remove_dir_all(&root);
    let root = root.display().to_string();
    let text = done(&[&["synth", &root], more].concat());
    assert!(text.contains("times real time"), "{text}");
    root
}

fn files(root: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

#[test]
fn the_layout_is_the_published_one() {
    let options = ["--users", "3", "--lighting", "led,natural", "--seconds", "0.2"];
    let root = made("layout", &options);
    let files = files(&root);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected: Vec<String> = ["user01", "user02", "user03"]
        .iter()
        .flat_map(|user| ["led", "natural"].map(|light| format!("{user}_{light}")))
        .flat_map(|name| [format!("{name}.aedat"), format!("{name}_labels.csv")])
        .collect();
    let lists = ["trials_to_test.txt", "trials_to_train.txt"];
    assert_eq!(names[0], "gesture_mapping.csv");
    assert_eq!(names[1..3], lists);
    assert_eq!(names[3..], expected);
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert_eq!(text(lists[0]), "user03_led.aedat\nuser03_natural.aedat\n");
    assert_eq!(text(lists[1]).lines().count(), 4);
    assert!(text("gesture_mapping.csv").starts_with("action,label\nhand_clapping,1\n"));
    assert!(files["user01_led.aedat"].starts_with(b"#!AER-DAT3.1\r\n"));
    let labels = text("user02_led_labels.csv");
    let classes: Vec<&str> =
        labels.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(classes, ["1", "2", "3", "4", "5", "6", "7", "8", "8", "9", "10", "11"]);
    let corpus = Corpus::open(Path::new(&root)).unwrap();
    assert_eq!((corpus.cut, corpus.samples.len()), ("ibm-labels", 72));
    assert!(corpus.defects.is_empty(), "{:?}", corpus.defects);
    let tested = corpus.samples.iter().filter(|sample| sample.part == Some(Part::Test));
    assert!(
        tested.clone().count() == 24 && tested.clone().all(|s| s.user.as_deref() == Some("user03"))
    );
}

#[test]
fn a_seed_makes_the_same_bytes_on_any_number_of_threads() {
    let options = ["--users", "2", "--seconds", "0.2"];
    let one = made("one", &[&options[..], &["--threads", "1"]].concat());
    let four = made("four", &[&options[..], &["--threads", "4"]].concat());
    assert_eq!(files(&one), files(&four));
    // of more users the first ones stay who they were
    let more = made("more", &["--users", "3", "--seconds", "0.2"]);
    let (few, more) = (files(&one), files(&more));
    assert_eq!(few["user01_led.aedat"], more["user01_led.aedat"]);
    let other = made("other", &[&options[..], &["--seed", "2"]].concat());
    assert_ne!(files(&other)["user01_led.aedat"], few["user01_led.aedat"]);
}

/// As `tools/make_bundled.rs` made it, on another day and perhaps another machine.
#[test]
fn the_bundled_recording_is_made_again_to_the_byte() {
    let plan = Plan { users: 29, lightings: vec![&LIGHTINGS[3]], seconds: 1.5, seed: 1 };
    let Take { events, trials, .. } = plan.take(27, &LIGHTINGS[3], &[2, 7, 8, 10, 1]);
    let bytes = encode("aedat3", &events).unwrap();
    assert!(bytes == fs::read(data("gestures.aedat")).unwrap());
    assert_eq!(gesture::labels(&trials), fs::read_to_string(data("gestures_labels.csv")).unwrap());
}

#[test]
fn the_published_split_is_that_of_29_users() {
    let plan = |users| Plan { users, lightings: vec![&LIGHTINGS[0]], seconds: 1.0, seed: 1 };
    let tested =
        |users| (1..=users).filter(|&user| plan(users).is_tested(user)).collect::<Vec<_>>();
    assert_eq!(tested(29), [24, 25, 26, 27, 28, 29]);
    assert_eq!(tested(2), [2]);
    assert!(tested(1).is_empty());
}

#[test]
fn what_cannot_be_made_is_refused() {
    let root = folder().join("nothing").display().to_string();
    let message = |more: &[&str]| refused(&[&["synth", &root], more].concat(), 2);
    assert!(message(&["--users", "0"]).contains("found 0 users; expected 1 to 99"));
    assert!(message(&["--users", "100"]).contains("1 to 99"));
    assert!(message(&["--seconds", "0"]).contains("0.1 to 600 s"));
    assert!(message(&["--seconds", "nan"]).contains("0.1 to 600 s"));
    assert!(message(&["--lighting", "moon"]).contains("all, fluorescent, fluorescent_led, lab"));
    assert!(message(&["--lighting", "led,lab,led"]).contains("found led, lab, led; expected each"));
    let file = folder().join("a-file");
    fs::write(&file, b"").unwrap();
    let message = refused(&["synth", &file.display().to_string(), "--users", "1"], 2);
    assert!(message.contains("a-file"), "{message}");
    // the names are those of the published recordings
    let full = folder().join("full");
    let _ = fs::remove_dir_all(&full);
    fs::create_dir_all(&full).unwrap();
    fs::write(full.join("user01_led.aedat"), b"precious").unwrap();
    let message = refused(&["synth", full.to_str().unwrap(), "--users", "1"], 2);
    assert!(message.contains("found a folder that is not empty"), "{message}");
    assert_eq!(fs::read(full.join("user01_led.aedat")).unwrap(), b"precious");
    assert_eq!(fs::read_dir(full).unwrap().count(), 1);
}

/// What was counted on five recordings of gesturing people that others made with a DVS128:
/// ON 44 to 47 %, 21 to 39 % of the pixels ever fire, the busiest hundredth sends 20 to 32 %
/// of the events, a pixel's next event comes after 1 µs (10th percentile), 2.8 to 22 ms
/// (median), 0.12 to 0.49 s (90th), 18,342 to 348,461 events in 5.4 to 6 s. Means over the
/// trials of a few users are to be near them.
#[test]
fn events_are_like_those_of_a_real_camera() {
    let plan = Plan { users: 29, lightings: vec![&LIGHTINGS[3]], seconds: 5.7, seed: 1 };
    let mut all: Vec<[f64; 7]> = Vec::new();
    for user in [1, 6, 7] {
        let Take { events, trials, .. } = plan.take(user, &LIGHTINGS[3], &[1, 2, 7, 8, 10]);
        all.extend(trials.iter().map(|trial| {
            let inside = |t: &i64| (trial.window.from..trial.window.to).contains(t);
            let mut of_pixel: BTreeMap<(u16, u16), Vec<i64>> = BTreeMap::new();
            let (mut number, mut on) = (0.0, 0.0);
            for (t, x, y, is_on) in events.iter().filter(|(t, ..)| inside(t)) {
                of_pixel.entry((x, y)).or_default().push(t);
                number += 1.0;
                on += f64::from(u8::from(is_on));
            }
            let mut counts: Vec<f64> = of_pixel.values().map(|times| times.len() as f64).collect();
            counts.sort_unstable_by(|a, b| b.total_cmp(a));
            let busiest: f64 = counts.iter().take(163).sum();
            let mut gaps: Vec<i64> =
                of_pixel.values().flat_map(|times| times.windows(2).map(|w| w[1] - w[0])).collect();
            gaps.sort_unstable();
            let gap = |share: f64| gaps[(gaps.len() as f64 * share) as usize] as f64;
            let active = counts.len() as f64 / 16_384.0;
            [number, on / number, active, busiest / number, gap(0.1), gap(0.5), gap(0.9)]
        }));
    }
    let mean = |i: usize| all.iter().map(|of| of[i]).sum::<f64>() / all.len() as f64;
    for (i, name, range) in [
        (0, "events", 18_342.0..348_461.0),
        (1, "share of ON", 0.44..0.475),
        (2, "active pixels", 0.21..0.39),
        (3, "share of the busiest", 0.20..0.32),
        (4, "10th percentile of intervals", 0.0..10.0),
        (5, "median interval", 2_800.0..22_000.0),
        (6, "90th percentile", 120_000.0..490_000.0),
    ] {
        assert!(range.contains(&mean(i)), "{name}: {}, not in {range:?}", mean(i));
    }
}

/// A network that others trained on the recordings of real people: chance is 9 %.
#[test]
fn a_network_that_knows_real_hands_knows_ours() {
    let Some(real) = std::env::var_os("SYNOPS_DATA").map(PathBuf::from) else {
        eprintln!("skipped: SYNOPS_DATA names no folder of recordings");
        return;
    };
    let root = made("recognised", &["--users", "4", "--seconds", "2", "--seed", "2"]);
    let network = real.join("sinabs/sinabs_dvs_gesture.nir").display().to_string();
    let options = ["--convention", "sinabs", "--dt", "10ms", "--part", "all"];
    let report = json(&[&["eval", &root, "--network", &network], &options[..]].concat());
    let right = report["accuracy"]["right"].as_u64().unwrap();
    assert_eq!(report["accuracy"]["of"], 48);
    assert!(right >= 24, "{right} of 48");
}

/// The recipes that others published, on 128×128 pixels: a step of gradients, and the engine
/// answers as training does.
#[test]
fn full_size_recipes_take_a_step() {
    let root = made("recipes", &["--users", "1", "--seconds", "0.2"]);
    let labels = fs::read_to_string(Path::new(&root).join("user01_led_labels.csv")).unwrap();
    let row = |(i, row): (usize, &str)| {
        let [class, from, to] = row.split(',').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let part = ["train", "train", "validation"].get(i).unwrap_or(&"test");
        format!("user01_led.aedat,{class},{part},{from},{to}\n")
    };
    let rows: String = labels.lines().skip(1).enumerate().map(row).collect();
    let list = folder().join("recipes.csv").display().to_string();
    fs::write(&list, format!("file,class,part,from,to\n{rows}")).unwrap();
    let out = folder().join("recipe");
    let _ = fs::remove_dir_all(&out);
    let out = out.display().to_string();
    let words = ["train", "--preset", "plif-dvs128", "--data", &root, "--list", &list];
    let fewer = ["--set", "epochs=1", "--set", "batch=2", "--set", "data.steps=4", "--out", &out];
    let report = json(&[&words[..], &fewer].concat());
    let run = &report["runs"][0];
    assert_eq!(run["test"]["of"], 9, "{run}");
    assert_eq!(run["test"]["as_trained"], 9, "{run}");
    assert_eq!(report["config"]["data"]["slice"], "number");
    assert_eq!(report["data"]["cut"], "list");
}
