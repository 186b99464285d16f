//! A trained population as the engines run it: the same spikes, bit for bit.

use super::{Fields, Settings, Trainable};
use crate::error::{Error, ErrorKind, Result};
use crate::neuron::Neuron;
use crate::neuron::convention::Fire;
use crate::neuron::preset::Conventions;
use crate::record::{Array, Record, Values};
use crate::units::Seconds;

impl Settings {
    /// The conventions under which [`Trainable::neuron`] runs as it was trained.
    ///
    /// # Errors
    /// None: the preset and its fields are known.
    pub fn conventions(&self) -> Result<Conventions> {
        let fire = if self.fire == Fire::Above { ",fire=above" } else { "" };
        let reset = if self.reset.is_none() { ",reset=subtract" } else { "" };
        format!("spikingjelly{fire}{reset}").parse()
    }

    /// Threshold and reset.
    pub(in crate::neuron) fn firing_fields(&self) -> [(&'static str, f64); 2] {
        [("v_threshold", self.threshold), ("v_reset", self.reset.unwrap_or(0.0))]
    }

    /// A LIF that leaks at this rate a step.
    pub(in crate::neuron) fn leak_fields(&self, rate: f64, step: Seconds) -> Fields {
        let leak = [
            ("tau", step.0 / rate),
            ("r", if self.decay_input { 1.0 } else { 1.0 / rate }),
            ("v_leak", self.reset.unwrap_or(0.0)),
        ];
        leak.into_iter().chain(self.firing_fields()).collect()
    }
}

impl Trainable {
    /// What a trained population has become, for steps of `step`; with the conventions
    /// of [`Settings::conventions`].
    ///
    /// `parameters` are those of [`super::Cells::forward`], for `steps` steps; `axes` is
    /// the number of the population's axes, the channel's included.
    ///
    /// # Errors
    /// Parameters that are too few, or of numbers of channels that differ.
    pub fn neuron(
        &self,
        settings: &Settings,
        parameters: &[&[f32]],
        (steps, axes): (usize, usize),
        step: Seconds,
    ) -> Result<Neuron> {
        let channels = self.channels(parameters, steps)?;
        let fields = |at: usize, channel: usize| {
            let learned = self.learned.iter().zip(parameters).map(|(learned, values)| {
                let row = if learned.per_step { at * channels } else { 0 };
                f64::from(values[row + channel])
            });
            (self.fields)(settings, &learned.collect::<Vec<_>>(), step)
        };
        let mut record = Record::default();
        for field in self.engine.fields {
            let steps = if field.by_step { steps } else { 1 };
            let all = (0..steps).flat_map(|at| (0..channels).map(move |c| (at, c)));
            let value = |(at, channel)| {
                fields(at, channel).into_iter().find(|(name, _)| *name == field.name)
            };
            let values: Option<Vec<f64>> = all.map(|at| Some(value(at)?.1)).collect();
            let Some(values) = values else { continue };
            let mut shape = if field.by_step { vec![steps] } else { Vec::new() };
            if channels > 1 {
                shape.push(channels);
                shape.extend(std::iter::repeat_n(1, axes.saturating_sub(1)));
            }
            record.put(field.name, Array::new(&shape, Values::F64(values))?);
        }
        self.engine.read(&mut record)
    }

    /// The channels that parameters are for; 1 where all share them.
    fn channels(&self, parameters: &[&[f32]], steps: usize) -> Result<usize> {
        let refuse = |found: String, expected: &str| {
            let place = format!("neuron '{}'", self.name);
            Err(Error::new(ErrorKind::Shape, found, expected).at(place))
        };
        if parameters.len() != self.learned.len() || steps == 0 {
            let found = format!("{} parameters for {steps} steps", parameters.len());
            return refuse(found, &format!("{} for 1 or more", self.learned.len()));
        }
        let of = |i: usize| {
            let steps = if self.learned[i].per_step { steps } else { 1 };
            (parameters[i].len().is_multiple_of(steps)).then_some(parameters[i].len() / steps)
        };
        let channels: Vec<_> = (0..parameters.len()).map(of).collect();
        match channels.first().copied().unwrap_or(Some(1)) {
            Some(first) if first > 0 && channels.iter().all(|&c| c == Some(first)) => Ok(first),
            _ => {
                let lengths: Vec<_> = parameters.iter().map(|values| values.len()).collect();
                refuse(format!("parameters of {lengths:?} numbers"), "as many of each channel")
            }
        }
    }
}
