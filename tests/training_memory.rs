//! What a training step takes, beside what was said of it before.

mod memory;

use std::sync::{Mutex, MutexGuard, PoisonError};

use memory::peak;
use rayon::ThreadPoolBuilder;
use synops::learn::layer::{
    Conv2d, Dense, Dropout, Flatten, Keep, Layer, Neurons, Norm, Pass, Pool, Pool2d, Residual,
};
use synops::learn::loss::Loss;
use synops::learn::network::Network;
use synops::learn::optimizer::{Method, Optimizer};
use synops::learn::rule::rate::Scale;
use synops::learn::rule::tssl::{Synapses, TimedNeurons, Timing};
use synops::learn::rule::{bptt, rate};
use synops::learn::{Tensor, spare};
use synops::neuron::trainable::{Settings, TRAINABLE};

fn scattered(len: usize) -> Vec<f32> {
    let number = |i: u32| (i.wrapping_mul(2_654_435_761) >> 25) as f32;
    (0..len as u32).map(|i| number(i) / 64.0 - 1.0).collect()
}

fn conv(outputs: usize, inputs: usize, padding: usize) -> Box<dyn Layer> {
    let weight = scattered(outputs * inputs * 9);
    Box::new(Conv2d::new([outputs, inputs, 3, 3], weight, None, 1, padding))
}

fn neurons() -> Box<dyn Layer> {
    let lif = TRAINABLE.iter().find(|model| model.name == "lif").unwrap();
    let settings = Settings::SPIKINGJELLY;
    Box::new(Neurons::new(lif, &settings, (1, 1), &mut Pass::training(1)).unwrap())
}

/// Convolutions, norms, neurons, a pool, a residual addition, and a dense layer: 15.
fn network(pool: Pool, dropout: f64) -> Network {
    let branch = || vec![conv(8, 8, 1), Box::new(Norm::new(8)) as Box<dyn Layer>, neurons()];
    let branch = Network::new(branch(), &[8, 11, 11]).unwrap();
    let mut layers = Vec::new();
    for (inputs, padding) in [(2, 0), (8, 1), (8, 1)] {
        layers.extend([conv(8, inputs, padding), Box::new(Norm::new(8)), neurons()]);
    }
    let rest: [Box<dyn Layer>; 6] = [
        Box::new(Dropout::new(dropout).unwrap()),
        Box::new(Pool2d::new(pool, 2, 2)),
        Box::new(Residual::new(branch, Network::default())),
        Box::new(Flatten::default()),
        Box::new(Dense::new(10, 968, scattered(9680), Some(scattered(10)))),
        neurons(),
    ];
    layers.extend(rest);
    Network::new(layers, &[2, 24, 24]).unwrap()
}

/// A network of neurons that exchange currents: 9 layers.
fn timed() -> Network {
    let timing = Timing::new(5.0, 3.0, 1.0).unwrap();
    let neurons = || Box::new(TimedNeurons::new(timing)) as Box<dyn Layer>;
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Synapses::new(timing)),
        conv(8, 2, 1),
        neurons(),
        Box::new(Pool2d::new(Pool::Average, 2, 2)),
        conv(8, 8, 1),
        neurons(),
        Box::new(Flatten::default()),
        Box::new(Dense::new(10, 1152, scattered(11520), Some(scattered(10)))),
        neurons(),
    ];
    Network::new(layers, &[2, 24, 24]).unwrap()
}

const LABELS: [usize; 4] = [1, 3, 0, 7];

fn shape(steps: usize) -> [usize; 5] {
    [steps, 4, 2, 24, 24]
}

/// Every seventh number is 2, which is no spike.
fn input(steps: usize) -> Tensor {
    let mut input = Tensor::zeros(&shape(steps));
    input.values_mut().iter_mut().step_by(7).for_each(|x| *x = 2.0);
    input
}

/// Held by every test that trains: what waits for other tensors is shared.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // what another test left waiting would be taken without being counted
    spare::clear();
    alone
}

/// Two steps, on one thread, whose memory is counted; from what was said of it.
fn steps_take(mut network: Network, steps: usize, keep: Keep) -> usize {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let step = move || {
        let mut optimizer = Optimizer::new(Method::ADAM, 0.0);
        for seed in 0..2 {
            let (input, pass, loss) = (input(steps), &mut Pass::training(seed), Loss::Rate);
            match keep {
                Keep::Means => {
                    rate::learn(&mut network, input, &LABELS, loss, Scale::Exact, pass).unwrap()
                }
                _ => bptt::learn(&mut network, input, &LABELS, loss, pass).unwrap(),
            };
            optimizer.step(&mut network.parameters(), 1e-3);
        }
        drop(network);
        spare::clear();
    };
    // what products pack into stays with the thread
    let image = Tensor::zeros(&[1, 1, 8, 24, 24]);
    pool.install(|| drop(conv(8, 8, 1).forward(image, &mut Pass::answering())));
    pool.install(|| peak(step).1)
}

