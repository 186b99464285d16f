//! `synops eval`: a data set through a network.

mod evaluation;
mod rows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use self::evaluation::Evaluation;
use self::rows::RowFile;
use super::options::RunOptions;
use super::output;
use super::samples::{Choice, by_recording};
use super::threads;
use crate::disk;
use crate::draw::Picture;
use crate::draw::words::counted;
use crate::error::{Error, ErrorKind, Result};
use crate::measure::Table;
use crate::report::eval::{EvalReport, Head, Row};
use crate::report::json;

/// Run a data set through a network: accuracy, confusions, spikes, operations and energy by sample
///
/// Example: synops eval DvsGesture --network gesture.nir --dt 10ms --plot confusion.png
///
/// In two parts: synops eval DvsGesture -n gesture.nir --shard 1/2 --rows 1.jsonl, the same with
/// 2/2, then synops eval --merge 1.jsonl 2.jsonl
#[derive(clap::Args)]
#[command(mut_arg("recordings", |arg| arg.value_name("FOLDER").help(
    "The folder of the data set, or with --merge files of rows"
)), mut_arg("labels", |arg| arg.hide(true)), mut_arg("from", |arg| arg.hide(true)),
    mut_arg("to", |arg| arg.hide(true)))]
pub struct Args {
    #[command(flatten)]
    run: RunOptions,

    #[command(flatten)]
    choice: Choice,

    /// Only the recordings of one of so many parts, such as 2/8
    #[arg(long, value_name = "I/N", conflicts_with = "merge")]
    shard: Option<Shard>,

    /// Write every sample's row as it is done, as lines of JSON
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,

    /// Go on where the file of rows ends
    #[arg(long, requires = "rows")]
    resume: bool,

    /// Put files of rows together and run nothing
    #[arg(long, conflicts_with_all = ["network", "list", "split", "part", "resume"])]
    merge: bool,

    /// Write the rows as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Draw the confusion matrix: a .png or .svg
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Recordings whose number leaves a remainder.
#[derive(Clone, Copy)]
struct Shard {
    index: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Shard> {
        let parse = || {
            let (index, of) = text.split_once('/')?;
            let (index, of) = (index.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&index).then_some(Shard { index, of })
        };
        let expected = "a part and their number, from 1/2 to 2/2";
        parse().ok_or_else(|| Error::new(ErrorKind::Usage, format!("shard '{text}'"), expected))
    }
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let picture = args.plot.as_deref().map(Picture::of).transpose()?;
    let (head, samples) = match args.merge {
        true => rows::merged(&args.run.recordings)?,
        false => args.evaluate()?,
    };
    if args.merge
        && let Some(path) = &args.rows
    {
        rows::write(path, &head, &samples)?;
    }
    let report = EvalReport::new(head, samples, &[Table::usual()?]);
    if let Some(path) = &args.csv {
        output::write(path, &report.csv()?)?;
    }
    if let (Some(path), Some(picture)) = (&args.plot, picture) {
        disk::write(path, &report.picture().draw().render(picture)?)?;
    }
    if let Some(path) = &args.json {
        output::write(path, &json(&report)?)?;
    }
    if output::is_for_people([args.csv.as_deref(), args.json.as_deref()]) {
        output::print(&report.text())?;
    }
    let problems = report.samples.iter().filter_map(|row| row.problem.clone());
    let problems: Vec<String> = report.head.defects.iter().cloned().chain(problems).collect();
    match problems.first() {
        Some(first) if args.run.strict => {
            let count = counted(problems.len() as u64, "problem");
            let found = format!("{count}, the first: {first}");
            Err(Error::new(ErrorKind::Strict, found, "none (--strict)"))
        }
        Some(first) if report.accuracy.of == 0 => {
            Err(Error::new(ErrorKind::Usage, format!("no sample that runs: {first}"), ""))
        }
        _ => Ok(()),
    }
}

impl Args {
    fn evaluate(&self) -> Result<(Head, Vec<Row>)> {
        let [root] = &self.run.recordings[..] else {
            let found = format!("{} folders", self.run.recordings.len());
            return Err(Error::new(ErrorKind::Usage, found, "one, of the data set"));
        };
        let opened = self.run.open_network()?;
        let (corpus, part, samples) = self.choice.samples(root, &self.run, &opened.network)?;
        let evaluation = Evaluation::new(root, &self.run, &opened, &corpus, samples)?;
        let head = evaluation.head(&corpus, part, &opened)?;
        let rows = self.rows(&evaluation, &head)?;
        Ok((head, rows))
    }

    /// The rows of this shard: those that are in the file, then the others.
    fn rows(&self, evaluation: &Evaluation<'_>, head: &Head) -> Result<Vec<Row>> {
        let mut rows = match &self.rows {
            Some(path) => rows::earlier(path, head, self.resume)?,
            None => Vec::new(),
        };
        let Shard { index, of } = self.shard.unwrap_or(Shard { index: 1, of: 1 });
        let mine = by_recording(evaluation.samples()).into_iter().skip(index - 1).step_by(of);
        let done: BTreeSet<usize> = rows.iter().map(|row| row.sample).collect();
        let is_done = |samples: &[usize]| samples.iter().all(|sample| done.contains(sample));
        let left: Vec<(&Path, Vec<usize>)> =
            mine.filter(|(_, samples)| !is_done(samples)).collect();
        // of a recording that was interrupted, all samples are run again
        let again: BTreeSet<usize> = left.iter().flat_map(|(_, samples)| samples.clone()).collect();
        rows.retain(|row| !again.contains(&row.sample));
        let file = self.rows.as_ref().map(|path| RowFile::new(path, head, &rows));
        let mut file = file.transpose()?;
        let mut failed = None;
        threads::in_order(
            &left,
            |(path, samples)| evaluation.recording(path, samples),
            |more| {
                let written = file.as_mut().map_or(Ok(()), |file| file.append(&more));
                failed = failed.take().or(written.err());
                rows.extend(more);
            },
        )?;
        failed.map_or(Ok(()), Err)?;
        rows.sort_by_key(|row| row.sample);
        if let Some(path) = &self.rows {
            rows::write(path, head, &rows)?;
        }
        Ok(rows)
    }
}
