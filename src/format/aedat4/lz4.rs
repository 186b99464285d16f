//! LZ4 frames as dv and faery write them, straight to where their bytes are to lie.
//!
//! ```text
//! frame   magic, flags, block size, checksum of these two; blocks; 4 bytes 0; sum of
//!         what is unpacked, if flagged
//! block   u32 size, its top bit set where the block is stored; its bytes; their sum, if
//!         flagged
//! ```
//!
//! Only a whole frame that says nothing more of itself is unpacked here; whatever else
//! comes is left to `lz4_flex`'s own reader of frames, which names what is wrong but
//! moves every byte once more.
//!
//! Source: the LZ4 frame format 1.6; its checksums are XXH32 with seed 0.

use lz4_flex::block::{decompress_into, decompress_into_with_dict};
use twox_hash::XxHash32;

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();

/// The flags of version 1.
const VERSION: u8 = 0x40;
/// Blocks do not look back to those before them.
const INDEPENDENT: u8 = 0x20;
/// A checksum behind each block.
const BLOCK_SUMS: u8 = 0x10;
/// A checksum behind them all.
const CONTENT_SUM: u8 = 0x04;
const KNOWN: u8 = VERSION | INDEPENDENT | BLOCK_SUMS | CONTENT_SUM;

/// The top bit of a block's size.
const STORED: u32 = 1 << 31;

/// No byte of a block stands for more than so many.
const RATIO: usize = 255;

/// How far a linked block looks back.
const WINDOW: usize = 64 << 10;

/// Unpacks a frame into `body`, in place of what that held, and says whether it did;
/// if not, what `body` holds has no meaning. It does not grow beyond `limit`.
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
    let has = |flag| flags & flag != 0;
    let known = has(VERSION) && flags & !KNOWN == 0;
    if !known || sum != (checksum(&[flags, size]) >> 8) as u8 {
        return None;
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut rest, mut end) = (rest, 0);
    loop {
        let word = take_word(&mut rest)?;
        if word == 0 {
            let sound = !has(CONTENT_SUM) || take_word(&mut rest)? == checksum(&body[..end]);
            return (sound && rest.is_empty()).then_some(end);
        }
        let size = (word & !STORED) as usize;
        let block = rest.split_off(..size).filter(|_| size <= largest)?;
        if has(BLOCK_SUMS) && take_word(&mut rest)? != checksum(block) {
            return None;
        }
        let room = largest.min(RATIO * size).min(limit - end);
        if body.len() < end + room {
            body.resize(end + room, 0);
        }
        let (behind, ahead) = body.split_at_mut(end);
        let seen = if has(INDEPENDENT) { &[] } else { &behind[end.saturating_sub(WINDOW)..] };
        let ahead = &mut ahead[..room];
        let unpacked = if word & STORED == 0 && seen.is_empty() {
            decompress_into(block, ahead).ok()?
        } else if word & STORED == 0 {
            decompress_into_with_dict(block, ahead, seen).ok()?
        } else {
            ahead.get_mut(..size)?.copy_from_slice(block);
            size
        };
        end += unpacked;
        if unpacked == 0 {
            return None;
        }
    }
}

/// The next four bytes.
fn take_word(rest: &mut &[u8]) -> Option<u32> {
    let bytes = rest.split_off(..4)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

fn checksum(bytes: &[u8]) -> u32 {
    XxHash32::oneshot(0, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
    use proptest::prelude::*;
    use std::io::{Read, Write};

    /// Rows of 16 bytes as those of events, packed in blocks of 64 KiB.
    fn frame(rows: u32, mode: BlockMode, sums: bool) -> (Vec<u8>, Vec<u8>) {
        let row = |i: u32| [i / 3, 0, (i * i % 977) << 16 | (i % 128), i % 2];
        let body: Vec<u8> = (0..rows).flat_map(row).flat_map(u32::to_le_bytes).collect();
        let blocks = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(mode);
        let blocks = blocks.block_checksums(sums).content_checksum(sums);
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
        let modes = [BlockMode::Linked, BlockMode::Independent];
        for (mode, sums) in modes.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
            for rows in [1, 20_000] {
                let (frame, expected) = frame(rows, mode, sums);
                let mut body = vec![7; 1_000];
                assert!(unpack(&frame, expected.len() as u64, &mut body) && body == expected);
                assert!(!unpack(&frame, expected.len() as u64 - 1, &mut body));
            }
        }
    }

    #[test]
    fn no_byte_changed_cut_off_or_added_is_overlooked() {
        for sums in [false, true] {
            let (frame, _) = frame(20, BlockMode::Linked, sums);
            assert!(agrees(&frame));
            for place in 0..frame.len() {
                for change in 1..=255 {
                    let mut changed = frame.clone();
                    changed[place] ^= change;
                    assert!(!agrees(&changed) || !sums);
                }
                assert!(!agrees(&frame[..place]));
            }
            for more in [&[0][..], &[0; 4], &frame] {
                assert!(!agrees(&[&frame, more].concat()));
            }
        }
    }

    proptest! {
        #[test]
        fn blocks_that_look_back_are_unpacked_as_by_lz4_flex(
            flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 0..3),
            linked in any::<bool>(),
            sums in any::<bool>(),
        ) {
            let mode = if linked { BlockMode::Linked } else { BlockMode::Independent };
            let (mut frame, _) = frame(20_000, mode, sums);
            for (place, bit) in flips {
                let place = place.index(frame.len());
                frame[place] ^= 1 << bit;
            }
            agrees(&frame);
        }
    }
}
