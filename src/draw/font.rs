//! Text: how wide it is, where it must be cut, and which pixels it covers.
//!
//! The one face that is used comes with the program. An SVG names it too, and a
//! viewer that has not got it has Verdana or something narrower: what fits here
//! fits there.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};

fn face() -> &'static FontRef<'static> {
    static FACE: OnceLock<FontRef<'static>> = OnceLock::new();
    FACE.get_or_init(|| {
        FontRef::try_from_slice(dejavu::sans::regular()).expect("the bundled font is whole")
    })
}

/// The scale at which an em has `size` pixels, as SVG's `font-size` counts.
fn scale(size: u32) -> PxScale {
    let em = face().units_per_em().expect("the bundled font has an em");
    PxScale::from(size as f32 * face().height_unscaled() / em)
}

/// The glyphs of a text with the place of each pen, and its whole width.
fn set(text: &str, size: u32) -> (Vec<(GlyphId, f32)>, f32) {
    let font = face().as_scaled(scale(size));
    let mut pen = 0.0;
    let glyphs = text.chars().map(|c| {
        let glyph = font.glyph_id(c);
        let place = pen;
        pen += font.h_advance(glyph);
        (glyph, place)
    });
    let glyphs = glyphs.collect();
    (glyphs, pen)
}

/// Width of a text in pixels, rounded up.
pub fn width(text: &str, size: u32) -> i32 {
    set(text, size).1.ceil() as i32
}

/// What a picture can hold of a character: no line breaks, and nothing that XML
/// forbids.
fn printable(c: char) -> char {
    match c {
        '\n' | '\t' => ' ',
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// The text, or as much of its beginning as fits before an ellipsis.
pub fn fit(text: &str, size: u32, room: i32) -> String {
    let text: String = text.chars().map(printable).collect();
    if width(&text, size) <= room {
        return text;
    }
    let (glyphs, room) = (set(&text, size).0, room - width("…", size));
    if room < 0 {
        return String::new();
    }
    // a glyph ends where the next one begins
    let fitting = glyphs.iter().skip(1).take_while(|(_, end)| *end <= room as f32).count();
    let kept: String = text.chars().take(fitting).collect();
    format!("{}…", kept.trim_end())
}

/// Tells `paint` how much of each pixel a text covers whose baseline begins at
/// `(x, y)`.
pub fn cover(text: &str, size: u32, (x, y): (i32, i32), mut paint: impl FnMut(i32, i32, f32)) {
    for (glyph, pen) in set(text, size).0 {
        let placed = glyph.with_scale_and_position(scale(size), point(x as f32 + pen, y as f32));
        if let Some(outline) = face().outline_glyph(placed) {
            let corner = outline.px_bounds().min;
            outline.draw(|dx, dy, share| {
                paint(corner.x as i32 + dx as i32, corner.y as i32 + dy as i32, share.min(1.0));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_face() {
        // advance widths of DejaVu Sans 2.37, units of 1/2048 em: 0 1303, i 569, M 1767
        assert_eq!(width("0", 2048), 1303);
        assert_eq!(width("iM", 2048), 569 + 1767);
        assert_eq!(width("", 12), 0);
    }

    #[test]
    fn long_text_is_cut_before_it_overflows() {
        let text = "a population with a name that is longer than its place";
        for room in 12..400 {
            let cut = fit(text, 12, room);
            assert!(width(&cut, 12) <= room, "'{cut}' in {room}");
            assert!(cut == text || cut.ends_with('…'));
        }
        assert_eq!(fit(text, 12, 11), "");
        assert_eq!(fit(text, 12, 1000), text);
        assert_eq!(fit("two\nlines\0", 12, 1000), "two lines\u{fffd}");
    }

    #[test]
    fn a_text_covers_pixels_above_its_baseline() {
        let (mut left, mut right, mut bottom) = (i32::MAX, 0, 0);
        cover("HM", 20, (10, 30), |x, y, share| {
            if share > 0.5 {
                (left, right, bottom) = (left.min(x), right.max(x), bottom.max(y));
            }
        });
        assert_eq!(bottom, 29);
        assert!(left >= 10 && right <= 10 + width("HM", 20));
    }
}
