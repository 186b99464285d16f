//! The clocked engine: every unit once a step, in steps of one length, at a cost
//! that follows the spikes.
//!
//! Within a step units are evaluated in the network's order. A connection
//! scatters the spikes of the step; a population visits the blocks of neurons
//! that something was added to, and those that are awake, see `cells.rs`. A signal
//! that closes a loop is heard one step later, because its sender is evaluated
//! after its receiver. Steps in which nothing would be sent are left out.

use super::cells::{Cells, Reach};
use super::parts::{self, Part, Ticks, Work};
use super::{Engine, Observer, Operations, Plan};
use crate::error::Result;
use crate::network::Network;
use crate::neuron::Population;
use crate::neuron::preset::Conventions;
use crate::signal::{Accumulator, Merge, Spikes};
use crate::units::Micros;

/// The longest delay, in steps; a delay line keeps a list for each.
const LONGEST_DELAY: f64 = 4e6;

/// A network bound to a step length and a convention. It does not change while
/// it runs: what does is in a [`State`].
pub struct Clocked {
    parts: Vec<Part<Box<dyn Population>>>,
    plan: Plan,
    /// The units that send later.
    later: Vec<usize>,
    /// Whether anybody hears a unit before it has its turn: what it sent in the last step.
    heard_late: Vec<bool>,
    input: usize,
    dt: Micros,
}

/// Everything that changes while a network runs.
pub struct State {
    step: u64,
    units: Vec<UnitState>,
}

#[derive(Default)]
struct UnitState {
    /// What the others hear.
    sent: Spikes,
    memory: Memory,
}

#[derive(Default)]
enum Memory {
    #[default]
    None,
    Population {
        cells: Box<Cells>,
        /// Inputs that come as lists.
        sums: Accumulator,
        /// Fired, and sent in the next step.
        pending: Spikes,
    },
    Weighted(Accumulator),
    Routed(Merge),
    Delayed {
        /// Entries by the step in which they leave, modulo its length.
        ring: Vec<Vec<(u32, f32, u32)>>,
        merge: Merge,
    },
}

impl Clocked {
    /// Binds a network.
    ///
    /// # Errors
    /// A step that is not positive; parameters without a meaning under the convention and
    /// delays too long for the step, named with their unit.
    pub fn new(network: &Network, conventions: &Conventions, dt: Micros) -> Result<Clocked> {
        parts::check_step(dt)?;
        let step = dt.seconds();
        let ticks = Ticks { tick: step, whole: true, longest: LONGEST_DELAY };
        let (parts, plan) = parts::bind(network, conventions, step, ticks, |_, wired, neuron| {
            neuron.at(step, &wired.output, conventions)
        })?;
        let later = (0..parts.len()).filter(|&unit| parts[unit].sends_later).collect();
        let heard_late = heard_late(&parts, &plan.sequence);
        Ok(Clocked { parts, plan, later, heard_late, input: network.input, dt })
    }

    /// Advances `state` by one step with this input.
    fn step(&self, state: &mut State, input: &Spikes, observer: &mut impl Observer) {
        for &unit in &self.later {
            state.units[unit].send_what_is_due(state.step);
        }
        for &unit in &self.plan.sequence {
            let (own, others) = Others::of(unit, &mut state.units);
            let heard = Heard { input: (self.input, input), others };
            let operations = self.evaluate(unit, own, &heard, state.step, observer);
            if operations != Operations::default() {
                observer.operated(state.step, unit, operations);
            }
            let sent = match &own.memory {
                Memory::None => input,
                Memory::Population { pending, .. } if self.parts[unit].sends_later => pending,
                _ => &own.sent,
            };
            if !sent.is_empty() {
                observer.sent(state.step, unit, sent);
            }
        }
        state.step += 1;
    }

    /// Whether a step without input would send nothing, and change nothing but
    /// potentials that decay.
    fn is_at_rest(&self, state: &State) -> bool {
        state.units.iter().zip(&self.heard_late).all(|(unit, &is_heard)| {
            let was_heard = unit.sent.is_empty() || !is_heard;
            was_heard
                && match &unit.memory {
                    Memory::None | Memory::Routed(_) => true,
                    Memory::Weighted(sums) => {
                        sums.rests_at_zero() && (sums.is_untouched() || !is_heard)
                    }
                    Memory::Population { cells, pending, .. } => {
                        cells.are_at_rest() && pending.is_empty()
                    }
                    Memory::Delayed { ring, .. } => ring.iter().all(Vec::is_empty),
                }
        })
    }

