//! The steps of the clocked engine, taken when something asks for them.

use super::Dynamics;
use crate::engine::blocks::{Blocks, input, start};
use crate::neuron::Population;
use crate::neuron::sweep::{differ, send};
use crate::signal::simd::non_zero;
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
        awake.visit(inputs, |block, is_awake| {
            let input = input(inputs, block, &mut room);
            let live = non_zero(input) != 0;
            // a sum of zero was perhaps added to, perhaps not: to wake a block for one of the
            // two would let the loop that adds say how many updates there were
            if !live && !is_awake {
                return false;
            }
            let state = &mut state[block * per_block..][..per_block];
            self.catch_up(block, state, step - taken[block], before);
            taken[block] = step + 1;
            if !live {
                before.clear();
                before.extend_from_slice(state);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::MODELS;
    use crate::record::{Array, Record};
    use crate::signal::Shape;
    use crate::units::Seconds;

    #[test]
    fn a_sum_of_zero_is_no_update_and_leaves_no_trace() {
        let cuba = MODELS.iter().find(|model| model.nir == "CubaLIF").unwrap();
        let mut record = Record::default();
        let fields = [
            ("tau_mem", 0.02),
            ("tau_syn", 0.004),
            ("r", 1.0),
            ("v_leak", 0.0),
            ("v_threshold", 0.1),
            ("w_in", 1.0),
        ];
        for (field, value) in fields {
            record.put(field, Array::floats(&[1], vec![value]));
        }
        let (neuron, shape) = (cuba.read(&mut record).unwrap(), Shape::new(&[BLOCK]).unwrap());
        let population = neuron.at(Seconds(1e-3), &shape, &"nir".parse().unwrap()).unwrap();
        let quanta = Quanta::new(population, true);
        let run = |zeros: bool| {
            let (mut cells, mut updated) = (quanta.start(BLOCK, &[]), 0);
            for step in 0..2000 {
                let mut sums = Accumulator::new(BLOCK);
                match step % 397 {
                    0 => sums.add(step % BLOCK, 2.0),
                    _ if zeros && step % 7 == 0 => sums.add(step % BLOCK, 0.0),
                    _ if quanta.next(&mut cells).is_none() => continue,
                    _ => (),
                }
                let sent = &mut Spikes::default();
                updated += quanta.front(&mut cells, step as f64, &[&sums], sent);
            }
            (updated, cells.state.to_vec())
        };
        let (updated, state) = run(false);
        assert!((1..2000 * BLOCK as u64 / 2).contains(&updated), "{updated} updates");
        assert_eq!(run(true), (updated, state));
    }
}
