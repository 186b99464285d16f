//! What the program refuses, and how: in words, with an exit code, and with nothing lost.

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use program::{data, done, folder, json, refused, synops, text};

#[test]
fn errors_name_the_file_and_what_was_expected() {
    assert!(
        refused(&["replay", "missing.aedat", "--network", &data("arm.nir")], 2)
            .contains("missing.aedat")
    );
    let text = data("arm_labels.csv");
    assert!(refused(&["info", &text], 2).contains("expected one of aedat2, aedat3"));
    let no_network = refused(&["replay", &data("arm.aedat")], 2);
    assert!(no_network.contains("--network"), "{no_network}");
    let wrong = refused(&["replay", &data("arm.aedat"), "--network", &text], 2);
    assert!(wrong.contains("arm_labels.csv: byte 0"), "{wrong}");
    assert!(refused(&["replay", "--dt", "1"], 2).contains("a time with its unit"));
    assert!(refused(&["replay", "--convention", "torch"], 2).contains("nir, sinabs, spikingjelly"));
    assert!(refused(&["replay", "--dt", "0ms"], 2).contains("a positive time"));
    let backwards = refused(&["replay", "--from", "5s", "--to", "4s"], 2);
    assert!(backwards.contains("from 5.00 s to 4.00 s; expected one that ends"), "{backwards}");
    let set = |change| refused(&["train", "--preset", "gesture", "--print", "--set", change], 2);
    let slice = set("data.slice='0us'");
    let expected = "with --set, slice = \"0us\": found slice '0us'; expected a time with its unit";
    assert!(slice.contains(expected), "{slice}");
    assert!(set("epochs=x").contains("with --set, epochs = \"x\": found invalid type: string"));
    assert!(refused(&["replay", "--sensor", "64x64"], 2).contains("sensor of 64×64"));
    let classes = refused(&["replay", "--classes", "one,two,three"], 2);
    assert!(classes.contains("found 3 class names; expected 11"), "{classes}");
    let class = refused(&["replay", "--classes", "one"], 2);
    assert!(class.contains("found 1 class name; expected 11"), "{class}");
}

/// No file says how long a step is to be, or where a window ends.
#[test]
fn an_error_in_the_options_names_no_file() {
    for (words, found) in [
        (&["--dt", "0ms"][..], "found a step of 0 µs"),
        (&["--from", "5s", "--to", "4s"], "found a window from 5.00 s to 4.00 s"),
        (&["--slice", "number"], "found slices of equal number"),
    ] {
        let pair = [&data("arm.aedat")[..], "--network", &data("arm.nir")];
        let message = refused(&[&["replay"], &pair[..], words].concat(), 2);
        assert!(message.starts_with(&format!("synops: {found}")), "{message}");
    }
}

#[test]
fn a_recording_cut_short_is_answered_and_reported() {
    let whole = fs::read(data("arm.aedat")).unwrap();
    let path = folder().join("short.aedat");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let arguments = ["replay", path.to_str().unwrap(), "--network", &data("arm.nir")];
    let output = synops(&arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("right arm clockwise"));
    let message = text(&output.stderr);
    assert!(message.contains("short.aedat: byte ") && message.contains("expected"), "{message}");
    let strict = refused(&[&arguments[..], &["--strict"]].concat(), 1);
    assert!(strict.contains("damage"), "{strict}");
    assert_eq!(text(&synops(&[&arguments[..], &["--strict"]].concat()).stdout), "");
}

#[test]
fn strict_refuses_a_loss_and_accepts_a_cut() {
    assert!(done(&["replay", "--strict", "--to", "1s"]).contains("answer"));
    // an event that its recorder marked invalid: the lowest bit of its first word
    let mut bytes = fs::read(data("arm.aedat")).unwrap();
    let header = bytes.windows(14).position(|w| w == b"#!END-HEADER\r\n").unwrap() + 14;
    bytes[header + 28] &= !1;
    let path = folder().join("invalid.aedat");
    fs::write(&path, bytes).unwrap();
    let arguments = ["replay", path.to_str().unwrap(), "--network", &data("arm.nir")];
    let report = json(&arguments);
    assert_eq!(report["input"]["tally"]["decode"]["dropped"]["invalid"], 1);
    let refusal = refused(&[&arguments[..], &["--strict"]].concat(), 1);
    assert!(refusal.contains("decode: 1 marked invalid; expected no loss"), "{refusal}");
}

