//! The 40-bit `.bin` of N-MNIST and N-Caltech101, as the ATIS wrote it.
//!
//! No header. Five bytes an event, most significant bit first:
//!
//! ```text
//! xxxxxxxx yyyyyyyy pttttttt tttttttt tttttttt
//! ```
//!
//! `p` is 1 for ON; `t` counts microseconds in 23 bits and overflows after
//! 8.4 s. An event with `y` = 240 is none: it says that 2¹³ µs passed.
//!
//! Source: the data set's own reader (G. Orchard, `Read_Ndataset.m`), whose
//! overflow rule tonic's `read_mnist_file` repeats. The format states no pixel
//! array: N-MNIST is 34×34, N-Caltech101 has a size per recording.

use super::columns::{self, Layout, READ, RUN};
use super::{CHUNK_EVENTS, Decoder, Format, Header, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Cause, Tally, Unwrap};

/// The entry in [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "atis-bin",
    about: "40-bit events of N-MNIST and N-Caltech101",
    sniff,
    open,
    encode: Some(encode),
};

const EVENT: usize = 5;
const CLOCK: i64 = 1 << 23;
const OVERFLOW_ROW: u8 = 240;
const OVERFLOW_TIME: i64 = 1 << 13;

/// An event that a pixel sent; its time is that of the recorder's clock.
#[derive(Clone, Copy)]
struct Pixel;

impl Layout<EVENT> for Pixel {
    #[inline]
    fn is_sound(self, event: &[u8; EVENT]) -> bool {
        event[1] != OVERFLOW_ROW
    }

    #[inline]
    fn t(self, event: &[u8; EVENT]) -> i64 {
        i64::from(u32::from_be_bytes([0, event[2] & 0x7f, event[3], event[4]]))
    }

    #[inline]
    fn x(self, event: &[u8; EVENT]) -> u16 {
        event[0].into()
    }

    #[inline]
    fn y(self, event: &[u8; EVENT]) -> u16 {
        event[1].into()
    }

    #[inline]
    fn on(self, event: &[u8; EVENT]) -> bool {
        event[2] & 0x80 != 0
    }
}

/// Without a magic number, order is the sign: times that hardly ever step back
/// but do go forward, in rows that the ATIS has. Random bytes and text step back
/// every other time, padding stands still. Fewer events than sixteen prove
/// nothing; such a file is read when the format is named.
fn sniff(head: &[u8]) -> bool {
    let events = head.as_chunks().0;
    let [first, rest @ ..] = events else { return false };
    let (mut before, mut back, mut forward) = (Pixel.t(first), 0, 0);
    let mut largest_row = first[1];
    for event in rest {
        let t = Pixel.t(event);
        back += usize::from(t < before);
        forward += usize::from(t > before);
        largest_row = largest_row.max(event[1]);
        before = t;
    }
    events.len() >= 16
        && largest_row <= OVERFLOW_ROW
        && back * 20 <= events.len()
        && forward * 10 >= events.len()
}

struct Nmnist {
    header: Header,
    source: Source,
    clock: Unwrap,
    passed: i64,
    tally: Tally,
}

fn open(source: Source) -> Result<Box<dyn Decoder>> {
    let header = Header {
        format: FORMAT.name,
        coding: "x, y in 8 bits each, polarity 1 = ON, 23-bit µs from the start",
        ..Header::default()
    };
    Ok(Box::new(Nmnist {
        header,
        source,
        clock: Unwrap::new(CLOCK),
        passed: 0,
        tally: Tally::default(),
    }))
}

/// Decodes events among which are some that say that time passed, or times that
/// step back.
fn look(
    events: &[[u8; EVENT]],
    (clock, passed): (&mut Unwrap, &mut i64),
    out: &mut Batch,
    tally: &mut Tally,
) {
    let before = out.len();
    for event in events {
        if !Pixel.is_sound(event) {
            *passed += OVERFLOW_TIME;
            tally.skip("time overflow", 1);
            continue;
        }
        let (t, wrapped) = clock.time(Pixel.t(event));
        tally.note(Cause::ClockWrapped, u64::from(wrapped));
        out.push(t + *passed, Pixel.x(event), Pixel.y(event), Pixel.on(event));
    }
    tally.keep((out.len() - before) as u64);
}

