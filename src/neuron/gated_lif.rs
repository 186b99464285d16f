//! Gated LIF (GLIF of Yao et al., not the generalised LIF of the Allen Institute):
//! gates between two kinds of leak, of integration and of reset.
//!
//! ```text
//! e   = 1 − α(1 − τ)
//! u_t = e u_{t−1} − (1 − α) λ                      leak: exponential, linear
//!     + [1 − β(1 − g_t)] x_t                       integration
//!     − [γ e u_{t−1} + (1 − γ) r] s_{t−1}          reset: hard, soft
//! s_t = Θ(u_t − θ)                                 u > θ by default
//! ```
//!
//! | learned | symbol | start, after σ |
//! |---|---|---|
//! | `alpha`, `beta`, `gamma` | α, β, γ | 0.475 to 0.525, drawn |
//! | `tau` | τ | 0.25 |
//! | `linear_decay` | λ | θ/(2T) |
//! | `v_subreset` | r | θ |
//! | `v_threshold` | θ | 0.5 |
//! | `conduct` | g, one for each step | 0.5 |
//!
//! All are kept in (0, 1) by σ; one of each for all neurons, or one for each channel.
//! `conduct` ties a network to its number of steps. NIR has no such node.
//!
//! **State.** The paper keeps u_t and resets in the next step. Kept here is what the
//! next step starts from, e u (1 − γ s) − (1 − γ) r s: the same spikes, another number
//! at rest between steps.
//!
//! **Special gates**, (α, β, γ): (1, 0, 1) is a LIF with decay τ and hard reset to 0,
//! (0, 0, 1) leaks λ a step, (0, 0, 0) resets softly by r; soft with exponential leak
//! takes r away after the leak, unlike a LIF, which leaks what is left.
//!
//! **Source.** Yao et al., "GLIF", NeurIPS 2022, equations 4 to 10, and the official
//! code; parameters and their starts as in SpikingJelly 2.0,
//! `activation_based/neuron/lif_variants.py`, `GatedLIFNode`, whose surrogate is the
//! sigmoid and which fires at θ. Adjoint derived.

use super::convention::Fire;
use super::lane::Lane;
use super::surrogate::Surrogate;
use super::trainable::{Downstream, Dynamics, Firing, Learned, Of, Settings, Trainable, Upstream};

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "gated-lif",
    about: "gated LIF (GLIF): learns leak, gain, reset and threshold, by channel",
    nir: None,
    learned: Trained::LEARNED,
    defaults: Settings {
        threshold: 0.5,
        fire: Fire::Above,
        surrogate: Surrogate::RECTANGLE,
        channel_wise: true,
        ..Settings::SPIKINGJELLY
    },
    build: |settings| Box::new(Of(Trained::new(settings))),
};

/// The neuron as it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    firing: Firing,
}

impl Trained {
    /// Under these choices; its threshold and reset are learned.
    pub fn new(settings: &Settings) -> Trained {
        Trained { firing: settings.firing() }
    }
}

/// σ⁻¹.
fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// A gate that starts half open.
const fn gate(name: &'static str, about: &'static str) -> Learned {
    Learned { spread: 0.1, ..Learned::new(name, about, |_, _| 0.0) }
}

impl Dynamics<8, 6> for Trained {
    const LEARNED: &'static [Learned; 8] = &[
        gate("alpha", "σ: how far the leak is exponential"),
        gate("beta", "σ: how far the input is scaled"),
        gate("gamma", "σ: how far the reset is hard"),
        Learned::new("tau", "σ: what an exponential leak leaves", |_, _| logit(0.25)),
        Learned::new("v_threshold", "σ: threshold", |s, _| logit(s.threshold)),
        Learned::new("linear_decay", "σ: what a linear leak takes", |s, steps| {
            logit(s.threshold / (2.0 * steps as f64))
        }),
        Learned::new("v_subreset", "σ: what a soft reset takes", |s, _| logit(s.threshold)),
        Learned {
            per_step: true,
            ..Learned::new("conduct", "σ: scale of the input, by step", |_, _| 0.0)
        },
    ];

    fn firing(&self) -> &Firing {
        &self.firing
    }

    fn start(&self) -> f64 {
        0.0
    }

    /// e, (1 − α)λ, the gain, γ, (1 − γ)r, θ.
    fn coefficients<L: Lane>(&self, parameters: [L; 8]) -> [L; 6] {
        let [alpha, beta, gamma, tau, theta, lambda, r, g] = parameters.map(L::sigmoid);
        let one = L::of(1.0);
        [
            one - alpha * (one - tau),
            (one - alpha) * lambda,
            one - beta * (one - g),
            gamma,
            (one - gamma) * r,
            theta,
        ]
    }

    #[inline(always)]
    fn step<L: Lane>(
        &self,
        &[e, leak, gain, gamma, taken, theta]: &[L; 6],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
    ) -> (L, L) {
        let u = v - leak + gain * x;
        let sent = spike(u - theta);
        let s = self.firing.seen_by_reset(sent);
        (sent, e * u * (L::of(1.0) - gamma * s) - taken * s)
    }

    #[inline(always)]
    fn adjoint<L: Lane>(
        &self,
        &[e, leak, gain, gamma, taken, theta]: &[L; 6],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
        upstream: Upstream<L>,
    ) -> Downstream<L, 6> {
        let u = v - leak + gain * x;
        let s = spike(u - theta);
        let kept = L::of(1.0) - gamma * s;
        let by_reset = -(gamma * e * u + taken) * upstream.state;
        let by_reset = if self.firing.detach_reset { L::of(0.0) } else { by_reset };
        let slope = self.firing.surrogate.derivative(u - theta);
        let by_excess = (upstream.spike + by_reset) * slope;
        let by_u = by_excess + e * kept * upstream.state;
        Downstream {
            state: by_u,
            input: gain * by_u,
            coefficients: [
                u * kept * upstream.state,
                -by_u,
                x * by_u,
                -(e * u * s * upstream.state),
                -(s * upstream.state),
                -by_excess,
            ],
        }
    }
}
