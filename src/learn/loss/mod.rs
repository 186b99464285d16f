//! Losses: how wrong the outputs of a network are, and in which direction.
//!
//! With outputs o `[T, B, K]`, their mean over time r, the label y of each of B
//! sequences, and means over B:
//!
//! ```text
//! rate     CE(r, y)
//! squares  mean_k (r_k − [k = y])²
//! count    mean_k (Σ_t o_k − n_k)² / T       n: ⌊T·share⌋, for the label and the others
//! tet      (1 − λ) mean_t CE(o_t, y) + λ mean_{t,k} (o_{t,k} − φ)²
//! ```
//!
//! TSSL-BP has three of its own, `timed.rs`; what a teacher knows is [`hta_kl`].
//!
//! **Source.** `squares` is the PLIF networks' (Fang et al. 2021); `count` snnTorch
//! 1.0's `mse_count_loss`; TET Deng et al., ICLR 2022, as in the official code's
//! `functions.py`, where λ = 0.001 and φ = 1. CE(r, y) ≤ mean_t CE(o_t, y), with
//! equality where outputs do not change.

pub mod hta_kl;
mod timed;

pub use hta_kl::HtaKl;

use serde::{Deserialize, Serialize};

use super::Tensor;
use crate::error::{Error, ErrorKind, Result};

/// A loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Loss {
    /// Cross-entropy of the mean output.
    #[default]
    Rate,
    /// Squared distance of the mean output from the label's unit vector.
    Squares,
    /// Squared distance of spike counts from those that are wanted.
    Count {
        /// Share of steps in which the label's output is to fire.
        label: f64,
        /// The same of the others.
        others: f64,
    },
    /// Temporal efficient training: cross-entropy at each step.
    Tet {
        /// λ, the weight of the distance from φ.
        #[serde(default = "thousandth")]
        lambda: f64,
        /// φ, what outputs are drawn to.
        #[serde(default = "unit")]
        target: f64,
    },
    /// TSSL-BP: summed currents, drawn to so many where they are on the wrong side.
    #[serde(rename = "tssl-count")]
    TimedCount {
        /// Of the label's output.
        desired: f64,
        /// Of the others.
        undesired: f64,
    },
    /// TSSL-BP: currents, drawn to those of given spikes.
    #[serde(rename = "tssl-kernel")]
    TimedKernel {
        /// Time constant of synapses in steps.
        synapse: f64,
    },
    /// TSSL-BP: cross-entropy of summed currents.
    #[serde(rename = "tssl-softmax")]
    TimedSoftmax,
}

fn thousandth() -> f64 {
    1e-3
}

fn unit() -> f64 {
    1.0
}

impl Loss {
    /// TET with the weights of its official code.
    pub const TET: Loss = Loss::Tet { lambda: 1e-3, target: 1.0 };

    /// Whether it makes sense.
    ///
    /// # Errors
    /// Shares and weights that are not from 0 to 1, counts below 0, a synapse of less than
    /// a step.
    pub fn check(&self) -> Result<()> {
        let is_share = |x: f64| (0.0..=1.0).contains(&x);
        let is_count = |x: f64| x >= 0.0 && x.is_finite();
        let (fine, found, expected) = match *self {
            Loss::Rate | Loss::Squares | Loss::TimedSoftmax => return Ok(()),
            Loss::Count { label, others } => (
                is_share(label) && is_share(others),
                format!("shares of {label} and {others}"),
                "shares from 0 to 1",
            ),
            Loss::Tet { lambda, target } => (
                is_share(lambda) && target.is_finite(),
                format!("lambda {lambda}, target {target}"),
                "a lambda from 0 to 1, a finite target",
            ),
            Loss::TimedCount { desired, undesired } => (
                is_count(desired) && is_count(undesired),
                format!("counts of {desired} and {undesired}"),
                "finite counts of 0 or more",
            ),
            Loss::TimedKernel { synapse } => (
                synapse >= 1.0 && synapse.is_finite(),
                format!("a synapse of {synapse} steps"),
                "a time constant of 1 step or more",
            ),
        };
        if fine { Ok(()) } else { Err(Error::new(ErrorKind::Usage, found, expected)) }
    }

