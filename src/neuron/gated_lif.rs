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
//! | field | symbol | unit |
//! |---|---|---|
//! | `alpha`, `beta`, `gamma`, `tau` | α, β, γ, τ, 0 to 1 | 1 |
//! | `linear_decay` | λ, 0 or more | potential a step |
//! | `v_subreset` | r | potential |
//! | `v_threshold` | θ | potential |
//! | `conduct` | g of each step, from the beginning of a run; the first axis | 1 |
//! | `step` | length of the step that these are for | s |
//!
//! Receives weighted spikes, sends spikes. Of a convention only the comparison, the
//! delay and a refractory time matter: leak, input and reset are its own. Steps beyond
//! those that `conduct` has use its last gain, and a run says so.
//!
//! **Between events** u ← e u − (1 − α) λ in every step ([`super::stepwise`]), which
//! needs e > 0; a spike leaves (1 − γ) (u − r/e).
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

use super::column::{Column, Parameter, Parameters};
use super::convention::Fire;
use super::flow::{self, Drive, Flow};
use super::lane::Lane;
use super::nearest::{Leaking, range};
use super::stepwise::{Curve, STEP, Stepwise};
use super::surrogate::Surrogate;
use super::sweep::{BlockStep, variable};
use super::trainable::{Downstream, Dynamics, Firing, Learned, Of, Settings, Trainable, Upstream};
use super::{Charge, Charged, Field, Model, Population, Step, Stepped, field, field_by_step};
use crate::error::Result;
use crate::signal::BLOCK;
use crate::signal::simd::every;

const FIELDS: &[Field] = &[
    field("alpha", "1"),
    field("beta", "1"),
    field("gamma", "1"),
    field("tau", "1"),
    field("linear_decay", "potential a step"),
    field("v_subreset", "potential"),
    field("v_threshold", "potential"),
    field_by_step("conduct", "1"),
    STEP,
];

/// The entry in [`super::FOREIGN`].
pub const GATED_LIF: Model = Model {
    nir: "GatedLIF",
    about: "LIF with gates of leak, gain and reset, not the generalised LIF",
    spikes: true,
    fields: FIELDS,
    bind,
    flow,
    leaking: Some(leaking),
};

fn check(parameters: &Parameters, step: &Step) -> Result<()> {
    step.check_length(parameters)?;
    step.check_rules()?;
    let is_gate = |x: f64| (0.0..=1.0).contains(&x);
    for name in ["alpha", "beta", "gamma", "tau"] {
        parameters.get(name).require(name, "0 to 1", is_gate)?;
    }
    for g in parameters.steps("conduct") {
        g.require("conduct", "0 to 1", is_gate)?;
    }
    parameters.get("linear_decay").require("linear_decay", "0 or more", |x| x >= 0.0)
}

/// e of the module's head.
fn exponential([alpha, tau]: [f64; 2]) -> f64 {
    1.0 - alpha * (1.0 - tau)
}

/// 1 − β(1 − g), by step.
fn gains<T: super::column::Number>(parameters: &Parameters) -> Vec<Column<T>> {
    let beta = parameters.get("beta");
    let gain =
        |g: &Parameter| Column::of(parameters.len, [beta, g], |[beta, g]| 1.0 - beta * (1.0 - g));
    parameters.steps("conduct").iter().map(gain).collect()
}

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    check(parameters, step)?;
    Ok(Box::new(Gated {
        decay: parameters.column(["alpha", "tau"], exponential),
        leak: parameters
            .column(["alpha", "linear_decay"], |[alpha, lambda]| (1.0 - alpha) * lambda),
        gains: gains(parameters),
        gamma: parameters.column(["gamma"], |[gamma]| gamma),
        taken: parameters.column(["gamma", "v_subreset"], |[gamma, r]| (1.0 - gamma) * r),
        threshold: parameters.column(["v_threshold"], |[theta]| theta),
        fire_at: parameters.column(["v_threshold"], |[theta]| step.fires_from(theta)),
    }))
}

/// A population with what the next step starts from and, where gains change, the
/// number of that step, up to the last that has its own.
struct Gated {
    decay: Column,
    leak: Column,
    gains: Vec<Column>,
    gamma: Column,
    taken: Column,
    threshold: Column,
    fire_at: Column,
}

impl Gated {
    /// u of the module's head, of neuron `lane` with this state and input.
    #[inline(always)]
    fn charged(&self, block: usize, step: usize) -> impl Fn(usize, f32, f32) -> f32 {
        let (leak, gain) = (self.leak.block(block), self.gains[step].block(block));
        move |i, v, x| v - leak[i] + gain[i] * x
    }
}

/// The number of the next step.
#[inline(always)]
fn next_step(state: &[f32]) -> usize {
    state.get(BLOCK).map_or(0, |&step| step as usize)
}

impl BlockStep for Gated {
    #[inline(always)]
    fn charge_block(&self, block: usize, state: &mut [f32], input: &[f32; BLOCK]) -> Charged {
        let step = next_step(state);
        let (charged, decay) = (self.charged(block, step), self.decay.block(block));
        let fire_at = self.fire_at.block(block);
        let (potential, number) = state.split_at_mut(BLOCK);
        let mut any = false;
        for (i, v) in potential.iter_mut().enumerate() {
            *v = charged(i, *v, input[i]);
            any |= *v >= fire_at[i];
        }
        if !any {
            potential.iter_mut().zip(decay).for_each(|(u, decay)| *u *= decay);
        }
        number.fill((step + 1).min(self.gains.len() - 1) as f32);
        Charged { fires: any, still: false }
    }

