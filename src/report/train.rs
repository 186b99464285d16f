//! What `train` says: how each run went, and what its network does to the test part.

use std::fmt::Write;

use serde::Serialize;

use super::table::headed;
use super::{csv, list};
use crate::draw::words::{counted, grouped};
use crate::draw::{Curves, Line, Panel};
use crate::error::{Result, shown};
use crate::event::Tally;
use crate::measure::{Accuracy, Table};
use crate::train::{Config, Epoch, Score, Tested};
use crate::units::{Bytes, Joules, Seconds};

/// Training, with one seed or several.
#[derive(Debug, Serialize)]
pub struct TrainReport {
    /// Everything that was asked for, with the first run's seed.
    pub config: Config,
    /// What it was trained on.
    pub data: Data,
    /// What was trained.
    pub network: Network,
    /// One for each seed.
    pub runs: Vec<Run>,
    /// Test accuracy over the seeds; none without a test part.
    pub test_accuracy: Option<Spread>,
    /// What steps, data and checkpoints were predicted to take at most.
    pub predicted_bytes: u64,
    /// Layers, from the first on, that go their way forth twice to take no more.
    pub repeated_layers: usize,
    /// The most memory that the process held, where the system says.
    pub peak_bytes: Option<u64>,
}

/// The data.
#[derive(Debug, Serialize)]
pub struct Data {
    /// Where it is.
    pub path: String,
    /// How it was cut into samples.
    pub cut: &'static str,
    /// How it was split, where it does not come split.
    pub split: Option<String>,
    /// What is to be said of figures on that split.
    pub caution: Option<&'static str>,
    /// What is wrong with it.
    pub defects: Vec<String>,
    /// What became of its events.
    pub tally: Tally,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Samples to train on.
    pub train: usize,
    /// Samples to choose by.
    pub validation: usize,
    /// Samples to report on.
    pub test: usize,
}

/// The network.
#[derive(Debug, Serialize)]
pub struct Network {
    /// Learnable numbers.
    pub parameters: usize,
    /// The neuron model.
    pub neuron: String,
    /// The learning rule, as its configuration has it.
    pub rule: String,
    /// The loss, likewise.
    pub loss: String,
}

impl Network {
    /// What a configuration trains, with so many parameters.
    pub fn new(config: &Config, parameters: usize) -> Network {
        Network {
            parameters,
            neuron: config.neuron.model.clone(),
            rule: words(&config.rule),
            loss: words(&config.loss),
        }
    }
}

/// A choice in a few words: its name, or its name and fields.
fn words(choice: &impl Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string().replace(['{', '}', '"'], ""),
        Err(_) => String::new(),
    }
}

/// One run.
#[derive(Debug, Serialize)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// What came of each epoch.
    pub epochs: Vec<Epoch>,
    /// The epoch whose network was taken.
    pub chosen: Option<Epoch>,
    /// What that network does to the test part; none where there is none.
    pub test: Option<Test>,
    /// Where that network is.
    pub network: String,
    /// Mean time of the epochs of this process; none if it trained none.
    pub epoch_s: Option<f64>,
}

/// A network on samples that it never saw.
#[derive(Debug, Serialize)]
pub struct Test {
    /// Right answers.
    pub right: u64,
    /// Samples.
    pub of: u64,
    /// Their share.
    pub accuracy: f64,
    /// What the engine says; none where it runs no such network.
    #[serde(flatten)]
    pub engine: Option<InEngine>,
}

/// What the engine says of a network that it ran.
#[derive(Debug, Serialize)]
pub struct InEngine {
    /// Samples to which the network in training gives the same outputs, to a spike; none
    /// where it answers by currents.
    pub as_trained: Option<usize>,
    /// Spikes of all populations, a sample.
    pub spikes: f64,
    /// Synaptic operations, a sample.
    pub synaptic_ops: f64,
    /// Multiplications, a sample.
    pub multiply_adds: f64,
    /// The table that energy is by.
    pub energy_table: String,
    /// Energy of a sample by its published figures.
    pub energy_j: f64,
}

