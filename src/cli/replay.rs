//! `synops replay`: a recording in, an answer out.

use std::path::PathBuf;

use super::options::{Origins, RunOptions};
use super::output;
use super::progress::Progress;
use crate::bundled;
use crate::corpus::gesture::{Trial, parse_labels, read_labels};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Recording;
use crate::replay::{Answer, Replay, Take};
use crate::report::build::{Made, Outcome, Provenance};
use crate::report::json;
use crate::report::replay::ReplayReport;

/// Run a recording through a network: the answer, spikes and synaptic operations by layer, joules
///
/// Example: synops replay user24_led.aedat --labels user24_led_labels.csv --network gesture.nir
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    /// Cut the recording into trials by a label file (class,startTime_usec,endTime_usec)
    #[arg(long, value_name = "CSV", conflicts_with_all = ["from", "to"])]
    labels: Option<PathBuf>,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Answers to the whole recording, or to its trials.
enum Answers {
    Whole(Box<Answer>),
    Trials(Vec<(Trial, Answer)>),
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let (network, network_origins) = args.run.open_network()?;
    let (mut recording, input_origins) = args.run.open_recording()?;
    let labels = labels(args)?;
    let classes = args.run.class_names(&network, labels.is_some())?;
    let replay = Replay::new(&network, args.run.settings())
        .map_err(|e| e.in_file(network_origins.path.as_ref()))?;
    let format = recording.header().format;
    let trials = labels.as_ref().map(|(trials, _)| &trials[..]);
    let (take, answers) = play(&replay, &mut recording, trials)?;
    let made = Made {
        replay: &replay,
        take: &take,
        outcome: match &answers {
            Answers::Whole(answer) => Outcome::Whole(answer),
            Answers::Trials(trials) => Outcome::Trials(trials),
        },
        classes: classes.as_deref(),
        format,
        origin: provenance(input_origins, network_origins, labels.map(|(_, origins)| origins)),
    };
    let report = made.report()?;
    refuse_losses(args.run.strict, &report, &take)?;
    if let Some(path) = &args.json {
        output::write(path, &json(&report)?)?;
    }
    if args.json.as_ref().is_none_or(|path| path.as_os_str() != "-") {
        output::print(&report.text())?;
    }
    take.damage.map_or(Ok(()), Err)
}

fn labels(args: &Args) -> Result<Option<(Vec<Trial>, Origins)>> {
    match &args.labels {
        Some(path) => Ok(Some((read_labels(path)?, Origins::of(path)?))),
        None if args.run.is_bundled() && args.run.from.is_none() && args.run.to.is_none() => {
            let trials = parse_labels(bundled::LABELS.bytes)?;
            Ok(Some((trials, Origins::bundled(&bundled::LABELS)?)))
        }
        None => Ok(None),
    }
}

fn play(
    replay: &Replay<'_>,
    recording: &mut Recording,
    trials: Option<&[Trial]>,
) -> Result<(Take, Answers)> {
    let mut progress = Progress::new(recording.len());
    let at = |offset| progress.at(offset);
    match trials {
        None => {
            let (take, answer) = replay.run(recording, (), at)?;
            Ok((take, Answers::Whole(Box::new(answer))))
        }
        Some(trials) => {
            let windows = trials.iter().map(|trial| (trial.window, ()));
            let (take, answers) = replay.run_windows(recording, windows, at)?;
            Ok((take, Answers::Trials(trials.iter().copied().zip(answers).collect())))
        }
    }
}

fn provenance(input: Origins, network: Origins, labels: Option<Origins>) -> Provenance {
    Provenance {
        input: input.path,
        input_sha256: input.sha256,
        network: network.path,
        network_sha256: network.sha256,
        labels: labels.map(|labels| (labels.path, labels.sha256)),
    }
}

/// `--strict`: no answer from a recording that lost anything.
fn refuse_losses(strict: bool, report: &ReplayReport, take: &Take) -> Result<()> {
    if !strict {
        return Ok(());
    }
    let mut losses = report.input.tally.losses();
    losses.extend(take.damage.as_ref().map(|damage| format!("damage: {damage}")));
    match losses.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Strict, losses.join("; "), "no loss (--strict)")),
    }
}
