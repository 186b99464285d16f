//! What every engine does with the blocks of a population.

use crate::neuron::Population;
use crate::signal::{Accumulator, Aligned, BLOCK, lanes};

/// A set of blocks.
#[derive(Clone, Debug, Default)]
pub struct Blocks(Vec<u64>);

impl Blocks {
    /// None of `blocks` blocks.
    pub fn none(blocks: usize) -> Blocks {
        Blocks(vec![0; blocks.div_ceil(64)])
    }

    /// All of them.
    pub fn all(blocks: usize) -> Blocks {
        let mut all = Blocks::none(blocks);
        (0..blocks).for_each(|block| all.insert(block));
        all
    }

    /// Puts one in.
    #[inline]
    pub fn insert(&mut self, block: usize) {
        self.0[block / 64] |= 1 << (block % 64);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Takes all out, and hands them with those that `inputs` reach to `visit`, 64
    /// neighbours at a time: the first, which of them, and which of these an input
    /// reaches. What `visit` gives is put in again.
    pub fn visit_words(
        &mut self,
        inputs: &[&Accumulator],
        mut visit: impl FnMut(usize, u64, u64) -> u64,
    ) {
        for (number, word) in self.0.iter_mut().enumerate() {
            let live = inputs.iter().fold(0, |live, sums| live | sums.live(number));
            let blocks = live | std::mem::take(word);
            if blocks != 0 {
                *word = visit(number * 64, blocks, live);
            }
        }
    }

    /// Takes all out, and hands them with those that `inputs` reach to `visit`,
    /// ascending; what `visit` says is put in again. It is told whether an input
    /// reaches the block.
    pub fn visit(&mut self, inputs: &[&Accumulator], mut visit: impl FnMut(usize, bool) -> bool) {
        self.visit_words(inputs, |first, blocks, live| {
            lanes(blocks).fold(0, |stay, lane| {
                let stays = visit(first + lane, live >> lane & 1 == 1);
                stay | u64::from(stays) << lane
            })
        });
    }
}

/// The state of a population of `len` neurons at the beginning.
pub fn start(population: &dyn Population, len: usize) -> Aligned {
    let per_block = population.variables() * BLOCK;
    let mut state = Aligned::zeros(len.div_ceil(BLOCK) * per_block);
    for (block, state) in state.chunks_mut(per_block).enumerate() {
        population.start(block, state);
    }
    state
}

/// The sum of several inputs to a block.
#[inline]
pub fn input<'a>(
    inputs: &[&'a Accumulator],
    block: usize,
    room: &'a mut [f32; BLOCK],
) -> &'a [f32; BLOCK] {
    if let [only] = inputs {
        return only.block(block);
    }
    room.fill(0.0);
    for sums in inputs {
        room.iter_mut().zip(sums.block(block)).for_each(|(sum, value)| *sum += value);
    }
    room
}
