//! A scene as pixels.

use super::font;
use super::scene::{Fill, Item, Rect, Scene, Text};
use super::shade::{Colour, PAPER};
use crate::error::Result;

/// The bytes of a PNG file.
pub fn write(scene: &Scene) -> Result<Vec<u8>> {
    encode(scene.width, scene.height, &pixels(scene), png::ColorType::Rgb, &[])
}

/// The pixels of a scene, row by row, three bytes each: red, green, blue.
pub fn pixels(scene: &Scene) -> Vec<u8> {
    let mut canvas = Canvas::new(scene.width as usize, scene.height as usize);
    for item in &scene.items {
        match item {
            Item::Fill(fill) => canvas.fill(fill),
            Item::Marks { shades, .. } => shades.iter().for_each(|fill| canvas.fill(fill)),
            Item::Text(text) => canvas.text(text),
        }
    }
    canvas.pixels
}

/// The marks of a band as a PNG file with a palette; where there is no mark it
/// is transparent.
pub fn write_marks(area: Rect, shades: &[Fill]) -> Result<Vec<u8>> {
    let mut pixels = vec![0u8; (area.w * area.h) as usize];
    let mut palette = vec![PAPER];
    for (index, fill) in (1..).zip(shades) {
        palette.push(fill.colour);
        for rect in &fill.rects {
            let start = (rect.y - area.y) * area.w + rect.x - area.x;
            for row in pixels[start as usize..].chunks_mut(area.w as usize).take(rect.h as usize) {
                row[..rect.w as usize].fill(index);
            }
        }
    }
    encode(area.w, area.h, &pixels, png::ColorType::Indexed, &palette)
}

fn encode(
    width: i32,
    height: i32,
    pixels: &[u8],
    colours: png::ColorType,
    palette: &[Colour],
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(colours);
    encoder.set_compression(png::Compression::Balanced);
    if !palette.is_empty() {
        encoder.set_palette(palette.iter().flat_map(|c| [c.0, c.1, c.2]).collect::<Vec<u8>>());
        encoder.set_trns(&[0u8][..]);
    }
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    written.map_err(std::io::Error::from)?;
    Ok(bytes)
}

struct Canvas {
    width: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Canvas {
        Canvas { width, pixels: [PAPER.0, PAPER.1, PAPER.2].repeat(width * height) }
    }

    /// Columns and rows.
    fn size(&self) -> (i32, i32) {
        (self.width as i32, (self.pixels.len() / 3 / self.width) as i32)
    }

    /// Fills what of the rectangles is inside.
    fn fill(&mut self, fill: &Fill) {
        let (width, height) = self.size();
        let colour = [fill.colour.0, fill.colour.1, fill.colour.2];
        for rect in &fill.rects {
            let (left, right) = (rect.x.max(0), rect.right().min(width));
            if left >= right {
                continue;
            }
            for y in rect.y.max(0)..rect.bottom().min(height) {
                let start = (y as usize * self.width + left as usize) * 3;
                let len = (right - left) as usize * 3;
                self.pixels[start..start + len].as_chunks_mut().0.fill(colour);
            }
        }
    }

    fn text(&mut self, text: &Text) {
        let (width, height) = self.size();
        let Colour(r, g, b) = text.colour;
        font::cover(&text.text, text.size, (text.left(), text.y), |x, y, share| {
            if (0..width).contains(&x) && (0..height).contains(&y) {
                let start = (y as usize * self.width + x as usize) * 3;
                for (pixel, ink) in self.pixels[start..start + 3].iter_mut().zip([r, g, b]) {
                    let (below, above) = (f32::from(*pixel), f32::from(ink));
                    *pixel = (below + share * (above - below)).round() as u8;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_beyond_the_edges_is_cut_off() {
        let mut canvas = Canvas::new(4, 3);
        let outside = [(-9, -9, 2, 2), (9, 0, 2, 2), (0, 7, 4, 1), (5, 2, 1, 1)];
        let across = [(-1, -1, 2, 2), (3, 2, 9, 9)];
        let rects = outside.iter().chain(&across).map(|&(x, y, w, h)| Rect::new(x, y, w, h));
        canvas.fill(&Fill { colour: Colour(1, 2, 3), rects: rects.collect() });
        let filled = |(_, pixel): &(usize, &[u8])| *pixel == [1, 2, 3];
        let found = canvas.pixels.chunks(3).enumerate().filter(filled).map(|(i, _)| i);
        assert_eq!(found.collect::<Vec<usize>>(), [0, 11]);
    }
}
