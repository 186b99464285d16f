//! A synthetic twin of DVS128 Gesture: people who do not exist, before a camera that does not.
//!
//! | file | what |
//! |---|---|
//! | `chance` | draws that are the same everywhere |
//! | `motion` | how hands move in each gesture |
//! | `performer` | what people look like, and how arms follow hands |
//! | `texture`, `scene` | the picture |
//! | `light` | the lightings |
//! | `pixel` | from the picture to events |
//!
//! The layout is the published one, so that whatever reads that reads this.

mod chance;
mod light;
mod motion;
mod performer;
mod pixel;
mod scene;
mod texture;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rayon::prelude::*;

use self::chance::Chance;
use self::motion::{Act, Style};
use self::performer::Performer;
use self::pixel::{Pixels, Settings};
use self::scene::Scene;
use super::gesture::{self, Trial};
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Window};
use crate::format;

pub use light::{LIGHTINGS, Lighting};

/// µs between two looks of the pixels at the scene.
const STEP: i64 = 1000;

/// Seconds between two trials, and before the first and after the last.
const PAUSE: f64 = 0.9;

/// The classes of a recording, in order: arms roll one way, then the other.
const PROGRAMME: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11];

/// Users of the published data set, and how many of those are tested on: the last ones.
const PUBLISHED: [usize; 2] = [29, 6];

/// A data set to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// People.
    pub users: usize,
    /// The recordings of each.
    pub lightings: Vec<&'static Lighting>,
    /// Length of a trial.
    pub seconds: f64,
    /// Of all that is drawn: the same seed makes the same people.
    pub seed: u64,
}

/// What was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Made {
    /// Recordings.
    pub recordings: usize,
    /// Their trials.
    pub trials: usize,
    /// Their events.
    pub events: u64,
    /// Their length together, in s.
    pub seconds: f64,
    /// Bytes of recordings.
    pub bytes: u64,
}

/// A recording and its labels.
#[derive(Debug)]
pub struct Take {
    /// In order of time.
    pub events: Batch,
    /// Likewise.
    pub trials: Vec<Trial>,
    /// Its length in s.
    pub seconds: f64,
}

impl Plan {
    /// The plan, if it is one.
    ///
    /// # Errors
    /// No users, more than two digits can number, no lighting or one twice, no time.
    pub fn checked(self) -> Result<Plan> {
        let usage =
            |found: String, expected: &str| Err(Error::new(ErrorKind::Usage, found, expected));
        match self {
            Plan { users: 0 | 100.., .. } => usage(format!("{} users", self.users), "1 to 99"),
            Plan { seconds, .. } if !(0.1..=600.0).contains(&seconds) => {
                usage(format!("{seconds} s a gesture"), "0.1 to 600 s")
            }
            Plan { ref lightings, .. } if lightings.is_empty() => {
                usage("no lighting".into(), "one or more")
            }
            Plan { ref lightings, .. } if !are_different(lightings) => {
                let names: Vec<&str> = lightings.iter().map(|lighting| lighting.name).collect();
                usage(names.join(", "), "each lighting once")
            }
            plan => Ok(plan),
        }
    }

    /// Whether a user, from 1 on, is one to test on.
    pub fn is_tested(&self, user: usize) -> bool {
        let [all, tested] = PUBLISHED;
        let held = (self.users * tested + all / 2) / all;
        user > self.users - held.max(usize::from(self.users > 1))
    }

