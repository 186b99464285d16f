//! Neuron models: one room each, found by the name of their NIR node.
//!
//! A [`Neuron`] holds its parameters as the file gave them, in SI units and in the
//! file's order. [`Neuron::at`] turns them into coefficients of one step under a
//! convention, [`Neuron::flow`] into closed forms between events. The result of the first
//! is a [`Population`], which knows nothing of files, graphs or time.
//!
//! A room is a [`Model`]: its fields, and the function that makes coefficients of
//! them. What every model needs around that is written once, here.

mod caution;
mod coefficients;
mod column;
pub mod convention;
mod crossing;
mod cuba_lif;
mod current_based;
mod da_lif;
pub mod exporter;
mod fire;
mod floor;
pub mod flow;
mod gated_lif;
mod integrate;
mod klif;
pub mod lane;
mod leaky;
mod lif;
mod loihi;
mod membrane;
mod nearest;
mod plif;
pub mod preset;
mod refractory;
mod stepwise;
pub mod surrogate;
pub mod sweep;
mod threshold;
pub mod trainable;

use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::simd::{bits, dispatch};
use crate::signal::{BLOCK, Shape};
use crate::units::Seconds;
use column::{Parameter, Parameters};
use convention::{Convention, Leak};
use flow::{Drive, Flow};
use nearest::Leaking;
pub use nearest::Nearest;
use preset::Conventions;
use refractory::Refractory;
use sweep::{Asking, BlockStep, Drowsy, Idle, StepOf, Sweep, Sweeping};

/// A neuron model.
#[derive(Debug)]
pub struct Model {
    /// The name of its NIR node; its own name where NIR has none.
    pub nir: &'static str,
    /// One line for help texts.
    pub about: &'static str,
    /// Whether it sends spikes; otherwise it sends its potential.
    pub spikes: bool,
    /// Its parameters.
    pub fields: &'static [Field],
    /// Its coefficients over one step.
    bind: fn(&Parameters, &Step) -> Result<Box<dyn Population>>,
    /// Its closed form between events.
    flow: fn(&Parameters, &Step, &Drive) -> Result<Box<dyn Flow>>,
    /// What a LIF could do of it; of models that NIR has not.
    leaking: Option<fn(&Parameters, &Step) -> Result<Leaking>>,
}

/// A parameter of a model.
#[derive(Debug)]
pub struct Field {
    /// Its name in NIR.
    pub name: &'static str,
    /// Its unit; times are in seconds and positive.
    pub unit: &'static str,
    /// Its value where the file has none; a field without one must be there.
    pub default: Option<f64>,
    /// Whether each step has its own: the first axis counts steps, and from the last
    /// on it stays.
    pub by_step: bool,
}

/// A length of time, and the choices by which a model crosses it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// How long it is.
    pub dt: Seconds,
    /// What the equations leave open.
    pub convention: Convention,
}

/// Models that other files have and NIR has not.
pub const FOREIGN: &[Model] =
    &[loihi::LOIHI_CUBA, klif::KLIF, gated_lif::GATED_LIF, da_lif::DA_LIF];

/// Every model that NIR has a node for.
pub const MODELS: &[Model] = &[
    integrate::IF,
    integrate::I,
    lif::LIF,
    leaky::LI,
    cuba_lif::CUBA_LIF,
    cuba_lif::CUBA_LI,
    threshold::THRESHOLD,
];

impl Field {
    /// Whether a neuron can have this value. One that never fires has a threshold without
    /// end; nothing else has none.
    fn takes(&self, x: f64) -> bool {
        match self.unit == TIME {
            true => x > 0.0 && x.is_finite(),
            false => x.is_finite() || x == f64::INFINITY && self.name.ends_with("threshold"),
        }
    }

    /// What it can have.
    fn expects(&self) -> &'static str {
        match self.unit == TIME {
            true => "a positive time in seconds; IF and I do not leak",
            false => "a finite number",
        }
    }
}

const fn field(name: &'static str, unit: &'static str) -> Field {
    Field { name, unit, default: None, by_step: false }
}

const fn field_or(name: &'static str, unit: &'static str, default: f64) -> Field {
    Field { default: Some(default), ..field(name, unit) }
}

