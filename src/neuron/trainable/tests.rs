//! Adjoints against dual numbers of the relaxed network, worked numbers, identities.
//!
//! In the relaxed network a spike is the surrogate's primitive: its gradient exists,
//! and dual numbers give it without error.

use proptest::prelude::*;

use super::block::{back_block, run_block};
use super::*;
use crate::neuron::convention::Fire;
use crate::neuron::lane::Dual;
use crate::neuron::preset::Conventions;
use crate::neuron::{MODELS, da_lif, gated_lif, integrate, klif, lif, plif};
use crate::record::{Array, Record};
use crate::signal::{BLOCK, Shape};
use crate::units::Seconds;

const STEPS: usize = 6;
const NEURONS: usize = 3;

type Rows<T = f64> = Vec<Vec<T>>;

fn rows<T>(rows: &[Vec<T>]) -> Vec<&[T]> {
    rows.iter().map(|row| &row[..]).collect()
}

fn per_step<M: Dynamics<P, C>, const P: usize, const C: usize>(p: usize) -> bool {
    M::LEARNED[p].per_step
}

/// Σ weight·spike of the relaxed network, for these parameters of each step.
fn loss<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: &[[Dual; P]],
    input: &[Vec<Dual>],
    weights: &Rows,
) -> Dual {
    let surrogate = model.firing().surrogate;
    let coefficients = |step: usize| model.coefficients(parameters[step]);
    let mut loss = Dual::of(0.0);
    run_block(
        model,
        coefficients,
        &rows(input),
        |x| surrogate.primitive(x),
        |step, _, sent| {
            for (&weight, &sent) in weights[step].iter().zip(sent) {
                loss = loss + Dual::of(weight) * sent;
            }
        },
    );
    loss
}

/// Every gradient of the relaxed network: the adjoint's beside the dual numbers'.
fn gradients_agree<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: [f64; P],
    input: &Rows,
    weights: &Rows,
) -> std::result::Result<(), TestCaseError> {
    let of_step = |step: usize| {
        std::array::from_fn(|p| {
            parameters[p] + if per_step::<M, P, C>(p) { 0.1 * step as f64 } else { 0.0 }
        })
    };
    let surrogate = model.firing().surrogate;
    let coefficients = |step: usize| model.coefficients::<f64>(of_step(step));
    let mut gradient = weights.clone();
    let mut by_row: Vec<&mut [f64]> = gradient.iter_mut().map(|row| &mut row[..]).collect();
    let mut owed = [[0.0; P]; STEPS];
    let primitive = |x: f64| surrogate.primitive(x);
    back_block(model, coefficients, &rows(input), &mut by_row, primitive, |step, more| {
        owed[step] = super::sequence::parameters_owed(model, of_step(step), &more);
    });

    let duals: Vec<Vec<Dual>> =
        input.iter().map(|row| row.iter().map(|&x| Dual::of(x)).collect()).collect();
    let constants: Vec<[Dual; P]> = (0..STEPS).map(|t| of_step(t).map(Dual::of)).collect();
    let close = |name: &str, found: f64, expected: f64| {
        let error = (found - expected).abs();
        prop_assert!(error < 1e-11 * (1.0 + expected.abs()), "{name}: {found}, not {expected}");
        Ok(())
    };
    for step in 0..STEPS {
        for i in 0..NEURONS {
            let mut moved = duals.clone();
            moved[step][i].slope = 1.0;
            let slope = loss(model, &constants, &moved, weights).slope;
            close("input", gradient[step][i], slope)?;
        }
    }
    for p in 0..P {
        let one_by_one = per_step::<M, P, C>(p);
        for only in 0..if one_by_one { STEPS } else { 1 } {
            let mut moved = constants.clone();
            let these = moved.iter_mut().enumerate().filter(|(t, _)| !one_by_one || *t == only);
            these.for_each(|(_, parameters)| parameters[p].slope = 1.0);
            let slope = loss(model, &moved, &duals, weights).slope;
            let found = match one_by_one {
                true => owed[only][p],
                false => owed.iter().map(|owed| owed[p]).sum(),
            };
            close(M::LEARNED[p].name, found, slope)?;
        }
    }
    Ok(())
}

