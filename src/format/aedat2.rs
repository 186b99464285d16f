//! AEDAT 2.0 of the DVS128, as jAER writes it.
//!
//! Header lines that begin with `#`, then eight bytes an event, big-endian:
//!
//! ```text
//! 00000000 00000000 0yyyyyyy xxxxxxxp   address
//! tttttttt tttttttt tttttttt tttttttt   µs
//! ```
//!
//! `p` is 0 for ON and columns run from the right, so x = 127 − `x`. Row 0 is
//! at the bottom of jAER's screen: rows stay as jAER counts them, while libcaer,
//! and so AEDAT 3.1, has 127 − `y` for the same pixel.
//!
//! An address above bit 14 belongs to no pixel. Bit 15 marks a pulse at the
//! synchronisation input, bit 31 a special event of jAER's own; nothing else of
//! a DVS128 sets bits there. All are dropped as [`Cause::Special`].
//!
//! Time overflows after 71.6 min. jAER reads it as signed, so that it turns
//! negative half way; read as unsigned and unrolled it runs on.
//!
//! The addresses of other chips are laid out differently, and the header is all
//! that tells them apart: one that names another chip is refused, one that names
//! none is taken for a DVS128. Lines end at the first byte that is no `#`, or
//! after jAER's `#End Of ASCII Header`; no pixel of a DVS128 begins with a `#`.
//!
//! Source: jAER's `AEFileInputStream` and `DVS128.Extractor`; iniVation's
//! description of AEDAT 2.0.

use super::columns::{self, Layout, READ, RUN};
use super::{CHUNK_EVENTS, Decoder, Format, Header, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Cause, Sensor, Tally, Unwrap};

/// The entry in [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "aedat2",
    about: "AEDAT 2.0 with DVS128 addresses, from jAER",
    sniff,
    open,
    encode: Some(encode),
};

const MAGIC: &[u8] = b"#!AER-DAT2.0";
const END_OF_HEADER: &str = "#End Of ASCII Header";
const EVENT: usize = 8;
const SIDE: u16 = 128;
const LAST_PIXEL: u32 = 0x7fff;
const CLOCK: i64 = 1 << 32;

/// The chip and the name that it had before it was a product.
const CHIPS: [&str; 2] = ["DVS128", "Tmpdiff128"];

/// Families that jAER records with their own addresses.
const STRANGERS: [&str; 4] = ["DAVIS", "DVXPLORER", "COCHLEA", "DVS640"];

fn sniff(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

struct Aedat2 {
    header: Header,
    source: Source,
    clock: Unwrap,
    tally: Tally,
}

fn open(mut source: Source) -> Result<Box<dyn Decoder>> {
    let mut header = Header {
        format: FORMAT.name,
        sensor: Some(Sensor { width: SIDE, height: SIDE }),
        coding: "DVS128 address: columns from the right, row 0 at the bottom, polarity 0 = ON; \
                 32-bit µs",
        ..Header::default()
    };
    let mut interface = None;
    while source.peek(1)?.first() == Some(&b'#') {
        let start = source.offset();
        let line = String::from_utf8_lossy(source.line()?).into_owned();
        match line.trim_start_matches(['#', ' ']).split_once(": ") {
            Some(("AEChip", class)) => {
                header.camera = Some(chip(class).map_err(|e| e.at_byte(start))?);
            }
            Some(("HardwareInterface", name)) => interface = Some((start, name.to_owned())),
            _ if line == END_OF_HEADER => break,
            _ => (),
        }
    }
    if header.camera.is_none() {
        if let Some((start, name)) = interface.filter(|(_, name)| is_stranger(name)) {
            return Err(refusal(&name).at_byte(start));
        }
        header.remarks.push("no chip named: taken for a DVS128".to_owned());
    }
    Ok(Box::new(Aedat2 { header, source, clock: Unwrap::new(CLOCK), tally: Tally::default() }))
}

/// The chip whose Java class this is, such as
/// `ch.unizh.ini.jaer.chip.retina.DVS128`.
fn chip(class: &str) -> Result<String> {
    let name = class.rsplit('.').next().unwrap_or(class).trim();
    match CHIPS.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(refusal(name)),
    }
}

