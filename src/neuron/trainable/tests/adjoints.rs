//! Adjoints against dual numbers of the relaxed network.
//!
//! In the relaxed network a spike is the surrogate's primitive: its gradient exists,
//! and dual numbers give it without error.

use proptest::prelude::*;

use super::*;
use crate::neuron::lane::Dual;
use crate::neuron::trainable::block::{back_block, run_block};
use crate::neuron::trainable::sequence::parameters_owed;
use crate::neuron::trainable::signed::Signed;

const STEPS: usize = 6;
const NEURONS: usize = 3;

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

type Checked = std::result::Result<(), TestCaseError>;

fn close(name: &str, found: f64, expected: f64) -> Checked {
    let error = (found - expected).abs();
    prop_assert!(error < 1e-11 * (1.0 + expected.abs()), "{name}: {found}, not {expected}");
    Ok(())
}

/// Every gradient of the relaxed network: the adjoint's beside the dual numbers'.
fn gradients_agree<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: [f64; P],
    input: &Rows,
    weights: &Rows,
) -> Checked {
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
        owed[step] = parameters_owed(model, of_step(step), &more);
    });
    let input: Vec<Vec<Dual>> =
        input.iter().map(|row| row.iter().map(|&x| Dual::of(x)).collect()).collect();
    let parameters: Vec<[Dual; P]> = (0..STEPS).map(|t| of_step(t).map(Dual::of)).collect();
    inputs_agree(model, &parameters, &input, weights, &gradient)?;
    parameters_agree(model, &parameters, &input, weights, &owed)
}

/// One input after the other as the variable.
fn inputs_agree<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: &[[Dual; P]],
    input: &[Vec<Dual>],
    weights: &Rows,
    gradient: &Rows,
) -> Checked {
    for step in 0..STEPS {
        for i in 0..NEURONS {
            let mut moved = input.to_vec();
            moved[step][i].slope = 1.0;
            close("input", gradient[step][i], loss(model, parameters, &moved, weights).slope)?;
        }
    }
    Ok(())
}

/// One parameter after the other as the variable: of all steps, or of each.
fn parameters_agree<M: Dynamics<P, C>, const P: usize, const C: usize>(
    model: &M,
    parameters: &[[Dual; P]],
    input: &[Vec<Dual>],
    weights: &Rows,
    owed: &[[f64; P]],
) -> Checked {
    for p in 0..P {
        let one_by_one = per_step::<M, P, C>(p);
        for only in 0..if one_by_one { STEPS } else { 1 } {
            let mut moved = parameters.to_vec();
            let these = moved.iter_mut().enumerate().filter(|(t, _)| !one_by_one || *t == only);
            these.for_each(|(_, parameters)| parameters[p].slope = 1.0);
            let found = match one_by_one {
                true => owed[only][p],
                false => owed.iter().map(|owed| owed[p]).sum(),
            };
            close(M::LEARNED[p].name, found, loss(model, &moved, input, weights).slope)?;
        }
    }
    Ok(())
}

fn numbers(range: std::ops::Range<f64>) -> impl Strategy<Value = Rows> {
    prop::collection::vec(prop::collection::vec(range, NEURONS), STEPS)
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
        let soft = Settings { reset: None, ..settings };
        for sends in [Sends::Negative, Sends::Both] {
            let model = Signed { model: plif::Trained::new(&soft), sends };
            gradients_agree(&model, [a], &input, &weights)?;
        }
    }
}
