//! Many recordings through one network, on all threads.

use std::path::Path;
use std::time::Instant;

use super::options::RunOptions;
use super::output;
use super::player::Player;
use super::threads;
use crate::error::{Error, ErrorKind, Result};
use crate::report::many::ManyReport;

/// Runs every recording that the options name and reports on all of them, in the
/// order of their names. One that cannot be run does not stop the others.
///
/// # Errors
/// Anything that keeps all of them from being run. Of some, after all have run: of
/// kind [`ErrorKind::Strict`] if there was nothing else.
pub fn run(options: &RunOptions, to: Option<&Path>) -> Result<()> {
    if options.labels.is_some() {
        return Err(options.only_one("--labels"));
    }
    let opened = options.open_network()?;
    let player = Player::new(options, &opened, false)?;
    let (paths, beside) = options.list_recordings()?;
    let mut report = ManyReport::new(to.is_some(), beside);
    let mut errors: Vec<Error> = Vec::new();
    let began = Instant::now();
    threads::in_order(
        &paths,
        |path| (path, player.report_on(path)),
        |(path, played)| {
            errors.extend(match played.map_err(|e| e.in_file(path)) {
                Ok((one, damage)) => {
                    report.add(one);
                    damage
                }
                Err(error) => {
                    report.refuse(path.display().to_string(), error.to_string());
                    Some(error)
                }
            });
        },
    )?;
    report.finish(player.tables(), began.elapsed(), rayon::current_num_threads());
    output::report(to, &report, &report.text())?;
    sum_up(&errors, paths.len())
}

/// Says what went wrong, each error on its line.
fn sum_up(errors: &[Error], recordings: usize) -> Result<()> {
    errors.iter().for_each(|error| eprintln!("synops: {error}"));
    let worst = errors.iter().find(|error| error.kind != ErrorKind::Strict).or(errors.first());
    worst.map_or(Ok(()), |worst| {
        let found = format!("{} of {recordings} recordings with an error", errors.len());
        Err(Error::new(worst.kind, found, ""))
    })
}
