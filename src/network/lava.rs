//! `.net` files: networks as lava-dl writes them, HDF5.
//!
//! ```text
//! /layer/<n>/type              input, conv, pool, flatten, dense
//! /layer/<n>/shape             of its output, channel first
//! /layer/<n>/weight            dense [out, in], conv [out, in/groups, h, w], pool [1, 1, h, w]
//! /layer/<n>/bias, delay       one a channel or neuron; delays in steps
//! /layer/<n>/stride, padding, dilation, groups
//! /layer/<n>/neuron/type       CUBA, then iDecay, vDecay, vThMant, …
//! ```
//!
//! Layers hear the one before. Each becomes a connection, a population in Loihi's
//! integers (`neuron/loihi.rs`), and a delay where it has one; weights are whole
//! numbers. An input with neurons weights its events by 64 unless it says
//! otherwise. A pool is a convolution of each channel with the same weights.
//!
//! The file's convention is `loihi`: spikes arrive one step later, neurons fire
//! above their threshold. lava-dl counts time in steps, so a delay is read as so
//! many milliseconds, its usual step.
//!
//! **Source.** lava-dl 0.6, `slayer/block/base.py` (`export_hdf5`) and
//! `netx/hdf5.py`.

use super::graph::{Graph, Node, NodeKind};
use super::hdf5::Hdf5;
use crate::error::{Error, ErrorKind, Result};
use crate::layer::{LAYERS, Layer};
use crate::neuron::preset::Conventions;
use crate::neuron::{FOREIGN, Model};
use crate::record::{Array, Record, Values};
use crate::signal::Shape;

/// The group that holds the layers.
const LAYERS_GROUP: &str = "layer";

/// What an input with neurons weights its events by, where the file does not say.
const INPUT_WEIGHT: f32 = 64.0;

/// Milliseconds are steps.
const STEP: f64 = 1e-3;

/// Whether a file holds such a network.
pub fn is_in(file: &Hdf5) -> bool {
    file.has(LAYERS_GROUP)
}

/// Reads a network.
///
/// # Errors
/// Damage, and whatever is not known of a layer or its neurons, by its name.
pub fn from_hdf5(file: &Hdf5) -> Result<Graph> {
    from_record(file.read(LAYERS_GROUP)?)
}

/// Reads the layers, groups named by their numbers.
///
/// # Errors
/// As [`from_hdf5`].
pub fn from_record(mut layers: Record) -> Result<Graph> {
    let mut chain = Chain::default();
    for n in 0..layers.groups.len() {
        let Some(mut layer) = layers.groups.remove(&n.to_string()) else {
            let names: Vec<_> = layers.groups.keys().map(String::as_str).collect();
            let found = format!("no layer {n} before [{}]", names.join(", "));
            return Err(Error::new(ErrorKind::Corrupt, found, "layers numbered from 0"));
        };
        let kind = text(&mut layer, "type").map_err(|e| e.at(format!("layer {n}")))?;
        chain.layer(n, &kind, layer).map_err(|e| e.at(format!("layer {n} ({kind})")))?;
    }
    chain.finish()
}

/// The network so far: each node hears the one before.
#[derive(Default)]
struct Chain {
    graph: Graph,
    shape: Option<Shape>,
    delayed: Vec<String>,
}

impl Chain {
    fn layer(&mut self, n: usize, kind: &str, mut layer: Record) -> Result<()> {
        match kind {
            _ if layer.groups.contains_key("weight") => {
                return Err(unsupported("complex weights", "real ones"));
            }
            "input" if n == 0 => self.input(&mut layer)?,
            "dense" => self.dense(n, &mut layer)?,
            "conv" => self.conv(n, &mut layer)?,
            "pool" => self.pool(n, &mut layer)?,
            "flatten" => {
                let dims = [("start_dim", 0), ("end_dim", -1)];
                let fields = dims.map(|(name, dim)| (name, Array::integer(dim)));
                self.connect(format!("{n}.flatten"), "Flatten", record(fields))?;
            }
            _ => {
                let expected = "input (the first), dense, conv, pool, flatten";
                return Err(unsupported(format!("a layer of type '{kind}'"), expected));
            }
        }
        self.check_shape(&mut layer)?;
        match (layer.groups.remove("neuron"), kind) {
            (None, "input" | "flatten") => Ok(()),
            (None, _) => Err(unsupported("a layer without neurons", "a group 'neuron'")),
            (Some(_), "flatten") => Err(unsupported("neurons", "none")),
            (Some(neuron), _) => self.population(n, &mut layer, neuron),
        }
    }

