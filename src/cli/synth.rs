//! `synops synth`: a synthetic twin of DVS128 Gesture.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::output;
use super::progress::Progress;
use crate::corpus::synthetic::{LIGHTINGS, Lighting, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::report::synth::Synthetic;

/// Make gesture recordings of people who do not exist, laid out as DVS128 Gesture is
///
/// Example: synops synth twin --users 29 --lighting led --seconds 3
#[derive(clap::Args)]
pub struct Args {
    /// The folder to write to, a new or an empty one
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    /// How many people; of 29 the last six are for the test
    #[arg(long, value_name = "N", default_value_t = 29)]
    users: usize,

    /// Lightings, one recording of each person in each, or all
    #[arg(long, value_name = "NAMES", default_value = "led", value_parser = lightings)]
    lighting: Lightings,

    /// Length of a gesture in seconds
    #[arg(long, value_name = "S", default_value_t = 6.0)]
    seconds: f64,

    /// The same seed makes the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone)]
struct Lightings(Vec<&'static Lighting>);

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let Args { users, seconds, seed, .. } = *args;
    let plan = Plan { users, lightings: args.lighting.0.clone(), seconds, seed }.checked()?;
    let began = Instant::now();
    let recordings = users * plan.lightings.len();
    let progress = Mutex::new((Progress::of_recordings(recordings as u64), 0));
    let made = plan.write(&args.folder, &|| {
        let (bar, done) = &mut *progress.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        bar.at(*done);
    })?;
    drop(progress);
    let took = began.elapsed().as_secs_f64();
    let report = Synthetic::new(args.folder.display().to_string(), &plan, made, took);
    output::report(args.json.as_deref(), &report, &report.text())
}

fn lightings(text: &str) -> Result<Lightings> {
    let named = |name: &str| {
        let known = LIGHTINGS.iter().find(|lighting| lighting.name == name.trim());
        known.ok_or_else(|| {
            let names =
                LIGHTINGS.iter().map(|lighting| lighting.name).collect::<Vec<_>>().join(", ");
            Error::new(ErrorKind::Usage, format!("lighting '{name}'"), format!("all, {names}"))
        })
    };
    let all: Vec<&Lighting> = match text {
        "all" => LIGHTINGS.iter().collect(),
        names => names.split(',').map(named).collect::<Result<_>>()?,
    };
    Ok(Lightings(all))
}
