//! Files of somebody else's writer, and our files in somebody else's readers.

use synops::event::Batch;
use synops::format::Recording;

use super::{digest, format, hex, read};

/// What `tools/make_aedat4_golden.py` wrote with dv-processing 2.0.4.
pub const AEDAT4: [(&str, &[u8]); 6] = [
    ("none", include_bytes!("../golden/aedat4/none.aedat4")),
    ("lz4", include_bytes!("../golden/aedat4/lz4.aedat4")),
    ("lz4_high", include_bytes!("../golden/aedat4/lz4_high.aedat4")),
    ("zstd", include_bytes!("../golden/aedat4/zstd.aedat4")),
    ("zstd_high", include_bytes!("../golden/aedat4/zstd_high.aedat4")),
    ("two_streams", include_bytes!("../golden/aedat4/two_streams.aedat4")),
];

/// The events that the script put in.
pub fn aedat4_events() -> Batch {
    let event = |i: i64| {
        (1_600_000_000_000_000 + 37 * i, (7 * i % 346) as u16, (13 * i % 260) as u16, i % 3 == 0)
    };
    (0..600).map(event).collect()
}

#[test]
fn aedat4_in_every_compression_gives_what_was_put_in() {
    for (name, bytes) in AEDAT4 {
        let outcome = read(bytes);
        assert!(outcome.error.is_none(), "{name}: {:?}", outcome.error);
        assert_eq!(outcome.events, aedat4_events(), "{name}");
        let packets = ["FRME", "IMUS", "TRIG"]
            .map(|kind| outcome.tally.skipped[&format!("packets of {kind}")]);
        assert_eq!(packets, [5, 3, 3], "{name}");
    }
}

#[test]
fn of_two_event_streams_the_first_is_read_and_the_other_named() {
    let (_, bytes) = AEDAT4[5];
    assert_eq!(read(bytes).tally.skipped["packets of EVTS of stream 1"], 5);
    let recording = Recording::from_bytes("two_streams", bytes).unwrap();
    let remarks = &recording.header().remarks;
    assert_eq!(remarks[1], "stream 1 is not read: EVTS, more events");
    assert_eq!(recording.header().camera.as_deref(), Some("DAVIS346_golden"));
}

/// Three packets of a DVS128 over an overflow of the 31-bit clock.
pub fn synthetic() -> Batch {
    let event = |i: i64| {
        let t = (1 << 31) - 35_000 + 7 * i;
        (t, (37 * i % 128) as u16, (i * i / 3 % 128) as u16, i % 5 < 2)
    };
    (0..10_000).map(event).collect()
}

/// The digest is SpikingJelly 2.0.0's (`load_aedat_v3`) of the file that is
/// written here; tonic 1.7.0 finds the same events without the overflow.
/// `tools/check_aedat3.py` prints both.
#[test]
fn aedat3_is_read_by_others_as_it_was_meant() {
    let bytes = format("aedat3").encode.unwrap()(&synthetic()).unwrap();
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("synthetic.aedat");
    std::fs::write(path, &bytes).unwrap();
    let outcome = read(&bytes);
    assert!(outcome.error.is_none());
    assert_eq!(outcome.events, synthetic());
    assert_eq!(
        hex(&digest(&outcome.events)),
        "a77f6a07bcc8f3fde3020070ff67f0ea4350ee931160993c0fb9aa7c7294d885"
    );
}

/// The digest is SpikingJelly 2.0.0's of the bundled recording, and tonic 1.7.0 finds the same
/// events: `tools/check_aedat3.py data/gestures.aedat`.
#[test]
fn the_synthetic_twin_is_read_by_others_as_it_was_meant() {
    let outcome = read(synops::bundled::RECORDING.bytes);
    assert!(outcome.error.is_none());
    assert_eq!(
        hex(&digest(&outcome.events)),
        "1f9d8166a7b17f3e13f50122288f182e6ed85269507deaf99aa377540ff25bd3"
    );
}
