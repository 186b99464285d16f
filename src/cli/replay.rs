//! `synops replay`: recordings in, answers out.

use std::path::{Path, PathBuf};

use super::many;
use super::options::RunOptions;
use super::output;
use super::play::{picture_of, play};
use crate::disk;
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
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    /// Draw input events and every layer's spikes: a .png or .svg
    #[arg(long, value_name = "FILE")]
    raster: Option<PathBuf>,

    /// Draw the same in the terminal
    #[arg(long)]
    plot: bool,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let picture = picture_of(args.raster.as_deref())?;
    if args.run.are_many() {
        return match &args.raster {
            Some(_) => Err(args.run.only_one("--raster")),
            None if args.plot => Err(args.run.only_one("--plot")),
            None => many::run(&args.run, args.json.as_deref()),
        };
    }
    let draws = picture.is_some() || args.plot;
    let played = play(&args.run, &args.run.open_network()?, draws)?;
    if let (Some(path), Some(picture), Some(drawn)) = (&args.raster, picture, &played.drawn) {
        disk::write(path, &drawn.picture(picture)?)?;
    }
    if let Some(path) = &args.json {
        output::write(path, &json(&played.report)?)?;
    }
    if args.json.as_deref() != Some(Path::new("-")) {
        output::print(&played.report.text())?;
        if let Some(path) = &args.raster {
            output::print(&format!("raster   {}\n", path.display()))?;
        }
        if let Some(drawn) = played.drawn.filter(|_| args.plot) {
            output::print(&format!("\n{}", drawn.text(output::columns())))?;
        }
    }
    played.damage.map_or(Ok(()), Err)
}