/// Mean and deviation over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the sample; 0 of one.
    pub sd: f64,
}

impl Spread {
    /// Of some values; none of none.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        let sd = (squares / (count - 1.0).max(1.0)).sqrt();
        (!values.is_empty()).then_some(Spread { mean, sd })
    }
}

impl Test {
    /// What a network did, priced by a table.
    pub fn new(tested: &Tested, table: &Table) -> Test {
        let Accuracy { right, of } = tested.accuracy;
        let samples = of.max(1) as f64;
        let engine = tested.engine.map(|engine| InEngine {
            as_trained: engine.as_trained,
            spikes: engine.counts.spikes as f64 / samples,
            synaptic_ops: engine.counts.synaptic_ops as f64 / samples,
            multiply_adds: engine.counts.multiply_adds as f64 / samples,
            energy_table: table.name.clone(),
            energy_j: table.price(&engine.counts).sum(|term| term.typical).0 / samples,
        });
        Test { right, of, accuracy: tested.accuracy.share().unwrap_or(0.0), engine }
    }
}

/// As many defects of a data set are listed for people.
const LISTED: usize = 5;

impl TrainReport {
    /// The report for people.
    pub fn text(&self) -> String {
        let Data { path, cut, split, caution, defects, tally, classes, train, validation, test } =
            &self.data;
        let split = split.as_ref().map_or(String::new(), |split| format!(", split {split}"));
        let mut text = String::new();
        let _ = writeln!(
            text,
            "data     {}, cut by {cut}{split}\n         {}; {} to train on, {} to choose by, {} to report on",
            shown(path),
            counted(classes.len() as u64, "class"),
            counted(*train as u64, "sample"),
            grouped(*validation as u64),
            grouped(*test as u64),
        );
        caution.iter().for_each(|caution| _ = writeln!(text, "caution  {caution}"));
        list(&mut text, "defect", defects, LISTED);
        let lost = tally.losses().map(|(cause, n)| format!("{} {}", grouped(n), cause.phrase()));
        let lost: Vec<String> = lost.collect();
        if !lost.is_empty() {
            let _ = writeln!(text, "lost     {}", lost.join(", "));
        }
        let Network { parameters, neuron, rule, loss } = &self.network;
        let _ = writeln!(
            text,
            "network  {}, {neuron}; rule {rule}, loss {loss}\n",
            counted(*parameters as u64, "parameter")
        );
        let head =
            ["seed", "chosen", "validation", "test", "spikes", "synaptic ops", "energy", "epoch"];
        text.push_str(&headed(head, self.runs.iter().map(Run::row), 0, "  "));
        if let (Some(Spread { mean, sd }), true) = (self.test_accuracy, self.runs.len() > 1) {
            let (mean, sd) = (100.0 * mean, 100.0 * sd);
            let seeds = self.runs.len();
            let _ = writeln!(text, "\ntest     {mean:.1} ± {sd:.1} % over {seeds} seeds");
        }
        text.push_str("\nspikes, operations and energy: a test sample in the engine\n");
        for run in &self.runs {
            let path = shown(&run.network);
            if let Some(Test { of, engine: Some(engine), .. }) = &run.test {
                let InEngine { as_trained, energy_table, .. } = engine;
                let same = match as_trained {
                    Some(same) => format!("the outputs of training for {same} of {of}; "),
                    None => String::new(),
                };
                let _ = writeln!(text, "network  {path}: {same}energy by {energy_table}");
            } else {
                let _ = writeln!(text, "network  {path}");
            }
        }
        let _ = write!(text, "memory   predicted {}", Bytes(self.predicted_bytes));
        if let Some(peak) = self.peak_bytes {
            let _ = write!(text, ", peak {} with the program itself", Bytes(peak));
        }
        if self.repeated_layers > 0 {
            let _ =
                write!(text, "; {} computed twice", counted(self.repeated_layers as u64, "layer"));
        }
        text.push('\n');
        text
    }

