//! The lightings of DVS128 Gesture.
//!
//! The published data set has five; what they did to the camera is not published. Lamps on
//! the mains of the place flicker at 120 Hz; how deep they do here was chosen.

use std::f64::consts::TAU;

/// A lighting.
#[derive(Debug)]
pub struct Lighting {
    /// As in the names of recordings.
    pub name: &'static str,
    /// How bright it is.
    pub level: f64,
    /// How much brighter it is on the left of the picture than on the right, as a share.
    pub side: f64,
    /// By how much of its mean a lamp's light goes up and down.
    pub flicker: f64,
    /// The same of what changes slowly: clouds.
    pub drift: f64,
}

/// All lightings.
pub const LIGHTINGS: &[Lighting] = &[
    Lighting { name: "fluorescent", level: 0.85, side: 0.05, flicker: 0.14, drift: 0.0 },
    Lighting { name: "fluorescent_led", level: 1.0, side: 0.10, flicker: 0.09, drift: 0.0 },
    Lighting { name: "lab", level: 0.7, side: -0.15, flicker: 0.06, drift: 0.0 },
    Lighting { name: "led", level: 1.05, side: 0.20, flicker: 0.02, drift: 0.0 },
    Lighting { name: "natural", level: 1.2, side: -0.35, flicker: 0.0, drift: 0.06 },
];

/// Twice the frequency of the mains, in Hz.
const LAMP: f64 = 120.0;

/// How long a cloud takes, in s.
const CLOUD: f64 = 7.0;

impl Lighting {
    /// What intensities are multiplied by at a time in s.
    pub fn gain(&self, t: f64) -> f64 {
        let swing = |depth: f64, turns: f64| 1.0 + depth * libm::sin(TAU * turns);
        self.level * swing(self.flicker, LAMP * t) * swing(self.drift, t / CLOUD)
    }
}
