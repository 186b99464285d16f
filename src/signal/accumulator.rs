//! Where weighted spikes add up before a population reads them.
//!
//! Addresses are grouped in blocks of 64. A block that nothing was added to in
//! this step is known to hold its resting value, so neither the population nor
//! the clearing pass visits it: cost follows the spikes.

use rayon::prelude::*;

use super::stretch::{Stretch, bit};
use super::{Aligned, Spikes, keep_others_awake};

/// Addresses per block: one machine word of spike bits, four cache lines of
/// values.
pub const BLOCK: usize = 64;

/// From so many blocks on, threads gain more than they cost.
pub const BLOCKS_WORTH_THREADS: usize = 1 << 12;

/// One sum per address, and which blocks were added to.
#[derive(Clone, Debug)]
pub struct Accumulator {
    sums: Aligned,
    /// The blocks of one period; none where all rest at zero.
    rest: Aligned,
    len: usize,
    touched: Vec<u64>,
    resting: Vec<u64>,
}

/// The bits of a word, ascending: the lanes of a block, or blocks.
#[inline]
pub fn lanes(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(lane)
    })
}

/// The greatest common divisor.
pub fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Puts the sums of a block, of so many in all, back to rest.
fn put_to_rest((rest, len): (&[f32], usize), block: usize, sums: &mut [f32]) {
    let period = rest.len() / BLOCK;
    if period == 0 {
        return sums.fill(0.0);
    }
    sums.copy_from_slice(&rest[block % period * BLOCK..][..BLOCK]);
    let padding = (block * BLOCK + BLOCK).saturating_sub(len);
    sums[BLOCK - padding..].fill(0.0);
}

impl Accumulator {
    /// Sums that rest at zero.
    pub fn new(len: usize) -> Accumulator {
        let blocks = len.div_ceil(BLOCK);
        Accumulator {
            sums: Aligned::zeros(blocks * BLOCK),
            rest: Aligned::zeros(0),
            len,
            touched: vec![0; blocks.div_ceil(64)],
            resting: vec![0; blocks.div_ceil(64)],
        }
    }

    /// So many sums that rest at a constant input, such as a bias, which `period`
    /// holds for the first of them and all others repeat.
    pub fn resting_at(period: &[f32], len: usize) -> Accumulator {
        let mut new = Accumulator::new(len);
        if period.iter().all(|rest| rest.to_bits() == 0) {
            return new;
        }
        // the blocks in which the period ends with a block, if there are so many
        let blocks = period.len() / gcd(period.len(), BLOCK);
        new.rest = Aligned::zeros(blocks.min(new.blocks()) * BLOCK);
        new.rest.iter_mut().zip(period.iter().cycle()).for_each(|(rest, &value)| *rest = value);
        for block in 0..new.blocks() {
            put_to_rest((&new.rest, len), block, &mut new.sums[block * BLOCK..][..BLOCK]);
            if new.block(block).iter().any(|&value| value != 0.0) {
                let (word, mask) = bit(block);
                new.resting[word] |= mask;
            }
        }
        new
    }

    /// Number of blocks; the last one is padded with zeros.
    pub fn blocks(&self) -> usize {
        self.sums.len() / BLOCK
    }

    /// Adds `value` at one address.
    #[inline]
    pub fn add(&mut self, address: usize, value: f32) {
        self.sums[address] += value;
        let (word, mask) = bit(address / BLOCK);
        self.touched[word] |= mask;
    }