    /// The first step before `until` that is to be taken without input, or `until`.
    fn next_step(&self, state: &State, until: u64, observer: &impl Observer) -> u64 {
        if !self.is_at_rest(state) {
            return state.step;
        }
        // who looks at potentials is to see what came of the last step, and how they decay
        let has_news = |unit: &UnitState| {
            !unit.sent.is_empty()
                || match &unit.memory {
                    Memory::Population { cells, .. } => cells.decay(),
                    Memory::Weighted(sums) => !sums.is_untouched(),
                    _ => false,
                }
        };
        if !state.units.iter().any(has_news) {
            return until;
        }
        let is_watched = |step: &u64| {
            let watches = |unit| observer.watches(*step, unit) || observer.watches_states(unit);
            (0..self.parts.len()).any(watches)
        };
        (state.step..until).find(is_watched).unwrap_or(until)
    }

    fn evaluate(
        &self,
        unit: usize,
        own: &mut UnitState,
        all: &Heard<'_>,
        step: u64,
        observer: &mut impl Observer,
    ) -> Operations {
        let part = &self.parts[unit];
        let UnitState { sent, memory } = own;
        // a unit that hears itself hears what it sent in the last step
        let echo = part.sources.contains(&unit).then(|| sent.clone());
        let signal = |source: usize| match &echo {
            Some(echo) if source == unit => echo,
            _ => all.sent(source),
        };
        let heard = || part.sources.iter().map(|&source| signal(source));
        match (&part.work, memory) {
            (Work::Weighted(weighted), Memory::Weighted(sums)) => {
                let entries = heard().filter(|entries| !entries.is_empty());
                entries.for_each(|entries| observer.heard(step, unit, entries));
                let kinds = part.sources.iter().map(|&source| self.parts[source].spikes);
                let operations = parts::weigh(weighted.as_ref(), kinds.zip(heard()), sums);
                if part.listed {
                    sent.clear();
                    sums.list(part.len, sent);
                }
                return operations;
            }
            (Work::Routed(routed), Memory::Routed(merge)) => {
                parts::reroute(routed.as_ref(), heard(), merge, sent);
            }
            (Work::Output, Memory::Routed(merge)) => parts::merge_all(heard(), merge, sent),
            (Work::Delayed(delays), Memory::Delayed { ring, merge }) => {
                for (address, value, count) in heard().flat_map(Spikes::iter) {
                    let due = step + delays[address as usize] as u64;
                    let slot = (due % ring.len() as u64) as usize;
                    ring[slot].push((address, value, count));
                }
                if !part.sends_later {
                    sent.clear();
                    leave(ring, step, merge, sent);
                }
            }
            (Work::Population(population), Memory::Population { cells, sums, pending }) => {
                let (only, several);
                let direct: &[&Accumulator] = match part.sources[..] {
                    [source] if let Some(sums) = all.sums(source) => {
                        only = [sums];
                        &only
                    }
                    _ => {
                        several = collect(&part.sources, all, signal, sums);
                        &several
                    }
                };
                let (watches, watches_states) =
                    (observer.watches(step, unit), observer.watches_states(unit));
                if watches || watches_states {
                    cells.catch_up(population.as_ref(), step);
                }
                if watches {
                    cells.charges(population.as_ref(), direct, |block, charge| {
                        observer.charged(step, unit, block, charge);
                    });
                }
                let before = watches_states.then(|| cells.states().to_vec());
                let out = if part.sends_later { pending } else { sent };
                out.clear();
                cells.step(population.as_ref(), step, direct, part.spikes, out);
                if let Some(before) = before {
                    cells.catch_up(population.as_ref(), step + 1);
                    let neurons = cells.changed_since(&before, population.variables());
                    observer.changed(step, unit, neurons);
                }
            }
            (Work::Input, _) => (),
            (_, _) => unreachable!("a unit's memory is made for its work"),
        }
        Operations::default()
    }
}

/// All units but the one that is evaluated.
struct Others<'a> {
    before: &'a [UnitState],
    behind: &'a [UnitState],
}

impl Others<'_> {
    // as a call, it would hand out through memory what is read at once, in wider pieces
    #[inline(always)]
    fn of(unit: usize, all: &mut [UnitState]) -> (&mut UnitState, Others<'_>) {
        let (before, rest) = all.split_at_mut(unit);
        let (own, behind) = rest.split_first_mut().expect("a unit among all");
        (own, Others { before, behind })
    }

    fn get(&self, unit: usize) -> Option<&UnitState> {
        match unit.checked_sub(self.before.len()) {
            None => Some(&self.before[unit]),
            Some(behind) => self.behind.get(behind.checked_sub(1)?),
        }
    }
}

