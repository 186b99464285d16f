//! Event counts in frames: what numpy wrote, and arrays that are no counts.

use std::io::{Cursor, Write};

use synops::error::ErrorKind;
use synops::event::{Batch, Sensor};
use synops::format::Recording;
use synops::units::Micros;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::memory::peak;
use super::{format, read, read_from};

/// What `tools/make_torch_golden.py` wrote with numpy.
pub const FILES: [(&str, &[u8]); 6] = [
    ("frames_u8.npy", include_bytes!("../golden/torch/frames_u8.npy")),
    ("frames_f32.npy", include_bytes!("../golden/torch/frames_f32.npy")),
    ("frames_i64_big.npy", include_bytes!("../golden/torch/frames_i64_big.npy")),
    ("frames_batch.npy", include_bytes!("../golden/torch/frames_batch.npy")),
    ("frames_stored.npz", include_bytes!("../golden/torch/frames_stored.npz")),
    ("frames_deflated.npz", include_bytes!("../golden/torch/frames_deflated.npz")),
];

const FRAMES: usize = 5;
const SENSOR: Sensor = Sensor { width: 4, height: 6 };
const A_FRAME: usize = 2 * 6 * 4;

/// The count that the script put into element `i`.
fn count(i: usize) -> usize {
    if i >= A_FRAME && i % 7 == 3 { i % 11 } else { 0 }
}

/// The events that these counts stand for, frames of so many microseconds.
fn events(frame: i64) -> Batch {
    let elements = (0..FRAMES * A_FRAME).flat_map(|i| std::iter::repeat_n(i, count(i)));
    let event = |i: usize| {
        let (x, y, on) = (i % 4, i / 4 % 6, i / 24 % 2 == 1);
        ((i / A_FRAME) as i64 * frame, x as u16, y as u16, on)
    };
    elements.map(event).collect()
}

#[test]
fn counts_become_events_at_the_start_of_their_frame() {
    for (name, bytes) in FILES {
        let outcome = read(bytes);
        assert!(outcome.error.is_none(), "{name}: {:?}", outcome.error);
        assert_eq!(outcome.events, events(1_000), "{name}");
        let mut recording = Recording::from_bytes(name, bytes).unwrap();
        assert_eq!(recording.header().sensor, Some(SENSOR));
        assert_eq!(recording.header().channels, Some(2));
        recording.set_frame(Micros(50));
        let mut batch = Batch::default();
        while recording.decode(&mut batch).unwrap() {}
        assert_eq!(batch, events(50), "{name}");
        assert_eq!(recording.frames(), Some(FRAMES as u64));
    }
}

/// An `.npy` of this type and shape.
pub fn npy(descr: &str, fortran: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), numbers].concat()
}

#[test]
fn one_channel_is_both_polarities() {
    let outcome = read(&npy("|u1", "False", "(2, 1, 1, 2)", &[0, 2, 1, 0]));
    let expected: Batch =
        [(0, 1, 0, true), (0, 1, 0, true), (1_000, 0, 0, true)].into_iter().collect();
    assert_eq!(outcome.events, expected);
}

#[test]
fn a_large_count_is_delivered_piece_by_piece() {
    let bytes = npy("<u2", "False", "(1, 1, 1, 2)", &[0xff, 0xff, 1, 0]);
    let mut recording = Recording::from_bytes("large.npy", bytes).unwrap();
    let (mut batch, mut most, mut events) = (Batch::default(), 0, 0);
    loop {
        batch.clear();
        let more = recording.decode(&mut batch).unwrap();
        (most, events) = (most.max(batch.len()), events + batch.len());
        if !more {
            break;
        }
    }
    assert_eq!((most, events), (1 << 14, 65_536));
}

