//! HTA-KL distillation, reconstructed: the paper's equations were not at hand. Its
//! abstract and a review give the head, the tail and both divergences; how they are
//! put together is that of AKL (Wu et al. 2024), which they match step by step. What
//! μ, τ and w were is unknown.
//!
//! With the student's mean output z over time, the teacher's v, both `[B, K]`:
//!
//! ```text
//! q = softmax(z/τ)    p = softmax(v/τ)    D_k = |p_k − q_k|
//! head: the classes of largest p, as few as have Σ p ≥ μ; tail: the others
//! a = Σ_head D / Σ D                               ½ where p = q
//! L = w τ² mean_B [a KL(p‖q) + (1 − a) KL(q‖p)]
//! ∂L/∂z_k = w τ/B [a (q_k − p_k) + (1 − a) q_k (ln(q_k/p_k) − KL(q‖p))]
//! ```
//!
//! The forward divergence is good at the head, the reverse one at the tail; a, which is
//! held constant in the gradient, says which of both is further off, sample by sample.
//!
//! **Source.** Zhang et al., "Head-Tail-Aware KL Divergence in Knowledge Distillation
//! for Spiking Neural Networks", IJCNN 2025; Wu et al., "Rethinking Kullback-Leibler
//! Divergence in Knowledge Distillation for Large Language Models", 2024 (μ = 0.5).

use serde::{Deserialize, Serialize};

use super::{at_every_step, finite, sums};
use crate::error::{Error, ErrorKind, Result};
use crate::learn::Tensor;

/// The distance from a teacher's answers.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HtaKl {
    /// w, what the distance counts beside the loss.
    pub weight: f64,
    /// τ, what outputs are divided by.
    pub temperature: f64,
    /// μ, the teacher's probability that the head has.
    pub head: f64,
}

impl Default for HtaKl {
    fn default() -> HtaKl {
        HtaKl { weight: 1.0, temperature: 2.0, head: 0.5 }
    }
}

impl HtaKl {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// A weight below 0, a temperature that is not above it, a head that is no share.
    pub fn check(&self) -> Result<()> {
        let HtaKl { weight, temperature, head } = *self;
        let fine = weight >= 0.0 && weight.is_finite();
        let warm = temperature > 0.0 && temperature.is_finite();
        match fine && warm && (0.0..=1.0).contains(&head) {
            true => Ok(()),
            false => {
                let found = format!("weight {weight}, temperature {temperature}, head {head}");
                let expected = "a weight of 0 or more, a positive temperature, a share from 0 to 1";
                Err(Error::new(ErrorKind::Usage, found, expected))
            }
        }
    }

    /// The distance of outputs `[T, B, K]` from the teacher's mean outputs `[1, B, K]`, and
    /// its gradient with respect to the former.
    ///
    /// # Errors
    /// Shapes that do not fit each other, and a distance that is no number.
    pub fn of(&self, outputs: &Tensor, teacher: &Tensor) -> Result<(f64, Tensor)> {
        if outputs.shape().len() != 3 || outputs.shape()[1..] != teacher.shape()[1..] {
            let found = format!("a teacher's {:?}", teacher.shape());
            let expected = format!("outputs as the student's {:?}", outputs.shape());
            return Err(Error::new(ErrorKind::Shape, found, expected));
        }
        let (steps, batch, classes) =
            (outputs.steps() as f64, outputs.batch() as f64, outputs.feature_count());
        let student: Vec<f64> = sums(outputs).iter().map(|sum| sum / steps).collect();
        let teacher: Vec<f64> = teacher.values().iter().map(|&v| f64::from(v)).collect();
        let (mut loss, mut gradient) = (0.0, Vec::with_capacity(student.len()));
        for (z, v) in student.chunks_exact(classes).zip(teacher.chunks_exact(classes)) {
            let (p, q) = (self.shares(v), self.shares(z));
            let (forward, reverse) = (divergence(&p, &q), divergence(&q, &p));
            let share = self.share_of_head(&p, &q);
            let scale = self.weight * self.temperature / batch;
            loss += scale * self.temperature * (share * forward + (1.0 - share) * reverse);
            gradient.extend(p.iter().zip(&q).map(|(ln_p, ln_q)| {
                let (p, q) = (ln_p.exp(), ln_q.exp());
                let both = share * (q - p) + (1.0 - share) * q * (ln_q - ln_p - reverse);
                scale * both / steps
            }));
        }
        Ok((finite(loss)?, at_every_step(outputs, &gradient)))
    }

    /// ln softmax(scores/τ).
    fn shares(&self, scores: &[f64]) -> Vec<f64> {
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let scores: Vec<f64> = scores.iter().map(|x| (x - largest) / self.temperature).collect();
        let sum = scores.iter().map(|x| x.exp()).sum::<f64>().ln();
        scores.iter().map(|x| x - sum).collect()
    }

    /// a, given logarithms of p and q.
    fn share_of_head(&self, ln_p: &[f64], ln_q: &[f64]) -> f64 {
        let mut order: Vec<usize> = (0..ln_p.len()).collect();
        order.sort_by(|&i, &j| ln_p[j].total_cmp(&ln_p[i]));
        let (mut reached, mut head, mut all) = (0.0, 0.0, 0.0);
        for (i, k) in order.into_iter().enumerate() {
            let gap = (ln_p[k].exp() - ln_q[k].exp()).abs();
            all += gap;
            // the class that reaches μ is the last of the head; all are where μ is 1
            if i == 0 || reached < self.head || self.head >= 1.0 {
                head += gap;
            }
            reached += ln_p[k].exp();
        }
        if all > 0.0 { head / all } else { 0.5 }
    }
}

