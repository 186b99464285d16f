//! `synops raster`: the spikes as a picture.

use std::path::PathBuf;

use super::options::{Opened, RunOptions};
use super::output;
use super::play::{Wanted, play};
use crate::disk;
use crate::draw::Picture;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Sensor;
use crate::network::{Graph, Network, Node, NodeKind};
use crate::record::Array;
use crate::report::build::Origins;
use crate::report::json;

/// Draw input events and every layer's spikes on one time axis; without a network, the events alone
///
/// Example: synops raster user24_led.aedat --network gesture.nir --out spikes.svg
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    /// The picture, a .png or .svg
    #[arg(long, short, value_name = "FILE", default_value = "raster.png")]
    out: PathBuf,

    /// Write the report of the run as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let picture = Picture::of(&args.out)?;
    let played =
        play(&args.run, &open_network(&args.run)?, Wanted { raster: true, ..Wanted::default() })?;
    if let Some(drawn) = &played.drawn {
        disk::write(&args.out, &drawn.picture(picture)?)?;
    }
    if let Some(path) = &args.json {
        output::write(path, &json(&played.report)?)?;
    }
    if output::is_for_people([args.json.as_deref()]) {
        output::print_path("", &args.out, "")?;
    }
    played.damage.map_or(Ok(()), Err)
}

/// The network that was named, or the bundled one; for a recording alone, one without layers.
///
/// # Errors
/// As [`RunOptions::open_network`]; a recording that does not state its sensor's size.
pub fn open_network(options: &RunOptions) -> Result<Opened> {
    match !options.recordings.is_empty() && options.network.is_none() {
        true => {
            let (network, origins) = (bare_input(options)?, Origins::default());
            Ok(Opened { network, origins, mapping: None })
        }
        false => options.open_network(),
    }
}

/// A network that is nothing but an input of the sensor's size.
fn bare_input(options: &RunOptions) -> Result<Network> {
    let (recording, origins) = options.open_recording()?;
    let sensor = options.sensor.or(recording.header().sensor);
    let Some(Sensor { width, height }) = sensor else {
        let found = "a recording that does not state its sensor's size";
        let error = Error::new(ErrorKind::Usage, found, "--sensor WxH, or a --network");
        return Err(error.in_file(origins.path.as_ref()));
    };
    let channels = recording.header().channels.unwrap_or(2);
    let shape = || Array::integers(&[channels.into(), height.into(), width.into()]);
    let nodes = vec![
        Node::new("events", NodeKind::Input(shape())),
        Node::new("output", NodeKind::Output(shape())),
    ];
    let edges = vec![("events".to_owned(), "output".to_owned())];
    Network::new(Graph { nodes, edges, ..Graph::default() })
}
