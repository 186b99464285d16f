//! `synops train`: a configuration in, a trained network out.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::help;
use super::output;
use super::overwriting::place;
use super::progress::Progress;
use crate::corpus::Part;
use crate::corpus::cifar10dvs::Split;
use crate::disk;
use crate::draw::Picture;
use crate::error::{Error, ErrorKind, Result};
use crate::measure::Table;
use crate::report::json;
use crate::report::train::{self, Run, Spread, Test, TrainReport};
use crate::train::preset::named;
use crate::train::{Config, Data, Prediction, Stage, Trained, Training, finish, last};
use crate::units::Bytes;

/// Train a network on recordings: weights, neurons, curves, and a network file that every verb reads
///
/// Example: synops train --preset nmnist --data N-MNIST/Train --out run
///
/// Another neuron: synops train --preset nmnist --data Train --set neuron.model=plif --seeds 3
///
/// From a teacher: synops train --preset frames-nmnist --data Train --out teacher, then synops
/// train --preset nmnist --data Train --set distill.teacher=teacher/best.safetensors
///
/// Rules in turn: --preset eicil; see --print for the keys
#[derive(clap::Args)]
pub struct Args {
    /// The configuration: a TOML file
    #[arg(value_name = "CONFIG", required_unless_present = "preset", conflicts_with = "preset")]
    config: Option<PathBuf>,

    /// A configuration that comes with the program
    #[arg(long, value_name = "NAME", long_help = help::of_presets())]
    preset: Option<String>,

    /// The folder of the data, instead of the configuration's
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// What is in it and what for: a CSV with file,class and maybe part,user,from,to
    #[arg(long, value_name = "CSV")]
    list: Option<PathBuf>,

    /// Change the configuration, with dots in the key: --set optimizer.rate=1e-2
    #[arg(long = "set", value_name = "KEY=VALUE", long_help = help::of_changes())]
    changes: Vec<String>,

    /// Train so many networks, each with a seed of its own, and give mean and deviation
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..))]
    seeds: u16,

    /// The folder for checkpoints, network, curves and report
    #[arg(long, value_name = "FOLDER", default_value = "run")]
    out: PathBuf,

    /// Go on where the checkpoints of the folder end
    #[arg(long)]
    resume: bool,

    /// What the run may take, such as 6GiB: where that is less than predicted, layers keep
    /// less and compute more, to the same network
    #[arg(long, value_name = "SIZE")]
    memory: Option<Bytes>,

    /// Print the configuration and train nothing
    #[arg(long, conflicts_with = "json")]
    print: bool,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let mut config = args.config()?;
    if args.print {
        return output::write("-".as_ref(), config.to_toml()?.as_bytes());
    }
    if config.data.path.is_empty() {
        let error = Error::new(ErrorKind::Usage, "no data", "--data FOLDER");
        return Err(error);
    }
    // the next run would take it for one of the classes
    if config.data.list.is_none() && place(&args.out).starts_with(place(config.data.path.as_ref()))
    {
        let found = format!("{}, in the folder of the data", args.out.display());
        return Err(Error::new(ErrorKind::Usage, found, "a folder elsewhere").at("--out"));
    }
    let data = read(&config)?;
    // what was usual is what checkpoints are to say
    config.data.split = data.split;
    let before = status("VmRSS:").unwrap_or(0).saturating_sub(data.bytes() as u64);
    let memory = args.prepared(&config, &data, before)?.memory(before)?;
    if output::is_for_people([args.json.as_deref()]) {
        output::print(&format!("memory   {} predicted\n", Bytes(memory.bytes)))?;
    }
    let mut runs = Vec::with_capacity(args.seeds.into());
    let mut parameters = 0;
    for i in 0..args.seeds {
        let config = Config { seed: config.seed + u64::from(i), ..config.clone() };
        let folder = match args.seeds {
            1 => args.out.clone(),
            _ => args.out.join(format!("seed-{}", config.seed)),
        };
        let run = args.train(&config, &data, before, &folder)?;
        parameters = run.0;
        runs.push(run.1);
    }
    let report = report(&config, &data, parameters, memory, runs);
    disk::write(&args.out.join("curves.csv"), &report.csv()?)?;
    let picture = report.curves().draw().render(Picture::of(Path::new("curves.png"))?)?;
    disk::write(&args.out.join("curves.png"), &picture)?;
    disk::write(&args.out.join("report.json"), &json(&report)?)?;
    output::report(args.json.as_deref(), &report, &report.text())
}

