//! Packets unpacked before their turn, on other threads, while the reader decodes those
//! before them.
//!
//! A look at the next bytes of the file finds which packets of events lie there. They make
//! a group: threads that are free unpack its packets one after the other, each into a
//! body of its own, and the reader, which goes its way from packet to packet as if nothing
//! had been looked at, finds them there when it comes to them. One that nobody has begun
//! it unpacks itself; while another thread is at it, it unpacks a later one meanwhile. So
//! all threads are busy, and none waits for a group to end. Whatever is odd does not
//! unpack here, and is met in its order and said in the reader's words.

use std::iter;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::super::columns::with_care;
use super::packing::Packing;
use super::{PACKET_HEADER, packet_header};
use crate::signal::keep_others_awake;

/// How many bytes of the file make a group.
const VIEW: usize = 256 << 10;

/// How many packets it holds at most.
const MOST: usize = 64;

/// Frames of fewer bytes in all are sooner unpacked than handed to threads.
const WORTH_THREADS: usize = 32 << 10;

/// What a frame may unpack to before its turn: so many times its size, and this. All
/// frames of a group are smaller than [`VIEW`] in all, which bounds the bodies.
const RATIO: u64 = 16;
const FLOOR: u64 = 64 << 10;

/// Two groups of packets: the one that is being read, and the one behind it.
#[derive(Default)]
pub struct Ahead {
    here: Arc<Group>,
    /// The packet of it that is read next.
    next: usize,
    behind: Arc<Group>,
    /// Whether the second is one; if not, its memory is kept.
    is_behind: bool,
}

/// Neighbouring packets of one stream, as far as they were looked at.
#[derive(Default)]
struct Group {
    packing: Option<Packing>,
    /// The bytes that their frames lie in.
    bytes: Vec<u8>,
    /// Where these begin in the file, and end.
    start: u64,
    end: u64,
    packets: Vec<Packet>,
    /// How many of them there are; of the others the memory is kept.
    len: usize,
}

/// A packet: where its frame lies among the bytes, and what has come of it.
#[derive(Default)]
struct Packet {
    place: usize,
    size: usize,
    unpacked: Mutex<Unpacked>,
}

#[derive(Default)]
struct Unpacked {
    /// Whether somebody has tried, and with success.
    tried: bool,
    whole: bool,
    body: Vec<u8>,
}

impl Ahead {
    /// Prepares for a packet of stream `id` whose frame of `size` bytes stands at `start`.
    /// `peek` shows that many bytes of the file from there on, or fewer where it ends.
    pub fn prepare<'a>(
        &mut self,
        packing: Packing,
        (start, size): (u64, usize),
        id: i32,
        peek: impl FnOnce(usize) -> &'a [u8],
    ) {
        let threads = rayon::current_num_threads();
        if self.next < self.here.len || packing == Packing::Plain || threads == 1 || with_care() {
            return;
        }
        let mut end = start + size as u64;
        if mem::take(&mut self.is_behind) {
            mem::swap(&mut self.here, &mut self.behind);
            (self.next, end) = (0, self.here.end);
        }
        // whoever was to help with it has not come yet: then nobody is free
        let Some(group) = Arc::get_mut(&mut self.behind) else { return };
        let ahead = end.saturating_sub(start) as usize;
        group.fill(packing, end, peek(ahead + VIEW).get(ahead..).unwrap_or_default(), id);
        self.is_behind = group.len > 0;
        keep_others_awake();
        for _ in 1..threads.min(group.len) {
            let group = self.behind.clone();
            rayon::spawn(move || group.packets().iter().for_each(|packet| group.unpack(packet)));
        }
    }

    /// Puts the body of the packet whose frame stands at `start` in place of `body`, if
    /// it could be unpacked. Packets are asked for in their order.
    pub fn take(&mut self, start: u64, body: &mut Vec<u8>) -> bool {
        let group = &self.here;
        let Some((packet, later)) = group.packets()[self.next..].split_first() else {
            return false;
        };
        if group.start + packet.place as u64 != start {
            return false;
        }
        self.next += 1;
        let mut later = later.iter();
        let mut unpacked = loop {
            match free(&packet.unpacked) {
                Some(unpacked) => break unpacked,
                None => match later.next() {
                    Some(packet) => group.unpack(packet),
                    None => break packet.unpacked.lock().unwrap_or_else(PoisonError::into_inner),
                },
            }
        };
        group.try_once(packet, &mut unpacked);
        if unpacked.whole {
            mem::swap(&mut unpacked.body, body);
        }
        unpacked.whole
    }
}

