//! Convolutions in two dimensions, as products with the image's patches.
//!
//! ```text
//! y[o, p] = Σ_k W[o, k] patches[k, p] + b[o]       k: (channel, row, column) of a tap
//! ∂W = ∂y patchesᵀ        ∂patches = Wᵀ ∂y, added up where patches overlap
//! ```
//!
//! W is `[out, in, rows, columns]`, and what it does is PyTorch's Conv2d: a
//! cross-correlation, padded with zeros. Patches are made a few rows of an image at a time,
//! as much as stays in cache, and not kept.

mod patches;

use std::ops::Range;

use rayon::current_num_threads;
use rayon::prelude::*;

pub(super) use self::patches::Band;
use self::patches::Geometry;
use super::{Keep, Layer, NO_FORWARD, PIECES, Pass, Role, misfit, named, piece, sweep, transposed};
use crate::error::Result;
use crate::learn::memory::{Footprint, Form};
use crate::learn::{Kept, Parameter, Tensor};
use crate::signal::{Matrix, product};

/// A convolution.
#[derive(Debug)]
pub struct Conv2d {
    /// Weight, and perhaps bias.
    parameters: Vec<Parameter>,
    stride: usize,
    padding: usize,
    kept: Option<(Kept, Vec<usize>)>,
}

impl Conv2d {
    /// Weights of shape `[out, in, rows, columns]` and a bias `[out]` or none.
    ///
    /// # Panics
    /// Lengths that do not fit, or a stride of 0.
    pub fn new(
        shape: [usize; 4],
        weight: Vec<f32>,
        bias: Option<Vec<f32>>,
        stride: usize,
        padding: usize,
    ) -> Conv2d {
        assert!(stride > 0, "a stride");
        let weight = Parameter::new("weight", &shape, weight);
        let bias = bias.map(|bias| Parameter::new("bias", &shape[..1], bias).undecayed());
        let parameters = [weight].into_iter().chain(bias).collect();
        Conv2d { parameters, stride, padding, kept: None }
    }

    fn outputs(&self) -> usize {
        self.parameters[0].shape[0]
    }

    fn geometry(&self, features: &[usize]) -> Result<Geometry> {
        let &[_, channels, kernel_y, kernel_x] = &self.parameters[0].shape[..] else {
            unreachable!("a weight of four axes")
        };
        let (kernel, padding, stride) = ([kernel_y, kernel_x], self.padding, self.stride);
        let fits = |axis: usize, size: usize| size + 2 * padding >= kernel[axis];
        match *features {
            [c, y, x] if c == channels && fits(0, y) && fits(1, x) => {
                let output =
                    |axis: usize, size: usize| (size + 2 * padding - kernel[axis]) / stride + 1;
                let (input, output) = ([y, x], [output(0, y), output(1, x)]);
                Ok(Geometry { channels, input, kernel, output, stride, padding })
            }
            _ => {
                let expected = format!("[{channels}, ≥{kernel_y}, ≥{kernel_x}] for a convolution");
                Err(misfit(features, expected))
            }
        }
    }

