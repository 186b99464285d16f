//! A bar on standard error for what takes longer than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Nothing is shown before this.
const PATIENCE: Duration = Duration::from_secs(1);

/// Progress through a file.
pub struct Progress {
    began: Instant,
    len: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress through `len` bytes, none read.
    pub fn new(len: u64) -> Progress {
        Progress { began: Instant::now(), len, bar: None }
    }

    /// Tells that the file has been read up to here.
    pub fn at(&mut self, offset: u64) {
        if self.bar.is_none() && self.began.elapsed() >= PATIENCE {
            self.bar = Some(bar(self.len, self.began));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(offset);
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
fn bar(len: u64, began: Instant) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr_with_hz(10));
    let template =
        "{percent:>3} % [{bar:40}] {bytes} of {total_bytes}, {elapsed} gone, {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_elapsed(began.elapsed())
}
