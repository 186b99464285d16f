//! KLIF: LIF with a learned scale of the potential.
//!
//! ```text
//! h = LIF's charge
//! u = ReLU(k h)                    spike when u ≥ θ
//! v = reset(u, θ)                  or reset(u/k, θ/k) with `scale_reset`
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `tau`, `r`, `v_leak`, `v_threshold`, `v_reset` | as of [`super::lif`] | | |
//! | `k` | k, above 0 | 1 | |
//! | `relu` | whether there is a ReLU, 0 or 1, of all neurons | | 1 |
//! | `scale_reset` | whether the reset is divided by k, likewise | | 0 |
//! | `step` | length of the step that k is for | s | |
//!
//! Receives weighted spikes, sends spikes, one at most a step; resets in the same step.
//!
//! **Between events** a step without input is v ← k(decay·v + drift), without the k with
//! `scale_reset`, cut off at 0 by the ReLU ([`super::stepwise`]). Where k·decay > 1 it
//! grows, and fires alone. A `v_reset` below 0 that the ReLU would cut off one step
//! later is for a clock, and so is a ReLU with a threshold of 0 or below.
//!
//! | learned | symbol | bounds | start |
//! |---|---|---|---|
//! | `k` | k | at least 0.001 | 1 |
//!
//! One k for all neurons of a population. The published model does not keep k above
//! 0, where it would silence its neurons for good; the bound is ours, and the
//! optimiser's to keep. The ReLU is an option: the journal's abstract no longer has
//! it. Without `scale_reset` potentials grow where k > τ/(τ − 1). NIR has no such
//! node. Without ReLU it is a LIF of another leak and gain, or threshold.
//!
//! **Source.** Jiang & Zhang, arXiv 2302.09238 (Neural Computation 36(12), 2024), as
//! transcribed in SpikingJelly 2.0, `activation_based/neuron/lif_variants.py` and
//! `functional/neuron.py`, `klif_step`. The authors' code was not found.

use super::coefficients::{ByCoefficients, Coefficient};
use super::column::{Column, Parameter, Parameters};
use super::convention::{Reset, Start};
use super::flow::{self, Drive, Flow};
use super::lane::Lane;
use super::lif;
use super::membrane::Membrane;
use super::nearest::Leaking;
use super::stepwise::{Curve, STEP, Stepwise};
use super::sweep::{BlockStep, variable};
use super::trainable::{
    self, Downstream, Dynamics, Firing, Learned, Of, ResetGradient, Settings, Trainable, Upstream,
};
use super::{Charged, Field, Model, Population, Step, Stepped, TIME, field, field_or};
use crate::error::Result;
use crate::signal::BLOCK;
use crate::signal::simd::every;

const FIELDS: &[Field] = &[
    field("tau", TIME),
    field("r", "potential per current"),
    field("v_leak", "potential"),
    field("v_threshold", "potential"),
    field_or("v_reset", "potential", 0.0),
    field("k", "1"),
    field_or("relu", "0 or 1", 1.0),
    field_or("scale_reset", "0 or 1", 0.0),
    STEP,
];

/// The entry in [`super::FOREIGN`].
pub const KLIF: Model = Model {
    nir: "KLIF",
    about: "LIF with a scale of the potential",
    spikes: true,
    fields: FIELDS,
    bind,
    flow,
    leaking: Some(leaking),
};

fn check(parameters: &Parameters, step: &Step) -> Result<()> {
    step.check_length(parameters)?;
    step.check_rules()?;
    parameters.get("k").require("k", "a number above 0", |k| k > 0.0)
}

fn bind(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    check(parameters, step)?;
    let scale_reset = parameters.flag("scale_reset")?;
    let to_zero = step.convention.reset == Reset::ToZero;
    // divided in 32 bits, as in training
    let taken = |[theta, k]: [f64; 2]| match scale_reset {
        true => f64::from(theta as f32 / k as f32),
        false => theta,
    };
    Ok(Box::new(Scaled {
        membrane: lif::leaking(parameters, step),
        k: parameters.column(["k"], |[k]| k),
        relu: parameters.flag("relu")?,
        scale_reset,
        subtracts: step.subtracts(),
        threshold: parameters.column(["v_threshold"], |[theta]| theta),
        fire_at: parameters.column(["v_threshold"], |[theta]| step.fires_from(theta)),
        taken: parameters.column(["v_threshold", "k"], taken),
        reset_to: parameters.column(["v_reset"], |[v]| if to_zero { 0.0 } else { v }),
        start: parameters.column(["v_leak", "v_reset"], |[leak, reset]| step.start(leak, reset)),
    }))
}

