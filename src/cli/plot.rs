//! `synops plot`: pictures of a run beside its raster.

use std::path::PathBuf;

use super::labels::labels;
use super::options::{Opened, RunOptions};
use super::output;
use super::player::Player;
use super::raster::open_network;
use super::render::{length, pixels};
use crate::disk;
use crate::draw::{Picture, Rates, Scene, Sight, Traces, Views};
use crate::error::{Error, ErrorKind, Result};
use crate::replay::Advance;
use crate::report::plot::neurons;
use crate::report::raster::cast;
use crate::units::Micros;

/// Draw a run: membrane potentials, firing rates, event frames, time surfaces
///
/// Example: synops plot potentials user24_led.aedat --network gesture.nir --neurons fc1:0,7 --out v.svg
#[derive(clap::Args)]
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
    /// [default: 33ms]
    #[arg(long, value_name = "TIME")]
    window: Option<Micros>,
}

/// The window where none was asked for.
const WINDOW: Micros = Micros(33_000);

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
    refuse_idle_words(args)?;
    let opened = open_network(&args.run)?;
    let (scene, damage) = observe(args, &opened)?;
    disk::write(&args.out, &scene.render(picture)?)?;
    output::print_path("", &args.out, "")?;
    damage.map_or(Ok(()), Err)
}

/// Refuses what the kind of picture has no use for, and a window without length.
fn refuse_idle_words(args: &Args) -> Result<()> {
    let refuse = |found: &str, expected| Err(Error::new(ErrorKind::Usage, found, expected));
    let is_of_events = matches!(args.kind, Kind::Frames | Kind::Surface);
    match args.window {
        _ if args.neurons.is_some() && args.kind != Kind::Potentials => {
            refuse("--neurons", "potentials, which are those of chosen neurons")
        }
        Some(_) if !is_of_events => refuse("--window", "frames or surface, which look back so far"),
        Some(window) if window <= Micros(0) => {
            refuse(&format!("a window of {} µs", window.0), "a positive time")
        }
        _ => Ok(()),
    }
}

/// Runs the recording, or its trials, before the observer of the kind of picture; gives that
/// picture, and what ended the recording early.
fn observe(args: &Args, opened: &Opened) -> Result<(Scene, Option<Error>)> {
    let (network, labels) = (&opened.network, labels(&args.run)?);
    let player = Player::new(&args.run, opened, labels.is_some())?;
    let replay = player.replay();
    let source = args.run.open_recording()?;
    let pixels = pixels(network, &args.run, &source.0);
    let cast = cast(replay, player.classes(), pixels, Default::default());
    if args.kind == Kind::Potentials {
        if replay.settings().advance != Advance::Clocked {
            let found = format!("--engine {}", replay.settings().advance.name());
            return Err(Error::new(ErrorKind::Usage, found, "--engine clocked, for potentials"));
        }
        let chosen = neurons(network, replay.plan(), player.classes(), args.neurons.as_deref())?;
        let shown = player.show(source, labels.as_ref(), Traces::new(chosen, replay.tick()))?;
        return Ok((shown.observer.draw(&shown.heading, shown.ticks), shown.damage));
    }
    if args.kind == Kind::Rates {
        let output = cast.output.filter(|output| output.spikes).map(|output| output.band);
        let layers = cast.layers.into_iter().chain(output);
        let rates = Rates::new(std::iter::once(cast.input).chain(layers).collect());
        let shown = player.show(source, labels.as_ref(), rates)?;
        return Ok((shown.observer.draw(&shown.heading, shown.ran), shown.damage));
    }
    let window = args.window.unwrap_or(WINDOW);
    let sight = match args.kind {
        Kind::Surface => Sight::Surface(window),
        _ => Sight::Frame(window),
    };
    let (settings, trials) = (replay.settings(), labels.as_ref().map(|(trials, _)| &trials[..]));
    let steps = (length(&args.run, settings, trials)?.0 as u64).div_ceil(settings.dt.0 as u64);
    let ticks = steps * (settings.dt.0 / replay.tick().0) as u64;
    let views = Views::new(cast.input, pixels, sight, (replay.tick(), ticks));
    let shown = player.show(source, labels.as_ref(), views)?;
    Ok((shown.observer.draw(&shown.heading), shown.damage))
}
