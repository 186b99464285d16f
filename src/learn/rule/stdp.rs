//! Pair STDP: connections change by the order of the spikes at their ends.
//!
//! ```text
//! x_t = e^(−1/τ) (x_{t−1} + s_{t−1})          traces, of both ends
//! Δw = mean_B Σ_t A₊ x_pre,t s_post,t − A₋ x_post,t s_pre,t
//! ```
//!
//! Spikes of one step come neither before nor after each other. The neurons of a
//! connection are the next ones behind it, with nothing but norms in between: behind a
//! connection without such neurons nothing is learned, nor within residuals. A shared
//! weight changes by what all its places ask for.
//!
//! Signed neurons send what the caller says; a negative spike counts as one taken away.
//!
//! While the rule listens, neurons inhibit each other: of the channels at one place, or
//! of all neurons that have no place, the one with the most input takes w from the
//! input of each other. Norms use their running averages, nothing drops out.
//!
//! **Source.** Bi & Poo 1998; Gerstner & Kistler 2002, "Spiking Neuron Models", 10.3.

use serde::{Deserialize, Serialize};

use super::bptt::Answer;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::layer::{Keep, Layer, Pass, Role};
use crate::learn::loss::Loss;
use crate::learn::network::Network;
use crate::learn::{Parameter, Tensor};
use crate::neuron::trainable::Sends;

/// How weights change by pairs of spikes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stdp {
    /// A₊, for a spike that comes before the other end's.
    pub plus: f64,
    /// A₋, for one that comes after it.
    pub minus: f64,
    /// Time constant of the senders' traces in steps.
    pub tau_plus: f64,
    /// Time constant of the hearers' traces in steps.
    pub tau_minus: f64,
    /// w, what the most driven neuron takes from the others' input.
    pub inhibition: f64,
}

/// Δw of every parameter.
#[derive(Debug)]
pub struct Changes(Vec<Vec<f32>>);

impl Default for Stdp {
    fn default() -> Stdp {
        Stdp { plus: 1e-4, minus: 1e-4, tau_plus: 2.0, tau_minus: 2.0, inhibition: 0.5 }
    }
}

impl Stdp {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// Time constants that are not positive, numbers that are none, negative inhibition.
    pub fn check(&self) -> Result<()> {
        let times = [self.tau_plus, self.tau_minus].iter().all(|tau| *tau > 0.0);
        let finite = [self.plus, self.minus, self.inhibition].iter().all(|x| x.is_finite());
        match times && finite && self.inhibition >= 0.0 {
            true => Ok(()),
            false => {
                let expected = "positive time constants, finite numbers, inhibition of 0 or more";
                Err(Error::new(ErrorKind::Usage, format!("{self:?}"), expected))
            }
        }
    }

    /// The answer to an input `[T, B, …]`, neurons inhibiting each other, and how
    /// connections are to change. No gradients are left.
    ///
    /// # Errors
    /// Labels that do not fit, and a loss that is no number.
    pub fn learn(
        &self,
        network: &mut Network,
        input: Tensor,
        labels: &[usize],
        loss: Loss,
        sends: Sends,
    ) -> Result<(Answer, Changes)> {
        network.clear_gradients();
        let pass = &mut Pass { sends, ..Pass::answering() };
        let mut x = input;
        let mut sent: Option<(usize, Tensor)> = None;
        for i in 0..network.layers().len() {
            let layer = &mut network.layers()[i];
            match layer.role() {
                Role::Connection => {
                    sent = Some((i, x.clone()));
                    x = layer.forward(x, pass);
                }
                Role::Neurons => {
                    self.inhibit(&mut x);
                    x = layer.forward(x, pass);
                    if let Some((connection, before)) = sent.take() {
                        let connection = &mut network.layers()[connection];
                        self.owe(connection.as_mut(), before, &x);
                    }
                }
                Role::Other => {
                    let shape = x.shape().to_vec();
                    x = layer.forward(x, pass);
                    // pools and the like: what fires then is not what the weights feed
                    sent = sent.filter(|_| x.shape() == shape);
                }
            }
        }
        let (loss, _) = loss.of(&x, labels)?;
        let owed = |(_, parameter): (String, &mut Parameter)| {
            let none = vec![0.0; parameter.gradient.len()];
            std::mem::replace(&mut parameter.gradient, none)
        };
        let changes = Changes(network.parameters().into_iter().map(owed).collect());
        Ok((Answer { loss, outputs: x }, changes))
    }

    /// Takes w from all but the largest of each place.
    fn inhibit(&self, input: &mut Tensor) {
        let (channels, neurons) = (input.features()[0], input.feature_count());
        let (pixels, w) = (neurons / channels, self.inhibition as f32);
        for step in input.values_mut().chunks_exact_mut(neurons) {
            for pixel in 0..pixels {
                let at = |channel: usize| channel * pixels + pixel;
                let larger = |a, b| if step[at(b)] > step[at(a)] { b } else { a };
                let most = (0..channels).reduce(larger).unwrap_or(0);
                (0..channels).filter(|&c| c != most).for_each(|c| step[at(c)] -= w);
            }
        }
    }

    /// Adds Δw to the gradient of a connection, given the spikes at both its ends: each
    /// of the two products is what the connection's own adjoint adds for its weights.
    fn owe(&self, connection: &mut dyn Layer, sent: Tensor, heard: &Tensor) {
        let pass = &mut Pass { keep: Keep::Steps, ..Pass::answering() };
        let batch = sent.batch() as f64;
        let earlier = traces(&sent, self.tau_plus);
        connection.forward(earlier, pass);
        connection.backward(scaled(heard.clone(), self.plus / batch));
        connection.forward(sent, pass);
        connection.backward(scaled(traces(heard, self.tau_minus), -self.minus / batch));
        // a bias has no sender
        connection.parameters().into_iter().skip(1).for_each(|(_, bias)| bias.clear());
    }
}

