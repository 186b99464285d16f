//! Dual-adaptive leaky integrate-and-fire: the decays of membrane and input are
//! learned apart.
//!
//! ```text
//! u = β v + α x            α = φ(a), β = φ(b)
//! ```
//!
//! | learned | symbol | bounds | start |
//! |---|---|---|---|
//! | `a` | α = φ(a) | by φ | φ⁻¹(½) |
//! | `b` | β = φ(b) | by φ | φ⁻¹(½) |
//!
//! Both are one number for all neurons of a population. φ is tanh, σ or nothing; tanh
//! and nothing allow decays of 0 and below. (½, ½) is LIF with τ = 2, (1/τ, 1 − 1/τ)
//! LIF with τ, (1, 1) IF; PLIF is the line α + β = 1. NIR has no such node: its `LIF`
//! ties the two together by its gain, and leaves no room for β outside (0, 1).
//! Between events without input it decays by β a step, as a LIF.
//!
//! **Source.** Zhang et al., arXiv 2502.10422. Of the paper only the membrane equation
//! was at hand, from a digest; the reset (hard by default), φ's argument and the
//! starting values are a reconstruction, and choices here.

use super::lane::Lane;
use super::surrogate::Surrogate;
use super::trainable::{Firing, Learned, Membrane, Of, Settings, Squash, Trainable};

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "da-lif",
    about: "LIF that learns the decays of membrane and input apart (reconstruction)",
    nir: None,
    learned: Trained::LEARNED,
    defaults: Settings { surrogate: Surrogate::ATAN, ..Settings::SPIKINGJELLY },
    build: |settings| Box::new(Of(Trained::new(settings))),
};

/// The neuron as it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    squash: Squash,
    firing: Firing,
}

impl Trained {
    /// Under these choices.
    pub fn new(settings: &Settings) -> Trained {
        Trained { squash: settings.squash, firing: settings.firing() }
    }
}

impl Squash {
    fn of<L: Lane>(self, x: L) -> L {
        match self {
            Squash::Tanh => x.tanh(),
            Squash::Sigmoid => x.sigmoid(),
            Squash::Identity => x,
        }
    }

    /// What becomes ½.
    fn half(self) -> f64 {
        match self {
            Squash::Tanh => 0.5f64.atanh(),
            Squash::Sigmoid => 0.0,
            Squash::Identity => 0.5,
        }
    }
}

impl Membrane<2> for Trained {
    const LEARNED: &'static [Learned; 2] = &[
        Learned::new("a", "α = φ(a), what the input is multiplied by", |s, _| s.squash.half()),
        Learned::new("b", "β = φ(b), what remains of the potential", |s, _| s.squash.half()),
    ];

    fn firing(&self) -> &Firing {
        &self.firing
    }

    fn coefficients<L: Lane>(&self, [a, b]: [L; 2]) -> [L; 3] {
        [self.squash.of(b), self.squash.of(a), L::of(0.0)]
    }
}
