//! What is trained, on what and how: a TOML file.
//!
//! ```toml
//! epochs = 20
//! batch = 32
//! seed = 1                              # of weights, order, augmentation; 1 by default
//! rule = "bptt"                         # default; rate, { tssl = { … } }, { cycle = { … } }
//! loss = "rate"                         # default; squares, { count = { … } }, { tet = { … } }
//!
//! [data]
//! path = "Train"                        # a folder of class folders, or of DVS128 Gesture
//! list = "parts.csv"                    # instead: file,class and maybe part,user,from,to
//! sensor = "34x34"
//! steps = 30
//! slice = "10ms"                        # or "number", "time": as many slices as steps
//! input = "counts"                      # default; or "binary"
//! split = "last-tenth"                  # of CIFAR10-DVS: default; or "random-tenth", "first-hundred"
//! validation = 0.1                      # share, or a list of users
//! test = 0.1
//!
//! [distill]                             # reconstructed HTA-KL; nothing by default
//! teacher = "run-teacher/best.safetensors"
//! weight = 1.0
//! temperature = 2.0
//! head = 0.5
//!
//! [augment]                             # of what is trained on; nothing by default
//! flip = true
//! shift = 3
//!
//! [neuron]
//! model = "lif"
//! tau = 2.0
//! surrogate = "atan:2"
//!
//! [optimizer]
//! method = "adam"                       # adamw, sgd
//! rate = 1e-3
//! schedule = { cosine = { epochs = 20 } }
//! bound = 4.0                           # of weights; none by default
//!
//! [[layers]]
//! type = "Conv2d"
//! channels = 12
//! kernel_size = 5
//! ```
//!
//! Unknown keys are refused. Losses of TSSL-BP are `{ tssl-count = { desired = 15, undesired
//! = 3 } }`, `{ tssl-kernel = { synapse = 4 } }` and `tssl-softmax`; a cycle of rules is
//! `{ cycle = { phases = [{ phase = "excitatory", epochs = 2 }, { phase = "inhibitory" }] } }`.
//!
//! A teacher is any network that was trained before on the same sensor and classes, such
//! as a frame network: ReLU for neurons, `steps = 1`, `slice = "time"`. It sees each
//! sample augmented as its student does, in steps of its own.

mod data;

pub use self::data::{DataSpec, Held, Slice};

use serde::{Deserialize, Serialize};

use super::architecture::LayerSpec;
use super::augment::Augment;
use super::cycle::Cycle;
use super::neuron::NeuronSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::learn::loss::{HtaKl, Loss};
use crate::learn::optimizer::Method;
use crate::learn::schedule::Schedule;

/// Everything that a training run depends on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How often every training sample is seen.
    pub epochs: usize,
    /// Samples between two steps of the optimiser.
    pub batch: usize,
    /// Of weights, order and augmentation.
    #[serde(default = "one")]
    pub seed: u64,
    /// How answers become gradients.
    #[serde(default)]
    pub rule: Rule,
    /// How wrong an answer is.
    #[serde(default)]
    pub loss: Loss,
    /// From whom else it learns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distill: Option<Distill>,
    /// On what.
    pub data: DataSpec,
    /// What is done to events that are trained on.
    #[serde(default)]
    pub augment: Augment,
    /// Every population, unless its layer says otherwise.
    #[serde(default)]
    pub neuron: NeuronSpec,
    /// How gradients change parameters.
    #[serde(default)]
    pub optimizer: OptimizerSpec,
    /// The network.
    pub layers: Vec<LayerSpec>,
}

fn one() -> u64 {
    1
}

/// A learning rule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// Backpropagation through time with surrogate gradients.
    #[default]
    Bptt,
    /// Rate-based backpropagation.
    Rate,
    /// The same, its gradient divided by T once more as in the published code.
    RateReference,
    /// TSSL-BP, with its own neurons.
    Tssl {
        /// Time constant of membranes in steps.
        membrane: f64,
        /// Time constant of synapses in steps.
        synapse: f64,
    },
    /// Gradients and STDP in turn.
    Cycle(Cycle),
}

/// A teacher, and what its answers count. Not part of the loss that validation reports.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Distill {
    /// Its checkpoint.
    pub teacher: String,
    /// w, what the distance from its answers counts beside the loss.
    #[serde(default = "defaults::weight")]
    pub weight: f64,
    /// τ, what both outputs are divided by.
    #[serde(default = "defaults::temperature")]
    pub temperature: f64,
    /// μ, the probability that the head has.
    #[serde(default = "defaults::head")]
    pub head: f64,
}

impl Distill {
    /// The distance.
    pub fn distance(&self) -> HtaKl {
        let Distill { weight, temperature, head, .. } = *self;
        HtaKl { weight, temperature, head }
    }
}

/// Of the distance from a teacher.
mod defaults {
    use crate::learn::loss::HtaKl;

    pub fn weight() -> f64 {
        HtaKl::default().weight
    }

    pub fn temperature() -> f64 {
        HtaKl::default().temperature
    }

    pub fn head() -> f64 {
        HtaKl::default().head
    }
}

/// The optimiser.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerSpec {
    /// `adam`, `adamw` or `sgd`.
    pub method: String,
    /// Learning rate at the beginning.
    pub rate: f64,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Of SGD.
    pub momentum: f64,
    /// Of SGD: whether it looks ahead.
    pub nesterov: bool,
    /// Weight decay.
    pub decay: f64,
    /// The largest norm that the gradient of all parameters may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// What weights are kept within, ±.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
}