impl Args {
    fn config(&self) -> Result<Config> {
        let mut changes = self.changes.clone();
        let text = |path: &Path| toml::Value::from(path.display().to_string()).to_string();
        changes.extend(self.data.as_ref().map(|path| format!("data.path={}", text(path))));
        changes.extend(self.list.as_ref().map(|path| format!("data.list={}", text(path))));
        match (&self.config, &self.preset) {
            (Some(path), _) => {
                let text = disk::text(path)?;
                Config::parse(&text, &changes).map_err(|e| e.in_file(path))
            }
            (None, name) => {
                Config::parse(named(name.as_deref().unwrap_or_default())?.text, &changes)
            }
        }
    }

    /// A network before its first epoch, within the memory that it may take with what the
    /// process took before, the data aside.
    fn prepared<'d>(&self, config: &Config, data: &'d Data, before: u64) -> Result<Training<'d>> {
        let mut training = Training::new(config.clone(), data)?;
        if let Some(Bytes(budget)) = self.memory {
            training.fit(budget, before).map_err(|e| e.at("--memory"))?;
        }
        Ok(training)
    }

    /// One run in one folder; gives the number of parameters too.
    fn train(
        &self,
        config: &Config,
        data: &Data,
        before: u64,
        folder: &Path,
    ) -> Result<(usize, Run)> {
        fs::create_dir_all(folder).map_err(|e| Error::from(e).in_file(folder))?;
        let checkpoint = last(folder);
        let mut training = self.prepared(config, data, before)?;
        if self.resume && checkpoint.is_file() {
            training = training.resume(&checkpoint)?;
        } else if checkpoint.exists() {
            let expected = "--resume to go on, or another --out";
            let error = Error::new(ErrorKind::Usage, "a run's checkpoints", expected);
            return Err(error.in_file(folder));
        }
        disk::write(&folder.join("config.toml"), config.to_toml()?.as_bytes())?;
        let earlier = training.epochs().len();
        let began = Instant::now();
        let (mut progress, mut before_it) = (None, String::new());
        training.run(folder, &mut |stage| match stage {
            Stage::Trained { epoch, done, of } => {
                let label = || {
                    let (seed, epochs) = (config.seed, config.epochs);
                    format!("seed {seed}, epoch {epoch} of {epochs}{before_it}")
                };
                let bar = progress.get_or_insert_with(|| Progress::of_samples(of as u64, label()));
                bar.at(done as u64);
            }
            Stage::Epoch(epoch) => {
                let share = epoch.validation.unwrap_or(epoch.training).accuracy;
                before_it = format!(", {:.1} % before", 100.0 * share);
                progress = None;
            }
        })?;
        let trained = training.epochs().len() - earlier;
        let epoch_s = (trained > 0).then(|| began.elapsed().as_secs_f64() / trained as f64);
        let parameters = training.network().parameters();
        let parameters = parameters.iter().map(|(_, parameter)| parameter.values.len()).sum();
        let epochs = training.epochs().to_vec();
        let chosen = training.best().copied();
        // the network that is tested is another one
        drop(training);
        let Trained { path, tested } = finish(config, data, chosen.as_ref(), folder)?;
        let table = Table::usual()?;
        let test = tested.map(|tested| Test::new(&tested, &table));
        let network = path.display().to_string();
        Ok((parameters, Run { seed: config.seed, epochs, chosen, test, network, epoch_s }))
    }
}

fn read(config: &Config) -> Result<Data> {
    let progress = Mutex::new(None);
    Data::read(&config.data, &|done, of| {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.get_or_insert_with(|| Progress::of_recordings(of as u64)).at(done as u64);
    })
}

fn report(
    config: &Config,
    data: &Data,
    parameters: usize,
    memory: Prediction,
    runs: Vec<Run>,
) -> TrainReport {
    let tests: Vec<f64> = runs.iter().filter_map(|run| Some(run.test.as_ref()?.accuracy)).collect();
    TrainReport {
        config: config.clone(),
        data: train::Data {
            path: config.data.path.clone(),
            cut: data.cut,
            split: data.split.map(|split| split.to_string()),
            caution: data.split.and_then(Split::caution),
            defects: data.defects.iter().map(ToString::to_string).collect(),
            tally: data.tally.clone(),
            classes: data.classes.clone(),
            train: data.part(Part::Train).len(),
            validation: data.part(Part::Validation).len(),
            test: data.part(Part::Test).len(),
        },
        network: train::Network::new(config, parameters),
        test_accuracy: Spread::of(&tests),
        runs,
        predicted_bytes: memory.bytes,
        repeated_layers: memory.repeated_layers,
        peak_bytes: status("VmHWM:"),
    }
}

/// Bytes that Linux says of the process: `VmRSS:`, what it holds, or `VmHWM:`, the most that
/// it ever held.
fn status(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
