//! Images as the patches that a kernel sees, a band of rows at a time.
//!
//! An image is padded first. At a stride of 1 what a tap sees of a band then lies in one
//! piece, if a row of patches is as long as a padded one: the last pixels of each see over
//! the edge, which nobody asks for. One long copy a tap takes the place of many short ones.

use std::ops::Range;

use crate::signal::Matrix;
use crate::signal::simd::{Kernel, dispatch};

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
pub(in crate::learn::layer) struct Band {
    rows: Range<usize>,
    /// Pixels of a row.
    pub width: usize,
    /// Elements from one row of patches to the next, those after the first `width` of no
    /// use.
    pub pitch: usize,
}

/// Elements of patches that stay in a core's cache.
const CACHED: usize = 1 << 16;

impl Band {
    /// Its pixels in the output.
    pub fn pixels(&self) -> Range<usize> {
        self.rows.start * self.width..self.rows.end * self.width
    }

    /// Elements of its patches, for each tap.
    pub fn len(&self) -> usize {
        self.rows.len() * self.pitch
    }
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

    fn padded_axes(&self) -> [usize; 2] {
        self.input.map(|size| size + 2 * self.padding)
    }

    /// Elements of a padded image, and of what its last row sees over its edge.
    pub fn padded(&self) -> usize {
        let [height, width] = self.padded_axes();
        self.channels * height * width + self.kernel[1] - 1
    }

    fn pitch(&self) -> usize {
        if self.stride == 1 { self.padded_axes()[1] } else { self.output[1] }
    }

    fn rows_of_band(&self) -> usize {
        (CACHED / (self.taps() * self.pitch()).max(1)).clamp(1, self.output[0])
    }

    /// Elements of the largest band's patches, for each tap.
    pub fn longest(&self) -> usize {
        self.rows_of_band() * self.pitch()
    }

    pub fn bands(&self) -> impl Iterator<Item = Band> {
        let ([height, width], pitch, rows) = (self.output, self.pitch(), self.rows_of_band());
        (0..height).step_by(rows).map(move |row| {
            let rows = row..height.min(row + rows);
            Band { rows, width, pitch }
        })
    }

    /// Where each row of an image lies in a padded one.
    fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let ([height, width], across) = (self.padded_axes(), self.input[1]);
        let padding = self.padding;
        (0..self.channels).flat_map(move |channel| {
            (padding..height - padding).map(move |row| {
                let start = (channel * height + row) * width + padding;
                start..start + across
            })
        })
    }

    /// An image within the zeros of a padded one, which are there.
    pub fn pad(&self, image: &[f32], padded: &mut [f32]) {
        if self.padding == 0 {
            return padded[..image.len()].copy_from_slice(image);
        }
        let rows = self.rows().zip(image.chunks_exact(self.input[1]));
        rows.for_each(|(row, x)| padded[row].copy_from_slice(x));
    }

    /// The image within a padded one.
    pub fn unpad(&self, padded: &[f32], image: &mut [f32]) {
        let rows = self.rows().zip(image.chunks_exact_mut(self.input[1]));
        rows.for_each(|(row, x)| x.copy_from_slice(&padded[row]));
    }

    /// The first element of a padded image that each tap sees of a band.
    fn taps_of(&self, band: &Band) -> impl Iterator<Item = usize> {
        let ([height, width], [down, across]) = (self.padded_axes(), self.kernel);
        let first = band.rows.start * self.stride;
        (0..self.channels).flat_map(move |channel| {
            (0..down).flat_map(move |ky| {
                (0..across).map(move |kx| (channel * height + first + ky) * width + kx)
            })
        })
    }

    /// The elements of each row of a band behind its first.
    fn strided(&self, band: &Band) -> impl Iterator<Item = usize> {
        let (stride, width) = (self.stride, self.padded_axes()[1]);
        let (rows, across) = (band.rows.len(), band.width);
        (0..rows).flat_map(move |row| (0..across).map(move |x| (row * width + x) * stride))
    }

    /// The patches of a band of a padded image, `[taps, band.len()]`.
    pub fn gather<'p>(&self, band: &Band, padded: &[f32], patches: &'p mut [f32]) -> Matrix<'p> {
        let patches = &mut patches[..self.taps() * band.len()];
        for (first, patch) in self.taps_of(band).zip(patches.chunks_exact_mut(band.len())) {
            match self.stride {
                1 => patch.copy_from_slice(&padded[first..first + band.len()]),
                _ => {
                    let from = self.strided(band).map(|at| padded[first + at]);
                    patch.iter_mut().zip(from).for_each(|(p, x)| *p = x);
                }
            }
        }
        Matrix::new(patches, self.taps(), band.len())
    }

    /// Adds the patches of a band to the padded image that they were gathered from.
    pub fn scatter(&self, band: &Band, patches: &[f32], padded: &mut [f32]) {
        for (first, patch) in self.taps_of(band).zip(patches.chunks_exact(band.len())) {
            match self.stride {
                1 => dispatch(Add(&mut padded[first..first + band.len()], patch)),
                _ => {
                    let pairs = self.strided(band).zip(patch);
                    pairs.for_each(|(at, p)| padded[first + at] += p);
                }
            }
        }
    }
}

/// The sum of both, in the first.
struct Add<'a>(&'a mut [f32], &'a [f32]);

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, x) in self.0.iter_mut().zip(self.1) {
            *sum += x;
        }
    }
}
