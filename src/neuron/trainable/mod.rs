//! Neurons that learn: a step over a whole sequence, and its adjoint.
//!
//! A trainable model is a [`Dynamics`]: coefficients from its learnable parameters,
//! one step, and that step's adjoint, all written over a [`Lane`]. The loops over
//! time, neurons and channels ([`Of`]) are written once and know no model; who trains
//! knows [`TRAINABLE`] and [`Cells`], and no model by name.
//!
//! Time is counted in steps here; NIR's τ in seconds is τ·dt.

mod block;
mod firing;
mod frozen;
mod looped;
mod membrane;
mod sequence;
mod signed;

pub use block::BLOCK_BYTES;
pub use firing::{Firing, ResetGradient, Upstream};
pub use looped::{Feedback, Looped};
pub use membrane::{Charge, Membrane};
pub use sequence::{Layout, Of, parts};
pub use signed::Sends;
pub(in crate::neuron) use signed::signed;

use std::cell::Cell;

use super::convention::Fire;
use super::lane::Lane;
use super::surrogate::Surrogate;
use super::{Model, da_lif, gated_lif, integrate, klif, lif, plif};
use crate::error::{Error, ErrorKind, Result};
use crate::units::Seconds;

/// A model that can be trained.
#[derive(Debug)]
pub struct Trainable {
    /// Its name.
    pub name: &'static str,
    /// One line for help texts.
    pub about: &'static str,
    /// The model that the engines run once it is trained.
    pub engine: &'static Model,
    /// What is learned.
    pub learned: &'static [Learned],
    /// The choices that it was published with.
    pub defaults: Settings,
    /// Its populations.
    pub(super) build: fn(&Settings) -> Box<dyn Cells>,
    /// Those that send such spikes, where it has a negative threshold too.
    pub(super) signed: Option<SignedCells>,
    /// The fields of `engine`, by what one channel learned, for steps of a length.
    pub(super) fields: fn(&Settings, &[f64], Seconds) -> Fields,
}

/// Every model that can be trained.
pub const TRAINABLE: &[Trainable] = &[
    integrate::TRAINABLE,
    lif::TRAINABLE,
    plif::TRAINABLE,
    klif::TRAINABLE,
    gated_lif::TRAINABLE,
    da_lif::TRAINABLE,
];

/// Populations that send signed spikes, or only some of those.
pub(super) type SignedCells = fn(&Settings, Sends) -> Box<dyn Cells>;

/// Numbers of an engine's model, by their names.
pub(super) type Fields = Vec<(&'static str, f64)>;

/// A learnable parameter: one number for each channel, or one for all.
#[derive(Clone, Copy, Debug)]
pub struct Learned {
    /// Its name.
    pub name: &'static str,
    /// What it means and how it is kept in its bounds.
    pub about: &'static str,
    /// Where it starts, given the choices and the number of steps.
    pub initial: fn(&Settings, steps: usize) -> f64,
    /// It starts within this distance of `initial`, uniformly drawn.
    pub spread: f64,
    /// The least value that an optimiser may leave it at.
    pub least: f64,
    /// Whether each time step has its own.
    pub per_step: bool,
}

impl Learned {
    /// One number, unbounded, that starts here.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        initial: fn(&Settings, usize) -> f64,
    ) -> Learned {
        Learned { name, about, initial, spread: 0.0, least: f64::NEG_INFINITY, per_step: false }
    }
}

/// What trainers disagree on. A model reads the fields that concern it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Membrane time constant in steps, above 1; where it is learned, its start.
    pub tau: f64,
    /// Whether the input is scaled by 1/τ, as the leak is.
    pub decay_input: bool,
    /// Firing threshold; where it is learned, its start.
    pub threshold: f64,
    /// What a spike sets the potential to; None takes the threshold away instead.
    pub reset: Option<f64>,
    /// Whether the threshold itself fires.
    pub fire: Fire,
    /// Whether gradients overlook the reset.
    pub detach_reset: bool,
    /// What stands for the derivative of a spike.
    pub surrogate: Surrogate,
    /// KLIF: whether the reset undoes the scaling by k.
    pub scale_reset: bool,
    /// KLIF: whether negative potentials are cut off.
    pub relu: bool,
    /// DA-LIF: what keeps the decays in their bounds.
    pub squash: Squash,
    /// Whether each channel has its own parameters.
    pub channel_wise: bool,
    /// Whether there is a negative threshold, which sends negative spikes.
    pub signed: bool,
}

