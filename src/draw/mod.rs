//! Pictures of what a network did. Here it is the spike raster: every
//! population of a network on one time axis.
//!
//! [`Raster`] observes a run in memory that does not grow with it. [`Raster::draw`]
//! lays it out once as a [`Scene`] of rectangles and texts at whole pixels, and the
//! scene is written as PNG or SVG. Nothing in it depends on the machine, its
//! fonts or the time of day: the same run gives the same bytes.

mod band;
mod clock;
mod confusion;
mod curves;
mod fold;
mod font;
mod grid;
mod margin;
mod marks;
mod page;
mod png;
mod raster;
mod scene;
mod shade;
mod svg;
mod words;

pub use confusion::Confusion;
pub use curves::{Curves, Line, Panel};
pub use marks::{Log, Marks};
pub use page::{Heading, Span};
pub use raster::{Band, Raster, Rows};
pub use scene::{Picture, Scene};
pub use svg::base64;
