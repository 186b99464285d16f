//! The neurons of one population, and which of them are on the move.
//!
//! A block is at rest once a step without input has changed nothing in it and
//! made it send nothing: the same would happen in every further step, so leaving
//! it out changes no bit. Integrate-and-fire neurons rest one step after their
//! last input; leaky ones once their potential has decayed to where rounding
//! holds it.

use crate::engine::blocks::{Blocks, input, start};
use crate::neuron::sweep::Sweep;
use crate::neuron::{Charge, Population};
use crate::signal::{Accumulator, Aligned, BLOCK, Spikes, lanes};

/// State of a population, block by block.
pub struct Cells {
    state: Aligned,
    moving: Blocks,
    before: Vec<f32>,
    len: usize,
}

impl Cells {
    /// `len` neurons before the first step, all on the move.
    pub fn new(population: &dyn Population, len: usize) -> Cells {
        let (state, moving) = (start(population, len), Blocks::all(len.div_ceil(BLOCK)));
        Cells { state, moving, before: Vec::new(), len }
    }

    /// Whether no block is on the move.
    pub fn are_at_rest(&self) -> bool {
        self.moving.is_empty()
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
        let Cells { state, moving, before, len } = self;
        let mut room = Vec::new();
        moving.visit_words(inputs, |first, blocks, live| {
            let input = match inputs {
                [only] => only.from_block(first),
                _ => {
                    sum(inputs, first, blocks, &mut room);
                    &room
                }
            };
            let (len, state) = (*len, &mut state[..]);
            population.sweep(Sweep { first, blocks, live, len, spikes, state, input, sent, before })
        });
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
