//! A network that learns: layers, one behind the other.

use super::layer::{Layer, Pass};
use super::{Parameter, Tensor};
use crate::error::{Error, Result};

/// Layers, one behind the other.
#[derive(Debug, Default)]
pub struct Network {
    layers: Vec<Box<dyn Layer>>,
}

impl Network {
    /// Layers for an input of these features, channel first.
    ///
    /// # Errors
    /// A layer that cannot follow the one before it.
    pub fn new(layers: Vec<Box<dyn Layer>>, input: &[usize]) -> Result<Network> {
        let network = Network { layers };
        network.output(input)?;
        Ok(network)
    }

    /// The features of the output, given those of the input.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let mut features = input.to_vec();
        for (i, layer) in self.layers.iter().enumerate() {
            features = layer.output(&features).map_err(|e: Error| e.at(format!("layer {i}")))?;
        }
        Ok(features)
    }

    /// From the input `[T, B, …]` to the output `[T, B, …]`.
    pub fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        self.layers.iter_mut().fold(input, |x, layer| layer.forward(x, pass))
    }

    /// From the gradient with respect to the output of the last
    /// [`Network::forward`] to that with respect to its input; adds to the gradients
    /// of the parameters.
    ///
    /// # Panics
    /// No forward pass since the last backward pass.
    pub fn backward(&mut self, gradient: Tensor) -> Tensor {
        self.layers.iter_mut().rev().fold(gradient, |g, layer| layer.backward(g))
    }

    /// The same where nobody asks for the gradient with respect to the input.
    ///
    /// # Panics
    /// As [`Network::backward`].
    pub fn owe(&mut self, gradient: Tensor) {
        let Some((first, rest)) = self.layers.split_first_mut() else { return };
        first.owe(rest.iter_mut().rev().fold(gradient, |g, layer| layer.backward(g)));
    }

    /// Whether every layer's way back can do with means over time.
    pub fn learns_from_means(&self) -> bool {
        self.layers.iter().all(|layer| layer.learns_from_means())
    }

    /// Every parameter with the place of its layer, `2.weight`.
    pub fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let mut all = Vec::new();
        for (i, layer) in self.layers.iter_mut().enumerate() {
            let named = layer.parameters().into_iter();
            all.extend(named.map(|(name, parameter)| (format!("{i}.{name}"), parameter)));
        }
        all
    }

    /// What layers measured while they were trained, with the place of each.
    pub fn running(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        let mut all = Vec::new();
        for (i, layer) in self.layers.iter_mut().enumerate() {
            let named = layer.running().into_iter();
            all.extend(named.map(|(name, values)| (format!("{i}.{name}"), values)));
        }
        all
    }

    /// Forgets the gradients.
    pub fn clear_gradients(&mut self) {
        self.parameters().into_iter().for_each(|(_, parameter)| parameter.clear());
    }
}
