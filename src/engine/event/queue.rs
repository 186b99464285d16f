//! What is to happen, soonest first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Items by the tick at which they are due; of those due at once, the one that was
/// put in first comes first.
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    entered: u64,
}

struct Entry<T> {
    due: f64,
    number: u64,
    item: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { heap: BinaryHeap::new(), entered: 0 }
    }
}

impl<T> Queue<T> {
    /// Puts an item in.
    pub fn push(&mut self, due: f64, item: T) {
        self.heap.push(Reverse(Entry { due, number: self.entered, item }));
        self.entered += 1;
    }

    /// The item that is due first, and when.
    pub fn first(&self) -> Option<(f64, &T)> {
        self.heap.peek().map(|Reverse(entry)| (entry.due, &entry.item))
    }

    /// Takes out the first item, if it is due at `now` or before.
    pub fn pop(&mut self, now: f64) -> Option<T> {
        self.first().filter(|(due, _)| *due <= now)?;
        self.heap.pop().map(|Reverse(entry)| entry.item)
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        self.due.total_cmp(&other.due).then(self.number.cmp(&other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soonest_first_and_in_the_order_of_entry() {
        let mut queue = Queue::default();
        for (due, item) in [(2.5, 'c'), (1.0, 'a'), (2.5, 'd'), (1.0, 'b')] {
            queue.push(due, item);
        }
        assert_eq!(queue.first(), Some((1.0, &'a')));
        let mut due = |now| std::iter::from_fn(|| queue.pop(now)).collect::<String>();
        assert_eq!((due(0.9), due(1.0), due(9.0)), (String::new(), "ab".into(), "cd".into()));
    }
}
