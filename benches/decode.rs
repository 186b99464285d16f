//! How much slower is decoding than copying the same bytes?
//!
//! Every line of the table gives events and bytes per second; `copy` moves the
//! file's bytes and nothing else. The recordings are synthetic, two million
//! events each; AEDAT 4 is a real recording where `SYNOPS_DATA` names the folder
//! of them, otherwise the packets of a small golden file over and over.

use std::io::Cursor;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use synops::event::Batch;
use synops::format::{FORMATS, Format, Source, detect};

fn main() {
    divan::main();
}

const EVENTS: i64 = 2_000_000;

struct Recording {
    format: &'static Format,
    bytes: Vec<u8>,
    events: usize,
}

static RECORDINGS: LazyLock<Vec<Recording>> = LazyLock::new(|| {
    let written = FORMATS.iter().filter_map(|format| Some(format.encode?(&synthetic()).unwrap()));
    written.chain([aedat4()]).map(Recording::new).collect()
});

const NAMES: [&str; 4] = ["aedat2", "aedat3", "aedat4", "atis-bin"];

/// Pixels in pseudo-random order, an event every four microseconds: what fits the
/// narrowest of the formats.
fn synthetic() -> Batch {
    let event = |i: i64| {
        let mix = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (4 * i, (mix & 0x7f) as u16, (mix >> 7 & 0x7f) as u16, mix >> 14 & 1 != 0)
    };
    (0..EVENTS).map(event).collect()
}

fn aedat4() -> Vec<u8> {
    let real = std::env::var_os("SYNOPS_DATA").map(|folder| {
        let path = "recordings/aedat4/davis346_117667.aedat4";
        std::fs::read(std::path::Path::new(&folder).join(path)).unwrap()
    });
    real.unwrap_or_else(repeated)
}

/// The golden file with its packets 3,000 times, as one that was never closed:
/// the place of its data table is overwritten by −1.
fn repeated() -> Vec<u8> {
    let golden = include_bytes!("../tests/golden/aedat4/lz4.aedat4");
    let header = 18 + u32::from_le_bytes(golden[14..18].try_into().unwrap()) as usize;
    let place = |at: &usize| i64::from_le_bytes(golden[*at..at + 8].try_into().unwrap());
    let inside = header as i64..golden.len() as i64;
    let at = (18..header - 8).find(|at| inside.contains(&place(at))).unwrap();
    let packets = &golden[header..place(&at) as usize];
    [&golden[..at], &[0xff; 8], &golden[at + 8..header], &packets.repeat(3_000)].concat()
}

impl Recording {
    fn new(bytes: Vec<u8>) -> Recording {
        let format = detect(&bytes[..bytes.len().min(4096)], None).unwrap();
        let mut recording = Recording { format, bytes, events: 0 };
        recording.events = recording.decode(recording.bytes.clone());
        recording
    }

    fn named(name: &str) -> &'static Recording {
        RECORDINGS.iter().find(|recording| recording.format.name == name).unwrap()
    }

    /// Decodes chunk by chunk, as a replay does, and counts the events.
    fn decode(&self, bytes: Vec<u8>) -> usize {
        let mut decoder = (self.format.open)(Source::new(Cursor::new(bytes))).unwrap();
        let (mut events, mut batch) = (0, Batch::default());
        while decoder.decode(&mut batch).unwrap() {
            events += black_box(&batch).len();
            batch.clear();
        }
        events + batch.len()
    }
}

#[divan::bench(args = NAMES)]
fn decode(bencher: Bencher, name: &str) {
    let recording = Recording::named(name);
    bencher
        .with_inputs(|| recording.bytes.clone())
        .input_counter(|bytes| BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(recording.events))
        .bench_values(|bytes| recording.decode(bytes));
}

#[divan::bench(args = NAMES)]
fn copy(bencher: Bencher, name: &str) {
    let recording = Recording::named(name);
    bencher
        .with_inputs(|| vec![0_u8; recording.bytes.len()])
        .input_counter(|bytes| BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(recording.events))
        .bench_refs(|to| to.copy_from_slice(black_box(&recording.bytes)));
}
