//! How many events each address had in a step.

use std::mem::take;

use crate::signal::simd::{Kernel, dispatch};
use crate::signal::{LanesBy, Spikes};

/// Counts by address; what it takes to hand them out follows the addresses that were
/// touched, not those that there are.
#[derive(Clone, Debug)]
pub struct Histogram {
    count: Vec<u32>,
    /// A bit for each address with a count.
    touched: Vec<u64>,
    /// A bit for each word of `touched` that has one.
    words: Vec<u64>,
    /// How many events there are.
    events: usize,
    /// Room for the numbers of those words.
    room: Vec<u32>,
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
            events: 0,
            room: vec![0; words + 4],
        }
    }

    /// Counts events by their addresses; counts saturate. Inlined, for kernels.
    #[inline(always)]
    pub fn add(&mut self, addresses: &[u32]) {
        let (counts, touched, words) = (&mut *self.count, &mut *self.touched, &mut *self.words);
        for &address in addresses {
            let address = address as usize;
            counts[address] = counts[address].saturating_add(1);
            let word = address / 64;
            touched[word] |= 1 << (address % 64);
            words[word / 64] |= 1 << (word % 64);
        }
        self.events = self.events.saturating_add(addresses.len());
    }

    /// Moves the counts into `out`, which is empty, and starts afresh.
    pub fn drain(&mut self, out: &mut Spikes) {
        dispatch(Drain { from: self, out });
    }
}

/// Moves counts into an empty list.
struct Drain<'a> {
    from: &'a mut Histogram,
    out: &'a mut Spikes,
}

impl Kernel for Drain<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Histogram { count: counts, touched, words, events, room } = self.from;
        let Spikes { index, value, count } = self.out;
        let mut len = 0;
        for (i, some) in words.iter_mut().enumerate() {
            list(take(some), 64 * i, room, &mut len);
        }
        let words = &room[..len];
        // lanes too many take room, too
        index.resize(take(events).min(counts.len()) + 4, 0);
        len = 0;
        for &word in words {
            list(take(&mut touched[word as usize]), 64 * word as usize, index, &mut len);
        }
        index.truncate(len);
        count.extend(index.iter().map(|&i| take(&mut counts[i as usize])));
        value.extend(count.iter().map(|&count| count.min(LARGEST) as f32));
    }
}

/// Writes the numbers of a word's bits, counted from `first` on, to the place `at`, which
/// moves on. There is room for four more than there are.
#[inline(always)]
fn list(word: u64, first: usize, to: &mut [u32], at: &mut usize) {
    let number = |lane: usize| (first + lane) as u32;
    let (mut bits, mut next) = (LanesBy::<2>(word), *at);
    // mostly there are no more
    if let Some(two) = bits.next() {
        *to[next..].first_chunk_mut().expect("room") = two.map(number);
        next += 2;
    }
    for four in LanesBy::<4>(bits.0) {
        *to[next..].first_chunk_mut().expect("room") = four.map(number);
        next += 4;
    }
    *at += word.count_ones() as usize;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_out_ascending_and_start_afresh() {
        let mut histogram = Histogram::new(70_000);
        let mut out = Spikes::default();
        for addresses in [&[69_999, 3, 64, 69_999, 4_096, 3, 3][..], &[3], &[]] {
            histogram.add(addresses);
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
        let mut histogram = Histogram::new(1);
        histogram.add(&[0]);
        histogram.count[0] = LARGEST + 5;
        let mut out = Spikes::default();
        histogram.drain(&mut out);
        let sum = (0..LARGEST + 5).fold(0.0_f32, |sum, _| sum + 1.0);
        assert_eq!((out.value[0], out.count[0]), (sum, LARGEST + 5));
    }
}