/// KL(p‖q), given their logarithms.
fn divergence(ln_p: &[f64], ln_q: &[f64]) -> f64 {
    ln_p.iter().zip(ln_q).map(|(p, q)| p.exp() * (p - q)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: [f32; 4] = [0.6, 0.25, 0.1, 0.05];
    const Q: [f32; 4] = [0.4, 0.3, 0.2, 0.1];

    fn logits(shares: [f32; 4]) -> Tensor {
        Tensor::new(&[1, 1, 4], shares.map(f32::ln).to_vec())
    }

    fn plain(head: f64) -> HtaKl {
        HtaKl { weight: 1.0, temperature: 1.0, head }
    }

    /// By hand: KL(p‖q) = 0.0937265966 and KL(q‖p) = 0.1004545780, with a = ½ where the
    /// head is one class, 0.625 where it is two.
    #[test]
    fn worked_numbers() {
        for (head, expected) in [(0.5, 0.0970905873), (0.8, 0.0962495909), (1.0, 0.0937265966)] {
            let (loss, _) = plain(head).of(&logits(Q), &logits(P)).unwrap();
            assert!((loss - expected).abs() < 1e-7, "{head}: {loss}");
        }
        let (loss, gradient) = plain(0.5).of(&logits(P), &logits(P)).unwrap();
        assert!(loss.abs() < 1e-9 && gradient.values().iter().all(|g| g.abs() < 1e-6));
    }

    #[test]
    fn classes_have_no_order() {
        let turned = |x: [f32; 4]| [x[2], x[0], x[3], x[1]];
        let (loss, _) = plain(0.8).of(&logits(turned(Q)), &logits(turned(P))).unwrap();
        assert!((loss - 0.0962495909).abs() < 1e-7, "{loss}");
    }

    /// Central differences of a sum written once more, its weights held where they are.
    #[test]
    fn the_gradient_is_that_of_the_distance() {
        let distance = HtaKl { weight: 0.7, temperature: 3.0, head: 0.6 };
        let student: Vec<f32> = (0..24).map(|i| (i * 5 % 13) as f32 / 4.0 - 1.0).collect();
        let teacher: Vec<f32> = (0..8).map(|i| (i * 3 % 7) as f32 / 2.0).collect();
        let teacher = Tensor::new(&[1, 2, 4], teacher);
        let outputs = Tensor::new(&[3, 2, 4], student.clone());
        let (loss, gradient) = distance.of(&outputs, &teacher).unwrap();
        let soft = |scores: [f64; 4]| {
            let powers = scores.map(|x| (x / 3.0).exp());
            let sum: f64 = powers.iter().sum();
            powers.map(|x| x / sum)
        };
        let row = |values: &[f32], b: usize, steps: usize| {
            let mean = |k| (0..steps).map(|t| f64::from(values[t * 8 + b * 4 + k])).sum::<f64>();
            soft([0, 1, 2, 3].map(|k| mean(k) / steps as f64))
        };
        let kl = |p: [f64; 4], q: [f64; 4]| -> f64 {
            p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum()
        };
        let held: [f64; 2] = [0, 1].map(|b| {
            let (p, q) = (row(teacher.values(), b, 1), row(&student, b, 3));
            let gap = |k: usize| (p[k] - q[k]).abs();
            let mut order = [0, 1, 2, 3];
            order.sort_by(|&i, &j| p[j].total_cmp(&p[i]));
            let len = (1..=4).find(|&n| order[..n].iter().map(|&k| p[k]).sum::<f64>() >= 0.6);
            let head: f64 = order[..len.unwrap()].iter().map(|&k| gap(k)).sum();
            head / [0, 1, 2, 3].map(gap).iter().sum::<f64>()
        });
        let again = |values: &[f32]| -> f64 {
            let each = [0, 1].map(|b| {
                let (p, q) = (row(teacher.values(), b, 1), row(values, b, 3));
                0.7 * 9.0 / 2.0 * (held[b] * kl(p, q) + (1.0 - held[b]) * kl(q, p))
            });
            each.iter().sum()
        };
        assert!((again(&student) - loss).abs() < 1e-12);
        for i in 0..student.len() {
            let moved = |by: f32| {
                let mut values = student.clone();
                values[i] += by;
                again(&values)
            };
            let slope = (moved(1.0 / 512.0) - moved(-1.0 / 512.0)) * 256.0;
            let found = f64::from(gradient.values()[i]);
            assert!((slope - found).abs() < 1e-6, "[{i}]: {found}, not {slope}");
        }
    }

    #[test]
    fn shapes_and_settings_must_make_sense() {
        let teacher = Tensor::zeros(&[1, 2, 3]);
        assert!(plain(0.5).of(&Tensor::zeros(&[2, 2, 3]), &teacher).is_ok());
        assert!(plain(0.5).of(&Tensor::zeros(&[2, 2, 4]), &teacher).is_err());
        assert!(plain(1.5).check().is_err() && plain(0.0).check().is_ok());
        assert!(HtaKl { temperature: 0.0, ..HtaKl::default() }.check().is_err());
    }
}