    /// From u, which the first half has left.
    #[inline(always)]
    fn fire_block(
        &self,
        block: usize,
        state: &mut [f32],
        _input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let (decay, gamma) = (self.decay.block(block), self.gamma.block(block));
        let (fire_at, taken) = (self.fire_at.block(block), self.taken.block(block));
        for (i, v) in state[..BLOCK].iter_mut().enumerate() {
            let s = if *v >= fire_at[i] { 1.0 } else { 0.0 };
            sent[i] = s;
            *v = decay[i] * *v * (1.0 - gamma[i] * s) - taken[i] * s;
        }
        Stepped::moving(sent)
    }

    /// A leak takes away from what is above 0, and lifts nothing above it.
    #[inline(always)]
    fn is_quiet_block(&self, block: usize, state: &[f32]) -> bool {
        let (fire_at, potential) = (self.fire_at.block(block), variable(state, 0));
        every(|i| (fire_at[i] > 0.0) & (potential[i] < fire_at[i]))
    }
}

impl Population for Gated {
    fn variables(&self) -> usize {
        self.gains.len().min(2)
    }

    fn start(&self, _block: usize, state: &mut [f32]) {
        state.fill(0.0);
    }

    fn charge(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        let charged = self.charged(block, next_step(state));
        Some(Charge {
            potential: std::array::from_fn(|i| charged(i, state[i], input[i])),
            threshold: *self.threshold.block(block),
        })
    }
}

fn leaking(parameters: &Parameters, step: &Step) -> Result<Leaking> {
    check(parameters, step)?;
    let (beta, steps) = (parameters.get("beta"), parameters.steps("conduct"));
    let gain = |i: usize, g: &Parameter| 1.0 - beta.at(i) * (1.0 - g.at(i));
    let of_all = |i: usize| steps.iter().map(|g| gain(i, g)).sum::<f64>() / steps.len() as f64;
    let kept = parameters.each(["alpha", "tau"], exponential);
    let all = |i: usize| steps.iter().map(move |g| gain(i, g));
    let mut losses = Vec::new();
    if (0..parameters.len).any(|i| all(i).any(|g| g != gain(i, &steps[0]))) {
        let gains: Vec<f64> = (0..parameters.len).flat_map(all).collect();
        losses.push(format!("its gain is the mean of all steps, which is {}", range(&gains)));
    }
    let is_hard = |i: usize| parameters.get("gamma").at(i) == 1.0;
    let is_soft = |i: usize| {
        let [gamma, r, theta] =
            ["gamma", "v_subreset", "v_threshold"].map(|name| parameters.get(name).at(i));
        gamma == 0.0 && r == kept[i] * theta
    };
    let resets = |i: usize| if step.subtracts() { is_soft(i) } else { is_hard(i) };
    if !(0..parameters.len).all(resets) {
        let gamma = range(&parameters.each(["gamma"], |[gamma]| gamma));
        losses.push(format!("its reset is not the convention's but gated, gamma {gamma}"));
    }
    Ok(Leaking {
        gain: (0..parameters.len).map(of_all).collect(),
        drift: parameters.each(["alpha", "linear_decay"], |[alpha, lambda]| (alpha - 1.0) * lambda),
        threshold: parameters.each(["v_threshold"], |[theta]| theta),
        reset: vec![0.0; parameters.len],
        kept,
        losses,
    })
}

fn flow(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    check(parameters, step)?;
    parameters.require_flow("alpha", "less than 1 where tau is 0", |alpha| {
        alpha < 1.0 || (0..parameters.len).all(|i| parameters.get("tau").at(i) > 0.0)
    })?;
    let (len, leak) = (parameters.len, ["alpha", "linear_decay"]);
    let drift = |[alpha, lambda]: [f64; 2]| -(1.0 - alpha) * lambda;
    let taken = |[gamma, r, alpha, tau]: [f64; 4]| (1.0 - gamma) * r / exponential([alpha, tau]);
    let curve = Curve {
        factor: parameters.column(["alpha", "tau"], exponential),
        drift: parameters.column(leak, drift),
        gains: gains(parameters),
        start: Column::of(len, [], |[]| 0.0),
        relu: false,
        firing: flow::Firing::new(len, parameters.get("v_threshold"), &Parameter::same(0.0), step)?,
        gates: Some([
            parameters.column(["gamma"], |[gamma]| 1.0 - gamma),
            parameters.column(["gamma", "v_subreset", "alpha", "tau"], taken),
        ]),
    };
    Ok(Box::new(Stepwise::new(parameters, curve, step, drive)?))
}

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "gated-lif",
    about: "gated LIF (GLIF): learns leak, gain, reset and threshold, by channel",
    engine: &GATED_LIF,
    learned: Trained::LEARNED,
    defaults: Settings {
        threshold: 0.5,
        fire: Fire::Above,
        surrogate: Surrogate::RECTANGLE,
        channel_wise: true,
        ..Settings::SPIKINGJELLY
    },
    build: |settings| Box::new(Of(Trained::new(settings))),
    signed: None,
    fields: |_, learned, step| {
        let names = Trained::LEARNED.iter().map(|learned| learned.name);
        let fields = names.zip(learned.iter().map(|x| x.sigmoid()));
        fields.chain([(STEP.name, step.0)]).collect()
    },
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
        let slope = upstream.slope;
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