/// A population with one state variable, v.
struct Scaled {
    membrane: Membrane,
    k: Column,
    relu: bool,
    scale_reset: bool,
    subtracts: bool,
    threshold: Column,
    fire_at: Column,
    taken: Column,
    reset_to: Column,
    start: Column,
}

/// The coefficients of a block.
#[derive(Clone, Copy)]
struct Coefficients<C> {
    decay: C,
    gain: C,
    drift: C,
    k: C,
    fire_at: C,
    taken: C,
    reset_to: C,
    relu: bool,
    scale_reset: bool,
    subtracts: bool,
}

impl<C: Coefficient> Coefficients<C> {
    /// u of the module's head, of a neuron by its lane, v and input.
    #[inline(always)]
    fn scaled(self) -> impl Fn(usize, f32, f32) -> f32 {
        let Coefficients { decay, gain, drift, k, relu, .. } = self;
        move |i, v, x| {
            let u = k.of(i) * (decay.of(i) * v + gain.of(i) * x + drift.of(i));
            if relu && u <= 0.0 { 0.0 } else { u }
        }
    }

    /// u in the units of v.
    #[inline(always)]
    fn rescaled(self) -> impl Fn(usize, f32) -> f32 {
        move |i, u| if self.scale_reset { u / self.k.of(i) } else { u }
    }
}

impl<C: Coefficient> BlockStep for Coefficients<C> {
    #[inline(always)]
    fn charge_block(&self, _block: usize, state: &mut [f32], input: &[f32; BLOCK]) -> Charged {
        let (scaled, rescaled) = (self.scaled(), self.rescaled());
        let mut any = false;
        for (i, v) in state.iter_mut().enumerate() {
            *v = scaled(i, *v, input[i]);
            any |= *v >= self.fire_at.of(i);
        }
        if !any && self.scale_reset {
            state.iter_mut().enumerate().for_each(|(i, u)| *u = rescaled(i, *u));
        }
        Charged { fires: any, still: false }
    }

    /// From u, which the first half has left.
    #[inline(always)]
    fn fire_block(
        &self,
        _block: usize,
        state: &mut [f32],
        _input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let rescaled = self.rescaled();
        for (i, v) in state.iter_mut().enumerate() {
            let (fires, kept) = (*v >= self.fire_at.of(i), rescaled(i, *v));
            let reset = if self.subtracts { kept - self.taken.of(i) } else { self.reset_to.of(i) };
            sent[i] = if fires { 1.0 } else { 0.0 };
            *v = if fires { reset } else { kept };
        }
        Stepped::moving(sent)
    }

    /// What starts below some bound stays below it where the largest v below it does: a
    /// step rises with v.
    #[inline(always)]
    fn is_quiet_block(&self, _block: usize, state: &[f32]) -> bool {
        let (scaled, rescaled, v) = (self.scaled(), self.rescaled(), variable(state, 0));
        every(|i| {
            let fire_at = self.fire_at.of(i);
            let bound = rescaled(i, fire_at);
            let next = scaled(i, bound.next_down(), 0.0);
            let stays = (next < fire_at) & (rescaled(i, next) < bound);
            (self.decay.of(i) >= 0.0) & (v[i] < bound) & stays
        })
    }
}

impl ByCoefficients for Scaled {
    const VARIABLES: usize = 1;

    type By<C: Coefficient> = Coefficients<C>;

    #[inline(always)]
    fn of_block(&self, block: usize) -> Coefficients<&[f32; BLOCK]> {
        Coefficients {
            decay: self.membrane.decay.block(block),
            gain: self.membrane.gain.block(block),
            drift: self.membrane.drift.block(block),
            k: self.k.block(block),
            fire_at: self.fire_at.block(block),
            taken: self.taken.block(block),
            reset_to: self.reset_to.block(block),
            relu: self.relu,
            scale_reset: self.scale_reset,
            subtracts: self.subtracts,
        }
    }

    fn shared(&self) -> Option<Coefficients<f32>> {
        Some(Coefficients {
            decay: self.membrane.decay.shared()?,
            gain: self.membrane.gain.shared()?,
            drift: self.membrane.drift.shared()?,
            k: self.k.shared()?,
            fire_at: self.fire_at.shared()?,
            taken: self.taken.shared()?,
            reset_to: self.reset_to.shared()?,
            relu: self.relu,
            scale_reset: self.scale_reset,
            subtracts: self.subtracts,
        })
    }

