//! Neurons that hear themselves, against SpikingJelly's.

use synops::learn::Tensor;
use synops::learn::layer::{Dense, Layer, Neurons, Pass, Recurrent};
use synops::learn::loss::Loss;
use synops::learn::network::Network;
use synops::learn::rule::bptt;
use synops::neuron::trainable::{Settings, TRAINABLE};

use super::{Golden, assert_close};

fn neurons(model: &str, settings: &Settings) -> Neurons {
    let model = TRAINABLE.iter().find(|m| m.name == model).unwrap();
    Neurons::new(model, settings, (6, 8), &mut Pass::training(1)).unwrap()
}

#[test]
fn losses_spikes_and_gradients_are_spikingjellys() {
    let golden = Golden::read();
    let atan = Settings { surrogate: "atan:2".parse().unwrap(), ..Settings::SPIKINGJELLY };
    let soft = Settings { tau: 2.5, detach_reset: true, reset: None, ..atan.clone() };
    for (case, model, settings) in
        [("recurrent-lif", "lif", atan), ("recurrent-plif", "plif", soft)]
    {
        let shared = |name: &str| golden.singles(&format!("recurrent.{name}"));
        let dense = |name: &str, outputs| Dense::new(outputs, 8, shared(name), None);
        let looped = Recurrent::new(neurons(model, &settings), Box::new(dense("back", 8)));
        let layers: Vec<Box<dyn Layer>> =
            vec![Box::new(dense("weight", 8)), Box::new(looped), Box::new(dense("read", 5))];
        let mut network = Network::new(layers, &[8]).unwrap();
        let input = Tensor::new(&[6, 3, 8], shared("input"));
        let labels = golden.sizes("network.labels");
        let pass = &mut Pass::training(1);
        let answer = bptt::learn(&mut network, input.clone(), &labels, Loss::Rate, pass).unwrap();
        let expected = |name: &str| golden.singles(&format!("{case}.{name}"));
        assert_close(case, &[answer.loss as f32], &expected("loss"), 1e-5);
        for (name, parameter) in network.parameters() {
            let theirs = match &name[..] {
                "0.weight" => "gradient.weight",
                "1.recurrent.weight" => "gradient.back",
                "2.weight" => "gradient.read",
                "1.w" => "gradient.w",
                other => panic!("parameter {other}"),
            };
            let expected = expected(theirs);
            assert_close(&format!("{case} {name}"), &parameter.gradient, &expected, 1e-4);
        }
        let heard = network.layers()[0].forward(input, &mut Pass::answering());
        let sent = network.layers()[1].forward(heard, &mut Pass::answering());
        assert_eq!(sent.values(), expected("spikes"), "{case}");
    }
}

#[test]
fn without_weights_they_are_neurons() {
    for model in TRAINABLE {
        let settings = &model.defaults;
        let silent = Box::new(Dense::new(8, 8, vec![0.0; 64], None));
        let mut looped = Recurrent::new(neurons(model.name, settings), silent);
        let mut plain = neurons(model.name, settings);
        let number = |i: u32| (i.wrapping_mul(2_654_435_761) >> 25) as f32 / 40.0;
        let input = Tensor::new(&[6, 3, 8], (0..144).map(number).collect());
        let pass = &mut Pass::training(1);
        let sent = plain.forward(input.clone(), pass);
        assert_eq!(looped.forward(input.clone(), pass), sent, "{}", model.name);
        assert!(sent.values().contains(&1.0), "{}", model.name);
        let back = plain.backward(input.clone());
        assert_close(model.name, looped.backward(input).values(), back.values(), 1e-5);
        for (name, parameter) in plain.parameters() {
            let all = looped.parameters();
            let (_, same) = all.iter().find(|(own, _)| *own == name).unwrap();
            assert_close(&name, &same.gradient, &parameter.gradient, 1e-5);
        }
    }
}