fn numbers(range: std::ops::Range<f64>) -> impl Strategy<Value = Rows> {
    prop::collection::vec(prop::collection::vec(range, NEURONS), STEPS)
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let reset = prop_oneof![Just(None), Just(Some(0.0)), Just(Some(-0.3))];
    let surrogate = prop::sample::select(vec!["atan:2", "sigmoid:4", "erf:1", "softsign:2"]);
    let squash = prop::sample::select(vec![Squash::Tanh, Squash::Sigmoid, Squash::Identity]);
    let bits = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (1.1f64..5.0, 0.3f64..1.5, reset, bits, surrogate, squash).prop_map(
        |(tau, threshold, reset, (decay_input, detach_reset, scale_reset, relu), name, squash)| {
            let surrogate = name.parse().unwrap();
            let published = Settings::SPIKINGJELLY;
            Settings {
                tau,
                threshold,
                reset,
                decay_input,
                detach_reset,
                scale_reset,
                relu,
                surrogate,
                squash,
                ..published
            }
        },
    )
}

proptest! {
    #[test]
    fn every_adjoint_is_the_gradient_of_the_relaxed_network(
        settings in any_settings(), input in numbers(-1.5..2.5), weights in numbers(-1.0..1.0),
        free in prop::array::uniform8(-1.5f64..1.5),
    ) {
        let [a, b, ..] = free;
        gradients_agree(&integrate::Trained(settings.firing()), [], &input, &weights)?;
        gradients_agree(&lif::Trained::new(&settings), [], &input, &weights)?;
        gradients_agree(&plif::Trained::new(&settings), [a], &input, &weights)?;
        gradients_agree(&klif::Trained::new(&settings), [1.6 + a], &input, &weights)?;
        gradients_agree(&gated_lif::Trained::new(&settings), free, &input, &weights)?;
        gradients_agree(&da_lif::Trained::new(&settings), [a, b], &input, &weights)?;
    }
}

/// States before each step and true spikes of one neuron.
fn run<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: [f64; P],
    input: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let input: Rows = input.iter().map(|&x| vec![x]).collect();
    let (mut states, mut spikes) = (Vec::new(), Vec::new());
    let (firing, c) = (*model.firing(), model.coefficients(parameters));
    run_block(
        model,
        |_| c,
        &rows(&input),
        |x| firing.spike(x),
        |_, before, sent| {
            states.push(before[0]);
            spikes.push(sent[0]);
        },
    );
    (states, spikes)
}

fn assert_close(found: &[f64], expected: &[f64], digits: i32) {
    assert_eq!(found.len(), expected.len());
    let most = 0.5 * 10f64.powi(-digits) + 1e-12;
    let off = found.iter().zip(expected).find(|(a, b)| (**a - **b).abs() > most);
    assert!(off.is_none(), "{found:?}, not {expected:?}");
}

/// What a leak of ½ makes of states and inputs.
fn charged(states: &[f64], input: &[f64]) -> Vec<f64> {
    states.iter().zip(input).map(|(v, x)| 0.5 * v + 0.5 * x).collect()
}

const KLIF_INPUT: [f64; 5] = [-1.0, 1.6, 1.6, -0.5, 3.0];

/// By hand from the equations; not from this program.
#[test]
fn klif_forgets_negative_potentials_and_lif_does_not() {
    let settings = Settings::SPIKINGJELLY;
    let (states, _) = run(&lif::Trained::new(&settings), [], &KLIF_INPUT);
    assert_close(&charged(&states, &KLIF_INPUT), &[-0.5, 0.55, 1.075, -0.25, 1.375], 12);
    let (states, _) = run(&klif::Trained::new(&settings), [1.0], &KLIF_INPUT);
    assert_close(&charged(&states, &KLIF_INPUT), &[-0.5, 0.8, 1.2, -0.25, 1.5], 12);
}

