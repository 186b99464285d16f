//! Event counts in frames, as numpy and SpikingJelly keep them: `.npy`, or the one
//! such array of an `.npz`.
//!
//! ```text
//! [T, C, H, W]   or   [T, 1, C, H, W]        C = 2: OFF, ON; C = 1: both
//! ```
//!
//! A frame is what came in one step, and has no time of its own: event k of it is
//! at k times the length that [`Decoder::set_frame`] gives it, 1 ms unless told. A
//! count of n becomes n events. A recording of frames lasts from its first frame to
//! its last, silent or not.
//!
//! Counts are whole numbers of any type up to 65535. Of an `.npz`, names with a dot
//! are not looked at: those are weights. The counts are streamed; of an `.npz`, which
//! may unpack to a thousand times its length, the packed bytes are held in memory.
//!
//! **Source.** `numpy.lib.format`; SpikingJelly 2.0, `datasets`, `split_by` frames.

use super::numbers::Numbers;
use super::{CHUNK_EVENTS, Decoder, Format, Header, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Batch, Sensor, Tally};
use crate::record::Values;
use crate::record::archive::{self, Archive};
use crate::record::npy;
use crate::units::Micros;

/// The entry in [`super::FORMATS`].
pub const FORMAT: Format = Format {
    name: "frames",
    about: "event counts [T, C, H, W] in .npy or .npz",
    sniff,
    open,
    encode: None,
};

/// How long a frame lasts unless somebody says.
const FRAME: Micros = Micros(1_000);

/// A count above this is none.
const MOST: f64 = 65_535.0;

/// Arrays that numpy writes to a `.npz` have this ending there.
const ENDING: &str = ".npy";

fn sniff(head: &[u8]) -> bool {
    is_array(head) || head.starts_with(archive::MAGIC) && first_is_array(head)
}

/// Whether an `.npy` of numbers begins so; there are others, of events.
fn is_array(head: &[u8]) -> bool {
    let header = npy::header_length(head).ok().and_then(|length| head.get(..length));
    header.is_some_and(|header| npy::Header::parse(header).is_ok())
}

/// Whether the first file in a zip file is an array.
fn first_is_array(head: &[u8]) -> bool {
    let length = head.get(26..28).map_or(0, |n| usize::from(n[0]) | usize::from(n[1]) << 8);
    head.get(30..30 + length).is_some_and(|name| name.ends_with(ENDING.as_bytes()))
}

struct Frames {
    header: Header,
    numbers: Numbers,
    layout: Layout,
    frame: Micros,
    /// Counts that are read and not yet delivered, and which element comes first.
    counts: Vec<u64>,
    at: usize,
    first: usize,
    damage: Option<Error>,
    tally: Tally,
}

/// The axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    frames: usize,
    channels: usize,
    height: u16,
    width: u16,
}

impl Layout {
    /// The layout of an array of this shape, if it can hold frames.
    fn of(shape: &[usize]) -> Option<Layout> {
        let (&[frames, channels, height, width] | &[frames, 1, channels, height, width]) = shape
        else {
            return None;
        };
        let side = |n: usize| u16::try_from(n).ok().filter(|&n| n > 0);
        let (height, width) = (side(height)?, side(width)?);
        (1..=2).contains(&channels).then_some(Layout { frames, channels, height, width })
    }

    fn a_frame(&self) -> usize {
        self.channels * usize::from(self.height) * usize::from(self.width)
    }

    /// Frame, channel, row and column of an element.
    fn place(&self, element: usize) -> (usize, usize, u16, u16) {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let (row, column) = (element / width, element % width);
        let (plane, row) = (row / height, row % height);
        (plane / self.channels, plane % self.channels, row as u16, column as u16)
    }
}

fn open(mut source: Source) -> Result<Box<dyn Decoder>> {
    if !source.peek(archive::MAGIC.len())?.starts_with(archive::MAGIC) {
        return Frames::over(Numbers::of_file(source)?);
    }
    let mut archive = Archive::new(source.peek(usize::MAX)?)?;
    let name = only_frames(&mut archive)?;
    let entry = archive.stream(&name)?.ok_or_else(|| nothing("no frames".into()))?;
    Frames::over(Numbers::of_entry(entry).map_err(|e| e.at(format!("'{name}'")))?)
}

fn nothing(found: String) -> Error {
    let expected = "one array of counts [T, C, H, W] or [T, 1, C, H, W], 1 or 2 channels";
    Error::new(ErrorKind::Unsupported, found, expected).at_byte(0)
}

/// The name of the one array that can hold frames.
fn only_frames(archive: &mut Archive) -> Result<String> {
    let (mut frames, mut all) = (Vec::new(), Vec::new());
    for name in archive.names() {
        let Some(stem) = name.strip_suffix(ENDING) else { continue };
        let head = archive.head(&name, npy::LONGEST as u64)?.map(|entry| entry.bytes);
        let header = head.and_then(|head| {
            let length = npy::header_length(&head).ok()?;
            npy::Header::parse(head.get(..length)?).ok()
        });
        let Some(header) = header else { continue };
        all.push(format!("{stem} {:?}", header.shape));
        if !stem.contains('.') && Layout::of(&header.shape).is_some() {
            frames.push(name);
        }
    }
    match &frames[..] {
        [only] => Ok(only.clone()),
        _ => {
            let list: Vec<_> = all.iter().take(20).cloned().collect();
            Err(nothing(format!("{} of them among [{}]", frames.len(), list.join(", "))))
        }
    }
}

