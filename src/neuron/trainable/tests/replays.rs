//! What is trained against what is replayed.

use proptest::prelude::*;

use super::*;
use crate::neuron::preset::Conventions;
use crate::neuron::trainable::block::run_block;
use crate::neuron::{MODELS, Neuron};
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
    steps(&neuron, &conventions, &[BLOCK], input)
}

/// The spikes and states of a population in the engine's order.
fn steps(
    neuron: &Neuron,
    conventions: &Conventions,
    axes: &[usize],
    input: &[Vec<f32>],
) -> (Rows<f32>, Rows<f32>) {
    let shape = Shape::new(axes).unwrap();
    let population = neuron.at(Seconds(1.0), &shape, conventions).unwrap();
    let (len, variables) = (shape.len(), population.variables());
    let blocks = len.div_ceil(BLOCK);
    let mut state = vec![0.0; blocks * variables * BLOCK];
    let per_block = variables * BLOCK;
    state.chunks_mut(per_block).enumerate().for_each(|(b, state)| population.start(b, state));
    let (mut states, mut spikes) = (Vec::new(), Vec::new());
    for x in input {
        let potentials = state.chunks(per_block).flat_map(|state| &state[..BLOCK]);
        states.push(potentials.copied().take(len).collect());
        let mut row = Vec::new();
        for (block, state) in state.chunks_mut(per_block).enumerate() {
            let mut sent = [0.0; BLOCK];
            let at = |i: usize| x.get(block * BLOCK + i).copied().unwrap_or_default();
            let active = population.step(block, state, &std::array::from_fn(at), &mut sent).active;
            row.extend((0..BLOCK).map(|i| if active >> i & 1 == 1 { sent[i] } else { 0.0 }));
        }
        row.truncate(len);
        spikes.push(row);
    }
    (states, spikes)
}

/// The same of a trainable model with these parameters in each step.
fn trained<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: impl Fn(usize) -> [f32; P],
    input: &[Vec<f32>],
) -> (Rows<f32>, Rows<f32>) {
    let (mut states, mut spikes): (Rows<f32>, Rows<f32>) = Default::default();
    let firing = *model.firing();
    let c = |step: usize| model.coefficients(parameters(step).map(f64::from)).map(|c| c as f32);
    run_block(
        model,
        c,
        &rows(input),
        |x| firing.spike(x),
        |_, before, sent| {
            states.push(before[..BLOCK].to_vec());
            spikes.push(sent[..BLOCK].to_vec());
        },
    );
    (states, spikes)
}

fn bits((states, spikes): (Rows<f32>, Rows<f32>)) -> Vec<u32> {
    states.iter().chain(&spikes).flatten().map(|x| x.to_bits()).collect()
}

const STEPS: usize = 12;
const TRAINED: usize = 8;
const CHANNELS: usize = 3;
const PIXELS: usize = 30;

/// Free numbers that none of the models is silent or loses its meaning by.
fn learned(model: &Trainable, settings: &Settings, layout: &Layout, seed: f32) -> Rows<f32> {
    let of = |learned: &Learned| {
        let start = (learned.initial)(settings, layout.steps) as f32;
        let spread = |i: usize| start + 0.4 * ((i + 1) as f32 * seed).sin();
        (0..model.count(learned, settings, layout)).map(spread).collect()
    };
    model.learned.iter().map(of).collect()
}