#[test]
fn klif_at_its_threshold_fires_as_the_convention_says() {
    let spikes = |fire| {
        let settings = Settings { fire, ..Settings::SPIKINGJELLY };
        run(&klif::Trained::new(&settings), [1.25], &KLIF_INPUT).1
    };
    assert_eq!(spikes(Fire::AtOrAbove), [0.0, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(spikes(Fire::Above)[1], 0.0);
    for (scale_reset, expected) in [(false, 0.875), (true, 0.7)] {
        let soft = Settings { reset: None, scale_reset, ..Settings::SPIKINGJELLY };
        let input: Vec<f64> = KLIF_INPUT.into_iter().chain([0.0]).collect();
        let (states, _) = run(&klif::Trained::new(&soft), [1.25], &input);
        // what a sixth step would start from, of a neuron that starts at rest
        assert_close(&states[5..], &[expected], 12);
    }
}

#[test]
fn klif_has_a_higher_and_narrower_surrogate() {
    let settings = Settings { detach_reset: true, ..Settings::SPIKINGJELLY };
    let model = klif::Trained::new(&settings);
    let upstream = Upstream { spike: 1.0, state: 0.0 };
    // h = 0.7 by an input of 1.4 from rest
    let c = model.coefficients([1.25]);
    let back = model.adjoint(&c, 0.0, 1.4, |x| settings.firing().spike(x), upstream);
    assert_close(&[settings.surrogate.derivative(1.25 * 0.7 - 1.0)], &[0.940014849], 9);
    assert_close(&[2.0 * back.input, back.coefficients[3]], &[1.175018561, 0.658010394], 9);
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// (α, β, γ), potentials and spikes by hand from the paper's equations, with θ = 0.5,
/// τ = 0.25, r = 0.5, λ = 0.0625, g = 0.5 and inputs 0.4, 0.4, 0.4, 0.
const GATES: &[([f64; 3], [f64; 4], [f64; 4])] = &[
    ([1.0, 0.0, 1.0], [0.4, 0.5, 0.525, 0.0], [0.0, 0.0, 1.0, 0.0]),
    ([1.0, 0.0, 0.0], [0.4, 0.5, 0.525, -0.36875], [0.0, 0.0, 1.0, 0.0]),
    ([0.0, 0.0, 1.0], [0.3375, 0.675, 0.3375, 0.275], [0.0, 1.0, 0.0, 0.0]),
    ([0.0, 0.0, 0.0], [0.3375, 0.675, 0.5125, -0.05], [0.0, 1.0, 1.0, 0.0]),
    ([1.0, 1.0, 1.0], [0.2, 0.25, 0.2625, 0.065625], [0.0, 0.0, 0.0, 0.0]),
    ([0.5, 0.5, 0.5], [0.26875, 0.436719, 0.541699, -0.111969], [0.0, 0.0, 1.0, 0.0]),
];

#[test]
fn gates_of_0_and_1_are_the_neurons_that_the_paper_says() {
    let model = gated_lif::Trained::new(&gated_lif::TRAINABLE.defaults);
    let input = [0.4, 0.4, 0.4, 0.0];
    for &([alpha, beta, gamma], potentials, expected) in GATES {
        let parameters = [alpha, beta, gamma, 0.25, 0.5, 0.0625, 0.5, 0.5].map(logit);
        let (states, spikes) = run(&model, parameters, &input);
        let [_, leak, gain, ..] = model.coefficients(parameters);
        let found: Vec<f64> = states.iter().zip(input).map(|(v, x)| v - leak + gain * x).collect();
        assert_close(&found, &potentials, 6);
        // 0.5 must be met exactly not to fire, which the gates' logits do not grant
        if potentials[1] != 0.5 {
            assert_eq!(spikes, expected, "{alpha} {beta} {gamma}");
        }
    }
}

proptest! {
    #[test]
    fn klif_of_scale_1_without_relu_is_a_lif(
        settings in any_settings(), input in prop::collection::vec(-1.0f64..3.0, 40),
    ) {
        let settings = Settings { relu: false, ..settings };
        let expected = run(&lif::Trained::new(&settings), [], &input);
        prop_assert_eq!(run(&klif::Trained::new(&settings), [1.0], &input), expected);
    }

    #[test]
    fn scaled_back_klif_is_a_lif_with_another_threshold_cut_at_0(
        k in 0.5f64..2.0, input in prop::collection::vec(0.0f64..3.0, 40),
    ) {
        let settings = Settings { scale_reset: true, ..Settings::SPIKINGJELLY };
        let other = Settings { threshold: 1.0 / k, ..Settings::SPIKINGJELLY };
        let (_, expected) = run(&lif::Trained::new(&other), [], &input);
        prop_assert_eq!(run(&klif::Trained::new(&settings), [k], &input).1, expected);
    }

    #[test]
    fn plif_is_the_lif_of_its_time_constant(
        settings in any_settings(), input in prop::collection::vec(-1.0f64..3.0, 40),
    ) {
        let w = (plif::TRAINABLE.learned[0].initial)(&settings, 40);
        let (states, _) = run(&plif::Trained::new(&settings), [w], &input);
        let (expected, _) = run(&lif::Trained::new(&settings), [], &input);
        assert_close(&states, &expected, 9);
    }

    #[test]
    fn dual_decays_are_lif_and_if(
        settings in any_settings(), input in prop::collection::vec(-1.0f64..3.0, 40),
    ) {
        let reset = settings.reset.map(|_| 0.0);
        let settings = Settings { squash: Squash::Identity, reset, ..settings };
        let rate = 1.0 / settings.tau;
        let gain = if settings.decay_input { rate } else { 1.0 };
        let dual = da_lif::Trained::new(&settings);
        let lif = run(&lif::Trained::new(&settings), [], &input);
        prop_assert_eq!(run(&dual, [gain, 1.0 - rate], &input), lif);
        let integrated = run(&integrate::Trained(settings.firing()), [], &input);
        prop_assert_eq!(run(&dual, [1.0, 1.0], &input), integrated);
    }

    #[test]
    fn gates_of_0_and_1_are_lif_and_if(
        tau in 0.1f64..0.9, input in prop::collection::vec(-1.0f64..1.0, 40),
    ) {
        let settings = gated_lif::TRAINABLE.defaults.clone();
        let (one, zero) = (f64::INFINITY, f64::NEG_INFINITY);
        let gated = |alpha: f64, gamma: f64| {
            let free = [alpha, zero, gamma, logit(tau), 0.0, zero, 0.0, 0.0];
            run(&gated_lif::Trained::new(&settings), free, &input).1
        };
        let leaking = da_lif::Trained::new(&Settings { squash: Squash::Identity, ..settings.clone() });
        let kept = logit(tau).sigmoid();
        prop_assert_eq!(gated(one, one), run(&leaking, [1.0, kept], &input).1);
        let soft = Settings { reset: None, ..settings.clone() };
        let integrated = run(&integrate::Trained(soft.firing()), [], &input).1;
        prop_assert_eq!(gated(zero, zero), integrated);
    }
}

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

/// Numbers between −1 and 2 without a pattern.
fn scattered(len: usize) -> Vec<f32> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 5.6e6 - 1.0).collect()
}

/// Many channels, more neurons than a block, fewer than a run and more: each channel
/// is what it would be alone.
#[test]
fn channels_have_their_own_parameters() {
    for pixels in [1, 70, 3000] {
        let layout = Layout { steps: 3, batch: 2, channels: 3, pixels };
        let settings = gated_lif::TRAINABLE.defaults.clone();
        let cells = gated_lif::TRAINABLE.cells(&settings).unwrap();
        let learned = gated_lif::TRAINABLE.learned;
        let parameters: Vec<Vec<f32>> = learned
            .iter()
            .map(|l| scattered(gated_lif::TRAINABLE.count(l, &settings, &layout)))
            .collect();
        let slices: Vec<&[f32]> = parameters.iter().map(|p| &p[..]).collect();
        let input = scattered(layout.neurons() * layout.steps);
        let sent = cells.forward(&layout, &slices, &input);
        let mut gradient = scattered(input.len()).into_iter().rev().collect::<Vec<_>>();
        let upstream = gradient.clone();
        let owed = cells.adjoint(&layout, &slices, &input, &mut gradient);

        for channel in 0..3 {
            let alone = Layout { channels: 1, ..layout };
            let pick = |values: &[f32]| -> Vec<f32> {
                values.chunks(pixels).skip(channel).step_by(3).flatten().copied().collect()
            };
            let own = |p: &[f32]| p.iter().skip(channel).step_by(3).copied().collect();
            let own_parameters: Vec<Vec<f32>> = parameters.iter().map(|p| own(p)).collect();
            let slices: Vec<&[f32]> = own_parameters.iter().map(|p| &p[..]).collect();
            assert_eq!(cells.forward(&alone, &slices, &pick(&input)), pick(&sent));
            let mut expected = pick(&upstream);
            let expected_owed = cells.adjoint(&alone, &slices, &pick(&input), &mut expected);
            assert_eq!(pick(&gradient), expected);
            for (found, expected) in owed.iter().zip(&expected_owed) {
                let found: Vec<f32> = own(found);
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * (1.0 + b.abs());
                assert!(found.iter().zip(expected).all(close), "{found:?}, not {expected:?}");
            }
        }
        assert!(sent.contains(&1.0) && sent.contains(&0.0));
    }
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let defaults = Settings::SPIKINGJELLY;
    let wrong = [
        Settings { tau: 1.0, ..defaults.clone() },
        Settings { threshold: 0.0, ..defaults.clone() },
        Settings { threshold: f64::NAN, ..defaults.clone() },
        Settings { reset: Some(1.0), ..defaults.clone() },
    ];
    for settings in wrong {
        assert!(TRAINABLE.iter().all(|model| model.cells(&settings).is_err()), "{settings:?}");
    }
    for model in TRAINABLE {
        assert!(model.cells(&model.defaults).is_ok(), "{}", model.name);
    }
    let above_1 = Settings { threshold: 1.5, ..defaults };
    let error = gated_lif::TRAINABLE.cells(&above_1).unwrap_err().to_string();
    assert!(error.starts_with("neuron 'gated-lif': found 'v_threshold'"), "{error}");
}