const fn field_by_step(name: &'static str, unit: &'static str) -> Field {
    Field { by_step: true, ..field(name, unit) }
}

/// The unit of fields that are times.
const TIME: &str = "s";

impl Model {
    /// Whether a potential outlasts the step or the instant in which something arrives; if
    /// not, no time passes for it and nothing fades.
    fn has_memory(&self) -> bool {
        self.nir != threshold::THRESHOLD.nir
    }

    /// Takes this model's parameters out of a NIR node.
    ///
    /// # Errors
    /// A field that is not there.
    pub fn read(&'static self, record: &mut Record) -> Result<Neuron> {
        let mut fields = Record::default();
        for Field { name, default, .. } in self.fields {
            match default {
                None => fields.put(name, record.take(name)?),
                Some(_) => fields.put_if_any(name, &record.take_if_any(name)),
            }
        }
        Ok(Neuron { model: self, fields })
    }
}

/// A population's model and parameters.
#[derive(Debug)]
pub struct Neuron {
    model: &'static Model,
    fields: Record,
}

impl Neuron {
    /// The model.
    pub fn model(&self) -> &'static Model {
        self.model
    }

    /// The shape of the population as the parameters have it: that of the
    /// largest. One of one element fits any population; `[C, 1, …]` any of C channels.
    pub fn shape(&self) -> &[usize] {
        let shapes = self.model.fields.iter().filter_map(|field| {
            let shape = self.fields.arrays.get(field.name)?.shape();
            Some(if field.by_step { shape.get(1..).unwrap_or_default() } else { shape })
        });
        let size = |axes: &&[usize]| axes.iter().fold(1, |n: usize, &axis| n.saturating_mul(axis));
        shapes.max_by_key(size).unwrap_or_default()
    }

    /// What a NIR file holds for it.
    pub fn write(&self) -> Record {
        self.fields.clone()
    }

    /// Whether its potential fades without input: by a time constant, or by a convention's
    /// factor, which is asked even where nothing else leaks.
    ///
    /// # Errors
    /// As [`Conventions::for_model`].
    pub fn leaks(&self, conventions: &Conventions) -> Result<bool> {
        let leak = conventions.for_model(self.model.nir)?.leak;
        let has_time = self.model.fields.iter().any(|field| field.unit == TIME);
        let fades = matches!(leak, Leak::Fixed(factor) if factor != 1.0);
        Ok(has_time || fades && self.model.has_memory())
    }

    /// Number of stored parameters.
    pub fn parameters(&self) -> usize {
        self.fields.arrays.values().map(Array::len).sum()
    }

    /// The coefficients of one step of length `dt`.
    ///
    /// # Errors
    /// Parameters that do not have the shape, or values for which the model or
    /// the convention has no meaning.
    pub fn at(
        &self,
        dt: Seconds,
        shape: &Shape,
        conventions: &Conventions,
    ) -> Result<Box<dyn Population>> {
        let (parameters, step) = (self.parameters_of(shape)?, self.step(dt, conventions)?);
        let population = (self.model.bind)(&parameters, &step)?;
        match step.convention.refractory.0 > 0.0 && self.model.spikes {
            true => Ok(Box::new(Refractory::around(population, &step, dt)?)),
            false => Ok(population),
        }
    }

    /// The closed form between events, with a constant input; `dt` is the step
    /// that a clocked run would take.
    ///
    /// # Errors
    /// As [`Neuron::at`], and a convention that has no meaning without a clock.
    pub fn flow(
        &self,
        dt: Seconds,
        shape: &Shape,
        conventions: &Conventions,
        drive: &Drive,
    ) -> Result<Box<dyn Flow>> {
        let parameters = self.parameters_of(shape)?;
        (self.model.flow)(&parameters, &self.step(dt, conventions)?, drive)
    }

    fn parameters_of(&self, shape: &Shape) -> Result<Parameters> {
        let (by_step, single): (Vec<_>, Vec<_>) =
            self.model.fields.iter().partition(|field| field.by_step);
        let parameter = |field: &&'static Field| {
            let parameter = match (self.fields.arrays.get(field.name), field.default) {
                (Some(array), _) => Parameter::read(field.name, array, shape)?,
                (None, default) => Parameter::same(default.unwrap_or_default()),
            };
            parameter.require(field.name, field.expects(), |x| field.takes(x))?;
            Ok((field.name, parameter))
        };
        let steps = |field: &&'static Field| {
            let none = Array::floats(&[0], Vec::new());
            let array = self.fields.arrays.get(field.name).unwrap_or(&none);
            Ok((field.name, Parameter::read_steps(field.name, array, shape)?))
        };
        let all: Result<_> = single.iter().map(parameter).collect();
        let by_step: Result<_> = by_step.iter().map(steps).collect();
        Ok(Parameters { len: shape.len(), all: all?, by_step: by_step? })
    }

    fn step(&self, dt: Seconds, conventions: &Conventions) -> Result<Step> {
        let convention = conventions.for_model(self.model.nir)?;
        let step = Step { dt: convention.step.unwrap_or(dt), convention };
        if convention.refractory.0 > 0.0 {
            step.check_refractory()?;
        }
        Ok(step)
    }
}

