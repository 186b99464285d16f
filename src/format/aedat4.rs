//! AEDAT 4.0, as dv and dv-processing write it.
//!
//! ```text
//! #!AER-DAT4.0\r\n
//! flatbuffer IOHE    0: i32 compression, 1: i64 place of the data table, 2: XML
//! then packets       i32 stream, i32 bytes, as many bytes: a frame (see `packing`) of
//! flatbuffer EVTS    0: events of 16 bytes: i64 µs, i16 x, i16 y, bool ON
//! data table         an index of the packets; nothing follows it
//! ```
//!
//! All little-endian; every flatbuffer has a size prefix. Times are Unix time,
//! row 0 is at the top. The place of the table is −1 in a file that was never
//! closed; it is then read to its end.
//!
//! The XML gives every stream a type. Packets of other types than EVTS are
//! passed over and tallied, packet by packet, under that type; those of a stream
//! that the XML does not have, as such. Where several streams hold
//! events, the one with the lowest number is read, as tonic does: the others come
//! from another camera or are the same events filtered. The header's remarks name
//! them, the tally counts their packets.
//!
//! Packets are unpacked one at a time, or before their turn by other threads (see
//! `ahead`) where there are some. Of a packet that is cut off, or whose frame
//! breaks, the events that could be unpacked until then are delivered; one whose
//! checksum differs is lost as a whole, since nothing says where its damage is.
//!
//! Source: iniVation, AEDAT 4.0, and its schemas `IOHeader.fbs`, `event.fbs`.

mod ahead;
mod flatbuffer;
mod info;
mod lz4;
mod packing;

use std::collections::BTreeMap;

use super::columns::{self, Layout, RUN};
use super::{ADDRESSES, CHUNK_EVENTS, Decoder, Format, Header, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Cause, Sensor, Tally};
use ahead::Ahead;
use flatbuffer::{Table, Vector, stated_size};
use info::Stream;
use packing::Packing;

/// The entry in [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "aedat4",
    about: "AEDAT 4.0 from dv and dv-processing",
    sniff,
    open,
    encode: None,
};

const MAGIC: &[u8] = b"#!AER-DAT4.";
const VERSION: &str = "#!AER-DAT4.0";
const PACKET_HEADER: usize = 8;
const EVENT: usize = 16;

