//! A moving picture, written frame by frame: GIF, or PNG with an animation (APNG).
//!
//! All frames share one palette, and of each frame only the rectangle is written in which
//! it differs from the one before: most of a page stands still.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::png::pixels;
use super::scene::{Rect, Scene};
use super::shade::Colour;
use crate::error::{Error, ErrorKind, Result};
use crate::units::Micros;

/// The formats that moving pictures are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// Shown by whatever shows pictures; times in hundredths of a second.
    Gif,
    /// Shown by browsers, and about half as large; times in thousandths.
    Png,
}

impl Moving {
    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the name ends in neither `.gif` nor `.png` (or `.apng`).
    pub fn of(path: &Path) -> Result<Moving> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("gif") => Ok(Moving::Gif),
            Some("png" | "apng") => Ok(Moving::Png),
            _ => {
                let found = format!("moving picture '{}'", path.display());
                Err(Error::new(ErrorKind::Usage, found, "a name that ends in .gif or .png"))
            }
        }
    }

    /// What a second is counted in.
    fn ticks_a_second(self) -> i64 {
        match self {
            Moving::Gif => 100,
            Moving::Png => 1000,
        }
    }
}

/// A file on its way.
pub struct Movie {
    file: Encoder,
    size: (i32, i32),
    palette: Palette,
    /// The last frame, as indices into the palette.
    last: Vec<u8>,
    /// Where the next frame begins.
    time: Micros,
}

enum Encoder {
    Gif(Box<gif::Encoder<BufWriter<File>>>),
    Png { writer: Box<png::Writer<BufWriter<File>>>, file: File, frames: u32 },
}

impl Movie {
    /// A movie without frames, in these colours, 256 at most; others become the nearest.
    ///
    /// # Errors
    /// Those of the file; a size that the format cannot hold.
    pub(super) fn new(
        file: File,
        format: Moving,
        size: (i32, i32),
        colours: Vec<Colour>,
    ) -> Result<Movie> {
        let table = colours.iter().flat_map(|c| [c.0, c.1, c.2]).collect::<Vec<u8>>();
        let file = match format {
            Moving::Gif => {
                let side = |n: i32| u16::try_from(n).map_err(|_| too_large(size));
                let (width, height, file) = (side(size.0)?, side(size.1)?, BufWriter::new(file));
                let mut gif = gif::Encoder::new(file, width, height, &table).map_err(of_gif)?;
                gif.set_repeat(gif::Repeat::Infinite).map_err(of_gif)?;
                Encoder::Gif(Box::new(gif))
            }
            Moving::Png => {
                let copy = BufWriter::new(file.try_clone()?);
                // until it is known how many there are
                let writer = Box::new(header(copy, size, &table, i32::MAX as u32)?);
                Encoder::Png { writer, file, frames: 0 }
            }
        };
        let palette = Palette { colours, known: HashMap::new() };
        Ok(Movie { file, size, palette, last: Vec::new(), time: Micros(0) })
    }

