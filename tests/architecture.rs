//! Imports go one way: a room may use the rooms named here, and no others.

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import, itself aside. `units`, `error`, `disk`,
/// `record` and `signal` are everybody's.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("units", &["error"]),
    ("disk", &["error"]),
    ("digest", &["disk", "error"]),
    ("record", &["error"]),
    ("signal", &["error"]),
    ("bundled", &[]),
    ("event", BASE),
    ("format", &["event"]),
    ("corpus", &["event", "format"]),
    ("neuron", BASE),
    ("layer", BASE),
    ("network", &["neuron", "layer"]),
    ("engine", &["network", "neuron", "layer"]),
    ("learn", &["engine", "network", "neuron", "layer"]),
    ("measure", &["engine", "network", "layer", "neuron"]),
    ("draw", &["engine", "neuron"]),
    ("replay", &["event", "format", "network", "neuron", "engine", "measure"]),
    (
        "train",
        &[
            "learn", "engine", "network", "neuron", "layer", "measure", "event", "format",
            "corpus", "replay",
        ],
    ),
    ("check", &["bundled", "event", "format", "network", "neuron", "engine", "measure", "replay"]),
    (
        "report",
        &[
            "check", "event", "format", "corpus", "network", "engine", "measure", "draw", "replay",
            "train",
        ],
    ),
    ("cli", EVERYTHING),
];

const BASE: &[&str] = &["units", "error", "disk", "digest", "record", "signal"];
const EVERYTHING: &[&str] = &["*"];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, out),
            false if path.extension().is_some_and(|e| e == "rs") => out.push(path),
            false => (),
        }
    }
}

/// The room of a file: the first part of its path below `src`.
fn room(path: &Path, src: &Path) -> String {
    let first = path.strip_prefix(src).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// Every `crate::room` in a file, `use` or not; tests and documentation aside.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = lines.flat_map(|line| line.split("crate::").skip(1));
    let word = |rest: &str| {
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    paths.map(word).filter(|word| !word.is_empty()).collect()
}

/// Arrows that point the wrong way, as `file: from → to`.
fn wrong_arrows(files: &[(String, String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, room, text) in files {
        let rule = ROOMS.iter().find(|(name, _)| name == room);
        let Some((_, allowed)) = rule else {
            wrong.push(format!("{file}: room '{room}' has no rule"));
            continue;
        };
        for import in imports(text) {
            let fine = import == *room
                || *allowed == EVERYTHING
                || allowed.contains(&&import[..])
                || (!BASE.contains(&&room[..]) && BASE.contains(&&import[..]));
            if !fine {
                wrong.push(format!("{file}: {room} → {import}"));
            }
        }
    }
    wrong
}

#[test]
fn no_import_points_up() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    let files: Vec<_> = paths
        .iter()
        .filter(|path| !matches!(room(path, &src).as_str(), "lib" | "main"))
        .map(|path| {
            (path.display().to_string(), room(path, &src), fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(files.len() > 40, "the test sees the sources");
    let wrong = wrong_arrows(&files);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    let file = |room: &str, text: &str| ("f.rs".to_owned(), room.to_owned(), text.to_owned());
    let up = [file("event", "use crate::network::Network;"), file("cellar", "")];
    assert_eq!(wrong_arrows(&up), ["f.rs: event → network", "f.rs: room 'cellar' has no rule"]);
    let fine = [
        file("format", "use crate::event::Batch;\nuse crate::error::Result;\n// crate::cli"),
        file("neuron", "use crate::signal::BLOCK;\n#[cfg(test)]\nmod t { use crate::network::X; }"),
    ];
    assert!(wrong_arrows(&fine).is_empty());
}
