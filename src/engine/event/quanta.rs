//! The steps of the clocked engine, taken when something asks for them.

use super::Dynamics;
use crate::engine::cells::{self, Reach};
use crate::neuron::Population;
use crate::signal::{Accumulator, Spikes};

/// A population whose neurons take a step where something reaches them, or where they may
/// fire by themselves: so many are updated.
///
/// The steps are those of [`crate::engine::Clocked`], in the same `cells.rs`.
pub struct Quanta {
    population: Box<dyn Population>,
    spikes: bool,
}

/// State of a population.
pub struct Cells {
    blocks: cells::Cells,
    /// The first step that has not been asked for.
    next: u64,
}

impl Quanta {
    /// A population that sends spikes, or its potentials.
    pub fn new(population: Box<dyn Population>, spikes: bool) -> Quanta {
        Quanta { population, spikes }
    }
}

impl Dynamics for Quanta {
    type Cells = Cells;

    const IN_STEPS: bool = true;

    fn start(&self, len: usize) -> Cells {
        let blocks = cells::Cells::new(self.population.as_ref(), len, Reach::NonZero);
        Cells { blocks, next: 0 }
    }

    fn next(&self, cells: &mut Cells) -> Option<f64> {
        (!cells.blocks.are_at_rest()).then_some(cells.next as f64)
    }

    fn front(
        &self,
        cells: &mut Cells,
        now: f64,
        inputs: &[&Accumulator],
        sent: &mut Spikes,
    ) -> u64 {
        let step = now as u64;
        cells.next = step + 1;
        cells.blocks.step(self.population.as_ref(), step, inputs, self.spikes, sent)
    }

    fn end(&self, _cells: &mut Cells) -> bool {
        false
    }

    fn remarks(&self, cells: &Cells) -> Vec<String> {
        cells.blocks.remark().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::MODELS;
    use crate::record::{Array, Record};
    use crate::signal::{BLOCK, Shape};
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
            let (mut cells, mut updated) = (quanta.start(BLOCK), 0);
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
            (updated, cells.blocks.states().to_vec())
        };
        let (updated, state) = run(false);
        assert!((1..2000 * BLOCK as u64 / 2).contains(&updated), "{updated} updates");
        assert_eq!(run(true), (updated, state));
    }
}