/// A function from a free number to a decay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Squash {
    /// tanh: −1 to 1.
    Tanh,
    /// σ: 0 to 1.
    Sigmoid,
    /// The number itself.
    Identity,
}

impl Settings {
    /// SpikingJelly's LIF: τ = 2, input decays, θ = 1 fires, hard reset to 0.
    pub const SPIKINGJELLY: Settings = Settings {
        tau: 2.0,
        decay_input: true,
        threshold: 1.0,
        reset: Some(0.0),
        fire: Fire::AtOrAbove,
        detach_reset: false,
        surrogate: Surrogate::SIGMOID,
        scale_reset: false,
        relu: true,
        squash: Squash::Tanh,
        channel_wise: false,
        signed: false,
    };

    /// Threshold, reset and surrogate.
    pub fn firing(&self) -> Firing {
        Firing {
            threshold: self.threshold,
            reset: self.reset,
            fire: self.fire,
            detach_reset: self.detach_reset,
            surrogate: self.surrogate,
        }
    }

    fn check(&self) -> Result<()> {
        let all = [
            ("tau", self.tau, self.tau > 1.0, "a time constant above 1 step"),
            ("threshold", self.threshold, self.threshold > 0.0, "a positive threshold"),
            ("reset", self.reset.unwrap_or(0.0), true, "a finite potential"),
        ];
        for (name, value, holds, expected) in all {
            if !holds || !value.is_finite() {
                return Err(Error::new(ErrorKind::Usage, format!("{name} = {value}"), expected));
            }
        }
        match self.reset.is_some_and(|reset| reset >= self.threshold) {
            true => Err(Error::new(
                ErrorKind::Usage,
                format!("reset = {:?}", self.reset.unwrap_or_default()),
                format!("a potential below the threshold {}", self.threshold),
            )),
            false => Ok(()),
        }
    }
}

impl Trainable {
    /// A population under these choices.
    ///
    /// # Errors
    /// Choices that make no sense.
    pub fn cells(&self, settings: &Settings) -> Result<Box<dyn Cells>> {
        self.cells_that_send(settings, Sends::Both)
    }

    /// The same that sends only some of its spikes, if it has signed ones.
    ///
    /// # Errors
    /// As [`Trainable::cells`].
    pub fn cells_that_send(&self, settings: &Settings, sends: Sends) -> Result<Box<dyn Cells>> {
        let place = |e: Error| e.at(format!("neuron '{}'", self.name));
        settings.check().map_err(place)?;
        for learned in self.learned {
            let initial = (learned.initial)(settings, 1);
            if !initial.is_finite() {
                let found = format!("'{}' starting at {initial}", learned.name);
                let expected = "choices inside the bounds of what is learned";
                return Err(place(Error::new(ErrorKind::Usage, found, expected)));
            }
        }
        match (settings.signed, self.signed, settings.reset) {
            (false, ..) => Ok((self.build)(settings)),
            (true, Some(signed), None) => Ok(signed(settings, sends)),
            (true, None, _) => {
                let able: Vec<&str> =
                    TRAINABLE.iter().filter(|m| m.signed.is_some()).map(|m| m.name).collect();
                let expected = format!("{} for that", able.join(", "));
                Err(place(Error::new(ErrorKind::Usage, "signed spikes", expected)))
            }
            (true, Some(_), Some(reset)) => {
                let found = format!("signed spikes and reset = {reset}");
                Err(place(Error::new(ErrorKind::Usage, found, "reset = 'subtract'")))
            }
        }
    }

    /// Number of elements of a learnable parameter of a population.
    pub fn count(&self, learned: &Learned, settings: &Settings, layout: &Layout) -> usize {
        let steps = if learned.per_step { layout.steps } else { 1 };
        steps * if settings.channel_wise { layout.channels } else { 1 }
    }
}

