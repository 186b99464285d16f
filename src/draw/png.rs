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

    fn fill(&mut self, fill: &Fill) {
        let colour = [fill.colour.0, fill.colour.1, fill.colour.2];
        for rect in &fill.rects {
            for y in rect.y..rect.bottom() {
                let start = (y as usize * self.width + rect.x as usize) * 3;
                let row = &mut self.pixels[start..start + rect.w as usize * 3];
                row.as_chunks_mut().0.fill(colour);
            }
        }
    }

    fn text(&mut self, text: &Text) {
        let (width, height) = (self.width as i32, (self.pixels.len() / 3 / self.width) as i32);
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
