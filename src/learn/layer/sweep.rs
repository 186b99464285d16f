//! A norm, the neurons behind it and their pool, in one sweep through memory; with the
//! convolution in front of them, whose output is measured, and whose gradient is made,
//! where they are used.
//!
//! ```text
//! forth    z ── norm ──▶ x ── neurons ──▶ s ── pool ──▶ y        z is kept, x and s are not
//! back     ∂y ── pool ──▶ ∂s ── neurons ──▶ ∂x ── norm ──▶ ∂z    x is computed from z again
//! ```
//!
//! Each of these layers does little with a number, and their tensors are larger than any
//! cache: one after the other they wait for memory. Here a tile goes through all of them
//! while it is in cache: some neurons of one channel of one sequence, over all steps.
//! Numbers are those of the layers by themselves; sums over them are rounded otherwise.

use std::ops::Range;

use rayon::current_num_threads;
use rayon::prelude::*;

use super::conv2d::{Band, Gradient};
use super::norm::{Along, Change, Moments, Scale, Slope, UnscaleTo, unscale};
use super::pool2d::Place;
use super::{Conv2d, Keep, Layer, Neurons, Norm, Pass, Pool2d, Role, Statistics};
use crate::learn::Tensor;
use crate::learn::memory::{Footprint, Form};
use crate::neuron::trainable::{BLOCK_BYTES, Ready, parts};
use crate::signal::simd::dispatch;