    /// Appends a frame that is shown for a while.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn push(&mut self, scene: &Scene, shown: Micros) -> Result<()> {
        debug_assert_eq!((scene.width, scene.height), self.size);
        let frame = self.palette.indices(&pixels(scene));
        let area = self.changed(&frame);
        let lines = frame.chunks(self.size.0 as usize).skip(area.y as usize).take(area.h as usize);
        let part: Vec<u8> =
            lines.flat_map(|line| &line[area.x as usize..area.right() as usize]).copied().collect();
        let end = self.time + shown;
        self.file.push(&part, area, self.time, end)?;
        (self.time, self.last) = (end, frame);
        Ok(())
    }

    /// Where a frame differs from the one before; a pixel where it does not.
    fn changed(&self, frame: &[u8]) -> Rect {
        let (width, height) = self.size;
        if self.last.is_empty() {
            return Rect::new(0, 0, width, height);
        }
        let (mut left, mut right, mut top, mut bottom) = (width, 0, height, 0);
        let lines = frame.chunks(width as usize).zip(self.last.chunks(width as usize));
        for (y, (new, old)) in (0..).zip(lines).filter(|(_, (new, old))| new != old) {
            let differs = |&x: &usize| new[x] != old[x];
            let first = (0..new.len()).find(differs).unwrap_or(0) as i32;
            let last = (0..new.len()).rev().find(differs).unwrap_or(0) as i32;
            (left, right) = (left.min(first), right.max(last + 1));
            (top, bottom) = (top.min(y), y + 1);
        }
        match bottom {
            0 => Rect::new(0, 0, 1, 1),
            _ => Rect::new(left, top, right - left, bottom - top),
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn finish(self) -> Result<()> {
        match self.file {
            Encoder::Gif(gif) => Ok(gif.into_inner().map_err(of_gif)?.flush()?),
            Encoder::Png { writer, mut file, frames } => {
                writer.finish().map_err(of_png)?;
                let table = self.palette.colours.iter().flat_map(|c| [c.0, c.1, c.2]);
                let mut head = Vec::new();
                drop(header(&mut head, self.size, &table.collect::<Vec<u8>>(), frames)?);
                // without the end that dropping wrote
                head.truncate(head.len() - END);
                file.seek(SeekFrom::Start(0))?;
                Ok(file.write_all(&head)?)
            }
        }
    }
}

/// Bytes of the chunk that ends a PNG file.
const END: usize = 12;

/// The head of an animated PNG file.
fn header<W: Write>(to: W, size: (i32, i32), table: &[u8], frames: u32) -> Result<png::Writer<W>> {
    let mut encoder = png::Encoder::new(to, size.0 as u32, size.1 as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(table.to_vec());
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    encoder.set_animated(frames, 0).map_err(of_png)?;
    encoder.write_header().map_err(of_png)
}

impl Encoder {
    fn push(&mut self, part: &[u8], area: Rect, from: Micros, to: Micros) -> Result<()> {
        match self {
            Encoder::Gif(gif) => {
                let frame = gif::Frame {
                    delay: delay(Moving::Gif, from, to),
                    left: area.x as u16,
                    top: area.y as u16,
                    width: area.w as u16,
                    height: area.h as u16,
                    buffer: part.into(),
                    ..gif::Frame::default()
                };
                gif.write_frame(&frame).map_err(of_gif)
            }
            Encoder::Png { writer, frames, .. } => {
                *frames += 1;
                let mut write = || -> std::result::Result<(), png::EncodingError> {
                    let [x, y, w, h] = [area.x, area.y, area.w, area.h].map(|n| n as u32);
                    writer.set_frame_delay(delay(Moving::Png, from, to), 1000)?;
                    if *frames > 1 {
                        writer.reset_frame_position()?;
                        writer.set_frame_dimension(w, h)?;
                        writer.set_frame_position(x, y)?;
                    }
                    writer.write_image_data(part)
                };
                write().map_err(of_png)
            }
        }
    }
}

/// How long a frame is shown, in the format's ticks: rounded so that the error does not add up.
fn delay(format: Moving, from: Micros, to: Micros) -> u16 {
    let ticks = |time: Micros| (time.0 * format.ticks_a_second() + 500_000) / 1_000_000;
    u16::try_from(ticks(to) - ticks(from)).unwrap_or(u16::MAX)
}

fn too_large((width, height): (i32, i32)) -> Error {
    let found = format!("a moving picture of {width}×{height} pixels");
    Error::new(ErrorKind::Unsupported, found, "65535 columns and rows at most")
}

fn of_gif(error: gif::EncodingError) -> Error {
    match error {
        gif::EncodingError::Io(error) => error.into(),
        other => Error::new(ErrorKind::Unsupported, format!("a GIF: {other}"), ""),
    }
}

fn of_png(error: png::EncodingError) -> Error {
    std::io::Error::from(error).into()
}

/// Colours by number.
struct Palette {
    colours: Vec<Colour>,
    /// What has been looked up.
    known: HashMap<[u8; 3], u8>,
}

impl Palette {
    /// The number of each pixel's colour, or of the nearest one.
    fn indices(&mut self, pixels: &[u8]) -> Vec<u8> {
        let Palette { colours, known } = self;
        let index =
            |pixel: &[u8; 3]| *known.entry(*pixel).or_insert_with(|| nearest(colours, pixel));
        pixels.as_chunks().0.iter().map(index).collect()
    }
}

fn nearest(colours: &[Colour], pixel: &[u8; 3]) -> u8 {
    let distance = |colour: &Colour| -> i32 {
        let Colour(r, g, b) = *colour;
        let squares =
            [r, g, b].into_iter().zip(pixel).map(|(a, &b)| (i32::from(a) - i32::from(b)).pow(2));
        squares.sum()
    };
    let nearest = colours.iter().enumerate().min_by_key(|(_, colour)| distance(colour));
    nearest.map_or(0, |(index, _)| index as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_format() {
        let of = |name: &str| Moving::of(Path::new(name)).ok();
        assert_eq!(
            (of("a.gif"), of("b.PNG"), of("c.apng")),
            (Some(Moving::Gif), Some(Moving::Png), Some(Moving::Png))
        );
        assert_eq!(
            Moving::of(Path::new("r.mp4")).unwrap_err().to_string(),
            "found moving picture 'r.mp4'; expected a name that ends in .gif or .png"
        );
    }

    #[test]
    fn delays_add_up() {
        let at = |frame: i64| Micros(frame * 33_000);
        let delays = |format| {
            (0..100).map(|k| i64::from(delay(format, at(k), at(k + 1)))).collect::<Vec<_>>()
        };
        let hundredths = delays(Moving::Gif);
        assert_eq!(hundredths[..4], [3, 4, 3, 3]);
        assert_eq!(hundredths.iter().sum::<i64>(), 330);
        assert!(delays(Moving::Png).iter().all(|&ms| ms == 33));
    }
}
