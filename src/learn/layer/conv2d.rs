//! Convolutions in two dimensions, as products with the image's patches.
//!
//! ```text
//! y[o, p] = Σ_k W[o, k] patches[k, p] + b[o]       k: (channel, row, column) of a tap
//! ∂W = ∂y patchesᵀ        ∂patches = Wᵀ ∂y, added up where patches overlap
//! ```
//!
//! W is `[out, in, rows, columns]`, and what it does is PyTorch's Conv2d: a
//! cross-correlation, padded with zeros. Patches are made image by image and not kept.

use rayon::prelude::*;

use super::{Layer, NO_FORWARD, Pass, misfit, named, piece};
use crate::error::Result;
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

/// Sizes of one image, and what they make of it.
#[derive(Clone, Copy, Debug)]
struct Geometry {
    channels: usize,
    input: [usize; 2],
    kernel: [usize; 2],
    output: [usize; 2],
    stride: usize,
    padding: usize,
}

impl Geometry {
    fn taps(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    fn pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    fn image(&self) -> usize {
        self.channels * self.input[0] * self.input[1]
    }

    /// Outputs that a tap reaches along an axis, and the input that the first sees.
    fn reach(&self, axis: usize, tap: usize) -> (std::ops::Range<usize>, usize) {
        let (size, stride, padding) = (self.input[axis], self.stride, self.padding);
        let first = padding.saturating_sub(tap).div_ceil(stride);
        let end = (size + padding).saturating_sub(tap).div_ceil(stride).min(self.output[axis]);
        (first..end.max(first), (first * stride + tap).saturating_sub(padding))
    }

    /// Every run of patches' elements: where it starts in the patches, where in the
    /// image, and its length; elements of the image are `stride` apart.
    fn runs(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [height, width] = self.input;
        for channel in 0..self.channels {
            for ky in 0..self.kernel[0] {
                let (rows, first_y) = self.reach(0, ky);
                for kx in 0..self.kernel[1] {
                    let (columns, x) = self.reach(1, kx);
                    let tap = (channel * self.kernel[0] + ky) * self.kernel[1] + kx;
                    for (i, row) in rows.clone().enumerate() {
                        let y = first_y + i * self.stride;
                        let patch = tap * self.pixels() + row * self.output[1] + columns.start;
                        visit(patch, (channel * height + y) * width + x, columns.len());
                    }
                }
            }
        }
    }

    /// The patches of an image, `[taps, pixels]`; `patches` is zero in the padding.
    fn gather(&self, image: &[f32], patches: &mut [f32]) {
        self.runs(|patch, at, len| {
            let from = image[at.min(image.len())..].iter().step_by(self.stride);
            patches[patch..patch + len].iter_mut().zip(from).for_each(|(p, &x)| *p = x);
        });
    }

    /// Adds patches to the image that they were gathered from.
    fn scatter(&self, patches: &[f32], image: &mut [f32]) {
        self.runs(|patch, at, len| {
            let start = at.min(image.len());
            let to = image[start..].iter_mut().step_by(self.stride);
            to.zip(&patches[patch..patch + len]).for_each(|(x, p)| *x += p);
        });
    }
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

    /// The way back of some images: ∂W of all of them, and `back` for each.
    fn back(&self, g: &Geometry, first: usize, gradient: &[f32], back: &mut [f32]) -> Vec<f32> {
        let (kept, _) = self.kept.as_ref().expect(NO_FORWARD);
        let mut patches = vec![0.0; g.taps() * g.pixels()];
        let mut back_patches = patches.clone();
        let mut image = vec![0.0; g.image()];
        let mut owed = vec![0.0; self.outputs() * g.taps()];
        let pairs = gradient.chunks(self.outputs() * g.pixels()).zip(back.chunks_mut(g.image()));
        for (i, (gradient, back)) in pairs.enumerate() {
            let at = (first + i) * g.image();
            kept.read(at..at + g.image(), &mut image);
            g.gather(&image, &mut patches);
            let gradient = Matrix::new(gradient, self.outputs(), g.pixels());
            let taps = Matrix::new(&patches, g.taps(), g.pixels());
            product(&mut owed, true, gradient, taps.transposed());
            product(&mut back_patches, false, self.weight().transposed(), gradient);
            g.scatter(&back_patches, back);
        }
        owed
    }
}

impl Layer for Conv2d {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let [height, width] = self.geometry(input)?.output;
        Ok(vec![self.outputs(), height, width])
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let g = self.geometry(input.features()).expect("features that fit");
        let features = [self.outputs(), g.output[0], g.output[1]];
        let mut output = Tensor::zeros(&input.shape_with(&features));
        let bias = self.parameters.get(1).map(|bias| &bias.values);
        let images = output.values_mut().par_chunks_mut(self.outputs() * g.pixels());
        images.zip(input.values().par_chunks(g.image())).for_each_init(
            || vec![0.0; g.taps() * g.pixels()],
            |patches, (out, image)| {
                for (plane, &bias) in out.chunks_mut(g.pixels()).zip(bias.into_iter().flatten()) {
                    plane.fill(bias);
                }
                g.gather(image, patches);
                product(out, true, self.weight(), Matrix::new(patches, g.taps(), g.pixels()));
            },
        );
        let features = input.features().to_vec();
        self.kept = Some((Kept::of(pass.kept(input).into_values()), features));
        output
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let (_, features) = self.kept.as_ref().expect(NO_FORWARD);
        let g = self.geometry(features).expect("features that fitted");
        let mut back = Tensor::zeros(&gradient.shape_with(features));
        let images = piece(gradient.steps() * gradient.batch());
        let outputs = gradient.values().par_chunks(images * self.outputs() * g.pixels());
        let inputs = back.values_mut().par_chunks_mut(images * g.image());
        let owed: Vec<Vec<f32>> = outputs
            .zip(inputs)
            .enumerate()
            .map(|(i, (gradient, back))| self.back(&g, i * images, gradient, back))
            .collect();
        self.kept = None;
        owed.iter().for_each(|owed| self.parameters[0].owe(owed));
        if let Some(bias) = self.parameters.get_mut(1) {
            let sums = |planes: &[f32]| planes.chunks(g.pixels()).map(|p| p.iter().sum()).collect();
            let images = gradient.values().chunks(bias.values.len() * g.pixels());
            images.for_each(|planes| bias.owe(&sums(planes) as &Vec<f32>));
        }
        back
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }
}