/// What a layer is to those that it may go its ways with.
#[derive(Debug)]
pub enum Part<'a> {
    /// A convolution.
    Conv2d(&'a mut Conv2d),
    /// A norm.
    Norm(&'a mut Norm),
    /// Neurons.
    Neurons(&'a mut Neurons),
    /// A pool.
    Pool(&'a mut Pool2d),
    /// It goes alone.
    Other,
}

/// Layers that go together.
#[derive(Debug)]
pub(in crate::learn) struct Sweep<'a> {
    conv: Option<&'a mut Conv2d>,
    norm: &'a mut Norm,
    neurons: &'a mut Neurons,
    /// Its windows are two by two, side by side.
    pool: Option<&'a mut Pool2d>,
}

/// Elements of a tile, all its steps counted: x and s stay in a core's cache.
const CACHED: usize = 1 << 15;

/// Some rows of a plane.
struct Tile {
    channel: usize,
    /// Where they lie in a step of the input.
    rows: Range<usize>,
    /// Where that which is made of them lies in a step of the output.
    outputs: Range<usize>,
}

/// What all tiles share.
struct Work<'a> {
    input: &'a Tensor,
    changes: Vec<Change>,
    neurons: Box<dyn Ready + 'a>,
    pool: Option<&'a Pool2d>,
}

/// x and s of a tile, step by step.
struct Scratch {
    x: Vec<f32>,
    s: Vec<f32>,
}

impl<'a> Sweep<'a> {
    /// Those layers, if they are such.
    pub fn of(layers: &'a mut [Box<dyn Layer>]) -> Option<Sweep<'a>> {
        let mut parts = layers.iter_mut().map(|layer| layer.part()).peekable();
        let conv = match parts.next_if(|part| matches!(part, Part::Conv2d(_))) {
            Some(Part::Conv2d(conv)) => Some(conv),
            _ => None,
        };
        let (Part::Norm(norm), Part::Neurons(neurons)) = (parts.next()?, parts.next()?) else {
            return None;
        };
        let pool = match parts.next() {
            None => None,
            Some(Part::Pool(pool)) if pool.halves() => Some(pool),
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Sweep { conv, norm, neurons, pool })
    }

    /// All layers in their order: those that go together, and each of the others.
    pub fn groups(layers: &mut [Box<dyn Layer>]) -> Vec<Range<usize>> {
        let (mut groups, mut start) = (Vec::new(), 0);
        while start < layers.len() {
            let mut together = |&len: &usize| {
                let layers = layers.get_mut(start..start + len);
                layers.is_some_and(|layers| Sweep::of(layers).is_some())
            };
            let len = [4, 3, 2].into_iter().find(|len| together(len)).unwrap_or(1);
            groups.push(start..start + len);
            start += len;
        }
        groups
    }

    /// What such layers take, given what goes into each and comes out of the last, and
    /// what each takes alone.
    pub fn footprint(
        layers: &[Box<dyn Layer>],
        forms: &[Form],
        alone: &[Footprint],
        keep: Keep,
    ) -> Footprint {
        let norm = usize::from(layers[0].role() == Role::Connection);
        let conv = alone[..norm].first().copied().unwrap_or_default();
        let (input, last, output) = (&forms[norm], layers.len() - 1, &forms[layers.len()]);
        let pools = last > norm + 1;
        // beside what goes in and comes out
        let places = alone[last].forth - forms[last].bytes() - output.bytes();
        let pooled = if pools { output.gradient(keep) } else { 0 };
        let plane = input.numbers() / (input.shape[1] * input.shape[2]).max(1);
        let tiles = (8 * plane.min(CACHED) + BLOCK_BYTES * input.shape[0]) * current_num_threads();
        let forth = conv.kept + input.bytes() + output.bytes() + places + tiles;
        Footprint {
            kept: conv.kept + alone[norm].kept + if keep == Keep::Nothing { 0 } else { places },
            forth: conv.forth.max(forth),
            back: conv.back.max(pooled + input.gradient(keep) + tiles),
        }
    }

    /// From the input `[T, B, …]` to the output `[T, B, …]`.
    pub fn forward(mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let (input, moments) = self.connect(input, pass);
        let (features, count) = (input.features(), input.values().len() / input.features()[0]);
        let measure = || moments.map_or_else(|| Statistics::of(&input), |m| Statistics::joined(&m));
        let used = self.norm.used(pass, count, measure);
        self.neurons.send(pass.sends);
        let features = match &self.pool {
            Some(pool) => pool.output(features).expect("features that fit"),
            None => features.to_vec(),
        };
        let mut output = Tensor::blank(&input.shape_with(&features));
        let windows = output.values().len();
        let mut places = vec![0; self.pool.as_ref().map_or(0, |pool| pool.places_of(windows))];
        self.work(&input, &used).forth(&mut output, &mut places);
        if let Some(pool) = self.pool {
            pool.keep(input.features(), places, pass);
        }
        self.neurons.forget();
        self.norm.keep(input, used, pass);
        output
    }

    /// The convolution's way forth, its output measured while it is in cache.
    fn connect(&mut self, input: Tensor, pass: &mut Pass) -> (Tensor, Option<Vec<Vec<Moments>>>) {
        let planes = self.norm.running.mean.len();
        match &mut self.conv {
            Some(conv) if pass.training => {
                let measure = |image: &[f32]| Moments::of_planes(image, planes);
                let (output, moments) = conv.forward_with(input, pass, measure);
                (output, Some(moments))
            }
            Some(conv) => (conv.forward(input, pass), None),
            None => (input, None),
        }
    }

    /// Whether the last way forth was one together: the neurons kept nothing.
    pub fn went(&self) -> bool {
        !self.neurons.returns()
    }

    /// The adjoint of the last [`Sweep::forward`].
    pub fn backward(mut self, gradient: Tensor) -> Tensor {
        let normed = self.back_to_norm(gradient);
        match self.conv {
            Some(conv) => {
                let mut back = conv.blank_back(&normed.gradient);
                conv.learn(&normed, Some(&mut back));
                back
            }
            None => unscale(normed.gradient, &normed.input, &normed.slopes),
        }
    }

    /// The same where nobody asks for the gradient with respect to the input.
    pub fn owe(mut self, gradient: Tensor) {
        let normed = self.back_to_norm(gradient);
        if let Some(conv) = self.conv {
            conv.learn(&normed, None);
        }
    }

    /// The way back to the output of the norm.
    fn back_to_norm(&mut self, gradient: Tensor) -> Normed {
        let kept = self.norm.take();
        let (mut gradient, pooled) = match &mut self.pool {
            Some(pool) => (Tensor::blank(kept.input.shape()), Some((gradient, pool.take()))),
            None => (gradient, None),
        };
        let work = self.work(&kept.input, &kept.used);
        let owed = work.back(&mut gradient, pooled.as_ref());
        let runs: Vec<_> = owed.iter().map(|owed| (owed.channel, &owed.neurons[..])).collect();
        let parameters = work.neurons.owed(&runs);
        drop((work, pooled));
        self.neurons.owe(&parameters);
        let mut sums = vec![(0.0, 0.0); kept.used.mean.len()];
        for Owed { channel, norm, .. } in &owed {
            let sum = &mut sums[*channel];
            *sum = (sum.0 + norm.0, sum.1 + norm.1);
        }
        let slopes = self.norm.settle(&kept, &sums);
        Normed { gradient, input: kept.input, slopes }
    }

    fn work<'w>(&'w self, input: &'w Tensor, used: &Statistics) -> Work<'w> {
        let changes = (0..input.features()[0]).map(|c| self.norm.change(used, c)).collect();
        Work { input, changes, neurons: self.neurons.ready(input), pool: self.pool.as_deref() }
    }
}

impl Work<'_> {
    fn tiles(&self) -> Vec<Tile> {
        let (features, steps) = (self.input.features(), self.input.steps());
        let pixels = features[1..].iter().product();
        // two rows of windows
        let least = self.pool.map_or(1, |_| 2 * features[2]);
        let longest = (CACHED / (least * steps).max(1)).max(1) * least;
        let (mut tiles, mut at) = (Vec::new(), 0);
        for plane in 0..self.input.batch() * features[0] {
            for row in (0..pixels).step_by(longest) {
                let len = longest.min(pixels - row);
                let outputs = match self.pool {
                    Some(_) => len / least * (features[2] / 2),
                    None => len,
                };
                let first = plane * pixels + row;
                let (rows, outputs) = (first..first + len, at..at + outputs);
                at = outputs.end;
                tiles.push(Tile { channel: plane % features[0], rows, outputs });
            }
        }
        tiles
    }

    fn forth(&self, output: &mut Tensor, places: &mut [Place]) {
        let (steps, tiles) = (self.input.steps(), self.tiles());
        let of_step = output.values().len() / steps;
        let lengths = tiles.iter().map(|tile| tile.outputs.len());
        let outputs = parts(output.values_mut(), of_step, lengths.clone());
        let places = parts(places, of_step, lengths);
        tiles.par_iter().zip(outputs).zip(places).for_each_init(
            || Scratch::of(&tiles, steps),
            |scratch, ((tile, out), places)| self.forth_tile(tile, scratch, out, places),
        );
    }

    fn forth_tile(
        &self,
        tile: &Tile,
        scratch: &mut Scratch,
        mut out: Vec<&mut [f32]>,
        mut places: Vec<&mut [Place]>,
    ) {
        let x = self.normed(tile, &mut scratch.x);
        let Some(pool) = self.pool else {
            return self.neurons.forth(tile.channel, &x, &mut out);
        };
        let mut s: Vec<&mut [f32]> = scratch.s.chunks_mut(tile.rows.len()).take(x.len()).collect();
        self.neurons.forth(tile.channel, &x, &mut s);
        let width = self.input.features()[2];
        for (step, (s, out)) in s.iter().zip(&mut out).enumerate() {
            let places = places.get_mut(step).map_or(&mut [][..], |places| places);
            pool.pool_rows(width, s, out, places);
        }
    }

    /// x of a tile, by steps.
    fn normed<'x>(&self, tile: &Tile, x: &'x mut [f32]) -> Vec<&'x [f32]> {
        let change = self.changes[tile.channel];
        let steps = self.input.values().chunks(self.input.values().len() / self.input.steps());
        let pairs = steps.zip(x.chunks_mut(tile.rows.len()));
        let normed = pairs.map(|(z, x)| {
            dispatch(Scale { input: &z[tile.rows.clone()], output: x, change });
            &*x
        });
        normed.collect()
    }

    /// Writes ∂x to `back`, or where there is no pool turns ∂s there into it. Gives what
    /// tiles owe to their neurons' channels, and to the norm's: Σ ∂x and Σ ∂x (z − μ).
    fn back(&self, back: &mut Tensor, pooled: Option<&(Tensor, Vec<Place>)>) -> Vec<Owed> {
        let (steps, tiles) = (self.input.steps(), self.tiles());
        let lengths = tiles.iter().map(|tile| tile.rows.len());
        let backs = parts(back.values_mut(), self.input.values().len() / steps, lengths);
        let owed = tiles.par_iter().zip(backs).map_init(
            || Scratch::of(&tiles, steps),
            |scratch, (tile, mut back)| {
                if let Some((gradient, places)) = pooled {
                    self.unpool(tile, gradient, places, &mut back);
                }
                self.back_tile(tile, scratch, &mut back)
            },
        );
        owed.collect()
    }

    fn unpool(&self, tile: &Tile, gradient: &Tensor, places: &[Place], back: &mut [&mut [f32]]) {
        let (Some(pool), width) = (self.pool, self.input.features()[2]) else { return };
        let of_step = gradient.values().len() / gradient.steps();
        for (step, back) in back.iter_mut().enumerate() {
            let outputs = tile.outputs.start + step * of_step..tile.outputs.end + step * of_step;
            let places = places.get(outputs.clone()).unwrap_or_default();
            pool.back_rows(width, &gradient.values()[outputs], places, back);
        }
    }

    fn back_tile(&self, tile: &Tile, scratch: &mut Scratch, back: &mut [&mut [f32]]) -> Owed {
        let x = self.normed(tile, &mut scratch.x);
        let neurons = self.neurons.back(tile.channel, &x, back);
        let mean = self.changes[tile.channel].mean;
        let steps = self.input.values().chunks(self.input.values().len() / self.input.steps());
        let along = back
            .iter()
            .zip(steps)
            .map(|(gradient, z)| dispatch(Along { gradient, input: &z[tile.rows.clone()], mean }));
        let norm = along.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        Owed { channel: tile.channel, neurons, norm }
    }
}

