//! Worked numbers, and models that are special cases of others.

use proptest::prelude::*;

use super::*;
use crate::neuron::trainable::block::run_block;

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
    let slope = settings.surrogate.derivative(1.25 * 0.7 - 1.0);
    let upstream = Upstream { spike: 1.0, state: 0.0, slope };
    // h = 0.7 by an input of 1.4 from rest
    let c = model.coefficients([1.25]);
    let back = model.adjoint(&c, 0.0, 1.4, |x| settings.firing().spike(x), upstream);
    assert_close(&[slope], &[0.940014849], 9);
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
