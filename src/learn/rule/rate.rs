//! Rate-based backpropagation: one way back, whatever the number of steps.
//!
//! ```text
//! forward    over all steps; each neuron keeps r = mean_t s_t's slope E, each other
//!            layer the mean of its input
//! back       ∂L/∂c = E ∂L/∂r at neurons, everything else as if T were 1
//! ```
//!
//! E = Σ_k ∂(mean_t s_t)/∂x_k. With an input that is the same at every step the
//! gradients of the first connections and all behind them up to the next neurons are
//! those of [`super::bptt`]; elsewhere they differ by the covariance, over time, of what
//! a connection is sent and what it is to blame for. So with event cameras, which send
//! anything but constants, no weight learns from which spike came first.
//!
//! Memory does not grow with T but for the layer that is being computed. Maxima over
//! space and neurons that learn need every step, and are refused.
//!
//! **Source.** Yu et al., "Advancing Training Efficiency of Deep Spiking Neural Networks
//! through Rate-based Backpropagation", NeurIPS 2024, and its code. That code scales
//! the loss's gradient by 1/T once more: [`Scale::Reference`].

use super::bptt::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::Tensor;
use crate::learn::layer::{Keep, Pass};
use crate::learn::loss::Loss;
use crate::learn::network::Network;

/// How gradients are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As the gradient of the loss is.
    Exact,
    /// By 1/T, as in the code of the paper.
    Reference,
}

/// The answer to an input `[T, B, …]` with a label for each of B, a loss of the mean
/// output; the parameters' gradients are then the rule's.
///
/// # Errors
/// Layers or a loss that need single steps, labels that do not fit, and a loss that is
/// no number.
pub fn learn(
    network: &mut Network,
    input: Tensor,
    labels: &[usize],
    loss: Loss,
    scale: Scale,
    pass: &mut Pass,
) -> Result<Answer> {
    check_loss(loss)?;
    learn_by(network, input, |mean| loss.of(mean, labels), scale, pass)
}

/// The same for any loss of the mean output: `judge` gives that of `[1, B, K]` and its
/// gradient.
///
/// # Errors
/// Layers that need single steps, and what `judge` refuses.
pub fn learn_by(
    network: &mut Network,
    input: Tensor,
    judge: impl FnOnce(&Tensor) -> Result<(f64, Tensor)>,
    scale: Scale,
    pass: &mut Pass,
) -> Result<Answer> {
    if !network.learns_from_means() {
        let expected = "sums and averages, and neurons that learn nothing themselves";
        return Err(refused("maxima, or neurons that learn,", expected));
    }
    network.clear_gradients();
    let kept = std::mem::replace(&mut pass.keep, Keep::Means);
    let outputs = network.forward(input, pass);
    pass.keep = kept;
    let (loss, mut gradient) = judge(&outputs.mean_over_time())?;
    if scale == Scale::Reference {
        let steps = outputs.steps() as f32;
        gradient.values_mut().iter_mut().for_each(|g| *g /= steps);
    }
    network.owe(gradient);
    Ok(Answer { loss, outputs })
}

/// Refuses losses that look at single steps.
///
/// # Errors
/// One of those.
pub fn check_loss(loss: Loss) -> Result<()> {
    match loss {
        Loss::Rate | Loss::Squares => Ok(()),
        _ => Err(refused(&format!("{loss:?}"), "a loss of the mean output")),
    }
}

