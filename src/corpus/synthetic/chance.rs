//! Draws that come out the same on every machine.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A stream of draws.
#[derive(Debug)]
pub struct Chance(Pcg64Mcg);

impl Chance {
    /// The stream of a seed for one purpose: no two purposes share draws.
    pub fn new(seed: u64, purpose: &[u64]) -> Chance {
        let mixed = purpose.iter().fold(seed, |state, &part| splitmix(state ^ splitmix(part)));
        Chance(Pcg64Mcg::seed_from_u64(splitmix(mixed)))
    }

    /// Uniform from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(TAU * self.unit())
    }

    /// Time until the next of events that come at a rate of 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// Whether what has this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of so many.
    pub fn index(&mut self, len: usize) -> usize {
        ((self.unit() * len as f64) as usize).min(len - 1)
    }
}

/// A step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn splitmix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_their_moments() {
        let mut chance = Chance::new(1, &[2, 3]);
        let n = 200_000;
        let draws: Vec<f64> = (0..n).map(|_| chance.normal()).collect();
        let moment = |power: i32| draws.iter().map(|d| d.powi(power)).sum::<f64>() / f64::from(n);
        // four standard errors: sqrt(k / n) with k = 1, 2, 15, 96
        for (power, expected, variance) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            let error = 4.0 * f64::sqrt(variance / f64::from(n));
            assert!((moment(power) - expected).abs() < error, "{power}: {}", moment(power));
        }
        let mean = (0..n).map(|_| chance.exponential()).sum::<f64>() / f64::from(n);
        assert!((mean - 1.0).abs() < 4.0 / f64::from(n).sqrt());
        assert!((0..1000).all(|_| chance.index(3) < 3));
    }

    #[test]
    fn splitmix_is_the_published_one() {
        // the first outputs for seed 1234567 of the authors' splitmix64.c
        let golden = 0x9e37_79b9_7f4a_7c15_u64;
        assert_eq!(splitmix(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(splitmix(1_234_567_u64.wrapping_add(golden)), 3_203_168_211_198_807_973);
    }

    #[test]
    fn purposes_do_not_share_draws() {
        let first = |purpose: &[u64]| Chance::new(7, purpose).unit();
        assert_ne!(first(&[1, 2]), first(&[2, 1]));
        assert_ne!(first(&[1]), first(&[1, 0]));
        assert_eq!(first(&[1, 2]), first(&[1, 2]));
    }
}
