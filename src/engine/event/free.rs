//! Populations without a grid: closed forms, and crossings at their own times.

use super::Dynamics;
use super::queue::Queue;
use crate::engine::blocks::{Blocks, beyond_numbers, input};
use crate::neuron::flow::Flow;
use crate::neuron::sweep::send;
use crate::signal::simd::non_zero;
use crate::signal::{Accumulator, BLOCK, Spikes, lanes};
use crate::units::{Micros, Seconds};

/// A population that flows.
///
/// Neurons are compared with their threshold when something reaches them, and when
/// they reach it by themselves. One that is still above it after it fired, or reaches
/// it again in no time, fires again one nominal step later: where a convention leaves
/// charge behind, it is spent as slowly as a clock would spend it. One that reaches it
/// again within a tick, which is all that times are told to, waits until that is over:
/// however hard it is driven, a run comes to its end. A convention's
/// refractory time holds the membrane of a neuron that fired, up to and including its
/// end.
pub struct Free {
    flow: Box<dyn Flow>,
    tick: f64,
    /// Ticks between the spikes of a neuron that stays above its threshold.
    again: f64,
    /// Ticks for which a neuron that fired is held.
    refractory: f64,
    spikes: bool,
}

/// State of a population, block by block.
pub struct Cells {
    state: Vec<f64>,
    /// The tick that each block was brought to.
    last: Vec<f64>,
    /// What each block does next by itself.
    next: Vec<Next>,
    /// When each neuron may fire again.
    ready: Vec<f64>,
    /// When each neuron is let go; empty without a refractory time.
    held: Vec<f64>,
    /// Blocks by the time of [`Next::due`]; outdated where the two differ.
    queue: Queue<usize>,
    awake: Blocks,
    len: usize,
    /// A neuron reached its threshold again within a tick.
    hurried: bool,
    /// The run is over: potentials are due.
    ended: bool,
}

/// What a block does by itself.
#[derive(Clone, Copy)]
struct Next {
    /// When; or when it is to be asked again, if there is nobody to compare then.
    due: f64,
    /// Neurons that are to be compared with their threshold then.
    compare: u64,
    /// Those among them that reach it just then, whatever rounding says.
    reach: u64,
}

/// Ticks that are as good as none: a neuron that needs no more to fire again, as one that is
/// reset to its threshold, would never come to an end.
const AT_ONCE: f64 = 1e-3;

/// When a neuron reaches its threshold by itself is found out where it may do so within so
/// many ticks. Others are asked again when they may: mostly, something reaches them before.
const SOON: f64 = 8.0;

/// What a block comes to without input.
#[derive(Clone, Copy)]
struct Outlook {
    /// Neurons that are not below their threshold.
    above: u64,
    /// Neurons that may reach it soon.
    soon: u64,
    /// How many seconds all others stay below it at least.
    stays: f64,
}

const NEVER: Next = Next { due: f64::INFINITY, compare: 0, reach: 0 };

impl Free {
    /// A population whose time is counted in `tick`s, of a network meant for steps
    /// of `dt`; neurons that fired are held for `refractory`.
    pub fn new(
        flow: Box<dyn Flow>,
        tick: Micros,
        dt: Micros,
        refractory: Seconds,
        spikes: bool,
    ) -> Free {
        let again = dt.0 as f64 / tick.0 as f64;
        let tick = tick.seconds().0;
        Free { flow, tick, again, refractory: (refractory.0 / tick).round(), spikes }
    }

    /// Brings a block up to `now`. Neurons that are held stay where they are: what
    /// flows into them until then is taken back.
    fn pass(&self, block: usize, state: &mut [f64], last: &mut f64, now: f64, held: &[f64]) {
        let held = held.get(block * BLOCK..).unwrap_or_default();
        while *last < now {
            let until = held.iter().take(BLOCK).filter(|&&end| end > *last);
            let until = until.fold(now, |until, &end| until.min(end));
            let before: [f64; BLOCK] = std::array::from_fn(|lane| state[lane]);
            self.flow.pass(block, state, (until - *last) * self.tick);
            for (lane, _) in held.iter().take(BLOCK).enumerate().filter(|(_, end)| **end > *last) {
                state[lane] = before[lane];
            }
            *last = until;
        }
    }

    fn outlook(&self, block: usize, state: &[f64]) -> Outlook {
        let (soon, stays) = self.flow.may_fire_within(block, state, SOON * self.tick);
        Outlook { above: self.flow.above(block, state), soon, stays }
    }

