//! Memory between tensors.
//!
//! A tensor of a hundred megabytes is a request to the operating system, which clears
//! every page of it: a third of a training step went there. Large slices that are no
//! longer needed therefore wait here for the next tensor of about their size. What
//! waits was in use at the same time once, so that the peak hardly grows; a slice that
//! fits nothing makes room when another is asked for in vain.

use std::sync::{Mutex, PoisonError};

/// Slices below this many elements are left to the allocator.
const LARGE: usize = 1 << 14;

/// Slices that wait, those that have waited longest first.
static WAITING: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

fn waiting<T>(visit: impl FnOnce(&mut Vec<Vec<f32>>) -> T) -> T {
    visit(&mut WAITING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// So many numbers, whatever they are.
pub fn take(len: usize) -> Vec<f32> {
    match (len >= LARGE).then(|| waiting(|all| pick(all, len))).flatten() {
        Some(mut values) => {
            values.resize(len, 0.0);
            values
        }
        None => vec![0.0; len],
    }
}

/// The smallest that is large enough, and not much too large.
fn pick(all: &mut Vec<Vec<f32>>, len: usize) -> Option<Vec<f32>> {
    let fits = |values: &Vec<f32>| (len..=len + len / 2).contains(&values.capacity());
    let sizes = all.iter().enumerate().filter(|(_, values)| fits(values));
    match sizes.min_by_key(|(_, values)| values.capacity()).map(|(i, _)| i) {
        Some(i) => Some(all.remove(i)),
        None => {
            if !all.is_empty() {
                all.remove(0);
            }
            None
        }
    }
}

/// Lets a slice wait.
pub fn give(values: Vec<f32>) {
    if values.capacity() >= LARGE {
        waiting(|all| all.push(values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_best_is_taken_and_what_fits_nothing_makes_room() {
        let mut all: Vec<Vec<f32>> = [200, 100, 170, 140].map(Vec::with_capacity).into();
        assert_eq!(pick(&mut all, 120).unwrap().capacity(), 140);
        assert_eq!(pick(&mut all, 120).unwrap().capacity(), 170);
        assert!(pick(&mut all, 120).is_none());
        assert_eq!(all.len(), 1);
        assert_eq!(pick(&mut all, 70).unwrap().capacity(), 100);
        assert!(pick(&mut all, 70).is_none());
    }

    #[test]
    fn lengths_are_as_asked() {
        give(vec![1.0; 3 * LARGE]);
        assert_eq!(take(2 * LARGE).len(), 2 * LARGE);
        assert_eq!(take(7).len(), 7);
    }
}
