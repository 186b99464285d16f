//! What people read: names, numbers and captions; and words that nothing is done with.

mod program;

use std::fs;

use program::{data, done, folder, json, refused, synops, text};

/// The bundled pair that is quickest to run.
fn pair() -> [String; 3] {
    [data("arm.aedat"), "--network".into(), data("arm.nir")]
}

fn with<'a>(verb: &'a str, pair: &'a [String; 3], words: &[&'a str]) -> Vec<&'a str> {
    [&[verb][..], &pair.each_ref().map(String::as_str), words].concat()
}

/// A name may hold what ends a line, or what colours and clears a terminal.
#[test]
#[cfg(unix)]
fn names_that_command_a_terminal_are_shown_escaped() {
    let at = |name: &str| folder().join(name).display().to_string();
    fs::create_dir_all(at("many\n")).unwrap();
    let (recording, network) = (at("a\u{1b}[31mb\nc.aedat"), at("n\te\u{9b}t.nir"));
    fs::copy(data("arm.aedat"), &recording).unwrap();
    fs::copy(data("arm.aedat"), at("many\n/\u{7}.aedat")).unwrap();
    fs::copy(data("arm.nir"), &network).unwrap();
    let (many, own) = (at("many\n"), at("o\rwn.synops"));
    let (svg, page, steps) = (at("\u{8}.svg"), at("\u{8}.html"), at("\u{8}.csv"));
    let run = [&recording[..], "--network", &network];
    let outputs = ["--raster", &svg, "--html", &page, "--by-step", &steps];
    let sweep = ["--dt-sweep=5ms", "--plot", &svg, "--convention", "nir"];
    let missing = at("\u{1b}]0;title\u{7}.aedat");
    for (words, code) in [
        (vec!["info", &recording, &network], 0),
        ([&["replay"], &run[..], &outputs].concat(), 0),
        (vec!["replay", &many, "--network", &network, "--plot"], 2),
        (vec!["replay", &many, &many, "--network", &network], 0),
        ([&["raster"], &run[..], &["--out", &svg]].concat(), 0),
        ([&["render"], &run[..], &["--to", "100ms", "--out", &at("\u{8}.gif")]].concat(), 0),
        ([&["plot", "rates"], &run[..], &["--out", &svg]].concat(), 0),
        ([&["energy"], &run[..]].concat(), 0),
        ([&["check"], &run[..], &sweep].concat(), 0),
        (vec!["convert", &network, &own], 0),
        (vec!["info", &missing], 2),
        (vec!["replay", &missing, &recording, "--network", &network], 2),
        ([&["replay"], &run[..], &["--raster", "a\u{1b}.txt"]].concat(), 2),
    ] {
        let output = synops(&words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", text(&output.stderr));
        let said = text(&output.stdout) + &text(&output.stderr);
        let command = said.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(command, None, "{words:?}: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with("c.aedat")), "{words:?}: {said}");
    }
    let info = done(&["info", &recording]);
    assert!(info.contains("/a\\u{1b}[31mb\\nc.aedat\n  format"), "{info}");
    assert_eq!(json(&["info", &recording])["path"], recording[..]);
}

#[test]
fn numbers_are_rounded_and_counted() {
    let pair = pair();
    let energy = done(&with("energy", &pair, &[]));
    assert!(energy.contains("MB, 0 B to and from larger ones"), "{energy}");
    let replay = done(&with("replay", &pair, &[]));
    let factor = replay.lines().last().unwrap().split("run in ").nth(1).unwrap();
    let factor = factor.split(": ").nth(1).unwrap().strip_suffix(" times real time").unwrap();
    let digits = factor.trim_start_matches(['0', '.']).trim_end_matches(['0', ',']);
    assert!(digits.chars().filter(char::is_ascii_digit).count() <= 3, "{replay}");
    let twin = folder().join("twin").display().to_string();
    _ = fs::remove_dir_all(&twin);
    let synth = done(&["synth", &twin, "--users", "1", "--seconds", "0.1"]);
    assert!(synth.contains("\nusers      1, none of them for the test\n"), "{synth}");
    assert!(synth.contains("\ntime       12.9 s of recording in "), "{synth}");
}

#[test]
fn a_file_is_not_named_as_one_of_another_format() {
    let pair = pair();
    for (option, name, expected) in [
        ("--html", "x.txt", ".html or .htm"),
        ("--html", "page", ".html or .htm"),
        ("--json", "answer.html", ".json"),
        ("--json", "answer.CSV", ".json"),
        ("--by-step", "steps.json", ".csv"),
    ] {
        _ = fs::remove_file(folder().join(name));
        let said = refused(&with("replay", &pair, &[option, name]), 2);
        let found = format!("synops: {option}: found '{name}'; expected a name that ends in ");
        assert_eq!(said, format!("{found}{expected}\n"));
        assert!(!folder().join(name).exists());
    }
    done(&with("replay", &pair, &["--to", "100ms", "--json", "answer", "--by-step", "steps.txt"]));
}

#[test]
fn what_is_listed_is_listed_once() {
    let pair = pair();
    for (verb, words, found) in [
        ("check", &["--dt-sweep=1ms,2ms,1000us"][..], "1ms,2ms,1000us; expected each length once"),
        ("replay", &["--convention", "nir,fire=above,fire=above"], "field 'fire' twice"),
        ("energy", &["--table", "loihi,loihi"], "table 'loihi' twice"),
        ("replay", &["--classes", "up,down,up"], "found up,down,up; expected each name once"),
    ] {
        let said = refused(&with(verb, &pair, words), 2);
        assert!(said.contains(found), "{said}");
    }
    let neurons = with("plot", &pair, &["--neurons", "sectors:1,0,1"]);
    let said = refused(&[&["plot", "potentials"], &neurons[1..]].concat(), 2);
    assert!(said.contains("neurons '1,0,1' of ") && said.contains("each neuron once"), "{said}");
}

#[test]
fn more_steps_than_anybody_runs_are_refused() {
    let pair = pair();
    for verb in ["replay", "raster", "energy", "render"] {
        let said = refused(&with(verb, &pair, &["--steps", "1000000000000"]), 2);
        assert!(said.contains("found 1000000000000 steps of "), "{said}");
        assert!(said.contains("; expected 1000000000 at most"), "{said}");
    }
    let said = refused(&with("replay", &pair, &["--steps", "1000000", "--dt", "9000000s"]), 2);
    assert!(said.contains("9000000000 s in all"), "{said}");
    let answer = json(&with("replay", &pair, &["--steps", "2000", "--dt", "10ms"]));
    assert_eq!(answer["engine"]["steps"], 2000);
}

#[test]
fn pictures_of_trials_say_where_their_time_begins() {
    let pair = pair();
    let labels = data("arm_labels.csv");
    let labelled = ["--labels", &labels];
    let outputs = ["--raster", "r.svg", "--html", "p.html", "--by-step", "s.csv"];
    let said = done(&with("replay", &pair, &[&labelled[..], &outputs].concat()));
    assert!(said.contains("\nby step  s.csv: from_us since the first trial began\n"), "{said}");
    let caption = ", from the first trial on, at 200 ms";
    for file in ["r.svg", "p.html"] {
        assert!(fs::read_to_string(folder().join(file)).unwrap().contains(caption), "{file}");
    }
    let said = done(&with("replay", &pair, &outputs));
    assert!(said.contains("\nby step  s.csv\n"), "{said}");
    assert!(!fs::read_to_string(folder().join("r.svg")).unwrap().contains("first trial"));
}

#[test]
fn check_refuses_words_that_it_has_no_use_for() {
    for word in ["--dt=5ms", "--engine=event", "--strict", "--steps=5", "--origin=absolute"] {
        let said = refused(&["check", word], 2);
        let (name, _) = word.split_once('=').unwrap_or((word, ""));
        let found = format!("synops: found {name}; expected --against FILE or --dt-sweep with it");
        assert!(said.starts_with(&found), "{said}");
    }
    done(&["check", "--convention", "nir"]);
}