    /// In how many ticks a neuron that is below its threshold reaches it by itself, if that is
    /// soon.
    fn reaches(&self, block: usize, lane: usize, state: &[f64], outlook: Outlook) -> Option<f64> {
        let alone = || self.flow.alone(block, lane, state);
        let after = (outlook.soon >> lane & 1 == 1).then(alone).flatten();
        after.map(|after| after / self.tick)
    }

    /// What a block does next; `state` is that of `now`, `ready` as long as it has
    /// neurons.
    fn foresee(
        &self,
        (block, state): (usize, &[f64]),
        outlook: Outlook,
        (ready, held): (&[f64], &[f64]),
        now: f64,
    ) -> Next {
        let mut next = Next { due: now + outlook.stays / self.tick, ..NEVER };
        let Outlook { above, soon, .. } = outlook;
        let candidates = if held.is_empty() { above | soon } else { u64::MAX };
        for lane in lanes(candidates) {
            let Some(&ready) = ready.get(lane) else { break };
            let is_above = above >> lane & 1 == 1;
            let let_go = held.get(block * BLOCK + lane).copied().unwrap_or_default();
            let (due, reaches) = match is_above {
                true => (ready.max(now), false),
                false if let_go > now => (let_go, false),
                false => match self.reaches(block, lane, state, outlook).map(|after| now + after) {
                    Some(due) if due >= ready => (due, true),
                    Some(_) => (ready, false),
                    None => continue,
                },
            };
            if due < next.due {
                next = Next { due, ..NEVER };
            }
            if due == next.due {
                next.compare |= 1 << lane;
                next.reach |= u64::from(reaches) << lane;
            }
        }
        next
    }

    /// Sends what every neuron's potential was on average, times the number of
    /// nominal steps, as if it had sent it in each of them.
    fn send_means(&self, cells: &mut Cells, now: f64, sent: &mut Spikes) {
        let per_block = self.flow.variables() * BLOCK;
        for (block, state) in cells.state.chunks_mut(per_block).enumerate() {
            self.pass(block, state, &mut cells.last[block], now, &[]);
            let sum = |lane| (self.flow.integral(lane, state) / (self.again * self.tick)) as f32;
            let out = std::array::from_fn(sum);
            send((block, cells.len), non_zero(&out), &out, false, sent);
        }
    }
}

/// Replaces what a block does next.
fn plan(before: &mut Next, queue: &mut Queue<usize>, block: usize, next: Next) {
    if next.due.is_finite() && next.due != before.due {
        queue.push(next.due, block);
    }
    *before = next;
}

/// How many of a block's lanes are neurons, of a population of `len`.
fn lanes_of(len: usize, block: usize) -> usize {
    (len - block * BLOCK).min(BLOCK)
}

impl Dynamics for Free {
    type Cells = Cells;

    const IN_STEPS: bool = false;

    fn start(&self, len: usize) -> Cells {
        let blocks = len.div_ceil(BLOCK);
        let per_block = self.flow.variables() * BLOCK;
        let mut cells = Cells {
            state: vec![0.0; blocks * per_block],
            last: vec![0.0; blocks],
            next: vec![NEVER; blocks],
            ready: vec![0.0; blocks * BLOCK],
            held: vec![-1.0; if self.refractory > 0.0 { blocks * BLOCK } else { 0 }],
            queue: Queue::default(),
            awake: Blocks::none(blocks),
            len,
            hurried: false,
            ended: false,
        };
        for block in 0..blocks {
            let state = &mut cells.state[block * per_block..][..per_block];
            self.flow.start(block, state);
            let ready = &[0.0; BLOCK][..lanes_of(len, block)];
            let next = self.foresee((block, state), self.outlook(block, state), (ready, &[]), 0.0);
            plan(&mut cells.next[block], &mut cells.queue, block, next);
        }
        cells
    }

    fn next(&self, cells: &mut Cells) -> Option<f64> {
        while let Some((due, &block)) = cells.queue.first() {
            if cells.next[block].due == due {
                return Some(due);
            }
            cells.queue.pop(due);
        }
        None
    }

