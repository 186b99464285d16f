//! Memory between tensors.
//!
//! A tensor of a hundred megabytes is a request to the operating system, which clears
//! every page of it: a third of a training step went there. Large slices that are no
//! longer needed therefore wait here for the next tensor of about their size, or of half
//! of it where there is no more room. With those in use they never take more than a quarter above
//! what tensors once took at the same time: a step's tensors are of few sizes, but seldom
//! of all of them at once.

use std::sync::{Mutex, PoisonError};

/// Slices below this many elements are left to the allocator.
const LARGE: usize = 1 << 14;

static SPARE: Mutex<Spare> = Mutex::new(Spare::NONE);

/// Large slices, counted by their elements.
struct Spare {
    /// Those that wait.
    waiting: Vec<Vec<f32>>,
    /// Elements of these.
    held: usize,
    /// Elements of those that are in tensors.
    used: usize,
    /// Elements that these tensors have.
    asked: usize,
    /// The most that they ever had.
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
        spare(|spare| spare.use_more(values.capacity(), values.len()));
    }
}

/// Counts a slice that no longer is a tensor's.
pub(super) fn release(values: &Vec<f32>) {
    if values.capacity() >= LARGE {
        spare(|spare| spare.use_less(values));
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
    spare(|spare| {
        let Spare { used, asked, .. } = *spare;
        *spare = Spare { used, asked, most: asked, ..Spare::NONE };
    });
}

impl Spare {
    const NONE: Spare = Spare { waiting: Vec::new(), held: 0, used: 0, asked: 0, most: 0 };

    /// What all slices may take.
    fn limit(&self) -> usize {
        self.most + self.most / 4
    }

    /// The smallest slice that is large enough, and hardly too large: twice as large at
    /// most, if there is no room for another. Where there is none, room for it.
    fn take(&mut self, len: usize) -> Option<Vec<f32>> {
        self.most = self.most.max(self.asked + len);
        let full = self.used + self.held + len > self.limit();
        let room = if full { self.limit().saturating_sub(self.used) } else { 0 };
        let largest = room.min(2 * len).max(len + len / 8);
        let sizes = self.waiting.iter().map(Vec::capacity).enumerate();
        let fits = sizes.filter(|(_, size)| (len..=largest).contains(size));
        let found = fits.min_by_key(|&(_, size)| size).map(|(i, _)| self.let_go(i));
        self.use_more(found.as_ref().map_or(len, Vec::capacity), len);
        found
    }

    fn use_more(&mut self, size: usize, len: usize) {
        self.used += size;
        self.asked += len;
        self.most = self.most.max(self.asked);
        self.make_room();
    }

    fn use_less(&mut self, values: &Vec<f32>) {
        self.used -= values.capacity();
        self.asked -= values.len();
    }

    fn give(&mut self, values: Vec<f32>) {
        self.use_less(&values);
        self.held += values.capacity();
        self.waiting.push(values);
        self.make_room();
    }

    /// Lets go of the smallest: they are the cheapest to ask for again.
    fn make_room(&mut self) {
        while self.used + self.held > self.limit() && !self.waiting.is_empty() {
            let sizes = self.waiting.iter().map(Vec::capacity).enumerate();
            let smallest = sizes.min_by_key(|&(_, size)| size).map(|(i, _)| i);
            drop(smallest.map(|i| self.let_go(i)));
        }
    }

    fn let_go(&mut self, i: usize) -> Vec<f32> {
        self.held -= self.waiting[i].capacity();
        self.waiting.swap_remove(i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `used` elements in tensors, these slices waiting, and room for a quarter more.
    fn of(used: usize, waiting: &[usize]) -> Spare {
        let held = waiting.iter().sum();
        let waiting = waiting.iter().map(|&len| Vec::with_capacity(len)).collect();
        Spare { waiting, held, used, asked: used, most: used + held }
    }

    fn sizes(spare: &Spare) -> Vec<usize> {
        spare.waiting.iter().map(Vec::capacity).collect()
    }

    #[test]
    fn what_fits_best_is_taken() {
        let mut spare = of(0, &[200, 100, 130, 125]);
        assert_eq!(spare.take(120).unwrap().capacity(), 125);
        assert_eq!(spare.take(120).unwrap().capacity(), 130);
        assert_eq!((spare.used, spare.asked, spare.held, spare.most), (255, 240, 300, 555));
        // there is room for another
        assert!(spare.take(120).is_none());
        assert_eq!((spare.used, spare.asked, spare.held), (375, 360, 300));
        // and now there is not
        assert_eq!(spare.take(120).unwrap().capacity(), 200);
        assert_eq!((spare.used, spare.asked, spare.held), (575, 480, 100));
    }

    #[test]
    fn no_more_is_held_than_a_quarter_above_what_was_in_use() {
        let mut spare = of(100, &[150, 40, 110]);
        // 220 do not fit beside what waits: the smallest go
        assert!(spare.take(220).is_none());
        assert_eq!((spare.used, spare.held, spare.most), (320, 150, 400));
        assert_eq!(sizes(&spare), [150]);
        assert!(spare.take(400).is_none());
        assert_eq!((spare.used, spare.held, spare.most), (720, 150, 720));
        spare.give(Vec::with_capacity(300));
        assert_eq!((spare.used, spare.held), (420, 450));
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