/// A gradient with respect to the output of a norm, and what makes it one with respect to
/// the input.
struct Normed {
    gradient: Tensor,
    input: Tensor,
    slopes: Vec<Slope>,
}

impl Gradient for Normed {
    fn images(&self) -> usize {
        self.gradient.images()
    }

    fn write(&self, image: usize, band: &Band, wide: &mut [f32]) {
        let (of_image, pixels) = (self.input.feature_count(), band.pixels());
        let planes = self.slopes.iter().zip(wide.chunks_exact_mut(band.len())).enumerate();
        for (channel, (&slope, back)) in planes {
            let first = image * of_image + channel * of_image / self.slopes.len();
            let rows = first + pixels.start..first + pixels.end;
            let (input, gradient) =
                (&self.input.values()[rows.clone()], &self.gradient.values()[rows]);
            let (width, pitch) = (band.width, band.pitch);
            dispatch(UnscaleTo { input, gradient, width, back, pitch, slope });
        }
    }
}

/// What a tile owes.
struct Owed {
    channel: usize,
    neurons: Vec<f64>,
    /// Σ ∂x and Σ ∂x (z − μ).
    norm: (f64, f64),
}

impl Scratch {
    fn of(tiles: &[Tile], steps: usize) -> Scratch {
        let longest = steps * tiles.iter().map(|tile| tile.rows.len()).max().unwrap_or(0);
        Scratch { x: vec![0.0; longest], s: vec![0.0; longest] }
    }
}

#[cfg(test)]
mod tests;
