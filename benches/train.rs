//! How long does a training step take, and how near is it to what the machine can do?
//!
//! A step is the way forward, the loss, the way back and the optimiser's change. Each
//! line sets it beside something else, in turns, and gives the median and the range of
//! the ratio: 2 is twice as fast as what it is set beside.
//!
//! - *threads*: a step on all cores beside one on one;
//! - *rates*: a step of the rate rule beside one of backpropagation through time;
//! - *answering*: a pass that only answers beside a whole step;
//! - *neurons*: a population over all steps, and back, beside moving the same bytes.
//!
//! `--serve NETWORK FILE` does a step at each line that it reads, for
//! `tools/peer_train.py`: see [`serve`].

mod turns;

use std::fs;
use std::hint::black_box;
use std::io::BufRead;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use synops::learn::layer::{Conv2d, Dense, Flatten, Layer, Neurons, Norm, Pass, Pool, Pool2d};
use synops::learn::loss::Loss;
use synops::learn::network::Network;
use synops::learn::optimizer::{Method, Optimizer};
use synops::learn::rule::{bptt, rate};
use synops::learn::{Parameter, Tensor};
use synops::neuron::surrogate::Surrogate;
use synops::neuron::trainable::{Cells, Layout, Settings, TRAINABLE, Trainable};
use synops::record::{Values, weights};
use turns::{milliseconds, seconds};

const ROUNDS: usize = 9;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [word, name, file] if word == "--serve" => serve(Study::named(name), Path::new(file)),
        _ => table(),
    }
}

fn table() {
    println!("{:44}{:>12}{:>12}  ratio (range)", "", "beside", "this");
    for study in &STUDIES {
        threads(study);
        rates(study);
        answering(study);
    }
    neurons();
}

/// A network and the input that it is timed on.
struct Study {
    name: &'static str,
    /// `[T, B, C, H, W]`.
    input: [usize; 5],
    /// Share of the input that is not zero.
    active: f64,
    classes: usize,
    layers: fn(Pool) -> Vec<Box<dyn Layer>>,
}

const STUDIES: [Study; 2] = [
    // SpikingJelly's DVSGestureNet with 32 channels
    Study {
        name: "gesture",
        input: [16, 4, 2, 128, 128],
        active: 0.22,
        classes: 11,
        layers: gesture,
    },
    // 10 ms a step
    Study {
        name: "nmnist",
        input: [30, 32, 2, 34, 34],
        active: 0.055,
        classes: 10,
        layers: nmnist,
    },
];

fn gesture(pool: Pool) -> Vec<Box<dyn Layer>> {
    let mut layers = Vec::new();
    for channels in [2, 32, 32, 32, 32] {
        layers.extend(block([32, channels, 3, 3], 1, pool));
    }
    layers.push(Box::new(Flatten::default()));
    for [inputs, outputs] in [[512, 512], [512, 110]] {
        layers.push(dense(inputs, outputs, true));
        layers.push(Box::new(population(&lif())));
    }
    // ten neurons vote for a class
    let votes = (0..11 * 110).map(|i| if i % 110 / 10 == i / 110 { 0.1 } else { 0.0 });
    layers.push(Box::new(Dense::new(11, 110, votes.collect(), None)));
    layers
}

fn nmnist(pool: Pool) -> Vec<Box<dyn Layer>> {
    let mut layers = block([12, 2, 5, 5], 0, pool);
    layers.extend(block([32, 12, 3, 3], 0, pool));
    layers.push(Box::new(Flatten::default()));
    layers.push(dense(1152, 10, true));
    layers.push(Box::new(population(&lif())));
    layers
}

/// Convolution, norm, neurons, pool.
fn block(shape: [usize; 4], padding: usize, pool: Pool) -> Vec<Box<dyn Layer>> {
    let weight = drawn(&shape);
    vec![
        Box::new(Conv2d::new(shape, weight, None, 1, padding)),
        Box::new(Norm::new(shape[0])),
        Box::new(population(&lif())),
        Box::new(Pool2d::new(pool, 2, 2)),
    ]
}

fn dense(inputs: usize, outputs: usize, bias: bool) -> Box<dyn Layer> {
    let bias = bias.then(|| vec![0.0; outputs]);
    Box::new(Dense::new(outputs, inputs, drawn(&[outputs, inputs]), bias))
}

/// Weights that keep the scale of what goes through them.
fn drawn(shape: &[usize]) -> Vec<f32> {
    let mut random = Pcg64::seed_from_u64(7);
    let most = (6.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
    (0..shape.iter().product::<usize>()).map(|_| random.random_range(-most..most)).collect()
}

fn lif() -> Settings {
    Settings { surrogate: Surrogate::ATAN, ..Settings::SPIKINGJELLY }
}

fn model(name: &str) -> &'static Trainable {
    TRAINABLE.iter().find(|model| model.name == name).unwrap()
}

fn population(settings: &Settings) -> Neurons {
    Neurons::new(model("lif"), settings, (1, 1), &mut Pass::training(0)).unwrap()
}

impl Study {
    fn named(name: &str) -> &'static Study {
        STUDIES.iter().find(|study| study.name == name).expect("the name of a study")
    }

    fn network(&self, pool: Pool) -> Network {
        Network::new((self.layers)(pool), &self.input[2..]).unwrap()
    }

    fn drawn_input(&self) -> Tensor {
        let mut random = Pcg64::seed_from_u64(3);
        let len = self.input.iter().product();
        let spike = |_| f32::from(u8::from(random.random_bool(self.active)));
        Tensor::new(&self.input, (0..len).map(spike).collect())
    }

    fn labels(&self) -> Vec<usize> {
        (0..self.input[1]).map(|i| i % self.classes).collect()
    }
}

