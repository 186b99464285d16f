//! Flatbuffers, as far as AEDAT 4 needs them, with every offset checked.
//!
//! ```text
//! buffer   u32 size of what follows, u32 → root table, 4 bytes identifier
//! table    i32 back → vtable, then the fields
//! vtable   u16 own size, u16 size of the table, then per field u16 → it, 0 if absent
//! vector   u32 count, then the elements; a field holds u32 → the count
//! ```
//!
//! An arrow counts bytes from where it stands; a field's, from its table; the
//! vtable's is subtracted. The size prefix itself is byte 0 of nothing: all
//! positions here begin behind it.
//!
//! Source: the FlatBuffers project, "FlatBuffer Internals".

use crate::error::{Error, ErrorKind, Result};

/// A table whose vtable lies inside the buffer.
pub struct Table<'a> {
    buffer: Buffer<'a>,
    start: usize,
    vtable: usize,
    vtable_size: usize,
}

/// The bytes that are there and the size that they should have.
#[derive(Clone, Copy)]
struct Buffer<'a> {
    bytes: &'a [u8],
    size: usize,
}

/// Where the elements of a vector lie, counted from the size prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vector {
    /// The first element's first byte.
    pub start: usize,
    /// The number of elements.
    pub count: usize,
}

const PREFIX: usize = 4;

impl<'a> Buffer<'a> {
    fn at<const N: usize>(&self, position: usize) -> Result<[u8; N]> {
        let bytes = self.bytes.get(position..).and_then(|tail| tail.first_chunk());
        bytes.copied().ok_or_else(|| self.outside(position, N))
    }

    fn u16_at(&self, position: usize) -> Result<usize> {
        self.at(position).map(|b| usize::from(u16::from_le_bytes(b)))
    }

    fn u32_at(&self, position: usize) -> Result<usize> {
        self.at(position).map(|b| u32::from_le_bytes(b) as usize)
    }

    fn outside(&self, position: usize, size: usize) -> Error {
        let found = format!("{size} bytes at byte {position} of a flatbuffer");
        Error::new(ErrorKind::Corrupt, found, format!("a place inside its {} bytes", self.size))
    }
}

/// The size that a flatbuffer's prefix states, prefix included.
///
/// # Errors
/// Fewer bytes than a prefix has.
pub fn stated_size(bytes: &[u8]) -> Result<usize> {
    Ok(Buffer { bytes, size: bytes.len() }.u32_at(0)?.saturating_add(PREFIX))
}

