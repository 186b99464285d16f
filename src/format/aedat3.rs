//! AEDAT 3.1, as cAER wrote DVS128 Gesture.
//!
//! Header lines up to `#!END-HEADER`, then packets of one event type each,
//! little-endian:
//!
//! ```text
//! u16 type, u16 source, u32 event size, u32 timestamp offset,
//! u32 timestamp overflow, u32 capacity, u32 number, u32 valid     28 bytes
//! xxxxxxxx xxxxxxxy yyyyyyyy yyyyyypv   i32 µs                     8 bytes an event of type 1
//! ```
//!
//! `v` is 1 for a valid event, `p` for ON; row 0 is at the top. The time is
//! (overflow << 31) + µs. An event that is not valid is dropped as
//! [`Cause::Invalid`], one outside the named camera as [`Cause::Outside`].
//! Packets of other types are passed over and tallied, event by event, under the
//! type's name.
//!
//! A packet takes capacity × size bytes; in a file capacity equals number. Where
//! it is greater all the same, the slots behind the first `number` are passed
//! over and tallied, as libcaer's `caerEventPacketGetDataSize` lays them out.
//! (cAER's own reader would expect the next packet there; SpikingJelly and tonic
//! decode the empty slots too, as events at 0, 0.) The fields are signed, so one
//! with its top bit set is damage, as is more events than slots.
//!
//! cAER's compressed packets (top bit of the type) state their bytes as
//! capacity; compressed polarity events are refused. Of several sources the one
//! is read whose events come first, because two cameras are not one recording;
//! which that will be, and its sensor, the header does not say.
//!
//! AEDAT 3.0 is refused: it counts rows from the bottom and marks no end of its
//! header.
//!
//! Source: iniVation, AEDAT 3.1; libcaer `events/common.h`, `events/polarity.h`;
//! cAER `input_common.c`.

mod camera;
mod packet;

use std::ops::Range;

use super::columns::{self, Layout, RUN};
use super::{ADDRESSES, CHUNK_EVENTS, Decoder, Format, Header, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Cause, Sensor, Tally};
use camera::sensor;
use packet::{POLARITY, Packet};

/// The entry in [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "aedat3",
    about: "AEDAT 3.1 from cAER, the format of DVS128 Gesture",
    sniff,
    open,
    encode: Some(encode),
};

const MAGIC: &[u8] = b"#!AER-DAT3.";
const VERSION: &str = "#!AER-DAT3.1";
const END_OF_HEADER: &str = "#!END-HEADER";

/// A header longer than this is damage: its lines are kept.
const LONGEST_HEADER: u64 = 1 << 20;

const EVENT: usize = 8;

