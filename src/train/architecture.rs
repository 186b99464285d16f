//! The network that a configuration describes.
//!
//! | type | fields and their defaults |
//! |---|---|
//! | `Conv2d` | `channels`, `kernel_size`, `stride` 1, `padding` 0, `bias` false, `gain` 1 |
//! | `Linear` | `outputs`, `bias` false, `gain` 1 |
//! | `BatchNorm` | `scale` 1; tdBN: the threshold, or its part by branches |
//! | `Neurons` | `neuron`, instead of the configuration's own |
//! | `Recurrent` | the same, that hear themselves a step later: each all of them, or with `kernel_size`, which is odd, its surroundings; `gain` 1 |
//! | `ReLU` | what a frame network has for neurons; it is trained, but no engine runs it |
//! | `Synapses` | in front of all layers with the rule tssl |
//! | `SumPool2d`, `AvgPool2d`, `MaxPool2d` | `kernel_size`, `stride` the same |
//! | `Scale` | `factor` |
//! | `Dropout` | `p` |
//! | `Flatten` | |
//! | `Voting` | `size`: means of so many neighbouring outputs |
//! | `Residual` | `branch` and `shortcut`, layers that are added up; the latter none |
//!
//! Weights and biases start uniformly in ±gain/√(inputs of an output), as PyTorch's do.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::config::{Config, Rule};
use super::neuron::NeuronSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::layer::{
    Conv2d, Dense, Dropout, Flatten, Layer, Neurons, Norm, Pass, Pool, Pool2d, Recurrent, Relu,
    Residual, Scale, Voting,
};
use crate::learn::network::Network;
use crate::learn::rule::tssl::{Synapses, TimedNeurons, Timing};
use crate::signal::Shape;

/// Rows of a pool's window, which a place in it is counted by.
const LARGEST_POOL: usize = 256;

/// Weights of a layer: 8 GiB.
const MOST_WEIGHTS: usize = 1 << 31;

/// A layer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum LayerSpec {
    /// A convolution with square kernels.
    Conv2d {
        /// Channels of the output.
        channels: usize,
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Pixels from one window to the next.
        #[serde(default = "one")]
        stride: usize,
        /// Zeros around the input.
        #[serde(default)]
        padding: usize,
        /// Whether each output has a summand.
        #[serde(default)]
        bias: bool,
        /// What the weights' starting range is multiplied by.
        #[serde(default = "unit")]
        gain: f64,
    },
    /// A dense connection.
    Linear {
        /// Number of outputs.
        outputs: usize,
        /// Whether each output has a summand.
        #[serde(default)]
        bias: bool,
        /// What the weights' starting range is multiplied by.
        #[serde(default = "unit")]
        gain: f64,
    },
    /// A batch norm; tdBN with a scale.
    BatchNorm {
        /// What the output is multiplied by.
        #[serde(default = "unit")]
        scale: f64,
    },
    /// A population.
    Neurons {
        /// The model, where it is not the configuration's.
        #[serde(skip_serializing_if = "Option::is_none")]
        neuron: Option<NeuronSpec>,
    },
    /// A population that hears itself a step later, through weights without bias.
    Recurrent {
        /// The model, where it is not the configuration's.
        #[serde(skip_serializing_if = "Option::is_none")]
        neuron: Option<NeuronSpec>,
        /// Rows and columns of the window that each hears; without it, each hears all.
        #[serde(skip_serializing_if = "Option::is_none")]
        kernel_size: Option<usize>,
        /// What the weights' starting range is multiplied by.
        #[serde(default = "unit")]
        gain: f64,
    },
    /// Positive parts, for teachers on frames.
    ReLU,
    /// What filters the input of the rule tssl.
    Synapses,
    /// Sums of windows.
    SumPool2d {
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Pixels from one window to the next.
        #[serde(skip_serializing_if = "Option::is_none")]
        stride: Option<usize>,
    },
    /// Means of windows.
    AvgPool2d {
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Pixels from one window to the next.
        #[serde(skip_serializing_if = "Option::is_none")]
        stride: Option<usize>,
    },
    /// Maxima of windows.
    MaxPool2d {
        /// Rows and columns of the window.
        kernel_size: usize,
        /// Pixels from one window to the next.
        #[serde(skip_serializing_if = "Option::is_none")]
        stride: Option<usize>,
    },
    /// A factor.
    Scale {
        /// The factor.
        factor: f64,
    },
    /// Features that are silent for a sequence.
    Dropout {
        /// The probability.
        p: f64,
    },
    /// One axis of all.
    Flatten,
    /// Means of neighbouring outputs.
    Voting {
        /// Outputs to a group.
        size: usize,
    },
    /// Two ways that are added up.
    Residual {
        /// One of them.
        branch: Vec<LayerSpec>,
        /// The other; without layers the input itself.
        #[serde(default)]
        shortcut: Vec<LayerSpec>,
    },
}