/// On one thread: each has memory of its own at work.
fn on_one<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(work)
}

fn predicted(network: &mut Network, steps: usize, keep: Keep) -> usize {
    // parameters and their gradients were there before it was counted
    let memory = on_one(|| network.memory(&shape(steps), keep).unwrap());
    memory.peak() - memory.parameters / 2
}

#[test]
fn a_step_takes_what_was_predicted() {
    let _alone = alone();
    for (keep, pool) in
        [(Keep::Steps, Pool::Max), (Keep::Steps, Pool::Average), (Keep::Means, Pool::Average)]
    {
        for steps in [10, 50, 200] {
            let mut network = network(pool, 0.2);
            let said = predicted(&mut network, steps, keep) as f64;
            let found = steps_take(network, steps, keep) as f64;
            assert!((said / found - 1.0).abs() < 0.15, "{keep:?}, {steps}: {said} and {found}");
        }
    }
    for steps in [10, 200] {
        let mut network = network(Pool::Max, 0.2);
        let all = on_one(|| network.memory(&shape(steps), Keep::Steps).unwrap());
        let least = on_one(|| network.fit(0, &shape(steps), Keep::Steps).unwrap());
        assert!(least.repeated > 0 && least.peak() < 3 * all.peak() / 4, "{least:?}");
        let said = predicted(&mut network, steps, Keep::Steps) as f64;
        let found = steps_take(network, steps, Keep::Steps) as f64;
        assert!((said / found - 1.0).abs() < 0.15, "{steps}: {said} and {found}");
    }
}

#[test]
fn timed_neurons_take_what_was_predicted() {
    let _alone = alone();
    for steps in [10, 50, 200] {
        let said = predicted(&mut timed(), steps, Keep::Steps) as f64;
        let found = steps_take(timed(), steps, Keep::Steps) as f64;
        assert!((said / found - 1.0).abs() < 0.15, "{steps}: {said} and {found}");
    }
}

#[test]
fn means_do_not_grow_with_time() {
    let mut network = network(Pool::Average, 0.2);
    let mut kept = |steps| network.memory(&shape(steps), Keep::Means).unwrap().kept;
    assert_eq!(kept(10), kept(200));
}

/// A network after two steps: outputs, gradients, running averages, and a way back to its
/// input.
fn learned(mut network: Network, keep: Keep) -> Vec<Vec<f32>> {
    let pass = &mut Pass::training(3);
    let mut all = Vec::new();
    for _ in 0..2 {
        let answer = match keep {
            Keep::Means => {
                rate::learn(&mut network, input(5), &LABELS, Loss::Rate, Scale::Exact, pass)
            }
            _ => bptt::learn(&mut network, input(5), &LABELS, Loss::Rate, pass),
        };
        all.push(answer.unwrap().outputs.into_values());
        all.extend(network.parameters().into_iter().map(|(_, p)| p.gradient.clone()));
        all.extend(network.running().into_iter().map(|(_, values)| values.clone()));
    }
    let output = network.forward(input(5), pass);
    let back = network.backward(Tensor::new(output.shape(), scattered(output.values().len())));
    all.push(back.into_values());
    all
}

#[test]
fn what_is_computed_twice_is_the_same_to_a_bit() {
    let _alone = alone();
    for (keep, pool) in [(Keep::Steps, Pool::Max), (Keep::Means, Pool::Average)] {
        let expected = learned(network(pool, 0.4), keep);
        let most = network(pool, 0.4).memory(&shape(5), keep).unwrap().peak();
        let mut plans = Vec::new();
        for budget in (0..=12).map(|i| most / 12 * i + most % 12 * i / 12) {
            let mut network = network(pool, 0.4);
            let memory = network.fit(budget, &shape(5), keep).unwrap();
            plans.push(memory.repeated);
            assert!(learned(network, keep) == expected, "{memory:?}");
        }
        assert!(keep == Keep::Means || plans.iter().any(|&n| n > 0 && n < 12));
        assert_eq!(plans.last(), Some(&0), "what fits goes its way once");
    }
}