/// What came of the first half of a step.
#[derive(Clone, Copy, Debug)]
pub struct Charged {
    /// Whether there is a second: a neuron fires, or nothing was done yet.
    pub fires: bool,
    /// As [`Stepped::still`] where there is none, or else false.
    pub still: bool,
}

/// What came of a step.
#[derive(Clone, Copy, Debug)]
pub struct Stepped {
    /// The neurons that sent anything, a bit each.
    pub active: u64,
    /// Whether a step without input would change nothing and send nothing. It may be
    /// said of too few blocks, never of too many.
    pub still: bool,
}

impl Stepped {
    /// Of a block that may move on.
    #[inline(always)]
    fn moving(sent: &[f32; BLOCK]) -> Stepped {
        Stepped { active: bits(|lane| sent[lane] != 0.0), still: false }
    }
}

/// What a step compares, before it fires and resets.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    /// Membrane potentials.
    pub potential: [f32; BLOCK],
    /// Thresholds.
    pub threshold: [f32; BLOCK],
}

/// A population of one model, ready to step.
///
/// The state of a block is [`Population::variables`] runs of [`BLOCK`] numbers,
/// the membrane potential first.
pub trait Population: BlockStep + Send + Sync {
    /// State variables per neuron.
    fn variables(&self) -> usize;

    /// The state of a block before the first step.
    fn start(&self, block: usize, state: &mut [f32]);

    /// As [`BlockStep::step_block`], in the widest registers.
    fn step(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        dispatch(StepOf { by: self, block, state, input, sent })
    }

    /// Advances many blocks by one step, in the widest registers; gives those that do not
    /// rest from now on.
    fn sweep(&self, sweep: &mut Sweep<'_>) -> u64 {
        dispatch(Sweeping { by: self, sweep })
    }

    /// The same in registers of any width; of a population that is quicker than block by
    /// block, `#[inline(always)]`.
    #[inline(always)]
    fn sweep_wide(&self, sweep: &mut Sweep<'_>) -> u64 {
        sweep.each(self.variables(), self)
    }

    /// The potentials that one more step with this input would compare with the
    /// threshold, and the threshold; of populations that spike.
    fn charge(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        let _ = (block, state, input);
        None
    }

    /// Advances a block of which no neuron can fire by itself, see
    /// [`BlockStep::is_quiet_block`], by so many steps without input. `before` is room.
    fn idle(&self, block: usize, state: &mut [f32], steps: u64, before: &mut Vec<f32>) {
        dispatch(Idle { by: self, block, state, steps, before });
    }

    /// Whether every block that is quiet rests, so that none that moves need be asked.
    fn rests_when_quiet(&self) -> bool {
        false
    }

    /// Those of many blocks in which no neuron can ever fire without input, see
    /// [`BlockStep::is_quiet_block`], in the widest registers.
    fn quiet(&self, drowsy: Drowsy<'_>) -> u64 {
        dispatch(Asking { by: self, drowsy })
    }

    /// The same in registers of any width; of a population that is quicker than block by
    /// block, `#[inline(always)]`.
    #[inline(always)]
    fn quiet_wide(&self, drowsy: &Drowsy<'_>) -> u64 {
        drowsy.quiet(self.variables(), self)
    }
}
