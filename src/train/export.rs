//! The trained network as a graph that every engine runs.
//!
//! Batch norms behind weights are folded into them, dropout is left out. What a sum of
//! two ways feeds hears both. Neurons of the rule tssl become CubaLIF: the filter of a
//! synapse may stand before the weights or behind them.

use super::architecture::{LayerSpec, timing};
use super::config::{Config, Rule, Slice};
use super::neuron::NeuronSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::event::InputMode;
use crate::layer::norm::BatchNorm;
use crate::layer::{BEYOND_NIR, LAYERS};
use crate::learn::network::Network;
use crate::network::{CLASS_NAMES, Graph, INPUT_MODE, Node, NodeKind, SLICE, SPLIT, STEPS};
use crate::neuron::{MODELS, Neuron};
use crate::record::{Array, Record, Values};
use crate::units::Micros;

/// The graph of a trained network for an input of these features, in steps of `dt`, its
/// outputs named by `classes`.
///
/// # Errors
/// Conventions that differ between the network's populations; layers that send no spikes.
pub fn graph(
    config: &Config,
    network: &mut Network,
    features: &[usize],
    classes: &[String],
    dt: Micros,
) -> Result<Graph> {
    let mut values: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for (name, parameter) in network.parameters() {
        values.push((name, parameter.shape.clone(), parameter.values.clone()));
    }
    for (name, running) in network.running() {
        values.push((name, vec![running.len()], running.clone()));
    }
    let mut exporter = Exporter { config, values, dt, graph: Graph::default(), convention: None };
    exporter.graph.nodes.push(Node::new(INPUT, NodeKind::Input(Array::of_sizes(features))));
    let mut at = Place { sources: vec![INPUT.into()], axes: features.len() };
    exporter.layers(&config.layers, "", &mut at)?;
    exporter.push(OUTPUT, NodeKind::Output(Array::of_sizes(&[classes.len()])), &mut at);
    let Exporter { mut graph, convention, .. } = exporter;
    graph.convention = convention.map(|text| text.parse()).transpose()?;
    graph.dt = Some(dt);
    graph.set_metadata(CLASS_NAMES, &classes.join("\n"));
    if config.data.input != InputMode::default() {
        graph.set_metadata(INPUT_MODE, config.data.input.name());
    }
    graph.set_metadata(STEPS, &config.data.steps.to_string());
    if let Some(split) = config.data.split {
        graph.set_metadata(SPLIT, &split.to_string());
    }
    if let Slice::Equal(portions) = config.data.slice {
        graph.set_metadata(SLICE, portions.name());
    }
    Ok(graph)
}

const INPUT: &str = "input";
const OUTPUT: &str = "output";

struct Exporter<'a> {
    config: &'a Config,
    values: Vec<(String, Vec<usize>, Vec<f32>)>,
    dt: Micros,
    graph: Graph,
    convention: Option<String>,
}

/// Where the next layer attaches.
#[derive(Clone)]
struct Place {
    /// The nodes that it hears.
    sources: Vec<String>,
    /// The number of axes of what it hears.
    axes: usize,
}

