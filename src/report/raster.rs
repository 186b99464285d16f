//! Which bands the raster of a network has, what its film shows, and what stands above them.

use super::build::{Made, Outcome};
use super::{answered, replay, through};
use crate::corpus::gesture;
use crate::draw::words::duration;
use crate::draw::{Band, Cast, Heading, Labelled, Output, Rows, Span};
use crate::engine::Plan;
use crate::network::{Network, Unit};
use crate::replay::{Advance, Replay};
use crate::signal::Shape;
use crate::units::Micros;

/// Bands for the input, every spiking population in the order of evaluation, and the
/// output.
pub fn bands(network: &Network, plan: &Plan, classes: Option<&[String]>) -> Vec<Band> {
    let answer = answering_unit(network, plan);
    let inner = plan.sequence.iter().copied().filter(|&unit| {
        let is_neuron = matches!(network.units[unit].unit, Unit::Neuron(_));
        is_neuron && plan.spikes[unit] && Some(unit) != answer
    });
    let first = (
        network.input,
        Rows::Inputs { polarity: has_polarity(&network.units[network.input].output) },
    );
    let last = answer.map(|unit| (unit, Rows::Classes(classes.map(<[String]>::to_vec))));
    let units = std::iter::once(first).chain(inner.map(|unit| (unit, Rows::Neurons))).chain(last);
    units.map(|(unit, rows)| band(network, unit, rows)).collect()
}

fn band(network: &Network, unit: usize, rows: Rows) -> Band {
    let wired = &network.units[unit];
    let label = format!("{} · {} · {}", wired.name, wired.unit.nir(), wired.output);
    Band { unit, label, shape: wired.output.clone(), rows }
}

/// Who is in the film of a replay, on a sensor of so many columns and rows.
pub fn cast(
    replay: &Replay<'_>,
    classes: Option<&[String]>,
    pixels: (usize, usize),
    [title, subtitle]: [String; 2],
) -> Cast {
    let (network, plan) = (replay.network(), replay.plan());
    let mut bands = bands(network, plan, classes).into_iter();
    let input = bands.next().expect("the input is the first band");
    let layers = bands.filter(|band| !matches!(band.rows, Rows::Classes(_))).collect();
    let output = has_answer(network).then(|| Output {
        band: band(network, network.output, Rows::Classes(classes.map(<[String]>::to_vec))),
        spikes: plan.spikes[network.output],
    });
    Cast { title, subtitle, input, pixels, layers, output, trials: Vec::new() }
}

/// Trials of a film that begins at `origin`, in the order of their beginnings, and which
/// output is right: that of the label's name, or where outputs have no names of its number.
pub fn labelled(
    trials: &[gesture::Trial],
    classes: Option<&[String]>,
    origin: i64,
    tick: Micros,
) -> Vec<Labelled> {
    let labelled = |trial: &gesture::Trial| Labelled {
        from: ticks_between(origin, trial.window.from, tick),
        to: ticks_between(origin, trial.window.to, tick),
        name: trial.name().to_owned(),
        output: match classes {
            Some(names) => names.iter().position(|name| name == trial.name()),
            None => Some(usize::from(trial.class) - 1),
        },
    };
    let mut all: Vec<Labelled> = trials.iter().map(labelled).collect();
    all.sort_by_key(|trial| trial.from);
    all
}

/// The unit whose spikes are the answer: the population before the output, or
/// the output itself where that merges several or reroutes them.
fn answering_unit(network: &Network, plan: &Plan) -> Option<usize> {
    let output = &network.units[network.output];
    let unit = match output.sources[..] {
        [source] if matches!(network.units[source].unit, Unit::Neuron(_)) => source,
        _ => network.output,
    };
    (plan.spikes[unit] && unit != network.input && has_answer(network)).then_some(unit)
}

/// Whether the output is more than the input handed on, as of a recording alone.
fn has_answer(network: &Network) -> bool {
    network.units[network.output].sources != [network.input]
}

fn has_polarity(input: &Shape) -> bool {
    input.axes().len() == 1 || input.channels() == 2
}

/// The ticks from `origin` to a time after it.
pub fn ticks_between(origin: i64, time: i64, tick: Micros) -> u64 {
    time.saturating_sub(origin).max(0) as u64 / tick.0 as u64
}

/// What stands above the raster of a replay that began at `origin`.
pub fn heading(made: &Made<'_>, total: &replay::Output, origin: i64) -> Heading {
    let [title, mut subtitle] =
        titles(made.replay, &made.origin.input.path, &made.origin.network.path);
    let answer = answer(total).filter(|_| has_answer(made.replay.network()));
    if matches!(made.outcome, Outcome::Trials(_)) {
        subtitle += &from_first_trial(origin);
    }
    if let (Outcome::Whole(_), Some(answer)) = (&made.outcome, answer) {
        subtitle += &format!(", answer: {answer}");
    }
    Heading { title, subtitle, spans: spans(made, origin) }
}

/// Where time begins in a picture of trials, the first of which begins at `origin` on the
/// recording's clock.
pub fn from_first_trial(origin: i64) -> String {
    format!(", from the first trial on, at {}", duration(Micros(origin)))
}

/// What ran through what, and how.
pub fn titles(replay: &Replay<'_>, input: &str, network: &str) -> [String; 2] {
    let settings = replay.settings();
    let engine = match settings.advance {
        Advance::Clocked => format!("clocked, {} a step", settings.dt),
        Advance::Event => "event-driven".to_owned(),
        Advance::Quanta => format!("event-driven, {} a quantum", settings.dt),
    };
    let how = match has_answer(replay.network()) {
        true => format!("convention {}, {engine}", settings.conventions),
        false => engine,
    };
    [through(input, network), how]
}

fn answer(output: &replay::Output) -> Option<String> {
    answered(output.prediction, output.class.as_deref())
}

fn spans(made: &Made<'_>, origin: i64) -> Vec<Span> {
    let Outcome::Trials(trials) = &made.outcome else { return Vec::new() };
    let tick = made.replay.tick();
    let span = |trial: &gesture::Trial, output: replay::Output| Span {
        from: ticks_between(origin, trial.window.from, tick),
        to: ticks_between(origin, trial.window.to, tick),
        label: match answer(&output) {
            _ if !has_answer(made.replay.network()) => trial.name().to_owned(),
            Some(answer) if answer == trial.name() => format!("{answer}: correct"),
            Some(answer) => format!("{}: answered {answer}", trial.name()),
            None => format!("{}: no answer", trial.name()),
        },
    };
    trials.iter().map(|(trial, answer)| span(trial, made.output_of(answer))).collect()
}
