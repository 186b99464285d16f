//! What the plots of a run show.

use std::collections::BTreeSet;

use crate::draw::Neuron;
use crate::engine::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::network::{Network, Unit};

/// Neurons that are looked at where nobody says which.
const NEURONS: usize = 8;

/// The neurons that a text names: `LAYER` for its first ones, `LAYER:3,17` for these, as
/// files count them; without a text the first ones of the last spiking population.
///
/// # Errors
/// A layer or a neuron that there is not, or a layer that does not spike.
pub fn neurons(
    network: &Network,
    plan: &Plan,
    classes: Option<&[String]>,
    text: Option<&str>,
) -> Result<Vec<Neuron>> {
    let is_spiking =
        |unit: &usize| matches!(network.units[*unit].unit, Unit::Neuron(_)) && plan.spikes[*unit];
    let spiking: Vec<usize> = plan.sequence.iter().copied().filter(is_spiking).collect();
    let refuse = |found: String| {
        let names = spiking.iter().map(|&unit| network.units[unit].name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        Error::new(ErrorKind::Usage, found, format!("LAYER or LAYER:NEURON,... of {names}"))
    };
    let (layer, list) = match text {
        // a name can have a colon of its own
        Some(text) => match text.rsplit_once(':') {
            Some((layer, list)) if !spiking.iter().any(|&u| network.units[u].name == text) => {
                (Some(layer), Some(list))
            }
            _ => (Some(text), None),
        },
        None => (None, None),
    };
    let found = match layer {
        Some(layer) => spiking.iter().find(|&&unit| network.units[unit].name == layer),
        None => spiking.last(),
    };
    let &unit = found.ok_or_else(|| match text {
        Some(text) => refuse(format!("neurons '{text}'")),
        None => Error::new(ErrorKind::Usage, "a network without spiking neurons", "one with some"),
    })?;
    let wired = &network.units[unit];
    let len = wired.output.len();
    let numbers: Vec<usize> = match list {
        None => (0..len.min(NEURONS)).collect(),
        Some(list) => {
            let number = |n: &str| n.trim().parse().ok().filter(|&n| n < len);
            let numbers: Option<Vec<usize>> = list.split(',').map(number).collect();
            let found = || format!("neurons '{list}' of {}, which has {len}", wired.name);
            let numbers = numbers.ok_or_else(|| refuse(found()))?;
            if numbers.iter().collect::<BTreeSet<_>>().len() < numbers.len() {
                return Err(Error::new(ErrorKind::Usage, found(), "each neuron once"));
            }
            numbers
        }
    };
    let answers = network.units[network.output].sources == [unit];
    let neuron = |number: usize| {
        let class = classes.filter(|_| answers).and_then(|names| names.get(number));
        let class = class.map(|name| format!(" ({name})")).unwrap_or_default();
        Neuron {
            unit,
            address: wired.output.address(number),
            label: format!("{} · {} · neuron {number}{class}", wired.name, wired.unit.nir()),
        }
    };
    Ok(numbers.into_iter().map(neuron).collect())
}
