//! `synops convert`: a network in another format.

use std::path::{Path, PathBuf};

use super::output;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::network::file::{self, Format};
use crate::network::{Graph, Network, Translation, in_nir, nir, own};
use crate::report::convert::Conversion;

/// Write a network in another format: .nir, or .synops, which has every neuron and layer
///
/// Example: synops convert trained.synops trained.nir --approximate
#[derive(clap::Args)]
pub struct Args {
    /// The network: a NIR file, one of synops (.synops) or lava-dl (.net)
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// Where to: a name that ends in .nir or .synops
    #[arg(value_name = "OUT")]
    output: PathBuf,

    /// Take the nearest neuron that NIR has where it lacks one, and say what is lost
    #[arg(long)]
    approximate: bool,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let write = writer(&args.output)?;
    let (format, graph) = file::read(&args.input)?;
    let conversion = write(args, format, graph)?;
    output::report(args.json.as_deref(), &conversion, &conversion.text())
}

type Write = fn(&Args, &Format, Graph) -> Result<Conversion>;

fn writer(path: &Path) -> Result<Write> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("nir") => Ok(to_nir),
        Some("synops") => Ok(to_own),
        _ => {
            let expected = "a name that ends in .nir or .synops";
            Err(Error::new(ErrorKind::Usage, path.display().to_string(), expected))
        }
    }
}

fn to_nir(args: &Args, format: &Format, graph: Graph) -> Result<Conversion> {
    let Translation { graph, losses } = in_nir(&graph).map_err(|e| e.in_file(&args.input))?;
    if let (Some(first), false) = (losses.first(), args.approximate) {
        let more = if losses.len() > 1 {
            format!(", and {} more", losses.len() - 1)
        } else {
            String::new()
        };
        let found = format!("what NIR cannot say: {first}{more}");
        let expected = "--approximate, or a file that ends in .synops";
        return Err(Error::new(ErrorKind::Unsupported, found, expected).in_file(&args.input));
    }
    let bytes = nir::to_bytes(&graph).map_err(|e| e.in_file(&args.input))?;
    let conversion = conversion(args, format, "nir", graph, losses)?;
    disk::write(&args.output, &bytes)?;
    Ok(conversion)
}

fn to_own(args: &Args, format: &Format, graph: Graph) -> Result<Conversion> {
    let bytes = own::to_bytes(&graph).map_err(|e| e.in_file(&args.input))?;
    let conversion = conversion(args, format, "synops", graph, Vec::new())?;
    disk::write(&args.output, &bytes)?;
    Ok(conversion)
}

/// What is to be said of it; a network that does not fit together is refused here, before
/// anything is written.
fn conversion(
    args: &Args,
    from: &Format,
    to: &'static str,
    graph: Graph,
    losses: Vec<String>,
) -> Result<Conversion> {
    let network = Network::new(graph).map_err(|e| e.in_file(&args.input))?;
    Ok(Conversion::new(
        (args.input.display().to_string(), from.name),
        (args.output.display().to_string(), to),
        &network,
        losses,
    ))
}
