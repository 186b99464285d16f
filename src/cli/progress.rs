//! A bar on standard error for what takes longer than a second.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Nothing is shown before this.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the progress through the bytes of a file looks.
const BYTES: &str =
    "{percent:>3} % [{bar:40}] {bytes} of {total_bytes}, {elapsed} gone, {left} to go";

/// And that through a list of recordings.
const RECORDINGS: &str =
    "{percent:>3} % [{bar:40}] {pos} of {len} recordings, {elapsed} gone, {left} to go";

/// And that through the samples of an epoch.
const SAMPLES: &str = "{msg} [{bar:40}] {pos} of {len} samples, {rate}/s, {left} to go";

/// Progress through a file, or through a list.
pub struct Progress {
    began: Instant,
    len: u64,
    template: &'static str,
    message: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress through `len` bytes, none read.
    pub fn new(len: u64) -> Progress {
        Progress::by(BYTES, len, String::new())
    }

    /// Progress through so many recordings, none run.
    pub fn of_recordings(recordings: u64) -> Progress {
        Progress::by(RECORDINGS, recordings, String::new())
    }

    /// Progress through so many samples, none trained on; `message` says which.
    pub fn of_samples(samples: u64, message: String) -> Progress {
        Progress::by(SAMPLES, samples, message)
    }

    fn by(template: &'static str, len: u64, message: String) -> Progress {
        Progress { began: Instant::now(), len, template, message, bar: None }
    }

    /// Tells that all before here is done.
    pub fn at(&mut self, position: u64) {
        if self.bar.is_none() && self.began.elapsed() >= PATIENCE {
            let bar = bar(self.len, self.template, self.began);
            self.bar = Some(bar.with_message(self.message.clone()));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Drawn on a terminal only: that is how the target behaves.
fn bar(len: u64, template: &str, began: Instant) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template(template) {
        // by the mean of all the time: what is shown late has no history of its own
        let rate = |state: &ProgressState| state.pos() as f64 / state.elapsed().as_secs_f64();
        let left = move |state: &ProgressState| {
            let left = state.len().unwrap_or(0).saturating_sub(state.pos());
            Duration::try_from_secs_f64((left as f64 / rate(state)).round()).unwrap_or_default()
        };
        let style = style
            .with_key("rate", move |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{:.0}", rate(state));
            })
            .with_key("left", move |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{}", HumanDuration(left(state)));
            });
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_elapsed(began.elapsed())
}
