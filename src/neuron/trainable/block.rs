//! A block of neurons over all steps, and back.
//!
//! The way back computes the states of its block again from the input: T times 64
//! numbers, instead of keeping those of every neuron.

use super::{Downstream, Dynamics, Upstream};
use crate::neuron::lane::Lane;
use crate::signal::BLOCK;

/// The states before each step of a block, and the spikes: `[step][lane]`.
///
/// `input` has the block's input of a step; `spike` is the step function.
pub(super) fn run_block<M, L, const P: usize, const C: usize>(
    model: &M,
    coefficients: impl Fn(usize) -> [L; C],
    inputs: &[&[L]],
    spike: impl Fn(L) -> L,
    mut visit: impl FnMut(usize, &[L; BLOCK], &[L; BLOCK]),
) where
    M: Dynamics<P, C>,
    L: Lane,
{
    let mut state = [L::of(model.start()); BLOCK];
    for (step, x) in inputs.iter().enumerate() {
        let (before, c) = (state, coefficients(step));
        let mut sent = [L::of(0.0); BLOCK];
        for ((v, s), &x) in state.iter_mut().zip(&mut sent).zip(*x) {
            (*s, *v) = model.step(&c, *v, x, &spike);
        }
        visit(step, &before, &sent);
    }
}

/// Backwards through a block: gradients with respect to spikes become those with
/// respect to inputs, and what is owed to the coefficients is added up by step.
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
    let mut states = Vec::with_capacity(inputs.len());
    run_block(model, &coefficients, inputs, &spike, |_, before, _| states.push(*before));
    let mut by_state = [L::of(0.0); BLOCK];
    for step in (0..inputs.len()).rev() {
        let c = coefficients(step);
        let mut owed = [[L::of(0.0); C]; BLOCK];
        let lanes = inputs[step].iter().zip(gradients[step].iter_mut());
        for (lane, (&x, gradient)) in lanes.enumerate() {
            let upstream = Upstream { spike: *gradient, state: by_state[lane] };
            let Downstream { state, input, coefficients } =
                model.adjoint(&c, states[step][lane], x, &spike, upstream);
            (by_state[lane], *gradient, owed[lane]) = (state, input, coefficients);
        }
        owe(step, std::array::from_fn(|k| sum(owed.iter().map(|owed| owed[k]))));
    }
}

fn sum<L: Lane>(numbers: impl Iterator<Item = L>) -> L {
    numbers.fold(L::of(0.0), |a, b| a + b)
}
