//! `synops check`: whose spikes each convention makes, and where two simulators part.

use std::path::{Path, PathBuf};

use clap::builder::ValueParser;

use super::options::{Opened, RunOptions, is_each_once};
use super::output;
use super::player::refuse_losses;
use super::progress::Progress;
use crate::check::suite::{self, Case};
use crate::check::sweep::{self, Point};
use crate::check::trains::{Others, Recorder};
use crate::check::{Comparison, Subject};
use crate::disk;
use crate::draw::Picture;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{OrderPolicy, Origin};
use crate::network::{Network, file};
use crate::neuron::preset::Conventions;
use crate::replay::{Advance, Replay, Settings, check_steps};
use crate::report::check::{Agreement, AgreementReport};
use crate::report::replay::Stages;
use crate::report::sweep::{SweepPoint, SweepReport};
use crate::units::Micros;

/// Show whose spikes each convention makes, where two simulators part, what the step length does
///
/// Alone, it runs the bundled agreement suite: every convention against every simulator.
///
/// Example: synops check my.nir --against norse.npz
///
/// Example: synops check user24_led.aedat --network gesture.nir --dt-sweep --plot sweep.png
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    /// Spikes of another simulator, .npz or .json: an array [step, neurons…] or a list
    /// of [step, neuron] under each layer's name; with an array 'input', no recording
    /// is needed
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Run at one step length after the other, and without a grid
    #[arg(long, value_name = "TIMES", num_args = 0..=1, require_equals = true,
          default_missing_value = "", value_parser = ValueParser::new(step_lengths),
          conflicts_with_all = ["against", "quantum", "engine", "steps", "slice", "differences"])]
    dt_sweep: Option<StepLengths>,

    /// Draw the sweep: a .png or .svg
    #[arg(long, value_name = "FILE", requires = "dt_sweep")]
    plot: Option<PathBuf>,

    /// Say where every pair parts, not only those that should agree
    #[arg(long)]
    differences: bool,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The step lengths of a sweep.
#[derive(Clone)]
struct StepLengths(Vec<Micros>);

fn step_lengths(text: &str) -> Result<StepLengths> {
    if text.is_empty() {
        return Ok(StepLengths(sweep::STEPS.to_vec()));
    }
    let lengths: Result<Vec<Micros>> = text.split(',').map(|text| text.trim().parse()).collect();
    let lengths = lengths?;
    match is_each_once(&lengths) {
        true => Ok(StepLengths(lengths)),
        false => Err(Error::new(ErrorKind::Usage, text, "each length once")),
    }
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let mut options = args.run.clone();
    // a network may stand where the recording of other verbs does
    if let ([path], None) = (&options.recordings[..], &options.network)
        && file::is_one(path)?
    {
        options.network = options.recordings.pop();
    }
    refuse(&options, &["--labels"], "--from and --to: check runs one window")?;
    match (&args.against, &args.dt_sweep) {
        (Some(against), _) => compare(args, &options, against),
        (None, Some(StepLengths(steps))) => sweep(args, &options, steps),
        (None, None) if options.is_bundled() => suite(args, &options),
        (None, None) => Err(Error::new(
            ErrorKind::Usage,
            "a network or a recording alone",
            "--against FILE, or --dt-sweep; or nothing, for the bundled suite",
        )),
    }
}

/// Refuses words that a way to check has no use for.
fn refuse(options: &RunOptions, idle: &[&str], expected: &str) -> Result<()> {
    match given(options).into_iter().find(|word| idle.contains(word)) {
        Some(word) => Err(Error::new(ErrorKind::Usage, word, expected)),
        None => Ok(()),
    }
}

/// The words of a run that were given and say something.
fn given(options: &RunOptions) -> Vec<&'static str> {
    let words = [
        ("--labels", options.labels.is_some()),
        ("--engine", options.engine.is_some_and(|engine| engine != Advance::Clocked)),
        ("--quantum", options.quantum.is_some()),
        ("--classes", options.classes.is_some()),
        ("--dt", options.dt.is_some()),
        ("--steps", options.steps.is_some()),
        ("--from", options.from.is_some()),
        ("--to", options.to.is_some()),
        ("--slice", options.slice.is_some()),
        ("--input", options.input.is_some()),
        ("--origin", options.origin != Origin::default()),
        ("--order", options.order != OrderPolicy::default()),
        ("--format", options.format.is_some()),
        ("--sensor", options.sensor.is_some()),
        ("--strict", options.strict),
    ];
    words.into_iter().filter(|(_, is_given)| *is_given).map(|(word, _)| word).collect()
}

/// What only a recording has a use for.
const OF_A_RECORDING: [&str; 9] = [
    "--from", "--to", "--slice", "--input", "--origin", "--order", "--format", "--sensor",
    "--strict",
];

fn suite(args: &Args, options: &RunOptions) -> Result<()> {
    let expected = "--against FILE or --dt-sweep with it: the bundled suite has steps and input \
                    of its own";
    refuse(options, &given(options), expected)?;
    let asked = options.convention.clone().map(|convention| vec![convention]);
    let cases = suite::run(&asked.map_or_else(suite::presets, Ok)?)?;
    let failures: Vec<String> = cases.iter().flat_map(Case::failures).collect();
    say(args, cases.iter().map(Agreement::new).collect())?;
    match failures.is_empty() {
        true => Ok(()),
        false => {
            let expected = "every preset to make its own simulator's spikes";
            Err(Error::new(ErrorKind::Strict, failures.join(", "), expected))
        }
    }
}

fn say(args: &Args, networks: Vec<Agreement>) -> Result<()> {
    let report = AgreementReport { networks };
    output::report(args.json.as_deref(), &report, &report.text(args.differences))
}

