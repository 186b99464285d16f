//! The program, run as a person or a script runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Runs it with these arguments.
pub fn synops(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_synops");
    Command::new(program).args(arguments).current_dir(folder()).output().unwrap()
}

/// Where the program may write: a folder of each test's own, as they run side by side.
pub fn folder() -> PathBuf {
    let test = std::thread::current();
    let test = test.name().unwrap_or("unnamed").replace("::", "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_CRATE_NAME")).join(test);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file that comes with the project.
pub fn data(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name).display().to_string()
}

/// What was printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it prints, when it does what it is asked.
pub fn done(arguments: &[&str]) -> String {
    let output = synops(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    text(&output.stdout)
}

/// Its report.
pub fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&done(&[arguments, &["--json", "-"]].concat())).unwrap()
}

/// What it says when it ends with this code.
pub fn refused(arguments: &[&str], code: i32) -> String {
    let output = synops(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stdout));
    let message = text(&output.stderr);
    assert!(message.starts_with("synops: ") || message.starts_with("error: "), "{message}");
    message
}
