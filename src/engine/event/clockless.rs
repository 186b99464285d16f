//! What of a network has a meaning without a clock.

use crate::engine::notes::Notes;
use crate::error::{Error, ErrorKind, Result};
use crate::layer::Connection;
use crate::network::{Network, Unit, Wired};
use crate::neuron::flow::Drive;
use crate::neuron::preset::Conventions;
use crate::units::Seconds;

/// The biases that reach each population directly: between events they are a
/// constant input.
///
/// # Errors
/// A bias that something else hears in every step.
pub fn drives(network: &Network) -> Result<Vec<Drive>> {
    let bias = |unit: usize| -> Result<Option<Vec<f32>>> {
        match &network.units[unit].unit {
            Unit::Layer(layer) => {
                let Wired { name, input, output, .. } = &network.units[unit];
                let place = |e: Error| e.at(format!("node '{name}' ({})", layer.nir()));
                match layer.bind(input).map_err(place)? {
                    Connection::Weighted(weighted) => {
                        let each = |bias: Vec<f32>| bias.into_iter().cycle().take(output.len());
                        Ok(weighted.bias().map(|bias| each(bias).collect()))
                    }
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    };
    let mut drives = Vec::with_capacity(network.units.len());
    for wired in &network.units {
        let mut sum: Option<Vec<f64>> = None;
        for &source in &wired.sources {
            let Some(bias) = bias(source)? else { continue };
            if !matches!(wired.unit, Unit::Neuron(_)) {
                if bias.iter().all(|&bias| bias == 0.0) {
                    continue;
                }
                let name = &network.units[source].name;
                let found = format!("a bias that '{}' hears in every step", wired.name);
                return Err(without_clock(found).at(format!("node '{name}'")));
            }
            let sum = sum.get_or_insert_with(|| vec![0.0; bias.len()]);
            sum.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += f64::from(bias));
        }
        drives.push(sum.map_or_else(Drive::none, Drive::of));
    }
    Ok(drives)
}

/// A potential that changes all the time can be the answer, as its mean; nothing
/// else can hear it without a clock.
///
/// # Errors
/// A potential that something hears but the output.
pub fn refuse_potentials(network: &Network) -> Result<()> {
    for wired in network.units.iter().filter(|wired| !matches!(wired.unit, Unit::Output)) {
        let sources = wired.sources.iter().map(|&source| &network.units[source]);
        let analog = |unit: &Unit| matches!(unit, Unit::Neuron(n) if !n.model().spikes);
        if let Some(source) = sources.into_iter().find(|source| analog(&source.unit)) {
            let found = format!("a potential that '{}' hears in every step", wired.name);
            let place = format!("node '{}' ({})", source.name, source.unit.nir());
            return Err(without_clock(found).at(place));
        }
    }
    Ok(())
}

/// What of each population can go unnoticed in a run that is meant for steps of `dt`.
pub fn cautions(network: &Network, conventions: &Conventions, dt: Seconds) -> Vec<String> {
    let mut notes = Notes::default();
    for wired in &network.units {
        if let Unit::Neuron(neuron) = &wired.unit
            && let Some(caution) = neuron.caution_between_events(dt, conventions)
        {
            notes.add(wired, caution);
        }
    }
    notes.lines()
}

fn without_clock(found: String) -> Error {
    Error::new(ErrorKind::Unsupported, found, "--quantum, or --engine clocked")
}
