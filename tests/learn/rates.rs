//! Rate-based backpropagation against the same rule in torch (`tools/peer_rate.py`), for
//! events that change from step to step.

use synops::learn::Tensor;
use synops::learn::layer::{Conv2d, Dense, Flatten, Layer, Neurons, Norm, Pass, Pool, Pool2d};
use synops::learn::loss::Loss;
use synops::learn::network::Network;
use synops::learn::rule::rate::{self, Scale};
use synops::neuron::trainable::{Settings, TRAINABLE};

use super::{Golden, assert_close};

fn network(golden: &Golden, settings: &Settings) -> Network {
    let start = |name: &str| golden.singles(&format!("start.{name}"));
    let lif = TRAINABLE.iter().find(|model| model.name == "lif").unwrap();
    let neurons = || Neurons::new(lif, settings, (7, 1), &mut Pass::training(1)).unwrap();
    let pool = || Pool2d::new(Pool::Average, 2, 2);
    let norm = |place: usize, channels| {
        let mut norm = Norm::new(channels);
        norm.parameters()[0].1.values = start(&format!("{place}.weight"));
        norm.parameters()[1].1.values = start(&format!("{place}.bias"));
        norm
    };
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Conv2d::new([4, 2, 3, 3], start("0.weight"), None, 1, 1)),
        Box::new(norm(1, 4)),
        Box::new(neurons()),
        Box::new(pool()),
        Box::new(Conv2d::new([6, 4, 3, 3], start("4.weight"), None, 1, 0)),
        Box::new(norm(5, 6)),
        Box::new(neurons()),
        Box::new(pool()),
        Box::new(Flatten::default()),
        Box::new(Dense::new(5, 24, start("9.weight"), Some(start("9.bias")))),
    ];
    Network::new(layers, &[2, 12, 12]).unwrap()
}

#[test]
fn gradients_are_those_of_the_rule_in_torch() {
    let golden = Golden::of(include_bytes!("../golden/rate.npz"));
    let soft = |tau| Settings { tau, decay_input: false, reset: None, ..Settings::SPIKINGJELLY };
    for (case, settings) in [
        ("soft-detached", Settings { detach_reset: true, ..soft(2.0) }),
        ("soft", soft(1.25)),
        ("hard", Settings::SPIKINGJELLY),
    ] {
        let mut network = network(&golden, &settings);
        let input = Tensor::new(&[7, 3, 2, 12, 12], golden.singles("input"));
        let labels = golden.sizes("labels");
        let pass = &mut Pass::training(1);
        let answer =
            rate::learn(&mut network, input, &labels, Loss::Rate, Scale::Exact, pass).unwrap();
        let expected = golden.singles(&format!("{case}.loss"));
        assert_close(&format!("{case} loss"), &[answer.loss as f32], &expected, 1e-5);
        for (name, parameter) in network.parameters() {
            let expected = golden.singles(&format!("{case}.gradient.{name}"));
            assert_close(&format!("{case} {name}"), &parameter.gradient, &expected, 1e-4);
        }
    }
}
