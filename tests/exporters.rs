//! Files as the exporters of other simulators write them: what they leave out or put otherwise
//! is said, and refused where it cannot be run.

mod build;

use build::node;
use synops::engine::Clocked;
use synops::network::Node;
use synops::record::Array;
use synops::units::Micros;

fn floats(values: &[f32]) -> Array {
    Array::floats(&[values.len()], values.to_vec())
}

fn lif(tau: &[f32], r: &[f32]) -> Node {
    let zeros = vec![0.0; tau.len()];
    let ones = vec![1.0; tau.len()];
    let fields = vec![
        ("tau", floats(tau)),
        ("r", floats(r)),
        ("v_leak", floats(&zeros)),
        ("v_threshold", floats(&ones)),
    ];
    node("cell", "LIF", fields)
}

/// What snnTorch writes of a Leaky with beta = 1.
#[test]
fn a_neuron_that_never_leaks_is_another_model() {
    let nodes = vec![lif(&[f32::INFINITY], &[f32::INFINITY])];
    let network = build::network(&[1], nodes, &[1], &["in cell out"]);
    let error = Clocked::new(&network, &"snntorch".parse().unwrap(), Micros(100)).err().unwrap();
    let error = error.to_string();
    assert!(error.contains("'tau' = inf") && error.contains("IF and I do not leak"), "{error}");
}
