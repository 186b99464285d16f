//! Which of several ways to the same result is the fastest, found by timing them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// How often a way is timed before its best time is believed.
const TRIALS: u32 = 2;

/// Ways to the same bits, and what they took so far for each power of two of entries.
/// Threads share it; an update that gets lost costs a trial.
#[derive(Debug)]
pub struct Choice<const WAYS: usize> {
    tried: [[Tried; WAYS]; usize::BITS as usize],
}

#[derive(Debug, Default)]
struct Tried {
    times: AtomicU32,
    /// The least picoseconds an entry.
    best: AtomicU32,
}

impl<const WAYS: usize> Default for Choice<WAYS> {
    fn default() -> Choice<WAYS> {
        Choice { tried: std::array::from_fn(|_| std::array::from_fn(|_| Tried::default())) }
    }
}

impl<const WAYS: usize> Choice<WAYS> {
    /// Does the work in one of the ways that are open, of which there is one at least.
    pub fn run<R>(&self, entries: usize, open: [bool; WAYS], work: impl FnOnce(usize) -> R) -> R {
        let is_open = |way: &usize| open[*way];
        if (0..WAYS).filter(is_open).count() == 1 {
            return work((0..WAYS).find(is_open).unwrap_or(0));
        }
        let tried = &self.tried[entries.max(1).ilog2() as usize];
        let times = |way: usize| tried[way].times.load(Ordering::Relaxed);
        let Some(way) = (0..WAYS).filter(is_open).find(|&way| times(way) < TRIALS) else {
            let best = |way: &usize| tried[*way].best.load(Ordering::Relaxed);
            return work((0..WAYS).filter(is_open).min_by_key(best).unwrap_or(0));
        };
        let began = Instant::now();
        let result = work(way);
        let took = began.elapsed().as_nanos() * 1000 / entries.max(1) as u128;
        let took = u32::try_from(took).unwrap_or(u32::MAX);
        match tried[way].times.fetch_add(1, Ordering::Relaxed) {
            0 => tried[way].best.store(took, Ordering::Relaxed),
            _ => _ = tried[way].best.fetch_min(took, Ordering::Relaxed),
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn the_fastest_that_is_open_is_taken_once_all_were_tried() {
        let choice = Choice::<3>::default();
        let take = |entries| {
            choice.run(entries, [true, false, true], |way| {
                sleep(Duration::from_millis(if way == 0 { 20 } else { 0 }));
                way
            })
        };
        let taken: Vec<usize> = (0..8).map(|_| take(100)).collect();
        assert_eq!(taken, [0, 0, 2, 2, 2, 2, 2, 2]);
        // what a hundred entries took says nothing of a thousand
        assert_eq!(take(1000), 0);
        assert_eq!(choice.run(100, [false, true, false], |way| way), 1);
    }
}