    /// The loss of outputs `[T, B, K]`, and its gradient with respect to them.
    ///
    /// # Errors
    /// No steps or sequences, labels that are not one of K for each of B, and a loss that is
    /// no number.
    pub fn of(&self, outputs: &Tensor, labels: &[usize]) -> Result<(f64, Tensor)> {
        check(outputs, labels)?;
        let (loss, gradient) = match *self {
            Loss::Rate => rate(outputs, labels),
            Loss::Squares => squares(outputs, labels),
            Loss::Count { label, others } => count(outputs, labels, [others, label]),
            Loss::Tet { lambda, target } => tet(outputs, labels, lambda, target),
            Loss::TimedCount { desired, undesired } => {
                timed::count(outputs, labels, [undesired, desired])
            }
            Loss::TimedKernel { synapse } => timed::kernel(outputs, labels, synapse),
            Loss::TimedSoftmax => timed::softmax(outputs, labels),
        };
        finite(loss).map(|loss| (loss, gradient))
    }
}

fn finite(loss: f64) -> Result<f64> {
    match loss.is_finite() {
        true => Ok(loss),
        false => {
            let expected = "a number; outputs have grown beyond all bounds";
            Err(Error::new(ErrorKind::Usage, format!("a loss of {loss}"), expected))
        }
    }
}

fn check(outputs: &Tensor, labels: &[usize]) -> Result<()> {
    let (batch, classes) = match *outputs.shape() {
        [steps, batch, classes] if steps > 0 && batch > 0 => (batch, classes),
        ref other => {
            let found = format!("outputs of shape {other:?}");
            return Err(Error::new(ErrorKind::Shape, found, "[T, B, K], T and B 1 or more"));
        }
    };
    if labels.len() != batch {
        let found = format!("{} labels", labels.len());
        return Err(Error::new(ErrorKind::Shape, found, format!("{batch}")));
    }
    match labels.iter().find(|&&label| label >= classes) {
        None => Ok(()),
        Some(label) => Err(Error::new(
            ErrorKind::Usage,
            format!("label {label}"),
            format!("one of {classes} classes, from 0 on"),
        )),
    }
}

/// Σ_t o_t, `[B, K]`.
fn sums(outputs: &Tensor) -> Vec<f64> {
    let len = outputs.batch() * outputs.feature_count();
    let mut sums = vec![0.0; len];
    for step in outputs.values().chunks_exact(len) {
        sums.iter_mut().zip(step).for_each(|(sum, &o)| *sum += f64::from(o));
    }
    sums
}

/// The same gradient at every step.
fn at_every_step(outputs: &Tensor, gradient: &[f64]) -> Tensor {
    let step = || gradient.iter().map(|&g| g as f32);
    Tensor::new(outputs.shape(), (0..outputs.steps()).flat_map(|_| step()).collect())
}

/// Mean cross-entropy of rows of K scores, and its gradient.
fn cross_entropy(scores: &[f64], labels: &[usize]) -> (f64, Vec<f64>) {
    let (classes, batch) = (scores.len() / labels.len(), labels.len() as f64);
    let (mut loss, mut gradient) = (0.0, Vec::with_capacity(scores.len()));
    for (row, &label) in scores.chunks_exact(classes).zip(labels) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
        loss += (sum.ln() + largest - row[label]) / batch;
        let one_hot = |k: usize| if k == label { 1.0 } else { 0.0 };
        let share = |(k, x): (usize, &f64)| ((x - largest).exp() / sum - one_hot(k)) / batch;
        gradient.extend(row.iter().enumerate().map(share));
    }
    (loss, gradient)
}

/// Mean squared distance from `target(is the label)`, and its gradient.
fn distance(values: &[f64], labels: &[usize], target: impl Fn(bool) -> f64) -> (f64, Vec<f64>) {
    let (classes, count) = (values.len() / labels.len(), values.len() as f64);
    let is_label = |i: usize| labels[i / classes] == i % classes;
    let away: Vec<f64> = values.iter().enumerate().map(|(i, x)| x - target(is_label(i))).collect();
    let loss = away.iter().map(|d| d * d).sum::<f64>() / count;
    (loss, away.iter().map(|d| 2.0 * d / count).collect())
}