#[test]
fn numbers_that_are_no_counts_are_named_behind_the_events_before_them() {
    let numbers = |values: [f32; 4]| values.map(f32::to_le_bytes).concat();
    for bad in [-1.0, 0.5, f32::NAN, f32::INFINITY, 65_536.0] {
        let bytes = npy("<f4", "False", "(1, 2, 1, 2)", &numbers([1.0, 0.0, bad, 1.0]));
        let outcome = read(&bytes);
        assert_eq!(outcome.events.len(), 1);
        let error = outcome.error.unwrap();
        assert_eq!(error.offset, Some(bytes.len() as u64 - 8));
        let found = format!("found {bad} in frame 0, channel 1, row 0, column 0; expected a whole");
        assert!(error.to_string().contains(&found), "{error}");
    }
    let short = npy("<u2", "False", "(2, 1, 1, 2)", &[1, 0, 0, 0, 3]);
    let outcome = read(&short);
    assert_eq!((outcome.events.len(), outcome.error.unwrap().kind), (1, ErrorKind::Truncated));
}

#[test]
fn arrays_that_are_no_frames_are_refused() {
    let refused = |bytes: &[u8]| read(bytes).error.unwrap().to_string();
    let shape = refused(&npy("|u1", "False", "(2, 3, 1, 2)", &[0; 12]));
    assert!(shape.contains("found an array of shape [2, 3, 1, 2]; expected one array of counts"));
    let batch = refused(&npy("|u1", "False", "(2, 2, 1, 1, 2)", &[0; 8]));
    assert!(batch.contains("shape [2, 2, 1, 1, 2]"), "{batch}");
    let order = refused(&npy("|u1", "True", "(2, 1, 1, 2)", &[0; 4]));
    assert!(order.contains("ascontiguousarray"), "{order}");
    let archive = |names: &[&str]| {
        let mut file = ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            file.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
            file.write_all(&npy("|u1", "False", "(2, 1, 1, 2)", &[0; 4])).unwrap();
        }
        file.finish().unwrap().into_inner()
    };
    assert!(read(&archive(&["conv.weight", "x"])).error.is_none());
    let two = refused(&archive(&["a", "b"]));
    assert!(two.contains("found 2 of them among [a [2, 1, 1, 2], b [2, 1, 1, 2]]"), "{two}");
    let none = refused(&archive(&["conv.weight"]));
    assert!(none.contains("found 0 of them"), "{none}");
}

/// A zip file of one deflated array.
fn deflated(npy: &[u8]) -> Vec<u8> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    file.start_file("frames.npy", SimpleFileOptions::default()).unwrap();
    file.write_all(npy).unwrap();
    file.finish().unwrap().into_inner()
}

/// Deflate packs zeros 1032 to 1 (RFC 1951: 258 bytes by 2 bits), and frames are zeros.
#[test]
fn frames_may_be_packed_as_tight_as_deflate_packs_and_are_unpacked_as_they_are_read() {
    let mut numbers = vec![0; 4 * 400 * 2 * 128 * 128];
    let last = numbers.len() - 4;
    numbers[last..].copy_from_slice(&3f32.to_le_bytes());
    let packed = deflated(&npy("<f4", "False", "(400, 2, 128, 128)", &numbers));
    assert!(packed.len() * 900 < numbers.len(), "{}", packed.len());
    drop(numbers);
    let (outcome, peak) = peak(|| read_from(format("frames"), Cursor::new(packed)));
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.events, [(399_000, 127, 127, true); 3].into_iter().collect());
    assert!(peak < 2 << 20, "{peak} bytes");
}

#[test]
fn what_is_unpacked_is_as_long_as_its_shape_says_and_has_its_checksum() {
    let of = |shape: &str| deflated(&npy("|u1", "False", shape, &[1, 0, 0, 2]));
    assert!(read(&of("(2, 1, 1, 2)")).error.is_none());
    let short = read(&of("(3, 1, 1, 2)"));
    assert_eq!(short.events.len(), 3);
    let error = short.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Truncated);
    assert!(error.to_string().contains("found the end behind 4 numbers; expected 6"), "{error}");
    let long = read(&of("(1, 1, 1, 2)")).error.unwrap();
    assert!(long.to_string().contains("found more numbers; expected 2"), "{long}");
    // the directory at the end of the file says the checksum, 16 bytes into its entry
    let mut bytes = of("(2, 1, 1, 2)");
    let entry = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bytes[entry + 16] ^= 1;
    let sum = read(&bytes).error.unwrap();
    assert_eq!(sum.kind, ErrorKind::Corrupt);
    assert!(sum.to_string().contains("checksum"), "{sum}");
}