/// The parameters that an optimiser changes: not the votes.
fn learned(network: &mut Network) -> Vec<(String, &mut Parameter)> {
    let mut parameters = network.parameters();
    parameters.retain(|(_, parameter)| parameter.shape != [11, 110]);
    parameters
}

/// What is trained, and what trains it.
struct Trainer {
    network: Network,
    optimizer: Optimizer,
    input: Tensor,
    labels: Vec<usize>,
    pass: Pass,
}

impl Trainer {
    fn new(network: Network, input: Tensor, labels: Vec<usize>) -> Trainer {
        let optimizer = Optimizer::new(Method::ADAM, 0.0);
        Trainer { network, optimizer, input, labels, pass: Pass::training(1) }
    }

    fn of(study: &Study, pool: Pool) -> Trainer {
        Trainer::new(study.network(pool), study.drawn_input(), study.labels())
    }

    /// Gradients, and the loss.
    fn learn(&mut self) -> f64 {
        let Trainer { network, input, labels, pass, .. } = self;
        bptt::learn(network, input.clone(), labels, Loss::Rate, pass).unwrap().loss
    }

    fn change(&mut self) {
        self.optimizer.step(&mut learned(&mut self.network), 1e-3);
    }

    fn step(&mut self) {
        self.learn();
        self.change();
    }

    fn step_by_rates(&mut self) {
        let Trainer { network, input, labels, pass, .. } = self;
        let scale = rate::Scale::Exact;
        rate::learn(network, input.clone(), labels, Loss::Rate, scale, pass).unwrap();
        self.change();
    }

    fn answer(&mut self) {
        black_box(self.network.forward(self.input.clone(), &mut Pass::answering()));
    }
}

/// Reads `x` `[T, B, C, H, W]`, `labels` and parameters by their names from an `.npz`.
/// Then, for each line of standard input: `step` makes a step and prints its seconds,
/// `gradients PATH` writes those of every learned parameter, one after the other, as
/// little-endian `f32`, and prints the loss.
fn serve(study: &Study, file: &Path) {
    let file = weights::read(file).unwrap();
    let numbers = |name: &str| match file.get(name).unwrap_or_else(|| panic!("{name}")).values() {
        Values::F32(values) => values.clone(),
        Values::I64(values) => values.iter().map(|&x| x as f32).collect(),
        _ => panic!("'{name}' of another kind"),
    };
    let mut network = study.network(Pool::Max);
    for (name, parameter) in learned(&mut network) {
        parameter.values = numbers(&name);
    }
    let input = Tensor::new(file.get("x").unwrap().shape(), numbers("x"));
    let labels = numbers("labels").iter().map(|&label| label as usize).collect();
    let mut trainer = Trainer::new(network, input, labels);
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        match line.strip_prefix("gradients ") {
            None => println!("{}", seconds(|| trainer.step())),
            Some(path) => {
                let loss = trainer.learn();
                let all = learned(&mut trainer.network).into_iter();
                let gradients = all.flat_map(|(_, p)| p.gradient.clone());
                fs::write(path, gradients.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
                println!("{loss}");
            }
        }
    }
}

fn threads(study: &Study) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let on = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut trainer = Trainer::of(study, Pool::Max);
        move || pool.install(|| trainer.step())
    };
    compare(&format!("{}, a step on {all} threads: on 1", study.name), on(1), on(all));
}

fn rates(study: &Study) {
    // maxima have no rates
    let trainer = || Trainer::of(study, Pool::Average);
    let (mut steps, mut rates) = (trainer(), trainer());
    let name = format!("{}, a step of the rate rule: of BPTT", study.name);
    compare(&name, || steps.step(), || rates.step_by_rates());
}

fn answering(study: &Study) {
    let trainer = || Trainer::of(study, Pool::Max);
    let (mut steps, mut answers) = (trainer(), trainer());
    let name = format!("{}, an answer: a step", study.name);
    compare(&name, || steps.step(), || answers.answer());
}

/// Neurons read an input and write spikes, and back read input and gradient and write a
/// gradient; so do the sums that they are set beside.
fn neurons() {
    let layout = Layout { steps: 16, batch: 4, channels: 32, pixels: 64 * 64 };
    let len = layout.steps * layout.neurons();
    let mut random = Pcg64::seed_from_u64(9);
    let input: Vec<f32> = (0..len).map(|_| random.random_range(-1.0..2.0)).collect();
    let mut moved = vec![0.0; len];
    for name in ["if", "lif"] {
        for surrogate in ["atan", "sigmoid", "triangle"] {
            let settings = Settings { surrogate: surrogate.parse().unwrap(), ..lif() };
            let cells: Box<dyn Cells> = model(name).cells(&settings).unwrap();
            let mut sent = vec![0.0; len];
            let forward = || cells.forward(&layout, &[], &input, &mut sent);
            let plain = || moved.par_iter_mut().zip(&input).for_each(|(to, x)| *to = *x);
            compare(&format!("{name}, {surrogate}, forward: a copy"), plain, forward);
            let mut gradient = input.clone();
            let back = || drop(black_box(cells.adjoint(&layout, &[], &input, &mut gradient)));
            let plain = || moved.par_iter_mut().zip(&input).for_each(|(sum, x)| *sum += x);
            compare(&format!("{name}, {surrogate}, back: a sum in place"), plain, back);
        }
    }
}

/// Times both sides in turns and prints a line.
fn compare(name: &str, mut beside: impl FnMut(), mut this: impl FnMut()) {
    let (beside, this) = (|| seconds(&mut beside), || seconds(&mut this));
    turns::compare::<ROUNDS>(name, milliseconds, beside, this);
}
