//! Neurons as a layer: the only one that looks along time.
//!
//! Of a pass that keeps means, each neuron keeps one number, E = Σ_k ∂(mean_t s_t)/∂x_k:
//! what its rate owes to an input that is the same at every step.

use rand::RngExt;

use super::{Keep, Layer, NO_FORWARD, Pass, named};
use crate::error::Result;
use crate::learn::{Parameter, Tensor};
use crate::neuron::trainable::{Cells, Layout, Learned, Settings, Trainable};

/// A population of one model.
#[derive(Debug)]
pub struct Neurons {
    cells: Box<dyn Cells>,
    parameters: Vec<Parameter>,
    kept: Option<Kept>,
}

#[derive(Debug)]
enum Kept {
    /// The input of every step.
    Input(Tensor),
    /// E of every neuron.
    Slopes(Tensor),
}

impl Neurons {
    /// A population for sequences of `steps` steps of `channels` channels; what is
    /// learned starts where the model says, the rest is drawn.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(
        model: &Trainable,
        settings: &Settings,
        (steps, channels): (usize, usize),
        pass: &mut Pass,
    ) -> Result<Neurons> {
        let layout = Layout { steps, batch: 1, channels, pixels: 1 };
        let mut parameter = |learned: &Learned| {
            let len = model.count(learned, settings, &layout);
            let initial = (learned.initial)(settings, steps);
            let mut draw = || match learned.spread > 0.0 {
                true => initial + pass.random.random_range(-learned.spread..=learned.spread),
                false => initial,
            };
            let values = (0..len).map(|_| draw() as f32).collect();
            let shape = if learned.per_step { vec![steps, len / steps] } else { vec![len] };
            let least = learned.least as f32;
            Parameter { least, ..Parameter::new(learned.name, &shape, values).undecayed() }
        };
        let parameters = model.learned.iter().map(&mut parameter).collect();
        Ok(Neurons { cells: model.cells(settings)?, parameters, kept: None })
    }

    fn values(&self) -> Vec<&[f32]> {
        self.parameters.iter().map(|parameter| &parameter.values[..]).collect()
    }

    /// E, by the adjoint of the sum of all spikes.
    fn slopes(&self, input: &Tensor) -> Tensor {
        let mut gradient = Tensor::new(input.shape(), vec![1.0; input.values().len()]);
        let (layout, values) = (layout(input), self.values());
        self.cells.adjoint(&layout, &values, input.values(), gradient.values_mut());
        // one T of the mean rate, and a sum over T
        gradient.mean_over_time()
    }
}

fn layout(tensor: &Tensor) -> Layout {
    let features = tensor.features();
    let pixels = features[1..].iter().product();
    Layout { steps: tensor.steps(), batch: tensor.batch(), channels: features[0], pixels }
}

impl Layer for Neurons {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    /// What is learned here owes its gradient to single steps.
    fn learns_from_means(&self) -> bool {
        self.parameters.is_empty()
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let sent = self.cells.forward(&layout(&input), &self.values(), input.values());
        let output = Tensor::new(input.shape(), sent);
        self.kept = Some(match pass.keep {
            Keep::Steps => Kept::Input(input),
            Keep::Means => Kept::Slopes(self.slopes(&input)),
        });
        output
    }

    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        match self.kept.take().expect(NO_FORWARD) {
            Kept::Slopes(slopes) => {
                let pairs = gradient.values_mut().iter_mut().zip(slopes.values());
                pairs.for_each(|(g, slope)| *g *= slope);
            }
            Kept::Input(input) => {
                let (layout, values) = (layout(&input), self.values());
                let gradient = gradient.values_mut();
                let owed = self.cells.adjoint(&layout, &values, input.values(), gradient);
                let pairs = self.parameters.iter_mut().zip(&owed);
                pairs.for_each(|(parameter, owed)| parameter.owe(owed));
            }
        }
        gradient
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }
}