    /// Loss and accuracy of every epoch as CSV.
    ///
    /// # Errors
    /// None: it is written to memory.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let head = [
            "seed",
            "epoch",
            "rate",
            "training_loss",
            "training_accuracy",
            "validation_loss",
            "validation_accuracy",
        ];
        let row = |seed: u64, Epoch { epoch, rate, training, validation }: &Epoch| {
            let or_empty = |of: fn(&Score) -> f64| {
                validation.as_ref().map_or(String::new(), |score| of(score).to_string())
            };
            [
                seed.to_string(),
                epoch.to_string(),
                rate.to_string(),
                training.loss.to_string(),
                training.accuracy.to_string(),
                or_empty(|score| score.loss),
                or_empty(|score| score.accuracy),
            ]
        };
        csv(|writer| {
            writer.write_record(head)?;
            let epochs = self.runs.iter().flat_map(|run| run.epochs.iter().map(|e| (run.seed, e)));
            epochs.into_iter().try_for_each(|(seed, epoch)| writer.write_record(row(seed, epoch)))
        })
    }

    /// The curves of all seeds as a picture; those of the validation stand out.
    pub fn curves(&self) -> Curves {
        let epochs = self.runs.iter().map(|run| run.epochs.len()).max().unwrap_or(0);
        // so many that their numbers stand apart
        let apart = epochs.div_ceil(20).max(1);
        let name = |epoch: usize| match epoch == 1 || epoch.is_multiple_of(apart) {
            true => epoch.to_string(),
            false => String::new(),
        };
        let panel = |label: &str, unit, of: fn(&Score) -> f64| {
            let mut lines = Vec::new();
            for run in &self.runs {
                let values = run.epochs.iter().map(|epoch| of(&epoch.training)).collect();
                lines.push(Line { values, strong: false });
                let held = run.epochs.iter().filter_map(|epoch| epoch.validation.as_ref());
                lines.push(Line { values: held.map(of).collect(), strong: true });
            }
            Panel { label: label.to_owned(), unit, lines, words: Vec::new() }
        };
        let Network { neuron, rule, loss, .. } = &self.network;
        Curves {
            title: format!("{neuron}, rule {rule}, loss {loss}"),
            subtitle: format!("{}, by epoch: training grey, validation blue", self.data.path),
            columns: (1..=epochs).map(name).collect(),
            panels: vec![
                panel("accuracy", "%", |score| 100.0 * score.accuracy),
                panel("loss", "", |score| score.loss),
            ],
        }
    }
}

impl Run {
    fn row(&self) -> Vec<String> {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".into());
        let test = |of: &dyn Fn(&Test) -> String| or_dash(self.test.as_ref().map(of));
        let ran = self.test.as_ref().and_then(|test| test.engine.as_ref());
        let engine = |of: &dyn Fn(&InEngine) -> String| or_dash(ran.map(of));
        let held = self.chosen.and_then(|epoch| epoch.validation);
        vec![
            self.seed.to_string(),
            or_dash(
                self.chosen.map(|epoch| format!("epoch {} of {}", epoch.epoch, self.epochs.len())),
            ),
            or_dash(held.map(|score| percent(score.accuracy))),
            test(&|test| format!("{} ({} of {})", percent(test.accuracy), test.right, test.of)),
            engine(&|ran| grouped(ran.spikes.round() as u64)),
            engine(&|ran| grouped(ran.synaptic_ops.round() as u64)),
            engine(&|ran| Joules(ran.energy_j).to_string()),
            or_dash(self.epoch_s.map(|s| Seconds(s).to_string())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_that_of_a_sample() {
        let Spread { mean, sd } = Spread::of(&[0.5, 0.7, 0.9]).unwrap();
        assert!((mean - 0.7).abs() < 1e-12 && (sd - 0.2).abs() < 1e-12);
        assert_eq!(Spread::of(&[0.5]), Some(Spread { mean: 0.5, sd: 0.0 }));
        assert_eq!(Spread::of(&[]), None);
    }
}
