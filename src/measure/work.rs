//! What there is to count, each by one name: in energy tables, in reports, in JSON.

use std::ops::{Add, Index, IndexMut};

use serde::Serialize;

use crate::units::Bytes;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Events that entered.
    InputEvents,
    /// Spikes of populations.
    Spikes,
    /// Spikes of populations, two of one neuron in one step being one.
    Activations,
    /// Neurons times steps.
    NeuronSteps,
    /// Weight additions that spikes caused.
    SynapticOps,
    /// Multiplications with a weight that values caused.
    MultiplyAdds,
    /// NeuroBench's additions.
    EffectiveAcs,
    /// NeuroBench's multiplications.
    EffectiveMacs,
    /// Weight additions if every input were active in every step.
    DenseOps,
    /// Additions of a bias.
    BiasAdds,
    /// Neurons that were updated.
    StateUpdates,
    /// Those of them that decay.
    Leaks,
    /// Neurons whose state a step changed, and all in the first step.
    MembraneUpdates,
    /// Addresses worked out, one for each synapse.
    Addresses,
    /// Products for the place of a kernel.
    Places,
    /// Words of weights and biases read.
    WeightReads,
    /// Words of sums and states read.
    StateReads,
    /// Words of sums and states written.
    StateWrites,
    /// Words read from a layer's input.
    InputReads,
    /// Words written to a population's output.
    OutputWrites,
    /// Time that was simulated.
    Microseconds,
}

/// Where words are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Memory {
    /// Weights and biases of a layer.
    Weights,
    /// The sums of a connection, the variables of a population.
    States,
    /// What a connection hears.
    Inputs,
    /// What a population sends.
    Outputs,
}

/// An entry of [`COUNTS`].
#[derive(Debug)]
pub struct Kind {
    /// What it is.
    pub count: Count,
    /// Its name in tables and reports.
    pub name: &'static str,
    /// The convention that it is counted by.
    pub about: &'static str,
    /// The memory that each goes to, if it is a word on its way.
    pub memory: Option<Memory>,
}

const fn plain(count: Count, name: &'static str, about: &'static str) -> Kind {
    Kind { count, name, about, memory: None }
}

const fn word(count: Count, name: &'static str, memory: Memory, about: &'static str) -> Kind {
    Kind { count, name, about, memory: Some(memory) }
}

/// Every count, in the order of [`Count`].
pub const COUNTS: [Kind; 21] = [
    plain(Count::InputEvents, "input_events", "events that the network saw"),
    plain(Count::Spikes, "spikes", "of populations; two of a neuron in a step are two"),
    plain(Count::Activations, "activations", "neurons that spiked in a step, or sent a value"),
    plain(Count::NeuronSteps, "neuron_steps", "neurons times steps"),
    plain(
        Count::SynapticOps,
        "synaptic_ops",
        "one addition of a weight for each spike and synapse that it reaches",
    ),
    plain(
        Count::MultiplyAdds,
        "multiply_adds",
        "one multiplication for each synapse and value that is no spike",
    ),
    plain(
        Count::EffectiveAcs,
        "effective_acs",
        "NeuroBench's: inputs other than 0 on weights other than 0, in calls whose inputs are all -1, 0 or 1",
    ),
    plain(Count::EffectiveMacs, "effective_macs", "NeuroBench's: the same in all other calls"),
    plain(Count::DenseOps, "dense_ops", "every synapse in every step"),
    plain(Count::BiasAdds, "bias_adds", "one an output and step of a clock; none without one"),
    plain(
        Count::StateUpdates,
        "state_updates",
        "of a clock every neuron in every step, else each time something reaches one",
    ),
    plain(Count::Leaks, "leaks", "updates of neurons that decay"),
    plain(
        Count::MembraneUpdates,
        "membrane_updates",
        "NeuroBench's: neurons whose state a step of the clock changed, and all in the first step",
    ),
    plain(Count::Addresses, "addresses", "one an addition of a weight"),
    plain(Count::Places, "places", "two products a spike for the kernel's place; none if dense"),
    word(
        Count::WeightReads,
        "weight_reads",
        Memory::Weights,
        "one an addition of a weight or bias",
    ),
    word(
        Count::StateReads,
        "state_reads",
        Memory::States,
        "one an addition of a weight, and one a variable of each updated neuron, to which a bias is added then",
    ),
    word(Count::StateWrites, "state_writes", Memory::States, "as many as are read"),
    word(Count::InputReads, "input_reads", Memory::Inputs, "one a spike that a connection hears"),
    word(Count::OutputWrites, "output_writes", Memory::Outputs, "one a spike of a population"),
    plain(Count::Microseconds, "microseconds", "time that was simulated"),
];

