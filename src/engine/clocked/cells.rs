//! The neurons of one population, and which of them are on the move.
//!
//! A block is at rest once a step without input has changed nothing in it and
//! made it send nothing: the same would happen in every further step, so leaving
//! it out changes no bit. Integrate-and-fire neurons rest one step after their
//! last input; leaky ones once their potential has decayed to where rounding
//! holds it.

use rayon::prelude::*;

use crate::engine::blocks::{Blocks, Piece, input, start};
use crate::neuron::sweep::Sweep;
use crate::neuron::{Charge, Population};
use crate::signal::{
    Accumulator, Aligned, BLOCK, BLOCKS_WORTH_THREADS, Listing, Spikes, keep_others_awake, lanes,
};

/// State of a population, block by block.
pub struct Cells {
    state: Aligned,
    moving: Blocks,
    /// One for each thread that has worked here.
    workers: Vec<Worker>,
    len: usize,
}

/// What a thread needs for its part of the blocks.
#[derive(Default)]
struct Worker {
    before: Vec<f32>,
    /// Inputs that are sums of several.
    room: Vec<f32>,
    sent: Spikes,
    listing: Listing,
}

impl Cells {
    /// `len` neurons before the first step, all on the move.
    pub fn new(population: &dyn Population, len: usize) -> Cells {
        let (state, moving) = (start(population, len), Blocks::all(len.div_ceil(BLOCK)));
        Cells { state, moving, workers: vec![Worker::default()], len }
    }

    /// Whether no block is on the move.
    pub fn are_at_rest(&self) -> bool {
        self.moving.is_empty()
    }

    /// The state of all neurons, block by block.
    pub fn states(&self) -> &[f32] {
        &self.state
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

    /// Advances by one step with the sum of `inputs`, and appends to `sent` what
    /// the neurons send: spikes, or their potentials if they never spike.
    pub fn step(
        &mut self,
        population: &dyn Population,
        inputs: &[&Accumulator],
        spikes: bool,
        sent: &mut Spikes,
    ) {
        let Cells { state, moving, workers, len } = self;
        let (len, per_block) = (*len, population.variables() * BLOCK);
        let work = |worker: &mut Worker, piece: Piece<'_>, state: &mut [f32]| {
            let Worker { before, room, sent, listing } = worker;
            let zero = piece.first();
            piece.visit_words(inputs, |first, blocks, live| {
                let input = match inputs {
                    [only] => only.from_block(first),
                    _ => {
                        sum(inputs, first, blocks, room);
                        &room[..]
                    }
                };
                let state = &mut state[(first - zero) * per_block..];
                let (before, sent, listing) = (&mut *before, &mut *sent, &mut *listing);
                let mut sweep =
                    Sweep { first, blocks, live, len, spikes, state, input, sent, before, listing };
                population.sweep(&mut sweep)
            });
        };
        let few = len < BLOCKS_WORTH_THREADS * BLOCK;
        // to ask for threads takes as long as a small population
        let threads = if few { 1 } else { rayon::current_num_threads() };
        if threads == 1 || moving.count(inputs) < BLOCKS_WORTH_THREADS {
            std::mem::swap(&mut workers[0].sent, sent);
            work(&mut workers[0], moving.whole(), state);
            std::mem::swap(&mut workers[0].sent, sent);
            return;
        }
        let words = len.div_ceil(64 * BLOCK).div_ceil(threads);
        workers.resize_with(threads, Worker::default);
        let states = state.chunks_mut(64 * words * per_block);
        let pieces: Vec<_> = moving.pieces(words).zip(states).zip(&mut *workers).collect();
        keep_others_awake();
        pieces.into_par_iter().for_each(|((piece, state), worker)| work(worker, piece, state));
        workers.iter_mut().for_each(|worker| sent.append(&mut worker.sent));
    }
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
