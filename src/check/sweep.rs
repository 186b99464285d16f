//! How far off the grid: one recording and network at one step length after the
//! other, and without a grid.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::event::Tally;
use crate::format::Recording;
use crate::measure::{Energy, Readout, Table};
use crate::network::{Network, Unit};
use crate::neuron::convention::Input;
use crate::neuron::preset::Conventions;
use crate::replay::{Advance, Replay, Settings, Take};
use crate::units::Micros;

/// What came of one step length.
#[derive(Debug)]
pub struct Point {
    /// The step; none without a grid.
    pub dt: Option<Micros>,
    /// Steps that were run; nominal ones without a grid.
    pub steps: u64,
    /// Spikes of all populations.
    pub spikes: u64,
    /// Synaptic operations.
    pub synaptic_ops: u64,
    /// What came out.
    pub readout: Readout,
    /// By the usual table.
    pub energy: Energy,
    /// Time that it took.
    pub elapsed: Duration,
    /// What was read.
    pub take: Take,
    /// What the window cut off.
    pub cut: Tally,
    /// What binning merged or left outside.
    pub binned: Tally,
}

/// The step lengths that show something on most recordings.
pub const STEPS: [Micros; 7] = [
    Micros(10_000),
    Micros(5_000),
    Micros(2_000),
    Micros(1_000),
    Micros(500),
    Micros(200),
    Micros(100),
];

/// Runs a recording at every step length, and last without a grid if that has a
/// meaning; what is said of it when it has none comes back as an error in the
/// second place. `open` opens the recording anew; `progress` is told how many bytes
/// have been read, over all runs.
///
/// # Errors
/// What binding, reading or running refuses at a step length.
pub fn run(
    network: &Network,
    settings: &Settings,
    steps: &[Micros],
    open: impl Fn() -> Result<Recording>,
    mut progress: impl FnMut(u64),
) -> Result<(Vec<Point>, Option<Error>)> {
    let (mut points, mut read) = (Vec::new(), 0);
    let mut point = |replay: &Replay<'_>| {
        let mut recording = open()?;
        let point = point(replay, &mut recording, |offset| progress(read + offset));
        read += recording.len();
        point
    };
    for &dt in steps {
        let settings = Settings { advance: Advance::Clocked, dt, ..settings.clone() };
        points.push(point(&Replay::new(network, settings)?)?);
    }
    let settings = Settings { advance: Advance::Event, ..settings.clone() };
    match Replay::new(network, settings) {
        Ok(replay) => points.push(point(&replay)?),
        Err(error) => return Ok((points, Some(error))),
    }
    Ok((points, None))
}

/// Whether a spike's charge depends on the step, so that no limit is approached.
///
/// # Errors
/// A convention that contradicts itself.
pub fn charges_grow_with_the_step(network: &Network, conventions: &Conventions) -> Result<bool> {
    for wired in &network.units {
        if let Unit::Neuron(neuron) = &wired.unit
            && conventions.for_model(neuron.model().nir)?.input != Input::Impulse
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn point(
    replay: &Replay<'_>,
    recording: &mut Recording,
    progress: impl FnMut(u64),
) -> Result<Point> {
    let (mut take, answer) = replay.run(recording, (), progress)?;
    take.damage.take().map_or(Ok(()), |damage| Err(damage.in_file(recording.path())))?;
    let total = answer.counts.total();
    let settings = replay.settings();
    Ok(Point {
        dt: (settings.advance == Advance::Clocked).then_some(settings.dt),
        steps: answer.steps,
        spikes: total.spikes,
        synaptic_ops: total.synaptic_ops,
        readout: answer.counts.readout(answer.steps),
        energy: Table::usual()?.price(&total),
        elapsed: answer.elapsed,
        take,
        cut: answer.cut,
        binned: answer.binned,
    })
}