/// What nobody else has hold of.
fn free(unpacked: &Mutex<Unpacked>) -> Option<MutexGuard<'_, Unpacked>> {
    match unpacked.try_lock() {
        Ok(unpacked) => Some(unpacked),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Group {
    /// Becomes the packets of stream `id` in `bytes`, which begin with a packet's header
    /// at `start`; none where they are not worth it.
    fn fill(&mut self, packing: Packing, start: u64, bytes: &[u8], id: i32) {
        (self.packing, self.start, self.len) = (Some(packing), start, 0);
        let mut end = 0;
        for (place, size) in frames(bytes, id).take(MOST) {
            if self.len == self.packets.len() {
                self.packets.push(Packet::default());
            }
            let packet = &mut self.packets[self.len];
            (packet.place, packet.size) = (place, size);
            let unpacked = packet.unpacked.get_mut().unwrap_or_else(PoisonError::into_inner);
            (unpacked.tried, unpacked.whole) = (false, false);
            self.len += 1;
            end = place + size;
        }
        if self.len < 2 || end < WORTH_THREADS {
            self.len = 0;
            return;
        }
        self.end = start + end as u64;
        self.bytes.clear();
        self.bytes.extend_from_slice(&bytes[..end]);
    }

    fn packets(&self) -> &[Packet] {
        &self.packets[..self.len]
    }

    /// Unpacks a packet unless somebody does or has done so.
    fn unpack(&self, packet: &Packet) {
        if let Some(mut unpacked) = free(&packet.unpacked) {
            self.try_once(packet, &mut unpacked);
        }
    }

    fn try_once(&self, packet: &Packet, unpacked: &mut Unpacked) {
        let Some(packing) = self.packing.filter(|_| !mem::replace(&mut unpacked.tried, true))
        else {
            return;
        };
        let frame = &self.bytes[packet.place..][..packet.size];
        let limit = FLOOR + RATIO * frame.len() as u64;
        unpacked.whole = packing.unpack_whole(frame, limit, &mut unpacked.body);
    }
}

/// Where the frames of stream `id` lie in `bytes`, which begin with a packet's header, and
/// their sizes.
fn frames(bytes: &[u8], id: i32) -> impl Iterator<Item = (usize, usize)> {
    let mut next = 0;
    let packets = iter::from_fn(move || {
        let head = bytes.get(next..)?.first_chunk()?;
        let (stream, size) = packet_header(head);
        let (place, size) = (next + PACKET_HEADER, usize::try_from(size).ok()?);
        next = place.checked_add(size).filter(|&end| end <= bytes.len())?;
        Some((stream, (place, size)))
    });
    packets.filter(move |&(stream, _)| stream == id).map(|(_, frame)| frame)
}

#[cfg(test)]
mod tests {
    use super::super::FORMAT;
    use super::*;
    use crate::event::Batch;
    use crate::format::Source;
    use proptest::prelude::*;
    use rayon::ThreadPoolBuilder;
    use std::io::Cursor;

    const LZ4: &[u8] = include_bytes!("../../../tests/golden/aedat4/lz4.aedat4");
    const ZSTD: &[u8] = include_bytes!("../../../tests/golden/aedat4/zstd.aedat4");

    fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
    }

    /// A recording as if it had never been closed, its packets repeated: several
    /// views of them.
    fn long(file: &[u8]) -> Vec<u8> {
        let word = |at: usize| u64::from_le_bytes(*file[at..].first_chunk().unwrap()) as usize;
        let header = 18 + (word(14) as u32) as usize;
        // where the place of the data table stands
        let place = (18..header - 8).find(|&at| (header..file.len()).contains(&word(at))).unwrap();
        let packets = &file[header..word(place)];
        [&file[..place], &[0xff; 8], &file[place + 8..header], &packets.repeat(100)].concat()
    }

    /// Everything that can be seen of reading a file: events and offset after each call,
    /// tally and error.
    fn seen(bytes: &[u8]) -> String {
        let mut decoder = (FORMAT.open)(Source::new(Cursor::new(bytes.to_vec()))).unwrap();
        let (mut out, mut calls) = (Batch::default(), Vec::new());
        let error = loop {
            let more = decoder.decode(&mut out);
            calls.push((out.len(), decoder.offset()));
            match more {
                Ok(true) => (),
                Ok(false) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        format!("{calls:?} {:?} {error:?} {out:?}", decoder.tally())
    }

    #[test]
    fn packets_are_unpacked_before_their_turn_and_found_in_it() {
        let file = long(ZSTD);
        let (packing, mut ahead) = (Packing::Zstd, Ahead::default());
        let word = |at: usize| i32::from_le_bytes(*file[at..].first_chunk().unwrap());
        let mut starts = vec![18 + word(14) as usize + 8];
        while let Some(next) = starts.last().map(|&at| at + word(at - 4) as usize + 8)
            && next < file.len()
        {
            starts.push(next);
        }
        let (mut found, mut expected, mut times) = (Vec::new(), Vec::new(), 0);
        on_threads(3, || {
            for &start in starts.iter().filter(|&&at| word(at - 8) == 0) {
                let (place, size) = (start as u64, word(start - 4) as usize);
                let peek = |want: usize| &file[start..file.len().min(start + want)];
                ahead.prepare(packing, (place, size), 0, peek);
                assert!(!ahead.take(place - 1, &mut found) && found.is_empty());
                if ahead.take(place, &mut found) {
                    packing.unpack(&file[start..][..size], &mut expected).unwrap();
                    assert!(found == expected && !found.is_empty());
                    times += 1;
                }
                found.clear();
            }
        });
        // not the first, but all of a group behind it, and more unless no thread was free
        assert!((MOST..starts.len()).contains(&times), "{times}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// Bits flip, whole stretches are lost, the end is missing.
        #[test]
        fn threads_cannot_be_told_from_one(
            zstd in any::<bool>(),
            flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 0..4),
            lost in prop::option::of((any::<prop::sample::Index>(), 0..2_000_usize)),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut bytes = long(if zstd { ZSTD } else { LZ4 });
            let header = 18 + u32::from_le_bytes(*bytes[14..].first_chunk().unwrap()) as usize;
            let place = |index: prop::sample::Index, len| header + index.index(len - header);
            for (index, bit) in flips {
                let place = place(index, bytes.len());
                bytes[place] ^= 1 << bit;
            }
            if let Some((index, many)) = lost {
                let place = place(index, bytes.len());
                bytes.drain(place..(place + many).min(bytes.len()));
            }
            if let Some(index) = cut {
                bytes.truncate(place(index, bytes.len()));
            }
            let expected = on_threads(1, || seen(&bytes));
            let found = on_threads(3, || seen(&bytes));
            prop_assert!(found == expected);
        }
    }
}
