//! The event-driven engine: what nothing reaches is not touched.
//!
//! Whatever happens at one time is a *front*: the events of the camera, spikes
//! that arrive late, neurons that reach their threshold by themselves. Within a
//! front units are evaluated in the network's order, as in a step of the clocked
//! engine, but only those that hear something, and of a population only the blocks
//! that something reached. Between fronts nothing happens; a block is brought up
//! to date when the next thing reaches it.
//!
//! What a population does with the time between is its [`Dynamics`]:
//!
//! - [`Free`]: there is no grid. States follow their closed form ([`crate::neuron::flow::Flow`]), and
//!   crossings of the threshold come from the queue at their own times.
//! - [`Quanta`]: simultaneous is what falls into one quantum. States take the steps
//!   of the clocked engine, late; the spikes are the same, bit for bit.
//!
//! A signal that closes a loop, or that a convention holds back for a step, arrives
//! one nominal step after it was sent; in quanta, one quantum.

mod binding;
mod clockless;
mod free;
mod quanta;
mod queue;

pub use free::Free;
pub use quanta::Quanta;

use std::collections::VecDeque;

use super::parts::{self, Part, Work};
use super::{Engine, Observer, Operations, Plan};
use crate::signal::{Accumulator, Merge, Spikes};
use crate::units::Micros;
use binding::Readers;
use queue::Queue;

/// How the neurons of a population spend the time between fronts.
pub trait Dynamics: Send + Sync {
    /// The state of all neurons.
    type Cells;

    /// Whether a constant input comes once a tick, like all others; else it is part
    /// of the dynamics.
    const IN_STEPS: bool;

    /// `len` neurons at the beginning.
    fn start(&self, len: usize) -> Self::Cells;

    /// The tick at which something happens by itself.
    fn next(&self, cells: &mut Self::Cells) -> Option<f64>;

    /// Brings what `inputs` reach, and what happens by itself, to the tick `now`,
    /// and appends to `sent` what is sent. Returns how many neurons that concerned.
    fn front(
        &self,
        cells: &mut Self::Cells,
        now: f64,
        inputs: &[&Accumulator],
        sent: &mut Spikes,
    ) -> u64;

    /// Ends the run: says whether there is something that the next front sends
    /// because of that.
    fn end(&self, cells: &mut Self::Cells) -> bool;

    /// What a report should say about a run that came to this state.
    fn remarks(&self, cells: &Self::Cells) -> Vec<String>;
}

/// A network bound to a convention, to run event by event. It does not change
/// while it runs: what does is in a [`State`].
pub struct EventDriven<D> {
    parts: Vec<Part<D>>,
    plan: Plan,
    readers: Vec<Readers>,
    input: usize,
    tick: Micros,
    /// Ticks until a signal that closes a loop arrives.
    late: f64,
    /// Connections whose bias is read as a list, once a tick.
    ceaseless: Vec<usize>,
}

/// Everything that changes while a network runs.
pub struct State<D: Dynamics> {
    now: f64,
    units: Vec<UnitState<D>>,
    /// Signals on their way to those who hear them late: when they arrive, and
    /// whose they are. All take equally long.
    late: VecDeque<(f64, usize, Spikes)>,
}

struct UnitState<D: Dynamics> {
    /// What the others hear in this front.
    sent: Spikes,
    /// What arrives late of it.
    arriving: Spikes,
    memory: Memory<D>,
    /// Whether it has something to do in this front.
    called: bool,
}

enum Memory<D: Dynamics> {
    None,
    Population {
        cells: D::Cells,
        /// Inputs that come as lists.
        sums: Accumulator,
    },
    Weighted(Accumulator),
    Routed(Merge),
    Delayed {
        /// Entries on their way.
        held: Queue<(u32, f32, u32)>,
        merge: Merge,
    },
}

impl<D: Dynamics> Default for UnitState<D> {
    fn default() -> UnitState<D> {
        UnitState {
            sent: Spikes::default(),
            arriving: Spikes::default(),
            memory: Memory::None,
            called: false,
        }
    }
}

impl<D: Dynamics> EventDriven<D> {
    /// The time of the next front that needs no input.
    fn next(&self, state: &mut State<D>) -> Option<f64> {
        let mut next = state.late.front().map(|(due, ..)| *due);
        let mut sooner = |time: Option<f64>| {
            next = match (next, time) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        };
        if !self.ceaseless.is_empty() {
            sooner(Some(state.now.floor() + 1.0));
        }
        for (part, unit) in self.parts.iter().zip(&mut state.units) {
            match (&part.work, &mut unit.memory) {
                (Work::Population(dynamics), Memory::Population { cells, .. }) => {
                    sooner(dynamics.next(cells));
                }
                (_, Memory::Delayed { held, .. }) => sooner(held.first().map(|(due, _)| due)),
                _ => (),
            }
        }
        next
    }

