//! A population over a whole sequence where what it sends comes back to it: step by
//! step, as no step's input is known before the spikes of the one before it.
//!
//! ```text
//! x'_t = x_t + f(s_{t−1})
//! ∂L/∂s_{t−1} += fᵀ(∂L/∂x'_t)
//! ```

use super::sequence::{Coefficients, Layout, Of};
use super::{Downstream, Dynamics, Upstream};
use crate::signal::simd::{Kernel, dispatch};

/// One step of what is sent or owed, and where what comes of it is added.
pub type Feedback<'a> = dyn FnMut(&[f32], &mut [f32]) + 'a;

/// Populations that may hear themselves.
pub trait Looped {
    /// Adds to the input `[T, B, C, …]` what `feedback` makes of the spikes of the step
    /// before, and writes to `sent` the spikes, as numbers.
    fn forward_looped(
        &self,
        layout: &Layout,
        parameters: &[&[f32]],
        input: &mut [f32],
        sent: &mut [f32],
        feedback: &mut Feedback,
    );

    /// The adjoint of [`Looped::forward_looped`], given the input that came of it, in
    /// place as [`super::Cells::adjoint`]. `feedback` is told, last step first, what is owed to
    /// the input of a step, and adds what is owed to the spikes of the step before.
    fn adjoint_looped(
        &self,
        layout: &Layout,
        parameters: &[&[f32]],
        input: &[f32],
        gradient: &mut [f32],
        feedback: &mut Feedback,
    ) -> Vec<Vec<f32>>;
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Looped for Of<M, P, C> {
    fn forward_looped(
        &self,
        layout: &Layout,
        parameters: &[&[f32]],
        input: &mut [f32],
        sent: &mut [f32],
        feedback: &mut Feedback,
    ) {
        let coefficients = self.coefficients(layout, &Self::doubles(parameters));
        let mut states = vec![self.0.start() as f32; layout.neurons()];
        let width = layout.neurons();
        for step in 0..layout.steps {
            let (before, now) = sent.split_at_mut(step * width);
            let input = &mut input[step * width..][..width];
            if step > 0 {
                feedback(&before[(step - 1) * width..], input);
            }
            let (coefficients, states, sent) = (&coefficients, &mut states[..], &mut now[..width]);
            dispatch(Step { cells: self, coefficients, layout, step, input, states, sent });
        }
    }

    fn adjoint_looped(
        &self,
        layout: &Layout,
        parameters: &[&[f32]],
        input: &[f32],
        gradient: &mut [f32],
        feedback: &mut Feedback,
    ) -> Vec<Vec<f32>> {
        let doubles = Self::doubles(parameters);
        let coefficients = self.coefficients(layout, &doubles);
        let width = layout.neurons();
        let before = self.states(layout, &coefficients, input);
        let steps = coefficients[0].entries();
        let mut owed = vec![vec![[0.0; C]; steps]; coefficients.len()];
        let mut by_state = vec![0.0; width];
        for step in (0..layout.steps).rev() {
            let (earlier, now) = gradient.split_at_mut(step * width);
            let gradient = &mut now[..width];
            let at = step * width..(step + 1) * width;
            dispatch(StepBack {
                cells: self,
                coefficients: &coefficients,
                layout,
                step,
                input: &input[at.clone()],
                before: &before[at],
                by_state: &mut by_state,
                gradient,
                owed: &mut owed,
            });
            if step > 0 {
                feedback(gradient, &mut earlier[(step - 1) * width..]);
            }
        }
        self.chain(&doubles, coefficients.len(), &owed)
    }
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Of<M, P, C> {
    /// The states before each step.
    fn states(
        &self,
        layout: &Layout,
        coefficients: &[Coefficients<f32, C>],
        input: &[f32],
    ) -> Vec<f32> {
        let width = layout.neurons();
        let mut states = vec![self.0.start() as f32; input.len()];
        let mut sent = vec![0.0; width];
        for (step, input) in input.chunks_exact(width).enumerate().take(layout.steps - 1) {
            let (before, after) = states.split_at_mut((step + 1) * width);
            let states = &mut after[..width];
            states.copy_from_slice(&before[step * width..]);
            let sent = &mut sent[..];
            dispatch(Step { cells: self, coefficients, layout, step, input, states, sent });
        }
        states
    }
}

/// One step of all neurons.
struct Step<'a, M, const P: usize, const C: usize> {
    cells: &'a Of<M, P, C>,
    coefficients: &'a [Coefficients<f32, C>],
    layout: &'a Layout,
    step: usize,
    input: &'a [f32],
    states: &'a mut [f32],
    sent: &'a mut [f32],
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Kernel for Step<'_, M, P, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Step { cells, coefficients, layout, step, input, states, sent } = self;
        let (model, firing) = (cells.0, *cells.0.firing());
        for (run, channel) in layout.runs(coefficients.len()) {
            let c = *coefficients[channel].at(step);
            let lanes = states[run.clone()].iter_mut().zip(&mut sent[run.clone()]);
            for ((v, s), &x) in lanes.zip(&input[run]) {
                (*s, *v) = model.step(&c, *v, x, |x| firing.spike(x));
            }
        }
    }
}

/// The adjoint of one step of all neurons.
struct StepBack<'a, M, const P: usize, const C: usize> {
    cells: &'a Of<M, P, C>,
    coefficients: &'a [Coefficients<f32, C>],
    layout: &'a Layout,
    step: usize,
    input: &'a [f32],
    before: &'a [f32],
    by_state: &'a mut [f32],
    gradient: &'a mut [f32],
    /// To the coefficients, `[channel][step]`.
    owed: &'a mut [Vec<[f64; C]>],
}

impl<M: Dynamics<P, C>, const P: usize, const C: usize> Kernel for StepBack<'_, M, P, C> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let StepBack { cells, coefficients, layout, step, input, before, by_state, .. } = self;
        let (model, firing) = (cells.0, *cells.0.firing());
        let spike = |x: f32| firing.spike(x);
        for (run, channel) in layout.runs(coefficients.len()) {
            let c = *coefficients[channel].at(step);
            let owed = &mut self.owed[channel];
            let last = owed.len() - 1;
            let owed = &mut owed[step.min(last)];
            for i in run {
                let (v, x) = (before[i], input[i]);
                let slope = firing.surrogate.derivative(model.excess(&c, v, x));
                let upstream = Upstream { spike: self.gradient[i], state: by_state[i], slope };
                let down: Downstream<f32, C> = model.adjoint(&c, v, x, spike, upstream);
                (by_state[i], self.gradient[i]) = (down.state, down.input);
                let pairs = owed.iter_mut().zip(down.coefficients);
                pairs.for_each(|(owed, more)| *owed += f64::from(more));
            }
        }
    }
}
