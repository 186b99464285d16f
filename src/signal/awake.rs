//! Threads that stay awake between the parallel parts of a step.
//!
//! A thread of a pool that finds nothing to do soon sleeps, and wakes more slowly than a
//! layer is computed: the work that was put aside for it is then taken back by the
//! thread that put it there, and nothing runs in parallel. So while parallel parts
//! follow each other closely, the other threads of the pool look for work without a
//! pause.

use std::cell::RefCell;
use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long threads stay awake after the last call.
const PATIENCE: Duration = Duration::from_micros(500);

thread_local! {
    /// The others, as the thread that calls them knows them.
    static OTHERS: RefCell<Others> = RefCell::new(Others::default());
}

/// Keeps the other threads of this thread's pool awake for a while, to be called before
/// every parallel part. Outside a pool it does nothing.
pub fn keep_others_awake() {
    let Some(caller) = rayon::current_thread_index() else { return };
    OTHERS.with_borrow_mut(|others| others.call(caller));
}

struct Others {
    began: Instant,
    watch: Arc<Watch>,
}

/// What those who are awake look at.
#[derive(Default)]
struct Watch {
    /// How many they are.
    awake: AtomicUsize,
    /// When they were last called, in nanoseconds.
    called: AtomicU64,
}

impl Default for Others {
    fn default() -> Others {
        Others { began: Instant::now(), watch: Arc::default() }
    }
}

impl Others {
    fn call(&mut self, caller: usize) {
        let Others { began, watch } = self;
        let now = move |began: Instant| began.elapsed().as_nanos() as u64;
        watch.called.store(now(*began), Ordering::Relaxed);
        if watch.awake.load(Ordering::Relaxed) > 0 {
            return;
        }
        watch.awake.store(rayon::current_num_threads() - 1, Ordering::Relaxed);
        let (began, watch) = (*began, watch.clone());
        rayon::spawn_broadcast(move |context| {
            if context.index() == caller {
                return;
            }
            let patience = PATIENCE.as_nanos() as u64;
            while now(began) < watch.called.load(Ordering::Relaxed) + patience {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    hint::spin_loop();
                }
            }
            watch.awake.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