    /// Writes the data set into a new or an empty folder: names are those of the published
    /// recordings, and people of an earlier set would be among these. `tell` hears of each
    /// recording that is done.
    ///
    /// # Errors
    /// A folder that is not empty, or that cannot be written to.
    pub fn write(&self, root: &Path, tell: &(dyn Fn() + Sync)) -> Result<Made> {
        let fail = |e| Error::from(e).in_file(root);
        fs::create_dir_all(root).map_err(fail)?;
        if fs::read_dir(root).map_err(fail)?.next().is_some() {
            let found = "a folder that is not empty";
            return Err(Error::new(ErrorKind::Usage, found, "a new one").in_file(root));
        }
        let takes: Vec<(usize, &Lighting)> = (1..=self.users)
            .flat_map(|user| self.lightings.iter().map(move |&lighting| (user, lighting)))
            .collect();
        let write = |&(user, lighting): &(usize, &Lighting)| {
            let take = self.take(user, lighting, &PROGRAMME);
            let path = root.join(name(user, lighting));
            let bytes = format::encode("aedat3", &take.events)?;
            disk::write(&path, &bytes)?;
            disk::write(&gesture::label_file(&path), gesture::labels(&take.trials).as_bytes())?;
            tell();
            let Take { events, trials, seconds } = take;
            Ok(Made {
                recordings: 1,
                trials: trials.len(),
                events: events.len() as u64,
                seconds,
                bytes: bytes.len() as u64,
            })
        };
        let made = takes.par_iter().map(write).collect::<Result<Vec<Made>>>()?;
        for (list, tested) in [("trials_to_train.txt", false), ("trials_to_test.txt", true)] {
            let mine = takes.iter().filter(|(user, _)| self.is_tested(*user) == tested);
            let lines = mine.map(|&(user, lighting)| format!("{}\n", name(user, lighting)));
            disk::write(&root.join(list), lines.collect::<String>().as_bytes())?;
        }
        disk::write(&root.join("gesture_mapping.csv"), gesture::mapping().as_bytes())?;
        Ok(made.iter().fold(Made::default(), |sum, one| Made {
            recordings: sum.recordings + one.recordings,
            trials: sum.trials + one.trials,
            events: sum.events + one.events,
            seconds: sum.seconds + one.seconds,
            bytes: sum.bytes + one.bytes,
        }))
    }

    /// What a user does in a lighting: these classes one after the other.
    pub fn take(&self, user: usize, lighting: &Lighting, programme: &[u8]) -> Take {
        let user = user as u64;
        let which = LIGHTINGS.iter().position(|l| l.name == lighting.name).unwrap_or(0) as u64;
        let performer = Performer::draw(&mut Chance::new(self.seed, &[user]));
        let mut chance = Chance::new(self.seed, &[user, which, 1]);
        let mut at = 0.0;
        let mut rolled = 0;
        let acts = programme.iter().map(|&class| {
            let variant = (class == 8).then_some(rolled);
            rolled += usize::from(class == 8);
            let style = Style::draw(class, performer.temper, variant, &mut chance);
            let from = at + PAUSE;
            at = from + self.seconds;
            Act { style, from, to: at }
        });
        let acts: Vec<Act> = acts.collect();
        let seconds = at + PAUSE;
        let scene = Scene::new(&performer, &acts, lighting, &mut chance);
        let events = record(scene, lighting, seconds, Chance::new(self.seed, &[user, which, 2]));
        let micros = |seconds: f64| (seconds * 1e6) as i64;
        let trial = |act: &Act| Trial {
            class: act.style.class,
            window: Window { from: micros(act.from), to: micros(act.to) },
        };
        Take { events, trials: acts.iter().map(trial).collect(), seconds }
    }
}

fn are_different(lightings: &[&Lighting]) -> bool {
    let names: BTreeSet<&str> = lightings.iter().map(|lighting| lighting.name).collect();
    names.len() == lightings.len()
}

fn name(user: usize, lighting: &Lighting) -> String {
    format!("user{user:02}_{}.aedat", lighting.name)
}

/// What a DVS128 sends that looks at a scene for so many seconds.
fn record(mut scene: Scene, lighting: &Lighting, seconds: f64, chance: Chance) -> Batch {
    let steps = (seconds * 1e6) as i64 / STEP;
    let gained: Vec<f32> = scene.at(0.0).iter().map(|i| i * lighting.gain(0.0) as f32).collect();
    let mut pixels = Pixels::new(Settings::DVS128, &gained, chance);
    let mut batch = Batch::default();
    let mut events = Vec::new();
    for step in 0..steps {
        let [from, to] = [step * STEP, (step + 1) * STEP];
        let t = to as f64 / 1e6;
        pixels.step(scene.at(t), lighting.gain(t) as f32, [from, to], &mut events);
        events.sort_unstable_by_key(|event| (event.t, event.pixel, event.on));
        // what is repeated across the end of a step waits for the next one
        let due = events.partition_point(|event| event.t < to);
        for event in events.drain(..due) {
            let (x, y) = (event.pixel as usize % scene::SIDE, event.pixel as usize / scene::SIDE);
            batch.push(event.t, x as u16, y as u16, event.on);
        }
    }
    batch
}
