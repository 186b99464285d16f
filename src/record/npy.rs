//! numpy's `.npy`: one array, a header and its numbers.
//!
//! ```text
//! \x93NUMPY  u8 major  u8 minor  u16 length (from version 2 on u32)
//! {'descr': '<f4', 'fortran_order': False, 'shape': (32, 2, 3, 3), }   padded
//! the numbers, row by row
//! ```
//!
//! `descr` is the byte order (`<` little, `>` big, `|` neither), a letter and the
//! bytes of a number. Records of several fields, texts and pickled objects are
//! refused.
//!
//! **Source.** `numpy.lib.format`, versions 1.0 to 3.0 of the format.

use super::Array;
use super::element::{Element, Endian};
use super::strided::Strided;
use crate::error::{Error, ErrorKind, Result};

/// The first bytes.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// How many bytes tell the length of the header.
pub const PREFIX: usize = 12;

/// A header longer than this is damage.
pub const LONGEST: usize = 1 << 16;

/// What the header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The numbers' type.
    pub element: Element,
    /// Their byte order.
    pub endian: Endian,
    /// Whether they lie column by column.
    pub fortran: bool,
    /// The axes.
    pub shape: Vec<usize>,
}

/// The length of the header, magic number included, of a file that begins so.
///
/// # Errors
/// Another magic number or version, a header out of all proportion.
pub fn header_length(start: &[u8]) -> Result<usize> {
    let &[_, _, _, _, _, _, major, _, a, b, c, d] =
        start.first_chunk::<PREFIX>().ok_or_else(|| {
            Error::new(ErrorKind::Truncated, format!("{} bytes", start.len()), "a .npy header")
        })?;
    if !start.starts_with(MAGIC) {
        return Err(corrupt(format!("'{}'", start[..6].escape_ascii()), "\\x93NUMPY"));
    }
    let length = match major {
        1 => 10 + usize::from(u16::from_le_bytes([a, b])),
        2 | 3 => 12usize.saturating_add(u32::from_le_bytes([a, b, c, d]) as usize),
        _ => return Err(corrupt(format!(".npy of version {major}"), "1, 2 or 3")),
    };
    match length <= LONGEST {
        true => Ok(length),
        false => Err(corrupt(format!("a header of {length} bytes"), "64 KiB at most")),
    }
}

fn corrupt(found: impl Into<String>, expected: &str) -> Error {
    Error::new(ErrorKind::Corrupt, found, expected)
}

impl Header {
    /// Reads a whole header.
    ///
    /// # Errors
    /// One that numpy would not have written, and arrays of anything but numbers.
    pub fn parse(header: &[u8]) -> Result<Header> {
        let text = String::from_utf8_lossy(header);
        let value = |key: &str| {
            let found = text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
            found.ok_or_else(|| corrupt("a header without it", "one").at(format!("'{key}'")))
        };
        let (element, endian) = element(value("descr")?)?;
        let fortran = match value("fortran_order")? {
            text if text.starts_with("True") => true,
            text if text.starts_with("False") => false,
            _ => return Err(corrupt("another word", "True or False").at("'fortran_order'")),
        };
        Ok(Header { element, endian, fortran, shape: shape(value("shape")?)? })
    }

    /// Bytes of all numbers.
    ///
    /// # Errors
    /// More than memory can count.
    pub fn bytes(&self) -> Result<usize> {
        let len = Strided::rows(&self.shape).elements()?;
        len.checked_mul(self.element.size())
            .ok_or_else(|| corrupt(format!("shape {:?}", self.shape), "one that can be counted"))
    }

    /// The array, out of the numbers behind the header.
    ///
    /// # Errors
    /// Too few numbers.
    pub fn array(&self, numbers: &[u8]) -> Result<Array> {
        let layout = match self.fortran {
            true => Strided::columns(&self.shape),
            false => Strided::rows(&self.shape),
        };
        layout.array(numbers, self.element, self.endian)
    }
}

/// `'<f4', …`
fn element(text: &str) -> Result<(Element, Endian)> {
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.split_once('\'')).map(|(d, _)| d);
    let refuse = |found: &str| {
        let found = format!("elements of type {found}");
        Error::new(ErrorKind::Unsupported, found, "integers, floats or truth values")
    };
    let Some(descr) = quoted else {
        return Err(refuse("several fields"));
    };
    let endian = match descr.as_bytes().first() {
        Some(b'>') => Endian::Big,
        _ => Endian::Little,
    };
    let element = match descr.trim_start_matches(['<', '>', '|', '=']) {
        "b1" => Element::Bool,
        "u1" => Element::U8,
        "u2" => Element::U16,
        "u4" => Element::U32,
        "u8" => Element::U64,
        "i1" => Element::I8,
        "i2" => Element::I16,
        "i4" => Element::I32,
        "i8" => Element::I64,
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        _ => return Err(refuse(&format!("'{descr}'"))),
    };
    Ok((element, endian))
}

/// `(32, 2, 3, 3), …`
fn shape(text: &str) -> Result<Vec<usize>> {
    let inside = text.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(s, _)| s);
    let parse = |axis: &str| axis.trim().trim_end_matches('L').parse::<usize>().ok();
    let axes = inside.map(|axes| axes.split(',').filter(|axis| !axis.trim().is_empty()));
    let axes: Option<Vec<usize>> = axes.and_then(|axes| axes.map(parse).collect());
    axes.ok_or_else(|| {
        let found: String = text.chars().take(40).collect();
        corrupt(format!("'{found}'"), "a tuple of sizes").at("'shape'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header> {
        Header::parse(text.as_bytes())
    }

    #[test]
    fn headers_as_numpy_writes_them() {
        let header =
            parse("{'descr': '>u2', 'fortran_order': False, 'shape': (16, 1, 2), }   \n").unwrap();
        assert_eq!((header.element, header.endian), (Element::U16, Endian::Big));
        assert_eq!((header.shape.as_slice(), header.fortran), (&[16, 1, 2][..], false));
        assert_eq!(header.bytes().unwrap(), 64);
        let scalar = parse("{'descr': '|b1', 'fortran_order': True, 'shape': (), }").unwrap();
        assert_eq!((scalar.shape.len(), scalar.bytes().unwrap()), (0, 1));
        let start = b"\x93NUMPY\x01\x00\x76\x00{'";
        assert_eq!(header_length(start).unwrap(), 128);
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused() {
        for (text, expected) in [
            ("{'descr': [('t', '<i8')], 'fortran_order': False, 'shape': (3,)}", "several fields"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "'|O'"),
            ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}", "fortran_order"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", "tuple of sizes"),
            ("{'descr': '<f4', 'fortran_order': False}", "'shape'"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(header_length(b"\x93NUMPY\x09\x00\x76\x00{'").is_err());
        assert!(header_length(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").is_err());
        assert!(header_length(b"PK\x03\x04").is_err());
    }
}
