//! Layers, one behind the other; some of them go their ways in one sweep.

use std::ops::Range;

use crate::learn::Tensor;
use crate::learn::layer::{Keep, Layer, Pass, Sweep};

/// Layers, and all of them in groups that go together.
pub(super) struct Chain<'a> {
    pub layers: &'a mut [Box<dyn Layer>],
    pub groups: &'a [Range<usize>],
}

impl Chain<'_> {
    fn groups(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>> {
        let inside =
            move |group: &&Range<usize>| range.start <= group.start && group.end <= range.end;
        self.groups.iter().filter(inside).cloned()
    }

    /// The way forth through some groups. Of means over time every layer keeps its own.
    pub fn forward(&mut self, range: Range<usize>, input: Tensor, pass: &mut Pass) -> Tensor {
        let mut x = input;
        for group in self.groups(range).collect::<Vec<_>>() {
            let layers = &mut self.layers[group];
            x = match Sweep::of(layers).filter(|_| pass.keep != Keep::Means) {
                Some(sweep) => sweep.forward(x, pass),
                None => layers.iter_mut().fold(x, |x, layer| layer.forward(x, pass)),
            };
        }
        x
    }

    /// The way back through some groups.
    pub fn backward(&mut self, range: Range<usize>, gradient: Tensor) -> Tensor {
        let mut gradient = gradient;
        for group in self.groups(range).rev().collect::<Vec<_>>() {
            let layers = &mut self.layers[group];
            gradient = match Sweep::of(layers).filter(Sweep::went) {
                Some(sweep) => sweep.backward(gradient),
                None => layers.iter_mut().rev().fold(gradient, |g, layer| layer.backward(g)),
            };
        }
        gradient
    }

    /// The way back of a group, where nobody asks for the gradient with respect to its input.
    pub fn owe(&mut self, group: Range<usize>, gradient: Tensor) {
        let layers = &mut self.layers[group];
        if let Some(sweep) = Sweep::of(layers).filter(Sweep::went) {
            return sweep.owe(gradient);
        }
        let (first, rest) = layers.split_first_mut().expect("a group has layers");
        first.owe(rest.iter_mut().rev().fold(gradient, |g, layer| layer.backward(g)));
    }
}
