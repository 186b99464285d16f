//! How rooms are wired: the graph as a file has it, and the network that runs.

pub mod graph;
pub mod nir;
pub mod wiring;

pub use graph::{Graph, Node, NodeKind};
pub use wiring::{Network, Unit, Wired};