impl Exporter<'_> {
    /// Layers behind one another, their parameters named with this prefix.
    fn layers(&mut self, specs: &[LayerSpec], prefix: &str, at: &mut Place) -> Result<()> {
        let mut i = 0;
        while i < specs.len() {
            let next = specs.get(i + 1);
            let key = format!("{prefix}{i}");
            let place = |e: Error| e.at(format!("layer {key}"));
            match &specs[i] {
                LayerSpec::Conv2d { stride, padding, .. } => {
                    let mut record = self.weights(&key)?;
                    i += self.fold(&mut record, next, &format!("{prefix}{}", i + 1))?;
                    self.convolution(&key, record, (*stride, *padding), at).map_err(place)?;
                }
                LayerSpec::Linear { .. } => {
                    let mut record = self.weights(&key)?;
                    i += self.fold(&mut record, next, &format!("{prefix}{}", i + 1))?;
                    let kind = match record.arrays.contains_key("bias") {
                        true => "Affine",
                        false => "Linear",
                    };
                    self.layer(&key, kind, record, at).map_err(place)?;
                }
                LayerSpec::BatchNorm { scale } => {
                    let record = self.norm(&key, *scale)?;
                    self.layer(&key, "BatchNorm", record, at).map_err(place)?;
                }
                LayerSpec::Neurons { neuron } => {
                    self.population(&key, neuron, at).map_err(place)?;
                }
                LayerSpec::Recurrent { neuron, kernel_size, .. } => {
                    self.population(&key, neuron, at).map_err(place)?;
                    self.loop_back(&key, *kernel_size, at.clone()).map_err(place)?;
                }
                LayerSpec::ReLU => {
                    let found = "a ReLU";
                    let error = Error::new(ErrorKind::Unsupported, found, "neurons that spike");
                    return Err(place(error));
                }
                LayerSpec::Scale { factor } => {
                    let mut record = Record::default();
                    record.put("scale", Array::floats(&[1], vec![*factor as f32]));
                    self.layer(&key, "Scale", record, at).map_err(place)?;
                }
                LayerSpec::Synapses | LayerSpec::Dropout { .. } => (),
                LayerSpec::SumPool2d { kernel_size, stride } => {
                    self.pool("SumPool2d", *kernel_size, *stride, &key, at).map_err(place)?;
                }
                LayerSpec::AvgPool2d { kernel_size, stride } => {
                    self.pool("AvgPool2d", *kernel_size, *stride, &key, at).map_err(place)?;
                }
                LayerSpec::MaxPool2d { kernel_size, stride } => {
                    self.pool("MaxPool2d", *kernel_size, *stride, &key, at).map_err(place)?;
                }
                LayerSpec::Flatten => {
                    let mut record = Record::default();
                    record.put("start_dim", Array::integer(0));
                    record.put("end_dim", Array::integer(-1));
                    self.layer(&key, "Flatten", record, at).map_err(place)?;
                    at.axes = 1;
                }
                LayerSpec::Voting { size } => {
                    let mut record = Record::default();
                    record.put("size", Array::integer(*size as i64));
                    self.layer(&key, "Voting", record, at).map_err(place)?;
                }
                LayerSpec::Residual { branch, shortcut } => {
                    let mut through = at.clone();
                    self.layers(branch, &format!("{key}.branch."), &mut through)?;
                    self.layers(shortcut, &format!("{key}.shortcut."), at)?;
                    at.sources.extend(through.sources);
                }
            }
            i += 1;
        }
        Ok(())
    }

    /// Appends a node that hears what is at this place, and is what is there then.
    fn push(&mut self, name: &str, kind: NodeKind, at: &mut Place) {
        let sources = std::mem::replace(&mut at.sources, vec![name.to_owned()]);
        self.graph.edges.extend(sources.into_iter().map(|from| (from, name.to_owned())));
        self.graph.nodes.push(Node::new(name, kind));
    }

    fn layer(&mut self, name: &str, nir: &str, mut record: Record, at: &mut Place) -> Result<()> {
        let kind = LAYERS.iter().chain(BEYOND_NIR).find(|kind| kind.nir == nir);
        let layer = (kind.expect("a layer of this crate").read)(&mut record)?;
        self.push(name, NodeKind::Layer(layer), at);
        Ok(())
    }

    fn population(&mut self, name: &str, own: &Option<NeuronSpec>, at: &mut Place) -> Result<()> {
        let spec = own.as_ref().unwrap_or(&self.config.neuron);
        let neuron = self.neuron(spec, name, at.axes)?;
        self.push(name, NodeKind::Neuron(neuron), at);
        Ok(())
    }

    fn convolution(
        &mut self,
        name: &str,
        mut record: Record,
        (stride, padding): (usize, usize),
        at: &mut Place,
    ) -> Result<()> {
        for (field, size) in
            [("stride", stride), ("padding", padding), ("dilation", 1), ("groups", 1)]
        {
            record.put(field, Array::integer(size as i64));
        }
        if !record.arrays.contains_key("bias") {
            let channels = record.arrays["weight"].shape()[0];
            record.put("bias", Array::floats(&[channels], vec![0.0; channels]));
        }
        self.layer(name, "Conv2d", record, at)
    }

    /// Lets a population hear itself; engines take a step for that.
    fn loop_back(
        &mut self,
        neurons: &str,
        kernel_size: Option<usize>,
        mut at: Place,
    ) -> Result<()> {
        let name = format!("{neurons}.recurrent");
        let record = self.weights(&name)?;
        match kernel_size {
            Some(size) => self.convolution(&name, record, (1, size / 2), &mut at)?,
            None => self.layer(&name, "Linear", record, &mut at)?,
        }
        self.graph.edges.push((name, neurons.to_owned()));
        Ok(())
    }

    fn pool(
        &mut self,
        nir: &str,
        kernel: usize,
        stride: Option<usize>,
        key: &str,
        at: &mut Place,
    ) -> Result<()> {
        let mut record = Record::default();
        let both = |size: usize| Array::integers(&[size as i64; 2]);
        record.put("kernel_size", both(kernel));
        record.put("stride", both(stride.unwrap_or(kernel)));
        record.put("padding", both(0));
        self.layer(key, nir, record, at)
    }

    /// A parameter or a running average.
    fn value(&self, name: &str) -> Option<Array> {
        let (_, shape, values) = self.values.iter().find(|(own, ..)| own == name)?;
        Some(Array::floats(shape, values.clone()))
    }

    fn weights(&self, key: &str) -> Result<Record> {
        let mut record = Record::default();
        record.put_if_any("weight", &self.value(&format!("{key}.weight")));
        record.put_if_any("bias", &self.value(&format!("{key}.bias")));
        Ok(record)
    }

    fn norm(&self, key: &str, scale: f64) -> Result<Record> {
        let mut record = Record::default();
        for name in ["weight", "bias", "running_mean", "running_var"] {
            record.put_if_any(name, &self.value(&format!("{key}.{name}")));
        }
        let gamma = record.take("weight")?;
        let scaled = gamma.numbers()?.into_iter().map(|x| x * scale).collect();
        record.put("weight", Array::new(gamma.shape(), Values::F64(scaled))?);
        record.put("eps", Array::new(&[], Values::F64(vec![1e-5]))?);
        Ok(record)
    }

    /// Folds what is behind weights into them, if it is a norm; gives the number of layers that
    /// went.
    fn fold(&self, weights: &mut Record, next: Option<&LayerSpec>, key: &str) -> Result<usize> {
        let Some(LayerSpec::BatchNorm { scale }) = next else { return Ok(0) };
        let norm = BatchNorm::read(&mut self.norm(key, *scale)?)?;
        let (weight, bias) =
            norm.fold(&weights.take("weight")?, weights.take_if_any("bias").as_ref())?;
        weights.put("weight", weight);
        weights.put("bias", bias);
        Ok(1)
    }

    fn neuron(&mut self, spec: &NeuronSpec, key: &str, axes: usize) -> Result<Neuron> {
        if let Rule::Tssl { membrane, synapse } = self.config.rule {
            timing(&self.config.rule)?;
            self.agree("spikingjelly,fire=above")?;
            return self.current_based(membrane, synapse);
        }
        let (model, settings) = spec.settings()?;
        self.agree(&settings.conventions()?.to_string())?;
        let learned =
            |name: &str| self.values.iter().find(|(own, ..)| *own == format!("{key}.{name}"));
        let learned = model.learned.iter().filter_map(|own| learned(own.name));
        let parameters: Vec<&[f32]> = learned.map(|(_, _, values)| &values[..]).collect();
        model.neuron(&settings, &parameters, (self.config.data.steps, axes), self.dt.seconds())
    }

    /// The neurons of TSSL-BP: u = (1 − 1/τ_m)u + I, with I filtered behind the weights.
    fn current_based(&self, membrane: f64, synapse: f64) -> Result<Neuron> {
        let mut record = Record::default();
        let fields = [
            ("tau_mem", membrane * self.dt.seconds().0),
            ("tau_syn", synapse * self.dt.seconds().0),
            ("r", membrane),
            ("v_leak", 0.0),
            ("v_threshold", 1.0),
            ("v_reset", 0.0),
            ("w_in", 1.0),
        ];
        for (name, value) in fields {
            record.put(name, Array::new(&[], Values::F64(vec![value]))?);
        }
        let model = MODELS.iter().find(|model| model.nir == "CubaLIF").expect("a model of NIR");
        model.read(&mut record)
    }

    /// Notes the convention of a population, which is that of all.
    fn agree(&mut self, convention: &str) -> Result<()> {
        match self.convention.get_or_insert_with(|| convention.to_owned()) {
            known if known == convention => Ok(()),
            known => {
                let found = format!("neurons of {convention} behind neurons of {known}");
                Err(Error::new(ErrorKind::Unsupported, found, "one convention for all"))
            }
        }
    }
}
