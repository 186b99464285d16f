//! Neurons as a layer: the only one that looks along time.

use rand::RngExt;

use super::{Layer, NO_FORWARD, Pass, named};
use crate::error::Result;
use crate::learn::{Parameter, Tensor};
use crate::neuron::trainable::{Cells, Layout, Learned, Settings, Trainable};

/// A population of one model.
#[derive(Debug)]
pub struct Neurons {
    cells: Box<dyn Cells>,
    parameters: Vec<Parameter>,
    kept: Option<Tensor>,
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

    fn forward(&mut self, input: Tensor, _: &mut Pass) -> Tensor {
        let sent = self.cells.forward(&layout(&input), &self.values(), input.values());
        let output = Tensor::new(input.shape(), sent);
        self.kept = Some(input);
        output
    }

    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let input = self.kept.take().expect(NO_FORWARD);
        let layout = layout(&input);
        let owed =
            self.cells.adjoint(&layout, &self.values(), input.values(), gradient.values_mut());
        self.parameters.iter_mut().zip(&owed).for_each(|(parameter, owed)| parameter.owe(owed));
        gradient
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }
}
