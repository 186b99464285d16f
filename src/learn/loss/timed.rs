//! The losses of TSSL-BP, of post-synaptic currents a `[T, B, K]`.
//!
//! Means over B of:
//!
//! ```text
//! count     T/2 Σ_k δ_k²        δ_k = (Σ_t a_k − n_k)/T, n: desired for the label,
//!                               undesired for the others; 0 where the label has more
//!                               already, another less
//! kernel    ½ Σ_{t,k} (a_{t,k} − p_{t,k})²      p: the currents of target spikes:
//!                               of the label 0 1 1 1 … where T < 10, else 0 1 0 1 …;
//!                               of the others none
//! softmax   CE(Σ_t a, y)
//! ```
//!
//! **Source.** The official code of Zhang & Li, NeurIPS 2020, `functions/loss_f.py`,
//! which sums over B instead; with Adam and a bounded norm of gradients that scale
//! hardly matters.

use super::{at_every_step, cross_entropy, scaled, sums};
use crate::learn::Tensor;

/// `wanted` sums of the others and of the label.
pub fn count(outputs: &Tensor, labels: &[usize], wanted: [f64; 2]) -> (f64, Tensor) {
    let (steps, batch, classes) =
        (outputs.steps() as f64, labels.len() as f64, outputs.feature_count());
    let away = |(i, sum): (usize, f64)| {
        let is_label = labels[i / classes] == i % classes;
        let more = (sum - wanted[usize::from(is_label)]) / steps;
        let fine = if is_label { more > 0.0 } else { more < 0.0 };
        if fine { 0.0 } else { more }
    };
    let away: Vec<f64> = sums(outputs).into_iter().enumerate().map(away).collect();
    let loss = steps / 2.0 * away.iter().map(|d| d * d).sum::<f64>() / batch;
    (loss, at_every_step(outputs, &scaled(away, 1.0 / batch)))
}

/// With currents that decay by 1 − 1/`synapse` a step.
pub fn kernel(outputs: &Tensor, labels: &[usize], synapse: f64) -> (f64, Tensor) {
    let (steps, batch, classes) = (outputs.steps(), labels.len(), outputs.feature_count());
    let (mut target, mut loss) = (0.0, 0.0);
    let mut gradient = Vec::with_capacity(outputs.values().len());
    for (t, step) in outputs.values().chunks_exact(batch * classes).enumerate() {
        let fires = if steps < 10 { t > 0 } else { t % 2 == 1 };
        target = (1.0 - 1.0 / synapse) * target + f64::from(u8::from(fires)) / synapse;
        for (i, &current) in step.iter().enumerate() {
            let is_label = labels[i / classes] == i % classes;
            let away = f64::from(current) - if is_label { target } else { 0.0 };
            loss += away * away / (2.0 * batch as f64);
            gradient.push((away / batch as f64) as f32);
        }
    }
    (loss, Tensor::new(outputs.shape(), gradient))
}

/// Of sums, not of means.
pub fn softmax(outputs: &Tensor, labels: &[usize]) -> (f64, Tensor) {
    let (loss, gradient) = cross_entropy(&sums(outputs), labels);
    (loss, at_every_step(outputs, &gradient))
}

#[cfg(test)]
mod tests {
    use crate::learn::Tensor;
    use crate::learn::loss::Loss;

    /// T = 2, sums 3, 1 and 0.5; label 0, which is to have 4, the others 0.75.
    #[test]
    fn only_what_is_on_the_wrong_side_counts() {
        let outputs = Tensor::new(&[2, 1, 3], vec![1.0, 0.5, 0.25, 2.0, 0.5, 0.25]);
        let loss = Loss::TimedCount { desired: 4.0, undesired: 0.75 };
        let (value, gradient) = loss.of(&outputs, &[0]).unwrap();
        // δ = −0.5, 0.125, 0: T/2 (0.25 + 0.015625)
        assert!((value - 0.265625).abs() < 1e-12);
        assert_eq!(gradient.values(), [-0.5, 0.125, 0.0].repeat(2));
        let (value, gradient) = loss.of(&outputs, &[1]).unwrap();
        assert!(gradient.values()[1] < 0.0 && gradient.values()[0] > 0.0 && value > 0.0);
        let sated = Loss::TimedCount { desired: 2.0, undesired: 5.0 };
        assert_eq!(sated.of(&outputs, &[0]).unwrap().0, 0.0);
    }

    /// Target spikes 0 1 1 through τ = 2: 0, 0.5, 0.75.
    #[test]
    fn currents_are_drawn_to_those_of_target_spikes() {
        let outputs = Tensor::new(&[3, 1, 2], vec![0.5, 0.0, 0.5, 1.0, 0.5, 0.0]);
        let (value, gradient) = Loss::TimedKernel { synapse: 2.0 }.of(&outputs, &[0]).unwrap();
        assert!((value - (0.25 + 1.0 + 0.0625) / 2.0).abs() < 1e-12);
        assert_eq!(gradient.values(), [0.5, 0.0, 0.0, 1.0, -0.25, 0.0]);
        // of ten steps every other one has a spike: 0 ½ ¼ ⅝ …
        let (_, gradient) =
            Loss::TimedKernel { synapse: 2.0 }.of(&Tensor::zeros(&[10, 1, 1]), &[0]).unwrap();
        assert_eq!(gradient.values()[..4], [0.0, -0.5, -0.25, -0.625]);
    }

    /// The derivative of each loss along every output, by central differences.
    #[test]
    fn gradients_are_those_of_the_losses() {
        let values: Vec<f32> = (0..24).map(|i| (i * 7 % 11) as f32 / 8.0).collect();
        let at = |values: &[f32]| Tensor::new(&[4, 2, 3], values.to_vec());
        for loss in [
            Loss::TimedCount { desired: 4.0, undesired: 0.3 },
            Loss::TimedKernel { synapse: 3.0 },
            Loss::TimedSoftmax,
        ] {
            let gradient = loss.of(&at(&values), &[2, 0]).unwrap().1;
            for i in 0..values.len() {
                let moved = |by: f32| {
                    let mut values = values.clone();
                    values[i] += by;
                    loss.of(&at(&values), &[2, 0]).unwrap().0
                };
                let slope = (moved(1.0 / 128.0) - moved(-1.0 / 128.0)) * 64.0;
                let found = f64::from(gradient.values()[i]);
                assert!((slope - found).abs() < 1e-4, "{loss:?}[{i}]: {found}, not {slope}");
            }
        }
    }
}
