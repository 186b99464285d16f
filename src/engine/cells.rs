//! The neurons of one population, and which of them are awake.
//!
//! A block rests once a step without input has changed nothing in it and made it send
//! nothing: the same would happen in every further step, so leaving it out changes no
//! bit. Integrate-and-fire neurons rest at once where nobody fires. A leaky block moves
//! on until rounding holds it, but mostly cannot fire by itself: it sleeps, and takes the
//! steps that it slept through, the same operations in the same order, when something
//! reaches it or asks for its state.

use rayon::prelude::*;

use super::blocks::{Blocks, beyond_numbers, input, live, resting, start};
use crate::neuron::sweep::{Drowsy, Sweep};
use crate::neuron::{Charge, Population};
use crate::signal::simd::non_zero;
use crate::signal::{
    Accumulator, Aligned, BLOCK, BLOCKS_WORTH_THREADS, Listing, Spikes, keep_others_awake, lanes,
};

/// State of a population, block by block.
pub struct Cells {
    state: Aligned,
    awake: Blocks,
    asleep: Asleep,
    reach: Reach,
    /// One for each thread that has worked here.
    workers: Vec<Worker>,
    len: usize,
}

/// What is taken for an input to a block.
#[derive(Clone, Copy, PartialEq)]
pub enum Reach {
    /// That it may have been added to.
    Touched,
    /// That a sum is not zero, which takes a look. How many neurons take a step then does
    /// not hang on whether a loop that adds touches more blocks than it adds to.
    NonZero,
}

/// Blocks that are behind, and the first step that each did not take.
struct Asleep {
    blocks: Vec<u64>,
    since: Vec<u64>,
}

/// What a thread needs for its part of the blocks.
struct Worker {
    before: Vec<f32>,
    /// Inputs that are sums of several.
    room: Vec<f32>,
    /// What its neurons send, where other threads work, too.
    sent: Spikes,
    listing: Listing,
    /// Neurons that took the step.
    updated: u64,
}

impl Worker {
    /// For a part of a population of so many blocks, of which a sweep takes 64 at most.
    fn new(blocks: usize) -> Worker {
        let listing = Listing::of(blocks.min(64));
        Worker {
            before: Vec::new(),
            room: Vec::new(),
            sent: Spikes::default(),
            listing,
            updated: 0,
        }
    }
}

impl Cells {
    /// `len` neurons before the first step, all awake.
    pub fn new(population: &dyn Population, len: usize, reach: Reach) -> Cells {
        let (state, blocks) = (start(population, len), len.div_ceil(BLOCK));
        let asleep = Asleep { blocks: vec![0; blocks.div_ceil(64)], since: vec![0; blocks] };
        let awake = Blocks::all(blocks);
        Cells { state, awake, asleep, reach, workers: vec![Worker::new(blocks)], len }
    }

    /// Whether no block would do anything in a step without input.
    pub fn are_at_rest(&self) -> bool {
        self.awake.is_empty()
    }

    /// Whether blocks are asleep, whose potentials would go on.
    pub fn decay(&self) -> bool {
        self.asleep.blocks.iter().any(|&word| word != 0)
    }

    /// Lets every block take the steps before `step`, for [`Cells::states`] and those who
    /// read them.
    pub fn catch_up(&mut self, population: &dyn Population, step: u64) {
        let per_block = population.variables() * BLOCK;
        let before = &mut self.workers[0].before;
        for (word, blocks) in self.asleep.blocks.iter().enumerate() {
            for block in lanes(*blocks).map(|lane| 64 * word + lane) {
                let state = &mut self.state[block * per_block..][..per_block];
                let since = std::mem::replace(&mut self.asleep.since[block], step);
                population.idle(block, state, step - since, before);
            }
        }
    }

    /// The state of all neurons, block by block.
    pub fn states(&self) -> &[f32] {
        &self.state
    }

    /// What a report should say about a run that ends in this state.
    pub fn remark(&self) -> Option<String> {
        beyond_numbers(&self.state, self.len)
    }

