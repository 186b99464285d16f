//! Real recordings: counts, ranges and digests as other readers find them.
//!
//! The numbers were printed by `tools/recording_digests.py`: for AEDAT 4 by
//! dv-processing 2.0.4 (`MonoCameraRecording`) and aedat 2.3.0 (`Decoder`), which
//! agree; for AEDAT 2.0 by jAER's address formula in numpy on the words that tonic
//! 1.7.0 reads; for N-MNIST by tonic 1.7.0 (`read_mnist_file`).

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use synops::event::Sensor;
use synops::format::Recording;

use super::{Outcome, data, digest, hex, read};

struct Expected {
    events: usize,
    t: (i64, i64),
    x: (u16, u16),
    y: (u16, u16),
    on: usize,
    digest: &'static str,
}

fn check(path: &Path, expected: &Expected) -> Outcome {
    let outcome = read(&std::fs::read(path).unwrap());
    let Outcome { events, error, .. } = &outcome;
    assert!(error.is_none(), "{error:?}");
    let range = |column: &[u16]| (*column.iter().min().unwrap(), *column.iter().max().unwrap());
    assert_eq!(events.len(), expected.events, "{}", path.display());
    assert_eq!((events.t[0], events.t[events.len() - 1]), expected.t);
    assert_eq!((range(&events.x), range(&events.y)), (expected.x, expected.y));
    assert_eq!(events.on.iter().filter(|&&on| on).count(), expected.on);
    assert_eq!(hex(&digest(events)), expected.digest);
    assert!(events.t.is_sorted());
    outcome
}

#[test]
fn aedat2_moving_dark_box() {
    let Some(data) = data() else { return };
    let path = data.join("recordings/aedat2/MovingDarkBox.aedat");
    let outcome = check(
        &path,
        &Expected {
            events: 489_834,
            t: (946_459_683, 986_269_729),
            x: (0, 127),
            y: (0, 127),
            on: 246_923,
            digest: "31e4ab0dbb19d41e8483ae40fd029fede30f6132d020f71667fcc3085e89cb2f",
        },
    );
    assert_eq!(outcome.tally.total_dropped(), 0);
}

#[test]
fn aedat4_of_a_davis346_with_117667_events() {
    let Some(data) = data() else { return };
    let path = data.join("recordings/aedat4/davis346_117667.aedat4");
    let outcome = check(
        &path,
        &Expected {
            events: 117_667,
            t: (1_633_953_690_975_950, 1_633_953_691_105_949),
            x: (0, 345),
            y: (0, 259),
            on: 72_363,
            digest: "78a5f729b77bd19c48c37ab5d1ec841b51db51896c5d673eaf638124498045e1",
        },
    );
    assert_eq!(outcome.tally.skipped["packets of FRME"], 3);
    let recording = Recording::open(&path, None).unwrap();
    assert_eq!(recording.header().camera.as_deref(), Some("DAVIS346_00000104"));
    assert_eq!(recording.header().sensor, Some(Sensor { width: 346, height: 260 }));
}

#[test]
fn aedat4_of_a_davis346_with_6676_events() {
    let Some(data) = data() else { return };
    let path = data.join("recordings/aedat4/davis346_sample.aedat4");
    let outcome = check(
        &path,
        &Expected {
            events: 6_676,
            t: (1_589_163_147_368_868, 1_589_163_147_538_809),
            x: (14, 334),
            y: (8, 245),
            on: 3_563,
            digest: "e849f4cd83e99fc05f85e5ec8eb1c9caaef5e749888d991e0b2eaa5e3d03408d",
        },
    );
    assert_eq!(outcome.tally.skipped["packets of FRME"], 4);
}

#[test]
fn a_handful_of_n_mnist() {
    let Some(data) = data() else { return };
    let (x, y) = ((0, 33), (0, 33));
    for (name, events, t, on, digest) in [
        (
            "0/00002.bin",
            5_028,
            (937, 305_341),
            2_509,
            "42882f9d5cfb310487a96b0c4863391692d980df10849e891751394d4ade5f13",
        ),
        (
            "0/00022.bin",
            5_545,
            (2_463, 306_232),
            2_732,
            "13887ff259d2a1c121c49de607b48970729af7bc26a82511937722dc41358d05",
        ),
        (
            "4/00907.bin",
            4_526,
            (4_226, 309_010),
            2_244,
            "093f894a289e5461a2c1968ad7e0a4aaa4f3022a2bd94a77f9b9bc86aed59845",
        ),
        (
            "9/00981.bin",
            3_393,
            (2_629, 307_685),
            1_709,
            "225b8d7a2d67367723e548d9d405c55a8ee189e9f6fcae32e2ed23829aeef773",
        ),
    ] {
        let path = data.join("nmnist/Train").join(name);
        check(&path, &Expected { events, t, x, y, on, digest });
    }
}

#[test]
fn all_of_n_mnist() {
    let Some(data) = data() else { return };
    let files = n_mnist(&data);
    let (mut events, mut on, mut together) = (0, 0, Sha256::new());
    for path in &files {
        let outcome = read(&std::fs::read(path).unwrap());
        assert!(outcome.error.is_none(), "{}: {:?}", path.display(), outcome.error);
        events += outcome.events.len();
        on += outcome.events.on.iter().filter(|&&on| on).count();
        together.update(digest(&outcome.events));
    }
    assert_eq!((files.len(), events, on), (1_000, 4_133_231, 2_059_426));
    assert_eq!(
        hex(&together.finalize()),
        "ca97b3bbc6ac70ad149acad7c900f333f734a1e80a5732432cb96c8fe8b0ac96"
    );
}

/// The recordings in the order of their names.
fn n_mnist(data: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(data.join("nmnist/Train")).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}