impl Count {
    /// The count of this name.
    pub fn named(name: &str) -> Option<Count> {
        COUNTS.iter().find(|kind| kind.name == name).map(|kind| kind.count)
    }

    /// Its entry.
    pub fn kind(self) -> &'static Kind {
        &COUNTS[self as usize]
    }
}

/// What a unit did, and the sizes of the memories that it did it to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    counts: [u64; COUNTS.len()],
    /// Words in each memory, in the order of [`Memory`].
    pub words: [u64; 4],
}

impl Work {
    /// Work of these counts.
    pub fn of(counts: impl IntoIterator<Item = (Count, u64)>) -> Work {
        let mut work = Work::default();
        counts.into_iter().for_each(|(count, number)| work[count] = number);
        work
    }

    /// The same with memories of so many words.
    pub fn with(self, words: [u64; 4]) -> Work {
        Work { words, ..self }
    }

    /// The same done so many times.
    pub fn times(self, times: u64) -> Work {
        Work { counts: self.counts.map(|count| count * times), ..self }
    }

    /// Words in the memory that this count goes to; none for what is no word.
    pub fn memory(&self, count: Count) -> Option<u64> {
        count.kind().memory.map(|memory| self.words[memory as usize])
    }

    /// What it does whether there are spikes or not: a clock's updates and biases.
    pub fn standing(&self, is_clocked: bool, variables: u64) -> Work {
        let mut work = Work { words: self.words, ..Work::default() };
        work[Count::Microseconds] = self[Count::Microseconds];
        if is_clocked {
            for count in [Count::BiasAdds, Count::StateUpdates, Count::Leaks, Count::NeuronSteps] {
                work[count] = self[count];
            }
            work[Count::WeightReads] = self[Count::BiasAdds];
            let words = variables * self[Count::StateUpdates];
            (work[Count::StateReads], work[Count::StateWrites]) = (words, words);
        }
        work
    }
}

/// Words that moved to and from memories of one kind, by where these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// The kind.
    pub memory: Memory,
    /// Bytes to and from memories that fit into the buffer.
    pub near_bytes: u64,
    /// Bytes to and from larger ones.
    pub far_bytes: u64,
}

/// The words of all units as bytes, near if the memory of the unit fits into a buffer of
/// this size by itself.
pub fn traffic(works: &[Work], word_bytes: u64, buffer: Bytes) -> Vec<Traffic> {
    let words = COUNTS.iter().filter_map(|kind| Some((kind.count, kind.memory?)));
    let mut all: Vec<Traffic> = Vec::new();
    for (count, memory) in words {
        let bytes_where = |is_near: bool| -> u64 {
            let fits = |work: &&Work| work.words[memory as usize] * word_bytes <= buffer.0;
            let units = works.iter().filter(|work| fits(work) == is_near);
            units.map(|work| work[count] * word_bytes).sum()
        };
        let (near_bytes, far_bytes) = (bytes_where(true), bytes_where(false));
        match all.iter_mut().find(|traffic| traffic.memory == memory) {
            Some(traffic) => {
                traffic.near_bytes += near_bytes;
                traffic.far_bytes += far_bytes;
            }
            None => all.push(Traffic { memory, near_bytes, far_bytes }),
        }
    }
    all
}

impl Index<Count> for Work {
    type Output = u64;

    fn index(&self, count: Count) -> &u64 {
        &self.counts[count as usize]
    }
}

impl IndexMut<Count> for Work {
    fn index_mut(&mut self, count: Count) -> &mut u64 {
        &mut self.counts[count as usize]
    }
}

/// Of one unit in two runs, or of two units; memories stay the larger ones.
impl Add for Work {
    type Output = Work;

    fn add(mut self, other: Work) -> Work {
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, count)| *sum += count);
        self.words.iter_mut().zip(other.words).for_each(|(own, other)| *own = other.max(*own));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_at_its_place() {
        for (place, kind) in COUNTS.iter().enumerate() {
            assert_eq!(kind.count as usize, place, "{}", kind.name);
            assert_eq!(Count::named(kind.name), Some(kind.count));
        }
    }
}
