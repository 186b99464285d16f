//! Learning rules: how a network's answer becomes gradients of its parameters.

pub mod bptt;
pub mod rate;
pub mod stdp;
pub mod tssl;
