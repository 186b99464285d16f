//! The rule against the loops of its publication, and by hand.

use proptest::prelude::*;

use super::*;

/// One neuron at a time.
impl Timing {
    fn run<L: Lane>(&self, input: &[L]) -> Vec<Moment<L>> {
        let (mut kept, mut current) = (L::of(0.0), L::of(0.0));
        input.iter().map(|&x| self.step(&mut kept, &mut current, x)).collect()
    }

    fn back_all<L: Lane>(&self, moments: &[Moment<L>], gradient: &[L]) -> Vec<L> {
        let (mut later, mut by_time) = (L::of(0.0), L::of(0.0));
        let mut owed = gradient.to_vec();
        for (owed, &moment) in owed.iter_mut().zip(moments).rev() {
            *owed = self.back(moment, &mut later, &mut by_time, *owed);
        }
        owed
    }
}

fn timing(membrane: f64, synapse: f64) -> Timing {
    Timing::new(membrane, synapse, 1.0).unwrap()
}

/// The loops of the published code, sums and all: for tests only, in its names.
fn published(timing: &Timing, moments: &[Moment<f64>], grad_a: &[f64]) -> Vec<f64> {
    let (tau_m, tau_s) = (timing.membrane, timing.synapse);
    let steps = moments.len();
    let epsilon = |k: usize| (1.0 - 1.0 / tau_s).powi(k as i32) / tau_s;
    let mut theta = 0.0;
    let mut out = vec![0.0; steps];
    for t in (0..steps).rev() {
        let Moment { rise, potential, current } = moments[t];
        let s = if potential > timing.threshold { 1.0 } else { 0.0 };
        let kappa = (-1.0 / rise).clamp(-8.0, 0.0) * s;
        let later = t..steps;
        let mut phi: f64 =
            later.clone().map(|m| kappa * (-epsilon(m - t) / tau_s) * grad_a[m] * tau_s).sum();
        if t != steps - 1 {
            phi += -theta * potential * kappa / tau_m;
            phi += theta * (1.0 - 1.0 / tau_m) * (1.0 - s);
        }
        theta = s * phi + (1.0 - s) * (1.0 - 1.0 / tau_m) * theta;
        let given: f64 = later.map(|m| epsilon(m - t) * grad_a[m]).sum();
        let x = ((potential - timing.threshold) / 0.2).clamp(-8.0, 8.0);
        let f = (-x).exp() / (1.0 + (-x).exp()).powi(2) / 0.2;
        out[t] = if current < 1.0 / (4.0 * tau_s) { given * f } else { phi };
    }
    out
}

proptest! {
    #[test]
    fn the_recursion_is_the_published_loop(
        membrane in 1.5f64..10.0, synapse in 1.2f64..6.0,
        input in prop::collection::vec(-0.5f64..1.8, 12),
        gradient in prop::collection::vec(-1.0f64..1.0, 12),
    ) {
        let timing = timing(membrane, synapse);
        let moments = timing.run(&input);
        let expected = published(&timing, &moments, &gradient);
        for (found, expected) in timing.back_all(&moments, &gradient).iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()));
        }
    }

    /// A filter before the synapses or behind them: the same current.
    #[test]
    fn currents_add_up(sent in prop::collection::vec(0.0f32..1.0, 20)) {
        let mut synapses = Synapses::new(timing(5.0, 3.0));
        let pass = &mut Pass::answering();
        let of = |factor: f32| {
            let values = sent.iter().map(|x| x * factor).collect();
            Tensor::new(&[20, 1, 1], values)
        };
        let after = synapses.forward(of(0.7), pass);
        let before = synapses.forward(of(1.0), pass);
        for (a, b) in after.values().iter().zip(before.values()) {
            prop_assert!((a - 0.7 * b).abs() < 1e-6);
        }
    }
}

