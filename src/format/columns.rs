//! Records of one size into columns, a run of them at a time.
//!
//! A decoder with care looks at every record: some it drops, some it counts, one
//! may be damage. In most recordings nearly no record asks for that. So a run of
//! records is decoded at once if all of them are sound, in as wide registers as
//! there are; of a run with one that is not, the decoder takes care itself.

use crate::event::{Batch, Unwrap};
use crate::signal::simd::{Kernel, dispatch};

/// How many records are decoded at once: few enough that they stay in the nearest
/// cache while one column after the other is drawn from them.
pub const RUN: usize = 1024;

/// How many records are asked of a [`super::Source`] at a time: it moves what is
/// left of fewer to the front of its buffer.
pub const READ: usize = 4 * RUN;

/// Where the fields of a record of `N` bytes stand.
pub trait Layout<const N: usize>: Copy {
    /// Whether the record is an event that goes on as it is.
    fn is_sound(self, record: &[u8; N]) -> bool;
    /// Time in µs.
    fn t(self, record: &[u8; N]) -> i64;
    /// Column.
    fn x(self, record: &[u8; N]) -> u16;
    /// Row.
    fn y(self, record: &[u8; N]) -> u16;
    /// Polarity.
    fn on(self, record: &[u8; N]) -> bool;
}

/// Appends the events of `records` to `out` if all are sound, and none otherwise;
/// says which.
pub fn append<const N: usize>(
    layout: impl Layout<N>,
    records: &[[u8; N]],
    out: &mut Batch,
) -> bool {
    !with_care() && dispatch(Append { layout, records, out })
}

/// Whether nothing is to be done at once, so that a test sees the same done with care.
#[cfg(not(test))]
pub fn with_care() -> bool {
    false
}

#[cfg(test)]
pub use tests::with_care;

/// As [`append`], for times of a clock that is to be unrolled; all are sound only if
/// it neither overflows nor steps back among them.
pub fn append_by_clock<const N: usize>(
    layout: impl Layout<N>,
    records: &[[u8; N]],
    clock: &mut Unwrap,
    out: &mut Batch,
) -> bool {
    let before = out.len();
    let sound = append(layout, records, out) && clock.run(&mut out.t[before..]);
    if !sound {
        out.truncate(before);
    }
    sound
}

struct Append<'a, L, const N: usize> {
    layout: L,
    records: &'a [[u8; N]],
    out: &'a mut Batch,
}

impl<L: Layout<N>, const N: usize> Kernel for Append<'_, L, N> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Append { layout, records, out } = self;
        let sound = records.iter().fold(true, |sound, record| sound & layout.is_sound(record));
        if sound {
            out.t.extend(records.iter().map(|record| layout.t(record)));
            out.x.extend(records.iter().map(|record| layout.x(record)));
            out.y.extend(records.iter().map(|record| layout.y(record)));
            out.on.extend(records.iter().map(|record| layout.on(record)));
        }
        sound
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::{FORMATS, detect, read_all};
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    thread_local! {
        static CAREFUL: Cell<bool> = const { Cell::new(false) };
    }

    pub fn with_care() -> bool {
        CAREFUL.get()
    }

    /// Events in order of time, for several runs of every format.
    fn recording() -> Batch {
        let event = |i: i64| (1_000 * i, (i * i % 128) as u16, (i % 128) as u16, i % 3 == 0);
        (0..3 * RUN as i64).map(event).collect()
    }

    fn recordings() -> Vec<Vec<u8>> {
        let written =
            FORMATS.iter().filter_map(|format| Some(format.encode?(&recording()).unwrap()));
        let golden = [
            &include_bytes!("../../tests/golden/aedat4/none.aedat4")[..],
            include_bytes!("../../tests/golden/aedat4/lz4.aedat4"),
        ];
        written.chain(golden.map(<[u8]>::to_vec)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Bits flip, whole records are lost, the end is missing.
        #[test]
        fn at_once_or_with_care_is_the_same(
            which in 0..5_usize,
            flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 0..9),
            lost in prop::option::of((any::<prop::sample::Index>(), 0..2_000_usize)),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut bytes = recordings().swap_remove(which);
            let format = detect(&bytes[..4096.min(bytes.len())], None).unwrap();
            for (place, bit) in flips {
                let place = place.index(bytes.len());
                bytes[place] ^= 1 << bit;
            }
            if let Some((place, many)) = lost {
                let place = place.index(bytes.len());
                bytes.drain(place..(place + many).min(bytes.len()));
            }
            if let Some(place) = cut {
                bytes.truncate(place.index(bytes.len() + 1));
            }
            let read = |careful| {
                CAREFUL.set(careful);
                let (header, events, tally, error) = read_all(format, &bytes);
                (header, events, tally, error.map(|e| e.to_string()))
            };
            let (found, expected) = (read(false), read(true));
            prop_assert_eq!(found, expected);
        }
    }
}
