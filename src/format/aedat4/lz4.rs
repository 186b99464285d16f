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
