//! What travels along an edge in one step: the active entries and nothing else.
//!
//! An entry is an address, the value that the receiver multiplies its weights
//! by, and the number of spikes behind it. The last two differ after an average
//! pool: four spikes become one entry of value 4/4 and count 4, and each of the
//! four costs a synaptic operation downstream.

use std::mem::take;
use std::ops::Range;

use super::listing::LanesBy;
use super::simd::{Kernel, dispatch};

/// The active entries of one step, addresses ascending and unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spikes {
    /// Addresses, in the order that [`super::Shape`] defines.
    pub index: Vec<u32>,
    /// What each address sends in this step.
    pub value: Vec<f32>,
    /// How many spikes that is.
    pub count: Vec<u32>,
}

impl Spikes {
    /// Number of active addresses.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Forgets the entries and keeps the memory.
    pub fn clear(&mut self) {
        self.index.clear();
        self.value.clear();
        self.count.clear();
    }

    fn resize(&mut self, len: usize) {
        self.index.resize(len, 0);
        self.value.resize(len, 0.0);
        self.count.resize(len, 0);
    }

    /// Appends an entry; the caller keeps addresses ascending.
    pub fn push(&mut self, index: u32, value: f32, count: u32) {
        debug_assert!(self.index.last().is_none_or(|&last| last < index));
        self.index.push(index);
        self.value.push(value);
        self.count.push(count);
    }

    /// Appends what others send from higher addresses.
    pub fn extend(&mut self, higher: &Spikes) {
        self.index.extend_from_slice(&higher.index);
        self.value.extend_from_slice(&higher.value);
        self.count.extend_from_slice(&higher.count);
    }

    /// The same, and leaves that empty.
    pub fn append(&mut self, higher: &mut Spikes) {
        self.index.append(&mut higher.index);
        self.value.append(&mut higher.value);
        self.count.append(&mut higher.count);
    }

    /// Adds what another signal sends at the same time.
    pub fn merge(&mut self, other: Spikes) {
        if self.is_empty() {
            *self = other;
            return;
        }
        let mut all: Vec<(u32, f32, u32)> = self.iter().chain(other.iter()).collect();
        all.sort_by_key(|&(address, ..)| address);
        self.clear();
        for (address, value, count) in all {
            match self.index.last() == Some(&address) {
                true => {
                    let last = self.len() - 1;
                    self.value[last] += value;
                    self.count[last] = self.count[last].saturating_add(count);
                }
                false => self.push(address, value, count),
            }
        }
    }

    /// Entries as `(address, value, count)`.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f32, u32)> + '_ {
        self.index
            .iter()
            .zip(&self.value)
            .zip(&self.count)
            .map(|((&index, &value), &count)| (index, value, count))
    }

    /// Some of the entries.
    #[inline(always)]
    pub fn slice(&self, range: Range<usize>) -> Entries<'_> {
        Entries { index: &self.index[range.clone()], value: &self.value[range] }
    }

    /// Total number of spikes.
    pub fn total(&self) -> u64 {
        self.count.iter().map(|&count| u64::from(count)).sum()
    }
}

/// Neighbouring entries of [`Spikes`].
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    /// Addresses.
    pub index: &'a [u32],
    /// What each address sends.
    pub value: &'a [f32],
}

/// Adds up entries that arrive in any order and hands them out ascending.
///
/// Cost follows the entries, not the addresses: a bit set remembers which were
/// touched.
#[derive(Clone, Debug)]
pub struct Merge {
    blocks: Vec<Block>,
    /// A bit for each address of a block.
    touched: Vec<u64>,
}

/// What was added at 64 addresses: values and counts.
type Block = ([f32; 64], [u32; 64]);

impl Merge {
    /// An empty merge over `len` addresses.
    pub fn new(len: usize) -> Merge {
        let blocks = len.div_ceil(64);
        Merge { blocks: vec![([0.0; 64], [0; 64]); blocks], touched: vec![0; blocks] }
    }

    /// Adds one entry. Counts saturate.
    #[inline]
    pub fn add(&mut self, index: u32, value: f32, count: u32) {
        let (block, lane) = (index as usize / 64, index as usize % 64);
        let (values, counts) = &mut self.blocks[block];
        values[lane] += value;
        counts[lane] = counts[lane].saturating_add(count);
        self.touched[block] |= 1 << lane;
    }

    /// Adds every entry at the one address that it goes to.
    #[inline]
    pub fn add_all(&mut self, spikes: &Spikes, to: impl Fn(u32) -> u32) {
        for (address, value, count) in spikes.iter() {
            self.add(to(address), value, count);
        }
    }

