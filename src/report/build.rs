//! From what ran to what is reported.

use super::manifest::{Manifest, conventions, number_of};
use super::replay::{
    Engine, Input, Layer, Network, Output, ReplayReport, Stages, Timing, Trial, Trials,
};
use crate::corpus::gesture;
use crate::error::Result;
use crate::event::{Cause, Portions, Tally};
use crate::measure::{Readout, Table, UnitCounts};
use crate::network::{Unit, Wired};
use crate::replay::{Advance, Answer, Replay, Take};

/// Everything that a report is made of.
pub struct Made<'a> {
    /// What ran.
    pub replay: &'a Replay<'a>,
    /// What was read.
    pub take: &'a Take,
    /// What came of it.
    pub outcome: Outcome<'a>,
    /// What operations cost. [`Made::report`] knows what every run counts and prices that, as
    /// [`Table::price`] does; of tables that ask for more, such as words of memory, whoever
    /// has a [`crate::measure::Ledger`] puts its energies into the report.
    pub tables: &'a [Table],
    /// Names of the outputs.
    pub classes: Option<&'a [String]>,
    /// The recording's format.
    pub format: &'static str,
    /// Where things were, and their digests.
    pub origin: Provenance,
}

/// One answer, or one for each trial.
pub enum Outcome<'a> {
    /// To the whole recording, or to one window of it.
    Whole(&'a Answer),
    /// To the trials of a label file.
    Trials(&'a [(gesture::Trial, Answer)]),
}

/// Where things were, and their digests.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// The recording.
    pub input: Origins,
    /// The network.
    pub network: Origins,
    /// What made it of a state dict: a file, or a name.
    pub mapping: Option<Origins>,
    /// The label file.
    pub labels: Option<Origins>,
}

/// Where something was, and its digest.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Path for reports.
    pub path: String,
    /// SHA-256.
    pub sha256: String,
}

