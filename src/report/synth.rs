//! A synthetic data set that was made, as data and as text.

use std::fmt::Write;

use serde::Serialize;

use crate::corpus::synthetic::{Made, Plan};
use crate::draw::words::{counted, grouped, rough};
use crate::error::shown;
use crate::units::{Bytes, Seconds};

/// What was made, of what.
#[derive(Debug, Serialize)]
pub struct Synthetic {
    /// This program's version.
    pub synops: &'static str,
    /// The folder.
    pub path: String,
    /// People.
    pub users: usize,
    /// Those of them whose recordings are listed for the test.
    pub test_users: usize,
    /// Lightings, one recording of each user in each.
    pub lightings: Vec<&'static str>,
    /// Length of a trial in s.
    pub seconds: f64,
    /// The seed: the same one makes the same bytes.
    pub seed: u64,
    /// Recordings.
    pub recordings: usize,
    /// Trials.
    pub trials: usize,
    /// Events.
    pub events: u64,
    /// Length of all recordings together in s.
    pub recorded_s: f64,
    /// Bytes of all recordings.
    pub bytes: u64,
    /// How long it took in s.
    pub took_s: f64,
}

impl Synthetic {
    /// What a plan became in so many seconds.
    pub fn new(path: String, plan: &Plan, made: Made, took_s: f64) -> Synthetic {
        Synthetic {
            synops: env!("CARGO_PKG_VERSION"),
            path,
            users: plan.users,
            test_users: (1..=plan.users).filter(|&user| plan.is_tested(user)).count(),
            lightings: plan.lightings.iter().map(|lighting| lighting.name).collect(),
            seconds: plan.seconds,
            seed: plan.seed,
            recordings: made.recordings,
            trials: made.trials,
            events: made.events,
            recorded_s: made.seconds,
            bytes: made.bytes,
            took_s,
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line =
            |name: &str, value: String| _ = writeln!(text, "{name:10} {}", shown(&value));
        line("written", format!("{}, {}", self.path, Bytes(self.bytes)));
        let (users, tested) = (self.users, self.test_users);
        let tested = match tested {
            0 => "none".to_owned(),
            1 => "the last".to_owned(),
            several => format!("the last {several}"),
        };
        line("users", format!("{users}, {tested} of them for the test"));
        line("lighting", self.lightings.join(", "));
        let (recordings, trials) = (self.recordings as u64, self.trials as u64);
        let (recordings, trials) = (counted(recordings, "recording"), counted(trials, "trial"));
        line("content", format!("{recordings} of {trials}, {} s each", self.seconds));
        let rate = self.events as f64 / self.recorded_s;
        line("events", format!("{}, {} a second", grouped(self.events), rough(rate)));
        let speed = self.recorded_s / self.took_s;
        line(
            "time",
            format!(
                "{} of recording in {}: {} times real time",
                Seconds(self.recorded_s),
                Seconds(self.took_s),
                rough(speed)
            ),
        );
        line("seed", self.seed.to_string());
        text
    }
}
