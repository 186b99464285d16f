//! Decoding undoes encoding, however the bytes come in.

use std::io::Read;

use proptest::prelude::*;
use synops::event::Batch;
use synops::format::FORMATS;

use super::{format, read_from};

/// A reader that hands out as many bytes as `sizes` says, over and over.
struct Drip {
    bytes: Vec<u8>,
    position: usize,
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Drip {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].min(out.len());
        let piece = self.bytes[self.position..].iter().take(size);
        let n = out.iter_mut().zip(piece).map(|(to, from)| *to = *from).count();
        self.position += n;
        self.turn += 1;
        Ok(n)
    }
}

type Event = (i64, u16, u16, bool);

/// Recordings with times that step by `steps`, inside `width` × `height`.
fn recordings(
    start: std::ops::Range<i64>,
    steps: std::ops::Range<i64>,
    (width, height): (u16, u16),
) -> impl Strategy<Value = Batch> {
    let event = (steps, 0..width, 0..height, any::<bool>());
    (start, prop::collection::vec(event, 0..400)).prop_map(|(start, events)| {
        let advance = |t: &mut i64, (step, x, y, on): Event| {
            *t += step;
            Some((*t, x, y, on))
        };
        events.into_iter().scan(start, advance).collect()
    })
}

fn survives(name: &str, events: &Batch, sizes: Vec<usize>) -> Result<(), TestCaseError> {
    let bytes = format(name).encode.unwrap()(events).unwrap();
    let drip = Drip { bytes, position: 0, sizes, turn: 0 };
    let outcome = read_from(format(name), drip);
    prop_assert!(outcome.error.is_none(), "{:?}", outcome.error);
    prop_assert_eq!(&outcome.events, events);
    Ok(())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..60, 1..9)
}

proptest! {
    #[test]
    fn aedat2(events in recordings(0..1 << 31, 0..1 << 31, (128, 128)), sizes in sizes()) {
        survives("aedat2", &events, sizes)?;
    }

    #[test]
    fn aedat3_of_a_dvs128(
        events in recordings(0..1 << 31, 0..1 << 24, (128, 128)),
        sizes in sizes(),
    ) {
        survives("aedat3", &events, sizes)?;
    }

    #[test]
    fn aedat3_of_any_sensor(
        events in recordings(0..1 << 60, -100..1 << 40, (1 << 15, 1 << 15)),
        sizes in sizes(),
    ) {
        prop_assume!(events.t.iter().all(|&t| t >= 0));
        survives("aedat3", &events, sizes)?;
    }

    #[test]
    fn atis_bin(events in recordings(0..1 << 22, 0..10_000, (256, 240)), sizes in sizes()) {
        survives("atis-bin", &events, sizes)?;
    }
}

#[test]
fn recordings_of_several_chunks_survive() {
    let long: Batch = (0..50_000)
        .map(|i| (3 * i, (i % 128) as u16, (i / 128 % 128) as u16, i % 7 == 0))
        .collect();
    for format in FORMATS {
        if format.encode.is_some() {
            survives(format.name, &long, vec![65_536, 1, 4_099]).unwrap();
        }
    }
}
