//! Training: networks as lists of layers with adjoints, losses, rules, optimisers.
//!
//! ```text
//! input [T, B, C, H, W] ── layer::Layer::forward ──▶ … ──▶ outputs [T, B, K]
//!                                                              │ loss
//! gradients of parameters ◀── layer::Layer::backward ◀── … ◀───┘
//!            └── optimizer ──▶ parameters
//! ```
//!
//! T is time, B sequences side by side. No layer but [`layer::Neurons`] looks along
//! time, and that one knows no neuron by name: [`crate::neuron::trainable`] does.

mod kept;
pub mod layer;
pub mod loss;
pub mod memory;
pub mod network;
pub mod optimizer;
mod parameter;
pub mod rule;
pub mod schedule;
pub mod spare;
mod tensor;

pub use kept::Kept;
pub use parameter::Parameter;
pub use tensor::Tensor;
