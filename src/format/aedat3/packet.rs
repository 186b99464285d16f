//! The header of an AEDAT 3.1 packet: read, checked, written.

use crate::error::{Error, ErrorKind, Result};
use crate::format::Source;

/// The type of pixel events.
pub const POLARITY: u16 = 1;

const HEADER: usize = 28;
const EVENT: u32 = 8;
const STAMP_OFFSET: u32 = 4;
const COMPRESSED: u16 = 0x8000;

/// What libcaer calls the types, in the order of their numbers.
const TYPES: [&str; 14] = [
    "special",
    "polarity",
    "frame",
    "imu6",
    "imu9",
    "sample",
    "ear",
    "config",
    "point1d",
    "point2d",
    "point3d",
    "point4d",
    "spike",
    "matrix4x4",
];

/// What stands before a packet's events.
#[derive(Debug, PartialEq)]
pub struct Packet {
    /// Event type, without the mark of compression.
    pub kind: u16,
    /// The camera that the events come from.
    pub source: u16,
    compressed: bool,
    size: u32,
    stamp_offset: u32,
    /// How often the packet's 31-bit clock has overflowed.
    pub overflow: u32,
    /// Slots for events; bytes, where the packet is compressed.
    pub capacity: u32,
    /// Events.
    pub number: u32,
    valid: u32,
}

impl Packet {
    /// The next header, unless the file ends before it.
    ///
    /// # Errors
    /// A header that is cut off or contradicts itself or its type, named by the
    /// field's byte; compressed pixel events.
    pub fn read(source: &mut Source) -> Result<Option<Packet>> {
        let start = source.offset();
        let bytes = source.records(HEADER, 1, "a packet header")?;
        let Some(head) = bytes.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let packet = Packet::parse(head);
        match packet.contradiction() {
            None => Ok(Some(packet)),
            Some((field, error)) => Err(error.at("packet header").at_byte(start + field)),
        }
    }

    fn parse(head: &[u8; HEADER]) -> Packet {
        let (words, _) = head.as_chunks::<4>();
        let word = |i: usize| words.get(i).map_or(0, |word| u32::from_le_bytes(*word));
        Packet {
            kind: word(0) as u16 & !COMPRESSED,
            source: (word(0) >> 16) as u16,
            compressed: word(0) as u16 & COMPRESSED != 0,
            size: word(1),
            stamp_offset: word(2),
            overflow: word(3),
            capacity: word(4),
            number: word(5),
            valid: word(6),
        }
    }

    /// The fields behind type and source, in the order of the file.
    fn words(&self) -> [u32; 6] {
        [self.size, self.stamp_offset, self.overflow, self.capacity, self.number, self.valid]
    }

    /// What is wrong with the header, and at which of its bytes.
    fn contradiction(&self) -> Option<(u64, Error)> {
        let corrupt = |field, found: String, expected: &str| {
            Some((field, Error::new(ErrorKind::Corrupt, found, expected)))
        };
        let negative = (1..).zip(self.words()).find(|&(_, word)| word > i32::MAX as u32);
        if let Some((i, word)) = negative {
            return corrupt(4 * i, format!("{word:#x}"), "a number of 31 bits");
        }
        if self.kind == POLARITY {
            if self.compressed {
                let found = "a compressed packet of polarity events";
                return Some((0, Error::new(ErrorKind::Unsupported, found, "a raw one")));
            }
            if self.size != EVENT {
                return corrupt(4, format!("polarity events of {} bytes", self.size), "8");
            }
            if self.stamp_offset != STAMP_OFFSET {
                return corrupt(8, format!("the time at byte {}", self.stamp_offset), "byte 4");
            }
        }
        if self.number > self.capacity && !self.compressed {
            let found = format!("{} events in {} slots", self.number, self.capacity);
            return corrupt(20, found, "no more events than slots");
        }
        if self.valid > self.number {
            let found = format!("{} valid events of {}", self.valid, self.number);
            return corrupt(24, found, "no more than there are");
        }
        None
    }

