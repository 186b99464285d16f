//! The command line: one file a verb. The only room that prints.
//!
//! Text for people goes to standard output, progress to standard error and only
//! on a terminal. Exit code 0: done; 1: the answer is no (`--strict` and
//! something was lost); 2: error.

mod check;
mod convert;
mod endings;
mod energy;
mod eval;
mod help;
mod info;
mod labels;
mod many;
mod metering;
mod options;
mod output;
mod overwriting;
mod play;
mod player;
mod plot;
mod progress;
mod raster;
mod recordings;
mod render;
mod replay;
mod samples;
mod synth;
mod tables;
mod threads;
mod train;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::{ErrorKind, Result};

const ABOUT: &str = "Replays event-camera recordings through spiking networks: \
the answer, the spikes, the synaptic operations, the joules. Trains such networks.";

#[derive(Parser)]
#[command(name = "synops", version, about = ABOUT, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,

    /// How many threads work [default: one a core]
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Subcommand)]
enum Verb {
    Info(info::Args),
    Replay(Box<replay::Args>),
    Raster(Box<raster::Args>),
    Plot(Box<plot::Args>),
    Render(Box<render::Args>),
    Check(Box<check::Args>),
    Eval(Box<eval::Args>),
    Energy(Box<energy::Args>),
    Train(train::Args),
    Convert(convert::Args),
    Synth(synth::Args),
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // somebody closed our standard output, as `head` does: nothing is wrong
        Err(error) if error.kind == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("synops: {error}");
            ExitCode::from(if error.kind == ErrorKind::Strict { 1 } else { 2 })
        }
    }
}

fn run() -> Result<()> {
    let mut command = Cli::command();
    let matches = command.get_matches_mut();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    if let Some((verb, matches)) = matches.subcommand()
        && let Some(verb) = command.find_subcommand(verb)
    {
        overwriting::refuse(verb, matches)?;
        endings::refuse(verb, matches)?;
    }
    if let Some(threads) = cli.threads {
        threads::limit(threads.into())?;
    }
    // as a thread among those that work, since only such a one can keep the others awake
    rayon::scope(|_| run_verb(&cli.verb))
}

fn run_verb(verb: &Verb) -> Result<()> {
    match verb {
        Verb::Info(args) => info::run(args),
        Verb::Replay(args) => replay::run(args),
        Verb::Raster(args) => raster::run(args),
        Verb::Plot(args) => plot::run(args),
        Verb::Render(args) => render::run(args),
        Verb::Check(args) => check::run(args),
        Verb::Eval(args) => eval::run(args),
        Verb::Energy(args) => energy::run(args),
        Verb::Train(args) => train::run(args),
        Verb::Convert(args) => convert::run(args),
        Verb::Synth(args) => synth::run(args),
    }
}
