//! `synops energy`: joules per inference, and what they are made of.

mod metering;

use std::path::{Path, PathBuf};

use self::metering::Metering;
use super::options::RunOptions;
use super::output;
use super::play::picture_of;
use super::progress::Progress;
use super::samples::{Choice, by_recording};
use super::threads;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::measure::Table;
use crate::report::energy::{Made, Metered};
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
)))]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    #[command(flatten)]
    choice: Choice,

    /// What operations cost: names with commas between, TOML files of your own, or all
    #[arg(
        long,
        value_name = "NAME|FILE,...",
        value_delimiter = ',',
        default_value = "horowitz45,horowitz45-int8,lemaire45",
        long_help = table_help()
    )]
    table: Vec<PathBuf>,

    /// Memories of up to this size are near, by themselves
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

fn table_help() -> String {
    let tables = Table::all().unwrap_or_default();
    let line = |table: &Table| format!("  {:18}{} [{}]", table.name, table.about, table.certainty);
    let lines: Vec<String> = tables.iter().map(line).collect();
    format!(
        "What operations cost: names with commas between, TOML files of your own, or all\n\n{}\n\n\
         NeuroBench's counts are in every report; it has no joules.\n\
         A file:\n{EXAMPLE}",
        lines.join("\n")
    )
}

const EXAMPLE: &str = r#"  name = "mine"
  about = "what the figures are"
  citation = "where they are from"
  certainty = "read"            # or secondhand, recalled
  process = "28 nm"
  leaves_out = ["memory"]
  [[term]]
  name = "synaptic_ops"         # any count of the report that is no word
  about = "what one includes"
  low = 1.0                     # picojoules
  typical = 2.0
  high = 3.0"#;

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let picture = picture_of(args.plot.as_deref())?;
    let tables = args.tables()?;
    let opened = args.run.open_network()?;
    let metering = Metering::new(&args.run, &args.choice, &opened)?;
    let mut metered = all_of(&metering)?;
    metered.sort_by_key(|(sample, _)| *sample);
    let network = &opened.network;
    let mut notes = network.notes.clone();
    notes.extend(metering.notes());
    let report = Made {
        head: metering.head(&opened),
        network,
        sequence: metering.sequence(),
        ledger: metering.ledger(),
        samples: metered.into_iter().map(|(_, sample)| sample).collect(),
        tables: &tables,
        buffer: args.buffer,
        cautions: metering.cautions(),
        notes,
    }
    .report()?;
    if let (Some(path), Some(picture)) = (&args.plot, picture) {
        disk::write(path, &report.bars().draw().render(picture)?)?;
    }
    if let Some(path) = &args.csv {
        output::write(path, &report.csv()?)?;
    }
    if let Some(path) = &args.json {
        output::write(path, &json(&report)?)?;
    }
    if args.json.as_deref() != Some(Path::new("-")) {
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
    let mut progress = Progress::of_recordings(recordings.len() as u64);
    let (mut done, mut metered) = (0, Vec::new());
    threads::in_order(
        &recordings,
        |(path, samples)| metering.recording(path, samples, |_, _| ()),
        |more| {
            metered.extend(more);
            done += 1;
            progress.at(done);
        },
    )?;
    Ok(metered)
}

impl Args {
    /// The tables that were asked for, in that order, with the buffer that was.
    fn tables(&self) -> Result<Vec<Table>> {
        let mut tables: Vec<Table> = Vec::new();
        for name in &self.table {
            for mut table in tables_of(name)? {
                if tables.iter().any(|other| other.name == table.name) {
                    let found = format!("table '{}' twice", table.name);
                    return Err(Error::new(ErrorKind::Usage, found, "each by a name of its own"));
                }
                if let Some(memory) = table.memory.as_mut().filter(|m| m.buffer_bytes.is_some()) {
                    memory.buffer_bytes = Some(self.buffer.0);
                }
                tables.push(table);
            }
        }
        Ok(tables)
    }
}

/// The table of a name or in a file, or all that ship.
fn tables_of(name: &Path) -> Result<Vec<Table>> {
    let all = Table::all()?;
    if name.as_os_str() == "all" {
        return Ok(all);
    }
    if name.extension().is_some_and(|ending| ending == "toml") {
        let bytes = disk::head(name, LARGEST)?;
        let text = String::from_utf8_lossy(&bytes);
        return Ok(vec![Table::parse(&text).map_err(|e| e.in_file(name))?]);
    }
    let names: Vec<String> = all.iter().map(|table| table.name.clone()).collect();
    match all.into_iter().find(|table| name.as_os_str() == table.name.as_str()) {
        Some(table) => Ok(vec![table]),
        None => {
            let found = format!("table '{}'", name.display());
            let expected = format!("all, a FILE.toml, or {}", names.join(", "));
            Err(Error::new(ErrorKind::Usage, found, expected))
        }
    }
}

/// No table has more bytes than this.
const LARGEST: u64 = 1 << 20;