    /// Bytes behind the header.
    pub fn bytes(&self) -> u64 {
        match self.compressed {
            true => self.capacity.into(),
            false => u64::from(self.capacity) * u64::from(self.size),
        }
    }

    /// The event type as libcaer calls it.
    pub fn type_name(&self) -> String {
        match TYPES.get(usize::from(self.kind)) {
            Some(name) => (*name).to_owned(),
            None => format!("type {}", self.kind),
        }
    }

    /// A header for pixel events of source 1, all valid.
    pub fn of_polarity(number: u32, overflow: u32) -> Packet {
        Packet {
            kind: POLARITY,
            source: 1,
            compressed: false,
            size: EVENT,
            stamp_offset: STAMP_OFFSET,
            overflow,
            capacity: number,
            number,
            valid: number,
        }
    }

    /// The header's bytes.
    pub fn write(&self) -> Vec<u8> {
        let kind = self.kind | if self.compressed { COMPRESSED } else { 0 };
        let mut out = [kind, self.source].map(u16::to_le_bytes).concat();
        out.extend(self.words().map(u32::to_le_bytes).concat());
        out
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A header with any fields: type and source, then the words.
    pub fn header(kind: u16, source: u16, words: [u32; 6]) -> Vec<u8> {
        let head = [kind.to_le_bytes(), source.to_le_bytes()].concat();
        [head, words.map(u32::to_le_bytes).concat()].concat()
    }

    fn read(bytes: Vec<u8>) -> Result<Option<Packet>> {
        Packet::read(&mut Source::new(std::io::Cursor::new(bytes)))
    }

    #[test]
    fn fields_are_where_the_format_says() {
        let packet = read(header(0x8002, 3, [4, 5, 6, 70, 8, 7])).unwrap().unwrap();
        assert_eq!((packet.kind, packet.source, packet.compressed), (2, 3, true));
        assert_eq!((packet.size, packet.stamp_offset, packet.overflow), (4, 5, 6));
        assert_eq!((packet.capacity, packet.number, packet.valid), (70, 8, 7));
        assert_eq!((packet.bytes(), packet.type_name().as_str()), (70, "frame"));
        let packet = read(header(37, 3, [4, 5, 6, 70, 8, 7])).unwrap().unwrap();
        assert_eq!((packet.bytes(), packet.type_name().as_str()), (280, "type 37"));
    }

    #[test]
    fn what_is_written_is_read() {
        let packet = Packet::of_polarity(4096, 3);
        assert_eq!(read(packet.write()).unwrap(), Some(packet));
        assert_eq!(read(Vec::new()).unwrap(), None);
        assert_eq!(read(vec![1, 0, 1]).unwrap_err().kind, ErrorKind::Truncated);
    }

    #[test]
    fn a_header_that_contradicts_itself_is_refused_at_the_field() {
        let refusal = |kind, words| {
            let error = read(header(kind, 1, words)).unwrap_err();
            (error.kind, error.offset.unwrap())
        };
        let corrupt = |field| (ErrorKind::Corrupt, field);
        assert_eq!(refusal(1, [9, 4, 0, 1, 1, 1]), corrupt(4));
        assert_eq!(refusal(1, [8, 0, 0, 1, 1, 1]), corrupt(8));
        assert_eq!(refusal(1, [8, 4, 1 << 31, 1, 1, 1]), corrupt(12));
        assert_eq!(refusal(2, [1, 0, 0, u32::MAX, 1, 1]), corrupt(16));
        assert_eq!(refusal(1, [8, 4, 0, 1, 2, 1]), corrupt(20));
        assert_eq!(refusal(1, [8, 4, 0, 2, 1, 2]), corrupt(24));
        assert_eq!(refusal(0x8001, [8, 4, 0, 8, 1, 1]), (ErrorKind::Unsupported, 0));
    }
}
