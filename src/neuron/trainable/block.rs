//! A block of neurons over all steps, and back.
//!
//! The way back computes the states of its block again from the input: T times a few
//! hundred numbers, instead of keeping those of every neuron.

use super::{Downstream, Dynamics, Upstream};
use crate::neuron::lane::Lane;
use crate::signal::BLOCK;

/// Neurons of a block: a few lines of every step's memory, and states that fit the
/// cache beside them.
pub(super) const WIDE: usize = 8 * BLOCK;

/// What an adjoint holds of a step: the states of one block.
pub const BLOCK_BYTES: usize = size_of::<[f32; WIDE]>();

/// The states before each step of a block of at most [`WIDE`] neurons, and the spikes:
/// `[step][lane]`.
///
/// `inputs` has the block's input of each step; `spike` is the step function.
#[inline(always)]
pub(super) fn run_block<M, L, const P: usize, const C: usize>(
    model: &M,
    coefficients: impl Fn(usize) -> [L; C],
    inputs: &[&[L]],
    spike: impl Fn(L) -> L,
    mut visit: impl FnMut(usize, &[L; WIDE], &[L; WIDE]),
) where
    M: Dynamics<P, C>,
    L: Lane,
{
    // a copy, which nothing that is written to can alias
    let model = *model;
    let mut state = [L::of(model.start()); WIDE];
    let mut sent = [L::of(0.0); WIDE];
    for (step, x) in inputs.iter().enumerate() {
        let (before, c) = (state, coefficients(step));
        for ((v, s), &x) in state.iter_mut().zip(&mut sent).zip(*x) {
            (*s, *v) = model.step(&c, *v, x, &spike);
        }
        visit(step, &before, &sent);
    }
}

/// Backwards through a block: gradients with respect to spikes become those with
/// respect to inputs, and what is owed to the coefficients is added up by step.
#[inline(always)]
pub(super) fn back_block<M, L, const P: usize, const C: usize>(
    model: &M,
    coefficients: impl Fn(usize) -> [L; C],
    inputs: &[&[L]],
    gradients: &mut [&mut [L]],
    spike: impl Fn(L) -> L,
    mut owe: impl FnMut(usize, [L; C]),
) where
    M: Dynamics<P, C>,
    L: Lane,
{
    let model = *model;
    let mut states = Vec::with_capacity(inputs.len());
    run_block(&model, &coefficients, inputs, &spike, |_, before, _| states.push(*before));
    let mut by_state = [L::of(0.0); WIDE];
    let mut slopes = [L::of(0.0); WIDE];
    for step in (0..inputs.len()).rev() {
        let c = coefficients(step);
        let (x, before) = (inputs[step], &states[step]);
        excess(&model, &c, x, before, &mut slopes);
        model.firing().surrogate.derivatives(&mut slopes);
        let mut owed = [[L::of(0.0); WIDE]; C];
        let lanes = x.iter().zip(gradients[step].iter_mut()).zip(&slopes);
        let lanes = lanes.zip(before).zip(&mut by_state).enumerate().take(WIDE);
        for (lane, ((((&x, gradient), &slope), &before), by_state)) in lanes {
            let upstream = Upstream { spike: *gradient, state: *by_state, slope };
            let Downstream { state, input, coefficients } =
                model.adjoint(&c, before, x, &spike, upstream);
            (*by_state, *gradient) = (state, input);
            for k in 0..C {
                owed[k][lane] = coefficients[k];
            }
        }
        // what depends on no parameter owes nothing
        if P > 0 {
            owe(step, owed.map(sum));
        }
    }
}

/// What is given to the step function: the potentials above the threshold.
#[inline(always)]
fn excess<M, L, const P: usize, const C: usize>(
    model: &M,
    c: &[L; C],
    inputs: &[L],
    before: &[L; WIDE],
    out: &mut [L; WIDE],
) where
    M: Dynamics<P, C>,
    L: Lane,
{
    for ((out, &x), &v) in out.iter_mut().zip(inputs).zip(before) {
        *out = model.excess(c, v, x);
    }
}

/// In lanes side by side, then these.
#[inline(always)]
fn sum<L: Lane>(numbers: [L; WIDE]) -> L {
    let mut lanes = [L::of(0.0); BLOCK];
    for part in numbers.as_chunks::<BLOCK>().0 {
        lanes.iter_mut().zip(part).for_each(|(sum, &x)| *sum = *sum + x);
    }
    lanes.into_iter().fold(L::of(0.0), |a, b| a + b)
}
