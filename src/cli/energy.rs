//! `synops energy`: joules per inference, and what they are made of.

use std::path::{Path, PathBuf};

use super::metering::{Metering, Subject};
use super::options::RunOptions;
use super::output;
use super::progress::Progress;
use super::samples::{Choice, by_recording};
use super::tables::TableChoice;
use super::threads;
use crate::disk;
use crate::draw::Picture;
use crate::error::{Error, ErrorKind, Result};
use crate::replay::Replay;
use crate::report::energy::Metered;
use crate::report::json;
use crate::units::Bytes;

/// Joules per inference by named tables: every count, every constant, their products, and the
/// same work by other networks
///
/// Example: synops energy DvsGesture --network gesture.nir --dt 10ms --table horowitz45,lemaire45
///
/// One recording: synops energy user24_led.aedat --labels user24_led_labels.csv -n gesture.nir
#[derive(clap::Args)]
#[command(mut_arg("recordings", |arg| arg.value_name("RECORDING|FOLDER").help(
    "A recording, or the folder of a data set; with neither that nor a network, the bundled \
     pair runs"
)), mut_arg("table", |arg| arg.default_value("horowitz45,horowitz45-int8,lemaire45")))]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    #[command(flatten)]
    choice: Choice,

    #[command(flatten)]
    tables: TableChoice,

    /// Memories of up to this size are near; each is judged alone
    #[arg(long, value_name = "SIZE", default_value = "1MiB")]
    buffer: Bytes,

    /// Draw a bar a table, with low and high: a .png or .svg
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// Write every sample's counts and joules as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let picture = args.plot.as_deref().map(Picture::of).transpose()?;
    let tables = args.tables.read(args.buffer)?;
    let opened = args.run.open_network()?;
    let (subject, settings) = Subject::of(&args.run, &args.choice, &opened.network)?;
    let replay = Replay::new(&opened.network, settings).map_err(|e| opened.origins.blame(e))?;
    let metering = Metering::new(&args.run, &replay, subject)?;
    let mut metered = all_of(&metering)?;
    metered.sort_by_key(|(sample, _)| *sample);
    let samples = metered.into_iter().map(|(_, sample)| sample).collect();
    let report = metering.report(&opened, samples, &tables, args.buffer)?;
    if let (Some(path), Some(picture)) = (&args.plot, picture) {
        disk::write(path, &report.bars().draw().render(picture)?)?;
    }
    if let Some(path) = &args.csv {
        output::write(path, &report.csv()?)?;
    }
    if let Some(path) = &args.json {
        output::write(path, &json(&report)?)?;
    }
    if output::is_for_people([args.csv.as_deref(), args.json.as_deref()]) {
        output::print(&report.text())?;
    }
    match report.cautions.iter().find(|caution| caution.is_loss()) {
        Some(loss) if args.run.strict => {
            Err(Error::new(ErrorKind::Strict, loss.text(), "no loss (--strict)"))
        }
        _ => Ok(()),
    }
}

/// The samples of all recordings, with their numbers. Progress is through a single
/// recording, or through the list.
fn all_of(metering: &Metering<'_>) -> Result<Vec<(usize, Metered)>> {
    let recordings = by_recording(metering.samples());
    if let [(path, samples)] = &recordings[..] {
        let mut progress = None;
        return Ok(metering.recording(path, samples, |offset, len| {
            progress.get_or_insert_with(|| Progress::new(len)).at(offset);
        }));
    }
    let mut metered = Vec::new();
    let each = |(path, samples): &(&Path, Vec<usize>)| metering.recording(path, samples, |_, _| ());
    threads::in_order(&recordings, each, |more| metered.extend(more))?;
    Ok(metered)
}
