//! How much slower are events to steps than a copy of the events?
//!
//! Five million events a second, in order of time, in batches as a decoder delivers
//! them; steps of 1 ms. Both sides work in turns; a line gives events per second, and
//! the median and the range of the ratio.
//!
//! `steps` is the binner alone, beside a copy of the columns. `file to steps` decodes
//! an AEDAT 3.1 in memory, puts it in order, cuts a window and bins, as a replay does
//! up to the network, beside a copy of the file.

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Instant;

use synops::event::{
    Batch, Binner, Field, Grid, InputMode, Order, OrderPolicy, Sensor, Tally, Window,
};
use synops::format::{CHUNK_EVENTS, Source, encode, named};
use synops::units::Micros;

const EVENTS: usize = 10_000_000;
const ROUNDS: usize = 15;
const SENSORS: [Sensor; 4] = [
    Sensor { width: 34, height: 34 },
    Sensor { width: 128, height: 128 },
    Sensor { width: 346, height: 260 },
    Sensor { width: 1280, height: 720 },
];

fn main() {
    for sensor in SENSORS {
        for per_ms in [50, 5_000] {
            let size = format!("{}x{}, {per_ms} events/ms", sensor.width, sensor.height);
            let batches = synthetic(sensor, per_ms);
            let mut to = batches.clone();
            compare(
                &format!("{size}: steps"),
                || to.iter_mut().zip(&batches).for_each(|(to, from)| to.clone_from(from)),
                || bin(sensor, &batches),
            );
            let mut whole = Batch::default();
            batches.iter().for_each(|batch| whole.append(&mut batch.clone()));
            let file: Arc<[u8]> = encode("aedat3", &whole).unwrap().into();
            let mut to = vec![1; file.len()];
            compare(
                &format!("{size}: file to steps"),
                || to.copy_from_slice(&file),
                || file_to_steps(sensor, File(file.clone())),
            );
        }
    }
}

#[derive(Clone)]
struct File(Arc<[u8]>);

impl AsRef<[u8]> for File {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn binner(sensor: Sensor, start: i64) -> Binner {
    let Sensor { width, height } = sensor;
    let field = Field { width, height, channels: 2, channels_first: false };
    Binner::new(Grid { start, dt: Micros(1_000) }, field, InputMode::Counts, None)
}

fn bin(sensor: Sensor, batches: &[Batch]) {
    let mut binner = binner(sensor, 0);
    for batch in batches {
        binner.push(batch, 0..batch.len(), |step, spikes| _ = black_box((step, spikes)));
    }
    binner.finish(|step, spikes| _ = black_box((step, spikes)));
    assert_eq!(binner.tally().kept, EVENTS as u64);
}

fn file_to_steps(sensor: Sensor, file: File) {
    let mut decoder = (named("aedat3").unwrap().open)(Source::new(Cursor::new(file))).unwrap();
    let (mut order, mut cut) = (Order::new(OrderPolicy::default()), Tally::default());
    let (mut batch, mut ordered) = (Batch::default(), Batch::default());
    let mut binner = binner(sensor, 0);
    let mut more = true;
    while more {
        ordered.clear();
        more = decoder.decode(&mut batch).unwrap();
        order.push(&mut batch, &mut ordered).unwrap();
        if !more {
            order.finish(&mut ordered);
        }
        let inside = Window::ALL.cut(&ordered, &mut cut);
        binner.push(&ordered, inside, |step, spikes| _ = black_box((step, spikes)));
    }
    binner.finish(|step, spikes| _ = black_box((step, spikes)));
    assert_eq!(binner.tally().kept, EVENTS as u64);
}

/// Pixels in pseudo-random order.
fn synthetic(Sensor { width, height }: Sensor, per_ms: i64) -> Vec<Batch> {
    let event = |i: usize| {
        let mix = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let pixel = (mix * u64::from(width) * u64::from(height)) >> 32;
        let (x, y) = (pixel % u64::from(width), pixel / u64::from(width));
        (i as i64 * 1_000 / per_ms, x as u16, y as u16, i.is_multiple_of(2))
    };
    let indices: Vec<usize> = (0..EVENTS).collect();
    indices.chunks(CHUNK_EVENTS).map(|chunk| chunk.iter().copied().map(event).collect()).collect()
}

fn compare(name: &str, mut copy: impl FnMut(), mut work: impl FnMut()) {
    let mut rounds: Vec<(f64, f64)> =
        (0..ROUNDS).map(|_| (seconds(&mut copy), seconds(&mut work))).collect();
    rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let [low, median, high] = [0, ROUNDS / 2, ROUNDS - 1].map(|i| rounds[i].0 / rounds[i].1);
    let rate = EVENTS as f64 / rounds[ROUNDS / 2].1 / 1e6;
    println!("{name:44}{rate:6.0} M events/s   {median:.3} ({low:.3} to {high:.3})");
}

fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}
