//! Dual-adaptive leaky integrate-and-fire: the decays of membrane and input are
//! learned apart.
//!
//! ```text
//! u = β v + α x            α = φ(a), β = φ(b)
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `alpha` | α, what the input is multiplied by | 1 | |
//! | `beta` | β, what a step leaves of the potential | 1 | |
//! | `v_threshold` | θ | potential | |
//! | `v_reset` | | potential | 0 |
//! | `step` | length of the step that these are for | s | |
//!
//! Receives weighted spikes, sends spikes. A convention's leak and input are not asked.
//! **Between events** v ← β v in every step ([`super::stepwise`]), which has a meaning in
//! between where β > 0; where β > 1 it grows, and fires alone.
//!
//! | learned | symbol | bounds | start |
//! |---|---|---|---|
//! | `a` | α = φ(a) | by φ | φ⁻¹(½) |
//! | `b` | β = φ(b) | by φ | φ⁻¹(½) |
//!
//! Both are one number for all neurons of a population. φ is tanh, σ or nothing; tanh
//! and nothing allow decays of 0 and below. (½, ½) is LIF with τ = 2, (1/τ, 1 − 1/τ)
//! LIF with τ, (1, 1) IF; PLIF is the line α + β = 1. NIR has no such node: its `LIF`
//! has another gain by its `r`, which not everybody reads, and no β outside (0, 1).
//!
//! **Source.** Zhang et al., arXiv 2502.10422. Of the paper only the membrane equation
//! was at hand, from a digest; the reset (hard by default), φ's argument and the
//! starting values are a reconstruction, and choices here.

use super::column::{Column, Parameters};
use super::fire::Fire;
use super::flow::{self, Drive, Flow};
use super::lane::Lane;
use super::membrane;
use super::nearest::Leaking;
use super::stepwise::{Curve, STEP, Stepwise};
use super::surrogate::Surrogate;
use super::trainable::{Firing, Learned, Membrane, Of, Settings, Squash, Trainable};
use super::{Field, Model, Population, Step, field, field_or};
use crate::error::Result;

const FIELDS: &[Field] = &[
    field("alpha", "1"),
    field("beta", "1"),
    field("v_threshold", "potential"),
    field_or("v_reset", "potential", 0.0),
    STEP,
];

/// The entry in [`super::FOREIGN`].
pub const DA_LIF: Model = Model {
    nir: "DALIF",
    about: "LIF with decays of membrane and input apart",
    spikes: true,
    fields: FIELDS,
    bind,
    flow,
    leaking: Some(leaking),
};

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    step.check_length(parameters)?;
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    Ok(Box::new(membrane::Membrane {
        decay: parameters.column(["beta"], |[beta]| beta),
        gain: parameters.column(["alpha"], |[alpha]| alpha),
        drift: Column::of(parameters.len, [], |[]| 0.0),
        start: parameters.column(["v_reset"], |[reset]| step.start(0.0, reset)),
        fire: Some(Fire::new(parameters.len, threshold, reset, &step.convention)?),
    }))
}

fn leaking(parameters: &Parameters, _step: &Step) -> Result<Leaking> {
    Ok(Leaking {
        kept: parameters.each(["beta"], |[beta]| beta),
        gain: parameters.each(["alpha"], |[alpha]| alpha),
        drift: vec![0.0; parameters.len],
        threshold: parameters.each(["v_threshold"], |[theta]| theta),
        reset: parameters.each(["v_reset"], |[reset]| reset),
        losses: Vec::new(),
    })
}

fn flow(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    step.check_length(parameters)?;
    parameters.require_flow("beta", "a number above 0", |beta| beta > 0.0)?;
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let curve = Curve {
        factor: parameters.column(["beta"], |[beta]| beta),
        drift: Column::of(parameters.len, [], |[]| 0.0),
        gains: vec![parameters.column(["alpha"], |[alpha]| alpha)],
        start: parameters.column(["v_reset"], |[reset]| step.start(0.0, reset)),
        relu: false,
        firing: flow::Firing::new(parameters.len, threshold, reset, step)?,
        gates: None,
    };
    Ok(Box::new(Stepwise::new(parameters, curve, step, drive)?))
}

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "da-lif",
    about: "LIF that learns the decays of membrane and input apart (reconstruction)",
    engine: &DA_LIF,
    learned: Trained::LEARNED,
    defaults: Settings { surrogate: Surrogate::ATAN, ..Settings::SPIKINGJELLY },
    build: |settings| Box::new(Of(Trained::new(settings))),
    signed: None,
    fields: |settings, learned, step| {
        let decay = |x: f64| settings.squash.of(x);
        let decays = [("alpha", decay(learned[0])), ("beta", decay(learned[1]))];
        let fields = decays.into_iter().chain(settings.firing_fields());
        fields.chain([(STEP.name, step.0)]).collect()
    },
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
