//! What a forward pass keeps for the way back: spikes as bits, numbers as they are.

use std::ops::Range;

use rayon::prelude::*;

use super::Tensor;
use crate::signal::BLOCK;
use crate::signal::simd::{Kernel, bits, dispatch};

/// Numbers, in one bit each where all are 0 or 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// Spikes, 64 to a word, the first in the lowest bit.
    Bits(Vec<u64>),
    /// Other numbers.
    Numbers(Tensor),
}

impl Kept {
    /// Keeps values.
    pub fn of(values: Tensor) -> Kept {
        match words(values.values()) {
            Some(words) => Kept::Bits(words),
            None => Kept::Numbers(values),
        }
    }

    /// Keeps a copy of values that are still needed.
    pub fn copy_of(values: &Tensor) -> Kept {
        match words(values.values()) {
            Some(words) => Kept::Bits(words),
            None => Kept::Numbers(values.clone()),
        }
    }

    /// Writes the values of a range to `out`, which is as long.
    pub fn read(&self, range: Range<usize>, out: &mut [f32]) {
        match self {
            Kept::Numbers(values) => out.copy_from_slice(&values.values()[range]),
            Kept::Bits(words) => dispatch(Spread { words, start: range.start, out }),
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Kept::Bits(words) => 8 * words.len(),
            Kept::Numbers(values) => 4 * values.values().len(),
        }
    }
}

/// A bit for each of these, or none if one is no spike.
fn words(values: &[f32]) -> Option<Vec<u64>> {
    let words = values.par_chunks(LONGEST).map(|part| dispatch(Words(part)));
    let words: Option<Vec<Vec<u64>>> = words.collect();
    words.map(|words| words.concat())
}

/// What one thread looks at in one go; a multiple of a word.
const LONGEST: usize = 1024 * BLOCK;

/// A bit for each spike, or none if these are other numbers.
struct Words<'a>(&'a [f32]);

impl Kernel for Words<'_> {
    type Output = Option<Vec<u64>>;

    #[inline(always)]
    fn run(self) -> Option<Vec<u64>> {
        let (whole, rest) = self.0.as_chunks::<BLOCK>();
        let mut last = [0.0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        let all = whole.iter().chain((!rest.is_empty()).then_some(&last));
        let mut words = Vec::with_capacity(self.0.len().div_ceil(BLOCK));
        for spikes in all {
            if spikes.iter().fold(false, |other, &x| other | ((x != 0.0) & (x != 1.0))) {
                return None;
            }
            words.push(bits(|lane| spikes[lane] != 0.0));
        }
        Some(words)
    }
}

/// Bits as numbers, from one of them on.
struct Spread<'a> {
    words: &'a [u64],
    start: usize,
    out: &'a mut [f32],
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (first, shift) = (self.start / 64, self.start % 64);
        for (i, out) in self.out.chunks_mut(BLOCK).enumerate() {
            let low = self.words[first + i] >> shift;
            // what the word before has shifted out
            let next = self.words.get(first + i + 1).copied().unwrap_or(0);
            let word = low | if shift == 0 { 0 } else { next << (64 - shift) };
            out.iter_mut().enumerate().for_each(|(lane, out)| *out = (word >> lane & 1) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_given() {
        let spikes: Vec<f32> = (0..200).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
        let numbers: Vec<f32> = (0..200).map(|i| i as f32 / 8.0).collect();
        let mut odd = spikes.clone();
        odd[199] = 2.0;
        for (values, bytes) in [(spikes, 32), (numbers, 800), (odd, 800)] {
            let kept = Kept::of(Tensor::new(&[200], values.clone()));
            assert_eq!(kept.bytes(), bytes);
            for range in [60..137, 0..200, 64..128, 199..200, 5..5] {
                let mut out = vec![9.0; range.len()];
                kept.read(range.clone(), &mut out);
                assert_eq!(out, values[range]);
            }
        }
    }
}
