//! State dicts: the numbers that torch and numpy find in them, and files that mean
//! no good.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use proptest::prelude::*;
use synops::error::{Error, ErrorKind};
use synops::record::Values;
use synops::record::weights::{Weights, from_bytes};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::memory::peak;
use super::{json, numbers, sizes};

macro_rules! golden {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../golden/torch/", $name)) as &[u8])
    };
}

const FILES: [(&str, &[u8]); 7] = [
    golden!("state.pt"),
    golden!("legacy.pth"),
    golden!("protocol4.pt"),
    golden!("big.pt"),
    golden!("checkpoint.pth"),
    golden!("stored.npz"),
    golden!("deflated.npz"),
];

fn refused(bytes: &[u8]) -> Error {
    let error = from_bytes(bytes).unwrap_err();
    assert!(error.offset.is_some_and(|offset| offset <= bytes.len() as u64), "{error}");
    error
}

#[test]
fn every_file_holds_what_torch_and_numpy_find_in_it() {
    let golden = json(include_str!("../golden/torch/weights.json"));
    for (name, bytes) in FILES {
        let weights = from_bytes(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(weights.format, if name.ends_with("npz") { "npz" } else { "torch" });
        let expected = golden["files"][name].as_object().unwrap();
        let mut found: BTreeMap<_, _> = weights.arrays.iter().map(|(k, a)| (k, a)).collect();
        for (key, tensor) in expected {
            let array = found.remove(key).unwrap_or_else(|| panic!("{name} has no '{key}'"));
            let shape: Vec<i64> = array.shape().iter().map(|&n| n as i64).collect();
            assert_eq!(shape, sizes(&tensor["shape"]), "{name} {key}");
            let values = &tensor["values"];
            match array.values() {
                Values::I64(integers) => assert_eq!(*integers, sizes(values), "{name} {key}"),
                // serde_json may be one unit off in the last place of 64 bits
                Values::F32(_) => {
                    let singles: Vec<f32> = numbers(values).iter().map(|&x| x as f32).collect();
                    assert_eq!(array.singles().unwrap(), singles, "{name} {key}");
                }
                _ => assert_eq!(array.numbers().unwrap(), numbers(values), "{name} {key}"),
            }
        }
        assert!(found.is_empty(), "{name}: {:?}", found.keys());
    }
    assert_eq!(golden["files"].as_object().unwrap().len(), FILES.len());
}

#[test]
fn nothing_that_a_pickle_names_is_run() {
    for ((_, bytes), at, name) in [
        (golden!("malicious.pt"), "'malicious/data.pkl': ", "'posix.system'"),
        (golden!("malicious_legacy.pth"), "", "'posix.system'"),
        (golden!("module.pt"), "'module/data.pkl': ", "'__main__.Trained'"),
    ] {
        let error = refused(bytes);
        assert_eq!(error.kind, ErrorKind::Unsupported);
        let offset = error.offset.unwrap() as usize;
        assert_eq!(bytes[offset], b'c', "the opcode that names it");
        let start = format!("byte {offset}: {at}found the name {name}; expected tensors in dicts");
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(error.expected.contains("model.state_dict()"), "{error}");
        assert!(error.expected.contains("torch._utils._rebuild_tensor_v2"), "{error}");
    }
}

#[test]
fn what_is_no_state_dict_says_what_one_is() {
    let (_, npy) = golden!("frames_u8.npy");
    for bytes in [&b""[..], npy, b"\x89HDF\r\n\x1a\n"] {
        let error = refused(bytes);
        assert_eq!(error.kind, ErrorKind::UnknownFormat);
        assert!(error.expected.contains("torch.save(model.state_dict()"), "{error}");
    }
    let empty = refused_pickle(b"\x80\x02}.", &[]);
    assert!(empty.to_string().contains("found no arrays"), "{empty}");
}

/// A torch file with this pickle and these storages, packed or not.
fn torch_file(pickle: &[u8], storages: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    let mut put = |name: String, bytes: &[u8]| {
        file.start_file(name, options).unwrap();
        file.write_all(bytes).unwrap();
    };
    put("net/data.pkl".into(), pickle);
    storages.iter().for_each(|(key, bytes)| put(format!("net/data/{key}"), bytes));
    file.finish().unwrap().into_inner()
}

fn read_pickle(pickle: &[u8], storages: &[(&str, &[u8])]) -> Result<Weights, Error> {
    let file = torch_file(pickle, storages, CompressionMethod::Stored);
    let (read, peak) = peak(|| from_bytes(&file));
    assert!(peak < 64 << 20, "{peak} bytes for a file of {}", file.len());
    read
}

fn refused_pickle(pickle: &[u8], storages: &[(&str, &[u8])]) -> Error {
    read_pickle(pickle, storages).unwrap_err()
}

/// The opcodes that make a tensor: a 32-bit storage under key `k` with so many
/// numbers, and sizes and strides as opcodes.
fn tensor(numbers: i32, size: &[u8], stride: &[u8]) -> Vec<u8> {
    let int = |n: i32| [b"J", &n.to_le_bytes()[..]].concat();
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((",
        &b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0kX\x03\0\0\0cpu"[..],
        &int(numbers),
        b"tQK\0",
        size,
        stride,
        b"\x89}tR",
    ]
    .concat()
}

/// A dict with one entry, `w`.
fn only(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02}X\x01\0\0\0w", value, b"s."].concat()
}

const TWO: &[u8] = b"K\x02\x85";
const ONE: &[u8] = b"K\x01\x85";

#[test]
fn a_tensor_by_hand_is_read() {
    let numbers = [1.5f32, -2.0].map(f32::to_le_bytes).concat();
    let weights = read_pickle(&only(&tensor(2, TWO, ONE)), &[("k", &numbers)]).unwrap();
    assert_eq!(weights.get("w").unwrap().numbers().unwrap(), [1.5, -2.0]);
}

#[test]
fn storages_that_are_too_short_are_named() {
    let short = refused_pickle(&only(&tensor(2, TWO, ONE)), &[("k", &[0; 7])]);
    let text = short.to_string();
    assert!(text.contains("tensor 'w': storage 'k': found 7 bytes; expected 2 numbers"), "{text}");
    let beyond = refused_pickle(&only(&tensor(1, TWO, ONE)), &[("k", &[0; 8])]);
    assert!(beyond.to_string().contains("expected elements among 1 numbers"), "{beyond}");
    let none = refused_pickle(&only(&tensor(2, TWO, ONE)), &[]);
    assert!(none.to_string().contains("'net/data/k': found no such entry"), "{none}");
    let axes = refused_pickle(&only(&tensor(2, b"K\x02K\x01\x86", ONE)), &[("k", &[0; 8])]);
    assert!(axes.to_string().contains("2 axes with 1 strides"), "{axes}");
}

#[test]
fn sizes_that_lie_allocate_nothing() {
    let most = i32::MAX.to_le_bytes();
    let huge = [b"J", &most[..], b"J", &most[..], b"\x86"].concat();
    let still = b"K\0K\0\x86";
    for size in [&huge[..], b"J\xff\xff\xff\x7f\x85", b"J\0\0\0\x80\x85"] {
        let stride = if size.len() > 8 { &still[..] } else { b"K\0\x85" };
        let error = refused_pickle(&only(&tensor(2, size, stride)), &[("k", &[0; 8])]);
        assert!(error.to_string().starts_with("byte "), "{error}");
    }
    let lie = [b"\x80\x02X", &[0xff; 4][..], b"abc"].concat();
    let error = refused_pickle(&lie, &[]);
    assert_eq!(error.kind, ErrorKind::Truncated);
    assert!(error.to_string().contains("expected 4294967295 bytes"), "{error}");
    // zeros, packed a thousandfold
    let zeros = vec![0; 200 << 20];
    let pickle = only(&tensor(1 << 20, TWO, ONE));
    let file = torch_file(&pickle, &[("k", &zeros)], CompressionMethod::Deflated);
    let (read, peak) = peak(|| from_bytes(&file));
    assert!(read.is_err() && peak < 150 << 20, "{peak}");
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    file.start_file("net/data.pkl", options).unwrap();
    file.write_all(&only(&tensor(1, ONE, ONE))).unwrap();
    file.start_file("net/data/k", options).unwrap();
    file.write_all(&[0; 4]).unwrap();
    file.shallow_copy_file("net/data/k", "net/data/l").unwrap();
    let error = refused(&file.finish().unwrap().into_inner());
    assert!(error.to_string().contains("entries that overlap"), "{error}");
}

#[test]
fn pickles_that_do_not_end_are_refused() {
    for (pickle, expected) in [
        (&b"\x80\x02h\x07."[..], "memo 7, which nothing was put in"),
        (b"\x80\x02j\xff\xff\xff\xff.", "memo 4294967295"),
        (b"\x80\x02.", "an empty stack"),
        (b"\x80\x02(\x85.", "an empty stack"),
        (b"\x80\x02t.", "no mark"),
        (b"\x80\x02}", "the end of the pickle"),
        (b"\x80\x09}.", "protocol 9"),
        (b"\x80\x02ios\nsystem\n.", "opcode 0x69"),
        (b"\x80\x02cos\nsystem\n.", "the name 'os.system'"),
        (b"\x80\x02]K\x01R.", "a call of something else"),
        (b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.", "arguments for OrderedDict"),
        // a dict within itself
        (b"\x80\x02}q\0X\x01\0\0\0ah\0s.", "without end"),
    ] {
        let error = refused_pickle(pickle, &[]).to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.starts_with("byte "), "{error}");
    }
    // tuples within tuples, deeper than any stack
    let deep = [&b"\x80\x02)"[..], &[0x85; 300_000], b"."].concat();
    assert!(refused_pickle(&deep, &[]).to_string().contains("without end"));
    // dicts within dicts under keys without a letter
    let n = 100_000;
    let deep = [b"\x80\x02", &b"}X\0\0\0\0".repeat(n)[..], b"}", &b"s".repeat(n), b"."].concat();
    assert!(refused_pickle(&deep, &[]).to_string().contains("without end"));
    // sixty lists of which each holds the one before twice: 2^60 paths
    let double = |i: u8| [b']', b'q', i, b'(', b'h', i - 1, b'h', i - 1, b'e'];
    let wide: Vec<u8> = (1..60).flat_map(double).collect();
    let wide = [&b"\x80\x02]q\0"[..], &wide, b"."].concat();
    assert!(refused_pickle(&wide, &[]).to_string().contains("without end"));
    let names = [only(&tensor(1, ONE, ONE)), b"".to_vec()].concat();
    let twice = [&names[..names.len() - 2], b"sX\x01\0\0\0w", &tensor(1, ONE, ONE), b"s."].concat();
    let error = refused_pickle(&twice, &[("k", &[0; 4])]).to_string();
    assert!(error.contains("two tensors of the name 'w'"), "{error}");
}

/// Reads damaged bytes: no panic, an error with a byte, little memory.
fn survive(name: &str, bytes: &[u8]) -> bool {
    let (read, peak) = peak(|| from_bytes(bytes));
    assert!(peak < 64 << 20, "{name}: {peak} bytes of memory");
    match read {
        Ok(_) => true,
        Err(error) => {
            assert!(error.offset.is_some_and(|o| o <= bytes.len() as u64), "{name}: {error}");
            false
        }
    }
}

#[test]
fn files_cut_anywhere_are_refused() {
    for (name, bytes) in FILES {
        for cut in 0..bytes.len() {
            assert!(!survive(name, &bytes[..cut]), "{name} cut at {cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn files_with_bytes_changed_are_survived(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1u8..=255), 1..4),
    ) {
        let (name, bytes) = FILES[file];
        let mut bytes = bytes.to_vec();
        for (place, change) in changes {
            let place = place.index(bytes.len());
            bytes[place] ^= change;
        }
        survive(name, &bytes);
    }

    /// The checksums of a zip file hide the pickle from damage; here there are none.
    #[test]
    fn pickles_with_bytes_changed_are_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut in prop::bool::weighted(0.2),
    ) {
        let mut pickle = [
            only(&tensor(2, TWO, ONE)),
            b"}q\0X\x01\0\0\0ah\0s]q\x01(h\0h\x01K\x07e\x94.".to_vec(),
        ]
        .concat();
        for (place, byte) in changes {
            let place = place.index(pickle.len());
            pickle[place] = byte;
        }
        if is_cut {
            pickle.truncate(cut.index(pickle.len()));
        }
        let file = torch_file(&pickle, &[("k", &[0; 8])], CompressionMethod::Stored);
        survive("a pickle", &file);
    }
}
