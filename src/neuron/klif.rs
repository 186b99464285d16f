//! KLIF: LIF with a learned scale of the potential.
//!
//! ```text
//! h = LIF's charge
//! u = ReLU(k h)                    spike when u ≥ θ
//! v = reset(u, θ)                  or reset(u/k, θ/k) with `scale_reset`
//! ```
//!
//! | learned | symbol | bounds | start |
//! |---|---|---|---|
//! | `k` | k | at least 0.001 | 1 |
//!
//! One k for all neurons of a population. The published model does not keep k above
//! 0, where it would silence its neurons for good; the bound is ours, and the
//! optimiser's to keep. The ReLU is an option: the journal's abstract no longer has
//! it. Without `scale_reset` potentials grow where k > τ/(τ − 1). NIR has no such
//! node. With k = 1 and no negative potential it is a LIF.
//!
//! **Source.** Jiang & Zhang, arXiv 2302.09238 (Neural Computation 36(12), 2024), as
//! transcribed in SpikingJelly 2.0, `activation_based/neuron/lif_variants.py` and
//! `functional/neuron.py`, `klif_step`. The authors' code was not found.

use super::lane::Lane;
use super::trainable::{
    Charge, Downstream, Dynamics, Firing, Learned, Of, ResetGradient, Settings, Trainable, Upstream,
};

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "klif",
    about: "LIF with a learned scale of the potential",
    nir: None,
    learned: Trained::LEARNED,
    defaults: Settings::SPIKINGJELLY,
    build: |settings| Box::new(Of(Trained::new(settings))),
};

/// The neuron as it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    tau: f64,
    charge: Charge,
    relu: bool,
    scale_reset: bool,
    firing: Firing,
}

impl Trained {
    /// Under these choices.
    pub fn new(settings: &Settings) -> Trained {
        Trained {
            tau: settings.tau,
            charge: Charge::new(settings),
            relu: settings.relu,
            scale_reset: settings.scale_reset,
            firing: settings.firing(),
        }
    }

    /// Whether the ReLU lets nothing through; its derivative at 0 is 0.
    #[inline(always)]
    fn is_cut<L: Lane>(&self, scaled: L) -> bool {
        self.relu && scaled <= L::of(0.0)
    }

    /// What the reset divides by.
    #[inline(always)]
    fn unit<L: Lane>(&self, k: L) -> L {
        if self.scale_reset { k } else { L::of(1.0) }
    }

    #[inline(always)]
    fn rectified<L: Lane>(&self, scaled: L) -> L {
        if self.is_cut(scaled) { L::of(0.0) } else { scaled }
    }
}

impl Dynamics<1, 4> for Trained {
    const LEARNED: &'static [Learned; 1] =
        &[Learned { least: 1e-3, ..Learned::new("k", "scale of the potential", |_, _| 1.0) }];

    fn firing(&self) -> &Firing {
        &self.firing
    }

    /// Decay, gain, drift, k.
    fn coefficients<L: Lane>(&self, [k]: [L; 1]) -> [L; 4] {
        let [decay, gain, drift] = self.charge.coefficients(L::of(1.0 / self.tau));
        [decay, gain, drift, k]
    }

    #[inline(always)]
    fn step<L: Lane>(
        &self,
        &[decay, gain, drift, k]: &[L; 4],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
    ) -> (L, L) {
        let theta = self.firing.theta();
        let h = decay * v + gain * x + drift;
        let u = self.rectified(k * h);
        let s = spike(u - theta);
        let unit = self.unit(k);
        (s, self.firing.reset(u / unit, theta / unit, s))
    }

    #[inline(always)]
    fn adjoint<L: Lane>(
        &self,
        &[decay, gain, drift, k]: &[L; 4],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
        upstream: Upstream<L>,
    ) -> Downstream<L, 4> {
        let theta = self.firing.theta();
        let h = decay * v + gain * x + drift;
        let u = self.rectified(k * h);
        let unit = self.unit(k);
        let (u_in_units, theta_in_units) = (u / unit, theta / unit);
        let ResetGradient { potential, spike: by_spike, threshold } =
            self.firing.reset_adjoint(u_in_units, theta_in_units, spike(u - theta), upstream.state);
        let slope = self.firing.surrogate.derivative(u - theta);
        let by_u = (upstream.spike + by_spike) * slope + potential / unit;
        let by_unit = -(potential * u_in_units + threshold * theta_in_units) / unit;
        let by_scaled = if self.is_cut(k * h) { L::of(0.0) } else { by_u };
        let by_h = by_scaled * k;
        let by_k = by_scaled * h + if self.scale_reset { by_unit } else { L::of(0.0) };
        Downstream {
            state: decay * by_h,
            input: gain * by_h,
            coefficients: [v * by_h, x * by_h, by_h, by_k],
        }
    }
}
