//! Small networks learn a small task: which half of the picture flickers more.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use synops::learn::Tensor;
use synops::learn::layer::{Conv2d, Dense, Flatten, Layer, Neurons, Norm, Pass, Pool, Pool2d};
use synops::learn::loss::Loss;
use synops::learn::network::Network;
use synops::learn::optimizer::{Method, Optimizer, clip_norm};
use synops::learn::rule::tssl::{Synapses, TimedNeurons, Timing};
use synops::learn::rule::{bptt, rate};
use synops::neuron::trainable::{Settings, TRAINABLE};

const STEPS: usize = 8;
const BATCH: usize = 16;

/// Spikes of two halves, and which of them has more.
fn pictures(random: &mut Pcg64) -> (Tensor, Vec<usize>) {
    let labels: Vec<usize> = (0..BATCH).map(|_| random.random_range(0..2)).collect();
    let mut spike = |i: usize| {
        let (sequence, column) = (i / 36 % BATCH, i % 6);
        let often = (column < 3) == (labels[sequence] == 0);
        f32::from(u8::from(random.random_bool(if often { 0.35 } else { 0.15 })))
    };
    let values = (0..STEPS * BATCH * 36).map(&mut spike).collect();
    (Tensor::new(&[STEPS, BATCH, 1, 6, 6], values), labels)
}

fn weights(len: usize, random: &mut Pcg64) -> Vec<f32> {
    (0..len).map(|_| random.random_range(-0.5..0.5)).collect()
}

fn dense(outputs: usize, inputs: usize, random: &mut Pcg64) -> Box<dyn Layer> {
    Box::new(Dense::new(outputs, inputs, weights(outputs * inputs, random), None))
}

/// Convolution, norm, neurons, pool, dense.
fn network(name: &str, settings: Option<Settings>) -> Network {
    let random = &mut Pcg64::seed_from_u64(3);
    let model = TRAINABLE.iter().find(|model| model.name == name).unwrap();
    let settings = settings.unwrap_or(model.defaults.clone());
    let pass = &mut Pass::training(2);
    let neurons = Neurons::new(model, &settings, (STEPS, 4), pass).unwrap();
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Conv2d::new([4, 1, 3, 3], weights(36, random), None, 1, 1)),
        Box::new(Norm::new(4)),
        Box::new(neurons),
        Box::new(Pool2d::new(Pool::Average, 2, 2)),
        Box::new(Flatten::default()),
        dense(2, 36, random),
    ];
    Network::new(layers, &[1, 6, 6]).unwrap()
}

/// How often the network is right, after training by `learn`.
fn trained(
    network: &mut Network,
    rate: f64,
    mut learn: impl FnMut(&mut Network, Tensor, &[usize], &mut Pass),
) -> f64 {
    let random = &mut Pcg64::seed_from_u64(7);
    let mut optimizer = Optimizer::new(Method::ADAM, 0.0);
    let pass = &mut Pass::training(1);
    for _ in 0..60 {
        let (input, labels) = pictures(random);
        learn(network, input, &labels, pass);
        let parameters = &mut network.parameters();
        clip_norm(parameters, 1.0);
        optimizer.step(parameters, rate);
    }
    let mut right = 0;
    for _ in 0..10 {
        let (input, labels) = pictures(random);
        let sums = network.forward(input, &mut Pass::answering()).mean_over_time();
        let answers = sums.values().chunks(2).map(|o| usize::from(o[1] > o[0]));
        right += answers.zip(&labels).filter(|(answer, label)| answer == *label).count();
    }
    right as f64 / (10 * BATCH) as f64
}

/// Guessing is right half of the time.
const GOOD: f64 = 0.9;

#[test]
fn every_neuron_learns_by_bptt() {
    for model in TRAINABLE {
        for loss in [Loss::Rate, Loss::TET] {
            let mut network = network(model.name, None);
            let right = trained(&mut network, 0.02, |network, input, labels, pass| {
                bptt::learn(network, input, labels, loss, pass).unwrap();
            });
            assert!(right > GOOD, "{} {loss:?}: {right}", model.name);
        }
    }
}

#[test]
fn lif_learns_by_rates() {
    let mut network = network("lif", None);
    let right = trained(&mut network, 0.02, |network, input, labels, pass| {
        let scale = rate::Scale::Exact;
        rate::learn(network, input, labels, Loss::Rate, scale, pass).unwrap();
    });
    assert!(right > GOOD, "{right}");
}

#[test]
fn timed_neurons_learn_by_spike_times() {
    let random = &mut Pcg64::seed_from_u64(3);
    let timing = Timing::new(5.0, 3.0, 1.0).unwrap();
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Synapses::new(timing)),
        Box::new(Flatten::default()),
        dense(20, 36, random),
        Box::new(TimedNeurons::new(timing)),
        dense(2, 20, random),
        Box::new(TimedNeurons::new(timing)),
    ];
    let mut network = Network::new(layers, &[1, 6, 6]).unwrap();
    let right = trained(&mut network, 0.02, |network, input, labels, pass| {
        let loss = Loss::Count { label: 0.6, others: 0.1 };
        bptt::learn(network, input, labels, loss, pass).unwrap();
    });
    assert!(right > GOOD, "{right}");
}
