//! Backpropagation through time with surrogate gradients.
//!
//! The network runs forward over all steps, then its adjoint runs back over all of
//! them: neurons along time, every other layer step by step.
//!
//! **Source.** Neftci, Mostafa & Zenke 2019, "Surrogate Gradient Learning in Spiking
//! Neural Networks".

use crate::error::Result;
use crate::learn::Tensor;
use crate::learn::layer::Pass;
use crate::learn::loss::Loss;
use crate::learn::network::Network;

/// What a network answered.
#[derive(Debug)]
pub struct Answer {
    /// How wrong it is.
    pub loss: f64,
    /// Its outputs `[T, B, K]`.
    pub outputs: Tensor,
}

/// The answer to an input `[T, B, …]` with a label for each of B; the parameters'
/// gradients are then those of its loss.
///
/// # Errors
/// Labels that do not fit, and a loss that is no number.
pub fn learn(
    network: &mut Network,
    input: Tensor,
    labels: &[usize],
    loss: Loss,
    pass: &mut Pass,
) -> Result<Answer> {
    learn_by(network, input, |outputs| loss.of(outputs, labels), pass)
}

/// The same for any loss: `judge` gives that of outputs `[T, B, K]` and its gradient.
///
/// # Errors
/// What `judge` refuses.
pub fn learn_by(
    network: &mut Network,
    input: Tensor,
    judge: impl FnOnce(&Tensor) -> Result<(f64, Tensor)>,
    pass: &mut Pass,
) -> Result<Answer> {
    network.clear_gradients();
    let outputs = network.forward(input, pass);
    let (loss, gradient) = judge(&outputs)?;
    network.owe(gradient);
    Ok(Answer { loss, outputs })
}
