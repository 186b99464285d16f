//! What NIR has in place of neurons that it lacks.
//!
//! A model that is a step `u = f v + g x + c` with 0 < f < 1 is a LIF: of the time
//! constant that makes its leak f, the resistance that makes its gain g and the resting
//! potential that makes its drift c, under the rules of the convention that the network
//! runs by. With f = 1, g = 1 and c = 0 it is an IF.

use super::column::{Parameter, Parameters};
use super::convention::{Input, Leak};
use super::preset::Conventions;
use super::stepwise::STEP;
use super::{MODELS, Neuron, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record, Values};
use crate::signal::Shape;
use crate::units::Seconds;

/// The neuron of NIR that is nearest to another.
#[derive(Debug)]
pub struct Nearest {
    /// The neuron.
    pub neuron: Neuron,
    /// What it does not do that the other did.
    pub losses: Vec<String>,
}

/// A population by what a step does to its neurons, in the engine's order.
pub struct Leaking {
    /// f of the module's head.
    pub kept: Vec<f64>,
    /// g.
    pub gain: Vec<f64>,
    /// c.
    pub drift: Vec<f64>,
    /// Thresholds.
    pub threshold: Vec<f64>,
    /// What a spike sets the potential to.
    pub reset: Vec<f64>,
    /// What the model does beside that.
    pub losses: Vec<String>,
}

/// The least that a LIF leaves of a potential, and takes away, where neither is meant.
const LEAST: f64 = 1e-3;

impl Neuron {
    /// This neuron in NIR, for a population of this shape under these conventions.
    ///
    /// # Errors
    /// A model that nothing in NIR is near, parameters that do not fit, and conventions
    /// that have no room for its leak or gain.
    pub fn in_nir(&self, shape: &Shape, conventions: &Conventions) -> Result<Nearest> {
        if MODELS.iter().any(|model| model.nir == self.model.nir) {
            return Ok(Nearest { neuron: self.spread(shape)?, losses: Vec::new() });
        }
        let Some(leaking) = self.model.leaking else {
            let found = "a neuron that nothing in NIR is near";
            return Err(Error::new(ErrorKind::Unsupported, found, "a file that ends in .synops"));
        };
        let parameters = self.parameters_of(shape)?;
        let dt = Seconds(parameters.get(STEP.name).at(0));
        let step = Step { dt, convention: conventions.for_model("LIF")? };
        step.check_length(&parameters)?;
        leaking(&parameters, &step)?.in_nir(shape, &step)
    }

    /// The same neuron with a number for each of a population where several share one: NIR's
    /// own reader takes the shape of its parameters for that of the population.
    fn spread(&self, shape: &Shape) -> Result<Neuron> {
        let mut fields = Record::default();
        for (name, array) in &self.fields.arrays {
            let array = match array.shape() == shape.axes() {
                true => array.clone(),
                false => {
                    let parameter = Parameter::read(name, array, shape)?;
                    in_file_order(shape, |address| parameter.at(address))?
                }
            };
            fields.put(name, array);
        }
        Ok(Neuron { model: self.model, fields })
    }
}

impl Leaking {
    fn in_nir(self, shape: &Shape, step: &Step) -> Result<Nearest> {
        let all = |values: &[f64], is: f64| values.iter().all(|&x| x == is);
        let integrates = all(&self.kept, 1.0) && all(&self.gain, 1.0) && all(&self.drift, 0.0);
        let (model, fields, losses) = match integrates {
            true => ("IF", vec![("r", self.gain)], self.losses),
            false => {
                let (bounded, losses) = bounded(self.kept, self.losses);
                ("LIF", leak(&bounded, &self.gain, &self.drift, step)?, losses)
            }
        };
        let mut record = Record::default();
        let both = [("v_threshold", self.threshold), ("v_reset", self.reset)];
        for (name, values) in fields.into_iter().chain(both) {
            record.put(name, in_file_order(shape, |address| values[address])?);
        }
        let model = MODELS.iter().find(|other| other.nir == model).expect("a model of NIR");
        Ok(Nearest { neuron: model.read(&mut record)?, losses })
    }
}

/// Leaks that a LIF can have.
fn bounded(kept: Vec<f64>, mut losses: Vec<String>) -> (Vec<f64>, Vec<String>) {
    let fits = |f: f64| f > 0.0 && f < 1.0;
    if !kept.iter().all(|&f| fits(f)) {
        let bounds = format!("of a LIF {LEAST} to {}", 1.0 - LEAST);
        losses.push(format!("a step leaves {} of the potential, {bounds}", range(&kept)));
    }
    let bound = |f: f64| if fits(f) { f } else { f.clamp(LEAST, 1.0 - LEAST) };
    (kept.into_iter().map(bound).collect(), losses)
}

/// The fields of a LIF with this leak, gain and drift.
fn leak(
    kept: &[f64],
    gain: &[f64],
    drift: &[f64],
    step: &Step,
) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let refuse = |field: &str, found: String, expected: &str| {
        let found = format!("convention {field}={found}, for a neuron with a leak of its own");
        Err(Error::new(ErrorKind::Unsupported, found, expected))
    };
    let convention = &step.convention;
    if let Leak::Fixed(_) = convention.leak {
        return refuse("leak", convention.leak.to_string(), "leak=exact or leak=euler");
    }
    if !convention.resistance {
        return refuse("resistance", "ignored".into(), "resistance=used");
    }
    let tau = |f: f64| match convention.leak {
        Leak::Exact => -step.dt.0 / f.ln(),
        _ => step.dt.0 / (1.0 - f),
    };
    let r = |(&f, &g): (&f64, &f64)| match convention.input {
        Input::Impulse => g,
        Input::Hold => g / (1.0 - f),
        Input::Scaled => g * tau(f) / step.dt.0,
    };
    let rest = |(&f, &c): (&f64, &f64)| c / (1.0 - f);
    Ok(vec![
        ("tau", kept.iter().map(|&f| tau(f)).collect()),
        ("r", kept.iter().zip(gain).map(r).collect()),
        ("v_leak", kept.iter().zip(drift).map(rest).collect()),
    ])
}

/// The smallest and the largest of some numbers.
pub fn range(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if least == most { format!("{least:.3}") } else { format!("{least:.3} to {most:.3}") }
}

/// Numbers by address, as files count them; in 32 bits where these hold all of them.
fn in_file_order(shape: &Shape, at: impl Fn(usize) -> f64) -> Result<Array> {
    let numbers: Vec<f64> = (0..shape.len()).map(|element| at(shape.address(element))).collect();
    let is_single = |&x: &f64| f64::from(x as f32) == x;
    let values = match numbers.iter().all(is_single) {
        true => Values::F32(numbers.into_iter().map(|x| x as f32).collect()),
        false => Values::F64(numbers),
    };
    Array::new(shape.axes(), values)
}

impl Parameters {
    /// A number of every neuron, computed from some of them.
    pub fn each<const N: usize>(
        &self,
        names: [&str; N],
        number: impl Fn([f64; N]) -> f64,
    ) -> Vec<f64> {
        let parameters = names.map(|name| self.get(name));
        (0..self.len).map(|i| number(parameters.map(|p| p.at(i)))).collect()
    }
}
