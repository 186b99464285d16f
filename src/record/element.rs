//! Numbers as files store them: how wide they are, and what they become.
//!
//! Halves become 32-bit numbers, which hold every one of them; integers of any
//! width become 64 bits.

use super::Values;
use crate::error::{Error, ErrorKind, Result};

/// A type of stored numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned integers of 8 bits.
    U8,
    /// Of 16 bits.
    U16,
    /// Of 32 bits.
    U32,
    /// Of 64 bits.
    U64,
    /// Signed integers of 8 bits.
    I8,
    /// Of 16 bits.
    I16,
    /// Of 32 bits.
    I32,
    /// Of 64 bits.
    I64,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of a 32-bit number.
    BF16,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endian {
    /// The lowest.
    #[default]
    Little,
    /// The highest.
    Big,
}

impl Element {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Element::Bool | Element::U8 | Element::I8 => 1,
            Element::U16 | Element::I16 | Element::F16 | Element::BF16 => 2,
            Element::U32 | Element::I32 | Element::F32 => 4,
            Element::U64 | Element::I64 | Element::F64 => 8,
        }
    }

    /// The numbers in `bytes`; what is left of a number at the end is none.
    ///
    /// # Errors
    /// An unsigned integer above 2⁶³.
    pub fn values(self, bytes: &[u8], endian: Endian) -> Result<Values> {
        let ints = |values: Vec<i64>| Ok(Values::I64(values));
        match self {
            Element::Bool | Element::U8 => ints(bytes.iter().map(|&b| b.into()).collect()),
            Element::I8 => ints(bytes.iter().map(|&b| (b as i8).into()).collect()),
            Element::U16 => ints(each(bytes, endian, |b| u16::from_le_bytes(b).into())),
            Element::I16 => ints(each(bytes, endian, |b| i16::from_le_bytes(b).into())),
            Element::U32 => ints(each(bytes, endian, |b| u32::from_le_bytes(b).into())),
            Element::I32 => ints(each(bytes, endian, |b| i32::from_le_bytes(b).into())),
            Element::I64 => ints(each(bytes, endian, i64::from_le_bytes)),
            Element::U64 => {
                let whole = each(bytes, endian, u64::from_le_bytes);
                let signed = whole.into_iter().map(|x| i64::try_from(x).map_err(|_| too_large(x)));
                Ok(Values::I64(signed.collect::<Result<_>>()?))
            }
            Element::F16 => Ok(Values::F32(each(bytes, endian, |b| half(u16::from_le_bytes(b))))),
            Element::BF16 => {
                let upper = |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16);
                Ok(Values::F32(each(bytes, endian, upper)))
            }
            Element::F32 => Ok(Values::F32(each(bytes, endian, f32::from_le_bytes))),
            Element::F64 => Ok(Values::F64(each(bytes, endian, f64::from_le_bytes))),
        }
    }
}

fn too_large(x: u64) -> Error {
    Error::new(ErrorKind::Unsupported, x.to_string(), "integers below 2^63")
}

fn each<const N: usize, T>(bytes: &[u8], endian: Endian, of: impl Fn([u8; N]) -> T) -> Vec<T> {
    let number = |bytes: &[u8; N]| {
        let mut bytes = *bytes;
        if endian == Endian::Big {
            bytes.reverse();
        }
        of(bytes)
    };
    bytes.as_chunks().0.iter().map(number).collect()
}

/// 1 bit sign, 5 bits exponent, 10 bits fraction.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023) / 1024.0);
    let size = match exponent {
        0 => fraction * 2f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_either_byte_order() {
        let values = |element: Element, bytes: &[u8], endian| element.values(bytes, endian);
        let little = values(Element::I16, &[1, 0, 0xff, 0xff, 9], Endian::Little).unwrap();
        assert_eq!(little, Values::I64(vec![1, -1]));
        let big = values(Element::U32, &[0, 0, 1, 2], Endian::Big).unwrap();
        assert_eq!(big, Values::I64(vec![258]));
        assert!(values(Element::U64, &[0xff; 8], Endian::Little).is_err());
    }

    /// The corners of the format, from IEEE 754-2008, table 3.5.
    #[test]
    fn halves_are_exact() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half(bits), number, "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan());
        assert_eq!(half(0x8000).to_bits(), (-0.0f32).to_bits());
    }
}
