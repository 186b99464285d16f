//! Events in arrays: what SpikingJelly wrote and tonic read, and arrays that are no events.

use std::io::{Cursor, Write};

use synops::error::ErrorKind;
use synops::event::Batch;
use synops::format::Recording;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::frames::npy;
use super::{format, read, read_from};

/// What `tools/make_arrays_golden.py` had the two packages write and read.
pub const FILES: [(&str, &[u8]); 4] = [
    ("cut.npz", include_bytes!("../golden/arrays/cut.npz")),
    ("cut_deflated.npz", include_bytes!("../golden/arrays/cut_deflated.npz")),
    ("3.npy", include_bytes!("../golden/arrays/3.npy")),
    ("4.npy", include_bytes!("../golden/arrays/4.npy")),
];

#[test]
fn events_are_those_that_their_owners_read() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../golden/arrays/events.json")).unwrap();
    let number = |event: &serde_json::Value, i: usize| event[i].as_i64().unwrap();
    let event = |event: &serde_json::Value| {
        let [t, x, y, p] = [0, 1, 2, 3].map(|i| number(event, i));
        (t, x as u16, y as u16, p > 0)
    };
    let expected: Batch = golden["events"].as_array().unwrap().iter().map(event).collect();
    assert_eq!(expected.len(), 50);
    for (name, bytes) in FILES {
        let outcome = read(bytes);
        assert!(outcome.error.is_none(), "{name}: {:?}", outcome.error);
        assert_eq!(outcome.events, expected, "{name}");
    }
}

fn archive(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        file.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        file.write_all(bytes).unwrap();
    }
    file.finish().unwrap().into_inner()
}

/// Whoever writes the arrays chooses their order, and what else is with them.
#[test]
fn events_are_told_by_their_arrays_in_any_order() {
    let column = |numbers: &[u8]| npy("|u1", "False", &format!("({},)", numbers.len()), numbers);
    let arrays = ["x", "y", "t", "p", "width"].map(|name| (name, column(&[1, 1])));
    for first in 0..arrays.len() {
        let mut arrays = arrays.clone();
        arrays.rotate_left(first);
        let recording = Recording::from_bytes("cut.npz", archive(&arrays));
        assert_eq!(recording.unwrap().header().format, "event-arrays", "{} first", arrays[0].0);
    }
    // frames may be called x
    let frames = npy("|u1", "False", "(1, 2, 1, 1)", &[1, 0]);
    let recording = Recording::from_bytes("frames.npz", archive(&[("x", frames)])).unwrap();
    assert_eq!(recording.header().format, "frames");
}

#[test]
fn arrays_that_are_no_events_are_refused_or_end_before_what_is_none() {
    let column = |numbers: &[u8]| npy("|u1", "False", &format!("({},)", numbers.len()), numbers);
    let refused = |arrays: &[(&str, Vec<u8>)]| {
        let bytes = archive(arrays);
        read_from(format("event-arrays"), Cursor::new(bytes)).error.unwrap().to_string()
    };
    let three = [("t", column(&[1, 2])), ("x", column(&[1, 2])), ("y", column(&[1, 2]))];
    assert!(refused(&three).contains("found no array 'p'"));
    let uneven = [&three[..], &[("p", column(&[1]))]].concat();
    assert!(refused(&uneven).contains("t, x, y, p of [2, 2, 2, 1] numbers"));
    let square = [&three[..], &[("p", npy("|u1", "False", "(2, 1)", &[0, 1]))]].concat();
    assert!(refused(&square).contains("'p': found shape [2, 1]"));
    for (bad, found) in
        [(-1.0f32, "x = -1"), (0.5, "x = 0.5"), (f32::NAN, "x = NaN"), (4e4, "x = 40000")]
    {
        let numbers = [1.0, 2.0, 1.0, 0.0, bad, 2.0, 1.0, 1.0].map(f32::to_le_bytes).concat();
        let outcome = read(&npy("<f4", "False", "(2, 4)", &numbers));
        assert_eq!(outcome.events.len(), 1);
        let error = outcome.error.unwrap();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.to_string().contains(&format!("event 1: found {found};")), "{error}");
    }
}

/// Rows of eight bytes a number, `bad` of them at 7, 0: behind a header of 128 bytes,
/// which is numpy's, at byte 128 + 7 · 32 = 352.
fn rows(bad: f64) -> Vec<u8> {
    let row = |i: i32| [if i == 7 { bad } else { 1.0 }, 2.0, 1.0, f64::from(i)];
    let numbers: Vec<u8> = (0..20).flat_map(row).flat_map(f64::to_le_bytes).collect();
    let mut bytes = npy("<f8", "False", "(20, 4)", &numbers);
    let spaces = 128 - (bytes.len() - numbers.len());
    bytes[8] += spaces as u8;
    let end = bytes.len() - numbers.len() - 1;
    bytes.splice(end..end, vec![b' '; spaces]);
    bytes
}

#[test]
fn a_number_that_is_none_of_an_event_is_named_with_its_byte() {
    let outcome = read(&rows(-1.0));
    assert_eq!(outcome.events.len(), 7);
    let error = outcome.error.unwrap().to_string();
    assert!(error.starts_with("byte 352: event 7: found x = -1;"), "{error}");
    // column by column, the x of event 1 is the second number
    let numbers = [1, 255, 1, 1, 0, 0, 5, 6];
    let columns = npy("|i1", "True", "(2, 4)", &numbers);
    let outcome = read(&columns);
    assert_eq!(outcome.events, [(5_000, 1, 1, false)].into_iter().collect());
    let error = outcome.error.unwrap();
    assert_eq!(error.offset, Some(columns.len() as u64 - 7), "{error}");
}

#[test]
fn of_rows_cut_off_the_whole_ones_are_left() {
    for (cut, byte) in [(128 + 7 * 32, 352), (128 + 7 * 32 + 5, 352), (128 + 7 * 32 + 20, 368)] {
        let outcome = read(&rows(1.0)[..cut]);
        assert_eq!(outcome.events.len(), 7);
        let error = outcome.error.unwrap();
        assert_eq!((error.kind, error.offset), (ErrorKind::Truncated, Some(byte)), "{error}");
        assert!(error.to_string().contains("event 7: found the end behind"), "{error}");
    }
}
