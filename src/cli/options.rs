//! The words that several verbs share.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::help;
use crate::bundled;
use crate::corpus::gesture;
use crate::digest;
use crate::disk;
use crate::draw::words::counted;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{InputMode, OrderPolicy, Origin, Portions, Sensor};
use crate::format;
use crate::network::mapping;
use crate::network::{Graph, INPUT_MODE, Network, SLICE, STEPS, file, nir};
use crate::neuron::preset::Conventions;
use crate::record::weights;
use crate::replay::{Advance, Settings};
use crate::report::build::Origins;
use crate::units::Micros;

/// Which recording, which network, and how.
#[derive(Args, Clone)]
pub struct RunOptions {
    /// The recording; for replay also several, and folders of them; with neither
    /// recording nor network, the bundled pair runs
    #[arg(value_name = "RECORDING")]
    pub recordings: Vec<PathBuf>,

    /// The network: a NIR file, one of synops (.synops) or lava-dl (.net), or a state dict (.pt, .pth, .npz) with a --mapping
    #[arg(long, short, value_name = "FILE")]
    pub network: Option<PathBuf>,

    /// Which layers the weights of a state dict make: a name, or a TOML file
    #[arg(long, value_name = "NAME|FILE", requires = "network", long_help = help::of_mappings())]
    pub mapping: Option<PathBuf>,

    /// What the network's file leaves open: a simulator's name, and changes to it
    /// [default: what the file's format or the mapping implies, else nir]
    #[arg(long, value_name = "NAME[,FIELD=VALUE...]", long_help = help::of_conventions())]
    pub convention: Option<Conventions>,

    /// Cut the recording into trials by a label file (class,startTime_usec,endTime_usec)
    #[arg(long, value_name = "CSV", conflicts_with_all = ["from", "to"])]
    pub labels: Option<PathBuf>,

    /// How time advances: in steps, or from event to event [default: clocked]
    #[arg(long, value_name = "clocked|event")]
    pub engine: Option<Advance>,

    /// Length of a step, with its unit, and of a frame; from event to event, the
    /// step that the network's gains are meant for [default: what the network's file
    /// says, else 1ms]
    #[arg(long, value_name = "TIME")]
    pub dt: Option<Micros>,

    /// From event to event: what falls into one such time is simultaneous, and the
    /// spikes are those of a clock with this step
    #[arg(long, value_name = "TIME", conflicts_with = "dt")]
    pub quantum: Option<Micros>,

    /// What time zero means: the first event (or frame), or the recording's own clock
    #[arg(long, value_name = "first|absolute", default_value = "first")]
    pub origin: Origin,

    /// Start of the window, from the origin; steps are counted from there
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<Micros>,

    /// End of the window, from the origin
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<Micros>,

    /// Run exactly so many steps: cut what is behind them, add silence if short
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,

    /// Cut into as many --steps with equally many events or equally much time each, which
    /// takes the whole recording before the first step: not causal [default: what the
    /// network's file says, else steps have a length]
    #[arg(long, value_name = "number|time")]
    pub slice: Option<Portions>,

    /// What several events of one pixel in one step are: as many spikes, or one [default:
    /// what the network's file says, else counts]
    #[arg(long, value_name = "counts|binary")]
    pub input: Option<InputMode>,

    /// What becomes of events out of order: sort, sort:TIME, drop or reject
    #[arg(long, value_name = "POLICY", default_value = "sort")]
    pub order: OrderPolicy,

    /// The recording's format, where its content does not show it
    #[arg(long, value_name = "NAME", value_parser = format_name, long_help = help::of_formats())]
    pub format: Option<String>,

    /// The sensor's size, where the file does not state it
    #[arg(long, value_name = "WxH")]
    pub sensor: Option<Sensor>,

    /// Names of the outputs: dvs128-gesture, or a list with commas between
    #[arg(long, value_name = "NAMES", value_parser = class_names)]
    pub classes: Option<ClassNames>,

