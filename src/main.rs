//! The `synops` program: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    synops::cli::main()
}