    fn run_until(&self, state: &mut State<D>, until: f64, observer: &mut impl Observer) {
        while let Some(next) = self.next(state).filter(|&next| next < until) {
            self.front(state, next, None, observer);
        }
    }

    /// Everything that happens at the tick `now`.
    fn front(
        &self,
        state: &mut State<D>,
        now: f64,
        input: Option<&Spikes>,
        observer: &mut impl Observer,
    ) {
        state.now = now;
        self.call(state, input);
        self.answer_call(state, now as u64, observer);
    }

    /// Evaluates the units that were called, and those that hear them.
    fn answer_call(&self, state: &mut State<D>, step: u64, observer: &mut impl Observer) {
        for &unit in &self.plan.sequence {
            if !state.units[unit].called {
                continue;
            }
            // taken out, so that the others can be read while it changes
            let mut own = std::mem::take(&mut state.units[unit]);
            let done = self.evaluate(unit, &mut own, state, observer);
            if done.operations != Operations::default() {
                observer.operated(step, unit, done.operations);
            }
            if done.updated > 0 {
                observer.updated(step, unit, done.updated);
            }
            let Readers { now, late } = &self.readers[unit];
            if !own.sent.is_empty() {
                observer.sent(step, unit, &own.sent);
                if !late.is_empty() {
                    state.late.push_back((state.now + self.late, unit, own.sent.clone()));
                }
            }
            if !own.sent.is_empty() || done.operations != Operations::default() {
                now.iter().for_each(|&reader| state.units[reader].called = true);
            }
            state.units[unit] = own;
        }
        for unit in &mut state.units {
            unit.arriving.clear();
            if std::mem::take(&mut unit.called) {
                unit.sent.clear();
                if let Memory::Weighted(sums) = &mut unit.memory {
                    sums.clear();
                }
            }
        }
    }

    /// Delivers what arrives now, and calls on those that hear it.
    fn call(&self, state: &mut State<D>, input: Option<&Spikes>) {
        let State { now, units, late } = state;
        while late.front().is_some_and(|(due, ..)| due <= now) {
            let Some((_, source, arriving)) = late.pop_front() else { break };
            units[source].arriving.merge(arriving);
            self.readers[source].late.iter().for_each(|&reader| units[reader].called = true);
        }
        for (unit, part) in self.parts.iter().enumerate() {
            let UnitState { memory, sent, called, .. } = &mut units[unit];
            match (&part.work, memory) {
                (Work::Delayed(_), Memory::Delayed { held, merge }) => {
                    while let Some((address, value, count)) = held.pop(*now) {
                        merge.add(address, value, count);
                        *called = true;
                    }
                    if *called && part.sends_later {
                        // ahead of its turn: those who hear it may come before it
                        merge.drain(sent);
                        self.readers[unit].now.iter().for_each(|&r| units[r].called = true);
                    }
                }
                (Work::Population(dynamics), Memory::Population { cells, .. }) => {
                    *called |= dynamics.next(cells).is_some_and(|next| next <= *now);
                }
                _ => (),
            }
        }
        self.ceaseless.iter().for_each(|&unit| units[unit].called = true);
        if let Some(input) = input {
            units[self.input].sent.clone_from(input);
            units[self.input].called = true;
        }
    }