impl Changes {
    /// Changes the parameters of the network, within their bounds.
    pub fn apply(&self, network: &mut Network) {
        for ((_, parameter), change) in network.parameters().into_iter().zip(&self.0) {
            for (x, change) in parameter.values.iter_mut().zip(change) {
                *x = (*x + change).max(parameter.least).min(parameter.most);
            }
        }
    }
}

fn scaled(mut values: Tensor, factor: f64) -> Tensor {
    values.values_mut().iter_mut().for_each(|x| *x *= factor as f32);
    values
}

/// What is left, at each step, of the spikes before it.
fn traces(spikes: &Tensor, tau: f64) -> Tensor {
    let decay = (-1.0 / tau).exp() as f32;
    let mut traces = Tensor::zeros(spikes.shape());
    let len = spikes.values().len() / spikes.steps();
    for t in 1..spikes.steps() {
        let (before, now) = traces.values_mut().split_at_mut(t * len);
        let before = &before[(t - 1) * len..];
        let sent = &spikes.values()[(t - 1) * len..];
        for ((now, before), sent) in now.iter_mut().zip(before).zip(sent) {
            *now = decay * (before + sent);
        }
    }
    traces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::layer::{Conv2d, Dense, Flatten, Neurons};
    use crate::neuron::trainable::{Settings, TRAINABLE};

    const RULE: Stdp =
        Stdp { plus: 0.3, minus: 0.2, tau_plus: 2.0, tau_minus: 4.0, inhibition: 0.0 };

    /// Neurons that fire with every input above 1 and forget everything else.
    fn neurons() -> Box<dyn Layer> {
        let model = TRAINABLE.iter().find(|model| model.name == "if").unwrap();
        let settings = Settings { reset: Some(0.0), ..model.defaults.clone() };
        Box::new(Neurons::new(model, &settings, (6, 1), &mut Pass::training(1)).unwrap())
    }

    /// Δw of two weights, of senders that fire at these steps; the first alone makes the
    /// neuron fire.
    fn changes(senders: [usize; 2]) -> Vec<f64> {
        let mut input = Tensor::zeros(&[6, 1, 2]);
        for (sender, step) in senders.into_iter().enumerate() {
            input.values_mut()[2 * step + sender] = 1.0;
        }
        let dense = Dense::new(1, 2, vec![1.5, 0.0], None);
        let mut network = Network::new(vec![Box::new(dense), neurons()], &[2]).unwrap();
        let (answer, changes) =
            RULE.learn(&mut network, input, &[0], Loss::Rate, Sends::Both).unwrap();
        assert_eq!(answer.outputs.values().iter().sum::<f32>(), 1.0);
        changes.apply(&mut network);
        let weights = &network.parameters()[0].1.values;
        [1.5, 0.0].iter().zip(weights).map(|(before, w)| f64::from(*w) - before).collect()
    }

    /// A₊e^(−Δt/τ₊) and −A₋e^(−Δt/τ₋), by hand.
    #[test]
    fn a_pair_of_spikes_changes_a_weight_by_its_order() {
        let before = changes([4, 1]);
        assert!((before[1] - 0.3 * (-3.0f64 / 2.0).exp()).abs() < 1e-7, "{before:?}");
        let after = changes([1, 3]);
        assert!((after[1] + 0.2 * (-2.0f64 / 4.0).exp()).abs() < 1e-7, "{after:?}");
        assert_eq!((before[0], changes([2, 2])[1]), (0.0, 0.0), "at the same step");
    }

    /// A kernel of one tap over two places is a weight that both share.
    #[test]
    fn a_shared_weight_changes_by_all_its_places() {
        let mut input = Tensor::zeros(&[6, 1, 2, 1, 2]);
        // channel 1 is heard at both places, a step and two before channel 0 makes it fire
        for (step, channel, x) in [(1, 1, 0), (2, 0, 0), (1, 1, 1), (3, 0, 1)] {
            input.values_mut()[4 * step + 2 * channel + x] = 1.0;
        }
        let layers: Vec<Box<dyn Layer>> = vec![
            Box::new(Conv2d::new([1, 2, 1, 1], vec![1.5, 0.0], None, 1, 0)),
            neurons(),
            Box::new(Flatten::default()),
        ];
        let mut network = Network::new(layers, &[2, 1, 2]).unwrap();
        let (_, changes) = RULE.learn(&mut network, input, &[0], Loss::Rate, Sends::Both).unwrap();
        let found = f64::from(changes.0[0][1]);
        let expected = 0.3 * ((-0.5f64).exp() + (-1.0f64).exp());
        assert!((found - expected).abs() < 1e-7, "{found}, not {expected}");
    }

    #[test]
    fn the_most_driven_inhibits_its_peers() {
        let rule = Stdp { inhibition: 0.5, ..RULE };
        let mut input = Tensor::new(&[1, 1, 3, 1, 2], vec![1.0, 0.0, 2.0, 0.25, 0.5, 0.25]);
        rule.inhibit(&mut input);
        assert_eq!(input.values(), [0.5, -0.5, 2.0, 0.25, 0.0, -0.25]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(RULE.check().is_ok());
        assert!(Stdp { tau_plus: 0.0, ..RULE }.check().is_err());
        assert!(Stdp { inhibition: -1.0, ..RULE }.check().is_err());
        assert!(Stdp { plus: f64::NAN, ..RULE }.check().is_err());
    }
}
