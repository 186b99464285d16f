//! How rooms are wired: the graph as a file has it, and the network that runs.

mod exported;
pub mod file;
mod flat;
pub mod graph;
pub mod hdf5;
pub mod lava;
pub mod mapping;
mod nearest;
pub mod nir;
pub mod own;
mod shapes;
pub mod wiring;

pub use graph::{Graph, Node, NodeKind};
pub use mapping::Mapping;
pub use nearest::{Translation, in_nir};
pub use wiring::{CLASS_NAMES, INPUT_MODE, Network, SLICE, SPLIT, STEPS, Unit, Wired};
