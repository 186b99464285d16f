//! Surrogates, losses, optimisers and schedules.

use synops::learn::loss::Loss;
use synops::learn::optimizer::{Method, Optimizer, clip_norm};
use synops::learn::schedule::Schedule;
use synops::learn::{Parameter, Tensor};
use synops::neuron::surrogate::Surrogate;

use super::{Golden, assert_close};

#[test]
fn surrogates_are_spikingjellys() {
    let golden = Golden::read();
    let x = golden.singles("surrogate.x");
    let names = golden.0.keys().filter_map(|name| name.strip_prefix("surrogate."));
    let names: Vec<&str> = names.filter(|name| *name != "x").collect();
    assert_eq!(names.len(), Surrogate::all().count());
    for name in names {
        let surrogate: Surrogate = name.parse().unwrap();
        let found: Vec<f32> = x.iter().map(|&x| surrogate.derivative(x)).collect();
        assert_close(name, &found, &golden.singles(&format!("surrogate.{name}")), 1e-5);
    }
}

#[test]
fn losses_are_pytorchs() {
    let golden = Golden::read();
    let outputs = golden.array("loss.outputs");
    let outputs = Tensor::new(outputs.shape(), outputs.singles().unwrap());
    let labels = golden.sizes("loss.labels");
    for (name, loss) in [
        ("rate", Loss::Rate),
        ("mse", Loss::Squares),
        ("count", Loss::Count { label: 0.75, others: 0.25 }),
        ("tet", Loss::TET),
        ("tet-heavy", Loss::Tet { lambda: 0.25, target: 0.7 }),
    ] {
        let (value, gradient) = loss.of(&outputs, &labels).unwrap();
        let expected = golden.singles(&format!("loss.{name}"));
        assert_close(name, &[value as f32], &expected, 1e-6);
        let expected = golden.singles(&format!("loss.{name}.gradient"));
        assert_close(name, gradient.values(), &expected, 1e-5);
    }
}

#[test]
fn optimisers_are_pytorchs() {
    let golden = Golden::read();
    let gradients = golden.singles("optimizer.gradients");
    let sgd = |momentum, nesterov| Method::Sgd { momentum, nesterov };
    for (name, method, decay, rate) in [
        ("sgd", sgd(0.0, false), 0.0, 0.1),
        ("sgd-momentum", sgd(0.9, false), 0.05, 0.1),
        ("sgd-nesterov", sgd(0.8, true), 0.0, 0.1),
        ("adam", Method::ADAM, 0.1, 0.02),
        ("adamw", Method::ADAMW, 0.1, 0.02),
    ] {
        let mut optimizer = Optimizer::new(method, decay);
        let mut parameter = Parameter::new("x", &[7], golden.singles("optimizer.start"));
        let expected = golden.singles(&format!("optimizer.{name}"));
        for (gradient, expected) in gradients.chunks(7).zip(expected.chunks(7)) {
            parameter.gradient = gradient.to_vec();
            optimizer.step(&mut [("x".into(), &mut parameter)], rate);
            assert_close(name, &parameter.values, expected, 1e-5);
        }
    }
}

#[test]
fn gradients_are_clipped_together() {
    let golden = Golden::read();
    let gradients = golden.singles("optimizer.gradients");
    for most in [1.0, 100.0] {
        let mut parts = [&gradients[..3], &gradients[3..7]].map(|part| {
            let mut parameter = Parameter::new("x", &[part.len()], part.to_vec());
            parameter.gradient = part.to_vec();
            parameter
        });
        let [a, b] = &mut parts;
        let norm = clip_norm(&mut [("a".into(), a), ("b".into(), b)], most);
        assert_close("norm", &[norm as f32], &golden.singles("optimizer.norm"), 1e-6);
        let found = [&parts[0].gradient[..], &parts[1].gradient].concat();
        let expected = golden.singles(&format!("optimizer.clipped-{most}"));
        assert_close("clipped", &found, &expected, 1e-6);
    }
}

#[test]
fn schedules_are_pytorchs() {
    let golden = Golden::read();
    for (name, schedule) in [
        ("cosine", Schedule::Cosine { epochs: 12, least: 0.01 }),
        ("step", Schedule::Step { epochs: 6, factor: 0.3 }),
    ] {
        let found: Vec<f32> = (0..20).map(|epoch| schedule.rate(0.1, epoch) as f32).collect();
        assert_close(name, &found, &golden.singles(&format!("schedule.{name}")), 1e-6);
    }
    assert_eq!(Schedule::Constant.rate(0.1, 19), 0.1);
}