    fn weight(&self) -> Matrix<'_> {
        let weight = &self.parameters[0];
        Matrix::new(&weight.values, self.outputs(), weight.values.len() / self.outputs())
    }

    /// The way forth of an image.
    fn forth(&self, g: &Geometry, image: &[f32], out: &mut [f32], room: &mut Room) {
        g.pad(image, &mut room.padded);
        for band in g.bands() {
            let patches = g.gather(&band, &room.padded, &mut room.patches);
            let wide = &mut room.wide[..self.outputs() * band.len()];
            product(wide, false, self.weight(), patches);
            let planes = out.chunks_exact_mut(g.pixels()).zip(wide.chunks_exact(band.len()));
            for (plane, wide) in planes {
                let rows = plane[band.pixels()].chunks_exact_mut(band.width);
                let rows = rows.zip(wide.chunks_exact(band.pitch));
                rows.for_each(|(row, wide)| row.copy_from_slice(&wide[..band.width]));
            }
        }
        for (plane, bias) in out.chunks_exact_mut(g.pixels()).zip(self.bias()) {
            plane.iter_mut().for_each(|y| *y += bias);
        }
    }

    fn bias(&self) -> &[f32] {
        self.parameters.get(1).map_or(&[], |bias| &bias.values)
    }

    /// What a thread needs.
    fn room(&self, g: &Geometry) -> Room {
        let zeros = |len| vec![0.0; len];
        let (patches, wide) = (g.taps() * g.longest(), self.outputs() * g.longest());
        Room { padded: zeros(g.padded()), patches: zeros(patches), wide: zeros(wide) }
    }

    /// The way forth, and what `visit` gives of each image's output while that is in cache.
    pub(super) fn forward_with<R: Send>(
        &mut self,
        input: Tensor,
        pass: &mut Pass,
        visit: impl Fn(&[f32]) -> R + Sync,
    ) -> (Tensor, Vec<R>) {
        let g = self.geometry(input.features()).expect("features that fit");
        let features = [self.outputs(), g.output[0], g.output[1]];
        let mut output = Tensor::blank(&input.shape_with(&features));
        let images = output.values_mut().par_chunks_mut(self.outputs() * g.pixels());
        let seen = images.zip(input.values().par_chunks(g.image())).map_init(
            || self.room(&g),
            |room, (out, image)| {
                self.forth(&g, image, out, room);
                visit(out)
            },
        );
        let seen = seen.collect();
        let features = input.features().to_vec();
        self.kept = pass.kept(input).map(|input| (Kept::of(input), features));
        (output, seen)
    }

    /// The way back of some images, and `back` for each of them if it is asked for.
    fn back(&self, g: &Geometry, gradient: &impl Gradient, part: Part<'_>) -> Owed {
        let (kept, _) = self.kept.as_ref().expect(NO_FORWARD);
        let mut room = self.room(g);
        let mut image = vec![0.0; g.image()];
        let mut around = vec![0.0; if part.back.is_some() { g.padded() } else { 0 }];
        let (weights, outputs) = (self.parameters[0].values.len(), self.outputs());
        let mut owed = Owed { weight: vec![0.0; weights], bias: vec![0.0; outputs] };
        let mut backs = part.back.map(|back| back.chunks_mut(g.image()));
        for i in part.images {
            kept.read(i * g.image()..(i + 1) * g.image(), &mut image);
            g.pad(&image, &mut room.padded);
            around.fill(0.0);
            for band in g.bands() {
                let wide = &mut room.wide[..self.outputs() * band.len()];
                gradient.write(i, &band, wide);
                if self.parameters.len() > 1 {
                    owed.add_bias(wide, band.len());
                }
                let gradient = Matrix::new(wide, self.outputs(), band.len());
                let taps = g.gather(&band, &room.padded, &mut room.patches);
                // W by columns: the smaller factor is the one that gets turned over
                product(&mut owed.weight, true, taps, gradient.transposed());
                if backs.is_some() {
                    let patches = &mut room.patches[..g.taps() * band.len()];
                    product(patches, false, self.weight().transposed(), gradient);
                    g.scatter(&band, patches, &mut around);
                }
            }
            if let Some(back) = backs.as_mut().and_then(Iterator::next) {
                g.unpad(&around, back);
            }
        }
        owed
    }

    /// The way back from a gradient, to `back` if the gradient with respect to the input
    /// is asked for.
    pub(super) fn learn(&mut self, gradient: &impl Gradient, back: Option<&mut Tensor>) {
        let (_, features) = self.kept.as_ref().expect(NO_FORWARD);
        let g = self.geometry(features).expect("features that fitted");
        let all = gradient.images();
        let images = piece(all);
        let mut backs = back.map(|back| back.values_mut().chunks_mut(images * g.image()));
        let part = |first| {
            let back = backs.as_mut().and_then(Iterator::next);
            Part { images: first..all.min(first + images), back }
        };
        let parts: Vec<Part<'_>> = (0..all).step_by(images).map(part).collect();
        let owed = parts.into_par_iter().map(|part| self.back(&g, gradient, part));
        let owed: Vec<Owed> = owed.collect();
        self.kept = None;
        let outputs = self.outputs();
        for Owed { weight, bias: sums } in owed {
            self.parameters[0].owe(&transposed(&weight, g.taps(), outputs));
            if let Some(bias) = self.parameters.get_mut(1) {
                bias.owe(&sums);
            }
        }
    }

    /// A gradient with respect to the input, to be written.
    pub(super) fn blank_back(&self, gradient: &Tensor) -> Tensor {
        let (_, features) = self.kept.as_ref().expect(NO_FORWARD);
        Tensor::blank(&gradient.shape_with(features))
    }
}

