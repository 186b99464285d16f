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

use rayon::current_num_threads;
use rayon::prelude::*;

use self::patches::{Band, Geometry};
use super::{Keep, Layer, NO_FORWARD, PIECES, Pass, Role, misfit, named, piece, transposed};
use crate::error::Result;
use crate::learn::memory::{Footprint, Form};
use crate::learn::{Kept, Parameter, Tensor};
use crate::signal::{Matrix, product, spaced_product};

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
    fn forth(&self, g: &Geometry, image: &[f32], out: &mut [f32], patches: &mut [f32]) {
        let bias = self.parameters.get(1).map(|bias| &bias.values);
        for (plane, &bias) in out.chunks_mut(g.pixels()).zip(bias.into_iter().flatten()) {
            plane.fill(bias);
        }
        for band in g.bands() {
            let patches = g.gather(&band, image, patches);
            let out = &mut out[band.first..];
            spaced_product(out, g.pixels(), bias.is_some(), self.weight(), patches);
        }
    }

    /// The way back of some images: what they owe to W, transposed, and `back` for
    /// each of them if it is asked for.
    fn back(&self, g: &Geometry, part: Part<'_>) -> Vec<f32> {
        let (kept, _) = self.kept.as_ref().expect(NO_FORWARD);
        let mut patches = vec![0.0; g.most_patches()];
        let mut image = vec![0.0; g.image()];
        let mut owed = vec![0.0; g.taps() * self.outputs()];
        let mut backs = part.back.map(|back| back.chunks_mut(g.image()));
        for (i, gradient) in part.gradient.chunks(self.outputs() * g.pixels()).enumerate() {
            let at = (part.first + i) * g.image();
            kept.read(at..at + g.image(), &mut image);
            let back = backs.as_mut().and_then(Iterator::next);
            let of_band = |band: &Band| {
                let gradient = &gradient[band.first..];
                Matrix::spaced(gradient, self.outputs(), band.pixels, g.pixels())
            };
            for band in g.bands() {
                let taps = g.gather(&band, &image, &mut patches);
                // W by columns: the smaller factor is the one that gets turned over
                product(&mut owed, true, taps, of_band(&band).transposed());
            }
            let Some(back) = back else { continue };
            back.fill(0.0);
            for band in g.bands() {
                let patches = &mut patches[..g.taps() * band.pixels];
                product(patches, false, self.weight().transposed(), of_band(&band));
                g.scatter(&band, patches, back);
            }
        }
        owed
    }

    /// The way back, to `back` if the gradient with respect to the input is asked for.
    fn learn(&mut self, gradient: &Tensor, back: Option<&mut Tensor>) {
        let (_, features) = self.kept.as_ref().expect(NO_FORWARD);
        let g = self.geometry(features).expect("features that fitted");
        let images = piece(gradient.steps() * gradient.batch());
        let parts = gradient.values().chunks(images * self.outputs() * g.pixels());
        let mut backs = back.map(|back| back.values_mut().chunks_mut(images * g.image()));
        let part = |(i, gradient)| {
            let back = backs.as_mut().and_then(Iterator::next);
            Part { first: i * images, gradient, back }
        };
        let parts: Vec<Part<'_>> = parts.enumerate().map(part).collect();
        let owed: Vec<Vec<f32>> = parts.into_par_iter().map(|part| self.back(&g, part)).collect();
        self.kept = None;
        let taps = g.taps();
        for owed in owed {
            self.parameters[0].owe(&transposed(&owed, taps, owed.len() / taps));
        }
        if let Some(bias) = self.parameters.get_mut(1) {
            let sums = |planes: &[f32]| planes.chunks(g.pixels()).map(|p| p.iter().sum()).collect();
            let images = gradient.values().chunks(bias.values.len() * g.pixels());
            images.for_each(|planes| bias.owe(&sums(planes) as &Vec<f32>));
        }
    }
}

/// Some images of the way back.
struct Part<'a> {
    /// Which is the first.
    first: usize,
    gradient: &'a [f32],
    back: Option<&'a mut [f32]>,
}

impl Layer for Conv2d {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = self.geometry(input)?.output;
        Ok(vec![self.outputs(), height, width])
    }

    /// Forth and back each thread has its patches; back it has an image too, and each
    /// piece its part of ∂W.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let g = self.geometry(input.features()).expect("features that fit");
        let patches = 4 * g.most_patches() * current_num_threads();
        let images = 4 * g.image() * current_num_threads();
        let weights = 4 * PIECES * self.parameters[0].values.len();
        Footprint {
            kept: input.packed(keep),
            forth: input.bytes() + output.bytes() + input.mean(keep) + patches,
            back: input.gradient(keep) + output.gradient(keep) + patches + images + weights,
        }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let g = self.geometry(input.features()).expect("features that fit");
        let features = [self.outputs(), g.output[0], g.output[1]];
        let mut output = Tensor::blank(&input.shape_with(&features));
        let images = output.values_mut().par_chunks_mut(self.outputs() * g.pixels());
        images.zip(input.values().par_chunks(g.image())).for_each_init(
            || vec![0.0; g.most_patches()],
            |patches, (out, image)| self.forth(&g, image, out, patches),
        );
        let features = input.features().to_vec();
        self.kept = pass.kept(input).map(|input| (Kept::of(input), features));
        output
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let (_, features) = self.kept.as_ref().expect(NO_FORWARD);
        let mut back = Tensor::blank(&gradient.shape_with(features));
        self.learn(&gradient, Some(&mut back));
        back
    }

    fn owe(&mut self, gradient: Tensor) {
        self.learn(&gradient, None);
    }

    fn role(&self) -> Role {
        Role::Connection
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }
}