/// What a unit can hear in a step.
struct Heard<'a> {
    /// The unit that brings the input in, and that of this step.
    input: (usize, &'a Spikes),
    others: Others<'a>,
}

impl Heard<'_> {
    /// What another unit sent.
    fn sent(&self, unit: usize) -> &Spikes {
        match self.input {
            (input, events) if unit == input => events,
            _ => &self.others.get(unit).expect("another unit").sent,
        }
    }

    /// The sums of another unit, if it is a weighted connection.
    fn sums(&self, unit: usize) -> Option<&Accumulator> {
        match &self.others.get(unit)?.memory {
            Memory::Weighted(sums) => Some(sums),
            _ => None,
        }
    }
}

/// The sums that reach a population: its own of what comes as lists, and those of
/// weighted connections.
fn collect<'a>(
    sources: &[usize],
    all: &'a Heard<'_>,
    signal: impl Fn(usize) -> &'a Spikes,
    own: &'a mut Accumulator,
) -> Vec<&'a Accumulator> {
    own.clear();
    let listed = sources.iter().filter(|&&source| all.sums(source).is_none());
    for (address, value, _) in listed.flat_map(|&source| signal(source).iter()) {
        own.add(address as usize, value);
    }
    let direct = sources.iter().filter_map(|&source| all.sums(source));
    direct.chain([&*own]).collect()
}

impl Engine for Clocked {
    type State = State;

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn tick(&self) -> Micros {
        self.dt
    }

    fn start(&self) -> State {
        let unit = |part| UnitState { sent: Spikes::default(), memory: memory(part) };
        State { step: 0, units: self.parts.iter().map(unit).collect() }
    }

    fn receive(&self, state: &mut State, tick: u64, input: &Spikes, observer: &mut impl Observer) {
        assert!(tick >= state.step, "tick {tick} behind the {} that were run", state.step);
        parts::check_input(input, self.parts[self.input].len);
        self.finish(state, tick, observer);
        self.step(state, input, observer);
    }

    fn finish(&self, state: &mut State, until: u64, observer: &mut impl Observer) {
        let silence = Spikes::default();
        while state.step < until {
            state.step = self.next_step(state, until, observer);
            if state.step < until {
                self.step(state, &silence, observer);
            }
        }
    }

    fn remarks(&self, state: &State) -> Vec<(usize, String)> {
        let remark = |(unit, own): (usize, &UnitState)| match &own.memory {
            Memory::Population { cells, .. } => Some((unit, cells.remark()?)),
            _ => None,
        };
        state.units.iter().enumerate().filter_map(remark).collect()
    }
}

/// Of each unit, whether one that hears it is evaluated no later than it is itself.
fn heard_late(parts: &[Part<Box<dyn Population>>], sequence: &[usize]) -> Vec<bool> {
    let (mut heard_late, mut had_turn) = (vec![false; parts.len()], vec![false; parts.len()]);
    for &unit in sequence {
        for &source in &parts[unit].sources {
            heard_late[source] |= !had_turn[source];
        }
        had_turn[unit] = true;
    }
    heard_late
}

fn memory(part: &Part<Box<dyn Population>>) -> Memory {
    match &part.work {
        Work::Input => Memory::None,
        Work::Output | Work::Routed(_) => Memory::Routed(Merge::new(part.len)),
        Work::Population(population) => Memory::Population {
            cells: Box::new(Cells::new(population.as_ref(), part.len, Reach::Touched)),
            sums: Accumulator::new(part.len),
            pending: Spikes::default(),
        },
        Work::Weighted(weighted) => Memory::Weighted(match weighted.bias() {
            Some(bias) => Accumulator::resting_at(&bias, part.len),
            None => Accumulator::new(part.len),
        }),
        Work::Delayed(delays) => {
            let longest = delays.iter().copied().fold(0.0, f64::max) as usize;
            Memory::Delayed { ring: vec![Vec::new(); longest + 1], merge: Merge::new(part.len) }
        }
    }
}

impl UnitState {
    fn send_what_is_due(&mut self, step: u64) {
        self.sent.clear();
        match &mut self.memory {
            Memory::Delayed { ring, merge } => leave(ring, step, merge, &mut self.sent),
            Memory::Population { pending, .. } => std::mem::swap(pending, &mut self.sent),
            _ => (),
        }
    }
}

/// Sends the entries of a delay line that leave in this step.
fn leave(ring: &mut [Vec<(u32, f32, u32)>], step: u64, merge: &mut Merge, sent: &mut Spikes) {
    let slot = (step % ring.len() as u64) as usize;
    for (address, value, count) in ring[slot].drain(..) {
        merge.add(address, value, count);
    }
    merge.drain(sent);
}
