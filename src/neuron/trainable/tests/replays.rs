//! What is trained against what is replayed.

use proptest::prelude::*;

use super::*;
use crate::neuron::MODELS;
use crate::neuron::preset::Conventions;
use crate::neuron::trainable::block::run_block;
use crate::record::{Array, Record};
use crate::signal::{BLOCK, Shape};
use crate::units::Seconds;

/// The spikes and states of the engine's population of a NIR model.
fn engine(model: &str, fields: &[(&str, f64)], input: &[Vec<f32>]) -> (Rows<f32>, Rows<f32>) {
    let mut record = Record::default();
    for &(name, value) in fields {
        record.put(name, Array::floats(&[1], vec![value as f32]));
    }
    let neuron = MODELS.iter().find(|m| m.nir == model).unwrap().read(&mut record).unwrap();
    let conventions: Conventions = "spikingjelly".parse().unwrap();
    let shape = Shape::new(&[BLOCK]).unwrap();
    let population = neuron.at(Seconds(1.0), &shape, &conventions).unwrap();
    let (mut state, mut states, mut spikes) = (vec![0.0; BLOCK], Vec::new(), Vec::new());
    population.start(0, &mut state);
    for x in input {
        states.push(state.clone());
        let mut sent = [0.0; BLOCK];
        let x: [f32; BLOCK] = std::array::from_fn(|i| x[i]);
        let active = population.step(0, &mut state, &x, &mut sent).active;
        spikes.push((0..BLOCK).map(|i| if active >> i & 1 == 1 { sent[i] } else { 0.0 }).collect());
    }
    (states, spikes)
}

/// The same of a trainable model.
fn trained<M: Dynamics<0, C>, const C: usize>(
    model: &M,
    input: &[Vec<f32>],
) -> (Rows<f32>, Rows<f32>) {
    let (mut states, mut spikes): (Rows<f32>, Rows<f32>) = Default::default();
    let (firing, c) = (*model.firing(), model.coefficients::<f64>([]).map(|c| c as f32));
    run_block(
        model,
        |_| c,
        &rows(input),
        |x| firing.spike(x),
        |_, before, sent| {
            states.push(before.to_vec());
            spikes.push(sent.to_vec());
        },
    );
    (states, spikes)
}

fn bits((states, spikes): (Rows<f32>, Rows<f32>)) -> Vec<u32> {
    states.iter().chain(&spikes).flatten().map(|x| x.to_bits()).collect()
}

proptest! {
    /// Parameters that 32 bits hold, as a file would.
    #[test]
    fn what_is_trained_replays_to_the_same_bits(
        tau in 1.05f32..20.0, theta in 0.2f32..2.0, reset in -1.0f32..0.1,
        input in prop::collection::vec(prop::collection::vec(-2.0f32..4.0, BLOCK), 30),
    ) {
        let (tau, theta, reset) = (f64::from(tau), f64::from(theta), f64::from(reset));
        let settings =
            Settings { tau, threshold: theta, reset: Some(reset), ..Settings::SPIKINGJELLY };
        let found = trained(&integrate::Trained(settings.firing()), &input);
        prop_assert!(found.1.iter().flatten().any(|&s| s == 1.0));
        let fields = [("r", 1.0), ("v_threshold", theta), ("v_reset", reset)];
        prop_assert_eq!(bits(found), bits(engine("IF", &fields, &input)));

        let fields = [
            ("tau", tau), ("r", 1.0), ("v_leak", reset), ("v_threshold", theta), ("v_reset", reset),
        ];
        let found = trained(&lif::Trained::new(&settings), &input);
        prop_assert_eq!(bits(found), bits(engine("LIF", &fields, &input)));
    }
}
