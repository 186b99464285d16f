//! What a run did, in exact integers.

use std::ops::Add;

use super::decision::leading;
use crate::engine::{Observer, Operations, Plan};
use crate::network::{Network, Unit};
use crate::signal::{Shape, Spikes};

/// What one unit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnitCounts {
    /// Spikes sent; two of one neuron in one step are two.
    pub spikes: u64,
    /// Weight additions that input spikes caused, borders and strides honoured.
    pub synaptic_ops: u64,
    /// Multiplications with a weight that values other than spikes caused.
    pub multiply_adds: u64,
    /// Neurons that something reached, once for each time; not counted where all
    /// are reached in every step.
    pub updates: u64,
}

impl Add for UnitCounts {
    type Output = UnitCounts;

    fn add(self, other: UnitCounts) -> UnitCounts {
        UnitCounts {
            spikes: self.spikes + other.spikes,
            synaptic_ops: self.synaptic_ops + other.synaptic_ops,
            multiply_adds: self.multiply_adds + other.multiply_adds,
            updates: self.updates + other.updates,
        }
    }
}

/// Counts of every unit, and what came out.
#[derive(Clone, Debug)]
pub struct Counts {
    /// By unit.
    pub units: Vec<UnitCounts>,
    populations: Vec<bool>,
    /// Whether a unit sends spikes, rather than values.
    spikes: Vec<bool>,
    output: usize,
    shape: Shape,
    spiking: bool,
    sent: Vec<u64>,
    potential: Vec<f64>,
}

/// What came out, in the order in which files count the outputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Readout {
    /// Spikes of each output.
    Spikes(Vec<u64>),
    /// Mean of each output's value over the steps.
    Mean(Vec<f64>),
}

impl Counts {
    /// Zeros for a network.
    pub fn new(network: &Network, plan: &Plan) -> Counts {
        let shape = network.units[network.output].output.clone();
        Counts {
            units: vec![UnitCounts::default(); network.units.len()],
            populations: network
                .units
                .iter()
                .map(|wired| matches!(wired.unit, Unit::Neuron(_)))
                .collect(),
            spikes: plan.spikes.clone(),
            output: network.output,
            spiking: plan.spikes[network.output],
            sent: vec![0; shape.len()],
            potential: vec![0.0; shape.len()],
            shape,
        }
    }

    /// What came out in `steps` steps.
    pub fn readout(&self, steps: u64) -> Readout {
        let addresses = (0..self.shape.len()).map(|element| self.shape.address(element));
        match self.spiking {
            true => Readout::Spikes(addresses.map(|a| self.sent[a]).collect()),
            false => {
                let steps = steps.max(1) as f64;
                Readout::Mean(addresses.map(|a| self.potential[a] / steps).collect())
            }
        }
    }

    /// Sum over all units; of spikes, those of populations alone, not what the input and
    /// pools pass on.
    pub fn total(&self) -> UnitCounts {
        let units = self.units.iter().zip(&self.populations);
        units.fold(UnitCounts::default(), |sum, (unit, is_population)| {
            let spikes = if *is_population { unit.spikes } else { 0 };
            sum + UnitCounts { spikes, ..*unit }
        })
    }
}

impl Observer for Counts {
    fn sent(&mut self, _step: u64, unit: usize, sent: &Spikes) {
        if self.spikes[unit] {
            self.units[unit].spikes += sent.total();
        }
        if unit == self.output {
            for (address, value, count) in sent.iter() {
                self.sent[address as usize] += u64::from(count);
                self.potential[address as usize] += f64::from(value);
            }
        }
    }

    fn operated(&mut self, _step: u64, unit: usize, operations: Operations) {
        self.units[unit].synaptic_ops += operations.synaptic;
        self.units[unit].multiply_adds += operations.multiply_adds;
    }

    fn updated(&mut self, _step: u64, unit: usize, neurons: u64) {
        self.units[unit].updates += neurons;
    }
}

impl Readout {
    /// The output that stands out: the most spikes, the largest value. None if
    /// all are equal, as they are in silence.
    pub fn prediction(&self) -> Option<usize> {
        match self {
            Readout::Spikes(counts) => leading(counts),
            Readout::Mean(means) => leading(means),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_predicts_nothing_and_a_tie_the_first() {
        assert_eq!(Readout::Spikes(vec![0, 0, 0]).prediction(), None);
        assert_eq!(Readout::Spikes(vec![0, 2, 2]).prediction(), Some(1));
        assert_eq!(Readout::Mean(vec![-3.0, -1.0, -2.0]).prediction(), Some(1));
        assert_eq!(Readout::Mean(vec![f64::NAN, 1.0]).prediction(), Some(0));
    }
}