fn one() -> usize {
    1
}

fn unit() -> f64 {
    1.0
}

/// Whether layers send positive spikes: an engine runs no others.
pub fn spikes(layers: &[LayerSpec], usual: &NeuronSpec) -> bool {
    layers.iter().all(|layer| match layer {
        LayerSpec::ReLU => false,
        LayerSpec::Neurons { neuron } | LayerSpec::Recurrent { neuron, .. } => {
            neuron.as_ref().unwrap_or(usual).signed != Some(true)
        }
        LayerSpec::Residual { branch, shortcut } => {
            spikes(branch, usual) && spikes(shortcut, usual)
        }
        _ => true,
    })
}

/// The timing of a rule that has its own neurons.
///
/// # Errors
/// Time constants that make no sense.
pub fn timing(rule: &Rule) -> Result<Option<Timing>> {
    match *rule {
        Rule::Tssl { membrane, synapse } => Timing::new(membrane, synapse, 1.0).map(Some),
        Rule::Bptt | Rule::Rate | Rule::RateReference | Rule::Cycle(_) => Ok(None),
    }
}

/// The network of a configuration, its parameters as they start.
///
/// # Errors
/// Layers that do not fit their input or the rule, an output that is not one for each of
/// `classes`.
pub fn build(config: &Config, features: &[usize], classes: usize) -> Result<Network> {
    let mut builder = Builder {
        steps: config.data.steps,
        neuron: &config.neuron,
        timing: timing(&config.rule)?,
        pass: Pass::training(config.seed),
    };
    let at_front = matches!(config.layers.first(), Some(LayerSpec::Synapses));
    if builder.timing.is_some() != at_front {
        let found = if at_front { "Synapses without the rule tssl" } else { "no Synapses" };
        let expected = "Synapses in front of all layers with the rule tssl, and with no other";
        return Err(Error::new(ErrorKind::Usage, found, expected).at("'layers'"));
    }
    let mut features = features.to_vec();
    let network = builder.network(&config.layers, &mut features);
    let mut network = network.map_err(|e| e.at("'layers'"))?;
    if let Some(bound) = config.optimizer.bound {
        let all = network.parameters().into_iter().map(|(_, parameter)| parameter);
        for weights in all.filter(|parameter| parameter.decays) {
            (weights.least, weights.most) = (-bound as f32, bound as f32);
        }
    }
    match features[..] == [classes] {
        true => Ok(network),
        false => {
            let found = format!("an output of {features:?}");
            let expected = format!("[{classes}], one for each class of the data");
            Err(Error::new(ErrorKind::Shape, found, expected).at("'layers'"))
        }
    }
}

/// The elements of a square window.
fn window(side: usize) -> Result<usize> {
    let misfit = || Error::new(ErrorKind::Shape, format!("a kernel of {side} rows"), "fewer");
    Shape::new(&[side, side]).map(|window| window.len()).map_err(|_| misfit())
}

/// Refuses zeros around an input that make it larger than any.
fn check_padding(features: &[usize], padding: usize) -> Result<()> {
    let padded = |&n: &usize| n.saturating_add(padding.saturating_mul(2));
    let axes: Vec<usize> = features.iter().take(1).copied().collect();
    let axes = [axes, features.iter().skip(1).map(padded).collect()].concat();
    Shape::new(&axes).map(drop).map_err(|e| e.at(format!("padding {padding}")))
}