/// A gradient with respect to the output of a convolution.
pub(super) trait Gradient: Sync {
    /// Number of images.
    fn images(&self) -> usize;

    /// Writes that of a band of an image, `[outputs, band.len()]`, zeros where nothing is
    /// of use.
    fn write(&self, image: usize, band: &Band, wide: &mut [f32]);
}

impl Gradient for Tensor {
    fn images(&self) -> usize {
        self.steps() * self.batch()
    }

    fn write(&self, image: usize, band: &Band, wide: &mut [f32]) {
        let image = &self.values()[image * self.feature_count()..][..self.feature_count()];
        let planes = image.chunks_exact(self.feature_count() / self.features()[0]);
        for (plane, wide) in planes.zip(wide.chunks_exact_mut(band.len())) {
            let rows = plane[band.pixels()].chunks_exact(band.width);
            for (row, wide) in rows.zip(wide.chunks_exact_mut(band.pitch)) {
                let (inside, rest) = wide.split_at_mut(band.width);
                inside.copy_from_slice(row);
                rest.fill(0.0);
            }
        }
    }
}

/// What a thread works on: a padded image, and of a band its patches and, in as long
/// rows, the output or the gradient with respect to it.
struct Room {
    padded: Vec<f32>,
    patches: Vec<f32>,
    wide: Vec<f32>,
}

/// Some images of the way back.
struct Part<'a> {
    images: Range<usize>,
    back: Option<&'a mut [f32]>,
}

/// What some images owe.
struct Owed {
    /// To W, transposed.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Owed {
    fn add_bias(&mut self, gradient: &[f32], len: usize) {
        let rows = self.bias.iter_mut().zip(gradient.chunks_exact(len));
        rows.for_each(|(bias, row)| *bias += row.iter().sum::<f32>());
    }
}

impl Layer for Conv2d {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = self.geometry(input)?.output;
        Ok(vec![self.outputs(), height, width])
    }

    /// Each thread has its room; back it has an image and the gradient with respect to a
    /// padded one too, and each piece its part of ∂W.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let g = self.geometry(input.features()).expect("features that fit");
        let threads = 4 * current_num_threads();
        let room = threads * (g.padded() + (g.taps() + self.outputs()) * g.longest());
        let images = threads * (g.image() + g.padded());
        let weights = 4 * PIECES * self.parameters[0].values.len();
        Footprint {
            kept: input.packed(keep),
            forth: input.bytes() + output.bytes() + input.mean(keep) + room,
            back: input.gradient(keep) + output.gradient(keep) + room + images + weights,
        }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        self.forward_with(input, pass, |_| ()).0
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let mut back = self.blank_back(&gradient);
        self.learn(&gradient, Some(&mut back));
        back
    }

    fn owe(&mut self, gradient: Tensor) {
        self.learn(&gradient, None);
    }

    fn role(&self) -> Role {
        Role::Connection
    }

    fn part(&mut self) -> sweep::Part<'_> {
        sweep::Part::Conv2d(self)
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }
}
