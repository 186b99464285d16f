//! `synops render`: a run as a moving picture.

use std::path::PathBuf;

use super::labels::{first_start, labels};
use super::options::RunOptions;
use super::output;
use super::player::Player;
use super::raster::open_network;
use crate::corpus::gesture::Trial;
use crate::disk;
use crate::draw::words::counted;
use crate::draw::{Cast, Film, Moving, Pace};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Origin, Sensor};
use crate::format::Recording;
use crate::network::Network;
use crate::replay::{Reader, Replay, Settings};
use crate::report::raster::{cast, from_first_trial, labelled, titles};
use crate::units::Micros;

/// Film a run: events beside every layer's spikes and the answer so far, as an animated GIF or
/// PNG; without a network, the events alone
///
/// Example: synops render user24_led.aedat --network gesture.nir --to 6s --speed 0.5 --out film.gif
///
/// With the label of each trial beside its answer: synops render user24_led.aedat -n gesture.nir --labels user24_led_labels.csv
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    /// The film, a .gif or an animated .png
    #[arg(long, short, value_name = "FILE", default_value = "film.gif")]
    out: PathBuf,

    /// How much of the recording a frame shows [default: 33ms times the speed, more where
    /// the film would have over 400 frames]
    #[arg(long, value_name = "TIME")]
    frame: Option<Micros>,

    /// How fast it is shown: 0.5 is half as fast as it happened
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    speed: f64,
}

/// How long a frame is shown where nobody asks for more.
const FRAME: Micros = Micros(33_000);
/// Frames of a film where nobody says how long one is: a few megabytes.
const FRAMES: i64 = 400;
/// How long a frame can be shown: many players take shorter times for a tenth of a second,
/// and a PNG cannot state longer ones.
const SHOWN: (Micros, Micros) = (Micros(20_000), Micros(60_000_000));

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let format = Moving::of(&args.out)?;
    let opened = open_network(&args.run)?;
    let labels = labels(&args.run)?;
    let player = Player::new(&args.run, &opened, labels.is_some())?;
    let (replay, trials) = (player.replay(), labels.as_ref().map(|(trials, _)| &trials[..]));
    let pace = pace(args, replay, length(&args.run, replay.settings(), trials)?)?;
    let (recording, input) = args.run.open_recording()?;
    let pixels = pixels(&opened.network, &args.run, &recording);
    let mut titles = titles(replay, &input.path, &opened.origins.path);
    if let Some(trials) = trials {
        titles[1] += &from_first_trial(first_start(trials));
    }
    let cast = cast(replay, player.classes(), pixels, titles);
    let trials = trials.map_or_else(Vec::new, |trials| {
        labelled(trials, player.classes(), first_start(trials), replay.tick())
    });
    let (frames, damage) = disk::write_by(&args.out, |file| {
        let fail = |e: Error| e.in_file(&args.out);
        let film = Film::new(Cast { trials, ..cast }, pace, file, format).map_err(fail)?;
        let shown = player.show((recording, input), labels.as_ref(), film)?;
        Ok((shown.observer.finish(shown.ticks).map_err(fail)?, shown.damage))
    })?;
    output::print_path("", &args.out, &format!(": {}", counted(frames, "frame")))?;
    damage.map_or(Ok(()), Err)
}

/// Columns and rows of what the events land in.
pub fn pixels(network: &Network, options: &RunOptions, recording: &Recording) -> (usize, usize) {
    let sensor = options.sensor.or(recording.header().sensor);
    match (network.units[network.input].output.axes(), sensor) {
        (&[_, height, width], _) => (width, height),
        (_, Some(Sensor { width, height })) => (width.into(), height.into()),
        // which running refuses
        (axes, None) => (axes.iter().product(), 1),
    }
}

/// How long the run will be, from where the first trial begins if there are some. The recording
/// is read for that, and nothing else done.
///
/// # Errors
/// As [`RunOptions::open_recording`].
pub fn length(
    options: &RunOptions,
    settings: &Settings,
    trials: Option<&[Trial]>,
) -> Result<Micros> {
    if let (Some(steps), None) = (settings.steps, trials) {
        return Ok(Micros(settings.dt.0.saturating_mul(i64::try_from(steps).unwrap_or(i64::MAX))));
    }
    let (mut recording, _) = options.open_recording()?;
    recording.set_frame(settings.dt);
    let mut reader = Reader::new(settings.order);
    while reader.next(&mut recording).is_some() {}
    let frames = recording.frames();
    let Some((first, last)) = reader.finish(&recording).span else { return Ok(settings.dt) };
    let (first, end) = match frames {
        Some(frames) => (0, settings.dt.0.saturating_mul(frames as i64)),
        None => (first, last.saturating_add(1)),
    };
    if let Some(trials) = trials {
        let last = trials.iter().map(|trial| trial.window.to).max().unwrap_or(end);
        let length = Micros(last.min(end)) - Micros(first_start(trials));
        return Ok(length.max(settings.dt));
    }
    let zero = if settings.origin == Origin::First { first } else { 0 };
    let from = settings.from.map_or(first, |from| zero.saturating_add(from.0));
    let to = settings.to.map_or(end, |to| end.min(zero.saturating_add(to.0)));
    Ok(Micros(to.saturating_sub(from).max(settings.dt.0)))
}

/// How time passes: frames of whole steps.
///
/// # Errors
/// Frames that would be shown for too short or too long a time.
fn pace(args: &Args, replay: &Replay<'_>, length: Micros) -> Result<Pace> {
    let (step, tick) = (replay.settings().dt.0, replay.tick());
    let least = (FRAME.0 as f64 * args.speed) as i64;
    let frame = args.frame.map_or(least.max(length.0 / FRAMES), |frame| frame.0);
    let frame = (frame.max(1) as u64).div_ceil(step as u64).saturating_mul(step as u64);
    let shown = Micros((frame as f64 / args.speed).round() as i64);
    if shown < SHOWN.0 || shown > SHOWN.1 {
        let found = format!("frames that are shown for {shown}");
        let expected = format!("{} to {} (--frame divided by --speed)", SHOWN.0, SHOWN.1);
        return Err(Error::new(ErrorKind::Usage, found, expected));
    }
    Ok(Pace { tick, ticks: frame / tick.0 as u64, shown, length })
}

fn speed(text: &str) -> Result<f64> {
    let speed = text.parse().ok().filter(|speed| (1e-3..=1e3).contains(speed));
    let refuse =
        || Error::new(ErrorKind::Usage, format!("'{text}'"), "a factor from 0.001 to 1000");
    speed.ok_or_else(refuse)
}