#[test]
fn nothing_is_written_over_what_is_read_or_written() {
    let folder = folder();
    let at = |name: &str| folder.join(name).display().to_string();
    for name in ["arm.aedat", "arm.nir", "arm_labels.csv"] {
        fs::copy(data(name), at(name)).unwrap();
    }
    fs::create_dir_all(at("recordings")).unwrap();
    fs::copy(data("arm.aedat"), at("recordings/one.aedat")).unwrap();
    let (recording, network, labels) = (at("arm.aedat"), at("arm.nir"), at("arm_labels.csv"));
    let other = format!("{}/recordings/../arm.nir", folder.display());
    let (inside, new, table) = (at("recordings/one.aedat"), at("new.nir"), at("table.toml"));
    fs::write(&table, "").unwrap();
    let run = ["replay", &recording, "-n", &network];
    let refused_runs: &[(&[&str], &str)] = &[
        (&["--json", &recording], "--json: found"),
        (&["--json", &network], "which is read for --network"),
        (&["--html", &other], "which is read for --network"),
        (&["--labels", &labels, "--by-step", &labels], "which is read for --labels"),
        (
            &["--table", &format!("horowitz45,{table}"), "--json", &table],
            "which is read for --table",
        ),
        (&["--json", &new, "--by-step", &new], "which is also written for"),
        (&["--json", "-", "--by-step", "-"], "which is also written for"),
    ];
    for (more, expected) in refused_runs {
        let message = refused(&[&run[..], more].concat(), 2);
        assert!(message.contains(expected) && message.contains("a file of its own"), "{message}");
    }
    let many = ["replay", &at("recordings"), "-n", &network, "--json", &inside];
    assert!(refused(&many, 2).contains("which is read for RECORDING"));
    let convert = ["convert", &network, &new, "--json", &new];
    assert!(refused(&convert, 2).contains("which is also written for"));
    for (copy, name) in [(&recording, "arm.aedat"), (&network, "arm.nir"), (&inside, "arm.aedat")] {
        assert!(fs::read(copy).unwrap() == fs::read(data(name)).unwrap());
    }
    assert!(!Path::new(&new).exists());
    // what was written before is written again, and devices hold any number
    for _ in 0..2 {
        done(&[&run[..], &["--json", &at("report.json")]].concat());
    }
    done(&[&run[..], &["--json", "/dev/null", "--by-step", "/dev/null"]].concat());
}

#[test]
fn a_closed_pipe_is_quiet() {
    let program = env!("CARGO_BIN_EXE_synops");
    let mut child = Command::new(program)
        .args(["replay", "--json", "-"])
        .current_dir(folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let message = refused(&["replay", "--json", "/dev/full"], 2);
    assert!(message.contains("/dev/full"), "{message}");
}

/// A recording is looked at, digested and read, each from its beginning.
#[test]
#[cfg(unix)]
fn what_can_be_read_but_once_is_refused() {
    let pipe = folder().join("pipe");
    _ = fs::remove_file(&pipe);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = pipe.display().to_string();
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    for arguments in [
        &["info", &pipe][..],
        &["replay", &pipe, "--network", &network],
        &["replay", &recording, "--network", &pipe],
        &["info", "--format", "aedat3", "/dev/stdin"],
        &["replay", "/dev/stdin", "--network", &network],
    ] {
        let mut child = Command::new("timeout")
            .args(["20", env!("CARGO_BIN_EXE_synops")])
            .args(arguments)
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        let expected = ": found a pipe; expected a file, which can be read more than once";
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
    // what the shell reads from a file can be opened again
    let file = fs::File::open(&recording).unwrap();
    let mut info = Command::new(env!("CARGO_BIN_EXE_synops"));
    assert!(info.args(["info", "/dev/stdin"]).stdin(file).output().unwrap().status.success());
}

#[test]
fn a_text_that_is_none_is_named_with_its_byte() {
    let config = folder().join("config.toml");
    fs::write(&config, b"seed = 1\nname = \"\xff\"\n").unwrap();
    let config = config.display().to_string();
    let message = refused(&["train", &config, "--out", "trained"], 2);
    let expected = format!("{config}: byte 17: found byte 0xff; expected text in UTF-8");
    assert!(message.contains(&expected), "{message}");
    let labels = folder().join("labels.csv");
    fs::write(&labels, b"class,startTime_usec,endTime_usec\n\xff,1,2\n").unwrap();
    let labels = labels.display().to_string();
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    let message = refused(&["replay", &recording, "-n", &network, "--labels", &labels], 2);
    let expected = format!("{labels}: byte 34: found byte 0xff; expected text in UTF-8");
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn a_picture_of_another_kind_is_refused_before_the_run() {
    let message = refused(&["replay", "--raster", "spikes.pdf"], 2);
    assert!(message.contains("a name that ends in .png or .svg"), "{message}");
    assert!(refused(&["raster", "--out", "no/such/folder/a.png"], 2).contains("no/such/folder"));
}