impl Decoder for Nmnist {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        let Nmnist { source, clock, passed, tally, .. } = self;
        for _ in 0..CHUNK_EVENTS / READ {
            let bytes = source.records(EVENT, READ, "an event")?;
            if bytes.is_empty() {
                return Ok(false);
            }
            for events in bytes.as_chunks().0.chunks(RUN) {
                let before = out.len();
                if columns::append_by_clock(Pixel, events, clock, out) {
                    if *passed > 0 {
                        out.t[before..].iter_mut().for_each(|t| *t += *passed);
                    }
                    tally.keep(events.len() as u64);
                } else {
                    look(events, (clock, passed), out, tally);
                }
            }
        }
        Ok(true)
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn offset(&self) -> u64 {
        self.source.offset()
    }
}

/// Writes what reads back as it is.
fn encode(batch: &Batch) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(batch.len() * EVENT);
    let mut clock = Unwrap::new(CLOCK);
    for (t, x, y, on) in batch.iter() {
        let is_pixel = x < 256 && y < 256 && y != u16::from(OVERFLOW_ROW);
        if !is_pixel || clock.time(t.rem_euclid(CLOCK)).0 != t {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("an event at t = {t} µs, x = {x}, y = {y}"),
                "x and y below 256, y not 240, the first time below 2^23 µs, then steps below 2^22 µs",
            ));
        }
        let [_, t2, t1, t0] = (t.rem_euclid(CLOCK) as u32).to_be_bytes();
        out.extend([x as u8, y as u8, t2 | if on { 0x80 } else { 0 }, t1, t0]);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::read_all;
    use super::*;

    fn decode(bytes: &[u8]) -> (Batch, Tally, Option<Error>) {
        let (_, events, tally, error) = read_all(&FORMAT, bytes);
        (events, tally, error)
    }

    #[test]
    fn bits_are_where_the_data_set_says() {
        let (events, ..) = decode(&[33, 7, 0x80 | 0x01, 0x02, 0x03, 0, 1, 0x01, 0x02, 0x04]);
        assert_eq!(events.get(0), (0x01_02_03, 33, 7, true));
        assert_eq!(events.get(1), (0x01_02_04, 0, 1, false));
    }

    #[test]
    fn time_goes_on_over_the_clock_and_over_markers() {
        let bytes = [[1, 1, 0x7f, 0xff, 0xff], [1, 1, 0, 0, 5], [0, 240, 0, 0, 6], [1, 1, 0, 0, 7]];
        let (events, tally, _) = decode(&bytes.concat());
        assert_eq!(events.t, [CLOCK - 1, CLOCK + 5, CLOCK + 8192 + 7]);
        assert_eq!(tally.skipped["time overflow"], 1);
        assert_eq!(tally.noted[&Cause::ClockWrapped], 1);
    }

    #[test]
    fn half_an_event_at_the_end_is_named() {
        let (events, _, error) = decode(&[1, 2, 0, 0, 3, 9, 9]);
        assert_eq!(events.len(), 1);
        let error = error.unwrap();
        assert_eq!((error.kind, error.offset), (ErrorKind::Truncated, Some(5)));
    }

    #[test]
    fn only_what_can_be_read_back_is_written() {
        for wrong in [
            vec![(-1, 0, 0, true)],
            vec![(CLOCK, 0, 0, true)],
            vec![(0, 256, 0, true)],
            vec![(0, 0, 256, true)],
            vec![(0, 0, 240, true)],
            vec![(CLOCK / 2, 0, 0, true), (CLOCK, 0, 0, true)],
        ] {
            let error = encode(&wrong.into_iter().collect()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unsupported);
        }
        let long: Batch = (0..9).map(|i| (i * (CLOCK / 2 - 1), 255, 239, i % 2 == 0)).collect();
        assert_eq!(decode(&encode(&long).unwrap()).0, long);
    }
}
