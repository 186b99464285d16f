//! Memory between tensors.
//!
//! A tensor of a hundred megabytes is a request to the operating system, which clears
//! every page of it: a third of a training step went there. Large slices that are no
//! longer needed therefore wait here for the next tensor of about their size. What waits
//! and what tensors hold is together no more than they have held at a time before; a
//! slice that fits nothing makes room when another is asked for in vain.

use std::sync::{Mutex, PoisonError};

/// Slices below this many elements are left to the allocator.
const LARGE: usize = 1 << 14;

/// What waits, and what tensors hold.
static STORE: Mutex<Store> = Mutex::new(Store { waiting: Vec::new(), held: 0, most: 0 });

struct Store {
    /// Slices that wait, those that have waited longest first.
    waiting: Vec<Vec<f32>>,
    /// Elements of tensors.
    held: usize,
    /// The most that was held at a time: what is held and what waits is never more.
    most: usize,
}

fn store<T>(visit: impl FnOnce(&mut Store) -> T) -> T {
    visit(&mut STORE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// So many numbers, whatever they are, for a tensor to hold.
pub fn take(len: usize) -> Vec<f32> {
    let found = match len >= LARGE {
        true => store(|store| store.pick(len)),
        false => None,
    };
    let values = match found {
        Some(mut values) => {
            values.resize(len, 0.0);
            values
        }
        None => vec![0.0; len],
    };
    hold(&values);
    values
}

/// Says that a tensor holds these from now on.
pub fn hold(values: &Vec<f32>) {
    if values.capacity() >= LARGE {
        store(|store| store.hold(values.capacity()));
    }
}

/// Says that a tensor no longer holds these, and somebody else does.
pub fn part_with(values: &Vec<f32>) {
    if values.capacity() >= LARGE {
        store(|store| store.held -= values.capacity());
    }
}

/// Lets a slice wait that a tensor no longer holds.
pub fn give(values: Vec<f32>) {
    if values.capacity() >= LARGE {
        store(|store| store.give(values));
    }
}

impl Store {
    /// The smallest that is large enough, and not much too large.
    fn pick(&mut self, len: usize) -> Option<Vec<f32>> {
        let fits = |values: &Vec<f32>| (len..=len + len / 2).contains(&values.capacity());
        let sizes = self.waiting.iter().enumerate().filter(|(_, values)| fits(values));
        match sizes.min_by_key(|(_, values)| values.capacity()).map(|(i, _)| i) {
            Some(i) => Some(self.waiting.remove(i)),
            None => {
                if !self.waiting.is_empty() {
                    self.waiting.remove(0);
                }
                None
            }
        }
    }

    fn hold(&mut self, elements: usize) {
        self.held += elements;
        self.most = self.most.max(self.held);
        self.make_room();
    }

    fn give(&mut self, values: Vec<f32>) {
        self.held -= values.capacity();
        self.waiting.push(values);
        self.make_room();
    }

    /// Lets go of what has waited longest, until all is no more than was once held.
    fn make_room(&mut self) {
        let mut all: usize = self.held + self.waiting.iter().map(Vec::capacity).sum::<usize>();
        while all > self.most && !self.waiting.is_empty() {
            all -= self.waiting.remove(0).capacity();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Store {
        Store { waiting: Vec::new(), held: 0, most: 0 }
    }

    #[test]
    fn what_fits_best_is_taken_and_what_fits_nothing_makes_room() {
        let mut store = empty();
        store.waiting = [200, 100, 170, 140].map(Vec::with_capacity).into();
        assert_eq!(store.pick(120).unwrap().capacity(), 140);
        assert_eq!(store.pick(120).unwrap().capacity(), 170);
        assert!(store.pick(120).is_none());
        assert_eq!(store.waiting.len(), 1);
        assert_eq!(store.pick(70).unwrap().capacity(), 100);
        assert!(store.pick(70).is_none());
    }

    #[test]
    fn no_more_waits_than_was_once_held() {
        let mut store = empty();
        for round in 0..10 {
            // of two tensors, one came from elsewhere and nobody takes its slice again
            let taken = store.pick(100).unwrap_or_else(|| Vec::with_capacity(100));
            store.hold(taken.capacity());
            let other: Vec<f32> = Vec::with_capacity(300 + 200 * (round % 2));
            store.hold(other.capacity());
            store.give(other);
            store.give(taken);
            let waiting: usize = store.waiting.iter().map(Vec::capacity).sum();
            assert!(store.held == 0 && waiting <= store.most && store.most <= 600, "{waiting}");
        }
    }

    #[test]
    fn lengths_are_as_asked() {
        let values = vec![1.0; 3 * LARGE];
        hold(&values);
        give(values);
        for len in [2 * LARGE, 7] {
            let values = take(len);
            assert_eq!(values.len(), len);
            give(values);
        }
    }
}
