//! What is a recording, and what is not.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use synops::error::ErrorKind;
use synops::event::Batch;
use synops::format::{FORMATS, detect};

use super::{data, golden};

fn found(bytes: &[u8]) -> Option<&'static str> {
    match detect(&bytes[..bytes.len().min(4096)], None) {
        Ok(format) => Some(format.name),
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::UnknownFormat);
            None
        }
    }
}

#[test]
fn what_each_format_writes_is_of_that_format() {
    let events: Batch = (0..100).map(|i| (50 * i, i as u16, 7, i % 2 == 0)).collect();
    for format in FORMATS {
        if let Some(encode) = format.encode {
            assert_eq!(found(&encode(&events).unwrap()), Some(format.name));
        }
    }
    for (name, bytes) in golden::AEDAT4 {
        assert_eq!(found(bytes), Some("aedat4"), "{name}");
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    assert_eq!(found(b""), None);
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x40\x08\x02\0\0\0\x25\x0b\xe6\x89";
    assert_eq!(found(png), None);
    let text = "Recordings of event cameras come in many formats.\n".repeat(99);
    for length in [1, 5, 10, 60, text.len()] {
        assert_eq!(found(&text.as_bytes()[..length]), None, "{length} bytes of text");
    }
    for padding in [0, 0xff, b' '] {
        assert_eq!(found(&[padding; 4096]), None, "padding {padding:#x}");
    }
    let beyond_the_atis: Vec<u8> = (0..99).flat_map(|t| [7, 250, 0, 0, t]).collect();
    assert_eq!(found(&beyond_the_atis), None);
    let mut random = Pcg64::seed_from_u64(1);
    for _ in 0..1_000 {
        let mut bytes = [0; 4096];
        random.fill_bytes(&mut bytes);
        assert_eq!(found(&bytes), None);
    }
}

/// EVT 3.0: words of 16 bits with their type in the upper four.
#[test]
fn an_evt3_file_is_none_of_ours_with_or_without_its_header() {
    let event = |i: u16| [0x6000 + i % 4096, i % 720, 0x2000 + i * 7 % 1280];
    let words: Vec<u8> = (0..900).flat_map(event).flat_map(u16::to_le_bytes).collect();
    assert_eq!(found(&words), None);
    assert_eq!(found(&[b"% evt 3.0\n% geometry 1280x720\n", &words[..]].concat()), None);
}

#[test]
fn an_hdf5_file_is_none_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h5");
    let mut file = hdf5_pure::FileBuilder::new();
    file.create_dataset("weight").with_f32_data(&[0.5; 4096]);
    file.write(&path).unwrap();
    assert_eq!(found(&std::fs::read(path).unwrap()), None);
}

#[test]
fn real_files_are_told_apart() {
    let Some(data) = data() else { return };
    for (name, expected) in [
        ("recordings/aedat2/MovingDarkBox.aedat", Some("aedat2")),
        ("recordings/aedat4/davis346_sample.aedat4", Some("aedat4")),
        ("nmnist/Train/0/00002.bin", Some("atis-bin")),
        ("recordings/prophesee/evt2_sample.raw", None),
        ("recordings/prophesee/evt3_pedestrians_small.raw", None),
        ("recordings/prophesee/evt3_pedestrians_small.npy", None),
        ("recordings/prophesee/NCARS_obj_004397_td.dat", None),
        ("recordings/eventstream/dvs.es", None),
        ("nir/cnn_sinabs.nir", None),
        ("nir/lif/lif_exact.csv", None),
        ("dvs128/user01_natural_labels.csv", None),
    ] {
        assert_eq!(found(&std::fs::read(data.join(name)).unwrap()), expected, "{name}");
    }
}