    /// Refuse (exit code 1) if any event is lost unasked
    #[arg(long)]
    pub strict: bool,
}

/// Names of the outputs.
#[derive(Clone)]
pub struct ClassNames(pub Vec<String>);

/// A network, and where it came from.
pub struct Opened {
    /// The network.
    pub network: Network,
    /// Its file.
    pub origins: Origins,
    /// What made it of a state dict.
    pub mapping: Option<Origins>,
}

impl RunOptions {
    /// Whether the bundled pair is meant.
    pub fn is_bundled(&self) -> bool {
        self.recordings.is_empty() && self.network.is_none()
    }

    /// The settings of a run of this network.
    ///
    /// # Errors
    /// A quantum for a clock, entries in the network's file that cannot be read.
    pub fn settings(&self, network: &Network) -> Result<Settings> {
        let advance = match (self.engine, self.quantum) {
            (None | Some(Advance::Event), Some(_)) => Advance::Quanta,
            (engine, None) => engine.unwrap_or(Advance::Clocked),
            (Some(engine), Some(quantum)) => {
                let found = format!("--quantum {quantum} with --engine {}", engine.name());
                return Err(Error::new(ErrorKind::Usage, found, "--engine event, or --dt"));
            }
        };
        let conventions = self.convention.as_ref().or(network.convention.as_ref());
        let slice = self.slice.map_or_else(|| self.own(&network.slice, SLICE), |s| Ok(Some(s)))?;
        let steps = match slice {
            Some(_) if self.steps.is_none() => parsed(network.steps.as_deref(), STEPS)?,
            _ => self.steps,
        };
        Ok(Settings {
            advance,
            conventions: conventions.cloned().unwrap_or_default(),
            dt: self.step(network.dt),
            origin: self.origin,
            from: self.from,
            to: self.to,
            steps,
            slice,
            input: self.input_mode(network)?,
            order: self.order,
            sensor: self.sensor,
        })
    }

    /// What several events of a pixel in a step are.
    fn input_mode(&self, network: &Network) -> Result<InputMode> {
        let own = network.input_mode.as_deref().filter(|_| self.input.is_none());
        Ok(self.input.or(parsed(own, INPUT_MODE)?).unwrap_or_default())
    }

    /// The settings for samples that are cut as those were that the network learned from.
    ///
    /// # Errors
    /// As [`RunOptions::settings`].
    pub fn settings_for_samples(&self, network: &Network) -> Result<Settings> {
        let settings = self.settings(network)?;
        let own = self.own(&network.steps, STEPS)?.filter(|_| self.steps.is_none());
        Ok(Settings { steps: own.or(settings.steps), ..settings })
    }

    /// What the network's file says of its steps, where no other length was asked for.
    fn own<T: FromStr>(&self, entry: &Option<String>, name: &str) -> Result<Option<T>> {
        let is_own = self.dt.is_none() && self.quantum.is_none();
        parsed(entry.as_deref().filter(|_| is_own), name)
    }

    /// Length of a step, or of a quantum; `own` is that of the network, if it has one.
    fn step(&self, own: Option<Micros>) -> Micros {
        self.quantum.or(self.dt).or(own).unwrap_or(Micros(1000))
    }

    /// Reads the network that was named, or the bundled one.
    ///
    /// # Errors
    /// A recording without a network; whatever [`file::read`], the mapping and
    /// [`Network::new`] refuse.
    pub fn open_network(&self) -> Result<Opened> {
        match &self.network {
            Some(path) => {
                let (graph, mapping) = self.graph(path)?;
                let network = Network::new(graph).map_err(|e| e.in_file(path))?;
                Ok(Opened { network, origins: Origins::of(path)?, mapping })
            }
            None if self.is_bundled() => {
                let graph = nir::from_bytes(bundled::NETWORK.bytes.to_vec())?;
                let origins = Origins::bundled(&bundled::NETWORK);
                Ok(Opened { network: Network::new(graph)?, origins, mapping: None })
            }
            None => {
                Err(Error::new(ErrorKind::Usage, "a recording without a network", "--network FILE"))
            }
        }
    }

