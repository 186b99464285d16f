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

    /// A bit for each block, 64 in a word.
    pub fn words(&mut self) -> &mut [u64] {
        &mut self.0
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

/// The blocks `64·word` to `64·word + 63` that an input reaches.
pub fn live(inputs: &[&Accumulator], word: usize) -> u64 {
    inputs.iter().fold(0, |live, sums| live | sums.live(word))
}

/// Those among them that `inputs` reach in every step.
pub fn resting(inputs: &[&Accumulator], word: usize) -> u64 {
    inputs.iter().fold(0, |resting, sums| resting | sums.resting(word))
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

/// What a report should say where any of `len` neurons has come to a state that is infinite
/// or no number; they never come back, and those that are no number never fire.
pub fn beyond_numbers(state: &[impl Copy + Into<f64>], len: usize) -> Option<String> {
    // without an early way out several are looked at together
    let is_finite = state.iter().fold(true, |all, &x| all & x.into().is_finite());
    if is_finite {
        return None;
    }
    let variables = state.len() / (len.div_ceil(BLOCK) * BLOCK);
    let is_neuron = |at: usize| at / (variables * BLOCK) * BLOCK + at % BLOCK < len;
    let mut beyond = (0..state.len()).filter(|&at| !state[at].into().is_finite());
    beyond.any(is_neuron).then(|| {
        "potentials beyond all numbers (inf or NaN): what it hears is too much to add up, and \
         what it sent is not to be believed"
            .to_owned()
    })
}