    fn front(
        &self,
        cells: &mut Cells,
        now: f64,
        inputs: &[&Accumulator],
        sent: &mut Spikes,
    ) -> u64 {
        if cells.ended {
            self.send_means(cells, now, sent);
            return cells.len as u64;
        }
        while let Some(block) = cells.queue.pop(now) {
            if cells.next[block].due <= now {
                cells.awake.insert(block);
            }
        }
        let per_block = self.flow.variables() * BLOCK;
        let (mut room, mut before, mut updated) = ([0.0; BLOCK], [0.0; BLOCK], 0);
        let mut awake = std::mem::take(&mut cells.awake);
        awake.visit(inputs, |block, _| {
            let input = input(inputs, block, &mut room);
            let arrives = non_zero(input);
            // a sum of zero was perhaps added to, perhaps not: to stop here, and round, only
            // for one of the two would let loops that add alike end differently
            if arrives == 0 && cells.next[block].due > now {
                return false;
            }
            let state = &mut cells.state[block * per_block..][..per_block];
            let ready = &mut cells.ready[block * BLOCK..][..BLOCK];
            self.pass(block, state, &mut cells.last[block], now, &cells.held);
            let alone = match cells.next[block].due <= now {
                true => std::mem::replace(&mut cells.next[block], NEVER),
                false => NEVER,
            };
            for lane in lanes(alone.reach) {
                state[lane] = state[lane].max(self.flow.fires_at(block, lane));
            }
            let concerned = alone.compare | arrives;
            updated += u64::from(concerned.count_ones());
            let held = cells.held.get_mut(block * BLOCK..).unwrap_or_default();
            let mut is_held = 0;
            for (lane, &end) in held.iter().take(BLOCK).enumerate() {
                is_held |= u64::from(end >= now) << lane;
            }
            let is_ready = |&lane: &usize| ready[lane] <= now;
            let may_fire = lanes(concerned & !is_held).filter(is_ready);
            let may_fire = may_fire.fold(0, |all, lane| all | 1 << lane);
            let mut out = [0.0; BLOCK];
            lanes(is_held).for_each(|lane| before[lane] = state[lane]);
            self.flow.receive(block, state, input, may_fire, &mut out);
            lanes(is_held).for_each(|lane| state[lane] = before[lane]);
            let outlook = self.outlook(block, state);
            for lane in lanes(may_fire).filter(|&lane| out[lane] != 0.0) {
                let after = match outlook.above >> lane & 1 {
                    1 => 0.0,
                    _ => self.reaches(block, lane, state, outlook).unwrap_or(f64::INFINITY),
                };
                if after <= AT_ONCE {
                    ready[lane] = now + self.refractory + self.again;
                } else if after < 1.0 && self.refractory == 0.0 {
                    ready[lane] = now + 1.0;
                    cells.hurried = true;
                }
                if let Some(end) = held.get_mut(lane) {
                    *end = now + self.refractory;
                }
            }
            send((block, cells.len), non_zero(&out), &out, self.spikes, sent);
            let ready = &ready[..lanes_of(cells.len, block)];
            let next = self.foresee((block, state), outlook, (ready, &cells.held), now);
            plan(&mut cells.next[block], &mut cells.queue, block, next);
            false
        });
        cells.awake = awake;
        updated
    }

    fn end(&self, cells: &mut Cells) -> bool {
        cells.ended = !self.spikes;
        cells.ended
    }

    fn remarks(&self, cells: &Cells) -> Vec<String> {
        let hurried = cells.hurried.then(|| {
            let tick = Seconds(self.tick);
            format!(
                "driven so hard that neurons reach their threshold again within {tick}: they fire \
                 {tick} later, and what is above it even then once a step"
            )
        });
        beyond_numbers(&cells.state, cells.len).into_iter().chain(hurried).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::MODELS;
    use crate::neuron::flow::Drive;
    use crate::record::{Array, Record};
    use crate::signal::Shape;

    #[test]
    fn a_sum_of_zero_leaves_no_trace() {
        let lif = MODELS.iter().find(|model| model.nir == "LIF").unwrap();
        let mut record = Record::default();
        for (field, value) in [("tau", 0.013), ("r", 1.0), ("v_leak", 0.1), ("v_threshold", 9.0)] {
            record.put(field, Array::floats(&[1], vec![value]));
        }
        let (neuron, shape) = (lif.read(&mut record).unwrap(), Shape::new(&[BLOCK]).unwrap());
        let ms = Seconds(1e-3);
        let flow = neuron.flow(ms, &shape, &"nir".parse().unwrap(), &Drive::none()).unwrap();
        let free = Free::new(flow, Micros(1), Micros(1000), Seconds(0.0), true);
        let run = |zeros: bool| {
            let mut cells = free.start(BLOCK);
            for tick in 1..2000 {
                let mut sums = Accumulator::new(BLOCK);
                match tick % 97 {
                    0 => sums.add(tick % BLOCK, 0.3),
                    _ if zeros => sums.add(tick % BLOCK, 0.0),
                    _ => continue,
                }
                free.front(&mut cells, tick as f64, &[&sums], &mut Spikes::default());
            }
            cells.state
        };
        assert_eq!(run(true), run(false));
    }
}