fn sniff(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

struct Aedat3 {
    header: Header,
    source: Source,
    /// The source whose events are read, once the first has come.
    camera: Option<u16>,
    /// Events of the open packet that are still to be decoded.
    left: usize,
    /// Bytes behind them that hold no event.
    unused: u64,
    /// Time at which the packet's timestamps begin.
    epoch: i64,
    tally: Tally,
}

fn open(mut source: Source) -> Result<Box<dyn Decoder>> {
    let version = String::from_utf8_lossy(source.line()?).into_owned();
    if version != VERSION {
        return Err(Error::new(ErrorKind::Unsupported, format!("'{version}'"), VERSION).at_byte(0));
    }
    let mut header = Header {
        format: FORMAT.name,
        coding: "x, y in 15 bits each, row 0 at the top, polarity 1 = ON, 62-bit µs",
        ..Header::default()
    };
    loop {
        let start = source.offset();
        if start > LONGEST_HEADER {
            let found = format!("a header of over {LONGEST_HEADER} bytes");
            return Err(Error::new(ErrorKind::Corrupt, found, END_OF_HEADER).at_byte(start));
        }
        let line = String::from_utf8_lossy(source.line()?).into_owned();
        match line.strip_prefix('#') {
            Some(_) if line == END_OF_HEADER => break,
            Some(text) => read_line(text, &mut header),
            None => {
                let found: String = line.chars().take(16).flat_map(char::escape_debug).collect();
                let found = format!("a header line that begins with '{found}'");
                return Err(Error::new(ErrorKind::Corrupt, found, END_OF_HEADER).at_byte(start));
            }
        }
    }
    let (camera, left, unused, epoch, tally) = (None, 0, 0, 0, Tally::default());
    Ok(Box::new(Aedat3 { header, source, camera, left, unused, epoch, tally }))
}

fn read_line(text: &str, header: &mut Header) {
    match text.split_once(": ") {
        Some((key, name)) if key.starts_with("Source ") && header.camera.is_none() => {
            header.camera = Some(name.to_owned());
            header.sensor = sensor(name);
        }
        Some((key, _)) if key.starts_with("Source ") => {
            header.sensor = None;
            header.remarks.push(format!("{text}: only the source whose events come first is read"));
        }
        Some(("Format", "RAW")) => (),
        _ => header.remarks.push(text.to_owned()),
    }
}

impl Aedat3 {
    /// Comes to the next packet of the camera's events, if there is one more.
    fn next_packet(&mut self) -> Result<bool> {
        self.source.skip(std::mem::take(&mut self.unused), "unused event slots")?;
        while let Some(packet) = Packet::read(&mut self.source)? {
            let what = match packet.kind {
                // one without events is of any source
                POLARITY
                    if packet.number == 0
                        || *self.camera.get_or_insert(packet.source) == packet.source =>
                {
                    self.enter(&packet);
                    return Ok(true);
                }
                POLARITY => format!("polarity of source {}", packet.source),
                _ => packet.type_name(),
            };
            self.source.skip(packet.bytes(), &format!("{what} events"))?;
            self.tally.skip(&what, packet.number.into());
        }
        Ok(false)
    }

    fn enter(&mut self, packet: &Packet) {
        let slots = packet.capacity - packet.number;
        self.left = packet.number as usize;
        self.unused = u64::from(slots) * EVENT as u64;
        self.epoch = i64::from(packet.overflow) << 31;
        self.tally.skip("unused slot", slots.into());
    }

    /// Decodes as much of the packet as there is, `most` events at most.
    fn events(&mut self, most: usize, out: &mut Batch) -> Result<()> {
        let start = self.source.offset();
        let mut bytes = self.source.records(EVENT, most.min(self.left), "a polarity event")?;
        if bytes.is_empty() {
            bytes = self.source.take(EVENT, "a polarity event")?;
        }
        self.left -= bytes.len() / EVENT;
        let sensor = self.header.sensor.unwrap_or(ADDRESSES);
        let polarity = Polarity { epoch: self.epoch, sensor };
        let runs = bytes.as_chunks().0.chunks(RUN);
        for (run, start) in runs.zip((start..).step_by(RUN * EVENT)) {
            match columns::append(polarity, run, out) {
                true => self.tally.keep(run.len() as u64),
                false => polarity.look(run, start, out, &mut self.tally)?,
            }
        }
        Ok(())
    }
}

/// An event of a packet.
#[derive(Clone, Copy)]
struct Polarity {
    epoch: i64,
    sensor: Sensor,
}

impl Polarity {
    /// Decodes events of which some are to be dropped, or are damage; `start` is the
    /// place of the first.
    fn look(
        self,
        events: &[[u8; EVENT]],
        start: u64,
        out: &mut Batch,
        tally: &mut Tally,
    ) -> Result<()> {
        let (before, mut invalid, mut outside) = (out.len(), 0, 0);
        let mut damage = Ok(());
        for (event, offset) in events.iter().zip((start + 4..).step_by(EVENT)) {
            let stamp = stamp(event);
            if !is_valid(event) {
                invalid += 1;
            } else if stamp < 0 {
                let found = format!("a time of {stamp} µs");
                damage = Err(Error::new(ErrorKind::Corrupt, found, "0 or more").at_byte(offset));
                break;
            } else if !self.is_inside(event) {
                outside += 1;
            } else {
                out.push(self.t(event), self.x(event), self.y(event), self.on(event));
            }
        }
        tally.keep((out.len() - before) as u64);
        tally.drop(Cause::Invalid, invalid);
        tally.drop(Cause::Outside, outside);
        damage
    }

    #[inline]
    fn is_inside(self, event: &[u8; EVENT]) -> bool {
        (self.x(event) < self.sensor.width) & (self.y(event) < self.sensor.height)
    }
}

#[inline]
fn data(event: &[u8; EVENT]) -> u32 {
    u64::from_le_bytes(*event) as u32
}

#[inline]
fn stamp(event: &[u8; EVENT]) -> i32 {
    (u64::from_le_bytes(*event) >> 32) as i32
}

#[inline]
fn is_valid(event: &[u8; EVENT]) -> bool {
    data(event) & 1 != 0
}

impl Layout<EVENT> for Polarity {
    #[inline]
    fn is_sound(self, event: &[u8; EVENT]) -> bool {
        is_valid(event) & (stamp(event) >= 0) & self.is_inside(event)
    }

    #[inline]
    fn t(self, event: &[u8; EVENT]) -> i64 {
        self.epoch | i64::from(stamp(event))
    }

    #[inline]
    fn x(self, event: &[u8; EVENT]) -> u16 {
        (data(event) >> 17) as u16
    }

    #[inline]
    fn y(self, event: &[u8; EVENT]) -> u16 {
        (data(event) >> 2 & 0x7fff) as u16
    }

    #[inline]
    fn on(self, event: &[u8; EVENT]) -> bool {
        data(event) & 2 != 0
    }
}

impl Decoder for Aedat3 {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        let full = out.len() + CHUNK_EVENTS;
        while out.len() < full {
            if self.left > 0 {
                self.events(full - out.len(), out)?;
            } else if !self.next_packet()? {
                return Ok(false);
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

/// Events in a packet that is written here.
const PACKET_EVENTS: usize = 4096;

/// Writes packets of at most 4,096 valid events from source 1. The source is
/// called `DVS128` if every event lies inside that sensor; otherwise `File`, a
/// name that claims no size.
fn encode(batch: &Batch) -> Result<Vec<u8>> {
    let inside = batch.iter().all(|(_, x, y, _)| x < 128 && y < 128);
    let camera = if inside { "DVS128" } else { "File" };
    let mut out = format!(
        "{VERSION}\r\n#Format: RAW\r\n#Source 1: {camera}\r\n\
         #Start-Time: 1970-01-01 00:00:00 (TZ+0000)\r\n{END_OF_HEADER}\r\n"
    )
    .into_bytes();
    let mut first = 0;
    while first < batch.len() {
        let epoch = batch.t[first] >> 31;
        let times = batch.t[first..].iter().take(PACKET_EVENTS);
        let number = times.take_while(|&&t| t >> 31 == epoch).count();
        write_packet(batch, first..first + number, &mut out)?;
        first += number;
    }
    Ok(out)
}

fn write_packet(batch: &Batch, events: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
    let number = events.len() as u32;
    let overflow = batch.t[events.start] >> 31;
    out.extend(Packet::of_polarity(number, overflow as u32).write());
    for (t, x, y, on) in events.map(|i| batch.get(i)) {
        if !(0..1 << 62).contains(&t) || x >= ADDRESSES.width || y >= ADDRESSES.height {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("an event at t = {t} µs, x = {x}, y = {y}"),
                "x and y below 2^15, times from 0 to 2^62 µs",
            ));
        }
        let data = u32::from(x) << 17 | u32::from(y) << 2 | u32::from(on) << 1 | 1;
        out.extend(data.to_le_bytes());
        out.extend((t as u32 & i32::MAX as u32).to_le_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::read_all;
    use super::*;

    const HEAD: &str = "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n\
                        #Start-Time: 2016-09-21 14:54:52 (TZ-0400)\r\n#!END-HEADER\r\n";

    fn packet(kind: u16, source: u16, words: [u32; 6], body: &[u8]) -> Vec<u8> {
        [&packet::tests::header(kind, source, words), body].concat()
    }

    fn polarity(overflow: u32, events: &[(u32, u32)]) -> Vec<u8> {
        let n = events.len() as u32;
        packet(1, 1, [8, 4, overflow, n, n, n], &body(events))
    }

    fn body(events: &[(u32, u32)]) -> Vec<u8> {
        events.iter().flat_map(|(a, t)| [a.to_le_bytes(), t.to_le_bytes()].concat()).collect()
    }

    fn file(packets: &[Vec<u8>]) -> Vec<u8> {
        [HEAD.as_bytes(), &packets.concat()].concat()
    }

    /// Worked from the data set's own description: column 5 << 17, row 9 << 2,
    /// ON << 1, valid.
    #[test]
    fn bits_are_where_the_data_set_says() {
        let bytes = file(&[polarity(0, &[(0x000a_0027, 77)]), polarity(3, &[(0x00fe_01fd, 78)])]);
        let (header, events, _, error) = read_all(&FORMAT, &bytes);
        assert!(error.is_none());
        assert_eq!(events.get(0), (77, 5, 9, true));
        assert_eq!(events.get(1), ((3 << 31) + 78, 127, 127, false));
        assert_eq!(header.camera.as_deref(), Some("DVS128"));
        assert_eq!(header.sensor, Some(Sensor { width: 128, height: 128 }));
        assert_eq!(header.remarks, ["Start-Time: 2016-09-21 14:54:52 (TZ-0400)"]);
    }

    #[test]
    fn what_is_no_pixel_event_of_the_camera_is_passed_over_and_named() {
        let bytes = file(&[
            packet(0, 1, [8, 4, 0, 2, 2, 2], &[0; 16]),
            polarity(0, &[(3, 1), (2, 2), (128 << 17 | 1, 3)]),
            packet(37, 1, [3, 0, 0, 1, 1, 0], &[0; 3]),
            packet(0x8002, 1, [900, 0, 0, 5, 1, 1], &[0; 5]),
            packet(1, 2, [8, 4, 0, 1, 1, 1], &body(&[(3, 4)])),
            polarity(0, &[]),
            polarity(0, &[(1, 5)]),
        ]);
        let (_, events, tally, error) = read_all(&FORMAT, &bytes);
        assert!(error.is_none());
        assert_eq!(events.t, [1, 5]);
        assert_eq!((tally.dropped[&Cause::Invalid], tally.dropped[&Cause::Outside]), (1, 1));
        let skipped: Vec<_> = tally.skipped.iter().map(|(k, &n)| (k.as_str(), n)).collect();
        let expected = [("frame", 1), ("polarity of source 2", 1), ("special", 2), ("type 37", 1)];
        assert_eq!(skipped, expected);
    }

    #[test]
    fn slots_without_events_are_passed_over() {
        let two_of_three = packet(1, 1, [8, 4, 0, 3, 2, 2], &body(&[(1, 1), (1, 2), (0, 0)]));
        let (_, events, tally, error) =
            read_all(&FORMAT, &file(&[two_of_three.clone(), polarity(0, &[(1, 3)])]));
        assert!(error.is_none());
        assert_eq!((events.t, tally.skipped["unused slot"]), (vec![1, 2, 3], 1));
        let cut = file(&[two_of_three[..28 + 20].to_vec()]);
        let (_, events, _, error) = read_all(&FORMAT, &cut);
        let error = error.unwrap();
        assert_eq!((events.len(), error.kind), (2, ErrorKind::Truncated));
        assert_eq!(error.offset, Some(cut.len() as u64));
    }

    #[test]
    fn damage_inside_a_packet_spares_the_events_before_it() {
        let bytes = file(&[polarity(0, &[(1, 1), (1, 2), (1, 1 << 31), (1, 4)])]);
        let (_, events, _, error) = read_all(&FORMAT, &bytes);
        assert_eq!(events.t, [1, 2]);
        assert_eq!(error.unwrap().offset, Some(HEAD.len() as u64 + 28 + 16 + 4));
        let (_, events, _, error) = read_all(&FORMAT, &bytes[..bytes.len() - 17]);
        assert_eq!((events.len(), error.unwrap().kind), (1, ErrorKind::Truncated));
    }

    #[test]
    fn other_versions_and_unended_headers_are_refused() {
        let refusal = |text: &[u8]| {
            let error = read_all(&FORMAT, text).3.unwrap();
            (error.kind, error.offset)
        };
        assert_eq!(refusal(b"#!AER-DAT3.0\r\n"), (ErrorKind::Unsupported, Some(0)));
        assert_eq!(refusal(b"#!AER-DAT3.1\r\n\x01\0\n"), (ErrorKind::Corrupt, Some(14)));
        assert_eq!(refusal(b"#!AER-DAT3.1\r\n#Form"), (ErrorKind::Truncated, Some(14)));
    }

    #[test]
    fn of_two_sources_neither_lends_the_other_its_sensor() {
        let text = "#!AER-DAT3.1\r\n#Source 0: DVS128\r\n#Source 1: DAVIS240C\r\n#!END-HEADER\r\n";
        let bytes = [text.as_bytes(), &polarity(0, &[(200 << 17 | 1, 1)])].concat();
        let (header, events, ..) = read_all(&FORMAT, &bytes);
        assert_eq!((header.sensor, events.x), (None, vec![200]));
        assert!(header.remarks[0].starts_with("Source 1: DAVIS240C: only"));
    }

    #[test]
    fn a_packet_without_events_chooses_no_source() {
        let empty = packet(1, 2, [8, 4, 0, 0, 0, 0], &[]);
        let (_, events, tally, error) = read_all(&FORMAT, &file(&[empty, polarity(0, &[(1, 5)])]));
        assert!(error.is_none());
        assert_eq!((events.t, tally.skipped.len()), (vec![5], 0));
    }

    #[test]
    fn packets_written_are_bounded_and_share_one_overflow() {
        let long: Batch = (0..9_000)
            .map(|i| ((1 << 31) - 5_000 + i, (i % 346) as u16, (i % 260) as u16, i % 3 == 0))
            .collect();
        let bytes = encode(&long).unwrap();
        let (header, events, ..) = read_all(&FORMAT, &bytes);
        assert_eq!((events, header.sensor), (long, None));
        assert_eq!(bytes.len(), 103 + 3 * 28 + 9_000 * EVENT);
        for wrong in [(-1, 0, 0, true), (1 << 62, 0, 0, true), (0, 1 << 15, 0, true)] {
            assert!(encode(&[wrong].into_iter().collect()).is_err());
        }
    }
}
