//! `synops plot`: pictures of a run beside its raster.

use std::path::PathBuf;

use super::options::{Opened, RunOptions};
use super::output;
use super::progress::Progress;
use super::raster::open_network;
use super::render::{length, pixels};
use crate::disk;
use crate::draw::{Picture, Rates, Scene, Sight, Traces, Views};
use crate::engine::Observer;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Recording;
use crate::replay::{Advance, Answer, Replay};
use crate::report::plot::neurons;
use crate::report::raster::{cast, titles};
use crate::units::Micros;

/// Draw a run: membrane potentials, firing rates, event frames, time surfaces
///
/// Example: synops plot potentials user24_led.aedat --network gesture.nir --neurons fc1:0,7 --out v.svg
#[derive(clap::Args)]
#[command(mut_arg("labels", |arg| arg.hide(true)))]
pub struct Args {
    /// What to draw
    #[arg(value_name = "KIND")]
    kind: Kind,

    #[command(flatten)]
    run: RunOptions,

    /// The picture, a .png or .svg
    #[arg(long, short, value_name = "FILE", default_value = "plot.png")]
    out: PathBuf,

    /// Whose potentials, as the network's file counts [default: the first of the last layer]
    #[arg(long, value_name = "LAYER[:NEURON,...]")]
    neurons: Option<String>,

    /// How long an event frame gathers, and the time constant with which a surface fades
    #[arg(long, value_name = "TIME", default_value = "33ms")]
    window: Micros,
}

/// What to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Membrane potentials of chosen neurons, with threshold and spikes
    Potentials,
    /// Firing rates of every layer's neurons, channels as tiles
    Rates,
    /// The input's events at eight times
    Frames,
    /// The input's last events at eight times, fading with age
    Surface,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let picture = Picture::of(&args.out)?;
    if args.window <= Micros(0) {
        let found = format!("a window of {} µs", args.window.0);
        return Err(Error::new(ErrorKind::Usage, found, "a positive time"));
    }
    let opened = open_network(&args.run)?;
    let (scene, damage) = observe(args, &opened, args.kind)?;
    disk::write(&args.out, &scene.render(picture)?)?;
    output::print(&format!("{}\n", args.out.display()))?;
    damage.map_or(Ok(()), Err)
}

fn bind<'n>(args: &Args, opened: &'n Opened) -> Result<Replay<'n>> {
    let settings = args.run.settings(&opened.network)?;
    Replay::new(&opened.network, settings).map_err(|e| e.in_file(opened.origins.path.as_ref()))
}

/// Runs the recording before the observer of a kind of picture; gives that picture, and
/// what ended the recording early.
fn observe(args: &Args, opened: &Opened, kind: Kind) -> Result<(Scene, Option<Error>)> {
    let (network, replay) = (&opened.network, bind(args, opened)?);
    let (mut recording, input) = args.run.open_recording()?;
    let classes = args.run.class_names(network, false)?;
    let [title, subtitle] = titles(&replay, &input.path, &opened.origins.path);
    let pixels = pixels(network, &args.run, &recording);
    let cast = cast(&replay, classes.as_deref(), pixels, [title.clone(), subtitle.clone()]);
    let per_step = (replay.settings().dt.0 / replay.tick().0) as u64;
    if kind == Kind::Potentials {
        if replay.settings().advance != Advance::Clocked {
            let found = format!("--engine {}", replay.settings().advance.name());
            return Err(Error::new(ErrorKind::Usage, found, "--engine clocked, for potentials"));
        }
        let chosen = neurons(network, replay.plan(), classes.as_deref(), args.neurons.as_deref())?;
        let mut traces = Traces::new(chosen, replay.tick());
        let (answer, damage) = pass(&replay, &mut recording, &mut traces)?;
        return Ok((traces.draw(&title, &subtitle, answer.steps), damage));
    }
    if kind == Kind::Rates {
        let output = cast.output.filter(|output| output.spikes).map(|output| output.band);
        let layers = cast.layers.into_iter().chain(output);
        let mut rates = Rates::new(std::iter::once(cast.input).chain(layers).collect());
        let (answer, damage) = pass(&replay, &mut recording, &mut rates)?;
        let steps = i64::try_from(answer.steps.max(1)).unwrap_or(i64::MAX);
        let length = Micros(replay.settings().dt.0.saturating_mul(steps));
        return Ok((rates.draw(&title, &subtitle, length), damage));
    }
    let sight = match kind {
        Kind::Surface => Sight::Surface(args.window),
        _ => Sight::Frame(args.window),
    };
    let length = length(&args.run, replay.settings())?;
    let ticks = (length.0 as u64).div_ceil(replay.settings().dt.0 as u64) * per_step;
    let mut views = Views::new(cast.input, pixels, sight, (replay.tick(), ticks));
    let (_, damage) = pass(&replay, &mut recording, &mut views)?;
    Ok((views.draw(&title, &subtitle), damage))
}

fn pass(
    replay: &Replay<'_>,
    recording: &mut Recording,
    observer: impl Observer,
) -> Result<(Answer, Option<Error>)> {
    let mut progress = Progress::new(recording.len());
    let (take, answer) = replay.run(recording, observer, |offset| progress.at(offset))?;
    Ok((answer, take.damage))
}
