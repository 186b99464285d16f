//! How much slower is decoding than copying the same bytes, and AEDAT 4 than taking
//! them out of their compression?
//!
//! Both sides work in turns on the same recording in memory, 20 million events that
//! no cache holds, so that a slow phase of the machine slows both. A line gives the
//! median and the range of the rounds; a ratio of 0.5 is half as fast. What is
//! written goes to memory that has been written to before.
//!
//! The copy moves the bytes of the file to a place of their size. `in chunks` decodes
//! into one batch over and over, as a replay does; `whole` into columns that hold the
//! recording, 13 bytes an event. The decompressor alone is `lz4_flex` by its frames,
//! packet after packet into one buffer.
//!
//! AEDAT 4 is written here, and where `SYNOPS_DATA` names the folder of real
//! recordings, made of the packets of one of those too.

use std::hint::black_box;
use std::io::{Cursor, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use synops::event::Batch;
use synops::format::{FORMATS, Format, Source, detect};

const EVENTS: usize = 20_000_000;
const ROUNDS: usize = 15;

fn main() {
    println!("{:28}{:>21}{:>26}{:>26}", "", "ns an event", "in chunks", "whole");
    for format in FORMATS {
        let Some(encode) = format.encode else { continue };
        let bytes = File(encode(&synthetic()).unwrap().into());
        let mut to = vec![1; bytes.0.len()];
        bytes.compare(&format!("{} : a copy", format.name), || to.copy_from_slice(&bytes.0));
    }
    for (name, bytes) in [("synthetic", Some(aedat4())), ("real", repeated())] {
        let Some(bytes) = bytes.map(|bytes| File(bytes.into())) else { continue };
        let mut to = vec![1; bytes.0.len()];
        bytes.compare(&format!("aedat4, {name} : a copy"), || to.copy_from_slice(&bytes.0));
        let packets = bytes.packets();
        let mut body = Vec::new();
        bytes.compare(&format!("aedat4, {name} : unpacking"), || {
            for packet in &packets {
                body.clear();
                FrameDecoder::new(*packet).read_to_end(black_box(&mut body)).unwrap();
            }
        });
    }
}

/// A recording in memory.
#[derive(Clone)]
struct File(Arc<[u8]>);

impl AsRef<[u8]> for File {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl File {
    /// Decodes the whole recording; into one chunk over and over, if told to.
    fn decode(&self, batch: &mut Batch, in_chunks: bool) -> usize {
        let format: &Format = detect(&self.0[..4096], None).unwrap();
        let mut decoder = (format.open)(Source::new(Cursor::new(self.clone()))).unwrap();
        batch.clear();
        while decoder.decode(batch).unwrap() {
            if in_chunks {
                black_box(&mut *batch).clear();
            }
        }
        decoder.tally().kept as usize
    }

    /// Prints how decoding does beside `other`.
    fn compare(&self, name: &str, mut other: impl FnMut()) {
        let (mut chunk, mut whole) = (Batch::default(), Batch::default());
        let events = self.decode(&mut whole, false) as f64;
        let rounds = (0..ROUNDS).map(|_| {
            let other = seconds(&mut other);
            let chunks = seconds(|| _ = self.decode(&mut chunk, true));
            let whole = seconds(|| _ = self.decode(&mut whole, false));
            [other, chunks, whole, other / chunks, other / whole]
        });
        let rounds: Vec<[f64; 5]> = rounds.collect();
        let column = |i: usize| {
            let mut column: Vec<f64> = rounds.iter().map(|round| round[i]).collect();
            column.sort_by(f64::total_cmp);
            column
        };
        let nanoseconds = |i: usize| 1e9 * column(i)[ROUNDS / 2] / events;
        let ratio = |i: usize| {
            let column = column(i);
            let [low, median, high] = [0, ROUNDS / 2, ROUNDS - 1].map(|i| column[i]);
            format!("{median:.2} ({low:.2} to {high:.2})")
        };
        let times = [0, 1, 2].map(|i| format!("{:.2}", nanoseconds(i))).join(", ");
        println!("{name:28}{times:>21}{:>26}{:>26}", ratio(3), ratio(4));
    }

    /// The frames of an AEDAT 4 file that was never closed.
    fn packets(&self) -> Vec<&[u8]> {
        let word = |at: usize| u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap()) as usize;
        let (mut packets, mut at) = (Vec::new(), 18 + word(14));
        while at < self.0.len() {
            let end = at + 8 + word(at + 4);
            packets.push(&self.0[at + 8..end]);
            at = end;
        }
        packets
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

/// Pixels in pseudo-random order, five events a microsecond: what fits the narrowest
/// of the formats.
fn synthetic() -> Batch {
    let event = |i: usize| {
        let mix = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (i as i64 / 5, (mix & 0x7f) as u16, (mix >> 7 & 0x7f) as u16, mix >> 14 & 1 != 0)
    };
    (0..EVENTS).map(event).collect()
}

/// Packets of 8,192 events, LZ4 frames as dv writes them.
fn aedat4() -> Vec<u8> {
    let (header, _) = golden();
    let mut file = header;
    let events: Vec<_> = synthetic().iter().collect();
    for events in events.chunks(8_192) {
        // one field, the vector of events
        let size = 28 + 16 * events.len() as u32;
        let head = [size, 16, u32::from_le_bytes(*b"EVTS"), 0x0008_0006, 4, 8, 4];
        let mut body: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        body.extend((events.len() as u32).to_le_bytes());
        for &(t, x, y, on) in events {
            body.extend(t.to_le_bytes());
            body.extend([x.to_le_bytes(), y.to_le_bytes(), [on.into(), 0], [0, 0]].concat());
        }
        let blocks = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Linked);
        let mut frame = FrameEncoder::with_frame_info(blocks, Vec::new());
        frame.write_all(&body).unwrap();
        let frame = frame.finish().unwrap();
        file.extend([0_u32.to_le_bytes(), (frame.len() as u32).to_le_bytes()].concat());
        file.extend(frame);
    }
    file
}

/// The golden file's header, as of one that was never closed, and its packets.
fn golden() -> (Vec<u8>, Vec<u8>) {
    never_closed(include_bytes!("../tests/golden/aedat4/lz4.aedat4"))
}

/// A real recording of 13 packets of events and 27 others, over and over.
fn repeated() -> Option<Vec<u8>> {
    let folder = std::env::var_os("SYNOPS_DATA")?;
    let path = "recordings/aedat4/davis346_117667.aedat4";
    let (header, packets) =
        never_closed(&std::fs::read(std::path::Path::new(&folder).join(path)).unwrap());
    Some([header, packets.repeat(150)].concat())
}

/// Header and packets of a file; the place of its data table is overwritten by −1.
fn never_closed(file: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let header = 18 + u32::from_le_bytes(file[14..18].try_into().unwrap()) as usize;
    let place = |at: &usize| i64::from_le_bytes(file[*at..at + 8].try_into().unwrap());
    let inside = file.len() as i64 / 2..file.len() as i64;
    let at = (18..header - 8).find(|at| inside.contains(&place(at))).unwrap();
    let packets = file[header..place(&at) as usize].to_vec();
    ([&file[..at], &[0xff; 8], &file[at + 8..header]].concat(), packets)
}