impl Default for OptimizerSpec {
    fn default() -> OptimizerSpec {
        OptimizerSpec {
            method: "adam".into(),
            rate: 1e-3,
            schedule: Schedule::Constant,
            momentum: 0.9,
            nesterov: false,
            decay: 0.0,
            clip: None,
            bound: None,
        }
    }
}

impl OptimizerSpec {
    /// The method.
    ///
    /// # Errors
    /// A name that is none.
    pub fn method(&self) -> Result<Method> {
        match &self.method[..] {
            "adam" => Ok(Method::ADAM),
            "adamw" => Ok(Method::ADAMW),
            "sgd" => Ok(Method::Sgd { momentum: self.momentum, nesterov: self.nesterov }),
            other => Err(usage("optimizer.method", format!("'{other}'"), "adam, adamw or sgd")),
        }
    }

    /// Whether it makes sense; no norm and no weight is beyond an infinite bound.
    fn check(&self) -> Result<()> {
        let OptimizerSpec { rate, momentum, decay, clip, bound, .. } = *self;
        let (positive, limit) = (f64::MIN_POSITIVE..=f64::MAX, f64::MIN_POSITIVE..=f64::INFINITY);
        let all = [
            ("optimizer.rate", Some(rate), positive, "a positive number"),
            (
                "optimizer.momentum",
                Some(momentum),
                0.0..=1.0f64.next_down(),
                "a number from 0 to below 1",
            ),
            ("optimizer.decay", Some(decay), 0.0..=f64::MAX, "a number of 0 or more"),
            ("optimizer.clip", clip, limit.clone(), "a positive number"),
            ("optimizer.bound", bound, limit, "a positive number"),
        ];
        for (name, value, range, expected) in all {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                return Err(usage(name, value.to_string(), expected));
            }
        }
        self.schedule.check().map_err(|e| e.at("'optimizer.schedule'"))?;
        self.method().map(drop)
    }
}

impl Config {
    /// Reads a configuration; each of `changes` is `key=value` in TOML with dots in the
    /// key, such as `neuron.model="klif"`, and goes over what the text says. A value that
    /// is no TOML is a text.
    ///
    /// # Errors
    /// What is no TOML, unknown keys, values that make no sense.
    pub fn parse(text: &str, changes: &[String]) -> Result<Config> {
        let corrupt = |e: toml::de::Error| {
            let byte = e.span().map_or(0, |span| span.start as u64);
            misread(&e).at_byte(byte)
        };
        if changes.is_empty() {
            return toml::from_str::<Config>(text).map_err(corrupt)?.checked();
        }
        let mut table: toml::Table = toml::from_str(text).map_err(corrupt)?;
        for change in changes {
            merge(&mut table, changed(change)?);
        }
        // read from text once more, so that errors have places in what was read
        let text = table.to_string();
        let place = |e: &toml::de::Error| {
            let before = &text[..e.span().map_or(0, |span| span.start)];
            let line = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
            format!("with --set, {line}")
        };
        toml::from_str::<Config>(&text).map_err(|e| misread(&e).at(place(&e)))?.checked()
    }

    fn checked(self) -> Result<Config> {
        let positive = [("epochs", self.epochs), ("batch", self.batch), ("steps", self.data.steps)];
        for (name, count) in positive {
            if count == 0 {
                return Err(usage(name, "0".into(), "1 or more"));
            }
        }
        self.data.check()?;
        self.loss.check().map_err(|e| e.at("'loss'"))?;
        if let Some(distill) = &self.distill {
            distill.distance().check().map_err(|e| e.at("'distill'"))?;
        }
        if let Rule::Cycle(cycle) = &self.rule {
            cycle.check()?;
        }
        self.augment.check()?;
        self.optimizer.check()?;
        Ok(self)
    }

    /// The text that [`Config::parse`] makes this of.
    ///
    /// # Errors
    /// None that a configuration that was read can have.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self)
            .map_err(|e| Error::new(ErrorKind::Unsupported, e.to_string(), "a configuration"))
    }
}

fn usage(place: &str, found: String, expected: &str) -> Error {
    Error::new(ErrorKind::Usage, found, expected).at(format!("'{place}'"))
}

/// What is wrong with a configuration's text; values of our own say themselves what was
/// expected.
fn misread(error: &toml::de::Error) -> Error {
    let message = error.message();
    let own = message.strip_prefix("found ").and_then(|own| own.split_once("; expected "));
    let (found, expected) = own.unwrap_or((message, "a configuration"));
    Error::new(ErrorKind::Corrupt, found, expected)
}

/// `a.b=c` as a table.
fn changed(change: &str) -> Result<toml::Table> {
    let (key, value) =
        change.split_once('=').ok_or_else(|| usage("--set", format!("'{change}'"), "KEY=VALUE"))?;
    let quoted = || format!("{key} = {}", toml::Value::from(value));
    toml::from_str(change)
        .or_else(|_| toml::from_str(&quoted()))
        .map_err(|e| usage("--set", format!("'{change}': {}", e.message()), "KEY=VALUE"))
}

fn merge(into: &mut toml::Table, changes: toml::Table) {
    for (key, value) in changes {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(changes)) => merge(inner, changes),
            (_, value) => _ = into.insert(key, value),
        }
    }
}
