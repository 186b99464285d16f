//! The neurons that a configuration names, and how they are chosen to be.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::neuron::convention::Fire;
use crate::neuron::trainable::{Settings, Squash, TRAINABLE, Trainable};

/// A neuron model and how it is chosen to be; what is left out is as the model was
/// published.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeuronSpec {
    /// Its name.
    pub model: String,
    /// Membrane time constant in steps; where it is learned, its start.
    pub tau: Option<f64>,
    /// Whether the input is scaled as the leak is.
    pub decay_input: Option<bool>,
    /// Firing threshold; where it is learned, its start.
    pub threshold: Option<f64>,
    /// `subtract`, or a potential as text or number.
    pub reset: Option<Reset>,
    /// `above` or `at-or-above`.
    pub fire: Option<String>,
    /// Whether gradients overlook the reset.
    pub detach_reset: Option<bool>,
    /// What stands for the derivative of a spike, such as `atan:2`.
    pub surrogate: Option<String>,
    /// KLIF: whether the reset undoes the scaling.
    pub scale_reset: Option<bool>,
    /// KLIF: whether negative potentials are cut off.
    pub relu: Option<bool>,
    /// DA-LIF: `tanh`, `sigmoid` or `identity`.
    pub squash: Option<String>,
    /// Whether each channel has its own parameters.
    pub channel_wise: Option<bool>,
    /// Whether there is a negative threshold, which sends negative spikes.
    pub signed: Option<bool>,
}

/// What a spike does to the potential.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Reset {
    /// Sets it.
    To(f64),
    /// `subtract`: takes the threshold away.
    Word(String),
}

impl Default for NeuronSpec {
    fn default() -> NeuronSpec {
        NeuronSpec {
            model: "lif".into(),
            tau: None,
            decay_input: None,
            threshold: None,
            reset: None,
            fire: None,
            detach_reset: None,
            surrogate: None,
            scale_reset: None,
            relu: None,
            squash: None,
            channel_wise: None,
            signed: None,
        }
    }
}

impl NeuronSpec {
    /// The model and its settings.
    ///
    /// # Errors
    /// Names that are none.
    pub fn settings(&self) -> Result<(&'static Trainable, Settings)> {
        let refuse = |key: &str, found: &str, expected: String| {
            let error = Error::new(ErrorKind::Usage, format!("'{found}'"), expected);
            Err(error.at(format!("'neuron.{key}'")))
        };
        let Some(model) = TRAINABLE.iter().find(|model| model.name == self.model) else {
            let names: Vec<&str> = TRAINABLE.iter().map(|model| model.name).collect();
            return refuse("model", &self.model, names.join(", "));
        };
        let mut s = model.defaults.clone();
        s.tau = self.tau.unwrap_or(s.tau);
        s.decay_input = self.decay_input.unwrap_or(s.decay_input);
        s.threshold = self.threshold.unwrap_or(s.threshold);
        s.detach_reset = self.detach_reset.unwrap_or(s.detach_reset);
        s.scale_reset = self.scale_reset.unwrap_or(s.scale_reset);
        s.relu = self.relu.unwrap_or(s.relu);
        s.channel_wise = self.channel_wise.unwrap_or(s.channel_wise);
        s.signed = self.signed.unwrap_or(s.signed);
        match &self.reset {
            None => (),
            Some(Reset::To(potential)) => s.reset = Some(*potential),
            Some(Reset::Word(word)) if word == "subtract" => s.reset = None,
            Some(Reset::Word(word)) => {
                return refuse("reset", word, "subtract, or a potential".into());
            }
        }
        s.fire = match self.fire.as_deref() {
            None => s.fire,
            Some("above") => Fire::Above,
            Some("at-or-above") => Fire::AtOrAbove,
            Some(other) => return refuse("fire", other, "above or at-or-above".into()),
        };
        s.squash = match self.squash.as_deref() {
            None => s.squash,
            Some("tanh") => Squash::Tanh,
            Some("sigmoid") => Squash::Sigmoid,
            Some("identity") => Squash::Identity,
            Some(other) => return refuse("squash", other, "tanh, sigmoid or identity".into()),
        };
        if let Some(surrogate) = &self.surrogate {
            s.surrogate = surrogate.parse().map_err(|e: Error| e.at("'neuron.surrogate'"))?;
        }
        Ok((model, s))
    }
}
