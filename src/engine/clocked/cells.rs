//! The neurons of one population, and which of them are on the move.
//!
//! A block is at rest once a step without input has changed nothing in it and
//! made it send nothing: the same would happen in every further step, so leaving
//! it out changes no bit. Integrate-and-fire neurons rest one step after their
//! last input; leaky ones once their potential has decayed to where rounding
//! holds it.

use crate::neuron::Population;
use crate::signal::{Accumulator, BLOCK, Spikes};

/// State of a population, block by block.
pub struct Cells {
    state: Vec<f32>,
    moving: Vec<u64>,
    before: Vec<f32>,
    len: usize,
}

impl Cells {
    /// `len` neurons before the first step, all on the move.
    pub fn new(population: &dyn Population, len: usize) -> Cells {
        let blocks = len.div_ceil(BLOCK);
        let per_block = population.variables() * BLOCK;
        let mut state = vec![0.0; blocks * per_block];
        for (block, state) in state.chunks_mut(per_block).enumerate() {
            population.start(block, state);
        }
        let mut moving = vec![u64::MAX; blocks.div_ceil(64)];
        if let Some(last) = moving.last_mut()
            && !blocks.is_multiple_of(64)
        {
            *last = (1 << (blocks % 64)) - 1;
        }
        Cells { state, moving, before: Vec::new(), len }
    }

    /// Whether no block is on the move.
    pub fn are_at_rest(&self) -> bool {
        self.moving.iter().all(|&word| word == 0)
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
        for word in 0..self.moving.len() {
            let live = inputs.iter().fold(0, |live, sums| live | sums.live(word));
            let mut visit = live | self.moving[word];
            self.moving[word] = 0;
            while visit != 0 {
                let bit = visit & visit.wrapping_neg();
                let block = word * 64 + bit.trailing_zeros() as usize;
                let moves =
                    self.step_block(population, block, inputs, live & bit != 0, spikes, sent);
                if moves {
                    self.moving[word] |= bit;
                }
                visit ^= bit;
            }
        }
    }

    /// Whether the block has to be visited in the next step.
    fn step_block(
        &mut self,
        population: &dyn Population,
        block: usize,
        inputs: &[&Accumulator],
        live: bool,
        spikes: bool,
        sent: &mut Spikes,
    ) -> bool {
        let mut summed = [0.0; BLOCK];
        let input = match inputs {
            [only] => only.block(block),
            several => {
                for sums in several {
                    let lanes = summed.iter_mut().zip(sums.block(block));
                    lanes.for_each(|(sum, value)| *sum += value);
                }
                &summed
            }
        };
        let per_block = population.variables() * BLOCK;
        let state = &mut self.state[block * per_block..][..per_block];
        let mut out = [0.0; BLOCK];
        if live {
            population.step(block, state, input, &mut out);
            self.send(block, &out, spikes, sent);
            return true;
        }
        self.before.clear();
        self.before.extend_from_slice(state);
        population.step(block, state, input, &mut out);
        let changed =
            state.iter().zip(&self.before).any(|(now, then)| now.to_bits() != then.to_bits());
        self.send(block, &out, spikes, sent) || changed
    }

    /// Appends what the neurons of a block send, and whether that is anything.
    fn send(&self, block: usize, out: &[f32; BLOCK], spikes: bool, sent: &mut Spikes) -> bool {
        let mut active = 0u64;
        for (lane, &value) in out.iter().enumerate() {
            active |= u64::from(value != 0.0) << lane;
        }
        let first = block * BLOCK;
        if self.len - first < BLOCK {
            active &= (1 << (self.len - first)) - 1;
        }
        let any = active != 0;
        while active != 0 {
            let lane = active.trailing_zeros() as usize;
            let count = if spikes { out[lane] as u32 } else { 1 };
            sent.push((first + lane) as u32, out[lane], count);
            active &= active - 1;
        }
        any
    }
}
