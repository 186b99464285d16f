//! Which bands the raster of a network has, and what stands above them.

use std::cell::RefCell;
use std::path::Path;

use super::build::{Made, Outcome};
use super::replay::Output;
use crate::corpus::gesture;
use crate::draw::{Band, Heading, Rows, Span};
use crate::engine::{Observer, Plan};
use crate::network::{Network, Unit};
use crate::replay::Advance;
use crate::signal::{Shape, Spikes};
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
    let bands = units.map(|(unit, rows)| {
        let wired = &network.units[unit];
        let label = format!("{} · {} · {}", wired.name, wired.unit.nir(), wired.output);
        Band { unit, label, shape: wired.output.clone(), rows }
    });
    bands.collect()
}

/// The unit whose spikes are the answer: the population before the output, or
/// the output itself where that merges several or reroutes them.
fn answering_unit(network: &Network, plan: &Plan) -> Option<usize> {
    let output = &network.units[network.output];
    let unit = match output.sources[..] {
        [source] if matches!(network.units[source].unit, Unit::Neuron(_)) => source,
        _ => network.output,
    };
    (plan.spikes[unit] && unit != network.input && output.sources != [network.input])
        .then_some(unit)
}

fn has_polarity(input: &Shape) -> bool {
    input.axes().len() == 1 || input.channels() == 2
}

/// One observer that several windows of a recording are shown to, each at its
/// place in the recording.
pub struct Shared<'o, O> {
    /// The observer.
    pub observer: &'o RefCell<O>,
    /// Ticks from the recording's beginning to the window's.
    pub offset: u64,
}

impl<O: Observer> Observer for Shared<'_, O> {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        self.observer.borrow_mut().sent(self.offset + step, unit, sent);
    }
}

/// The ticks from `origin` to a time after it.
pub fn ticks_between(origin: i64, time: i64, tick: Micros) -> u64 {
    time.saturating_sub(origin).max(0) as u64 / tick.0 as u64
}

/// What stands above the raster of a replay that began at `origin`.
pub fn heading(made: &Made<'_>, total: &Output, origin: i64) -> Heading {
    let name = |path: &str| Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned());
    let (input, network) = (name(&made.origin.input), name(&made.origin.network));
    let title: Vec<String> = [input, network].into_iter().flatten().collect();
    let settings = made.replay.settings();
    let engine = match settings.advance {
        Advance::Clocked => format!("clocked, {} a step", settings.dt),
        Advance::Event => "event-driven".to_owned(),
        Advance::Quanta => format!("event-driven, {} a quantum", settings.dt),
    };
    let mut subtitle = format!("convention {}, {engine}", settings.conventions);
    if let (Outcome::Whole(_), Some(answer)) = (&made.outcome, answer(total)) {
        subtitle += &format!(", answer: {answer}");
    }
    Heading { title: title.join(" through "), subtitle, spans: spans(made, origin) }
}

fn answer(output: &Output) -> Option<String> {
    let index = output.prediction?;
    Some(output.class.clone().unwrap_or_else(|| format!("output {index}")))
}

fn spans(made: &Made<'_>, origin: i64) -> Vec<Span> {
    let Outcome::Trials(trials) = &made.outcome else { return Vec::new() };
    let tick = made.replay.tick();
    let span = |trial: &gesture::Trial, output: Output| Span {
        from: ticks_between(origin, trial.window.from, tick),
        to: ticks_between(origin, trial.window.to, tick),
        label: match answer(&output) {
            Some(answer) if answer == trial.name() => format!("{answer}: correct"),
            Some(answer) => format!("{}: answered {answer}", trial.name()),
            None => format!("{}: no answer", trial.name()),
        },
    };
    trials.iter().map(|(trial, answer)| span(trial, made.output_of(answer))).collect()
}
