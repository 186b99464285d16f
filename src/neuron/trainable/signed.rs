//! Neurons that send negative spikes too, the threshold below zero as far as above it.
//!
//! ```text
//! s = Θ(u − θ)                  positive
//! s = −Θ(−u − θ)                negative
//! s = Θ(u − θ) − Θ(−u − θ)      both
//! v = u − θ s
//! ```
//!
//! What stands for the derivative is that of each Θ.
//!
//! **Source.** The excitatory and inhibitory phases of a cycle, after Shao et al., NeurIPS
//! 2023, "EICIL": reconstructed from its abstract, not verified against the paper.

use super::{Cells, Downstream, Dynamics, Firing, Learned, Membrane, Of, Upstream};
use crate::neuron::lane::Lane;

/// Which spikes are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sends {
    /// 1, or nothing.
    Positive,
    /// −1, or nothing.
    Negative,
    /// 1, −1, or nothing.
    #[default]
    Both,
}

/// A membrane that sends such spikes; its reset takes the threshold away.
pub(in crate::neuron) fn signed<M, const P: usize>(model: M, sends: Sends) -> Box<dyn Cells>
where
    M: Membrane<P> + 'static,
{
    match sends {
        Sends::Positive => Box::new(Of(model)),
        Sends::Negative | Sends::Both => Box::new(Of(Signed { model, sends })),
    }
}

/// A membrane with two thresholds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<M> {
    pub(super) model: M,
    pub(super) sends: Sends,
}

impl<M> Signed<M> {
    /// Of a positive spike and of a negative one.
    #[inline(always)]
    fn joined<L: Lane>(&self, positive: L, negative: L) -> L {
        match self.sends {
            Sends::Positive => positive,
            Sends::Negative => negative,
            Sends::Both => positive + negative,
        }
    }

    /// The spike at a potential `x` above the threshold, `below` it the potential under
    /// the negative one.
    #[inline(always)]
    fn spike<L: Lane>(&self, theta: L, x: L, spike: &impl Fn(L) -> L) -> L {
        self.joined(spike(x), -spike(below(theta, x)))
    }
}

/// −u − θ of u − θ.
#[inline(always)]
fn below<L: Lane>(theta: L, x: L) -> L {
    -x - theta - theta
}

impl<M: Membrane<P>, const P: usize> Dynamics<P, 3> for Signed<M> {
    const LEARNED: &'static [Learned; P] = <M as Dynamics<P, 3>>::LEARNED;

    fn firing(&self) -> &Firing {
        Dynamics::firing(&self.model)
    }

    fn coefficients<L: Lane>(&self, parameters: [L; P]) -> [L; 3] {
        Dynamics::coefficients(&self.model, parameters)
    }

    #[inline(always)]
    fn step<L: Lane>(&self, c: &[L; 3], v: L, x: L, spike: impl Fn(L) -> L) -> (L, L) {
        let theta = Dynamics::firing(self).theta();
        self.model.step(c, v, x, |x| self.spike(theta, x, &spike))
    }

    #[inline(always)]
    fn adjoint<L: Lane>(
        &self,
        c: &[L; 3],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
        upstream: Upstream<L>,
    ) -> Downstream<L, 3> {
        let firing = Dynamics::firing(self);
        let (theta, excess) = (firing.theta(), self.excess(c, v, x));
        let negative = firing.surrogate.derivative(below(theta, excess));
        let slope = self.joined(upstream.slope, negative);
        let spike = |x: L| self.spike(theta, x, &spike);
        self.model.adjoint(c, v, x, spike, Upstream { slope, ..upstream })
    }

    #[inline(always)]
    fn excess<L: Lane>(&self, c: &[L; 3], v: L, x: L) -> L {
        self.model.excess(c, v, x)
    }
}
