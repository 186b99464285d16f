//! When an answer was found: the step from which on it never changed.

use crate::engine::{Observer, Plan};
use crate::network::Network;
use crate::signal::Spikes;

/// The answer so far, and since when it is that.
#[derive(Clone, Debug)]
pub struct Decision {
    output: usize,
    spiking: bool,
    /// Sums over time, by address.
    sums: Vec<f64>,
    answer: Option<usize>,
    since: Option<u64>,
}

impl Decision {
    /// Before the first step.
    pub fn new(network: &Network, plan: &Plan) -> Decision {
        let output = network.output;
        let sums = vec![0.0; network.units[output].output.len()];
        Decision { output, spiking: plan.spikes[output], sums, answer: None, since: None }
    }

    /// The step in which the last answer came up; none where there is none.
    pub fn since(&self) -> Option<u64> {
        self.answer.and(self.since)
    }
}

/// The first of the largest values; none where all are equal, as they are in silence.
pub fn leading<T: Copy + PartialOrd>(values: &[T]) -> Option<usize> {
    let best = (0..values.len()).reduce(|a, b| if values[b] > values[a] { b } else { a })?;
    values.iter().any(|&value| value != values[best]).then_some(best)
}

impl Observer for Decision {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit != self.output {
            return;
        }
        for (address, value, count) in sent.iter() {
            let more = if self.spiking { f64::from(count) } else { f64::from(value) };
            self.sums[address as usize] += more;
        }
        let leading = leading(&self.sums);
        if leading != self.answer {
            (self.answer, self.since) = (leading, Some(step));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_from_where_it_no_longer_changes() {
        let mut decision =
            Decision { output: 0, spiking: true, sums: vec![0.0; 3], answer: None, since: None };
        let mut see = |step, addresses: &[u32]| {
            let mut spikes = Spikes::default();
            addresses.iter().for_each(|&address| spikes.push(address, 1.0, 1));
            decision.sent(step, 0, &spikes);
            (decision.answer, decision.since)
        };
        assert_eq!(see(2, &[1]), (Some(1), Some(2)));
        assert_eq!(see(5, &[2]), (Some(1), Some(2)), "of equals the first, as in the readout");
        assert_eq!(see(6, &[0]), (None, Some(6)), "all are equal");
        assert_eq!(see(7, &[1]), (Some(1), Some(7)));
        assert_eq!(see(8, &[0]), (Some(0), Some(8)));
        assert_eq!(see(9, &[1, 2]), (Some(1), Some(9)));
    }
}
