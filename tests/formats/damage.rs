//! What damage does: files cut off and files with one byte changed.
//!
//! Whatever the bytes, a decoder neither panics nor stands still, accounts for
//! every event, points at a byte of the file, and takes no more memory than
//! [`Sample::memory`] says. What lies before the damage is delivered as it was.

use std::io::Cursor;

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64;
use synops::error::ErrorKind;
use synops::event::Batch;
use synops::format::{Decoder, Format, Source};

use super::memory::peak;
use super::{arrays, data, format, frames, golden, read, read_from};

const CUTS: usize = 200;
const CHANGES: usize = if cfg!(debug_assertions) { 200 } else { 2_000 };

struct Sample {
    name: String,
    format: &'static Format,
    bytes: Vec<u8>,
    events: Batch,
    /// Places in the file, and how many events lie wholly before them.
    marks: Vec<(usize, usize)>,
}

impl Sample {
    fn new(name: &str, format: &'static Format, bytes: Vec<u8>) -> Sample {
        let whole = read(&bytes);
        assert!(whole.error.is_none(), "{name}: {:?}", whole.error);
        let places: Vec<usize> = match format.name {
            "aedat4" => packet_ends(&bytes),
            _ => (0..=40).map(|i| bytes.len() * i / 40).collect(),
        };
        let mut sample =
            Sample { name: name.into(), format, bytes, events: whole.events, marks: Vec::new() };
        let count = |place| (place, sample.survive(sample.bytes[..place].to_vec()).0);
        sample.marks = places.into_iter().map(count).collect();
        sample
    }

    /// The bound on a decoder's memory: a buffer and a chunk of events. Event arrays of
    /// an archive have a buffer for each of four columns. AEDAT 4
    /// holds a packet besides, which may swell to 8 MiB however small it is, and
    /// is held up to three times while it is unpacked.
    fn memory(&self) -> usize {
        match self.format.name {
            "aedat4" => (24 << 20) + 2 * self.bytes.len(),
            "event-arrays" => 2 << 20,
            _ => 1 << 20,
        }
    }

    /// Decodes a damaged version: how many events came out, and how many of them
    /// from the first on are those of the whole file.
    fn survive(&self, bytes: Vec<u8>) -> (usize, usize) {
        let len = bytes.len() as u64;
        let ((delivered, same), peak) =
            peak(|| match (self.format.open)(Source::new(Cursor::new(bytes))) {
                Ok(mut decoder) => self.decode(&mut *decoder, len),
                Err(error) => {
                    assert!(error.offset.is_some_and(|offset| offset <= len), "{error}");
                    (0, 0)
                }
            });
        assert!(peak <= self.memory(), "{}: {peak} bytes of memory", self.name);
        (delivered, same)
    }

    fn decode(&self, decoder: &mut dyn Decoder, len: u64) -> (usize, usize) {
        let (mut delivered, mut same) = (0, 0);
        let mut batch = Batch::default();
        loop {
            let offset = decoder.offset();
            let more = decoder.decode(&mut batch);
            if same == delivered {
                let whole = (delivered..self.events.len()).map(|i| self.events.get(i));
                same += batch.iter().zip(whole).take_while(|(found, event)| found == event).count();
            }
            delivered += batch.len();
            match more {
                Ok(true) => assert!(!batch.is_empty() || decoder.offset() > offset),
                Ok(false) => break,
                Err(error) => {
                    assert_ne!(error.kind, ErrorKind::Io);
                    assert!(error.offset.is_some_and(|offset| offset <= len), "{error}");
                    break;
                }
            }
            batch.clear();
        }
        decoder.tally().assert_conserved();
        assert_eq!(decoder.tally().kept, delivered as u64);
        (delivered, same)
    }

    fn cut(&self, random: &mut impl Rng) {
        for _ in 0..CUTS {
            let cut = random.random_range(0..self.bytes.len());
            let (delivered, same) = self.survive(self.bytes[..cut].to_vec());
            assert_eq!(delivered, same, "{} cut at {cut}", self.name);
        }
    }

    /// Half of the changes go to the first 4 KiB, where the headers are.
    fn change(&self, random: &mut impl Rng) {
        for i in 0..CHANGES {
            let end = if i % 2 == 0 { self.bytes.len() } else { self.bytes.len().min(4096) };
            let place = random.random_range(0..end);
            let mut bytes = self.bytes.clone();
            bytes[place] ^= random.random_range(1..=255_u8);
            let (_, same) = self.survive(bytes);
            let before = self.marks.iter().rev().find(|&&(mark, _)| mark <= place);
            let spared = before.map_or(0, |&(_, events)| events);
            assert!(same >= spared, "{} changed at {place}: {same} of {spared}", self.name);
        }
    }
}

/// Where the packets of an AEDAT 4 file end.
fn packet_ends(bytes: &[u8]) -> Vec<usize> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut ends = vec![14 + 4 + word(14)];
    while let Some(&end) = ends.last().filter(|&&end| end + 8 < bytes.len()) {
        let next = end + 8 + word(end + 4);
        if next > bytes.len() {
            break;
        }
        ends.push(next);
    }
    ends
}