proptest! {
    /// Every model, its parameters shared or by channel.
    #[test]
    fn what_is_trained_is_frozen_to_the_same_spikes(
        settings in any_settings(), above in any::<bool>(), channel_wise in any::<bool>(),
        seed in 0.1f32..3.0,
        input in prop::collection::vec(-2.0f32..4.0, STEPS * CHANNELS * PIXELS),
    ) {
        let fire = if above { Fire::Above } else { Fire::AtOrAbove };
        let settings = Settings { threshold: settings.threshold.min(0.9), fire, channel_wise, ..settings };
        let layout = Layout { steps: STEPS, batch: 1, channels: CHANNELS, pixels: PIXELS };
        let shape = Shape::new(&[CHANNELS, 5, 6]).unwrap();
        let in_order: Vec<Vec<f32>> =
            input.chunks(CHANNELS * PIXELS).map(|x| shape.to_engine_order(x)).collect();
        for model in TRAINABLE {
            let parameters = learned(model, &settings, &layout, seed);
            let slices: Vec<&[f32]> = parameters.iter().map(|p| &p[..]).collect();
            let mut sent = vec![0.0; input.len()];
            model.cells(&settings).unwrap().forward(&layout, &slices, &input, &mut sent);
            let expected: Vec<Vec<f32>> =
                sent.chunks(CHANNELS * PIXELS).map(|s| shape.to_engine_order(s)).collect();
            let neuron = model.neuron(&settings, &slices, (STEPS, 3), Seconds(1.0)).unwrap();
            let conventions = settings.conventions().unwrap();
            let (_, found) = steps(&neuron, &conventions, shape.axes(), &in_order);
            prop_assert_eq!(found, expected, "{}", model.name);
        }
    }

    /// Potentials too; behind the steps that a parameter is for, by its last number.
    #[test]
    fn what_nir_lacks_replays_to_the_same_bits(
        settings in any_settings(), above in any::<bool>(), seed in 0.1f32..3.0,
        input in prop::collection::vec(prop::collection::vec(-2.0f32..4.0, BLOCK), STEPS),
    ) {
        let fire = if above { Fire::Above } else { Fire::AtOrAbove };
        let settings = Settings { threshold: settings.threshold.min(0.9), fire, ..settings };
        let layout = Layout { steps: TRAINED, batch: 1, channels: 1, pixels: BLOCK };
        let parameters = |model: &Trainable| learned(model, &settings, &layout, seed);
        let frozen = |model: &Trainable| {
            let parameters = parameters(model);
            let slices: Vec<&[f32]> = parameters.iter().map(|p| &p[..]).collect();
            let neuron = model.neuron(&settings, &slices, (TRAINED, 1), Seconds(1.0)).unwrap();
            steps(&neuron, &settings.conventions().unwrap(), &[BLOCK], &input)
        };
        let p = parameters(&klif::TRAINABLE);
        let expected = trained(&klif::Trained::new(&settings), |_| [p[0][0]], &input);
        prop_assert_eq!(bits(frozen(&klif::TRAINABLE)), bits(expected));
        let p = parameters(&da_lif::TRAINABLE);
        let expected = trained(&da_lif::Trained::new(&settings), |_| [p[0][0], p[1][0]], &input);
        prop_assert_eq!(bits(frozen(&da_lif::TRAINABLE)), bits(expected));
        let p = parameters(&gated_lif::TRAINABLE);
        let of = |step: usize| std::array::from_fn(|i| p[i][step.min(p[i].len() - 1)]);
        let expected = trained(&gated_lif::Trained::new(&settings), of, &input);
        prop_assert!(expected.1.iter().flatten().any(|&s| s == 1.0));
        prop_assert_eq!(bits(frozen(&gated_lif::TRAINABLE)), bits(expected));
    }

    /// Parameters that 32 bits hold, as a file would.
    #[test]
    fn what_is_trained_replays_to_the_same_bits(
        tau in 1.05f32..20.0, theta in 0.2f32..2.0, reset in -1.0f32..0.1,
        input in prop::collection::vec(prop::collection::vec(-2.0f32..4.0, BLOCK), 30),
    ) {
        let (tau, theta, reset) = (f64::from(tau), f64::from(theta), f64::from(reset));
        let settings =
            Settings { tau, threshold: theta, reset: Some(reset), ..Settings::SPIKINGJELLY };
        let found = trained(&integrate::Trained(settings.firing()), |_| [], &input);
        prop_assert!(found.1.iter().flatten().any(|&s| s == 1.0));
        let fields = [("r", 1.0), ("v_threshold", theta), ("v_reset", reset)];
        prop_assert_eq!(bits(found), bits(engine("IF", &fields, &input)));

        let fields = [
            ("tau", tau), ("r", 1.0), ("v_leak", reset), ("v_threshold", theta), ("v_reset", reset),
        ];
        let found = trained(&lif::Trained::new(&settings), |_| [], &input);
        prop_assert_eq!(bits(found), bits(engine("LIF", &fields, &input)));
    }
}