    /// All of them.
    pub fn whole(&mut self) -> Stretch<'_> {
        Stretch { first: 0, sums: &mut self.sums, touched: &mut self.touched }
    }

    /// Adds to the stretches between `cuts`, ascending addresses, on as many threads as
    /// there are. Gives the sum of what `add` gives.
    pub fn each_stretch(
        &mut self,
        cuts: &[usize],
        add: impl Fn(&mut Stretch<'_>) -> u64 + Sync,
    ) -> u64 {
        let mut stretches = Vec::with_capacity(cuts.len() + 1);
        let (mut rest, mut first) = (&mut self.sums[..], 0);
        for &cut in cuts {
            let (sums, behind) = rest.split_at_mut(cut - first);
            stretches.push((first, sums, vec![0; self.touched.len()]));
            (rest, first) = (behind, cut);
        }
        stretches.push((first, rest, vec![0; self.touched.len()]));
        keep_others_awake();
        let adding = stretches.par_iter_mut().map(|(first, sums, touched)| {
            add(&mut Stretch { first: *first, sums: &mut sums[..], touched: &mut touched[..] })
        });
        let total = adding.sum();
        for (_, _, touched) in stretches {
            self.touched.iter_mut().zip(touched).for_each(|(all, own)| *all |= own);
        }
        total
    }

    /// The blocks `64·word` to `64·word + 63` that may hold anything but zeros,
    /// a bit each.
    #[inline]
    pub fn live(&self, word: usize) -> u64 {
        self.touched[word] | self.resting[word]
    }

    /// Those among them that rest at anything but zeros.
    #[inline]
    pub fn resting(&self, word: usize) -> u64 {
        self.resting[word]
    }

    /// Whether nothing was added.
    pub fn is_untouched(&self) -> bool {
        self.touched.iter().all(|&word| word == 0)
    }

    /// Whether every block rests at zero.
    pub fn rests_at_zero(&self) -> bool {
        self.resting.iter().all(|&word| word == 0)
    }

    /// The sums from a block on.
    #[inline]
    pub fn from_block(&self, block: usize) -> &[f32] {
        &self.sums[block * BLOCK..]
    }

    /// The sums of a block.
    #[inline]
    pub fn block(&self, block: usize) -> &[f32; BLOCK] {
        self.sums[block * BLOCK..].first_chunk().expect("sums come in whole blocks")
    }

    /// Appends the first `len` sums that are not zero, each as one entry.
    pub fn list(&self, len: usize, out: &mut Spikes) {
        for word in 0..self.touched.len() {
            for lane in lanes(self.live(word)) {
                let block = word * 64 + lane;
                for (lane, &sum) in self.block(block).iter().enumerate() {
                    let address = block * BLOCK + lane;
                    if sum != 0.0 && address < len {
                        out.push(address as u32, sum, 1);
                    }
                }
            }
        }
    }

    /// Puts what was touched back to rest.
    pub fn clear(&mut self) {
        let few = self.blocks() < BLOCKS_WORTH_THREADS;
        let Accumulator { sums, rest, len, touched, .. } = self;
        let clear = |first: usize, touched: &mut [u64], sums: &mut [f32]| {
            for (w, touched) in touched.iter_mut().enumerate() {
                for lane in lanes(std::mem::take(touched)) {
                    let block = w * 64 + lane;
                    let sums = &mut sums[block * BLOCK..][..BLOCK];
                    put_to_rest((rest, *len), first + block, sums);
                }
            }
        };
        let blocks = || touched.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        // to ask for threads takes as long as a small layer
        if few || rayon::current_num_threads() == 1 || blocks() < BLOCKS_WORTH_THREADS {
            return clear(0, touched, sums);
        }
        let words = touched.len().div_ceil(rayon::current_num_threads());
        let sums = sums.par_chunks_mut(words * 64 * BLOCK);
        let pieces = touched.par_chunks_mut(words).zip(sums).enumerate();
        keep_others_awake();
        pieces.for_each(|(i, (touched, sums))| clear(i * words * 64, touched, sums));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::simd::{Kernel, Width};
    use super::*;

    /// Rows as one block of registers after the other adds them.
    struct Rows<'a>(Stretch<'a>, &'a [f32], usize, &'a Spikes);

    impl Kernel for Rows<'_> {
        type Output = ();

        #[inline(always)]
        fn run(mut self) {
            let all = self.3.slice(0..self.3.len());
            self.0.add_rows((0, self.2), self.1, self.2, &[(all, 0)]);
        }
    }

    proptest! {
        /// One addition after the other, in the order of the entries.
        #[test]
        fn rows_and_runs_add_up_to_the_same_bits(
            len in prop_oneof![1usize..200, Just(8), Just(16), Just(32), Just(48), Just(64), Just(96), Just(128)],
            values in prop::collection::vec(-2.0f32..2.0, 6),
            seed in prop::collection::vec(-1.0f32..1.0, 200 * 6),
        ) {
            let (rows, mut spikes) = (&seed[..len * 6], Spikes::default());
            values.iter().enumerate().for_each(|(i, &value)| spikes.push(i as u32, value, 1));
            let mut plain = vec![0.0f32; len];
            for (row, &value) in rows.chunks(len).zip(&values) {
                plain.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
            }
            let mut runs = Accumulator::new(len);
            rows.chunks(len).zip(&values).for_each(|(row, &value)| runs.whole().add_run(0, row, value));
            prop_assert_eq!(&runs.sums[..len], &plain[..]);
            for width in Width::ALL.into_iter().filter(|width| width.is_here()) {
                let mut sums = Accumulator::new(len);
                width.run(Rows(sums.whole(), rows, len, &spikes));
                prop_assert_eq!(&sums.sums[..len], &plain[..]);
                prop_assert_eq!(sums.live(0), runs.live(0));
            }
        }
    }

    #[test]
    fn touched_blocks_are_live_until_cleared() {
        let mut sums = Accumulator::new(65 * BLOCK);
        sums.whole().add_run(60, &[1.0; 10], 2.0);
        sums.add(64 * BLOCK + 3, 0.5);
        assert_eq!((sums.live(0), sums.live(1)), (0b11, 0b1));
        assert_eq!((sums.block(0)[59], sums.block(0)[60], sums.block(1)[5]), (0.0, 2.0, 2.0));
        assert!(!sums.is_untouched() && sums.rests_at_zero());
        sums.clear();
        assert!(sums.is_untouched());
        assert!((0..65).all(|b| sums.block(b) == &[0.0; BLOCK]));
    }

    #[test]
    fn a_bias_is_live_for_ever_and_comes_back() {
        let mut rest = vec![0.0; BLOCK + 1];
        rest[BLOCK] = 0.25;
        let mut sums = Accumulator::resting_at(&rest, rest.len());
        assert_eq!(sums.live(0), 0b10);
        sums.add(BLOCK, 1.0);
        assert_eq!(sums.block(1)[0], 1.25);
        sums.clear();
        assert_eq!(sums.block(1)[0], 0.25);
        assert!(!sums.rests_at_zero());
    }

    #[test]
    fn a_bias_repeats_and_padding_rests_at_zero() {
        for (period, len) in [(1, 200), (12, 600), (48, 1000), (64, 64), (128, 640), (70, 140)] {
            let bias: Vec<f32> = (1..=period).map(|i| i as f32).collect();
            let mut sums = Accumulator::resting_at(&bias, len);
            (0..len).for_each(|address| sums.add(address, 0.5));
            sums.clear();
            let at = |address: usize| sums.block(address / BLOCK)[address % BLOCK];
            assert!((0..len).all(|address| at(address) == bias[address % period]));
            assert!((len..sums.blocks() * BLOCK).all(|address| at(address) == 0.0));
        }
    }
}
