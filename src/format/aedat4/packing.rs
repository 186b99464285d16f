//! How AEDAT 4 packs its packets: not at all, as LZ4 frames or as Zstandard
//! frames, one frame a packet.
//!
//! A frame may claim to unpack to anything. The limit is 256 times its own size
//! (LZ4's best ratio is 255) and 8 MiB more, or 16 times and 64 MiB more where that is
//! less: zeros are packed tighter, a large packet of events with their times is not. It
//! holds for what comes out as well as for the window that a Zstandard frame asks for.
//!
//! A whole frame is unpacked at once, Zstandard's by the reference decoder, which is
//! some five times as fast as `ruzstd`; of a frame that breaks only `ruzstd` and
//! `lz4_flex` hand out what came before.
//!
//! Source: the LZ4 frame format 1.6; RFC 8878.

use std::fmt;
use std::io::{self, Read};

use lz4_flex::frame::{Error as Lz4Error, FrameDecoder as Lz4};
use ruzstd::decoding::{FrameDecoder as Zstd, StreamingDecoder};

use super::super::columns::with_care;
use super::lz4;
use crate::error::{Error, ErrorKind, Result};

/// What a frame may unpack to: so many times its size, and this; the least of these.
const LIMITS: [(u64, u64); 2] = [(256, 8 << 20), (16, 64 << 20)];

fn limit(frame: &[u8]) -> u64 {
    let [small, large] = LIMITS.map(|(ratio, floor)| floor + ratio * frame.len() as u64);
    small.min(large)
}

/// The compression that a file's header states for all its packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Packing {
    /// None.
    Plain,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

impl Packing {
    /// The packing behind dv's `CompressionType`, whose `…_HIGH` variants differ
    /// for the writer only.
    ///
    /// # Errors
    /// A number that dv does not have.
    pub fn of_code(code: i32) -> Result<Packing> {
        match code {
            0 => Ok(Packing::Plain),
            1 | 2 => Ok(Packing::Lz4),
            3 | 4 => Ok(Packing::Zstd),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!("compression {code}"),
                "0 (none), 1 or 2 (LZ4), 3 or 4 (Zstandard)",
            )),
        }
    }

    /// The name in remarks.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Plain => "uncompressed",
            Packing::Lz4 => "LZ4",
            Packing::Zstd => "Zstandard",
        }
    }

    /// Replaces `body` by what is packed in `frame` if that is one whole frame without
    /// oddities that unpacks to no more than `limit`, and says whether it is; if not,
    /// what `body` holds has no meaning.
    pub fn unpack_whole(self, frame: &[u8], limit: u64, body: &mut Vec<u8>) -> bool {
        match self {
            Packing::Plain => false,
            Packing::Lz4 => lz4::unpack(frame, limit, body),
            Packing::Zstd => unpack_whole_zstd(frame, limit, body),
        }
    }

    /// Replaces `body` by what is packed in `frame`; where the frame breaks, by
    /// what came out until then, and by nothing where its checksum differs.
    ///
    /// # Errors
    /// A frame that is no frame, cut off, or larger than the limit.
    pub fn unpack(self, frame: &[u8], body: &mut Vec<u8>) -> Result<()> {
        let limit = limit(frame);
        if !with_care() && self.unpack_whole(frame, limit, body) {
            return Ok(());
        }
        body.clear();
        let unpacked = match self {
            Packing::Plain => {
                body.extend_from_slice(frame);
                return Ok(());
            }
            Packing::Lz4 => Lz4::new(frame).take(limit + 1).read_to_end(body),
            Packing::Zstd => unpack_zstd(frame, limit, body),
        };
        let refuse = |found| Err(Error::new(ErrorKind::Corrupt, found, "a whole frame"));
        match unpacked {
            Err(e) => {
                if is_checksum(&e) {
                    body.clear();
                }
                refuse(format!("a packet that is no {} frame: {}", self.name(), cause(&e)))
            }
            Ok(_) if body.len() as u64 > limit => {
                refuse(format!("a packet of {} bytes that unpacks to over {limit}", frame.len()))
            }
            Ok(_) => Ok(()),
        }
    }
}

/// A frame's first bytes: its magic, and a flag for content that is its own window.
const ZSTD: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
const SINGLE_SEGMENT: u8 = 0x20;

