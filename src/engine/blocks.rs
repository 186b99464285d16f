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

    /// How many there are, with those that `inputs` reach.
    pub fn count(&self, inputs: &[&Accumulator]) -> usize {
        let words = self.0.iter().enumerate();
        words.map(|(number, word)| (word | live(inputs, number)).count_ones() as usize).sum()
    }

    /// All of it.
    pub fn whole(&mut self) -> Piece<'_> {
        Piece { first: 0, words: &mut self.0 }
    }

    /// It in pieces of 64 times so many neighbouring blocks.
    pub fn pieces(&mut self, words: usize) -> impl Iterator<Item = Piece<'_>> {
        let pieces = self.0.chunks_mut(words).enumerate();
        pieces.map(move |(number, piece)| Piece { first: number * words, words: piece })
    }

    /// Takes all out, and hands them with those that `inputs` reach to `visit`,
    /// ascending; what `visit` says is put in again. It is told whether the block was in.
    pub fn visit(&mut self, inputs: &[&Accumulator], mut visit: impl FnMut(usize, bool) -> bool) {
        for (number, word) in self.0.iter_mut().enumerate() {
            let was_in = std::mem::take(word);
            for lane in lanes(was_in | live(inputs, number)) {
                let stays = visit(number * 64 + lane, was_in >> lane & 1 == 1);
                *word |= u64::from(stays) << lane;
            }
        }
    }
}

/// Neighbouring blocks of a set of them.
pub struct Piece<'a> {
    /// The number of the first word.
    first: usize,
    words: &'a mut [u64],
}

impl Piece<'_> {
    /// The number that its first block could have.
    pub fn first(&self) -> usize {
        64 * self.first
    }

    /// Takes all out, and hands them with those that `inputs` reach to `visit`, 64
    /// neighbours at a time: the first, which of them, and which of these an input
    /// reaches. What `visit` gives is put in again.
    pub fn visit_words(
        self,
        inputs: &[&Accumulator],
        mut visit: impl FnMut(usize, u64, u64) -> u64,
    ) {
        for (number, word) in (self.first..).zip(self.words) {
            let live = live(inputs, number);
            let blocks = live | std::mem::take(word);
            if blocks != 0 {
                *word = visit(number * 64, blocks, live);
            }
        }
    }
}

/// The blocks `64·word` to `64·word + 63` that an input reaches.
fn live(inputs: &[&Accumulator], word: usize) -> u64 {
    inputs.iter().fold(0, |live, sums| live | sums.live(word))
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