/// Whether an interface belongs to a camera with other addresses; asked only
/// where the header names no chip, which would have the last word.
fn is_stranger(interface: &str) -> bool {
    STRANGERS.iter().any(|family| interface.to_uppercase().contains(family))
}

fn refusal(chip: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("AEDAT 2.0 of the chip '{chip}'"),
        "DVS128, the one whose addresses are read",
    )
}

/// An event that a pixel sent; its time is that of the recorder's clock.
#[derive(Clone, Copy)]
struct Pixel;

#[inline]
fn address(event: &[u8; EVENT]) -> u32 {
    (u64::from_be_bytes(*event) >> 32) as u32
}

impl Layout<EVENT> for Pixel {
    #[inline]
    fn is_sound(self, event: &[u8; EVENT]) -> bool {
        address(event) <= LAST_PIXEL
    }

    #[inline]
    fn t(self, event: &[u8; EVENT]) -> i64 {
        i64::from(u64::from_be_bytes(*event) as u32)
    }

    #[inline]
    fn x(self, event: &[u8; EVENT]) -> u16 {
        SIDE - 1 - (address(event) >> 1 & 0x7f) as u16
    }

    #[inline]
    fn y(self, event: &[u8; EVENT]) -> u16 {
        (address(event) >> 8) as u16
    }

    #[inline]
    fn on(self, event: &[u8; EVENT]) -> bool {
        address(event) & 1 == 0
    }
}

/// Decodes events among which are some that no pixel sent, or times that step back.
fn look(events: &[[u8; EVENT]], clock: &mut Unwrap, out: &mut Batch, tally: &mut Tally) {
    let before = out.len();
    let mut special = 0;
    for event in events {
        let (t, wrapped) = clock.time(Pixel.t(event));
        tally.note(Cause::ClockWrapped, u64::from(wrapped));
        match Pixel.is_sound(event) {
            true => out.push(t, Pixel.x(event), Pixel.y(event), Pixel.on(event)),
            false => special += 1,
        }
    }
    tally.keep((out.len() - before) as u64);
    tally.drop(Cause::Special, special);
}

impl Decoder for Aedat2 {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        for _ in 0..CHUNK_EVENTS / READ {
            let bytes = self.source.records(EVENT, READ, "an event")?;
            if bytes.is_empty() {
                return Ok(false);
            }
            for events in bytes.as_chunks().0.chunks(RUN) {
                match columns::append_by_clock(Pixel, events, &mut self.clock, out) {
                    true => self.tally.keep(events.len() as u64),
                    false => look(events, &mut self.clock, out, &mut self.tally),
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

/// Writes events of 128×128 pixels whose times the decoder can unroll again: the
/// first inside the clock's period, no step of half a period or more.
fn encode(batch: &Batch) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256 + batch.len() * EVENT);
    for line in [
        "#!AER-DAT2.0",
        "# This is a raw AE data file - do not edit",
        "# Data format is int32 address, int32 timestamp (8 bytes total), repeated for each event",
        "# Timestamps tick is 1 us",
        "# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128",
        END_OF_HEADER,
    ] {
        out.extend(line.as_bytes());
        out.extend(b"\r\n");
    }
    let mut clock = Unwrap::new(CLOCK);
    for (t, x, y, on) in batch.iter() {
        let fits = x < SIDE && y < SIDE && clock.time(t.rem_euclid(CLOCK)).0 == t;
        if !fits {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("an event at t = {t} µs, x = {x}, y = {y}"),
                "x and y below 128, the first time below 2^32 µs, then steps below 2^31 µs",
            ));
        }
        let address = u32::from(y) << 8 | u32::from(SIDE - 1 - x) << 1 | u32::from(!on);
        out.extend(address.to_be_bytes());
        out.extend((t as u32).to_be_bytes());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::read_all;
    use super::*;

    fn file(header: &str, events: &[(u32, u32)]) -> Vec<u8> {
        let events = events.iter().flat_map(|(a, t)| [a.to_be_bytes(), t.to_be_bytes()]);
        [header.as_bytes(), &events.collect::<Vec<_>>().concat()].concat()
    }

