//! A bar on standard error for what takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown before this.
const PATIENCE: Duration = Duration::from_secs(1);

/// How the progress through the bytes of a file looks.
const BYTES: &str =
    "{percent:>3} % [{bar:40}] {bytes} of {total_bytes}, {elapsed} gone, {eta} to go";

/// And that through a list of recordings.
const RECORDINGS: &str =
    "{percent:>3} % [{bar:40}] {pos} of {len} recordings, {elapsed} gone, {eta} to go";

/// And that through the samples of an epoch.
const SAMPLES: &str = "{msg} [{bar:40}] {pos} of {len} samples, {per_sec}, {eta} to go";

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
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_elapsed(began.elapsed())
}
