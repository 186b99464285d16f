//! What it takes to read recordings, for `tools/peer_decode.py`.
//!
//! Prints the number of events and four times in seconds: from a path to columns,
//! chunk by chunk; from the path to columns that hold the whole recording; from these
//! to the spikes of 1 ms steps; from the path to the spikes, chunk by chunk, as a
//! replay does it. Of several recordings, one after the other, it prints the sums.
//!
//!     cargo run --release --example time_decode RECORDING ...

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use synops::event::{Batch, Binner, Field, Grid, InputMode, Order, OrderPolicy, Sensor};
use synops::format::Recording;
use synops::units::Micros;

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    // in the pool, as the command line works
    rayon::scope(|_| {
        // once to warm up
        measure_all(&paths);
        let (events, seconds) = measure_all(&paths);
        println!("{events} {}", seconds.map(|s| s.to_string()).join(" "));
    });
}

fn measure_all(paths: &[String]) -> (usize, [f64; 4]) {
    let (mut events, mut seconds) = (0, [0.0; 4]);
    for path in paths {
        let (more, took) = measure(Path::new(path));
        events += more;
        seconds.iter_mut().zip(took).for_each(|(sum, took)| *sum += took);
    }
    (events, seconds)
}

fn measure(path: &Path) -> (usize, [f64; 4]) {
    let (_, chunks) = timed(|| pass(path));
    let (recorded, whole) = timed(|| decode(path));
    let (_, binning) = timed(|| bin(&recorded));
    let events = recorded.len();
    drop(recorded);
    let (_, both) = timed(|| read_and_bin(path));
    (events, [chunks, whole, binning, both])
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed().as_secs_f64())
}

fn pass(path: &Path) {
    let mut recording = Recording::open(path, None).unwrap();
    let mut batch = Batch::default();
    while recording.decode(&mut batch).unwrap() {
        black_box(&mut batch).clear();
    }
}

fn decode(path: &Path) -> Batch {
    let mut recording = Recording::open(path, None).unwrap();
    let mut batch = Batch::default();
    while recording.decode(&mut batch).unwrap() {}
    batch
}

fn binner(start: i64, sensor: Sensor) -> Binner {
    let Sensor { width, height } = sensor;
    let field = Field { width, height, channels: 2, channels_first: true };
    Binner::new(Grid { start, dt: Micros(1_000) }, field, InputMode::Counts, None)
}

/// The sensor of the recordings that are timed.
const SENSOR: Sensor = Sensor { width: 128, height: 128 };

fn bin(events: &Batch) {
    let mut binner = binner(events.t[0], SENSOR);
    binner.push(events, 0..events.len(), |step, spikes| _ = black_box((step, spikes)));
    binner.finish(|step, spikes| _ = black_box((step, spikes)));
}

fn read_and_bin(path: &Path) {
    let mut recording = Recording::open(path, None).unwrap();
    let mut order = Order::new(OrderPolicy::default());
    let (mut batch, mut ordered) = (Batch::default(), Batch::default());
    let (mut binner, mut more) = (None, true);
    while more {
        ordered.clear();
        more = recording.decode(&mut batch).unwrap();
        order.push(&mut batch, &mut ordered).unwrap();
        if !more {
            order.finish(&mut ordered);
        }
        let Some(&first) = ordered.t.first() else { continue };
        let binner = binner.get_or_insert_with(|| self::binner(first, SENSOR));
        binner.push(&ordered, 0..ordered.len(), |step, spikes| _ = black_box((step, spikes)));
    }
    if let Some(mut binner) = binner {
        binner.finish(|step, spikes| _ = black_box((step, spikes)));
    }
}