    /// How many neurons have another state than `before`, in any of their variables.
    pub fn changed_since(&self, before: &[f32], variables: usize) -> u64 {
        let per_block = variables * BLOCK;
        let blocks = self.state.chunks(per_block).zip(before.chunks(per_block)).enumerate();
        let moved = blocks.filter(|(_, (now, then))| now != then).map(|(block, (now, then))| {
            let differs = |lane: &usize| {
                (0..variables).any(|variable| {
                    let at = variable * BLOCK + lane;
                    now[at] != then[at]
                })
            };
            (0..BLOCK.min(self.len - block * BLOCK)).filter(differs).count() as u64
        });
        moved.sum()
    }

    /// What the next step compares, block by block.
    pub fn charges(
        &self,
        population: &dyn Population,
        inputs: &[&Accumulator],
        mut tell: impl FnMut(usize, &Charge),
    ) {
        let per_block = population.variables() * BLOCK;
        let mut room = [0.0; BLOCK];
        for (block, state) in self.state.chunks(per_block).enumerate() {
            let input = input(inputs, block, &mut room);
            if let Some(charge) = population.charge(block, state, input) {
                tell(block, &charge);
            }
        }
    }

    /// Takes step number `step` with the sum of `inputs`, and appends to `sent` what the
    /// neurons send: spikes, or their potentials if they never spike. Gives the number of
    /// neurons that took it.
    pub fn step(
        &mut self,
        population: &dyn Population,
        step: u64,
        inputs: &[&Accumulator],
        spikes: bool,
        sent: &mut Spikes,
    ) -> u64 {
        let Cells { state, awake, asleep, reach, workers, len } = self;
        let turn = Turn { population, step, inputs, spikes, reach: *reach, len: *len };
        let few = turn.len < BLOCKS_WORTH_THREADS * BLOCK;
        // to ask for threads takes as long as a small population
        let threads = if few { 1 } else { rayon::current_num_threads() };
        if threads == 1 || awake.count(inputs) < BLOCKS_WORTH_THREADS {
            let (awake, asleep, since) = (awake.words(), &mut asleep.blocks, &mut asleep.since);
            turn.take(&mut workers[0], sent, &mut Part { first: 0, awake, asleep, since, state });
            return std::mem::take(&mut workers[0].updated);
        }
        let words = turn.len.div_ceil(64 * BLOCK).div_ceil(threads);
        workers.resize_with(threads, || Worker::new(64));
        let awake = awake.words().chunks_mut(words).zip(asleep.blocks.chunks_mut(words));
        let since = asleep.since.chunks_mut(64 * words);
        let state = since.zip(state.chunks_mut(64 * words * population.variables() * BLOCK));
        let parts = awake.zip(state).zip(&mut *workers).enumerate();
        let parts = parts.map(|(i, (((awake, asleep), (since, state)), worker))| {
            (Part { first: i * words, awake, asleep, since, state }, worker)
        });
        let parts: Vec<_> = parts.collect();
        keep_others_awake();
        parts.into_par_iter().for_each(|(mut part, worker)| {
            let mut sent = std::mem::take(&mut worker.sent);
            turn.take(worker, &mut sent, &mut part);
            worker.sent = sent;
        });
        workers.iter_mut().for_each(|worker| sent.append(&mut worker.sent));
        workers.iter_mut().map(|worker| std::mem::take(&mut worker.updated)).sum()
    }
}

/// Neighbouring blocks, those of whole words from the word `first` on.
struct Part<'a> {
    first: usize,
    awake: &'a mut [u64],
    asleep: &'a mut [u64],
    since: &'a mut [u64],
    state: &'a mut [f32],
}

/// A step of a population.
struct Turn<'a> {
    population: &'a dyn Population,
    step: u64,
    inputs: &'a [&'a Accumulator],
    spikes: bool,
    reach: Reach,
    len: usize,
}

