//! `synops info`: what a file is, or a data set.

use std::path::{Path, PathBuf};

use super::help;
use super::options::format_name;
use super::output;
use super::progress::Progress;
use super::threads;
use crate::corpus::Corpus;
use crate::digest;
use crate::disk;
use crate::engine::{Clocked, Engine};
use crate::error::{Error, Result};
use crate::event::Batch;
use crate::format::Recording;
use crate::network::{Network, file};
use crate::record::weights;
use crate::report::corpus::{CorpusInfo, of_lines, recordings};
use crate::report::info::{NetworkInfo, NodeInfo, RecordingInfo, WeightsInfo};
use crate::report::json;
use crate::units::Micros;

/// Say what files are: format, sensor, events, time, oddities; nodes and shapes; names of
/// weights; and what is in the folder of a data set: cut, classes, parts, users, defects
///
/// Example: synops info user24_led.aedat network.nir
#[derive(clap::Args)]
#[command(after_long_help = help::of_nodes())]
pub struct Args {
    /// Recordings, networks, state dicts, folders of data sets
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// The recordings' format, where their content does not show it
    #[arg(long, value_name = "NAME", value_parser = format_name, long_help = help::of_formats())]
    format: Option<String>,

    /// Of a data set, digest all recordings too, which reads them
    #[arg(long)]
    digest: bool,

    /// Write the report of a single file as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What was found out about a file.
enum Info {
    Recording(Box<RecordingInfo>, Option<Error>),
    Network(NetworkInfo),
    Weights(WeightsInfo),
    DataSet(CorpusInfo),
}

/// Runs the verb. A bad file is reported, the others are still described, and
/// the first error is the verb's.
pub fn run(args: &Args) -> Result<()> {
    if args.json.is_some() && args.files.len() > 1 {
        let found = format!("--json with {} files", args.files.len());
        return Err(Error::new(crate::error::ErrorKind::Usage, found, "one file"));
    }
    let mut first_error = None;
    for path in &args.files {
        if let Err(error) = describe(path, args) {
            if first_error.is_some() {
                eprintln!("synops: {error}");
            }
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(()), Err)
}

fn describe(path: &Path, args: &Args) -> Result<()> {
    let info = match path.is_dir() {
        true => Info::DataSet(data_set(path, args.digest)?),
        false => inspect(path, args.format.as_deref())?,
    };
    let (text, bytes, damage) = match info {
        Info::Recording(info, damage) => (info.text(), json(&*info)?, damage),
        Info::Network(info) => (info.text(), json(&info)?, None),
        Info::Weights(info) => (info.text(), json(&info)?, None),
        Info::DataSet(info) => (info.text(), json(&info)?, None),
    };
    match &args.json {
        Some(file) => output::write(file, &bytes)?,
        None => output::print(&text)?,
    }
    damage.map_or(Ok(()), Err)
}

fn inspect(path: &Path, format: Option<&str>) -> Result<Info> {
    let head = disk::head(path, 64)?;
    if format.is_none() && file::sniff(&head) {
        return Ok(Info::Network(network(path)?));
    }
    // an .npz may hold frames or weights; its names tell
    let may_be_weights = format.is_none() && weights::sniff(&head);
    if may_be_weights && Recording::open(path, None).is_err() {
        let weights = weights::read(path)?;
        return Ok(Info::Weights(WeightsInfo::new(path.display().to_string(), &weights)));
    }
    recording(path, format)
}

fn data_set(root: &Path, has_digest: bool) -> Result<CorpusInfo> {
    let corpus = Corpus::open(root)?;
    let mut info = CorpusInfo::new(root, &corpus)?;
    if has_digest {
        let recordings = recordings(&corpus);
        let (mut digests, mut failed) = (Vec::with_capacity(recordings.len()), None);
        let digest = |path: &&Path| digest::of_file(path);
        threads::in_order(&recordings, digest, |digest| match digest {
            Ok(digest) => digests.push(digest),
            Err(error) => _ = failed.get_or_insert(error),
        })?;
        failed.map_or(Ok(()), Err)?;
        info.recordings_sha256 = Some(of_lines(root, digests.into_iter().zip(recordings)));
    }
    Ok(info)
}

fn recording(path: &Path, format: Option<&str>) -> Result<Info> {
    let mut recording = Recording::open(path, format)?;
    let mut info = RecordingInfo::new(path.display().to_string(), recording.header());
    let (mut batch, mut progress) = (Batch::default(), Progress::new(recording.len()));
    let damage = loop {
        batch.clear();
        let more = recording.decode(&mut batch);
        info.add(&batch);
        progress.at(recording.offset());
        match more {
            Ok(true) => (),
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    info.tally = recording.tally().clone();
    info.tally.assert_conserved();
    info.damage = damage.as_ref().map(ToString::to_string);
    Ok(Info::Recording(Box::new(info), damage))
}

fn network(path: &Path) -> Result<NetworkInfo> {
    let (format, graph) = file::read(path)?;
    let network = Network::new(graph).map_err(|e| e.in_file(path))?;
    let conventions = network.convention.clone().unwrap_or_default();
    let engine = Clocked::new(&network, &conventions, network.dt.unwrap_or(Micros(1000)));
    let engine = engine.map_err(|e| e.in_file(path))?;
    let node = |&unit: &usize| {
        let wired = &network.units[unit];
        NodeInfo {
            name: wired.name.clone(),
            kind: wired.unit.nir(),
            input: wired.input.axes().to_vec(),
            output: wired.output.axes().to_vec(),
            parameters: wired.unit.parameters(),
            synapses: engine.plan().synapses[unit],
            sources: wired.sources.iter().map(|&s| network.units[s].name.clone()).collect(),
        }
    };
    Ok(NetworkInfo {
        path: path.display().to_string(),
        what: "network",
        format: format.name,
        nodes: engine.plan().sequence.iter().map(node).collect(),
        parameters: network.parameters(),
        classes: network.classes.clone(),
        convention: network.convention.as_ref().map(ToString::to_string),
        dt_us: network.dt.map(|dt| dt.0),
        steps: network.steps.clone(),
        notes: network.notes.clone(),
    })
}
