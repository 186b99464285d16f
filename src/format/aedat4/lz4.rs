//! LZ4 frames as dv writes them, straight to where their bytes are to lie.
//!
//! ```text
//! frame   magic, flags, block size, checksum of these two; blocks; 4 bytes 0
//! block   u32 size, its top bit set where the block is stored; then its bytes
//! ```
//!
//! Only a whole frame without further checksums and sizes is unpacked here; whatever
//! else comes is left to `lz4_flex`'s own reader of frames, which names what is wrong
//! but moves every byte once more.
//!
//! Source: the LZ4 frame format 1.6.

use lz4_flex::block::decompress_into_with_dict;

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// Version 1 and nothing else; blocks may look back to those before them.
const LINKED: u8 = 0x40;
/// As [`LINKED`], blocks by themselves.
const INDEPENDENT: u8 = 0x60;

/// The top bit of a block's size.
const STORED: u32 = 1 << 31;

/// How far a linked block looks back.
const WINDOW: usize = 64 << 10;

/// Unpacks a frame into `body`, in place of what that held, and says whether it did;
/// if not, what `body` holds has no meaning. It grows beyond `limit` by a block at
/// most.
pub fn unpack(frame: &[u8], limit: u64, body: &mut Vec<u8>) -> bool {
    blocks(frame, limit, body).map(|end| body.truncate(end)).is_some()
}

/// The end of what was unpacked.
fn blocks(frame: &[u8], limit: u64, body: &mut Vec<u8>) -> Option<usize> {
    let rest = frame.strip_prefix(&MAGIC)?;
    let &[flags, size, sum, ref rest @ ..] = rest else { return None };
    let largest = match size {
        0x40 => 64 << 10,
        0x50 => 256 << 10,
        0x60 => 1 << 20,
        0x70 => 4 << 20,
        _ => return None,
    };
    if !matches!(flags, LINKED | INDEPENDENT) || sum != checksum([flags, size]) {
        return None;
    }
    let (mut rest, mut end) = (rest, 0);
    loop {
        let (word, tail) = rest.split_first_chunk()?;
        let word = u32::from_le_bytes(*word);
        if word == 0 {
            return tail.is_empty().then_some(end);
        }
        let size = (word & !STORED) as usize;
        let (block, tail) = tail.split_at_checked(size).filter(|_| size <= largest)?;
        if body.len() < end + largest {
            body.resize(end + largest, 0);
        }
        let (behind, ahead) = body.split_at_mut(end);
        let seen = if flags == LINKED { &behind[end.saturating_sub(WINDOW)..] } else { &[] };
        let ahead = &mut ahead[..largest];
        let unpacked = if word & STORED == 0 {
            decompress_into_with_dict(block, ahead, seen).ok()?
        } else {
            ahead[..size].copy_from_slice(block);
            size
        };
        end += unpacked;
        if unpacked == 0 || end as u64 > limit {
            return None;
        }
        rest = tail;
    }
}

/// The second byte of XXH32 with seed 0.
fn checksum(bytes: [u8; 2]) -> u8 {
    const PRIMES: [u32; 4] = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x1656_67b1];
    let mut hash = PRIMES[3].wrapping_add(bytes.len() as u32);
    for byte in bytes {
        hash = hash.wrapping_add(u32::from(byte).wrapping_mul(PRIMES[3]));
        hash = hash.rotate_left(11).wrapping_mul(PRIMES[0]);
    }
    hash = (hash ^ hash >> 15).wrapping_mul(PRIMES[1]);
    hash = (hash ^ hash >> 13).wrapping_mul(PRIMES[2]);
    ((hash ^ hash >> 16) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
    use proptest::prelude::*;
    use std::io::{Read, Write};

    /// Rows of 16 bytes as those of events, packed in blocks of 64 KiB.
    fn frame(rows: u32, mode: BlockMode) -> (Vec<u8>, Vec<u8>) {
        let row = |i: u32| [i / 3, 0, (i * i % 977) << 16 | (i % 128), i % 2];
        let body: Vec<u8> = (0..rows).flat_map(row).flat_map(u32::to_le_bytes).collect();
        let blocks = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(mode);
        let mut encoder = FrameEncoder::with_frame_info(blocks, Vec::new());
        encoder.write_all(&body).unwrap();
        (encoder.finish().unwrap(), body)
    }

    /// Whether the frame was unpacked; then as `lz4_flex` does it, without a remark.
    fn agrees(frame: &[u8]) -> bool {
        let (mut body, mut expected) = (vec![7; 100], Vec::new());
        let unpacked = unpack(frame, 1 << 30, &mut body);
        if unpacked {
            FrameDecoder::new(frame).read_to_end(&mut expected).unwrap();
            assert!(body == expected);
        }
        unpacked
    }

    #[test]
    fn whole_frames_are_unpacked_over_what_was_there() {
        for mode in [BlockMode::Linked, BlockMode::Independent] {
            for rows in [1, 20_000] {
                let (frame, expected) = frame(rows, mode);
                let mut body = vec![7; 1_000];
                assert!(unpack(&frame, expected.len() as u64, &mut body) && body == expected);
                assert!(!unpack(&frame, expected.len() as u64 - 1, &mut body));
            }
        }
    }

    #[test]
    fn no_byte_changed_cut_off_or_added_is_overlooked() {
        let (frame, _) = frame(20, BlockMode::Linked);
        assert!(agrees(&frame));
        for place in 0..frame.len() {
            for change in 1..=255 {
                let mut changed = frame.clone();
                changed[place] ^= change;
                agrees(&changed);
            }
            assert!(!agrees(&frame[..place]));
        }
        for more in [&[0][..], &[0; 4], &frame] {
            assert!(!agrees(&[&frame, more].concat()));
        }
    }

    proptest! {
        #[test]
        fn blocks_that_look_back_are_unpacked_as_by_lz4_flex(
            flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 0..3),
            linked in any::<bool>(),
        ) {
            let mode = if linked { BlockMode::Linked } else { BlockMode::Independent };
            let (mut frame, _) = frame(20_000, mode);
            for (place, bit) in flips {
                let place = place.index(frame.len());
                frame[place] ^= 1 << bit;
            }
            agrees(&frame);
        }
    }
}
