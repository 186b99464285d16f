//! Arrays as NumPy stores them: `.npy`, and `.npz`, a zip of those.

use std::io::Read;

use flate2::read::DeflateDecoder;

/// An array of numbers, row by row.
pub struct Numbers {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Numbers {
    /// Where a matrix is not zero, as `(row, column)`.
    pub fn nonzero(&self) -> Vec<(usize, usize)> {
        let filled = self.values.iter().enumerate().filter(|(_, x)| **x != 0.0);
        filled.map(|(i, _)| (i / self.shape[1], i % self.shape[1])).collect()
    }
}

/// Version 1 of the format, little-endian, row by row.
pub fn npy(bytes: &[u8]) -> Numbers {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let head = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (text, data) = bytes[10..].split_at(head);
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.contains("'fortran_order': False"), "{text}");
    let between = |from: &str, to: char| text.split(from).nth(1).unwrap().split(to).next().unwrap();
    let sizes = between("'shape': (", ')').split(',').filter(|size| !size.trim().is_empty());
    let shape = sizes.map(|size| size.trim().parse().unwrap()).collect();
    let values = match between("'descr': '", '\'') {
        "|u1" => data.iter().map(|&x| f64::from(x)).collect(),
        "<i2" => data.as_chunks().0.iter().map(|&x| f64::from(i16::from_le_bytes(x))).collect(),
        "<f8" => data.as_chunks().0.iter().map(|&x| f64::from_le_bytes(x)).collect(),
        other => panic!("numbers of type {other}"),
    };
    Numbers { shape, values }
}

/// The array `name` of a `.npz`.
pub fn npz(bytes: &[u8], name: &str) -> Numbers {
    let short = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let long = |at: usize| short(at) + (short(at + 2) << 16);
    let end = bytes.windows(4).rposition(|word| word == b"PK\x05\x06").unwrap();
    let mut entry = long(end + 16);
    loop {
        let (method, packed, len) = (short(entry + 10), long(entry + 20), short(entry + 28));
        if &bytes[entry + 46..][..len] == format!("{name}.npy").as_bytes() {
            assert_eq!(method, 8, "deflate");
            let local = long(entry + 42);
            let data = &bytes[local + 30 + short(local + 26) + short(local + 28)..][..packed];
            let mut array = Vec::new();
            DeflateDecoder::new(data).read_to_end(&mut array).unwrap();
            return npy(&array);
        }
        entry += 46 + len + short(entry + 30) + short(entry + 32);
    }
}
