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

/// Runs of sums, and of the weights that are added to them.
#[derive(Clone, Copy, Debug)]
pub struct Patch {
    /// How many runs there are.
    pub rows: u32,
    /// Where the first of sums begins,
    pub sums: usize,
    /// and the first of weights.
    pub weights: usize,
    /// How far it is from one to the next, of sums and of weights; the latter modulo the
    /// largest number.
    pub apart: [usize; 2],
}

impl Patch {
    /// Where the sums and the weights of a part of a run begin, by its number and by how
    /// far the parts are apart.
    #[inline(always)]
    pub fn run(&self, [row, part]: [u32; 2], apart: [usize; 2]) -> [usize; 2] {
        let at = |first: usize, axis: usize| {
            let down = (row as usize).wrapping_mul(self.apart[axis]);
            first.wrapping_add(down).wrapping_add((part as usize).wrapping_mul(apart[axis]))
        };
        [at(self.sums, 0), at(self.weights, 1)]
    }
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

/// Those of the first and of the last block of some sums.
#[inline(always)]
fn blocks(start: usize, len: usize) -> ((usize, u64), (usize, u64)) {
    (bit(start / BLOCK), bit((start + len - 1) / BLOCK))
}

impl Stretch<'_> {
    /// The same, for a kernel to keep in registers. Handed from function to function, it
    /// would be copied in pieces wider than those that wrote it, and waited for.
    #[inline(always)]
    pub fn again(&mut self) -> Stretch<'_> {
        Stretch { first: self.first, sums: self.sums, touched: self.touched }
    }

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

    /// Adds to a patch of sums, of runs of N times R, for each of the entries `value` times
    /// the patch of weights that belongs to it.
    #[inline(always)]
    pub fn add_patch<const R: usize, const N: usize>(
        &mut self,
        patch: Patch,
        weights: &[f32],
        row: usize,
        (entries, offset): (Entries<'_>, Offset),
    ) {
        let Patch { rows, sums: mut start, weights: mut place, apart } = patch;
        for _ in 0..rows {
            let sums = self.sums[start - self.first..][..N * R].as_chunks_mut::<R>().0;
            let mut held: [[f32; R]; N] = std::array::from_fn(|tap| sums[tap]);
            for (&index, &value) in entries.index.iter().zip(entries.value) {
                let at = (index as usize).wrapping_add(offset) * row + place;
                let weights = weights[at..][..N * R].as_chunks::<R>().0;
                for tap in 0..N {
                    add(&mut held[tap], &weights[tap], value);
                }
            }
            sums.copy_from_slice(&held);
            self.touch(start, N * R);
            start += apart[0];
            place = place.wrapping_add(apart[1]);
        }
    }

    /// Adds patches of N rows of N times R sums, each by where its sums and its weights begin
    /// and by what these are multiplied by. Rows are so far apart, in sums and in weights.
    /// What is added to is for the caller to mark.
    #[inline(always)]
    pub fn add_patches<const R: usize, const N: usize>(
        &mut self,
        apart: [usize; 2],
        weights: &[f32],
        patches: &[[u32; 2]],
        values: &[f32],
    ) {
        for (&[start, place], &value) in patches.iter().zip(values) {
            let (mut start, mut place) = (start as usize - self.first, place as usize);
            for _ in 0..N {
                let sums = self.sums[start..][..N * R].as_chunks_mut::<R>().0;
                let weights = weights[place..][..N * R].as_chunks::<R>().0;
                let mut held: [[f32; R]; N] = std::array::from_fn(|tap| sums[tap]);
                for tap in 0..N {
                    add(&mut held[tap], &weights[tap], value);
                }
                sums.copy_from_slice(&held);
                start += apart[0];
                place += apart[1];
            }
        }
    }

    /// Marks blocks: those of the bits of `blocks`, counted from that of the sum `start` on.
    #[inline(always)]
    pub fn touch_blocks(&mut self, start: usize, blocks: u64) {
        let (word, lane) = (start / BLOCK / 64, start / BLOCK % 64);
        self.touched[word] |= blocks << lane;
        let over = blocks >> 1 >> (63 - lane);
        if over != 0 {
            self.touched[word + 1] |= over;
        }
    }

    /// Marks the blocks of so many rows of `len` sums, so far apart.
    #[inline(always)]
    pub fn touch_rows(&mut self, start: usize, rows: usize, apart: usize, len: usize) {
        (0..rows).for_each(|row| self.touch(start + row * apart, len));
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
        let ((word, low), (last_word, high)) = blocks(start, len);
        if word == last_word {
            self.touched[word] |= (high - low) | high;
            return;
        }
        for block in start / BLOCK..=(start + len - 1) / BLOCK {
            let (word, mask) = bit(block);
            self.touched[word] |= mask;
        }
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
