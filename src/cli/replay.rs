//! `synops replay`: recordings in, answers out.

use std::env;
use std::path::PathBuf;

use super::many;
use super::options::RunOptions;
use super::output;
use super::play::{Wanted, play};
use super::tables::{BUFFER, TableChoice};
use crate::disk;
use crate::draw::Picture;
use crate::error::Result;
use crate::report::json;

/// Run recordings through a network: the answer, spikes and synaptic operations by layer, joules
///
/// Example: synops replay user24_led.aedat --labels user24_led_labels.csv --network gesture.nir
///
/// Weights of PyTorch: synops replay frames.npz --network weights.pt --mapping spikingjelly-dvsgesturenet
///
/// A folder of recordings: synops replay Train --network cnn_sinabs.nir --threads 4 --json all.json
#[derive(clap::Args)]
#[command(mut_arg("table", |arg| arg.help(
    "What operations cost: names with commas between, TOML files of your own, or all [default: \
     horowitz45, and on a page one of each kind]"
)))]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    #[command(flatten)]
    tables: TableChoice,

    /// Draw input events and every layer's spikes: a .png or .svg [default: none, and of
    /// the bundled recording one in the folder for temporary files]
    #[arg(long, value_name = "FILE")]
    raster: Option<PathBuf>,

    /// Write a page to look closer at: the answer over time, spikes to zoom into, layers,
    /// energy; a single .html that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Draw the same in the terminal
    #[arg(long)]
    plot: bool,

    /// Write spikes and operations of every layer as CSV, step by step, trial by trial; times
    /// are since the run began, or since the first trial did
    #[arg(long, value_name = "FILE")]
    by_step: Option<PathBuf>,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let raster = args.raster();
    let picture = raster.as_deref().map(Picture::of).transpose()?;
    if args.run.are_many() {
        return match (&raster, &args.html) {
            (Some(_), _) => Err(args.run.only_one("--raster")),
            (_, Some(_)) => Err(args.run.only_one("--html")),
            _ if args.by_step.is_some() => Err(args.run.only_one("--by-step")),
            _ if args.tables.is_given() => Err(args.run.only_one("--table; energy takes folders")),
            (None, None) if args.plot => Err(args.run.only_one("--plot")),
            (None, None) => many::run(&args.run, args.json.as_deref()),
        };
    }
    let tables = args.tables.read_or_kinds(BUFFER)?;
    let wanted = Wanted {
        raster: picture.is_some() || args.plot,
        page: args.html.is_some().then_some(&tables[..]),
        steps: args.by_step.is_some(),
        tables: args.tables.is_given().then_some(&tables[..]),
    };
    let played = play(&args.run, &args.run.open_network()?, wanted)?;
    if let (Some(path), Some(picture), Some(drawn)) = (&raster, picture, &played.drawn) {
        disk::write(path, &drawn.picture(picture)?)?;
    }
    if let (Some(path), Some(page)) = (&args.html, &played.page) {
        output::write(path, page.as_bytes())?;
    }
    if let (Some(path), Some(steps)) = (&args.by_step, &played.steps) {
        output::write(path, steps)?;
    }
    if let Some(path) = &args.json {
        output::write(path, &json(&played.report)?)?;
    }
    if output::is_for_people([args.html.as_deref(), args.by_step.as_deref(), args.json.as_deref()])
    {
        output::print(&played.report.text())?;
        let since = match played.report.trials {
            Some(_) => ": from_us since the first trial began",
            None => "",
        };
        for (what, path, note) in
            [("raster", &raster, ""), ("page", &args.html, ""), ("by step", &args.by_step, since)]
        {
            if let Some(path) = path {
                output::print_path(&format!("{what:8} "), path, note)?;
            }
        }
        if let Some(drawn) = played.drawn.filter(|_| args.plot) {
            output::print(&format!("\n{}", drawn.text(output::columns())))?;
        }
    }
    played.damage.map_or(Ok(()), Err)
}

impl Args {
    /// Where to draw: what comes with the program is drawn unasked, so that whoever tries
    /// it has something to see.
    fn raster(&self) -> Option<PathBuf> {
        let is_trial = self.run.is_bundled() && self.json.is_none();
        self.raster.clone().or_else(|| is_trial.then(|| env::temp_dir().join("synops.png")))
    }
}
