//! How many events each address had in a step.

use crate::signal::{Spikes, lanes};

/// Counts by address; what it takes to hand them out follows the addresses that were
/// touched, not those that there are.
#[derive(Clone, Debug)]
pub struct Histogram {
    count: Vec<u32>,
    /// A bit for each address with a count.
    touched: Vec<u64>,
    /// A bit for each word of `touched` that has one.
    words: Vec<u64>,
}

/// The first count that a spike's value, a sum of ones, does not go beyond.
const LARGEST: u32 = 1 << f32::MANTISSA_DIGITS;

impl Histogram {
    /// No events yet, of `len` addresses.
    pub fn new(len: usize) -> Histogram {
        let words = len.div_ceil(64);
        Histogram {
            count: vec![0; len],
            touched: vec![0; words],
            words: vec![0; words.div_ceil(64)],
        }
    }

    /// Counts an event; counts saturate.
    #[inline]
    pub fn add(&mut self, address: u32) {
        let address = address as usize;
        let count = &mut self.count[address];
        *count = count.saturating_add(1);
        let word = address / 64;
        self.touched[word] |= 1 << (address % 64);
        self.words[word / 64] |= 1 << (word % 64);
    }

    /// Moves the counts into `out`, which is empty, and starts afresh.
    pub fn drain(&mut self, out: &mut Spikes) {
        let Spikes { index, value, count } = out;
        for (i, words) in self.words.iter_mut().enumerate() {
            for lane in lanes(std::mem::take(words)) {
                let word = 64 * i + lane;
                let touched = std::mem::take(&mut self.touched[word]);
                index.reserve(64);
                lanes(touched).for_each(|lane| index.push((64 * word + lane) as u32));
            }
        }
        let counts = &mut self.count;
        count.extend(index.iter().map(|&i| std::mem::take(&mut counts[i as usize])));
        value.extend(count.iter().map(|&count| count.min(LARGEST) as f32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_out_ascending_and_start_afresh() {
        let mut histogram = Histogram::new(70_000);
        let mut out = Spikes::default();
        for addresses in [&[69_999, 3, 64, 69_999, 4_096, 3, 3][..], &[3], &[]] {
            addresses.iter().for_each(|&address| histogram.add(address));
            out.clear();
            histogram.drain(&mut out);
            let mut expected: Vec<u32> = addresses.to_vec();
            expected.sort();
            let expected: Vec<_> = expected
                .chunk_by(|a, b| a == b)
                .map(|same| (same[0], same.len() as f32, same.len() as u32))
                .collect();
            assert_eq!(out.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_value_ends_where_ones_no_longer_add_up() {
        let mut histogram =
            Histogram { count: vec![LARGEST + 5], touched: vec![1], words: vec![1] };
        let mut out = Spikes::default();
        histogram.drain(&mut out);
        let sum = (0..LARGEST + 5).fold(0.0_f32, |sum, _| sum + 1.0);
        assert_eq!((out.value[0], out.count[0]), (sum, LARGEST + 5));
    }
}