impl Frames {
    fn over(numbers: Numbers) -> Result<Box<dyn Decoder>> {
        let npy::Header { shape, fortran, element, .. } = numbers.header();
        let layout = Layout::of(shape);
        let layout = layout.ok_or_else(|| nothing(format!("an array of shape {shape:?}")))?;
        if *fortran {
            let found = "counts column by column";
            let expected = "row by row: numpy.ascontiguousarray";
            return Err(Error::new(ErrorKind::Unsupported, found, expected).at_byte(0));
        }
        let header = Header {
            format: FORMAT.name,
            sensor: Some(Sensor { width: layout.width, height: layout.height }),
            channels: Some(layout.channels as u16),
            coding: "counts; frames one step long, channels OFF and ON",
            remarks: vec![format!("{} frames, {shape:?} of {element:?}", layout.frames)],
            ..Header::default()
        };
        Ok(Box::new(Frames {
            header,
            numbers,
            layout,
            frame: FRAME,
            counts: Vec::new(),
            at: 0,
            first: 0,
            damage: None,
            tally: Tally::default(),
        }))
    }

    /// The element behind those that are read.
    fn next(&self) -> usize {
        self.first + self.counts.len()
    }

    /// Reads more counts; says whether there were any.
    fn refill(&mut self) -> Result<bool> {
        if let Some(damage) = self.damage.take() {
            return Err(damage);
        }
        let next = self.next();
        let frame = self.layout.place(next).0;
        let values = self.numbers.read(CHUNK_EVENTS).map_err(|e| e.at(format!("frame {frame}")))?;
        if values.is_empty() {
            return Ok(false);
        }
        (self.first, self.at) = (next, 0);
        self.counts = counts(&values);
        if self.counts.len() < values.len() {
            self.damage = Some(self.no_count(&values));
        }
        Ok(true)
    }

    /// The first number that is none of the counts.
    fn no_count(&self, values: &Values) -> Error {
        let element = self.next();
        let (frame, channel, y, x) = self.layout.place(element);
        let number = number(values, self.counts.len());
        let found = format!("{number} in frame {frame}, channel {channel}, row {y}, column {x}");
        let expected = format!("a whole number of events, {MOST} at most");
        Error::new(ErrorKind::Unsupported, found, expected).at_byte(self.numbers.offset_of(element))
    }
}

fn number(values: &Values, i: usize) -> f64 {
    match values {
        Values::F32(v) => v[i].into(),
        Values::F64(v) => v[i],
        Values::I64(v) => v[i] as f64,
        Values::Text(_) => f64::NAN,
    }
}

/// The counts before the first number that is none.
fn counts(values: &Values) -> Vec<u64> {
    let numbers = (0..values.len()).map(|i| number(values, i));
    let is_count = |x: &f64| x.fract() == 0.0 && (0.0..=MOST).contains(x);
    numbers.take_while(is_count).map(|x| x as u64).collect()
}

impl Decoder for Frames {
    fn header(&self) -> &Header {
        &self.header
    }

    fn decode(&mut self, out: &mut Batch) -> Result<bool> {
        let full = out.len() + CHUNK_EVENTS;
        while out.len() < full {
            if self.at == self.counts.len() && !self.refill()? {
                return Ok(false);
            }
            let Some(left) = self.counts.get_mut(self.at) else { continue };
            let now = (*left).min((full - out.len()) as u64);
            *left -= now;
            let (frame, channel, y, x) = self.layout.place(self.first + self.at);
            let t = self.frame.0.saturating_mul(frame as i64);
            let on = channel + 1 == self.layout.channels;
            (0..now).for_each(|_| out.push(t, x, y, on));
            self.tally.keep(now);
            self.at += usize::from(*left == 0);
        }
        Ok(true)
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn offset(&self) -> u64 {
        self.numbers.offset_of(self.next())
    }

    fn set_frame(&mut self, length: Micros) {
        self.frame = length;
    }

    fn frames(&self) -> Option<u64> {
        Some((self.next() / self.layout.a_frame()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_where_their_shape_says() {
        let layout = Layout::of(&[5, 1, 2, 3, 4]).unwrap();
        assert_eq!(Layout::of(&[5, 2, 3, 4]), Some(layout));
        assert_eq!(layout.place(0), (0, 0, 0, 0));
        assert_eq!(layout.place(24 + 12 + 4 + 3), (1, 1, 1, 3));
        for shape in [&[5, 3, 4][..], &[5, 2, 2, 3, 4], &[5, 3, 3, 4], &[5, 2, 0, 4]] {
            assert_eq!(Layout::of(shape), None, "{shape:?}");
        }
    }
}