impl Turn<'_> {
    /// Takes it with a part of the blocks.
    fn take(&self, worker: &mut Worker, sent: &mut Spikes, part: &mut Part<'_>) {
        for word in 0..part.awake.len() {
            let live = live(self.inputs, part.first + word);
            if part.awake[word] | live != 0 {
                self.take_word(worker, sent, part, (word, live));
            }
        }
    }

    /// Takes it with the blocks of a word.
    fn take_word(
        &self,
        worker: &mut Worker,
        sent: &mut Spikes,
        part: &mut Part<'_>,
        (word, mut live): (usize, u64),
    ) {
        let &Turn { population, inputs, spikes, len, .. } = self;
        let first = 64 * (part.first + word);
        let variables = population.variables();
        if self.reach == Reach::NonZero {
            live = added_to(inputs, first, live);
        }
        let blocks = part.awake[word] | live;
        if part.asleep[word] & blocks != 0 {
            self.wake(worker, part, word, blocks);
        }
        worker.updated += u64::from(blocks.count_ones()) * BLOCK as u64;
        let last = (len - 1) / BLOCK;
        if first == last / 64 * 64 && blocks >> (last % 64) & 1 == 1 {
            worker.updated -= ((last + 1) * BLOCK - len) as u64;
        }
        let Worker { before, room, listing, .. } = worker;
        let input = match inputs {
            [only] => only.from_block(first),
            _ => {
                sum(inputs, first, blocks, room);
                &room[..]
            }
        };
        let state = &mut part.state[64 * word * variables * BLOCK..];
        let moving = population.sweep(&mut Sweep {
            first,
            blocks,
            live,
            len,
            spikes,
            state,
            variables,
            input,
            sent,
            before,
            listing,
        });
        // what is reached in every step need not be put to sleep
        let driven = resting(inputs, first / 64);
        part.awake[word] = driven | moving;
        if moving & !driven != 0 && !population.rests_when_quiet() {
            self.put_to_sleep(part, word, moving & !driven);
        }
    }

    /// Lets blocks that were asleep take the steps before this one.
    fn wake(&self, worker: &mut Worker, part: &mut Part<'_>, word: usize, blocks: u64) {
        let per_block = self.population.variables() * BLOCK;
        for block in lanes(part.asleep[word] & blocks).map(|lane| 64 * word + lane) {
            let state = &mut part.state[block * per_block..][..per_block];
            let (number, steps) = (64 * part.first + block, self.step - part.since[block]);
            self.population.idle(number, state, steps, &mut worker.before);
        }
        part.asleep[word] &= !blocks;
    }

    /// Lets those of the `drowsy` blocks sleep that cannot fire by themselves.
    fn put_to_sleep(&self, part: &mut Part<'_>, word: usize, drowsy: u64) {
        let variables = self.population.variables();
        let first = 64 * (part.first + word);
        let state = &part.state[64 * word * variables * BLOCK..];
        let quiet = self.population.quiet(Drowsy { first, blocks: drowsy, state, variables });
        part.awake[word] &= !quiet;
        part.asleep[word] |= quiet;
        lanes(quiet).for_each(|lane| part.since[64 * word + lane] = self.step + 1);
    }
}

/// Those of the `live` blocks of a word whose sums are not all zero: a sum of zero was
/// perhaps added to, perhaps not.
fn added_to(inputs: &[&Accumulator], first: usize, live: u64) -> u64 {
    let mut room = [0.0; BLOCK];
    let is_input = |lane: &usize| non_zero(input(inputs, first + lane, &mut room)) != 0;
    lanes(live).filter(is_input).fold(0, |all, lane| all | 1 << lane)
}

/// The sums of several inputs to the blocks of a word, from its first block on.
fn sum(inputs: &[&Accumulator], first: usize, blocks: u64, room: &mut Vec<f32>) {
    let mut sums = [0.0; BLOCK];
    room.resize(64 * BLOCK, 0.0);
    for lane in lanes(blocks) {
        let sums = input(inputs, first + lane, &mut sums);
        room[lane * BLOCK..][..BLOCK].copy_from_slice(sums);
    }
}
