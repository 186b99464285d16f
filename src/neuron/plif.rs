//! Parametric leaky integrate-and-fire: LIF that learns its time constant.
//!
//! ```text
//! u = v + (x − (v − v_reset))·σ(w)          or v − (v − v_reset)·σ(w) + x
//! ```
//!
//! | learned | symbol | bounds | start |
//! |---|---|---|---|
//! | `w` | 1/τ = σ(w) | 1/τ in (0, 1) by σ | −ln(τ₀ − 1) |
//!
//! One w for all neurons of a population. NIR's `LIF` holds it once it is trained,
//! with τ = 1/σ(w) steps. Between events it is a LIF.
//!
//! **Source.** Fang et al. 2021, "Incorporating Learnable Membrane Time Constant to
//! Enhance Learning of Spiking Neural Networks"; as in SpikingJelly 2.0,
//! `activation_based/neuron/plif.py`.

use super::lane::Lane;
use super::surrogate::Surrogate;
use super::trainable::{Charge, Firing, Learned, Membrane, Of, Settings, Trainable, signed};

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "plif",
    about: "LIF that learns its time constant",
    engine: &super::lif::LIF,
    learned: Trained::LEARNED,
    defaults: Settings { detach_reset: true, surrogate: Surrogate::ATAN, ..Settings::SPIKINGJELLY },
    build: |settings| Box::new(Of(Trained::new(settings))),
    signed: Some(|settings, sends| signed(Trained::new(settings), sends)),
    fields: |settings, learned, step| settings.leak_fields(learned[0].sigmoid(), step),
};

/// The neuron as it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    charge: Charge,
    firing: Firing,
}

impl Trained {
    /// Under these choices.
    pub fn new(settings: &Settings) -> Trained {
        Trained { charge: Charge::new(settings), firing: settings.firing() }
    }
}

impl Membrane<1> for Trained {
    const LEARNED: &'static [Learned; 1] =
        &[Learned::new("w", "1/τ = σ(w)", |settings, _| -(settings.tau - 1.0).ln())];

    fn firing(&self) -> &Firing {
        &self.firing
    }

    fn coefficients<L: Lane>(&self, [w]: [L; 1]) -> [L; 3] {
        self.charge.coefficients(w.sigmoid())
    }
}
