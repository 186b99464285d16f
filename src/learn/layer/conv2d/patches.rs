//! Images as the patches that a kernel sees, a band of rows at a time.

use std::ops::Range;

use crate::signal::Matrix;

/// Sizes of one image, and what they make of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub channels: usize,
    pub input: [usize; 2],
    pub kernel: [usize; 2],
    pub output: [usize; 2],
    pub stride: usize,
    pub padding: usize,
}

/// Some rows of the output.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub rows: Range<usize>,
    /// Its first pixel.
    pub first: usize,
    pub pixels: usize,
}

/// Elements of patches that stay in a core's cache.
const CACHED: usize = 1 << 16;

/// One row of one tap's patches: where it lies there, and what it sees of the image.
struct Run {
    patch: Range<usize>,
    /// The pixels of `patch` that lie in the image, not in the padding.
    inside: Range<usize>,
    /// The first element of the image; those after it are `stride` apart.
    image: usize,
}

impl Geometry {
    pub fn taps(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    pub fn pixels(&self) -> usize {
        self.output[0] * self.output[1]
    }

    pub fn image(&self) -> usize {
        self.channels * self.input[0] * self.input[1]
    }

    fn rows_of_band(&self) -> usize {
        (CACHED / (self.taps() * self.output[1]).max(1)).clamp(1, self.output[0])
    }

    /// Elements of the patches of the largest band.
    pub fn most_patches(&self) -> usize {
        self.taps() * self.rows_of_band() * self.output[1]
    }

    pub fn bands(&self) -> impl Iterator<Item = Band> {
        let [height, width] = self.output;
        let rows = self.rows_of_band();
        (0..height).step_by(rows).map(move |row| {
            let rows = row..height.min(row + rows);
            Band { first: row * width, pixels: rows.len() * width, rows }
        })
    }

    /// Outputs whose tap lies in the image along an axis, of these.
    fn inside(&self, axis: usize, tap: usize, outputs: Range<usize>) -> Range<usize> {
        let (size, stride, padding) = (self.input[axis], self.stride, self.padding);
        let first = padding.saturating_sub(tap).div_ceil(stride);
        let end = (size + padding).saturating_sub(tap).div_ceil(stride);
        let first = first.clamp(outputs.start, outputs.end);
        first..end.clamp(first, outputs.end)
    }

    fn runs(&self, band: &Band, mut visit: impl FnMut(Run)) {
        let [height, width] = self.input;
        let across = self.output[1];
        let mut start = 0;
        for channel in 0..self.channels {
            for ky in 0..self.kernel[0] {
                let rows = self.inside(0, ky, band.rows.clone());
                for kx in 0..self.kernel[1] {
                    let columns = self.inside(1, kx, 0..across);
                    let x = (columns.start * self.stride + kx).saturating_sub(self.padding);
                    for row in band.rows.clone() {
                        let inside = if rows.contains(&row) { columns.clone() } else { 0..0 };
                        let y = (row * self.stride + ky).saturating_sub(self.padding);
                        let image = (channel * height + y) * width + x;
                        visit(Run { patch: start..start + across, inside, image });
                        start += across;
                    }
                }
            }
        }
    }

    /// The patches of a band, `[taps, pixels]`.
    pub fn gather<'p>(&self, band: &Band, image: &[f32], patches: &'p mut [f32]) -> Matrix<'p> {
        let patches = &mut patches[..self.taps() * band.pixels];
        self.runs(band, |run| {
            let patch = &mut patches[run.patch];
            patch[..run.inside.start].fill(0.0);
            patch[run.inside.end..].fill(0.0);
            let (patch, len) = (&mut patch[run.inside.clone()], run.inside.len());
            match self.stride {
                _ if len == 0 => (),
                1 => patch.copy_from_slice(&image[run.image..run.image + len]),
                stride => {
                    let from = image[run.image..].iter().step_by(stride);
                    patch.iter_mut().zip(from).for_each(|(p, &x)| *p = x);
                }
            }
        });
        Matrix::new(patches, self.taps(), band.pixels)
    }

    /// Adds the patches of a band to the image that they were gathered from.
    pub fn scatter(&self, band: &Band, patches: &[f32], image: &mut [f32]) {
        self.runs(band, |run| {
            if run.inside.is_empty() {
                return;
            }
            let patch = &patches[run.patch][run.inside];
            match self.stride {
                1 => image[run.image..][..patch.len()].iter_mut().zip(patch).for_each(add),
                stride => {
                    image[run.image..].iter_mut().step_by(stride).zip(patch).for_each(add);
                }
            }
        });
    }
}

fn add((x, p): (&mut f32, &f32)) {
    *x += p;
}
