//! A picture as a list of rectangles and texts, before it is of any format.

use std::path::Path;

use super::font;
use super::shade::{Colour, GREY, INK};
use super::{png, svg};
use crate::error::{Error, ErrorKind, Result};

/// The formats that pictures are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Pixels.
    Png,
    /// Vectors; the marks of a crowded band become pixels there, too.
    Svg,
}

impl Picture {
    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the name ends in neither `.png` nor `.svg`.
    pub fn of(path: &Path) -> Result<Picture> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("png") => Ok(Picture::Png),
            Some("svg") => Ok(Picture::Svg),
            _ => {
                let found = format!("picture '{}'", path.display());
                Err(Error::new(ErrorKind::Usage, found, "a name that ends in .png or .svg"))
            }
        }
    }
}

/// A picture, laid out at whole pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) items: Vec<Item>,
}

/// What a picture is made of; later items cover earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Fill(Fill),
    /// The marks of one band, shade by shade, none outside of the area.
    Marks {
        area: Rect,
        shades: Vec<Fill>,
    },
    Text(Text),
}

/// Rectangles of one colour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fill {
    pub colour: Colour,
    pub rects: Vec<Rect>,
}

/// A rectangle by its upper left corner and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

/// One line of text; `y` is its baseline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub x: i32,
    pub y: i32,
    pub size: u32,
    pub colour: Colour,
    pub anchor: Anchor,
    pub text: String,
}

/// Which point of a text its `x` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Rect {
    pub fn new(x: i32, y: i32, w: i32, h: i32) -> Rect {
        Rect { x, y, w, h }
    }

    pub fn right(self) -> i32 {
        self.x + self.w
    }

    pub fn bottom(self) -> i32 {
        self.y + self.h
    }
}

impl Text {
    /// Where the text begins.
    pub fn left(&self) -> i32 {
        match self.anchor {
            Anchor::Start => self.x,
            Anchor::Middle => self.x - font::width(&self.text, self.size) / 2,
            Anchor::End => self.x - font::width(&self.text, self.size),
        }
    }
}

impl Scene {
    /// The picture's bytes in a format; the same scene gives the same bytes.
    ///
    /// # Errors
    /// A picture that is too large for the format.
    pub fn render(&self, picture: Picture) -> Result<Vec<u8>> {
        match picture {
            Picture::Png => png::write(self),
            Picture::Svg => svg::write(self),
        }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width as u32
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height as u32
    }

    pub(super) fn fill(&mut self, colour: Colour, rects: Vec<Rect>) {
        if !rects.is_empty() {
            self.items.push(Item::Fill(Fill { colour, rects }));
        }
    }

    /// Adds rectangles behind everything else.
    pub(super) fn under(&mut self, colour: Colour, rects: Vec<Rect>) {
        if !rects.is_empty() {
            self.items.insert(0, Item::Fill(Fill { colour, rects }));
        }
    }

    /// Draws a title and what stands below it, each on its line if it has words; gives the
    /// first free line.
    pub(super) fn heading(&mut self, words: [&str; 2], (x, mut y): (i32, i32)) -> i32 {
        for (words, (size, colour)) in words.into_iter().zip([(18, INK), (12, GREY)]) {
            if !words.is_empty() {
                y += size as i32;
                let (anchor, text) = (Anchor::Start, words.to_owned());
                self.text(Text { x, y, size, colour, anchor, text }, self.width - 2 * x);
                y += 6;
            }
        }
        y
    }

    /// Adds a text, cut to `room` pixels.
    pub(super) fn text(&mut self, mut text: Text, room: i32) {
        text.text = font::fit(&text.text, text.size, room);
        if !text.text.is_empty() {
            self.items.push(Item::Text(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_format() {
        let of = |name: &str| Picture::of(Path::new(name)).ok();
        assert_eq!(of("a/raster.png"), Some(Picture::Png));
        assert_eq!(of("raster.v2.SVG"), Some(Picture::Svg));
        assert_eq!((of("raster"), of("raster.pdf"), of(".png")), (None, None, None));
        assert_eq!(
            Picture::of(Path::new("r.pdf")).unwrap_err().to_string(),
            "found picture 'r.pdf'; expected a name that ends in .png or .svg"
        );
    }
}