fn unpack_whole_zstd(frame: &[u8], limit: u64, body: &mut Vec<u8>) -> bool {
    let single = frame.strip_prefix(&ZSTD).and_then(|rest| rest.first());
    let Ok(Some(size)) = zstd_safe::get_frame_content_size(frame) else { return false };
    let whole = zstd_safe::find_frame_compressed_size(frame) == Ok(frame.len());
    if single.is_none_or(|flags| flags & SINGLE_SEGMENT == 0) || !whole || size > limit {
        return false;
    }
    body.resize(size as usize, 0);
    zstd_safe::decompress(&mut body[..], frame) == Ok(body.len())
}

fn unpack_zstd(frame: &[u8], limit: u64, body: &mut Vec<u8>) -> io::Result<usize> {
    let mut decoder = Zstd::new();
    decoder.set_max_window_size(limit);
    let mut stream =
        StreamingDecoder::new_with_decoder(frame, &mut decoder).map_err(io::Error::other)?;
    let read = stream.by_ref().take(limit + 1).read_to_end(body)?;
    let stated = decoder.get_checksum_from_data();
    match stated.is_none() || stated == decoder.get_calculated_checksum() {
        true => Ok(read),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, ChecksumDiffers)),
    }
}

/// The checksum over a whole Zstandard frame is not the stated one.
#[derive(Debug)]
struct ChecksumDiffers;

impl fmt::Display for ChecksumDiffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its checksum differs")
    }
}

impl std::error::Error for ChecksumDiffers {}

/// Whether every byte came out and the sum of them is wrong.
fn is_checksum(error: &io::Error) -> bool {
    let Some(cause) = error.get_ref() else { return false };
    cause.is::<ChecksumDiffers>()
        || matches!(cause.downcast_ref::<Lz4Error>(), Some(Lz4Error::ContentChecksumError))
}