fn compare(args: &Args, options: &RunOptions, against: &Path) -> Result<()> {
    let expected = "a clock, whose steps are compared spike by spike";
    refuse(options, &["--engine", "--quantum", "--classes"], expected)?;
    let Opened { network, origins, .. } = options.open_network()?;
    let others = Others::read(against, &network)?;
    let conventions = match (&options.convention, &network.convention) {
        (Some(asked), _) => vec![asked.clone()],
        (None, Some(own)) => vec![own.clone()],
        (None, None) => suite::presets()?,
    };
    let subject =
        subject(options, &network, &others, &conventions).map_err(|e| origins.blame(e))?;
    let case = Case::run(&origins.path, &subject, &others, &conventions);
    say(args, vec![Agreement::new(&case)])?;
    let is_equal = |comparison: &Comparison| comparison.first.is_none();
    let agrees = |row: &suite::Row| row.comparisons.as_ref().is_ok_and(|c| c.iter().all(is_equal));
    match case.rows.iter().any(agrees) {
        true => Ok(()),
        false => {
            let found = format!("no convention that makes the spikes of {}", against.display());
            let exporter = match &conventions[..] {
                [one] => one.preset().exporter().filter(|exporter| !exporter.unsaid.is_empty()),
                _ => None,
            };
            let unsaid =
                exporter.map(|exporter| format!("; files do not say: {}", exporter.unsaid));
            let expected = format!("the same spikes{}", unsaid.unwrap_or_default());
            Err(Error::new(ErrorKind::Strict, found, expected))
        }
    }
}

/// The network with the input that the other simulator had, or with a recording.
fn subject<'n>(
    options: &RunOptions,
    network: &'n Network,
    others: &Others,
    conventions: &[Conventions],
) -> Result<Subject<'n>> {
    let settings = options.settings(network)?;
    if let (Some(theirs), Some(own)) = (others.dt, options.dt.filter(|dt| others.dt != Some(*dt))) {
        let found = format!("--dt {own}");
        return Err(Error::new(ErrorKind::Usage, found, format!("{theirs}, as the spikes have")));
    }
    let dt = others.dt.unwrap_or(settings.dt);
    if let (Some((input, steps)), []) = (&others.input, &options.recordings[..]) {
        refuse(options, &OF_A_RECORDING, "a recording: the spikes come with their input")?;
        let (input, steps) = (input.clone(), settings.steps.unwrap_or(*steps));
        check_steps(steps, dt)?;
        return Ok(Subject { network, dt, input, steps });
    }
    let (mut recording, _) = options.open_recording()?;
    let steps = settings.steps.or(others.steps);
    let settings = Settings { dt, steps, ..settings };
    let replay = conventions.iter().map(|conventions| {
        let settings = Settings { conventions: conventions.clone(), ..settings.clone() };
        Replay::new(network, settings)
    });
    // every convention bins alike: the first that binds will do
    let replay = replay
        .reduce(|first, next| first.or(next))
        .unwrap_or_else(|| Replay::new(network, settings.clone()))?;
    let mut progress = Progress::new(recording.len());
    let mut recorder = Recorder::new(network, &replay.settings().conventions)?;
    let (take, answer) = replay.run(&mut recording, &mut recorder, |offset| progress.at(offset))?;
    let stages = Stages::of(&take, &answer.cut, &answer.binned);
    refuse_losses(options.strict, &stages, take.damage.as_ref())
        .map_err(|e| e.in_file(recording.path()))?;
    take.damage.map_or(Ok(()), |damage| Err(damage.in_file(recording.path())))?;
    Ok(Subject { network, dt, input: recorder.input(), steps: answer.steps })
}

fn sweep(args: &Args, options: &RunOptions, steps: &[Micros]) -> Result<()> {
    let picture = args.plot.as_deref().map(Picture::of).transpose()?;
    let Opened { network, origins, .. } = options.open_network()?;
    let (recording, input_origins) = options.open_recording()?;
    let own = options.settings(&network)?;
    let settings = Settings { slice: None, steps: None, ..own };
    let classes = options.class_names(&network, false)?;
    let mut progress = Progress::new(recording.len() * (steps.len() as u64 + 1));
    let open = || Ok(options.open_recording()?.0);
    let (points, refusal) =
        sweep::run(&network, &settings, steps, open, |offset| progress.at(offset))
            .map_err(|e| origins.blame(e))?;
    drop(progress);
    for Point { take, cut, binned, .. } in &points {
        refuse_losses(options.strict, &Stages::of(take, cut, binned), None)
            .map_err(|e| e.in_file(input_origins.path.as_ref()))?;
    }
    let mut notes = Vec::new();
    if let Some(refusal) = refusal {
        notes.push(format!("no run without a grid: {refusal}"));
    }
    if sweep::charges_grow_with_the_step(&network, &settings.conventions)? {
        notes.push(format!(
            "input=hold: a spike is a current that lasts as long as a step, so its charge \
             shrinks with it; without a grid, that of {}",
            settings.dt
        ));
    }
    let report = SweepReport {
        input: input_origins.path,
        network: origins.path,
        convention: settings.conventions.to_string(),
        points: points.iter().map(|p| SweepPoint::new(p, classes.as_deref())).collect(),
        notes,
    };
    if let (Some(path), Some(picture)) = (&args.plot, picture) {
        disk::write(path, &report.curves().draw().render(picture)?)?;
    }
    output::report(args.json.as_deref(), &report, &report.text())?;
    match &args.plot {
        Some(path) if output::is_for_people([args.json.as_deref()]) => {
            output::print_path("plot     ", path, "")
        }
        _ => Ok(()),
    }
}
