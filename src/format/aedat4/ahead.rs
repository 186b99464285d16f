//! Packets unpacked before their turn, side by side.
//!
//! A look at the next bytes of the file finds which packets of events lie there, and
//! those that unpack at once are unpacked, on as many threads as there are, each into a
//! body of its own. The reader goes its way from packet to packet as if nothing had been
//! looked at, and finds the body of such a packet here when it comes to it. All others
//! it unpacks itself: whatever is odd is met in its order and said in its words.

use std::{iter, mem};

use rayon::prelude::*;

use super::super::columns::with_care;
use super::packing::Packing;
use super::{PACKET_HEADER, packet_header};
use crate::signal::keep_others_awake;

/// How many bytes of the file are looked at.
pub const VIEW: usize = 512 << 10;

/// How many packets a thread unpacks at most before the reader goes on.
const EACH: usize = 32;

/// Frames of fewer bytes in all are sooner unpacked than handed to threads.
const WORTH_THREADS: usize = 32 << 10;

/// What a frame may unpack to before its turn: so many times its size, and this. All
/// frames are smaller than [`VIEW`] in all, which bounds the bodies.
const RATIO: u64 = 16;
const FLOOR: u64 = 64 << 10;

/// Bodies of packets that were unpacked before their turn, in their order.
#[derive(Default)]
pub struct Ahead {
    /// Those from `next` on are still to come; of the others the memory is kept.
    packets: Vec<Unpacked>,
    next: usize,
    end: usize,
}

/// A packet's body, if it could be unpacked.
#[derive(Default)]
struct Unpacked {
    /// Where the packet's frame stands in the file.
    start: u64,
    whole: bool,
    body: Vec<u8>,
}

impl Ahead {
    /// Whether there are threads for it and no packet is still to come.
    pub fn is_due(&self) -> bool {
        self.next == self.end && rayon::current_num_threads() > 1 && !with_care()
    }

    /// Puts the body of the packet whose frame stands at `start` in place of `body`, if
    /// it was unpacked. Packets are asked for in their order.
    pub fn take(&mut self, start: u64, body: &mut Vec<u8>) -> bool {
        let Some(packet) = self.packets[..self.end].get_mut(self.next) else { return false };
        if packet.start != start {
            return false;
        }
        self.next += 1;
        if packet.whole {
            mem::swap(&mut packet.body, body);
        }
        packet.whole
    }

    /// Unpacks packets of stream `id` in `view`, the bytes of the file from `start` on,
    /// where a packet's frame of `size` bytes stands.
    pub fn look(&mut self, packing: Packing, (start, view): (u64, &[u8]), size: usize, id: i32) {
        let most = EACH * rayon::current_num_threads();
        let frames: Vec<_> = frames(view, size, id).take(most).collect();
        let bytes: usize = frames.iter().map(|(_, frame)| frame.len()).sum();
        (self.next, self.end) = (0, 0);
        if packing == Packing::Plain || frames.len() < 2 || bytes < WORTH_THREADS {
            return;
        }
        self.end = frames.len();
        if self.packets.len() < self.end {
            self.packets.resize_with(self.end, Unpacked::default);
        }
        keep_others_awake();
        let packets = self.packets.par_iter_mut().zip(frames).with_max_len(1);
        packets.for_each(|(packet, (place, frame))| {
            packet.start = start + place as u64;
            let limit = FLOOR + RATIO * frame.len() as u64;
            packet.whole = packing.unpack_whole(frame, limit, &mut packet.body);
        });
    }
}

/// The frames in `view` of packets of stream `id`, with their places; the first is of
/// `size` bytes.
fn frames(view: &[u8], size: usize, id: i32) -> impl Iterator<Item = (usize, &[u8])> {
    let mut next = Some((id, 0, size));
    let packets = iter::from_fn(move || {
        let (stream, place, size) = next?;
        let (frame, behind) = view[place..].split_at_checked(size)?;
        let place_behind = place + size + PACKET_HEADER;
        next = behind.first_chunk().and_then(|head| {
            let (stream, size) = packet_header(head);
            Some((stream, place_behind, usize::try_from(size).ok()?))
        });
        Some((stream, place, frame))
    });
    packets.filter(move |&(stream, ..)| stream == id).map(|(_, place, frame)| (place, frame))
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
        let events = |at: &&usize| word(**at - 8) == 0;
        let starts: Vec<usize> = starts.iter().filter(events).copied().collect();
        let first = starts[0];
        let size = word(first - 4) as usize;
        on_threads(3, || ahead.look(packing, (first as u64, &file[first..]), size, 0));
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for &start in &starts[..3 * EACH] {
            assert!(!ahead.take(start as u64 - 1, &mut found) && found.is_empty());
            assert!(ahead.take(start as u64, &mut found));
            packing.unpack(&file[start..][..word(start - 4) as usize], &mut expected).unwrap();
            assert!(found == expected && !found.is_empty());
            found.clear();
        }
        assert!(!ahead.take(starts[3 * EACH] as u64, &mut found));
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
