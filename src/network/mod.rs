//! How rooms are wired: the graph as a file has it, and the network that runs.

pub mod file;
mod flat;
pub mod graph;
pub mod hdf5;
pub mod lava;
pub mod mapping;
pub mod nir;
mod shapes;
pub mod wiring;

pub use graph::{Graph, Node, NodeKind};
pub use mapping::Mapping;
pub use wiring::{Network, Unit, Wired};