/// What broke a frame, in words; `lz4_flex` has none for its frames.
fn cause(error: &io::Error) -> String {
    let lz4 = error.get_ref().and_then(|cause| cause.downcast_ref::<Lz4Error>());
    let words = match lz4 {
        None => return error.to_string(),
        Some(Lz4Error::DecompressionError(block)) => return format!("in a block, {block}"),
        Some(Lz4Error::WrongMagicNumber) => "another magic number",
        Some(Lz4Error::HeaderChecksumError) => "the checksum of its header differs",
        Some(Lz4Error::BlockChecksumError) => "the checksum of a block differs",
        Some(Lz4Error::ContentChecksumError) => "its checksum differs",
        Some(Lz4Error::ContentLengthError { .. }) => "its length is not the stated one",
        Some(Lz4Error::BlockTooBig) => "a block larger than its header allows",
        Some(Lz4Error::SkippableFrame(_)) => "one to be skipped",
        Some(Lz4Error::DictionaryNotSupported) => "one that needs a dictionary",
        Some(_) => "a header that the format does not have",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
    use proptest::prelude::*;
    use std::io::Write;

    fn lz4(bytes: &[u8]) -> Vec<u8> {
        let blocks = FrameInfo::new().block_size(BlockSize::Max64KB);
        let mut encoder = FrameEncoder::with_frame_info(blocks, Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn unpacks_what_is_whole_and_keeps_what_came_before_a_cut() {
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(|i| (i * i).to_le_bytes()).collect();
        let mut body = Vec::new();
        for (packing, frame) in [
            (Packing::Plain, bytes.clone()),
            (Packing::Lz4, lz4(&bytes)),
            (Packing::Zstd, zstd(&bytes)),
        ] {
            packing.unpack(&frame, &mut body).unwrap();
            assert!(body == bytes, "{packing:?}");
            _ = packing.unpack(&frame[..frame.len() / 2], &mut body);
            assert!(body.len() < bytes.len() && bytes.starts_with(&body), "{packing:?}");
            assert!(packing == Packing::Zstd || body.len() > bytes.len() / 3, "{packing:?}");
        }
    }

    #[test]
    fn of_a_frame_that_breaks_the_blocks_before_are_kept() {
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(|i| (i * i / 512).to_le_bytes()).collect();
        let mut frame = lz4(&bytes);
        // behind a header of 7 bytes, each block stands behind its size in 4
        let size = |frame: &[u8], at: usize| {
            let size = u32::from_le_bytes(*frame[at..].first_chunk().unwrap());
            (size & 0x7fff_ffff) as usize
        };
        let third = (0..2).fold(7, |at, _| at + 4 + size(&frame, at));
        frame[third + 3] = 0x7f;
        let mut body = Vec::new();
        Packing::Lz4.unpack(&frame, &mut body).unwrap_err();
        assert!(body == bytes[..2 << 16]);
    }

    #[test]
    fn of_a_frame_whose_checksum_differs_nothing_is_kept() {
        let with_sum = FrameInfo::new().content_checksum(true);
        let mut encoder = FrameEncoder::with_frame_info(with_sum, Vec::new());
        encoder.write_all(&[7; 1000]).unwrap();
        let mut frame = encoder.finish().unwrap();
        *frame.last_mut().unwrap() ^= 1;
        let mut body = Vec::new();
        Packing::Lz4.unpack(&frame, &mut body).unwrap_err();
        assert!(body.is_empty());
    }

    #[test]
    fn a_frame_that_swells_beyond_the_limit_is_refused() {
        let mut body = Vec::new();
        let error = Packing::Zstd.unpack(&zstd(&vec![0; 10 << 20]), &mut body).unwrap_err();
        assert!(error.to_string().contains("unpacks to over"), "{error}");
        Packing::Lz4.unpack(&lz4(&vec![0; 10 << 20]), &mut body).unwrap();
        assert_eq!(body.len(), 10 << 20);
    }

    /// An event that differs from the one before takes LZ4 four of its 16 bytes: a token, an
    /// offset and what differs. Only equal ones are packed tighter.
    #[test]
    fn zeros_do_not_make_a_large_frame_a_huge_packet() {
        let mut encoder = FrameEncoder::new(Vec::new());
        let zeros = vec![0; 1 << 20];
        (0..200).for_each(|_| encoder.write_all(&zeros).unwrap());
        let frame = encoder.finish().unwrap();
        let mut body = Vec::new();
        let error = Packing::Lz4.unpack(&frame, &mut body).unwrap_err();
        assert!(error.to_string().contains("unpacks to over"), "{error}");
        assert!(body.capacity() < 192 << 20, "{} bytes", body.capacity());
    }

    /// Of the token 0x10: one literal, then a match of four bytes; its offset is 0.
    #[test]
    fn what_is_wrong_with_a_block_is_said_in_words() {
        let block = [0x10, 7, 0, 0, 0x10, 7, 0, 0, 0x50, 1, 2, 3, 4, 5];
        let mut frame = lz4(b"");
        frame.truncate(frame.len() - 4);
        frame.extend((block.len() as u32).to_le_bytes());
        frame.extend(block);
        frame.extend([0; 4]);
        let error = Packing::Lz4.unpack(&frame, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("offset"), "{error}");
        assert!(!error.contains("DecompressionError") && !error.contains("OffsetZero"), "{error}");
    }

    proptest! {
        #[test]
        fn zstandard_frames_are_unpacked_if_they_are_whole(
            rows in 0..9_000_u32,
            cut in any::<prop::sample::Index>(),
            change in (any::<prop::sample::Index>(), 1..=255_u8),
        ) {
            let bytes: Vec<u8> = (0..rows).flat_map(|i| (i * i / 512).to_le_bytes()).collect();
            let mut frame = vec![0; 64 + 2 * bytes.len()];
            let size = zstd_safe::compress(&mut frame[..], &bytes, 3).unwrap();
            frame.truncate(size);
            let limit = bytes.len() as u64;
            let (mut found, mut expected) = (vec![7; 100], Vec::new());
            let mut unpack = |frame: &[u8], limit| Packing::Zstd.unpack_whole(frame, limit, &mut found);
            prop_assert!(!unpack(&[&frame[..], &[0]].concat(), limit));
            prop_assert!(!unpack(&frame[..cut.index(size)], limit));
            prop_assert!(limit == 0 || !unpack(&frame, limit - 1));
            prop_assert!(unpack(&frame, limit));
            unpack_zstd(&frame, limit, &mut expected).unwrap();
            prop_assert!(found == expected && found == bytes);
            frame[change.0.index(size)] ^= change.1;
            Packing::Zstd.unpack_whole(&frame, limit, &mut found);
            prop_assert!(found.len() as u64 <= limit);
        }
    }

    #[test]
    fn what_is_no_frame_is_named() {
        for packing in [Packing::Lz4, Packing::Zstd] {
            let error = packing.unpack(b"no frame at all", &mut Vec::new()).unwrap_err();
            assert!(error.to_string().contains(packing.name()), "{error}");
        }
        assert_eq!(Packing::of_code(5).unwrap_err().kind, ErrorKind::Unsupported);
    }
}
