//! The steps of the clocked engine, taken when something asks for them.

use super::Dynamics;
use crate::engine::blocks::{Blocks, input, start};
use crate::neuron::Population;
use crate::neuron::sweep::{differ, send};
use crate::signal::{Accumulator, Aligned, BLOCK, Spikes};

/// A population whose blocks sleep while they cannot fire, and catch up with the
/// steps that they slept through.
///
/// The steps are those of [`crate::engine::Clocked`], the same operations in the
/// same order; left out are those that [`Population::is_quiet`] knows to send
/// nothing, until something asks what became of them.
pub struct Quanta {
    population: Box<dyn Population>,
    spikes: bool,
}

/// State of a population, block by block.
pub struct Cells {
    state: Aligned,
    before: Vec<f32>,
    /// Steps that each block has taken.
    taken: Vec<u64>,
    /// The blocks that may fire by themselves, and those with a constant input.
    awake: Blocks,
    driven: Vec<bool>,
    /// The first step that has not been asked for.
    next: u64,
    len: usize,
}

impl Quanta {
    /// A population that sends spikes, or its potentials.
    pub fn new(population: Box<dyn Population>, spikes: bool) -> Quanta {
        Quanta { population, spikes }
    }

    /// Takes the steps that a block slept through. It ends early where a step
    /// changes nothing: nor would the others.
    fn catch_up(&self, block: usize, state: &mut [f32], steps: u64, before: &mut Vec<f32>) {
        let (silence, mut out) = ([0.0; BLOCK], [0.0; BLOCK]);
        for _ in 0..steps {
            before.clear();
            before.extend_from_slice(state);
            let stepped = self.population.step(block, state, &silence, &mut out);
            debug_assert!(stepped.active == 0, "a quiet block fired");
            if !differ(state, before) {
                return;
            }
        }
    }
}

impl Dynamics for Quanta {
    type Cells = Cells;

    const IN_STEPS: bool = true;

    fn start(&self, len: usize, inputs: &[&Accumulator]) -> Cells {
        let blocks = len.div_ceil(BLOCK);
        let driven =
            |block| inputs.iter().any(|sums| sums.live(block / 64) >> (block % 64) & 1 == 1);
        Cells {
            state: start(self.population.as_ref(), len),
            before: Vec::new(),
            taken: vec![0; blocks],
            awake: Blocks::all(blocks),
            driven: (0..blocks).map(driven).collect(),
            next: 0,
            len,
        }
    }

    fn next(&self, cells: &mut Cells) -> Option<f64> {
        (!cells.awake.is_empty()).then_some(cells.next as f64)
    }

    fn front(
        &self,
        cells: &mut Cells,
        now: f64,
        inputs: &[&Accumulator],
        sent: &mut Spikes,
    ) -> u64 {
        let step = now as u64;
        let Cells { state, before, taken, awake, driven, next, len } = cells;
        let per_block = self.population.variables() * BLOCK;
        let (mut room, mut out, mut updated) = ([0.0; BLOCK], [0.0; BLOCK], 0);
        awake.visit(inputs, |block, live| {
            let state = &mut state[block * per_block..][..per_block];
            self.catch_up(block, state, step - taken[block], before);
            taken[block] = step + 1;
            if !live {
                before.clear();
                before.extend_from_slice(state);
            }
            let input = input(inputs, block, &mut room);
            let stepped = self.population.step(block, state, input, &mut out);
            updated += (*len - block * BLOCK).min(BLOCK) as u64;
            let any = send((block, *len), stepped.active, &out, self.spikes, sent);
            let moves = !stepped.still && (any || live || differ(state, before));
            driven[block] || moves && !self.population.is_quiet(block, state)
        });
        *next = step + 1;
        updated
    }

    fn end(&self, _cells: &mut Cells) -> bool {
        false
    }
}
