//! How many threads work, and on what.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{iter, thread};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::progress::Progress;
use crate::error::{Error, ErrorKind, Result};

/// Lets so many threads work, where nobody works yet.
///
/// # Errors
/// More threads than the system has to give.
pub fn limit(threads: usize) -> Result<()> {
    ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(none_left)
}

fn none_left(error: ThreadPoolBuildError) -> Error {
    Error::new(ErrorKind::Io, format!("no threads: {error}"), "")
}

/// Does `work` on every item, on as many at a time as there are threads, and hands
/// the results to `take` in the order of the items. Each is a recording, or all that is
/// done with one: a bar shows how many are done.
///
/// Each item has a pool to itself, so that what it does in parallel waits for no
/// other item: of one thread where there are more items than threads.
///
/// # Errors
/// More threads than the system has to give.
pub fn in_order<'i, I: Sync, T: Send>(
    items: &'i [I],
    work: impl Fn(&'i I) -> T + Sync,
    take: impl FnMut(T) + Send,
) -> Result<()> {
    let threads = rayon::current_num_threads();
    let workers = threads.min(items.len());
    let pool = |_| ThreadPoolBuilder::new().num_threads(threads / workers).build();
    let pools: std::result::Result<Vec<ThreadPool>, _> = (0..workers).map(pool).collect();
    let pools = pools.map_err(none_left)?;
    let next = AtomicUsize::new(0);
    let progress = Progress::of_recordings(items.len() as u64);
    let results = Mutex::new(Results { early: BTreeMap::new(), due: 0, take, progress });
    let worker = || {
        let indices = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        for (index, item) in indices.map_while(|index| Some((index, items.get(index)?))) {
            let result = work(item);
            results.lock().unwrap_or_else(PoisonError::into_inner).add(index, result);
        }
    };
    thread::scope(|scope| {
        for pool in &pools {
            scope.spawn(|| pool.install(worker));
        }
    });
    Ok(())
}

/// Results on their way to whoever takes them in order.
struct Results<T, F> {
    early: BTreeMap<usize, T>,
    due: usize,
    take: F,
    progress: Progress,
}

impl<T, F: FnMut(T)> Results<T, F> {
    fn add(&mut self, index: usize, result: T) {
        self.early.insert(index, result);
        while let Some(result) = self.early.remove(&self.due) {
            (self.take)(result);
            self.due += 1;
            self.progress.at(self.due as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let pool = ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        let items: Vec<u64> = (0..40).collect();
        let mut taken = Vec::new();
        let late_first = |&item: &u64| {
            thread::sleep(Duration::from_millis((40 - item) % 7));
            item
        };
        pool.install(|| in_order(&items, late_first, |item| taken.push(item))).unwrap();
        assert_eq!(taken, items);
    }

    #[test]
    fn threads_that_no_item_is_left_for_work_on_the_others() {
        let threads_of = |threads: usize, items: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut seen = Vec::new();
            let items = vec![(); items];
            let look = |_: &()| rayon::current_num_threads();
            pool.install(|| in_order(&items, look, |threads| seen.push(threads))).unwrap();
            seen
        };
        assert_eq!(threads_of(4, 2), [2, 2]);
        assert_eq!(threads_of(2, 3), [1, 1, 1]);
        assert!(threads_of(2, 0).is_empty());
    }
}