fn refused(found: &str, expected: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{found} with the rule 'rate'"), expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::layer::{Conv2d, Dense, Flatten, Layer, Neurons, Norm, Pool, Pool2d};
    use crate::learn::rule::bptt;
    use crate::neuron::trainable::{Settings, TRAINABLE};

    fn scattered(len: usize, seed: u32) -> Vec<f32> {
        let number = |i: u32| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 25) as f32;
        (0..len as u32).map(|i| number(i) / 64.0 - 1.0).collect()
    }

    fn neurons(name: &str, settings: &Settings) -> Neurons {
        let model = TRAINABLE.iter().find(|model| model.name == name).unwrap();
        Neurons::new(model, settings, (4, 1), &mut Pass::training(3)).unwrap()
    }

    /// LIF as the paper has it: λ = 1 − 1/τ, the input does not decay, soft reset.
    fn paper(lambda: f64) -> Settings {
        let tau = 1.0 / (1.0 - lambda);
        let published = Settings::SPIKINGJELLY;
        Settings { tau, decay_input: false, reset: None, detach_reset: true, ..published }
    }

    /// ((1·0.711578 + 1.5·0.990066 + 1.75·0.749480)/3 for the first, by hand from the
    /// paper's recursion.
    #[test]
    fn slopes_are_those_of_the_eligibility_recursion() {
        for (lambda, x, steps, expected) in
            [(0.5, 0.7, 3, 1.169422119), (0.2, 0.9, 4, 1.137640583f64)]
        {
            let mut layer = neurons("lif", &paper(lambda));
            let mut pass = Pass { keep: Keep::Means, ..Pass::training(3) };
            layer.forward(Tensor::new(&[steps, 1, 1], vec![x; steps]), &mut pass);
            let slope = layer.backward(Tensor::new(&[1, 1, 1], vec![1.0]));
            assert!((f64::from(slope.values()[0]) - expected).abs() < 1e-6, "{slope:?}");
        }
    }

    fn network(settings: &Settings, pool: Pool) -> Network {
        let layers: Vec<Box<dyn Layer>> = vec![
            Box::new(Conv2d::new([3, 2, 3, 3], scattered(54, 2), None, 1, 1)),
            Box::new(Norm::new(3)),
            Box::new(neurons("lif", settings)),
            Box::new(Pool2d::new(pool, 2, 2)),
            Box::new(Flatten::default()),
            Box::new(Dense::new(4, 12, scattered(48, 7), Some(scattered(4, 9)))),
        ];
        Network::new(layers, &[2, 4, 4]).unwrap()
    }

    const LABELS: [usize; 3] = [1, 3, 0];

    fn gradients(network: &mut Network) -> Vec<f32> {
        network.parameters().into_iter().flat_map(|(_, p)| p.gradient.clone()).collect()
    }

    #[test]
    fn constant_input_gives_the_gradients_of_bptt() {
        let detached = paper(0.5);
        let hard = Settings { detach_reset: false, reset: Some(0.0), ..paper(0.2) };
        for settings in [detached, hard, Settings::SPIKINGJELLY] {
            let input = Tensor::new(&[5, 3, 2, 4, 4], scattered(96, 5).repeat(5));
            let mut network = network(&settings, Pool::Average);
            let pass = &mut Pass::training(1);
            let loss = Loss::Rate;
            let exact = bptt::learn(&mut network, input.clone(), &LABELS, loss, pass).unwrap();
            let expected = gradients(&mut network);
            let answer = |network: &mut Network, scale| {
                let pass = &mut Pass::training(1);
                learn(network, input.clone(), &LABELS, Loss::Rate, scale, pass).unwrap()
            };
            let found = answer(&mut network, Scale::Exact);
            assert_eq!(found.outputs, exact.outputs);
            assert!((found.loss - exact.loss).abs() < 1e-6);
            let largest = expected.iter().fold(0.0f32, |most, g| most.max(g.abs()));
            let same = |scale: f32, found: Vec<f32>| {
                let pairs = found.iter().zip(&expected);
                pairs.for_each(|(g, h)| assert!((g * scale - h).abs() < 1e-5 * largest, "{g} {h}"));
            };
            same(1.0, gradients(&mut network));
            answer(&mut network, Scale::Reference);
            same(5.0, gradients(&mut network));
        }
    }

    #[test]
    fn what_needs_single_steps_is_refused() {
        let try_with = |network: &mut Network, loss| {
            let input = Tensor::zeros(&[2, 3, 2, 4, 4]);
            learn(network, input, &LABELS, loss, Scale::Exact, &mut Pass::training(1))
        };
        let average = || network(&paper(0.5), Pool::Average);
        assert!(try_with(&mut average(), Loss::Squares).is_ok());
        assert!(try_with(&mut average(), Loss::TET).is_err());
        assert!(try_with(&mut network(&paper(0.5), Pool::Max), Loss::Rate).is_err());
        let plif = neurons("plif", &Settings::SPIKINGJELLY);
        let mut network = Network::new(vec![Box::new(plif)], &[4]).unwrap();
        let input = Tensor::zeros(&[2, 3, 4]);
        let pass = &mut Pass::training(1);
        assert!(learn(&mut network, input, &LABELS, Loss::Rate, Scale::Exact, pass).is_err());
    }
}