fn scaled(values: Vec<f64>, factor: f64) -> Vec<f64> {
    values.into_iter().map(|x| x * factor).collect()
}

fn rate(outputs: &Tensor, labels: &[usize]) -> (f64, Tensor) {
    let share = 1.0 / outputs.steps() as f64;
    let (loss, gradient) = cross_entropy(&scaled(sums(outputs), share), labels);
    (loss, at_every_step(outputs, &scaled(gradient, share)))
}

fn squares(outputs: &Tensor, labels: &[usize]) -> (f64, Tensor) {
    let share = 1.0 / outputs.steps() as f64;
    let one_hot = |is_label| if is_label { 1.0 } else { 0.0 };
    let (loss, gradient) = distance(&scaled(sums(outputs), share), labels, one_hot);
    (loss, at_every_step(outputs, &scaled(gradient, share)))
}

fn count(outputs: &Tensor, labels: &[usize], shares: [f64; 2]) -> (f64, Tensor) {
    let steps = outputs.steps() as f64;
    let wanted = |is_label| (steps * shares[usize::from(is_label)]).floor();
    let (loss, gradient) = distance(&sums(outputs), labels, wanted);
    (loss / steps, at_every_step(outputs, &scaled(gradient, 1.0 / steps)))
}

fn tet(outputs: &Tensor, labels: &[usize], lambda: f64, target: f64) -> (f64, Tensor) {
    let (steps, count) = (outputs.steps() as f64, outputs.values().len() as f64);
    let (mut loss, mut gradient) = (0.0, Vec::with_capacity(outputs.values().len()));
    for step in outputs.values().chunks_exact(outputs.values().len() / outputs.steps()) {
        let scores: Vec<f64> = step.iter().map(|&o| f64::from(o)).collect();
        let (entropy, by_score) = cross_entropy(&scores, labels);
        let away: f64 = scores.iter().map(|o| (o - target) * (o - target)).sum();
        loss += (1.0 - lambda) * entropy / steps + lambda * away / count;
        let both =
            |(g, o): (&f64, &f64)| (1.0 - lambda) * g / steps + lambda * 2.0 * (o - target) / count;
        gradient.extend(by_score.iter().zip(&scores).map(both).map(|g| g as f32));
    }
    (loss, Tensor::new(outputs.shape(), gradient))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Jensen's inequality, and equality where nothing changes.
        #[test]
        fn the_mean_is_no_worse_than_its_steps(
            steps in prop::collection::vec(prop::collection::vec(-4.0f32..4.0, 6), 1..5),
        ) {
            let labels = [2, 0];
            let outputs = Tensor::new(&[steps.len(), 2, 3], steps.concat());
            let tet = Loss::Tet { lambda: 0.0, target: 1.0 };
            let at_steps = tet.of(&outputs, &labels).unwrap().0;
            prop_assert!(Loss::Rate.of(&outputs, &labels).unwrap().0 <= at_steps + 1e-12);
            let constant = Tensor::new(&[4, 2, 3], steps[0].repeat(4));
            let mean = Loss::Rate.of(&constant, &labels).unwrap().0;
            prop_assert!((tet.of(&constant, &labels).unwrap().0 - mean).abs() < 1e-12);
        }
    }

    #[test]
    fn labels_and_outputs_must_make_sense() {
        let outputs = Tensor::zeros(&[2, 3, 4]);
        assert!(Loss::Rate.of(&outputs, &[0, 3, 1]).is_ok());
        for labels in [&[0, 1][..], &[0, 4, 1]] {
            assert!(Loss::Rate.of(&outputs, labels).is_err(), "{labels:?}");
        }
        assert!(Loss::Rate.of(&Tensor::zeros(&[2, 1, 4, 1]), &[0]).is_err());
        let infinite = Tensor::new(&[1, 1, 2], vec![f32::INFINITY, 0.0]);
        assert!(Loss::Rate.of(&infinite, &[1]).is_err());
    }
}
