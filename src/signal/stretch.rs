//! A stretch of the sums of an [`Accumulator`](super::Accumulator), and the loops that add
//! to it.
//!
//! ```text
//! sum[start + i] += value · weight[i]         in the order of the entries
//! ```
//!
//! Sums stay in registers as long as entries go by that add to them.

use std::ops::Range;

use super::{BLOCK, Entries};

/// A stretch of the sums, which one thread adds to.
pub struct Stretch<'a> {
    /// The address of its first sum.
    pub(super) first: usize,
    pub(super) sums: &'a mut [f32],
    /// A bit for each block of 64 sums that was added to.
    pub(super) touched: &'a mut [u64],
}

/// What is added to an entry's address, modulo the largest number, to get the number of
/// its row of weights.
pub type Offset = usize;

#[inline(always)]
fn add(sums: &mut [f32], weights: &[f32], value: f32) {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum += value * weight;
    }
}

/// The word and the bit of a block.
pub(super) fn bit(block: usize) -> (usize, u64) {
    (block / 64, 1 << (block % 64))
}

impl Stretch<'_> {
    /// The addresses in it.
    #[inline(always)]
    pub fn range(&self) -> Range<usize> {
        self.first..self.first + self.sums.len()
    }

    /// Adds `value · weights` at consecutive addresses.
    #[inline(always)]
    pub fn add_run(&mut self, start: usize, weights: &[f32], value: f32) {
        let sums = &mut self.sums[start - self.first..][..weights.len()];
        add(sums, weights, value);
        self.touch(start, weights.len());
    }

    /// [`Stretch::add_rows`] to three runs of N sums, which registers hold all together:
    /// where each starts, and where its weights start in a row of them.
    #[inline(always)]
    pub fn add_runs<const N: usize>(
        &mut self,
        [a, b, c]: [(usize, usize); 3],
        weights: &[f32],
        row: usize,
        (entries, offset): (Entries<'_>, Offset),
    ) {
        let at = |(start, _): (usize, usize)| start - self.first;
        let load = |place| -> [f32; N] { *self.sums[at(place)..].first_chunk().expect("room") };
        let (mut first, mut second, mut third) = (load(a), load(b), load(c));
        for (&index, &value) in entries.index.iter().zip(entries.value) {
            let weights = &weights[(index as usize).wrapping_add(offset) * row..];
            add(&mut first, &weights[a.1..][..N], value);
            add(&mut second, &weights[b.1..][..N], value);
            add(&mut third, &weights[c.1..][..N], value);
        }
        for (sums, (start, _)) in [(first, a), (second, b), (third, c)] {
            self.sums[start - self.first..][..N].copy_from_slice(&sums);
            self.touch(start, N);
        }
    }

    /// Adds to `len` sums from `start` on, for the entries of each of `slices` in
    /// turn, `value` times the row of weights that belongs to the entry.
    #[inline(always)]
    pub fn add_rows(
        &mut self,
        (start, len): (usize, usize),
        weights: &[f32],
        row: usize,
        slices: &[(Entries<'_>, Offset)],
    ) {
        let sums = &mut self.sums[start - self.first..][..len];
        let mut done = 0;
        while len - done >= 64 {
            held::<64>(&mut sums[done..], &weights[done..], row, slices);
            done += 64;
        }
        if len - done >= 32 {
            held::<32>(&mut sums[done..], &weights[done..], row, slices);
            done += 32;
        }
        if len - done >= 16 {
            held::<16>(&mut sums[done..], &weights[done..], row, slices);
            done += 16;
        }
        if len - done >= 8 {
            held::<8>(&mut sums[done..], &weights[done..], row, slices);
            done += 8;
        }
        let left = len - done;
        for &(entries, offset) in slices.iter().filter(|_| left > 0) {
            for (&index, &value) in entries.index.iter().zip(entries.value) {
                let at = (index as usize).wrapping_add(offset) * row + done;
                add(&mut sums[done..], &weights[at..][..left], value);
            }
        }
        self.touch(start, len);
    }

    /// Sums from `start` on, to be set.
    #[inline(always)]
    pub fn set(&mut self, start: usize, len: usize) -> &mut [f32] {
        self.touch(start, len);
        &mut self.sums[start - self.first..][..len]
    }

    #[inline(always)]
    fn touch(&mut self, start: usize, len: usize) {
        let mut touch = |block: usize| {
            let (word, mask) = bit(block);
            self.touched[word] |= mask;
        };
        let (first, last) = (start / BLOCK, (start + len - 1) / BLOCK);
        touch(first);
        // mostly none
        (first + 1..last).for_each(&mut touch);
        touch(last);
    }
}

/// Adds up N sums, which stay in registers while the rows go by.
#[inline(always)]
fn held<const N: usize>(
    sums: &mut [f32],
    weights: &[f32],
    row: usize,
    slices: &[(Entries<'_>, Offset)],
) {
    let Some(sums) = sums.first_chunk_mut::<N>() else { return };
    let mut held = *sums;
    for &(entries, offset) in slices {
        for (&index, &value) in entries.index.iter().zip(entries.value) {
            let at = (index as usize).wrapping_add(offset) * row;
            let row: &[f32; N] = weights[at..].first_chunk().expect("rows are whole");
            for (sum, &weight) in held.iter_mut().zip(row) {
                *sum += value * weight;
            }
        }
    }
    *sums = held;
}