fn synthetic() -> Vec<Sample> {
    let mut events = golden::synthetic();
    let first = events.t[0];
    events.t.iter_mut().for_each(|t| *t -= first);
    let written = ["aedat2", "aedat3", "atis-bin"].map(|name| {
        let mut bytes = format(name).encode.unwrap()(&events).unwrap();
        if name == "aedat3" {
            let end_of_header =
                12 + bytes.windows(12).position(|w| w == b"END-HEADER\r\n").unwrap();
            bytes.splice(end_of_header..end_of_header, frame_packet());
        }
        Sample::new(name, format(name), bytes)
    });
    written.into()
}

/// An AEDAT 3.1 packet of one frame event of 40 bytes.
fn frame_packet() -> Vec<u8> {
    let words = [1 << 16 | 2, 40, 4, 0, 1, 1, 1_u32];
    [words.map(u32::to_le_bytes).concat(), vec![7; 40]].concat()
}

fn golden_files() -> Vec<Sample> {
    let aedat4 = golden::AEDAT4.map(|(name, bytes)| (name, "aedat4", bytes));
    let frames = frames::FILES.map(|(name, bytes)| (name, "frames", bytes));
    let arrays = arrays::FILES.map(|(name, bytes)| (name, "event-arrays", bytes));
    let sample =
        |(name, kind, bytes): (&str, _, &[u8])| Sample::new(name, format(kind), bytes.to_vec());
    aedat4.into_iter().chain(frames).chain(arrays).map(sample).collect()
}

fn real() -> Vec<Sample> {
    let Some(data) = data() else { return Vec::new() };
    let sample = |(name, path): (&str, &str)| {
        Sample::new(path, format(name), std::fs::read(data.join(path)).unwrap())
    };
    let files = [
        ("aedat2", "recordings/aedat2/MovingDarkBox.aedat"),
        ("aedat4", "recordings/aedat4/davis346_117667.aedat4"),
        ("aedat4", "recordings/aedat4/davis346_sample.aedat4"),
        ("atis-bin", "nmnist/Train/0/00002.bin"),
    ];
    files.map(sample).into()
}

#[test]
fn synthetic_files_survive_damage() {
    survive_all(synthetic(), 1);
}

#[test]
fn golden_files_survive_damage() {
    survive_all(golden_files(), 2);
}

#[test]
fn real_files_survive_damage() {
    survive_all(real(), 3);
}

fn survive_all(samples: Vec<Sample>, seed: u64) {
    let mut random = Pcg64::seed_from_u64(seed);
    for sample in samples {
        sample.cut(&mut random);
        sample.change(&mut random);
    }
}

/// Counted by hand on the file: the second packet begins at byte 2,798 and holds
/// 120 events of 16 bytes behind 8 bytes of packet header and 32 of flatbuffer.
#[test]
fn of_a_plain_aedat4_cut_in_its_first_events_fifty_are_left() {
    let cut = 2_798 + 8 + 32 + 50 * 16 + 5;
    let outcome = read(&golden::AEDAT4[0].1[..cut]);
    assert_eq!(outcome.events.len(), 50);
    let error = outcome.error.unwrap();
    assert_eq!((error.kind, error.offset), (ErrorKind::Truncated, Some(2_806)));
}

/// The first packet of events begins at byte 3,226 and holds 9,920 of them by
/// aedat 2.3.0; its LZ4 frame has blocks that end 31,237, 63,418 and 76,990 bytes
/// into it, of which the first two hold 64 KiB each.
#[test]
fn of_an_lz4_packet_cut_off_the_whole_blocks_are_left() {
    let Some(data) = data() else { return };
    let bytes = std::fs::read(data.join("recordings/aedat4/davis346_117667.aedat4")).unwrap();
    let frame = 3_226 + 8;
    for (cut, events) in [
        (frame + 31_236, 0),
        (frame + 40_000, (0x10000 - 32) / 16),
        (frame + 63_418, (0x20000 - 32) / 16),
        (frame + 76_994, 9_920),
    ] {
        let outcome = read(&bytes[..cut]);
        assert_eq!(outcome.events.len(), events, "cut at {cut}");
        assert_eq!(outcome.error.unwrap().kind, ErrorKind::Truncated);
    }
}

/// Behind 216 bytes of header, 8 bytes an event.
#[test]
fn of_an_aedat2_cut_off_every_whole_event_is_left() {
    let Some(data) = data() else { return };
    let bytes = std::fs::read(data.join("recordings/aedat2/MovingDarkBox.aedat")).unwrap();
    let outcome = read(&bytes[..216 + 1_000 * 8 + 3]);
    assert_eq!(outcome.events.len(), 1_000);
    assert_eq!(outcome.error.unwrap().offset, Some(216 + 1_000 * 8));
}

/// Header lines are kept, so that there must be an end to them.
#[test]
fn a_header_that_goes_on_and_on_is_refused() {
    let bytes = ["#!AER-DAT3.1\r\n", &"#x\r\n".repeat(5_000_000)].concat().into_bytes();
    let (outcome, peak) = peak(|| read_from(format("aedat3"), Cursor::new(bytes)));
    let error = outcome.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.to_string().contains("found a header of over 1048576 bytes"), "{error}");
    assert!(peak < 32 << 20, "{peak} bytes");
}
