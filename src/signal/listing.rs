//! Entries of a few blocks on their way into a list.
//!
//! How many neurons of a block send nobody can foresee, and a loop that ends where it
//! was not expected to costs as much as several entries. So lanes are taken four at a
//! time, with as many too many at the end as it takes.

use super::{BLOCK, Spikes};

/// The lanes of a word, ascending, so many at a time; those too many at the end are lane 0.
pub struct LanesBy<const AT_ONCE: usize>(pub u64);

impl<const AT_ONCE: usize> Iterator for LanesBy<AT_ONCE> {
    type Item = [usize; AT_ONCE];

    #[inline(always)]
    fn next(&mut self) -> Option<[usize; AT_ONCE]> {
        if self.0 == 0 {
            return None;
        }
        let mut lanes = [0; AT_ONCE];
        for lane in &mut lanes {
            *lane = self.0.trailing_zeros() as usize % BLOCK;
            self.0 &= self.0.wrapping_sub(1);
        }
        Some(lanes)
    }
}

/// What neurons of some blocks send.
pub struct Listing {
    index: Vec<u32>,
    value: Vec<f32>,
    len: usize,
}

impl Listing {
    /// Room for all neurons of so many blocks, and for lanes too many.
    pub fn of(blocks: usize) -> Listing {
        let room = blocks * BLOCK + 4;
        Listing { index: vec![0; room], value: vec![0.0; room], len: 0 }
    }

    /// Adds what the `active` neurons of a block send, of which the first is number
    /// `first`. Blocks come in ascending order, and no more than there is room for.
    #[inline(always)]
    pub fn add(&mut self, first: usize, active: u64, values: &[f32; BLOCK]) {
        let mut at = self.len;
        for lanes in LanesBy::<4>(active) {
            let index: &mut [u32; 4] = self.index[at..].first_chunk_mut().expect("room for four");
            let value: &mut [f32; 4] = self.value[at..].first_chunk_mut().expect("room for four");
            for (i, lane) in lanes.into_iter().enumerate() {
                (index[i], value[i]) = ((first + lane) as u32, values[lane]);
            }
            at += 4;
        }
        self.len += active.count_ones() as usize;
    }

    /// Moves all to the end of a list: as so many spikes as each value says, or as a value.
    #[inline(always)]
    pub fn move_to(&mut self, spikes: bool, sent: &mut Spikes) {
        let all = ..std::mem::take(&mut self.len);
        let (index, value) = (&self.index[all], &self.value[all]);
        sent.index.extend_from_slice(index);
        sent.value.extend_from_slice(value);
        if !spikes {
            sent.count.resize(sent.index.len(), 1);
        } else if value.iter().fold(true, |all, &n| all & (n < WHOLE)) {
            let mantissa = |n: &f32| (n + WHOLE).to_bits() & (WHOLE as u32 - 1);
            sent.count.extend(value.iter().map(mantissa));
        } else {
            sent.count.extend(value.iter().map(|&n| n as u32));
        }
    }
}

/// 2²³: added to a smaller whole number, it leaves that in the lowest bits, at less cost
/// than a conversion that cares for all numbers.
const WHOLE: f32 = 8_388_608.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_listing_is_what_one_entry_after_the_other_gives(
            blocks in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 1..=64),
            numbers in prop::collection::vec(1u32..1 << 25, BLOCK), large: bool, spikes: bool,
        ) {
            let values: [f32; BLOCK] = std::array::from_fn(|lane| {
                (if large { numbers[lane] } else { numbers[lane] % 1000 + 1 }) as f32
            });
            let (mut listing, mut expected) = (Listing::of(64), Spikes::default());
            // twice, since the first leaves what was too many behind
            for _ in 0..2 {
                let mut found = Spikes::default();
                found.push(1, 0.5, 7);
                expected.clone_from(&found);
                for (block, (a, b, c)) in blocks.iter().enumerate() {
                    let (first, active) = (2 + block * BLOCK, a & b & c);
                    listing.add(first, active, &values);
                    for lane in (0..BLOCK).filter(|lane| active >> lane & 1 == 1) {
                        let count = if spikes { values[lane] as u32 } else { 1 };
                        expected.push((first + lane) as u32, values[lane], count);
                    }
                }
                listing.move_to(spikes, &mut found);
                prop_assert_eq!(&found, &expected);
            }
        }
    }

    #[test]
    fn all_neurons_of_64_blocks_find_room() {
        let (mut listing, mut sent) = (Listing::of(64), Spikes::default());
        (0..64).for_each(|block| listing.add(block * BLOCK, u64::MAX, &[1.0; BLOCK]));
        listing.move_to(true, &mut sent);
        assert!(sent.index.iter().copied().eq(0..64 * BLOCK as u32));
        assert_eq!(sent.total(), 64 * BLOCK as u64);
    }
}