/// A population that learns, over whole sequences `[T, B, C, …]`.
///
/// `parameters` has one slice for each of [`Trainable::learned`], of
/// [`Trainable::count`] elements, `[channel]` or `[step, channel]`.
pub trait Cells: Looped + std::fmt::Debug + Send + Sync {
    /// The population with the coefficients that its parameters mean.
    fn ready(&self, layout: &Layout, parameters: &[&[f32]]) -> Box<dyn Ready + '_>;

    /// Writes to `sent` the spikes, as numbers, that an input makes from the beginning.
    fn forward(&self, layout: &Layout, parameters: &[&[f32]], input: &[f32], sent: &mut [f32]) {
        sequence::forward(&*self.ready(layout, parameters), layout, input, sent);
    }

    /// The adjoint of [`Cells::forward`]: turns the gradient with respect to the
    /// spikes into that with respect to the input, in place, and gives those with
    /// respect to the parameters. Potentials are computed again, a block of neurons
    /// at a time, so that nothing but the input need be kept.
    fn adjoint(
        &self,
        layout: &Layout,
        parameters: &[&[f32]],
        input: &[f32],
        gradient: &mut [f32],
    ) -> Vec<Vec<f32>> {
        sequence::adjoint(&*self.ready(layout, parameters), layout, input, gradient)
    }
}

/// A population whose neurons run a few at a time, those of one channel, over all steps.
pub trait Ready: Send + Sync {
    /// Channels with parameters of their own; 1 where all share them.
    fn channels(&self) -> usize;

    /// Writes the spikes that an input makes from the beginning; both by steps.
    fn forth(&self, channel: usize, input: &[&[f32]], sent: &mut [&mut [f32]]);

    /// The adjoint of [`Ready::forth`], in place; gives what is owed to the channel's
    /// coefficients.
    fn back(&self, channel: usize, input: &[&[f32]], gradient: &mut [&mut [f32]]) -> Vec<f64>;

    /// The gradients with respect to the parameters, from what some neurons of each
    /// channel owe: added up in this order.
    fn owed(&self, runs: &[(usize, &[f64])]) -> Vec<Vec<f32>>;
}

/// One model's mathematics: P learnable parameters, C coefficients of a step.
pub trait Dynamics<const P: usize, const C: usize>: Copy + std::fmt::Debug + Send + Sync {
    /// What is learned.
    const LEARNED: &'static [Learned; P];

    /// Threshold, reset and surrogate.
    fn firing(&self) -> &Firing;

    /// The coefficients that the parameters mean.
    fn coefficients<L: Lane>(&self, parameters: [L; P]) -> [L; C];

    /// From the state before a step and its input to the spike and the state after
    /// it; `spike` is the step function of u − θ.
    fn step<L: Lane>(&self, c: &[L; C], v: L, x: L, spike: impl Fn(L) -> L) -> (L, L);

    /// The adjoint of that step at the same arguments.
    fn adjoint<L: Lane>(
        &self,
        c: &[L; C],
        v: L,
        x: L,
        spike: impl Fn(L) -> L,
        upstream: Upstream<L>,
    ) -> Downstream<L, C>;

    /// What is given to the step function: the potential above the threshold.
    #[inline(always)]
    fn excess<L: Lane>(&self, c: &[L; C], v: L, x: L) -> L {
        let seen = Cell::new(L::of(0.0));
        self.step(c, v, x, |x| {
            seen.set(x);
            x
        });
        seen.get()
    }

    /// The state before the first step.
    fn start(&self) -> f64 {
        self.firing().reset.unwrap_or(0.0)
    }
}

/// Gradients with respect to what a step started from.
#[derive(Clone, Copy, Debug)]
pub struct Downstream<L, const C: usize> {
    /// To the state before it.
    pub state: L,
    /// To its input.
    pub input: L,
    /// To the coefficients.
    pub coefficients: [L; C],
}

#[cfg(test)]
mod tests;
