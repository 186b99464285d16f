//! A network becomes an event-driven engine: its dynamics, and who hears whom, and when.

use super::{Dynamics, EventDriven, Free, Quanta, clockless};
use crate::engine::Plan;
use crate::engine::parts::{self, Part, Ticks, Work};
use crate::error::Result;
use crate::network::Network;
use crate::neuron::preset::Conventions;
use crate::units::Micros;

/// Microseconds that 64 bits of floating point still tell apart, with room for
/// fractions: three years.
const LONGEST_DELAY: f64 = 1e14;

/// Who hears a unit: at once, and late.
#[derive(Clone, Default)]
pub struct Readers {
    /// In the same front.
    pub now: Vec<usize>,
    /// One nominal step later.
    pub late: Vec<usize>,
}

impl EventDriven<Free> {
    /// Binds a network, to run without a grid. `dt` is the step that the
    /// convention's gains are meant for, and what a loop takes.
    ///
    /// # Errors
    /// A step that is not positive; what has no meaning without a clock, named with its
    /// unit: conventions that are rules for steps, potentials and biases that are passed on
    /// step by step.
    pub fn new(
        network: &Network,
        conventions: &Conventions,
        dt: Micros,
    ) -> Result<EventDriven<Free>> {
        parts::check_step(dt)?;
        let tick = Micros(1);
        let ticks = Ticks { tick: tick.seconds(), whole: false, longest: LONGEST_DELAY };
        let drives = clockless::drives(network)?;
        clockless::refuse_potentials(network)?;
        let (parts, mut plan) =
            parts::bind(network, conventions, dt.seconds(), ticks, |unit, wired, neuron| {
                let flow = neuron.flow(dt.seconds(), &wired.output, conventions, &drives[unit])?;
                let model = neuron.model();
                let refractory = conventions.for_model(model.nir)?.refractory;
                Ok(Free::new(flow, tick, dt, refractory, model.spikes))
            })?;
        plan.notes.extend(clockless::cautions(network, conventions, dt.seconds()));
        Ok(EventDriven::of(network, (parts, plan), tick, dt.0 as f64))
    }
}

impl EventDriven<Quanta> {
    /// Binds a network, to run in quanta of time: what happens in one of them is
    /// simultaneous.
    ///
    /// # Errors
    /// As [`crate::engine::Clocked::new`].
    pub fn in_quanta(
        network: &Network,
        conventions: &Conventions,
        quantum: Micros,
    ) -> Result<EventDriven<Quanta>> {
        parts::check_step(quantum)?;
        let dt = quantum.seconds();
        let ticks = Ticks { tick: dt, whole: true, longest: LONGEST_DELAY };
        let bound = parts::bind(network, conventions, dt, ticks, |_, wired, neuron| {
            let population = neuron.at(dt, &wired.output, conventions)?;
            Ok(Quanta::new(population, neuron.model().spikes))
        })?;
        Ok(EventDriven::of(network, bound, quantum, 1.0))
    }
}

impl<D: Dynamics> EventDriven<D> {
    fn of(
        network: &Network,
        (parts, plan): (Vec<Part<D>>, Plan),
        tick: Micros,
        late: f64,
    ) -> EventDriven<D> {
        let mut position = vec![0; parts.len()];
        plan.sequence.iter().enumerate().for_each(|(i, &unit)| position[unit] = i);
        let mut readers = vec![Readers::default(); parts.len()];
        for (unit, part) in parts.iter().enumerate() {
            for &source in &part.sources {
                let is_delay = matches!(parts[source].work, Work::Delayed(_));
                let closes = position[source] >= position[unit] || parts[source].sends_later;
                match closes && !(is_delay && parts[source].sends_later) {
                    true => readers[source].late.push(unit),
                    false => readers[source].now.push(unit),
                }
            }
        }
        let has_bias = |part: &Part<D>| match &part.work {
            Work::Weighted(weighted) => weighted.bias().is_some(),
            _ => false,
        };
        let never_rests = |&unit: &usize| parts[unit].listed && has_bias(&parts[unit]);
        let ceaseless = (0..parts.len()).filter(never_rests).collect();
        EventDriven { parts, plan, readers, input: network.input, tick, late, ceaseless }
    }
}
