//! One network of each neuron: its spikes, its loss and every gradient.

use synops::learn::Tensor;
use synops::learn::layer::{Conv2d, Dense, Flatten, Layer, Neurons, Norm, Pass, Pool, Pool2d};
use synops::learn::loss::Loss;
use synops::learn::network::Network;
use synops::learn::rule::bptt;
use synops::neuron::convention::Fire;
use synops::neuron::trainable::{Settings, TRAINABLE, Trainable};

use super::{Golden, assert_close};

/// What SpikingJelly's neurons had in common here.
fn atan() -> Settings {
    Settings { surrogate: "atan:2".parse().unwrap(), ..Settings::SPIKINGJELLY }
}

/// Model, pooling and settings of each case; detached or not where both were run.
fn cases() -> Vec<(&'static str, &'static str, Pool, Settings)> {
    let average = Pool::Average;
    let soft = Settings { tau: 3.0, reset: None, ..atan() };
    let bare = |tau, reset| Settings { tau, decay_input: false, reset: Some(reset), ..atan() };
    let scaled = Settings { scale_reset: true, reset: None, ..atan() };
    let plif = Settings { tau: 2.5, ..atan() };
    let gated = Settings { threshold: 0.5, fire: Fire::AtOrAbove, ..atan() };
    let sigmoid = Settings { surrogate: "sigmoid:4".parse().unwrap(), ..gated.clone() };
    let pairs = [
        ("if", "if", average, atan()),
        ("lif", "lif", average, atan()),
        ("lif-soft", "lif", Pool::Max, soft),
        ("plif", "plif", average, plif),
        ("plif-bare", "plif", average, bare(2.5, -0.2)),
        ("klif", "klif", average, atan()),
        ("klif-scaled", "klif", average, scaled),
    ];
    let single = [
        ("lif-bare", "lif", average, bare(4.0, -0.1)),
        ("gated-layer", "gated-lif", average, sigmoid),
        ("gated-channel", "gated-lif", average, Settings { channel_wise: true, ..gated }),
    ];
    pairs.into_iter().chain(single).collect()
}

fn neurons(model: &Trainable, settings: &Settings, golden: &Golden, case: &str) -> Neurons {
    let mut neurons = Neurons::new(model, settings, (6, 4), &mut Pass::training(1)).unwrap();
    for (name, parameter) in neurons.parameters() {
        let start = golden.singles(&format!("{case}.start.2.{name}"));
        // where the model starts by itself as its original does
        let same = !["k", "alpha", "beta", "gamma"].contains(&&name[..]);
        if same {
            assert_close(&format!("{case} {name} at the start"), &parameter.values, &start, 1e-5);
        }
        parameter.values = start;
    }
    neurons
}

fn network(golden: &Golden, neurons: Neurons, pool: Pool) -> Network {
    let shared = |name: &str| golden.singles(&format!("network.{name}"));
    let mut norm = Norm::new(4);
    norm.parameters()[0].1.values = shared("1.weight");
    norm.parameters()[1].1.values = shared("1.bias");
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Conv2d::new([4, 2, 3, 3], shared("0.weight"), None, 1, 1)),
        Box::new(norm),
        Box::new(neurons),
        Box::new(Pool2d::new(pool, 2, 2)),
        Box::new(Flatten::default()),
        Box::new(Dense::new(5, 64, shared("5.weight"), Some(shared("5.bias")))),
    ];
    Network::new(layers, &[2, 8, 8]).unwrap()
}

fn gradients_agree(golden: &Golden, case: &str, model: &str, pool: Pool, settings: &Settings) {
    let model = TRAINABLE.iter().find(|m| m.name == model).unwrap();
    let mut network = network(golden, neurons(model, settings, golden, case), pool);
    let input = Tensor::new(&[6, 3, 2, 8, 8], golden.singles("network.input"));
    let labels = golden.sizes("network.labels");
    let pass = &mut Pass::training(1);
    let answer = bptt::learn(&mut network, input, &labels, Loss::Rate, pass).unwrap();
    let expected = golden.singles(&format!("{case}.loss"));
    assert_close(&format!("{case} loss"), &[answer.loss as f32], &expected, 1e-5);
    for (name, parameter) in network.parameters() {
        let expected = golden.singles(&format!("{case}.gradient.{name}"));
        assert_close(&format!("{case} {name}"), &parameter.gradient, &expected, 1e-4);
    }
}

#[test]
fn losses_and_gradients_are_spikingjellys() {
    let golden = Golden::read();
    for (case, model, pool, settings) in cases() {
        gradients_agree(&golden, case, model, pool, &settings);
        let detached = format!("{case}-detached");
        if golden.0.contains_key(&format!("{detached}.loss")) {
            let settings = Settings { detach_reset: true, ..settings };
            gradients_agree(&golden, &detached, model, pool, &settings);
        }
    }
    let losses = golden.0.keys().filter(|name| name.ends_with(".loss"));
    let losses = losses.filter(|name| !name.starts_with("recurrent")).count();
    assert_eq!(losses, 17, "every case of the golden file is run");
}

#[test]
fn spikes_and_running_averages_are_spikingjellys() {
    let golden = Golden::read();
    for (case, model, _, settings) in cases() {
        let shared = |name: &str| golden.singles(&format!("network.{name}"));
        let mut conv = Conv2d::new([4, 2, 3, 3], shared("0.weight"), None, 1, 1);
        let mut norm = Norm::new(4);
        norm.parameters()[0].1.values = shared("1.weight");
        norm.parameters()[1].1.values = shared("1.bias");
        let model = TRAINABLE.iter().find(|m| m.name == model).unwrap();
        let mut cells = neurons(model, &settings, &golden, case);
        let pass = &mut Pass::training(1);
        let input = Tensor::new(&[6, 3, 2, 8, 8], golden.singles("network.input"));
        let normed = norm.forward(conv.forward(input, pass), pass);
        let sent = cells.forward(normed, pass);
        assert_eq!(sent.values(), golden.singles(&format!("{case}.spikes")), "{case}");
        let running = |name: &str| golden.singles(&format!("{case}.running_{name}"));
        assert_close("running mean", &norm.running.mean, &running("mean"), 1e-5);
        assert_close("running variance", &norm.running.variance, &running("var"), 1e-5);
    }
}
