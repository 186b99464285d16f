//! What a forward pass keeps for the way back: spikes as bits, numbers as they are.

use std::ops::Range;

/// Numbers, in one bit each where all are 0 or 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// Spikes, 64 to a word, the first in the lowest bit.
    Bits(Vec<u64>),
    /// Other numbers.
    Numbers(Vec<f32>),
}

impl Kept {
    /// Keeps values.
    pub fn of(values: Vec<f32>) -> Kept {
        match values.iter().all(|&x| x == 0.0 || x == 1.0) {
            true => Kept::Bits(values.chunks(64).map(word).collect()),
            false => Kept::Numbers(values),
        }
    }

    /// Writes the values of a range to `out`, which is as long.
    pub fn read(&self, range: Range<usize>, out: &mut [f32]) {
        match self {
            Kept::Numbers(values) => out.copy_from_slice(&values[range]),
            Kept::Bits(words) => {
                let bit = |i: usize| words[i / 64] >> (i % 64) & 1;
                out.iter_mut().zip(range).for_each(|(out, i)| *out = bit(i) as f32);
            }
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Kept::Bits(words) => 8 * words.len(),
            Kept::Numbers(values) => 4 * values.len(),
        }
    }
}

fn word(spikes: &[f32]) -> u64 {
    spikes.iter().enumerate().fold(0, |word, (i, &s)| word | u64::from(s != 0.0) << i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_given() {
        let spikes: Vec<f32> = (0..200).map(|i| f32::from(u8::from(i % 3 == 0))).collect();
        let numbers: Vec<f32> = (0..200).map(|i| i as f32 / 8.0).collect();
        for (values, bytes) in [(spikes, 32), (numbers, 800)] {
            let kept = Kept::of(values.clone());
            assert_eq!(kept.bytes(), bytes);
            let mut out = vec![9.0; 77];
            kept.read(60..137, &mut out);
            assert_eq!(out, values[60..137]);
        }
    }
}
