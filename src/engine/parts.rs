//! What the engines share: a network's units bound to their shapes and to a
//! length of time, and what units other than populations do with spikes.

use super::notes::Notes;
use super::{Operations, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::layer::{Connection, Routed, Weighted};
use crate::network::{Network, Unit, Wired};
use crate::neuron::Neuron;
use crate::neuron::convention::Delay;
use crate::neuron::preset::Conventions;
use crate::signal::{Accumulator, BLOCK, Merge, Spikes};
use crate::units::{Micros, Seconds};

/// A unit, with populations of type `P`.
pub struct Part<P> {
    /// What it does.
    pub work: Work<P>,
    /// The units it hears.
    pub sources: Vec<usize>,
    /// Number of addresses that it sends from.
    pub len: usize,
    /// Whether it sends spikes; otherwise values, each a multiplication.
    pub spikes: bool,
    /// Whether its sums are read as a list too, not only by a population.
    pub listed: bool,
    /// Whether what it sends at a time is known before that time.
    pub sends_later: bool,
}

/// What a unit does.
pub enum Work<P> {
    /// Brings the events in.
    Input,
    /// Takes the answer out.
    Output,
    /// Holds neurons.
    Population(P),
    /// Adds weights to sums.
    Weighted(Box<dyn Weighted>),
    /// Sends spikes on to other addresses.
    Routed(Box<dyn Routed>),
    /// Sends spikes on later: the delay of each address in ticks.
    Delayed(Vec<f64>),
}

/// How an engine counts time.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    /// Length of a tick.
    pub tick: Seconds,
    /// Whether everything happens at whole ticks.
    pub whole: bool,
    /// The longest delay, in ticks.
    pub longest: f64,
}

/// Refuses a step in which no time passes.
///
/// # Errors
/// One that is not positive.
pub fn check_step(dt: Micros) -> Result<()> {
    match dt > Micros(0) {
        true => Ok(()),
        false => {
            let found = format!("a step of {} µs", dt.0);
            Err(Error::new(ErrorKind::Usage, found, "a positive time"))
        }
    }
}

/// Refuses what an input of `len` addresses cannot send: further on it would be a neighbour's.
///
/// # Panics
/// An address behind the last.
pub fn check_input(input: &Spikes, len: usize) {
    if let Some(&last) = input.index.last() {
        assert!((last as usize) < len, "address {last} in an input of {len}");
    }
}

/// Binds every unit of a network; `bind` does so for populations.
///
/// # Errors
/// Parameters without a meaning under the convention and delays too long, named
/// with their unit.
pub fn bind<P>(
    network: &Network,
    conventions: &Conventions,
    dt: Seconds,
    ticks: Ticks,
    bind: impl FnMut(usize, &Wired, &Neuron) -> Result<P>,
) -> Result<(Vec<Part<P>>, Plan)> {
    let mut binder = Binder { conventions, dt, ticks, notes: Notes::default(), bind };
    let units = network.units.iter().enumerate();
    let parts: Result<Vec<Part<P>>> = units.map(|(unit, wired)| binder.part(unit, wired)).collect();
    let mut parts = parts?;
    mark_values(&mut parts);
    mark_lists(&mut parts);
    let plan = Plan {
        sequence: network.order(|unit| parts[unit].sends_later)?,
        synapses: parts.iter().map(Part::synapses).collect(),
        spikes: parts.iter().map(|part| part.spikes).collect(),
        notes: binder.notes.lines(),
    };
    Ok((parts, plan))
}

struct Binder<'a, B> {
    conventions: &'a Conventions,
    dt: Seconds,
    ticks: Ticks,
    notes: Notes,
    bind: B,
}