    fn evaluate(
        &self,
        unit: usize,
        own: &mut UnitState<D>,
        state: &mut State<D>,
        observer: &mut impl Observer,
    ) -> Done {
        let part = &self.parts[unit];
        let UnitState { sent, arriving, memory, .. } = own;
        let State { now, units, .. } = state;
        let is_late = |source: usize| self.readers[source].late.contains(&unit);
        let signal = |source: usize| match (source == unit, is_late(source)) {
            (true, _) => &*arriving,
            (false, true) => &units[source].arriving,
            (false, false) => &units[source].sent,
        };
        let heard = || part.sources.iter().map(|&source| signal(source));
        match (&part.work, memory) {
            (Work::Weighted(weighted), Memory::Weighted(sums)) => {
                let entries = heard().filter(|entries| !entries.is_empty());
                entries.for_each(|entries| observer.heard(*now as u64, unit, entries));
                let kinds = part.sources.iter().map(|&source| self.parts[source].spikes);
                let operations = parts::weigh(weighted.as_ref(), kinds.zip(heard()), sums);
                if part.listed {
                    sums.list(part.len, sent);
                }
                return Done { operations, updated: 0 };
            }
            (Work::Routed(routed), Memory::Routed(merge)) => {
                parts::reroute(routed.as_ref(), heard(), merge, sent);
            }
            (Work::Output, Memory::Routed(merge)) => parts::merge_all(heard(), merge, sent),
            (Work::Delayed(delays), Memory::Delayed { held, merge }) => {
                for (address, value, count) in heard().flat_map(Spikes::iter) {
                    match delays[address as usize] {
                        0.0 => merge.add(address, value, count),
                        delay => held.push(*now + delay, (address, value, count)),
                    }
                }
                merge.drain(sent);
            }
            (Work::Population(dynamics), Memory::Population { cells, sums }) => {
                sums.clear();
                let mut direct = Vec::with_capacity(part.sources.len() + 1);
                for &source in &part.sources {
                    match &units[source].memory {
                        Memory::Weighted(sums) if source != unit => direct.push(sums),
                        _ => signal(source).iter().for_each(|(a, v, _)| sums.add(a as usize, v)),
                    }
                }
                if direct.len() < part.sources.len() {
                    direct.push(sums);
                }
                let updated = dynamics.front(cells, *now, &direct, sent);
                return Done { operations: Operations::default(), updated };
            }
            (_, _) => (),
        }
        Done::default()
    }
}

/// What came of evaluating a unit.
#[derive(Default)]
struct Done {
    operations: Operations,
    updated: u64,
}

impl<D: Dynamics> Engine for EventDriven<D> {
    type State = State<D>;

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn tick(&self) -> Micros {
        self.tick
    }

    fn start(&self) -> State<D> {
        let mut units: Vec<UnitState<D>> = Vec::with_capacity(self.parts.len());
        units.resize_with(self.parts.len(), UnitState::default);
        for (part, unit) in self.parts.iter().zip(&mut units) {
            unit.memory = match &part.work {
                Work::Input => Memory::None,
                Work::Population(dynamics) => Memory::Population {
                    cells: dynamics.start(part.len),
                    sums: Accumulator::new(part.len),
                },
                Work::Output | Work::Routed(_) => Memory::Routed(Merge::new(part.len)),
                Work::Delayed(_) => {
                    Memory::Delayed { held: Queue::default(), merge: Merge::new(part.len) }
                }
                Work::Weighted(weighted) => Memory::Weighted(match weighted.bias() {
                    Some(bias) if D::IN_STEPS => Accumulator::resting_at(&bias, part.len),
                    _ => Accumulator::new(part.len),
                }),
            };
        }
        State { now: -1.0, units, late: VecDeque::new() }
    }

    fn receive(
        &self,
        state: &mut State<D>,
        tick: u64,
        input: &Spikes,
        observer: &mut impl Observer,
    ) {
        assert!(tick as f64 > state.now, "tick {tick} after the {} that was run", state.now);
        parts::check_input(input, self.parts[self.input].len);
        self.run_until(state, tick as f64, observer);
        self.front(state, tick as f64, Some(input), observer);
    }

    fn finish(&self, state: &mut State<D>, until: u64, observer: &mut impl Observer) {
        self.run_until(state, until as f64, observer);
        state.now = until as f64;
        for (part, unit) in self.parts.iter().zip(&mut state.units) {
            if let (Work::Population(dynamics), Memory::Population { cells, .. }) =
                (&part.work, &mut unit.memory)
            {
                unit.called = dynamics.end(cells);
            }
        }
        self.answer_call(state, until.saturating_sub(1), observer);
    }

    fn remarks(&self, state: &State<D>) -> Vec<(usize, String)> {
        let units = self.parts.iter().zip(&state.units).enumerate();
        let of_unit = |(unit, (part, own)): (usize, (&Part<D>, &UnitState<D>))| {
            let remarks = match (&part.work, &own.memory) {
                (Work::Population(dynamics), Memory::Population { cells, .. }) => {
                    dynamics.remarks(cells)
                }
                _ => Vec::new(),
            };
            remarks.into_iter().map(move |remark| (unit, remark))
        };
        units.flat_map(of_unit).collect()
    }
}
