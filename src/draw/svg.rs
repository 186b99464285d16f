//! A scene as SVG.
//!
//! All rectangles of one colour are one path. A band with so many marks that a
//! path would swell the file carries them as an embedded image instead, which
//! shows the same pixels.

use std::fmt::Write;

use super::png;
use super::scene::{Anchor, Fill, Item, Rect, Scene, Text};
use super::shade::Colour;
use crate::error::Result;

/// Marks of all bands together that are written as paths, about 16 bytes each.
const VECTORS: usize = 60_000;

/// The bytes of an SVG file.
pub fn write(scene: &Scene) -> Result<Vec<u8>> {
    let bands = scene.items.iter().filter(|item| matches!(item, Item::Marks { .. })).count();
    let mut svg = Svg(String::new());
    svg.open(scene.width, scene.height);
    for item in &scene.items {
        match item {
            Item::Fill(fill) => svg.path(fill),
            Item::Marks { area, shades } => {
                let marks: usize = shades.iter().map(|fill| fill.rects.len()).sum();
                match marks * bands <= VECTORS {
                    true => shades.iter().for_each(|fill| svg.path(fill)),
                    false => svg.image(*area, &png::write_marks(*area, shades)?),
                }
            }
            Item::Text(text) => svg.text(text),
        }
    }
    svg.0.push_str("</svg>\n");
    Ok(svg.0.into_bytes())
}

struct Svg(String);

impl Svg {
    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("a string takes all that is written to it");
    }

    fn open(&mut self, width: i32, height: i32) {
        self.put(format_args!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{w}" height="{h}" "#,
                r#"viewBox="0 0 {w} {h}" font-family="'DejaVu Sans', Verdana, sans-serif">"#,
                "\n",
                r##"<path fill="#ffffff" d="M0 0h{w}v{h}h-{w}z"/>"##,
                "\n"
            ),
            w = width,
            h = height
        ));
    }

    fn path(&mut self, fill: &Fill) {
        let Colour(r, g, b) = fill.colour;
        self.put(format_args!(
            r##"<path shape-rendering="crispEdges" fill="#{r:02x}{g:02x}{b:02x}" d=""##
        ));
        for Rect { x, y, w, h } in &fill.rects {
            self.put(format_args!("M{x} {y}h{w}v{h}h-{w}z"));
        }
        self.0.push_str("\"/>\n");
    }

    fn image(&mut self, area: Rect, png: &[u8]) {
        let Rect { x, y, w, h } = area;
        self.put(format_args!(
            r#"<image x="{x}" y="{y}" width="{w}" height="{h}" style="image-rendering:pixelated" xlink:href="data:image/png;base64,"#
        ));
        base64(png, &mut self.0);
        self.0.push_str("\"/>\n");
    }

    fn text(&mut self, text: &Text) {
        let Colour(r, g, b) = text.colour;
        let anchor = match text.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let Text { x, y, size, .. } = text;
        self.put(format_args!(
            r##"<text x="{x}" y="{y}" font-size="{size}" fill="#{r:02x}{g:02x}{b:02x}"{anchor}>"##
        ));
        escape(&text.text, &mut self.0);
        self.0.push_str("</text>\n");
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
}

/// RFC 4648, at the end of a text.
pub fn base64(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, i| word << 8 | u32::from(*three.get(i).unwrap_or(&0)));
        for digit in 0..4 {
            match digit <= three.len() {
                true => out.push(DIGITS[(word >> (18 - 6 * digit)) as usize % 64].into()),
                false => out.push('='),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_rfc_4648_has_it() {
        let encode = |text: &str| {
            let mut out = String::new();
            base64(text.as_bytes(), &mut out);
            out
        };
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(encode);
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn markup_in_a_text_is_text() {
        let mut out = String::new();
        escape("a <b> & \"c\"", &mut out);
        assert_eq!(out, "a &lt;b&gt; &amp; \"c\"");
    }
}