impl<B> Binder<'_, B> {
    fn part<P>(&mut self, unit: usize, wired: &Wired) -> Result<Part<P>>
    where
        B: FnMut(usize, &Wired, &Neuron) -> Result<P>,
    {
        let place = |e: Error| e.at(format!("node '{}' ({})", wired.name, wired.unit.nir()));
        let (mut spikes, mut sends_later) = (true, false);
        let work = match &wired.unit {
            Unit::Input => Work::Input,
            Unit::Output => Work::Output,
            Unit::Neuron(neuron) => {
                self.remark(wired, neuron);
                spikes = neuron.model().spikes;
                let convention = self.conventions.for_model(neuron.model().nir).map_err(place)?;
                sends_later = convention.delay == Delay::NextStep;
                Work::Population((self.bind)(unit, wired, neuron).map_err(place)?)
            }
            Unit::Layer(layer) => match layer.bind(&wired.input).map_err(place)? {
                Connection::Weighted(weighted) => Work::Weighted(weighted),
                Connection::Routed(routed) => Work::Routed(routed),
                Connection::Delayed(delays) => {
                    let delays = self.in_ticks(wired, &delays).map_err(place)?;
                    sends_later = delays.iter().all(|&delay| delay > 0.0);
                    Work::Delayed(delays)
                }
            },
        };
        let (sources, len) = (wired.sources.clone(), wired.output.len());
        Ok(Part { work, sources, len, spikes, listed: false, sends_later })
    }

    fn remark(&mut self, wired: &Wired, neuron: &Neuron) {
        let (preset, nir) = (self.conventions.preset(), neuron.model().nir);
        if !preset.imports.contains(&nir) {
            let name = preset.name;
            self.notes.add(wired, format!("{name} covers no {nir}; its rules are applied to it"));
        }
        for caution in neuron.cautions(self.dt, self.conventions) {
            self.notes.add(wired, caution);
        }
    }

    fn in_ticks(&mut self, wired: &Wired, delays: &[Seconds]) -> Result<Vec<f64>> {
        // files hold 32 bits: 3 ms is 3000.00014 µs there
        let nearly = |ticks: f64| (ticks - ticks.round()).abs() <= f64::from(f32::EPSILON) * ticks;
        let snapped = |ticks: f64| if nearly(ticks) { ticks.round() } else { ticks };
        let exact = delays.iter().map(|delay| snapped(delay.0 / self.ticks.tick.0));
        let exact: Vec<f64> = exact.collect();
        if let Some(most) = exact.iter().copied().find(|&ticks| ticks > self.ticks.longest) {
            let found = format!("a delay of {most:.0} steps of {}", self.ticks.tick);
            return Err(Error::new(
                ErrorKind::Unsupported,
                found,
                format!("{} steps at most", self.ticks.longest),
            ));
        }
        if !self.ticks.whole {
            // through shorter ones a loop could go round for ever in no time
            let least = |ticks: f64| if ticks > 0.0 { ticks.max(1.0) } else { ticks };
            if exact.iter().any(|&ticks| least(ticks) != ticks) {
                self.notes
                    .add(wired, format!("delays below {0} are taken for {0}", self.ticks.tick));
            }
            return Ok(exact.into_iter().map(least).collect());
        }
        let off = exact.iter().map(|ticks| (ticks - ticks.round()).abs()).fold(0.0, f64::max);
        if off > 1e-6 {
            let off = Seconds(off * self.ticks.tick.0);
            self.notes.add(wired, format!("delays rounded to whole steps, by up to {off}"));
        }
        Ok(exact.into_iter().map(f64::round).collect())
    }
}

impl<P> Part<P> {
    fn synapses(&self) -> Option<u64> {
        match &self.work {
            Work::Weighted(weighted) => Some(weighted.synapses()),
            _ => None,
        }
    }
}

/// Marks what passes on values rather than spikes: weighted connections, and
/// what is fed by something that does.
fn mark_values<P>(parts: &mut [Part<P>]) {
    loop {
        let mut changed = false;
        for unit in 0..parts.len() {
            let values = match parts[unit].work {
                Work::Weighted(_) => true,
                Work::Population(_) | Work::Input => continue,
                _ => parts[unit].sources.iter().any(|&source| !parts[source].spikes),
            };
            changed |= values && parts[unit].spikes;
            parts[unit].spikes &= !values;
        }
        if !changed {
            return;
        }
    }
}

