//! Rules in turn, epoch by epoch: which one an epoch has follows from its number, so
//! that a run resumes where it was.

use serde::{Deserialize, Serialize};

use super::config::Rule;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::rule::stdp::Stdp;
use crate::neuron::trainable::Sends;

/// Phases, over and over until the last epoch.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// One behind the other.
    pub phases: Vec<Span>,
    /// The local rule.
    #[serde(default)]
    pub stdp: Stdp,
}

/// A phase and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// What is learned by.
    pub phase: Phase,
    /// How many epochs.
    #[serde(default = "one")]
    pub epochs: usize,
}

fn one() -> usize {
    1
}

/// What is learned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Gradients: backpropagation through time. Signed neurons send positive spikes.
    Excitatory,
    /// STDP, while neurons inhibit each other. Only connections learn. Signed neurons send
    /// negative spikes.
    Inhibitory,
    /// Both, their changes added up. Signed neurons send both, as when they answer.
    Joint,
}

impl Phase {
    /// The phase that an epoch, from 0, has by a rule.
    pub fn of(rule: &Rule, epoch: usize) -> Phase {
        match rule {
            Rule::Cycle(cycle) => cycle.phase(epoch),
            _ => Phase::Excitatory,
        }
    }

    /// Which spikes signed neurons send.
    pub fn sends(self) -> Sends {
        match self {
            Phase::Excitatory => Sends::Positive,
            Phase::Inhibitory => Sends::Negative,
            Phase::Joint => Sends::Both,
        }
    }
}

impl Cycle {
    /// The phase of an epoch, from 0.
    pub fn phase(&self, epoch: usize) -> Phase {
        let all: usize = self.phases.iter().map(|span| span.epochs).sum();
        let mut left = epoch % all.max(1);
        for span in &self.phases {
            if left < span.epochs {
                return span.phase;
            }
            left -= span.epochs;
        }
        Phase::Excitatory
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// No phases, one of no epochs, what [`Stdp::check`] refuses.
    pub fn check(&self) -> Result<()> {
        if self.phases.is_empty() || self.phases.iter().any(|span| span.epochs == 0) {
            let found = format!("{} phases, or one of no epochs", self.phases.len());
            let expected = "1 phase or more, each of 1 epoch or more";
            return Err(Error::new(ErrorKind::Usage, found, expected).at("'rule.cycle.phases'"));
        }
        self.stdp.check().map_err(|e| e.at("'rule.cycle.stdp'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_come_in_turn_and_again() {
        let span = |phase, epochs| Span { phase, epochs };
        let (e, i, j) = (Phase::Excitatory, Phase::Inhibitory, Phase::Joint);
        let phases = vec![span(e, 2), span(i, 1), span(j, 1)];
        let cycle = Cycle { phases, stdp: Stdp::default() };
        let found: Vec<Phase> = (0..9).map(|epoch| cycle.phase(epoch)).collect();
        assert_eq!(found, [e, e, i, j, e, e, i, j, e]);
        assert!(cycle.check().is_ok());
        assert!(Cycle { phases: vec![], ..cycle.clone() }.check().is_err());
        assert!(Cycle { phases: vec![span(i, 0)], ..cycle }.check().is_err());
    }
}