fn sniff(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

struct Aedat4 {
    header: Header,
    source: Source,
    packing: Packing,
    streams: BTreeMap<i32, Stream>,
    /// The stream whose events are read.
    events: Option<i32>,
    /// Where the data table begins.
    end: Option<u64>,
    /// The unpacked packet.
    body: Vec<u8>,
    /// Packets behind it that others unpack.
    ahead: Ahead,
    /// Its events that are still to be decoded.
    rest: Vector,
    /// What is to be reported behind them.
    damage: Option<Error>,
    tally: Tally,
}

fn open(mut source: Source) -> Result<Box<dyn Decoder>> {
    let version = String::from_utf8_lossy(source.line()?).into_owned();
    if version != VERSION {
        return Err(Error::new(ErrorKind::Unsupported, format!("'{version}'"), VERSION).at_byte(0));
    }
    let start = source.offset();
    let size = stated_size(source.peek(4)?).unwrap_or(4);
    let bytes = source.take(size, "the file's header")?;
    let (packing, end, streams) = read_header(bytes).map_err(|e| e.at_byte(start))?;
    if let Some(end) = end.filter(|&end| end < source.offset()) {
        let found = format!("a data table at byte {end}");
        let expected = format!("one behind the header, at byte {} or later", source.offset());
        return Err(Error::new(ErrorKind::Corrupt, found, expected).at_byte(start));
    }
    let events = streams.iter().find(|(_, stream)| stream.kind == "EVTS").map(|(&id, _)| id);
    Ok(Box::new(Aedat4 {
        header: describe(packing, &streams, events),
        source,
        packing,
        streams,
        events,
        end,
        body: Vec::new(),
        ahead: Ahead::default(),
        rest: Vector::default(),
        damage: None,
        tally: Tally::default(),
    }))
}

/// Stream and size of a packet.
fn packet_header(head: &[u8; PACKET_HEADER]) -> (i32, i32) {
    let head = u64::from_le_bytes(*head);
    (head as i32, (head >> 32) as i32)
}

type FileHeader = (Packing, Option<u64>, BTreeMap<i32, Stream>);

fn read_header(bytes: &[u8]) -> Result<FileHeader> {
    let table = Table::root(bytes, b"IOHE")?;
    let packing = Packing::of_code(table.scalar(0)?.map_or(0, i32::from_le_bytes))?;
    let end = table.scalar(1)?.map(i64::from_le_bytes).and_then(|end| u64::try_from(end).ok());
    Ok((packing, end, info::streams(table.text(2)?)?))
}

fn describe(packing: Packing, streams: &BTreeMap<i32, Stream>, events: Option<i32>) -> Header {
    let stream = events.and_then(|id| streams.get(&id));
    let mut remarks = vec![packing.name().to_owned()];
    for (id, stream) in streams.iter().filter(|(id, _)| Some(**id) != events) {
        let more = if stream.kind == "EVTS" { ", more events" } else { "" };
        remarks.push(format!("stream {id} is not read: {}{more}", stream.kind));
    }
    if events.is_none() {
        remarks.push("no stream of events (EVTS)".to_owned());
    }
    Header {
        format: FORMAT.name,
        camera: stream.and_then(|stream| stream.camera.clone()),
        sensor: stream.and_then(|stream| stream.sensor),
        coding: "x, y in 16 bits each, row 0 at the top, polarity 1 = ON, Unix time in µs",
        remarks,
        ..Header::default()
    }
}

impl Aedat4 {
    /// Comes to the next packet of events, if there is one more.
    fn next_packet(&mut self) -> Result<bool> {
        while let Some((id, size)) = self.packet_header()? {
            if Some(id) == self.events {
                self.prepare(size, id);
                self.unpack(size)?;
                return Ok(true);
            }
            let what = match self.streams.get(&id) {
                None => "an unknown stream".to_owned(),
                Some(stream) if stream.kind == "EVTS" => format!("EVTS of stream {id}"),
                Some(stream) => stream.kind.clone(),
            };
            self.source.skip(size as u64, &format!("a packet of {what}"))?;
            self.tally.skip(&format!("packets of {what}"), 1);
        }
        Ok(false)
    }

    /// Stream and size of the next packet, unless the packets end here.
    fn packet_header(&mut self) -> Result<Option<(i32, usize)>> {
        let start = self.source.offset();
        if self.end == Some(start) {
            return Ok(None);
        }
        let head = self.source.records(PACKET_HEADER, 1, "a packet header")?;
        let Some(head) = head.first_chunk() else {
            return self.end_of_file().map(|()| None);
        };
        let (id, size) = packet_header(head);
        let here = self.source.offset();
        let left = self.end.map_or(i32::MAX.into(), |end| end as i64 - here as i64);
        if size < 0 || i64::from(size) > left {
            let found = format!("a packet of {size} bytes");
            let error = Error::new(ErrorKind::Corrupt, found, format!("0 to {left} of them"));
            return Err(error.at_byte(start + 4));
        }
        Ok(Some((id, size as usize)))
    }

    /// Whether the file may end between two packets.
    fn end_of_file(&self) -> Result<()> {
        let Some(end) = self.end else { return Ok(()) };
        let expected = format!("the data table at byte {end}");
        let error = Error::new(ErrorKind::Truncated, "the end of the file", expected);
        Err(error.at_byte(self.source.offset()))
    }

    /// Has packets unpacked that follow one of events of this size, if none is left of
    /// those that were before.
    fn prepare(&mut self, size: usize, id: i32) {
        let (start, source) = (self.source.offset(), &mut self.source);
        let left = self.end.map_or(usize::MAX, |end| (end - start) as usize);
        self.ahead.prepare(self.packing, (start, size), id, |want| {
            // a reader that fails is met again when its bytes are due
            let bytes = source.peek(want).unwrap_or_default();
            &bytes[..bytes.len().min(left)]
        });
    }

    /// Unpacks a packet of events, or the part of it that the file still has.
    fn unpack(&mut self, size: usize) -> Result<()> {
        let start = self.source.offset();
        let frame = self.source.peek(size)?;
        let frame = frame.get(..size).unwrap_or(frame);
        let unpacked = match self.ahead.take(start, &mut self.body) {
            true => Ok(()),
            false => self.packing.unpack(frame, &mut self.body),
        };
        let damage = match self.source.take(size, "a packet of events") {
            Ok(_) => unpacked.err().map(|e| e.at("packet of events").at_byte(start)),
            Err(cut) => Some(cut),
        };
        self.rest = match damage {
            Some(_) => events_before_damage(&self.body),
            None => events_in(&self.body).map_err(|e| e.at("packet of events").at_byte(start))?,
        };
        self.damage = damage;
        Ok(())
    }

    /// Decodes events of the open packet, `most` of them at most.
    fn events(&mut self, most: usize, out: &mut Batch) {
        let inside = Inside(self.header.sensor.unwrap_or(ADDRESSES));
        let count = self.rest.count.min(most);
        let bytes = self.body.get(self.rest.start..).unwrap_or_default().as_chunks().0;
        let events = bytes.get(..count).unwrap_or(bytes);
        let before = out.len();
        for events in events.chunks(RUN) {
            if !columns::append(inside, events, out) {
                let sound = events.iter().filter(|event| inside.is_sound(event));
                sound.for_each(|e| out.push(inside.t(e), inside.x(e), inside.y(e), inside.on(e)));
            }
        }
        let kept = out.len() - before;
        self.rest.start += EVENT * count;
        self.rest.count -= count;
        self.tally.keep(kept as u64);
        self.tally.drop(Cause::Outside, (events.len() - kept) as u64);
    }
}

/// An event of a packet, inside this sensor.
#[derive(Clone, Copy)]
struct Inside(Sensor);

impl Layout<EVENT> for Inside {
    #[inline]
    fn is_sound(self, event: &[u8; EVENT]) -> bool {
        (self.x(event) < self.0.width) & (self.y(event) < self.0.height)
    }

    #[inline]
    fn t(self, event: &[u8; EVENT]) -> i64 {
        u128::from_le_bytes(*event) as i64
    }

    #[inline]
    fn x(self, event: &[u8; EVENT]) -> u16 {
        (u128::from_le_bytes(*event) >> 64) as u16
    }

    #[inline]
    fn y(self, event: &[u8; EVENT]) -> u16 {
        (u128::from_le_bytes(*event) >> 80) as u16
    }

    #[inline]
    fn on(self, event: &[u8; EVENT]) -> bool {
        (u128::from_le_bytes(*event) >> 96) as u8 != 0
    }
}

/// Where the events of a whole packet lie.
fn events_in(body: &[u8]) -> Result<Vector> {
    let size = stated_size(body)?;
    if size != body.len() {
        let found = format!("{} bytes", body.len());
        return Err(Error::new(ErrorKind::Corrupt, found, format!("{size}, by the size prefix")));
    }
    Table::root(body, b"EVTS")?.vector(0, EVENT)
}

/// Where the events lie that are whole in a packet of which this is the beginning.
fn events_before_damage(body: &[u8]) -> Vector {
    let events = Table::root(body, b"EVTS").and_then(|table| table.vector(0, EVENT));
    let Vector { start, count } = events.unwrap_or_default();
    Vector { start, count: count.min(body.len().saturating_sub(start) / EVENT) }
}

impl Decoder for Aedat4 {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        let full = out.len() + CHUNK_EVENTS;
        while out.len() < full {
            if self.rest.count > 0 {
                self.events(full - out.len(), out);
            } else if let Some(damage) = self.damage.take() {
                return Err(damage);
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

#[cfg(test)]
mod tests {
    use super::super::read_all;
    use super::flatbuffer::tests::{buffer, with_vector};
    use super::*;

    /// A file of these streams, uncompressed, with a data table of four bytes.
    fn file(streams: &[(i32, &str)], packets: &[Vec<u8>]) -> Vec<u8> {
        let stream = |(id, kind): &(i32, &str)| {
            format!(r#"<node name="{id}"><attr key="typeIdentifier">{kind}</attr></node>"#)
        };
        let streams: String = streams.iter().map(stream).collect();
        let xml = format!(r#"<dv><node name="outInfo">{streams}</node></dv>"#);
        let packets = packets.concat();
        let table = 14 + header(0, 0, &xml).len() + packets.len();
        let header = header(0, table as i64, &xml);
        [b"#!AER-DAT4.0\r\n", &header[..], &packets, &[0xff; 4]].concat()
    }

    fn header(compression: i32, table: i64, xml: &str) -> Vec<u8> {
        let fields = [&compression.to_le_bytes()[..], &table.to_le_bytes(), &4_u32.to_le_bytes()];
        let text = [&(xml.len() as u32).to_le_bytes(), xml.as_bytes()].concat();
        buffer(b"IOHE", &[4, 8, 16], &fields.concat(), &text)
    }

    fn packet(stream: i32, body: &[u8]) -> Vec<u8> {
        [&stream.to_le_bytes(), &(body.len() as i32).to_le_bytes(), body].concat()
    }

    fn events(events: &[(i64, i16, i16, u8)]) -> Vec<u8> {
        let bytes = events.iter().flat_map(|(t, x, y, on)| {
            [&t.to_le_bytes()[..], &x.to_le_bytes(), &y.to_le_bytes(), &[*on, 0, 0, 0]].concat()
        });
        with_vector(b"EVTS", events.len() as u32, &bytes.collect::<Vec<_>>())
    }

    #[test]
    fn packets_of_other_streams_are_passed_over_and_named() {
        let bytes = file(
            &[(1, "FRME"), (2, "EVTS"), (5, "EVTS")],
            &[
                packet(1, b"frame"),
                packet(2, &events(&[(7, 1, 2, 1), (8, -1, 0, 0)])),
                packet(5, &events(&[(7, 3, 4, 1)])),
                packet(9, b""),
                packet(2, &events(&[])),
                packet(2, &events(&[(9, 0x7fff, 0, 0)])),
            ],
        );
        let (header, events, tally, error) = read_all(&FORMAT, &bytes);
        assert!(error.is_none());
        assert_eq!(events.iter().collect::<Vec<_>>(), [(7, 1, 2, true), (9, 0x7fff, 0, false)]);
        assert_eq!(tally.dropped[&Cause::Outside], 1);
        let skipped: Vec<_> = tally.skipped.iter().map(|(k, &n)| (k.as_str(), n)).collect();
        assert_eq!(
            skipped,
            [
                ("packets of EVTS of stream 5", 1),
                ("packets of FRME", 1),
                ("packets of an unknown stream", 1)
            ]
        );
        assert_eq!(header.remarks[2], "stream 5 is not read: EVTS, more events");
    }

    #[test]
    fn a_packet_larger_than_a_chunk_comes_in_pieces() {
        let long: Vec<_> = (0..40_000).map(|i| (i, (i % 346) as i16, 5, (i % 2) as u8)).collect();
        let bytes = file(&[(0, "EVTS")], &[packet(0, &events(&long))]);
        let mut decoder = open(Source::new(std::io::Cursor::new(bytes.clone()))).unwrap();
        let mut out = Batch::default();
        assert!(decoder.decode(&mut out).unwrap());
        assert_eq!(out.len(), CHUNK_EVENTS);
        let (_, out, _, error) = read_all(&FORMAT, &bytes);
        assert!(error.is_none() && out.t.iter().copied().eq(0..40_000));
    }

    #[test]
    fn of_a_packet_cut_off_the_whole_events_are_kept() {
        let three = packet(0, &events(&[(1, 0, 0, 1), (2, 0, 0, 1), (3, 0, 0, 1)]));
        let bytes = file(&[(0, "EVTS")], &[three.clone(), three.clone()]);
        for (missing, kept) in [(1, 2), (16, 2), (17, 1), (48, 0), (50, 0), (80, 0)] {
            let cut = bytes.len() - 4 - missing;
            let (_, out, _, error) = read_all(&FORMAT, &bytes[..cut]);
            let error = error.unwrap();
            assert_eq!((out.len(), error.kind), (3 + kept, ErrorKind::Truncated), "{missing}");
        }
        let between = bytes.len() - 4 - three.len();
        let (_, out, _, error) = read_all(&FORMAT, &bytes[..between]);
        let error = error.unwrap();
        assert_eq!((out.len(), error.offset), (3, Some(between as u64)));
    }

    #[test]
    fn a_packet_that_does_not_fit_its_file_or_its_prefix_is_refused() {
        let refusal = |bad: &[u8]| {
            let good = packet(0, &events(&[(1, 0, 0, 1)]));
            let bytes = file(&[(0, "EVTS")], &[good, bad.to_vec()]);
            let (_, out, _, error) = read_all(&FORMAT, &bytes);
            assert_eq!(out.len(), 1);
            let error = error.unwrap();
            assert_eq!(error.kind, ErrorKind::Corrupt);
            (error.offset.unwrap() + 4 + bad.len() as u64 - bytes.len() as u64, error.found)
        };
        let longer = [0_i32.to_le_bytes(), 1_i32.to_le_bytes()].concat();
        assert_eq!(refusal(&longer), (4, "a packet of 1 bytes".to_owned()));
        let negative = [0_i32.to_le_bytes(), (-1_i32).to_le_bytes()].concat();
        assert_eq!(refusal(&negative), (4, "a packet of -1 bytes".to_owned()));
        let surplus = [events(&[(1, 0, 0, 1)]), vec![0]].concat();
        assert_eq!(refusal(&packet(0, &surplus)), (8, "47 bytes".to_owned()));
        let frame = with_vector(b"FRME", 0, &[]);
        assert_eq!(refusal(&packet(0, &frame)), (8, "a flatbuffer 'FRME'".to_owned()));
    }

    #[test]
    fn a_header_that_cannot_be_is_refused() {
        let refusal = |head: &[u8]| {
            let bytes = [b"#!AER-DAT4.0\r\n", head].concat();
            let error = read_all(&FORMAT, &bytes).3.unwrap();
            (error.kind, error.offset)
        };
        assert_eq!(refusal(&header(0, 20, "<dv/>")), (ErrorKind::Corrupt, Some(14)));
        assert_eq!(refusal(&header(5, -1, "<dv/>")), (ErrorKind::Unsupported, Some(14)));
        assert_eq!(refusal(&header(0, -1, "dv")), (ErrorKind::Corrupt, Some(14)));
        assert_eq!(refusal(&[0xff; 40]), (ErrorKind::Truncated, Some(14)));
        assert_eq!(refusal(&[]), (ErrorKind::Truncated, Some(14)));
    }

    #[test]
    fn a_file_never_closed_is_read_to_its_end() {
        let one = packet(0, &events(&[(1, 0, 0, 1)]));
        let closed = file(&[(0, "EVTS")], std::slice::from_ref(&one));
        let mut open = [&closed[..closed.len() - 4], &one].concat();
        assert_eq!(read_all(&FORMAT, &open).1.len(), 1);
        open[14 + 30..14 + 38].fill(0xff);
        let (_, out, _, error) = read_all(&FORMAT, &open);
        assert!(error.is_none() && out.len() == 2);
    }
}