    /// The first two events of jAER's `MovingDarkBox.aedat`, worked by hand:
    /// 0x1318 is row 0x13, column 127 − 12, ON; 0x347c row 0x34, column 65, ON.
    #[test]
    fn bits_are_where_jaer_puts_them() {
        let bytes = file(
            "#!AER-DAT2.0\r\n# created Fri Aug 03 16:29:47 CEST 2012\r\n",
            &[(0x1318, 0x3869_d423), (0x347c, 0x3869_d988), (0x0001, 0x3869_d989)],
        );
        let (header, events, _, error) = read_all(&FORMAT, &bytes);
        assert!(error.is_none());
        assert_eq!(events.get(0), (0x3869_d423, 115, 19, true));
        assert_eq!(events.get(1), (0x3869_d988, 65, 52, true));
        assert_eq!(events.get(2), (0x3869_d989, 127, 0, false));
        assert_eq!(header.sensor, Some(Sensor { width: 128, height: 128 }));
        assert_eq!(header.remarks, ["no chip named: taken for a DVS128"]);
    }

    #[test]
    fn what_is_no_pixel_is_dropped_and_counted_but_moves_the_clock() {
        let bytes = file(
            "#!AER-DAT2.0\n",
            &[(0, u32::MAX), (0x8000, 3), (0x8000_0000, 4), (0x1_0000, 5), (0, 6)],
        );
        let (_, events, tally, _) = read_all(&FORMAT, &bytes);
        assert_eq!(events.t, [CLOCK - 1, CLOCK + 6]);
        assert_eq!(tally.dropped[&Cause::Special], 3);
        assert_eq!(tally.noted[&Cause::ClockWrapped], 1);
    }

    #[test]
    fn another_chip_is_refused_by_name() {
        let refusal = |line: &str| {
            let bytes = file(&format!("#!AER-DAT2.0\r\n{line}\r\n"), &[(0, 0)]);
            read_all(&FORMAT, &bytes).3.map(|e| (e.kind, e.offset, e.found))
        };
        for line in [
            "# AEChip: eu.seebetter.ini.chips.davis.Davis240C",
            "# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128andCochleaAMS1b",
            "# HardwareInterface: DAVIS FX3 0002-INI",
        ] {
            let (kind, offset, found) = refusal(line).unwrap();
            assert_eq!((kind, offset), (ErrorKind::Unsupported, Some(14)));
            let name = line.rsplit(['.', ':']).next().unwrap().trim();
            assert_eq!(found, format!("AEDAT 2.0 of the chip '{name}'"));
        }
        assert!(refusal("# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128").is_none());
        assert!(refusal("# HardwareInterface: DAVIS FX3\r\n# AEChip: x.DVS128").is_none());
        assert!(refusal("# HardwareInterface: DVS128 CypressFX2").is_none());
    }

    #[test]
    fn the_header_ends_where_jaer_says_so() {
        let bytes = file("#!AER-DAT2.0\r\n#End Of ASCII Header\r\n", &[(0x2300_0000, 7), (0, 8)]);
        let (_, events, tally, _) = read_all(&FORMAT, &bytes);
        assert_eq!((events.t, tally.dropped[&Cause::Special]), (vec![8], 1));
    }

    #[test]
    fn half_an_event_at_the_end_is_named() {
        let mut bytes = file("#!AER-DAT2.0\n", &[(0, 1), (0, 2)]);
        bytes.truncate(13 + 8 + 3);
        let (_, events, _, error) = read_all(&FORMAT, &bytes);
        let error = error.unwrap();
        assert_eq!((events.len(), error.kind, error.offset), (1, ErrorKind::Truncated, Some(21)));
    }

    #[test]
    fn only_what_can_be_read_back_is_written() {
        for wrong in [(-1, 0, 0, true), (0, 128, 0, true), (0, 0, 128, true), (CLOCK, 0, 0, true)] {
            let error = encode(&[wrong].into_iter().collect()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unsupported);
        }
        let long: Batch = (0..9).map(|i| (i * (CLOCK / 2 - 1), 127, 5, i % 2 == 0)).collect();
        assert_eq!(read_all(&FORMAT, &encode(&long).unwrap()).1, long);
    }
}
