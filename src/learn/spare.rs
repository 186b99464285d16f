//! Memory between tensors.
//!
//! A tensor of a hundred megabytes is a request to the operating system, which clears
//! every page of it: a third of a training step went there. Large slices that are no
//! longer needed therefore wait here for the next tensor of about their size. With those
//! in use they never take more than once was in use at the same time: what a step takes
//! is what its tensors take.

use std::sync::{Mutex, PoisonError};

/// Slices below this many elements are left to the allocator.
const LARGE: usize = 1 << 14;

static SPARE: Mutex<Spare> = Mutex::new(Spare::NONE);

/// Large slices, counted by their elements.
struct Spare {
    /// Those that wait, the one that has waited longest first.
    waiting: Vec<Vec<f32>>,
    /// Elements of these.
    held: usize,
    /// Elements in tensors.
    used: usize,
    /// The most that were ever in tensors.
    most: usize,
}

fn spare<T>(visit: impl FnOnce(&mut Spare) -> T) -> T {
    visit(&mut SPARE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// So many numbers, whatever they are, for a tensor.
pub(super) fn take(len: usize) -> Vec<f32> {
    match (len >= LARGE).then(|| spare(|spare| spare.take(len))).flatten() {
        Some(mut values) => {
            values.resize(len, 0.0);
            values
        }
        None => vec![0.0; len],
    }
}

/// Counts a slice from elsewhere that becomes a tensor's.
pub(super) fn admit(values: &Vec<f32>) {
    if values.capacity() >= LARGE {
        spare(|spare| spare.use_more(values.capacity()));
    }
}

/// Counts a slice that no longer is a tensor's.
pub(super) fn release(values: &Vec<f32>) {
    if values.capacity() >= LARGE {
        spare(|spare| spare.used -= values.capacity());
    }
}

/// Lets a tensor's slice wait.
pub(super) fn give(values: Vec<f32>) {
    if values.capacity() >= LARGE {
        spare(|spare| spare.give(values));
    }
}

/// Hands what waits back to the operating system: training is over, or pauses.
pub fn clear() {
    spare(|spare| *spare = Spare { used: spare.used, most: spare.used, ..Spare::NONE });
}

impl Spare {
    const NONE: Spare = Spare { waiting: Vec::new(), held: 0, used: 0, most: 0 };

    /// The smallest slice that is large enough, and hardly too large; where there is none,
    /// room for it.
    fn take(&mut self, len: usize) -> Option<Vec<f32>> {
        let fits = |values: &Vec<f32>| (len..=len + len / 8).contains(&values.capacity());
        let sizes = self.waiting.iter().enumerate().filter(|(_, values)| fits(values));
        let found = sizes.min_by_key(|(_, values)| values.capacity()).map(|(i, _)| i);
        let found = found.map(|i| self.waiting.remove(i));
        let size = found.as_ref().map_or(len, Vec::capacity);
        self.held -= found.as_ref().map_or(0, Vec::capacity);
        self.use_more(size);
        found
    }

    fn use_more(&mut self, size: usize) {
        self.used += size;
        self.most = self.most.max(self.used);
        self.make_room();
    }

    fn give(&mut self, values: Vec<f32>) {
        self.used -= values.capacity();
        self.held += values.capacity();
        self.waiting.push(values);
        self.make_room();
    }

    /// Lets go of what has waited longest.
    fn make_room(&mut self) {
        while self.used + self.held > self.most && !self.waiting.is_empty() {
            self.held -= self.waiting.remove(0).capacity();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `used` elements in tensors, these slices waiting.
    fn of(used: usize, waiting: &[usize]) -> Spare {
        let held = waiting.iter().sum();
        let waiting = waiting.iter().map(|&len| Vec::with_capacity(len)).collect();
        Spare { waiting, held, used, most: used + held }
    }

    #[test]
    fn what_fits_best_is_taken() {
        let mut spare = of(0, &[200, 100, 130, 125]);
        assert_eq!(spare.take(120).unwrap().capacity(), 125);
        assert_eq!(spare.take(120).unwrap().capacity(), 130);
        assert_eq!((spare.used, spare.held, spare.most), (255, 300, 555));
    }

    #[test]
    fn no_more_is_held_than_was_in_use_at_once() {
        let mut spare = of(100, &[200, 100]);
        // 120 do not fit beside what waits: the oldest goes
        assert!(spare.take(120).is_none());
        assert_eq!((spare.used, spare.held, spare.most), (220, 100, 400));
        assert!(spare.take(300).is_none());
        assert_eq!((spare.used, spare.held, spare.most), (520, 0, 520));
        spare.give(Vec::with_capacity(300));
        assert_eq!((spare.used, spare.held), (220, 300));
    }

    #[test]
    fn lengths_are_as_asked() {
        let values = vec![1.0; 3 * LARGE];
        admit(&values);
        give(values);
        let values = take(3 * LARGE - 1);
        assert_eq!(values.len(), 3 * LARGE - 1);
        release(&values);
        assert_eq!(take(7).len(), 7);
    }
}