impl Made<'_> {
    /// The report.
    ///
    /// # Errors
    /// Contradictions in the convention, which binding refuses before.
    pub fn report(&self) -> Result<ReplayReport> {
        let settings = self.replay.settings();
        let network = self.replay.network();
        let counts = self.counts();
        let steps = self.answers().iter().map(|answer| answer.steps).sum();
        let totals = self.answers().into_iter().map(|answer| answer.counts.total());
        let all = totals.fold(UnitCounts::default(), |sum, one| sum + one);
        let ran = self.answers().into_iter().map(|answer| answer.steps);
        let other_steps = self.replay.other_steps(ran);
        let notes = network.notes.iter().chain(&self.replay.plan().notes).cloned();
        Ok(ReplayReport {
            input: self.input(),
            network: Network {
                path: self.origin.network.path.clone(),
                mapping: self.origin.mapping.as_ref().map(|mapping| mapping.path.clone()),
                nodes: network.units.len(),
                parameters: network.parameters(),
            },
            engine: Engine {
                name: settings.advance.name(),
                convention: settings.conventions.to_string(),
                dt_us: settings.dt.0,
                quantum_us: settings.quantum().map(|quantum| quantum.0),
                steps,
                slice: settings.slice.map(Portions::name),
            },
            layers: self.layers(&counts, steps),
            output: self.total_output(),
            trials: self.trials(),
            energy: self.tables.iter().map(|table| table.price(&all)).collect(),
            timing: self.timing(steps),
            notes: notes.chain(self.problems()).chain(other_steps).collect(),
            manifest: self.manifest()?,
        })
    }

    fn answers(&self) -> Vec<&Answer> {
        match &self.outcome {
            Outcome::Whole(answer) => vec![answer],
            Outcome::Trials(trials) => trials.iter().map(|(_, answer)| answer).collect(),
        }
    }

    /// What is wrong with answers that count all the same.
    fn problems(&self) -> Vec<String> {
        let trials = match &self.outcome {
            Outcome::Whole(answer) => return answer.notes().collect(),
            Outcome::Trials(trials) => trials,
        };
        let problem = |(i, (trial, answer)): (usize, &(gesture::Trial, Answer))| {
            let problem = self.take.problem(trial.window, answer)?;
            Some(format!("trial {}: {problem}", i + 1))
        };
        trials.iter().enumerate().filter_map(problem).collect()
    }

    /// Counts of every unit, over all trials.
    fn counts(&self) -> Vec<UnitCounts> {
        let mut sum = vec![UnitCounts::default(); self.replay.network().units.len()];
        for answer in self.answers() {
            sum.iter_mut().zip(&answer.counts.units).for_each(|(sum, unit)| *sum = *sum + *unit);
        }
        sum
    }

    fn input(&self) -> Input {
        let axes = self.replay.network().units[self.replay.network().input].output.axes();
        let sensor = match (self.replay.settings().sensor, axes) {
            (Some(sensor), _) => [sensor.width.into(), sensor.height.into()],
            (None, &[_, height, width]) => [width, height],
            (None, _) => [axes.iter().product(), 1],
        };
        Input {
            path: self.origin.input.path.clone(),
            format: self.format,
            sensor,
            events: self.take.events,
            first_us: self.take.span.map(|(first, _)| first),
            last_us: self.take.span.map(|(_, last)| last),
            tally: self.stages(),
            damage: self.take.damage.as_ref().map(ToString::to_string),
        }
    }

    fn stages(&self) -> Stages {
        let answers = self.answers();
        let bin = answers.iter().map(|answer| &answer.binned).fold(Tally::default(), Tally::plus);
        let window = match &self.outcome {
            Outcome::Whole(answer) => answer.cut.clone(),
            Outcome::Trials(_) => self.inside_any_trial(),
        };
        Stages { decode: self.take.decoded.clone(), order: self.take.ordered.clone(), window, bin }
    }

    /// Trials may overlap; an event in two of them is still one event, and one
    /// that more trials kept than there are events means just that.
    fn inside_any_trial(&self) -> Tally {
        let read = self.take.ordered.kept;
        let inside: u64 = self.answers().iter().map(|answer| answer.cut.kept).sum();
        let mut tally = Tally::default();
        tally.keep(inside.min(read));
        tally.drop(Cause::BetweenTrials, read - inside.min(read));
        tally
    }

    fn layers(&self, counts: &[UnitCounts], steps: u64) -> Vec<Layer> {
        let units = &self.replay.network().units;
        let sequence = self.replay.plan().sequence.iter();
        let inner = sequence.filter(|&&u| !matches!(units[u].unit, Unit::Input | Unit::Output));
        inner.map(|&u| self.layer(u, &units[u], &counts[u], steps)).collect()
    }

    fn layer(&self, unit: usize, wired: &Wired, counts: &UnitCounts, steps: u64) -> Layer {
        let is_neuron = matches!(wired.unit, Unit::Neuron(_));
        let neurons = wired.output.len();
        let synapses = self.replay.plan().synapses[unit].unwrap_or(0);
        let connection = |value: u64| (!is_neuron).then_some(value);
        Layer {
            name: wired.name.clone(),
            kind: wired.unit.nir(),
            neurons,
            spikes: is_neuron.then_some(counts.spikes),
            synaptic_ops: connection(counts.synaptic_ops),
            multiply_adds: connection(counts.multiply_adds),
            dense_ops: connection(synapses * steps),
            state_updates: is_neuron.then(|| match self.replay.settings().advance {
                Advance::Clocked => neurons as u64 * steps,
                Advance::Event | Advance::Quanta => counts.updates,
            }),
        }
    }

    /// What came out of one window.
    pub fn output_of(&self, answer: &Answer) -> Output {
        self.output(&answer.counts.readout(answer.steps))
    }

    fn output(&self, readout: &Readout) -> Output {
        let prediction = readout.prediction();
        let class = prediction.and_then(|index| Some(self.classes?.get(index)?.clone()));
        let (counts, means) = match readout {
            Readout::Spikes(counts) => (counts.clone(), Vec::new()),
            Readout::Mean(means) => (Vec::new(), means.clone()),
        };
        Output { counts, means, prediction, class }
    }

    /// The answer; of trials, the sum of their spikes, or the mean over all their steps.
    fn total_output(&self) -> Output {
        let answers = self.answers();
        let steps: u64 = answers.iter().map(|answer| answer.steps).sum();
        let outputs = answers.into_iter().map(|answer| {
            let mut output = self.output_of(answer);
            let share = answer.steps as f64 / steps.max(1) as f64;
            output.means.iter_mut().for_each(|mean| *mean *= share);
            output
        });
        let mut total = outputs.reduce(|mut sum, next| {
            sum.counts.iter_mut().zip(&next.counts).for_each(|(sum, n)| *sum += n);
            sum.means.iter_mut().zip(&next.means).for_each(|(sum, n)| *sum += n);
            sum
        });
        if let (Some(total), Outcome::Trials(_)) = (&mut total, &self.outcome) {
            (total.prediction, total.class) = (None, None);
        }
        let none = Output { counts: vec![], means: vec![], prediction: None, class: None };
        total.unwrap_or(none)
    }

    fn trials(&self) -> Option<Trials> {
        let Outcome::Trials(trials) = &self.outcome else { return None };
        Some(Trials::new(trials.iter().map(|(trial, answer)| self.trial(trial, answer)).collect()))
    }

    fn trial(&self, trial: &gesture::Trial, answer: &Answer) -> Trial {
        let output = self.output_of(answer);
        let right = match &output.class {
            Some(class) => class == trial.name(),
            None => output.prediction == Some(usize::from(trial.class) - 1),
        };
        let total = answer.counts.total();
        Trial {
            label: trial.class,
            label_name: trial.name(),
            from_us: trial.window.from,
            to_us: trial.window.to,
            start_us: answer.start,
            events: answer.cut.kept,
            steps: answer.steps,
            spikes: total.spikes,
            synaptic_ops: total.synaptic_ops,
            output,
            right,
        }
    }

    fn timing(&self, steps: u64) -> Timing {
        let run = self.answers().iter().map(|answer| answer.elapsed.as_secs_f64()).sum();
        let decode = self.take.elapsed.as_secs_f64();
        let settings = self.replay.settings();
        let simulated = steps as f64 * settings.dt.seconds().0;
        let spent: f64 = decode + run;
        let is_timed = settings.slice.is_none() && spent > 0.0 && simulated > 0.0;
        let factor = is_timed.then(|| simulated / spent);
        Timing { decode_s: decode, run_s: run, real_time_factor: factor }
    }

    fn manifest(&self) -> Result<Manifest> {
        let settings = self.replay.settings();
        let labels = self.origin.labels.as_ref();
        let used: u64 = self.answers().iter().map(|answer| answer.binned.kept).sum();
        let start = match &self.outcome {
            Outcome::Whole(answer) => answer.start,
            Outcome::Trials(_) => None,
        };
        let conventions = conventions(self.replay.network(), settings)?;
        Ok(Manifest {
            synops: env!("CARGO_PKG_VERSION"),
            input_sha256: self.origin.input.sha256.clone(),
            network_sha256: self.origin.network.sha256.clone(),
            mapping_sha256: self.origin.mapping.as_ref().map(|mapping| mapping.sha256.clone()),
            labels_sha256: labels.map(|labels| labels.sha256.clone()),
            cut: labels.map_or("whole".into(), |labels| format!("trials of {}", labels.path)),
            origin: settings.origin.name(),
            start_us: start,
            from_us: settings.from.map(|t| t.0),
            to_us: settings.to.map(|t| t.0),
            steps: settings.steps,
            slice: settings.slice.map(Portions::name),
            causal: settings.slice.is_none(),
            dt_us: settings.dt.0,
            engine: settings.advance.name(),
            quantum_us: settings.quantum().map(|quantum| quantum.0),
            convention: settings.conventions.to_string(),
            number: match settings.advance {
                Advance::Clocked | Advance::Quanta => number_of(&conventions),
                Advance::Event => "f64".into(),
            },
            conventions,
            input: settings.input.name(),
            order: settings.order.name(),
            seed: None,
            events_used: used as f64 / self.take.events.max(1) as f64,
        })
    }
}