    fn input(&mut self, layer: &mut Record) -> Result<()> {
        let shape = layer.arrays.get("shape").cloned();
        let shape = Shape::new(&shape.map_or_else(|| layer.take("shape"), Ok)?.sizes()?)?;
        self.begin("0.input", shape);
        if !layer.groups.contains_key("neuron") {
            return Ok(());
        }
        if let Some(bias) = layer.take_if_any("bias")
            && bias.numbers()?.iter().any(|&bias| bias != 0.0)
        {
            return Err(unsupported("a bias of an input", "none"));
        }
        let weight = layer.take_if_any("weight");
        let weight = weight.unwrap_or_else(|| Array::floats(&[1], vec![INPUT_WEIGHT]));
        self.connect("0.weight".into(), "Scale", record([("scale", whole("weight", weight)?)]))
    }

    fn dense(&mut self, n: usize, layer: &mut Record) -> Result<()> {
        let weight = whole("weight", layer.take("weight")?)?;
        if let (None, &[_, inputs]) = (&self.shape, weight.shape()) {
            self.begin("input", Shape::new(&[inputs])?);
        }
        self.connect(format!("{n}.dense"), "Linear", record([("weight", weight)]))
    }

    fn conv(&mut self, n: usize, layer: &mut Record) -> Result<()> {
        let weight = kernel(layer)?;
        let groups = layer.take("groups")?;
        self.convolve(format!("{n}.conv"), layer, weight, groups)
    }

    /// lava-dl fills up a side that the kernel does not divide, which the other
    /// layers here do not.
    fn pool(&mut self, n: usize, layer: &mut Record) -> Result<()> {
        let window = kernel(layer)?;
        let input = self.heard()?;
        let (&[channels, height, width], &[1, 1, rows, columns]) = (input.axes(), window.shape())
        else {
            let found = format!("weight of shape {:?} for an input of {input}", window.shape());
            let expected = "[1, 1, h, w] for channels × height × width";
            return Err(Error::new(ErrorKind::Shape, found, expected));
        };
        if height % rows != 0 || width % columns != 0 {
            let found = format!("a window of {rows}×{columns} for an input of {input}");
            return Err(unsupported(found, "a window that divides it"));
        }
        let axes = [channels, 1, rows, columns];
        Shape::new(&axes)?;
        let weight = Array::floats(&axes, window.singles()?.repeat(channels));
        self.convolve(format!("{n}.pool"), layer, weight, Array::integer(channels as i64))
    }

    fn convolve(
        &mut self,
        name: String,
        layer: &mut Record,
        weight: Array,
        groups: Array,
    ) -> Result<()> {
        let mut fields = record([("weight", weight), ("groups", groups)]);
        for field in ["stride", "padding", "dilation"] {
            fields.put(field, layer.take(field)?);
        }
        self.connect(name, "Conv2d", fields)
    }

    fn population(&mut self, n: usize, layer: &mut Record, mut neuron: Record) -> Result<()> {
        let shape = self.heard()?.clone();
        let kind = text(&mut neuron, "type").map_err(|e| e.at("'neuron'"))?;
        if !["CUBA", "LOIHI"].contains(&kind.as_str()) {
            return Err(unsupported(format!("neurons of type '{kind}'"), "CUBA"));
        }
        for (field, usual) in
            [("refDelay", 1.0), ("gradedSpike", 0.0), ("messageBits", 0.0), ("weight_exp", 0.0)]
        {
            let value = neuron.take_if_any(field).map(|array| array.numbers()).transpose()?;
            if let Some(other) = value.unwrap_or_default().iter().find(|&&x| x != usual) {
                return Err(unsupported(
                    format!("neurons with {field} = {other}"),
                    usual.to_string(),
                ));
            }
        }
        let mut fields = Record::default();
        for field in ["iDecay", "vDecay", "vThMant"] {
            fields.put(field, spread(field, neuron.take(field)?, &shape)?);
        }
        if let Some(bias) = layer.take_if_any("bias") {
            fields.put("bias", spread("bias", bias, &shape)?);
        }
        let model: Option<&'static Model> = FOREIGN.iter().find(|model| model.nir == "LoihiCuba");
        let model = model.expect("a model of its own");
        self.push(format!("{n}.cuba"), NodeKind::Neuron(model.read(&mut fields)?));
        match layer.take_if_any("delay") {
            None => Ok(()),
            Some(delay) => self.delay(n, &spread("delay", delay, &shape)?),
        }
    }