struct Builder<'a> {
    steps: usize,
    neuron: &'a NeuronSpec,
    timing: Option<Timing>,
    pass: Pass,
}

impl Builder<'_> {
    /// Layers behind one another; `features` become those of the output.
    fn network(&mut self, specs: &[LayerSpec], features: &mut Vec<usize>) -> Result<Network> {
        let input = features.clone();
        let mut layers = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            let place = |e: Error| e.at(format!("layer {i}"));
            let layer = self.layer(spec, features).map_err(place)?;
            *features = layer.output(features).map_err(place)?;
            // no engine has more elements, and no sum of their numbers overflows below
            Shape::new(features).map_err(place)?;
            layers.push(layer);
        }
        Network::new(layers, &input)
    }

    fn layer(&mut self, spec: &LayerSpec, features: &[usize]) -> Result<Box<dyn Layer>> {
        let channels = features.first().copied().unwrap_or(0);
        let pool = |pool, kernel: usize, stride: Option<usize>| {
            let stride = stride.unwrap_or(kernel);
            let fits = |axes: &[usize]| axes.len() == 3 && axes[1..].iter().all(|&n| n >= kernel);
            match (1..=LARGEST_POOL).contains(&kernel) && stride > 0 && fits(features) {
                true => Ok(Box::new(Pool2d::new(pool, kernel, stride)) as Box<dyn Layer>),
                false => {
                    let found = format!("windows of {kernel}, {stride} apart, over {features:?}");
                    let expected = format!("windows that fit, of {LARGEST_POOL} at most");
                    Err(Error::new(ErrorKind::Shape, found, expected))
                }
            }
        };
        Ok(match *spec {
            LayerSpec::Conv2d { channels: outputs, kernel_size, stride, padding, bias, gain } => {
                if kernel_size == 0 || stride == 0 || outputs == 0 {
                    let found = "no channels, kernel or stride";
                    return Err(Error::new(ErrorKind::Shape, found, "1 or more of each"));
                }
                let inputs = channels * window(kernel_size)?;
                check_padding(features, padding)?;
                let (weight, bias) = self.start(outputs, inputs, bias, gain)?;
                let shape = [outputs, channels, kernel_size, kernel_size];
                Box::new(Conv2d::new(shape, weight, bias, stride, padding))
            }
            LayerSpec::Linear { outputs, bias, gain } => {
                let inputs = match features {
                    [inputs] => *inputs,
                    _ => {
                        let found = format!("features {features:?}");
                        return Err(Error::new(ErrorKind::Shape, found, "a Flatten before it"));
                    }
                };
                let (weight, bias) = self.start(outputs, inputs, bias, gain)?;
                Box::new(Dense::new(outputs, inputs, weight, bias))
            }
            LayerSpec::BatchNorm { .. } if self.timing.is_some() => return self.untimed("a norm"),
            LayerSpec::BatchNorm { scale } => Box::new(Norm::scaled(channels, scale as f32)),
            LayerSpec::Neurons { ref neuron } => match self.timing {
                Some(timing) => Box::new(TimedNeurons::new(timing)),
                None => Box::new(self.neurons(neuron, channels)?),
            },
            LayerSpec::Recurrent { .. } if self.timing.is_some() => return self.untimed("a loop"),
            LayerSpec::Recurrent { ref neuron, kernel_size, gain } => {
                let connection = self.connection(features, kernel_size, gain)?;
                Box::new(Recurrent::new(self.neurons(neuron, channels)?, connection))
            }
            LayerSpec::ReLU if self.timing.is_some() => return self.untimed("a ReLU"),
            LayerSpec::ReLU => Box::new(Relu::default()),
            LayerSpec::Scale { factor } => Box::new(Scale::new(factor)?),
            LayerSpec::Synapses => match self.timing {
                Some(timing) => Box::new(Synapses::new(timing)),
                None => {
                    let found = "Synapses without the rule tssl";
                    return Err(Error::new(ErrorKind::Usage, found, "them in no other place"));
                }
            },
            LayerSpec::SumPool2d { kernel_size, stride } => pool(Pool::Sum, kernel_size, stride)?,
            LayerSpec::AvgPool2d { kernel_size, stride } => {
                pool(Pool::Average, kernel_size, stride)?
            }
            LayerSpec::MaxPool2d { .. } if self.timing.is_some() => return self.untimed("maxima"),
            LayerSpec::MaxPool2d { kernel_size, stride } => pool(Pool::Max, kernel_size, stride)?,
            LayerSpec::Dropout { p } => Box::new(Dropout::new(p)?),
            LayerSpec::Flatten => Box::new(Flatten::default()),
            LayerSpec::Voting { size } => Box::new(Voting::new(size)),
            LayerSpec::Residual { ref branch, ref shortcut } => {
                let branch = self.network(branch, &mut features.to_vec());
                let branch = branch.map_err(|e| e.at("branch"))?;
                let shortcut = self.network(shortcut, &mut features.to_vec());
                Box::new(Residual::new(branch, shortcut.map_err(|e| e.at("shortcut"))?))
            }
        })
    }

    fn neurons(&mut self, neuron: &Option<NeuronSpec>, channels: usize) -> Result<Neurons> {
        let (model, settings) = neuron.as_ref().unwrap_or(self.neuron).settings()?;
        Neurons::new(model, &settings, (self.steps, channels), &mut self.pass)
    }

    /// What a population hears itself through.
    fn connection(
        &mut self,
        features: &[usize],
        kernel_size: Option<usize>,
        gain: f64,
    ) -> Result<Box<dyn Layer>> {
        match (features, kernel_size) {
            (&[n], None) => {
                let (weight, _) = self.start(n, n, false, gain)?;
                Ok(Box::new(Dense::new(n, n, weight, None)))
            }
            (&[channels, _, _], Some(size)) if size % 2 == 1 => {
                let inputs = channels * window(size)?;
                check_padding(features, size / 2)?;
                let (weight, _) = self.start(channels, inputs, false, gain)?;
                let shape = [channels, channels, size, size];
                Ok(Box::new(Conv2d::new(shape, weight, None, 1, size / 2)))
            }
            _ => {
                let found = format!("kernel_size {kernel_size:?} for features {features:?}");
                let expected = "none for one axis, an odd one for channels, rows and columns";
                Err(Error::new(ErrorKind::Shape, found, expected))
            }
        }
    }

    /// Weights and bias as they start.
    fn start(
        &mut self,
        outputs: usize,
        inputs: usize,
        bias: bool,
        gain: f64,
    ) -> Result<(Vec<f32>, Option<Vec<f32>>)> {
        if bias && self.timing.is_some() {
            return self.untimed("a bias");
        }
        if !(gain > 0.0 && gain.is_finite()) {
            return Err(Error::new(ErrorKind::Usage, format!("gain {gain}"), "a positive number"));
        }
        if outputs.checked_mul(inputs).is_none_or(|weights| weights > MOST_WEIGHTS) {
            let found = format!("weights of {inputs} inputs for each of {outputs} outputs");
            return Err(Error::new(ErrorKind::Shape, found, format!("{MOST_WEIGHTS} at most")));
        }
        let bound = (gain / (inputs.max(1) as f64).sqrt()) as f32;
        let mut draw = |len: usize| -> Vec<f32> {
            (0..len).map(|_| self.pass.random.random_range(-bound..=bound)).collect()
        };
        Ok((draw(outputs * inputs), bias.then(|| draw(outputs))))
    }

    /// Refuses what does not commute with the filter of a synapse.
    fn untimed<T>(&self, what: &str) -> Result<T> {
        let found = format!("{what} with the rule tssl");
        let expected = "weights without bias, sums and averages";
        Err(Error::new(ErrorKind::Usage, found, expected))
    }
}
