//! Events changed at random, so that no sample is seen twice.
//!
//! | key | what it does |
//! |---|---|
//! | `flip` | mirrors the columns of every second sample |
//! | `shift` | moves a sample by up to so many pixels along each axis |
//! | `jitter` | moves each event in time, by a normal distribution of this deviation in µs |
//! | `drop` | loses each event with this probability |
//! | `crop` | keeps a stretch of this share of the time, somewhere |

use rand::RngExt;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Sensor};

/// What is done to events; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Whether samples are mirrored.
    pub flip: bool,
    /// By how many pixels they are moved at most.
    pub shift: u16,
    /// Deviation of times, in µs.
    pub jitter: f64,
    /// Probability with which an event is lost.
    pub drop: f64,
    /// Share of the time that is kept; 0 keeps all.
    pub crop: f64,
}

impl Augment {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// Probabilities and shares outside 0 to 1, a negative deviation.
    pub fn check(&self) -> Result<()> {
        let all = [
            ("augment.jitter", self.jitter, 0.0..1e9, "a deviation in µs"),
            ("augment.drop", self.drop, 0.0..1.0, "a probability from 0 to below 1"),
            ("augment.crop", self.crop, 0.0..1.0, "a share from 0 to below 1"),
        ];
        for (name, value, range, expected) in all {
            if !range.contains(&value) {
                let error = Error::new(ErrorKind::Usage, value.to_string(), expected);
                return Err(error.at(format!("'{name}'")));
            }
        }
        Ok(())
    }

    /// Changes a sample, whose events are in order and stay so. Its time 0 stays where
    /// it is, or goes to the beginning of the stretch that is kept.
    pub fn apply(&self, events: &Batch, sensor: Sensor, random: &mut Pcg64) -> Batch {
        let mut moved: Vec<(i64, u16, u16, bool)> = Vec::with_capacity(events.len());
        let flip = self.flip && random.random_bool(0.5);
        let reach = i32::from(self.shift);
        let [dx, dy] = [0; 2].map(|_: i32| random.random_range(-reach..=reach));
        let stretch = self.stretch(events, random);
        let start = if self.crop > 0.0 { stretch.start } else { 0 };
        for (t, x, y, on) in events.iter() {
            if !stretch.contains(&t) || (self.drop > 0.0 && random.random_bool(self.drop)) {
                continue;
            }
            let x = if flip { sensor.width - 1 - x.min(sensor.width - 1) } else { x };
            let (x, y) = (i32::from(x) + dx, i32::from(y) + dy);
            let inside = |at: i32, size: u16| u16::try_from(at).ok().filter(|&at| at < size);
            let (Some(x), Some(y)) = (inside(x, sensor.width), inside(y, sensor.height)) else {
                continue;
            };
            let late = if self.jitter > 0.0 { self.jitter * normal(random) } else { 0.0 };
            moved.push(((t - start + late as i64).max(0), x, y, on));
        }
        if self.jitter > 0.0 {
            moved.sort_by_key(|&(t, ..)| t);
        }
        moved.into_iter().collect()
    }

    /// The times that are kept.
    fn stretch(&self, events: &Batch, random: &mut Pcg64) -> std::ops::Range<i64> {
        let (Some(&first), Some(&last)) = (events.t.first(), events.t.last()) else { return 0..0 };
        if self.crop == 0.0 {
            return first..last + 1;
        }
        let length = (last - first + 1) as f64 * self.crop;
        let spare = ((last - first + 1) as f64 - length).max(0.0);
        let start = first + (spare * random.random::<f64>()) as i64;
        start..start + (length as i64).max(1)
    }
}

/// A normal deviate (Box & Muller 1958).
fn normal(random: &mut Pcg64) -> f64 {
    let (u, v) = (1.0 - random.random::<f64>(), random.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const SENSOR: Sensor = Sensor { width: 10, height: 8 };

    fn events() -> Batch {
        (0..2000).map(|i| (i * 100, (i % 10) as u16, (i % 8) as u16, i % 3 == 0)).collect()
    }

    fn apply(augment: &Augment, seed: u64) -> Batch {
        augment.check().unwrap();
        augment.apply(&events(), SENSOR, &mut Pcg64::seed_from_u64(seed))
    }

    #[test]
    fn nothing_is_changed_unasked() {
        assert_eq!(apply(&Augment::default(), 1), events());
    }

    #[test]
    fn a_mirrored_sample_is_one_of_two() {
        let flip = Augment { flip: true, ..Augment::default() };
        let mirrored: Batch = events().iter().map(|(t, x, y, on)| (t, 9 - x, y, on)).collect();
        let seen: Vec<Batch> = (0..20).map(|seed| apply(&flip, seed)).collect();
        assert!(seen.iter().all(|batch| *batch == events() || *batch == mirrored));
        assert!(seen.contains(&mirrored) && seen.contains(&events()));
    }

    #[test]
    fn a_shift_moves_all_alike_and_loses_what_leaves() {
        let shift = Augment { shift: 2, ..Augment::default() };
        for seed in 0..20 {
            let moved: Vec<_> = apply(&shift, seed).iter().collect();
            let mut ways = (-2..=2).flat_map(|dx| (-2..=2).map(move |dy| (dx, dy)));
            let inside = |x: i32, y: i32| (0..10).contains(&x) && (0..8).contains(&y);
            assert!(ways.any(|(dx, dy)| {
                let all = events();
                let all = all.iter().map(|(t, x, y, on)| (t, x as i32 + dx, y as i32 + dy, on));
                let kept = all.filter(|&(_, x, y, _)| inside(x, y));
                kept.map(|(t, x, y, on)| (t, x as u16, y as u16, on)).eq(moved.iter().copied())
            }));
        }
    }

    #[test]
    fn a_share_is_lost_or_kept() {
        let lost = apply(&Augment { drop: 0.25, ..Augment::default() }, 4).len();
        assert!((1400..1600).contains(&lost), "{lost}");
        let kept = apply(&Augment { crop: 0.25, ..Augment::default() }, 4);
        assert!((499..=501).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept.t.last().unwrap() - kept.t[0], 100 * (kept.len() as i64 - 1));
    }

    #[test]
    fn jitter_has_its_deviation_and_keeps_order() {
        let jitter = Augment { jitter: 5000.0, ..Augment::default() };
        let apart: Batch = (1..2001).map(|i| (i * 1_000_000, 0, 0, true)).collect();
        let moved = jitter.apply(&apart, SENSOR, &mut Pcg64::seed_from_u64(4));
        let squares = moved.t.iter().zip(&apart.t).map(|(a, b)| ((a - b) as f64).powi(2));
        let deviation = (squares.sum::<f64>() / 2000.0).sqrt();
        assert!((4700.0..5300.0).contains(&deviation), "{deviation}");
        let near = apply(&jitter, 4);
        assert!(near.t.is_sorted() && near.len() == 2000);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let bad = [
            Augment { drop: 1.0, ..Augment::default() },
            Augment { crop: -0.1, ..Augment::default() },
            Augment { jitter: f64::NAN, ..Augment::default() },
        ];
        assert!(bad.iter().all(|augment| augment.check().is_err()));
    }
}
