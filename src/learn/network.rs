//! A network that learns: layers, one behind the other.

mod chain;
mod plan;
mod segment;

use std::ops::Range;

use self::chain::Chain;
use self::plan::Costs;
use self::segment::Segment;
use super::layer::{Keep, Layer, Pass, Role, Sweep};
use super::memory::{Footprint, Form, Memory};
use super::{Parameter, Tensor};
use crate::error::{Error, Result};

/// Layers, one behind the other.
#[derive(Debug, Default)]
pub struct Network {
    layers: Vec<Box<dyn Layer>>,
    /// Features of the input.
    input: Vec<usize>,
    /// All of them, those together that go their ways in one sweep.
    groups: Vec<Range<usize>>,
    /// Those, from the first layer on, that keep but their input; usually none.
    segments: Vec<Segment>,
}

impl Network {
    /// Layers for an input of these features, channel first.
    ///
    /// # Errors
    /// A layer that cannot follow the one before it.
    pub fn new(mut layers: Vec<Box<dyn Layer>>, input: &[usize]) -> Result<Network> {
        let groups = Sweep::groups(&mut layers);
        let network = Network { layers, input: input.to_vec(), groups, segments: Vec::new() };
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
    ///
    /// # Panics
    /// Other features than [`Network::new`] was told of, where there are layers.
    pub fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let fits = self.layers.is_empty() || input.shape().get(2..) == Some(&self.input[..]);
        assert!(fits, "{:?}, [T, B] and features of the input {:?}", input.shape(), self.input);
        let rest = self.rest();
        let Network { layers, groups, segments, .. } = self;
        let forth =
            |x, segment: &mut Segment| segment.forward(&mut Chain { layers, groups }, x, pass);
        let x = segments.iter_mut().fold(input, forth);
        Chain { layers, groups }.forward(rest, x, pass)
    }

    /// From the gradient with respect to the output of the last
    /// [`Network::forward`] to that with respect to its input; adds to the gradients
    /// of the parameters.
    ///
    /// # Panics
    /// No forward pass since the last backward pass.
    pub fn backward(&mut self, gradient: Tensor) -> Tensor {
        self.back_to(0, gradient)
    }

    /// The same where nobody asks for the gradient with respect to the input.
    ///
    /// # Panics
    /// As [`Network::backward`].
    pub fn owe(&mut self, gradient: Tensor) {
        let Some(first) = self.groups.first().cloned() else { return };
        let gradient = self.back_to(first.end, gradient);
        Chain { layers: &mut self.layers, groups: &self.groups }.owe(first, gradient);
    }

    /// The first layer that is in no segment.
    fn rest(&self) -> Range<usize> {
        self.segments.last().map_or(0, |segment| segment.layers.end)..self.layers.len()
    }

    /// The way back to the output of the layer before this one, with which a group begins.
    fn back_to(&mut self, first: usize, gradient: Tensor) -> Tensor {
        let rest = self.rest();
        let Network { layers, groups, segments, .. } = self;
        let mut chain = Chain { layers, groups };
        let mut gradient = chain.backward(first.max(rest.start)..rest.end, gradient);
        for segment in segments.iter_mut().rev() {
            segment.repeat(&mut chain);
            let layers = first.max(segment.layers.start)..segment.layers.end;
            gradient = chain.backward(layers, gradient);
        }
        gradient
    }

    /// What a training step takes for an input `[T, B, …]` of any numbers.
    ///
    /// # Errors
    /// An input that does not fit.
    pub fn memory(&mut self, input: &[usize], keep: Keep) -> Result<Memory> {
        let form = Form { shape: input.to_vec(), spikes: false };
        let costs = Costs::of((&self.layers, &self.groups), &form, keep)?;
        let segments: Vec<_> = self.segments.iter().map(|s| s.layers.clone()).collect();
        let numbers = self.parameters().iter().map(|(_, p)| p.values.len()).sum::<usize>();
        Ok(Memory {
            parameters: 4 * size_of::<f32>() * numbers,
            kept: costs.kept(),
            passes: costs.peak(&segments),
            repeated: segments.last().map_or(0, |segment| segment.end),
        })
    }

    /// What a step of a local rule takes, which looks at one connection at a time
    /// ([`super::rule::stdp`]).
    ///
    /// # Errors
    /// As [`Network::memory`].
    pub fn local(&self, input: &[usize]) -> Result<usize> {
        let form = Form { shape: input.to_vec(), spikes: false };
        let costs = Costs::of((&self.layers, &self.groups), &form, Keep::Nothing)?;
        let connections = self.layers.iter().map(|layer| layer.role() == Role::Connection);
        Ok(costs.local(connections))
    }

    /// Lets as few layers as a budget in bytes asks for go their way forth twice, keeping
    /// less: steps take longer, their gradients are the same. Gives what a step then
    /// takes, which may still be more than the budget: no plan takes less.
    ///
    /// # Errors
    /// As [`Network::memory`].
    pub fn fit(&mut self, budget: usize, input: &[usize], keep: Keep) -> Result<Memory> {
        self.segments.clear();
        let parameters = self.memory(input, keep)?.parameters;
        let form = Form { shape: input.to_vec(), spikes: false };
        let costs = Costs::of((&self.layers, &self.groups), &form, keep)?;
        let segments = costs.choose(budget.saturating_sub(parameters));
        self.segments = segments.into_iter().map(Segment::new).collect();
        self.memory(input, keep)
    }

    /// What its layers take together, as part of one.
    pub(super) fn footprint(&self, input: &Form, keep: Keep) -> Footprint {
        let costs =
            Costs::of((&self.layers, &self.groups), input, keep).expect("features that fit");
        costs.together(costs.layers())
    }

    /// The layers, for rules that look at each.
    pub fn layers(&mut self) -> &mut [Box<dyn Layer>] {
        &mut self.layers
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
