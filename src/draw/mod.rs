//! Pictures of what a network did: the spike raster, which has every population of a network
//! on one time axis, and [`Film`], which shows a run as it went on.
//!
//! [`Raster`] observes a run in memory that does not grow with it. [`Raster::draw`]
//! lays it out once as a [`Scene`] of rectangles and texts at whole pixels, and the
//! scene is written as PNG or SVG. Nothing in it depends on the machine, its
//! fonts or the time of day: the same run gives the same bytes.

mod band;
mod clock;
mod confusion;
mod curves;
mod film;
mod fold;
mod font;
mod grid;
mod margin;
mod marks;
mod movie;
mod page;
mod png;
mod raster;
mod rates;
mod scene;
mod shade;
mod spans;
mod still;
mod svg;
mod terminal;
mod tiles;
mod traces;
mod views;
pub mod words;

pub use confusion::Confusion;
pub use curves::{Curves, Line, Panel};
pub use film::{Cast, Film, Labelled, Output, Pace};
pub use marks::{Marks, Packed};
pub use movie::Moving;
pub use page::{Heading, Span};
pub use raster::{Band, Raster, Rows};
pub use rates::Rates;
pub use scene::{Picture, Scene};
pub use spans::{Bar, Group, Spans};
pub use svg::base64;
pub use traces::{Neuron, Traces};
pub use views::{Sight, Views};