    fn first_state(&self, block: usize, state: &mut [f32]) {
        state.copy_from_slice(self.start.block(block));
    }

    fn compared(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<super::Charge> {
        let scaled = self.of_block(block).scaled();
        Some(super::Charge {
            potential: std::array::from_fn(|i| scaled(i, state[i], input[i])),
            threshold: *self.threshold.block(block),
        })
    }
}

fn leaking(parameters: &Parameters, step: &Step) -> Result<Leaking> {
    check(parameters, step)?;
    let (names, scale_reset) = (["tau", "r", "v_leak", "k"], parameters.flag("scale_reset")?);
    let unit = |k: f64| if scale_reset { 1.0 } else { k };
    let threshold = |[theta, k]: [f64; 2]| theta * unit(k) / k;
    let mut losses = Vec::new();
    if parameters.flag("relu")? {
        losses.push("potentials below 0 are not cut off".to_owned());
    }
    let moved = |[leak, k]: [f64; 2]| leak * (unit(k) - 1.0);
    let moved = parameters.each(["v_leak", "k"], moved).into_iter().any(|leak| leak != 0.0);
    if moved && step.convention.start == Start::Leak {
        losses.push("it does not start from v_leak".to_owned());
    }
    Ok(Leaking {
        kept: parameters.each(names, |[tau, _, _, k]| unit(k) * step.decay(tau)),
        gain: parameters.each(names, |[tau, r, _, k]| unit(k) * step.gain(tau, r)),
        drift: parameters.each(names, |[tau, _, leak, k]| unit(k) * step.loss(tau) * leak),
        threshold: parameters.each(["v_threshold", "k"], threshold),
        reset: parameters.each(["v_reset"], |[reset]| reset),
        losses,
    })
}

fn flow(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    check(parameters, step)?;
    step.time_constant(1.0)?;
    let (relu, scale_reset) = (parameters.flag("relu")?, parameters.flag("scale_reset")?);
    if relu && step.convention.reset == Reset::ToValue {
        parameters.require_flow("v_reset", "0 or more with a ReLU", |v| v >= 0.0)?;
    }
    if relu {
        parameters.require_flow("v_threshold", "a number above 0 with a ReLU", |v| v > 0.0)?;
    }
    let (len, names) = (parameters.len, ["tau", "r", "v_leak", "k"]);
    let unit = |k: f64| if scale_reset { 1.0 } else { k };
    let threshold = |i: usize| {
        let [theta, k] = ["v_threshold", "k"].map(|name| parameters.get(name).at(i));
        if scale_reset { theta / k } else { theta }
    };
    let threshold = Parameter::each((0..len).map(threshold).collect());
    let reset = parameters.get("v_reset");
    let curve = Curve {
        factor: parameters.column(names, |[tau, _, _, k]| unit(k) * step.decay(tau)),
        drift: parameters.column(names, |[tau, _, leak, k]| unit(k) * step.loss(tau) * leak),
        gains: vec![parameters.column(names, |[tau, r, _, k]| unit(k) * step.gain(tau, r))],
        start: parameters.column(["v_leak", "v_reset"], |[leak, reset]| step.start(leak, reset)),
        relu,
        firing: flow::Firing::new(len, &threshold, reset, step)?,
        gates: None,
    };
    Ok(Box::new(Stepwise::new(parameters, curve, step, drive)?))
}

/// The entry in [`super::trainable::TRAINABLE`].
pub const TRAINABLE: Trainable = Trainable {
    name: "klif",
    about: "LIF with a learned scale of the potential",
    engine: &KLIF,
    learned: Trained::LEARNED,
    defaults: Settings::SPIKINGJELLY,
    build: |settings| Box::new(Of(Trained::new(settings))),
    signed: None,
    fields: |settings, learned, step| {
        let flag = |is: bool| if is { 1.0 } else { 0.0 };
        let own = [
            ("k", learned[0]),
            ("relu", flag(settings.relu)),
            ("scale_reset", flag(settings.scale_reset)),
            (STEP.name, step.0),
        ];
        settings.leak_fields(1.0 / settings.tau, step).into_iter().chain(own).collect()
    },
};

/// The neuron as it is trained.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    tau: f64,
    charge: trainable::Charge,
    relu: bool,
    scale_reset: bool,
    firing: Firing,
}

impl Trained {
    /// Under these choices.
    pub fn new(settings: &Settings) -> Trained {
        Trained {
            tau: settings.tau,
            charge: trainable::Charge::new(settings),
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
        let slope = upstream.slope;
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