    fn delay(&mut self, n: usize, steps: &Array) -> Result<()> {
        let delays = whole("delay", steps.clone())?.numbers()?;
        if delays.iter().all(|&steps| steps == 0.0) {
            return Ok(());
        }
        let seconds = delays.iter().map(|steps| steps * STEP).collect();
        let seconds = Array::new(steps.shape(), Values::F64(seconds))?;
        self.delayed.push(n.to_string());
        self.connect(format!("{n}.delay"), "Delay", record([("delay", seconds)]))
    }

    /// Where the events enter.
    fn begin(&mut self, name: &str, shape: Shape) {
        self.push(name.into(), NodeKind::Input(Array::of_sizes(shape.axes())));
        self.shape = Some(shape);
    }

    /// What the next layer hears.
    fn heard(&self) -> Result<&Shape> {
        self.shape.as_ref().ok_or_else(|| {
            let found = "no input layer, which would say how large the input is";
            Error::new(ErrorKind::Unsupported, found, "layer 0 of type input, with a shape")
        })
    }

    fn connect(&mut self, name: String, nir: &str, mut fields: Record) -> Result<()> {
        let kind = LAYERS.iter().find(|layer| layer.nir == nir).expect("a layer of the program");
        let layer: Box<dyn Layer> = (kind.read)(&mut fields)?;
        self.shape = Some(layer.output_shape(self.heard()?)?);
        self.push(name, NodeKind::Layer(layer));
        Ok(())
    }

    fn push(&mut self, name: String, kind: NodeKind) {
        if let Some(last) = self.graph.nodes.last() {
            self.graph.edges.push((last.name.clone(), name.clone()));
        }
        self.graph.nodes.push(Node::new(name, kind));
    }

    /// The shape that the layer states, axes of length 1 aside.
    fn check_shape(&self, layer: &mut Record) -> Result<()> {
        let (Some(stated), Some(shape)) = (layer.take_if_any("shape"), &self.shape) else {
            return Ok(());
        };
        let stated = Shape::new(&stated.sizes().map_err(|e| e.at("'shape'"))?)?;
        match stated.same_elements(shape) {
            true => Ok(()),
            false => {
                let found = format!("an output of {shape}");
                Err(Error::new(ErrorKind::Shape, found, format!("the stated {stated}")))
            }
        }
    }

    fn finish(mut self) -> Result<Graph> {
        let shape = Array::of_sizes(self.heard()?.axes());
        self.push("output".into(), NodeKind::Output(shape));
        if !self.delayed.is_empty() {
            let layers = self.delayed.join(", ");
            self.graph.notes.push(format!("delays are read as steps of 1 ms: layers {layers}"));
        }
        self.graph.convention = Some("loihi".parse::<Conventions>()?);
        Ok(self.graph)
    }
}

fn unsupported(found: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, found, expected)
}

fn record<const N: usize>(fields: [(&str, Array); N]) -> Record {
    let mut record = Record::default();
    fields.into_iter().for_each(|(name, array)| record.put(name, array));
    record
}

fn text(record: &mut Record, name: &str) -> Result<String> {
    let array = record.take(name)?;
    Ok(array.as_text().map_err(|e| e.at(format!("'{name}'")))?.to_owned())
}

/// Weights over windows; versions of lava-dl differ in a fifth axis, of length 1.
fn kernel(layer: &mut Record) -> Result<Array> {
    let weight = whole("weight", layer.take("weight")?)?;
    match *weight.shape() {
        [outputs, inputs, rows, columns, 1] => {
            Array::new(&[outputs, inputs, rows, columns], weight.values().clone())
        }
        _ => Ok(weight),
    }
}

fn whole(name: &str, array: Array) -> Result<Array> {
    let numbers = array.numbers().map_err(|e| e.at(format!("'{name}'")))?;
    match numbers.iter().find(|x| x.fract() != 0.0) {
        None => Ok(array),
        Some(x) => Err(unsupported(format!("'{name}' = {x}"), "whole numbers")),
    }
}

/// One number for all, one a neuron, or one a channel: as a population of this
/// shape has them.
fn spread(name: &str, array: Array, shape: &Shape) -> Result<Array> {
    let (len, channels) = (shape.len(), shape.channels());
    let numbers = array.numbers().map_err(|e| e.at(format!("'{name}'")))?;
    let each = match numbers.len() {
        1 => return Ok(array),
        n if n == len => numbers,
        n if n == channels => {
            let pixels = len / channels;
            numbers.iter().flat_map(|&x| std::iter::repeat_n(x, pixels)).collect()
        }
        _ => {
            let found = format!("'{name}' of shape {:?}", array.shape());
            let expected = format!("1, {channels} or {len} numbers");
            return Err(Error::new(ErrorKind::Shape, found, expected));
        }
    };
    Array::new(shape.axes(), Values::F64(each))
}