    /// Of some entries, at their addresses plus `shift`, modulo 2³², keeps those that
    /// `counts` and that are the first at their address or larger than the one kept so
    /// far. Between two drains an address is either added to or asked for its largest entry.
    #[inline]
    pub fn keep_largest(
        &mut self,
        spikes: &Spikes,
        run: Range<usize>,
        shift: u32,
        counts: impl Fn(u32, f32) -> bool,
    ) {
        let entries = spikes.value[run.clone()].iter().zip(&spikes.count[run.clone()]);
        // the bits of one block at a time, or every entry would wait for the one before
        let (mut at, mut touched) = (usize::MAX, 0);
        for (&index, (&value, &count)) in spikes.index[run].iter().zip(entries) {
            let index = index.wrapping_add(shift);
            let (block, lane) = (index as usize / 64, index as usize % 64);
            if block != at {
                if let Some(before) = self.touched.get_mut(at) {
                    *before = touched;
                }
                (at, touched) = (block, self.touched[block]);
            }
            let (values, numbers) = &mut self.blocks[block];
            let is_larger = touched >> lane & 1 == 0 || value > values[lane];
            if is_larger && counts(index, value) {
                (values[lane], numbers[lane]) = (value, count);
                touched |= 1 << lane;
            }
        }
        if let Some(before) = self.touched.get_mut(at) {
            *before = touched;
        }
    }

    /// Moves what was added to the end of `out` and starts afresh.
    pub fn drain(&mut self, out: &mut Spikes) {
        dispatch(Drain { from: self, start: out.len(), out });
    }

    /// The same in place of what is in `out`, whose room is not cleared before.
    pub fn replace(&mut self, out: &mut Spikes) {
        dispatch(Drain { from: self, start: 0, out });
    }
}

/// Moves what was added to a list, in place of all from `start` on.
struct Drain<'a> {
    from: &'a mut Merge,
    out: &'a mut Spikes,
    start: usize,
}

impl Kernel for Drain<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Drain { from: Merge { blocks, touched }, out, mut start } = self;
        let more: u32 = touched.iter().map(|word| word.count_ones()).sum();
        let end = start + more as usize;
        // room for lanes too many
        out.resize(end + 4);
        for (block, ((values, counts), touched)) in blocks.iter_mut().zip(touched).enumerate() {
            let touched = take(touched);
            let mut at = start;
            for lanes in LanesBy::<4>(touched) {
                let index: &mut [u32; 4] = out.index[at..].first_chunk_mut().expect("room");
                let value: &mut [f32; 4] = out.value[at..].first_chunk_mut().expect("room");
                let count: &mut [u32; 4] = out.count[at..].first_chunk_mut().expect("room");
                for (i, lane) in lanes.into_iter().enumerate() {
                    index[i] = (block * 64 + lane) as u32;
                    // one too many is lane 0, which has been taken if it was in
                    (value[i], count[i]) = (take(&mut values[lane]), take(&mut counts[lane]));
                }
                at += 4;
            }
            start += touched.count_ones() as usize;
        }
        out.resize(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_adds_sorts_and_starts_afresh() {
        let mut merge = Merge::new(130);
        for (index, value) in [(129, 1.0), (3, 0.5), (129, 2.0), (64, 1.0)] {
            merge.add(index, value, 1);
        }
        let mut out = Spikes::default();
        merge.drain(&mut out);
        assert_eq!(out.index, [3, 64, 129]);
        assert_eq!(out.value, [0.5, 1.0, 3.0]);
        assert_eq!(out.count, [1, 1, 2]);
        assert_eq!(out.total(), 4);
        out.clear();
        merge.drain(&mut out);
        assert!(out.is_empty());
        // nothing is left where something was, and what is there already stays
        out.push(0, 1.0, 1);
        [3, 4, 70, 71, 72, 73, 129].iter().for_each(|&index| merge.add(index, 0.25, 2));
        merge.drain(&mut out);
        let entries: Vec<_> = out.iter().collect();
        assert_eq!(entries[0], (0, 1.0, 1));
        assert_eq!(entries[1..], [3, 4, 70, 71, 72, 73, 129].map(|index| (index, 0.25, 2)));
        // in place of more, of as many, of fewer and of none
        for n in [2, 2, 3, 0] {
            (0..n).for_each(|index| merge.add(index, 0.5, index + 1));
            merge.replace(&mut out);
            let expected: Vec<_> = (0..n).map(|index| (index, 0.5, index + 1)).collect();
            assert_eq!(out.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn of_the_largest_entry_value_and_count_go_on() {
        let mut merge = Merge::new(70);
        for (index, value, count) in [(3, 1.0, 1), (69, -2.0, 7), (3, 2.5, 4), (3, 2.0, 9)] {
            let mut one = Spikes::default();
            one.push(index, value, count);
            merge.keep_largest(&one, 0..1, 0, |_, _| true);
        }
        let mut out = Spikes::default();
        merge.drain(&mut out);
        assert_eq!(out.iter().collect::<Vec<_>>(), [(3, 2.5, 4), (69, -2.0, 7)]);
    }

    #[test]
    fn a_run_may_reach_over_blocks_and_move_down() {
        let (mut merge, mut run) = (Merge::new(200), Spikes::default());
        (0..150).for_each(|index| run.push(index + 20, index as f32, index + 1));
        let odd = |index: u32, _| index % 2 == 1;
        merge.keep_largest(&run, 10..140, 0u32.wrapping_sub(20), odd);
        let mut out = Spikes::default();
        merge.drain(&mut out);
        let expected = (10..140).filter(|index| index % 2 == 1);
        let expected = expected.map(|index: u32| (index, index as f32, index + 1));
        assert_eq!(out.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}