/// By hand from the equations.
#[test]
fn five_steps_by_hand() {
    let timing = timing(5.0, 3.0);
    let moments = timing.run(&[0.6f64; 5]);
    let close = |found: Vec<f64>, expected: [f64; 5]| {
        let same = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 5e-7);
        assert!(same, "{found:?}, not {expected:?}");
    };
    close(moments.iter().map(|m| m.potential).collect(), [0.6, 1.08, 0.6, 1.08, 0.6]);
    close(moments.iter().map(|m| m.rise).collect(), [0.6, 0.48, 0.6, 0.48, 0.6]);
    let currents = [0.0, 0.333333, 0.222222, 0.481481, 0.320988];
    close(moments.iter().map(|m| m.current).collect(), currents);
    let fired: Vec<bool> = moments.iter().map(|m| timing.fires(m.potential)).collect();
    assert_eq!(fired, [false, true, false, true, false]);
    let owed = timing.back_all(&moments, &[0.0, 0.0, 0.0, 0.0, 1.0]);
    close(owed, [0.034566, 0.372428, 0.370370, 0.462963, 0.0]);
}

#[test]
fn one_step_is_its_steepness() {
    let timing = timing(5.0, 3.0);
    for (input, steepness) in [(1.6, 1.0 / 1.6), (1.01, 1.0 / 1.01)] {
        let owed = timing.back_all(&timing.run(&[input]), &[0.9]);
        assert!((owed[0] - steepness * 0.9 / 3.0f64).abs() < 1e-15);
    }
    let rises = Moment { rise: 0.1, potential: 1.1, current: 1.0 };
    assert!((timing.back_all(&[rises], &[0.9])[0] - 8.0 * 0.9 / 3.0f64).abs() < 1e-15);
}

#[test]
fn layers_do_what_single_neurons_do() {
    let timing = timing(5.0, 3.0);
    const NEURONS: usize = 150;
    let input: Vec<f32> = (0..5 * NEURONS).map(|i| (i * 7 % 13) as f32 / 8.0).collect();
    let mut layer = TimedNeurons::new(timing);
    let tensor = Tensor::new(&[5, 2, NEURONS / 2], input.clone());
    let output = layer.forward(tensor.clone(), &mut Pass::training(1));
    let back =
        layer.backward(Tensor::new(&[5, 2, NEURONS / 2], input.iter().rev().copied().collect()));
    for neuron in 0..NEURONS {
        let of = |values: &[f32]| -> Vec<f32> {
            values.iter().skip(neuron).step_by(NEURONS).copied().collect()
        };
        let moments = timing.run(&of(&input));
        let currents: Vec<f32> = moments.iter().map(|m| m.current).collect();
        assert_eq!(of(output.values()), currents);
        let gradient: Vec<f32> = input.iter().rev().copied().collect();
        assert_eq!(of(back.values()), timing.back_all(&moments, &of(&gradient)));
    }
    assert!(Timing::new(0.5, 3.0, 1.0).is_err() && Timing::new(5.0, f64::NAN, 1.0).is_err());
}

/// ⟨Sx, y⟩ = ⟨x, S*y⟩.
#[test]
fn synapses_run_backwards() {
    let numbers = |seed: usize| -> Vec<f32> {
        (0..40).map(|i| ((i * 31 + seed) % 17) as f32 / 8.0 - 1.0).collect()
    };
    let (x, y) = (Tensor::new(&[8, 1, 5], numbers(1)), Tensor::new(&[8, 1, 5], numbers(4)));
    let mut synapses = Synapses::new(timing(5.0, 3.0));
    let dot = |a: &Tensor, b: &Tensor| -> f32 {
        a.values().iter().zip(b.values()).map(|(a, b)| a * b).sum()
    };
    let forth = synapses.forward(x.clone(), &mut Pass::training(1));
    let back = synapses.backward(y.clone());
    assert!((dot(&forth, &y) - dot(&x, &back)).abs() < 1e-5);
}