/// Marks the weighted connections that something other than a population reads.
fn mark_lists<P>(parts: &mut [Part<P>]) {
    let readers = parts.iter().filter(|part| !matches!(part.work, Work::Population(_)));
    let heard: Vec<usize> = readers.flat_map(|part| part.sources.clone()).collect();
    for unit in heard {
        parts[unit].listed = matches!(parts[unit].work, Work::Weighted(_));
    }
}

/// A weighted connection's share of a step: sums anew from what it hears, each
/// entry with whether it is a spike.
pub fn weigh<'s>(
    weighted: &dyn Weighted,
    heard: impl Iterator<Item = (bool, &'s Spikes)>,
    sums: &mut Accumulator,
) -> Operations {
    sums.clear();
    let mut operations = Operations::default();
    for (are_spikes, entries) in heard.filter(|(_, entries)| !entries.is_empty()) {
        let count = scatter(weighted, entries, sums);
        match are_spikes {
            true => operations.synaptic += count,
            false => operations.multiply_adds += count,
        }
    }
    operations
}

/// From about so many additions on, threads gain more than they cost.
const WORTH_THREADS: u64 = 1 << 18;

fn scatter(weighted: &dyn Weighted, entries: &Spikes, sums: &mut Accumulator) -> u64 {
    // no entry has more synapses than there are sums; to ask for threads takes as long as
    // a small connection
    let most = entries.len() as u64 * (sums.blocks() * BLOCK) as u64;
    let threads = if most < WORTH_THREADS { 1 } else { rayon::current_num_threads() };
    // of every 64th entry, for all of them
    let sample = || entries.index.iter().step_by(64).map(|&address| 64 * weighted.fan_out(address));
    match threads > 1 && sample().sum::<u64>() >= WORTH_THREADS {
        true => sums.each_stretch(&weighted.cuts(threads), |sums| weighted.scatter(entries, sums)),
        false => weighted.scatter(entries, &mut sums.whole()),
    }
}

/// A routed connection's share of a step.
pub fn reroute<'s>(
    routed: &dyn Routed,
    heard: impl Iterator<Item = &'s Spikes>,
    merge: &mut Merge,
    sent: &mut Spikes,
) {
    heard.for_each(|entries| routed.route(entries, merge));
    merge.replace(sent);
    routed.finish(&mut sent.value);
}

/// What several signals amount to.
pub fn merge_all<'s>(
    heard: impl Iterator<Item = &'s Spikes>,
    merge: &mut Merge,
    sent: &mut Spikes,
) {
    sent.clear();
    let mut heard = heard.filter(|entries| !entries.is_empty());
    match (heard.next(), heard.next()) {
        (None, _) => (),
        // mostly
        (Some(only), None) => sent.extend(only),
        (Some(first), Some(second)) => {
            for entries in [first, second].into_iter().chain(heard) {
                merge.add_all(entries, |address| address);
            }
            merge.drain(sent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_amount_to_their_sums() {
        let signal = |entries: &[(u32, f32, u32)]| {
            let mut signal = Spikes::default();
            entries.iter().for_each(|&(address, value, count)| signal.push(address, value, count));
            signal
        };
        let [a, b, c] = [
            signal(&[(1, 1.0, 1), (70, 0.5, 2)]),
            signal(&[(0, 2.0, 2), (70, 0.25, 1)]),
            signal(&[(70, 1.0, 1)]),
        ];
        let none = Spikes::default();
        let (mut merge, mut sent) = (Merge::new(100), signal(&[(5, 1.0, 1)]));
        let mut amount = |heard: &[&Spikes]| {
            merge_all(heard.iter().copied(), &mut merge, &mut sent);
            sent.iter().collect::<Vec<_>>()
        };
        assert_eq!(amount(&[]), []);
        assert_eq!(amount(&[&none, &a]), [(1, 1.0, 1), (70, 0.5, 2)]);
        assert_eq!(amount(&[&none, &none]), []);
        assert_eq!(amount(&[&a, &none, &b]), [(0, 2.0, 2), (1, 1.0, 1), (70, 0.75, 3)]);
        assert_eq!(amount(&[&a, &b, &c]), [(0, 2.0, 2), (1, 1.0, 1), (70, 1.75, 4)]);
    }
}