    /// The graph in a file, by itself or by the mapping.
    fn graph(&self, path: &Path) -> Result<(Graph, Option<Origins>)> {
        let usage = |found: &str, expected: String| {
            Err(Error::new(ErrorKind::Usage, found, expected).in_file(path))
        };
        let has_weights = weights::sniff(&disk::head(path, 64)?);
        let Some(name) = &self.mapping else {
            if has_weights {
                let list = weights::read(path)?.list();
                let found = format!("a state dict, which does not say what its layers are: {list}");
                let names = mapping::names().join(", ");
                let expected = format!(
                    "--mapping with a file that says so, or one of {names}; \
                     synops help replay shows an example"
                );
                return usage(&found, expected);
            }
            return Ok((file::read(path)?.1, None));
        };
        if !has_weights {
            return usage("a --mapping for what is no state dict", "a .pt, .pth or .npz".into());
        }
        let (mapping, bytes) = mapping::read(name)?;
        let graph = mapping.graph(&weights::read(path)?, self.step(None).seconds());
        let sha256 = digest::of(&bytes);
        let origins = Origins { path: name.display().to_string(), sha256 };
        Ok((graph.map_err(|e| e.in_file(path))?, Some(origins)))
    }

    /// Names of the outputs: those that were given, else the network's own, else
    /// those of the data set that the labels belong to.
    ///
    /// # Errors
    /// Names for another number of outputs.
    pub fn class_names(&self, network: &Network, has_labels: bool) -> Result<Option<Vec<String>>> {
        let outputs = network.units[network.output].output.len();
        let gesture = || gesture::CLASSES.map(str::to_owned).to_vec();
        let names = match (&self.classes, &network.classes) {
            (Some(ClassNames(names)), _) => Some(names.clone()),
            (None, Some(names)) => Some(names.clone()),
            (None, None) if has_labels && outputs == gesture::CLASSES.len() => Some(gesture()),
            (None, None) => None,
        };
        match &names {
            Some(names) if names.len() != outputs => {
                let found = counted(names.len() as u64, "class name");
                Err(Error::new(ErrorKind::Usage, found, format!("{outputs}, one an output")))
            }
            _ => Ok(names),
        }
    }
}

/// What a network's file says under a name.
fn parsed<T: FromStr>(text: Option<&str>, name: &str) -> Result<Option<T>> {
    let refuse = |text: &str| {
        let error = Error::new(ErrorKind::Corrupt, format!("'{text}'"), "what training writes");
        error.at(format!("metadata '{name}'"))
    };
    text.map(|text| text.parse().map_err(|_| refuse(text))).transpose()
}

impl Origins {
    /// Names the file in an error, unless that is about what was asked for.
    pub fn blame(&self, error: Error) -> Error {
        match error.kind {
            ErrorKind::Usage => error,
            _ => error.in_file(self.path.as_ref()),
        }
    }

    /// A file's.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(path: &Path) -> Result<Origins> {
        Ok(Origins { path: path.display().to_string(), sha256: digest::of_file(path)? })
    }

    /// A bundled file's.
    pub fn bundled(file: &bundled::File) -> Origins {
        Origins { path: file.name.to_owned(), sha256: digest::of(file.bytes) }
    }
}

/// A format's name, checked.
pub fn format_name(text: &str) -> Result<String> {
    format::named(text).map(|format| format.name.to_owned())
}

fn class_names(text: &str) -> Result<ClassNames> {
    let names: Vec<String> = match text {
        "dvs128-gesture" => gesture::CLASSES.map(str::to_owned).to_vec(),
        list => list.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    match is_each_once(&names) {
        true => Ok(ClassNames(names)),
        false => Err(Error::new(ErrorKind::Usage, text, "each name once")),
    }
}

/// Whether no two of what a word lists are the same.
pub fn is_each_once<T: Ord>(listed: &[T]) -> bool {
    listed.iter().collect::<BTreeSet<_>>().len() == listed.len()
}