impl<'a> Table<'a> {
    /// The root of a flatbuffer with a size prefix. The buffer may be cut off at
    /// its end; what is asked for must lie before that.
    ///
    /// # Errors
    /// Another identifier, or a place outside the buffer.
    pub fn root(bytes: &'a [u8], identifier: &[u8; 4]) -> Result<Table<'a>> {
        let size = stated_size(bytes)? - PREFIX;
        let buffer = Buffer { bytes: bytes.get(PREFIX..).unwrap_or_default(), size };
        let found = buffer.at::<4>(4)?;
        if found != *identifier {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("a flatbuffer '{}'", found.escape_ascii()),
                format!("'{}'", identifier.escape_ascii()),
            ));
        }
        let start = buffer.u32_at(0)?;
        let back = i32::from_le_bytes(buffer.at(start)?);
        let vtable = (start as i64 - i64::from(back)) as usize;
        Ok(Table { buffer, start, vtable, vtable_size: buffer.u16_at(vtable)? })
    }

    /// Where a field stands, if the table has it.
    fn field(&self, index: usize) -> Result<Option<usize>> {
        let entry = 4 + 2 * index;
        if entry + 2 > self.vtable_size {
            return Ok(None);
        }
        let offset = self.buffer.u16_at(self.vtable + entry)?;
        Ok(Some(offset).filter(|&offset| offset > 0).map(|offset| self.start + offset))
    }

    /// A field's bytes.
    ///
    /// # Errors
    /// A place outside the buffer.
    pub fn scalar<const N: usize>(&self, index: usize) -> Result<Option<[u8; N]>> {
        self.field(index)?.map(|position| self.buffer.at(position)).transpose()
    }

    /// The vector that a field points to, of elements of `size` bytes. Its end
    /// may lie in the part that is cut off.
    ///
    /// # Errors
    /// A place outside the buffer.
    pub fn vector(&self, index: usize, size: usize) -> Result<Vector> {
        let Some(position) = self.field(index)? else {
            return Ok(Vector::default());
        };
        let position = position.saturating_add(self.buffer.u32_at(position)?);
        let count = self.buffer.u32_at(position)?;
        let start = position + 4;
        match count.checked_mul(size).and_then(|bytes| start.checked_add(bytes)) {
            Some(end) if end <= self.buffer.size => Ok(Vector { start: start + PREFIX, count }),
            _ => {
                let found = format!("a vector of {count} times {size} bytes at byte {position}");
                let expected = format!("one inside the flatbuffer's {} bytes", self.buffer.size);
                Err(Error::new(ErrorKind::Corrupt, found, expected))
            }
        }
    }

    /// The text that a field points to; empty where there is none.
    ///
    /// # Errors
    /// A place outside the buffer.
    pub fn text(&self, index: usize) -> Result<&'a [u8]> {
        let Vector { start, count } = self.vector(index, 1)?;
        let tail = self.buffer.bytes.get(start.saturating_sub(PREFIX)..).unwrap_or_default();
        tail.get(..count).ok_or_else(|| self.buffer.outside(start, count))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A flatbuffer with its root table laid out by hand: where the fields stand
    /// in the table, the fields, and what they point to.
    pub fn buffer(identifier: &[u8; 4], places: &[u16], fields: &[u8], tail: &[u8]) -> Vec<u8> {
        let vtable = [4 + 2 * places.len(), 4 + fields.len()].map(|size| size as u16);
        let vtable: Vec<u8> =
            vtable.iter().chain(places).flat_map(|place| place.to_le_bytes()).collect();
        let (root, back) = (8 + vtable.len() as u32, vtable.len() as i32);
        let parts = [&root.to_le_bytes(), identifier, &vtable[..], &back.to_le_bytes()];
        let content = [&parts.concat(), fields, tail].concat();
        [&(content.len() as u32).to_le_bytes(), &content[..]].concat()
    }

    /// One field, a vector.
    pub fn with_vector(identifier: &[u8; 4], count: u32, elements: &[u8]) -> Vec<u8> {
        let vector = [&count.to_le_bytes(), elements].concat();
        buffer(identifier, &[4], &4_u32.to_le_bytes(), &vector)
    }

    #[test]
    fn a_vector_is_found_and_stays_inside() {
        let bytes = with_vector(b"EVTS", 2, &[1, 2, 3, 4, 5, 6]);
        let table = Table::root(&bytes, b"EVTS").unwrap();
        let vector = table.vector(0, 3).unwrap();
        assert_eq!(vector, Vector { start: bytes.len() - 6, count: 2 });
        assert_eq!(table.vector(1, 3).unwrap(), Vector::default());
        assert_eq!(table.text(0).unwrap(), [1, 2]);
        assert!(table.vector(0, 4).unwrap_err().to_string().contains("2 times 4 bytes at byte 22"));
        let cut = Table::root(&bytes[..bytes.len() - 5], b"EVTS").unwrap();
        assert_eq!(cut.vector(0, 3).unwrap(), vector);
        assert!(cut.text(0).is_err());
    }

    #[test]
    fn another_identifier_is_named() {
        let error = Table::root(&with_vector(b"FRME", 0, &[]), b"EVTS").err().unwrap();
        assert_eq!(error.to_string(), "found a flatbuffer 'FRME'; expected 'EVTS'");
    }

    #[test]
    fn no_byte_can_point_outside() {
        let whole = with_vector(b"EVTS", 2, &[0; 32]);
        for (i, value) in (0..whole.len()).flat_map(|i| [0, 1, 0x7f, 0x80, 0xff].map(|v| (i, v))) {
            let mut bytes = whole.clone();
            bytes[i] = value;
            for cut in [bytes.len(), i] {
                if let Ok(table) = Table::root(&bytes[..cut], b"EVTS") {
                    _ = (table.text(0), table.scalar::<8>(0), table.vector(3, 16));
                    if let Ok(Vector { start, count }) = table.vector(0, 16) {
                        assert!(start + 16 * count <= stated_size(&bytes).unwrap());
                    }
                }
            }
        }
    }
}
