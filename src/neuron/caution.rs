//! What a report should say about running a model under a convention.

use super::convention::{Input, Number};
use super::preset::Conventions;
use super::{Neuron, Step, TIME};
use crate::units::Seconds;

impl Neuron {
    /// What can go unnoticed in a run with steps of length `dt`.
    pub fn cautions(&self, dt: Seconds, conventions: &Conventions) -> Vec<String> {
        let Ok(step) = self.step(dt, conventions) else { return Vec::new() };
        let all = [
            self.silence(),
            self.last_step(),
            self.shortest_time(&step).map(|text| text + &exported(&step, conventions, self)),
            self.counted_time(&step),
            self.written_for(&step),
            self.resistance(&step),
            self.floor(conventions),
            self.rounding(&step),
        ];
        all.into_iter().flatten().collect()
    }

    /// What can go unnoticed between events, of a run that is meant for steps of length `dt`:
    /// time passes there, whatever step a convention has.
    pub fn caution_between_events(&self, dt: Seconds, conventions: &Conventions) -> Option<String> {
        let step = self.step(dt, conventions).ok()?;
        (step.dt != dt && self.model.has_memory()).then(|| {
            let micros = step.dt.micros().0;
            format!(
                "step={micros}us: between events time passes as it is, where a clock takes each \
                 step of {dt} for {}",
                step.dt
            )
        })
    }

    /// The time constant that steps of length `dt` are too long for.
    pub fn outpaces(&self, dt: Seconds, conventions: &Conventions) -> Option<String> {
        self.step(dt, conventions).ok().and_then(|step| self.shortest_time(&step))
    }

    /// Thresholds without end, as files have them whose makers read potentials instead.
    fn silence(&self) -> Option<String> {
        let mut thresholds = self.model.fields.iter().map(|field| field.name);
        let field =
            thresholds.find(|field| self.values(field).into_iter().any(f64::is_infinite))?;
        Some(format!(
            "{field} = inf: such neurons never fire, and send nothing; where their potential is \
             the answer, LI, CubaLI and I send it"
        ))
    }

    /// Steps for which parameters have their own numbers.
    fn last_step(&self) -> Option<String> {
        let field = self.model.fields.iter().find(|field| field.by_step)?;
        let steps = self.fields.arrays.get(field.name)?.shape().first().copied().unwrap_or(1);
        let text = format!("'{}' is for {steps} steps; later ones use its last", field.name);
        (steps > 1).then_some(text)
    }

    /// The shortest of each kind of time, with its name.
    fn times(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        let times = self.model.fields.iter().filter(|field| field.unit == TIME);
        times.map(|field| {
            let shortest = self.values(field.name).into_iter().fold(f64::INFINITY, f64::min);
            (field.name, shortest)
        })
    }

    fn shortest_time(&self, step: &Step) -> Option<String> {
        // files may hold 32 bits
        let below = |shortest: f64| shortest < step.dt.0 * (1.0 - f64::from(f32::EPSILON));
        let (name, shortest) = self.times().find(|(_, shortest)| below(*shortest))?;
        Some(format!("{name} = {} is below the step of {}", Seconds(shortest), step.dt))
    }

    /// Times of seconds that are run in steps far shorter.
    fn counted_time(&self, step: &Step) -> Option<String> {
        let counts = |time: f64| time >= 1.0 && time.is_finite() && step.dt.0 <= 0.01;
        let (name, shortest) = self.times().find(|(_, shortest)| counts(*shortest))?;
        let (steps, shortest) = ((shortest / step.dt.0).round(), Seconds(shortest));
        Some(format!(
            "{name} = {shortest} is {steps} steps of {}: where a file counts times in steps, \
             step=1s runs it so",
            step.dt
        ))
    }

    /// A step that r is τ in, everywhere: who writes for Euler's steps makes a spike add its
    /// weight by it.
    fn written_for(&self, step: &Step) -> Option<String> {
        let tau = ["tau", "tau_mem"].into_iter().find(|tau| !self.values(tau).is_empty())?;
        let (taus, r) = (self.values(tau), self.values("r"));
        let cells = taus.len().max(r.len());
        let pairs = taus.iter().cycle().zip(r.iter().cycle()).take(cells);
        let mut lengths = pairs.filter(|(_, r)| **r > 1.0).map(|(tau, r)| tau / r);
        let length = lengths.next()?;
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-3;
        let is_round = near(length, 10f64.powf(length.log10().round()));
        let is_other = !near(length, step.dt.0) && lengths.all(|other| near(other, length));
        (is_round && is_other).then(|| {
            let length = Seconds(length);
            let micros = length.micros().0;
            format!(
                "r = {tau}/{length}: as of a file for steps of that length; step={micros}us runs \
                 it so"
            )
        })
    }

    fn resistance(&self, step: &Step) -> Option<String> {
        let r = self.values("r").into_iter().find(|&r| r != 1.0)?;
        match (step.convention.resistance, step.convention.input) {
            (false, _) => Some(format!("r = {r} is ignored")),
            (true, Input::Impulse) if (r * step.dt.0 - 1.0).abs() < 1e-3 => Some(format!(
                "r = {r} is 1/dt: the file was written for a held input; \
                 input=hold or --convention spikingjelly runs it so"
            )),
            _ => None,
        }
    }

    /// A floor that the importer of the convention's simulator gives, and nobody asked for.
    fn floor(&self, conventions: &Conventions) -> Option<String> {
        let preset = conventions.preset();
        let floored = preset.exporter()?.floored.contains(&self.model.nir);
        (floored && !conventions.says("floor")).then(|| {
            let name = preset.name;
            format!(
                "potentials stop at -threshold, as the importer of {name} makes them; networks that \
                 {name} exported mostly ran without a floor: floor=none"
            )
        })
    }

    fn rounding(&self, step: &Step) -> Option<String> {
        let rounds = step.convention.number != Number::F32 && self.model.nir == "LIF";
        rounds.then(|| "weights are rounded to integers as their sum, not each".to_owned())
    }

    fn values(&self, field: &str) -> Vec<f64> {
        let array = self.fields.arrays.get(field);
        array.and_then(|array| array.numbers().ok()).unwrap_or_default()
    }
}

/// What the exporter of the convention's simulator has to do with times below a step.
fn exported(step: &Step, conventions: &Conventions, neuron: &Neuron) -> String {
    let preset = conventions.preset();
    let fits = |own: &Seconds| own.0 < step.dt.0 && neuron.times().all(|(_, time)| time >= own.0);
    let own = preset.exporter().map(|exporter| exporter.step).filter(fits);
    own.map_or(String::new(), |own| {
        let micros = own.micros().0;
        format!("; step={micros}us is that of files which {} itself wrote", preset.name)
    })
}
