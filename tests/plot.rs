//! Plots of a run as their readers get them.

mod program;

use std::fs;
use std::io::Cursor;

use program::{data, done, folder, json, refused};
use roxmltree::Document;

const KINDS: [&str; 4] = ["potentials", "rates", "frames", "surface"];

/// What a plot of an arm and its network is written as.
fn plot(kind: &str, name: &str, more: &[&str]) -> Vec<u8> {
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    written(kind, name, &[&[&recording[..], "--network", &network], more].concat())
}

fn written(kind: &str, name: &str, words: &[&str]) -> Vec<u8> {
    let out = folder().join(name);
    let out = out.to_str().unwrap();
    let said = done(&[&["plot", kind, "--to", "1s", "--out", out][..], words].concat());
    assert_eq!(said, format!("{out}\n"));
    fs::read(out).unwrap()
}

/// The texts of a picture.
fn texts(svg: &[u8]) -> Vec<String> {
    let document = Document::parse(std::str::from_utf8(svg).unwrap()).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn every_kind_is_a_picture_of_two_formats_and_the_same_bytes_each_time() {
    for kind in KINDS {
        let svg = plot(kind, &format!("{kind}.svg"), &[]);
        assert!(svg == plot(kind, &format!("{kind}.svg"), &[]), "{kind}");
        assert!(svg.len() < 300_000, "{kind}: {} bytes", svg.len());
        assert_eq!(texts(&svg)[0], "arm.aedat through arm.nir");
        let png = plot(kind, &format!("{kind}.png"), &[]);
        assert!(png == plot(kind, &format!("{kind}.png"), &[]), "{kind}");
        let reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
        assert!(reader.info().width >= 1_000, "{kind}");
    }
}

#[test]
fn plots_say_what_they_show() {
    let says = |kind: &str, words: &[&str], more: &[&str]| {
        let texts = texts(&plot(kind, &format!("says-{kind}.svg"), more));
        for words in words {
            assert!(texts.iter().any(|text| text.contains(words)), "{kind}: {words} in {texts:?}");
        }
    };
    let classes = ["neuron 0 (right arm clockwise)", "neuron 1 (right arm counter clockwise)"];
    says("potentials", &classes, &[]);
    says("potentials", &["sectors · LIF · neuron 15"], &["--neurons", "sectors:3,15"]);
    says("potentials", &["detectors · LIF · neuron 7"], &["--neurons", "detectors"]);
    says("rates", &["events · Input · 2×128×128", "sectors · LIF · 16", "Hz"], &[]);
    says("rates", &["sectors · LIF · 16", "mean 0 Hz · 16 silent"], &["--steps", "0"]);
    says("frames", &["0.125 s", "1 s", "Events of the 20 ms before"], &["--window", "20ms"]);
    says("surface", &["0.125 s", "1 s", "τ = 33 ms"], &[]);
}

/// What has no unit has no prefix for one: half a threshold is no "500 m".
#[test]
fn potentials_below_one_are_decimals() {
    let texts = texts(&plot("potentials", "decimals.svg", &["--neurons", "detectors"]));
    let is_there = |label: &str| texts.iter().any(|text| text == label);
    assert!(is_there("-0.5") && !is_there("-500 m"), "{texts:?}");
}

/// Each trial over the time that it takes, and whether it was answered as labelled.
#[test]
fn plots_of_trials_say_which_and_whether_the_answer_is_right() {
    let labels = data("arm_labels.csv");
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    let run = [&recording[..], "--network", &network, "--labels", &labels];
    let trials = json(&[&["replay"], &run[..]].concat())["trials"]["list"].clone();
    for kind in KINDS {
        let out = folder().join(format!("trials-{kind}.svg"));
        done(&[&["plot", kind, "--out", out.to_str().unwrap()], &run[..]].concat());
        let texts = texts(&fs::read(out).unwrap());
        for trial in trials.as_array().unwrap() {
            assert!(trial["right"].as_bool().unwrap());
            let label = format!("{}: correct", trial["label_name"].as_str().unwrap());
            let is_there = texts.iter().any(|text| text.contains(&label));
            assert_eq!(is_there, kind != "rates", "{kind}: '{label}' in {texts:?}");
        }
        let together = format!("Of {} trials together", trials.as_array().unwrap().len());
        let is_there = texts.iter().any(|text| text.starts_with(&together));
        assert_eq!(is_there, kind == "rates", "{kind}: {texts:?}");
    }
}

#[test]
fn what_cannot_be_plotted_is_refused() {
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    for (arguments, words) in [
        (&["potentials", "--engine", "event"][..], "expected --engine clocked, for potentials"),
        (
            &["potentials", "--neurons", "nobody"],
            "found neurons 'nobody'; expected LAYER or LAYER:NEURON,... of sectors, detectors, direction",
        ),
        (&["potentials", "--neurons", "sectors:16"], "found neurons '16' of sectors, which has 16"),
        (&["frames", "--window", "0ms"], "found a window of 0 µs; expected a positive time"),
        (&["rates", "--out", "rates.pdf"], "expected a name that ends in .png or .svg"),
        (&["everything"], "invalid value 'everything'"),
        (&["rates", "--neurons", "sectors"], "found --neurons; expected potentials, "),
        (&["potentials", "--window", "20ms"], "found --window; expected frames or surface, "),
    ] {
        let pair = [&recording[..], "--network", &network];
        let message = refused(&[&["plot"][..], arguments, &pair].concat(), 2);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_recording_alone_has_events_and_no_potentials() {
    let recording = data("arm.aedat");
    let alone = texts(&written("frames", "alone.svg", &[&recording]));
    assert!(!alone.iter().any(|text| text.contains("answer")), "{alone:?}");
    let out = folder().join("alone-raster.svg").display().to_string();
    done(&["raster", &recording, "--out", &out]);
    let raster = texts(&fs::read(out).unwrap());
    assert_eq!(raster[1], "clocked, 1.00 ms a step");
    let key = raster.last().unwrap();
    assert!(key.starts_with("Rows: pixels") && !key.contains("network"), "{key}");
    let labels = data("arm_labels.csv");
    let out = folder().join("alone-labels.svg").display().to_string();
    done(&["plot", "frames", &recording, "--labels", &labels, "--out", &out]);
    let labelled = texts(&fs::read(out).unwrap());
    assert!(labelled.contains(&"0.625 s · right arm clockwise".to_owned()), "{labelled:?}");
    let message = refused(&["plot", "potentials", &recording], 2);
    assert!(message.contains("found a network without spiking neurons"), "{message}");
}

#[test]
fn the_terminal_gets_a_raster_too() {
    let (recording, network, labels) = (data("arm.aedat"), data("arm.nir"), data("arm_labels.csv"));
    let pair = ["replay", &recording, "--network", &network, "--labels", &labels];
    let screen = done(&[&pair[..], &["--plot"]].concat());
    let kept = json(&pair)["input"]["tally"]["bin"]["kept"].as_u64().unwrap();
    let plot = screen.split("\n\n").last().unwrap();
    assert!(plot.lines().all(|line| line.chars().count() <= 80), "{plot}");
    for words in [
        &format!("{} events", synops::draw::words::grouped(kept)),
        "OFF above ON",
        "sectors · LIF · 16, 991 spikes",
        "│right arm clockwise: correct",
        "█",
        "0",
        "s\n",
    ] {
        assert!(plot.contains(words), "{words} in\n{plot}");
    }
    let dots = plot.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count();
    assert!(dots > 100, "{plot}");
    assert!(!screen.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn strict_draws_nothing_of_a_recording_that_lost_anything() {
    let mut bytes = fs::read(data("arm.aedat")).unwrap();
    let header = bytes.windows(14).position(|w| w == b"#!END-HEADER\r\n").unwrap() + 14;
    bytes[header + 28] &= !1;
    let path = folder().join("invalid.aedat");
    fs::write(&path, bytes).unwrap();
    let (recording, network) = (path.to_str().unwrap(), data("arm.nir"));
    for words in KINDS.map(|kind| vec!["plot", kind]).into_iter().chain([vec!["render"]]) {
        let out = folder().join(if words[0] == "render" { "strict.gif" } else { "strict.png" });
        let _ = fs::remove_file(&out);
        let pair = [recording, "--network", &network, "--to", "1s", "--strict"];
        let out = out.to_str().unwrap();
        let said = refused(&[&words[..], &pair, &["--out", out]].concat(), 1);
        assert!(said.contains("decode: 1 marked invalid; expected no loss (--strict)"), "{said}");
        assert!(!fs::exists(out).unwrap(), "{words:?}");
    }
}
