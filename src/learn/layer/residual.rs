//! Residual addition: y = f(x) + g(x), g often nothing but x.
//!
//! Where f ends in neurons this adds spikes (SEW ResNet's ADD, Fang et al. 2021); where
//! it begins with them, potentials (the membrane shortcut of MS-ResNet, Hu et al. 2021).

use super::{Keep, Layer, Pass, misfit};
use crate::error::Result;
use crate::learn::memory::{Footprint, Form};
use crate::learn::network::Network;
use crate::learn::{Parameter, Tensor};

/// Two ways that are added up.
#[derive(Debug)]
pub struct Residual {
    branch: Network,
    shortcut: Network,
}

impl Residual {
    /// A branch, and a shortcut that may have no layer.
    pub fn new(branch: Network, shortcut: Network) -> Residual {
        Residual { branch, shortcut }
    }
}

/// x + y.
fn sum(mut x: Tensor, y: &Tensor) -> Tensor {
    assert_eq!(x.shape(), y.shape(), "shapes of a sum");
    x.values_mut().iter_mut().zip(y.values()).for_each(|(x, y)| *x += y);
    x
}

impl Layer for Residual {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let branch = self.branch.output(input).map_err(|e| e.at("branch"))?;
        let shortcut = self.shortcut.output(input).map_err(|e| e.at("shortcut"))?;
        match branch == shortcut {
            true => Ok(branch),
            false => Err(misfit(&shortcut, format!("{branch:?}, as the branch has"))),
        }
    }

    fn learns_from_means(&self) -> bool {
        self.branch.learns_from_means() && self.shortcut.learns_from_means()
    }

    /// What the one way holds while the other is gone.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let branch = self.branch.footprint(input, keep);
        let shortcut = self.shortcut.footprint(input, keep);
        let kept = branch.kept + shortcut.kept;
        let (held, owed) = (output.bytes() + branch.kept, output.gradient(keep));
        let first = owed + shortcut.kept + branch.back;
        let back = first.max(input.gradient(keep) + shortcut.back);
        let forth = (input.bytes() + branch.forth).max(held + shortcut.forth);
        Footprint { kept, forth, back: back.saturating_sub(kept) }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let branch = self.branch.forward(input.clone(), pass);
        sum(branch, &self.shortcut.forward(input, pass))
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let branch = self.branch.backward(gradient.clone());
        sum(branch, &self.shortcut.backward(gradient))
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let ways = [("branch", &mut self.branch), ("shortcut", &mut self.shortcut)];
        let mut all = Vec::new();
        for (way, network) in ways {
            let named = network.parameters().into_iter();
            all.extend(named.map(|(name, parameter)| (format!("{way}.{name}"), parameter)));
        }
        all
    }

    fn running(&mut self) -> Vec<(String, &mut Vec<f32>)> {
        let branch = self.branch.running().into_iter().map(|named| ("branch", named));
        let shortcut = self.shortcut.running().into_iter().map(|named| ("shortcut", named));
        let all = branch.chain(shortcut);
        all.map(|(way, (name, values))| (format!("{way}.{name}"), values)).collect()
    }
}
