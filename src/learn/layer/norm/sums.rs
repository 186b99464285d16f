//! Sums over planes: in `f32` within a few thousand elements, in `f64` over these.
//!
//! ```text
//! M(A ∪ B) = M(A) + M(B) + δ² n_A n_B / (n_A + n_B)        δ = μ_B − μ_A
//! ```
//!
//! M is Σ (x − μ)². **Source.** Chan, Golub & LeVeque 1979.

use crate::signal::simd::{Kernel, dispatch};

/// Elements that are added up in `f32`: they stay in cache, to be gone over twice.
const PIECE: usize = 4096;
/// Sums side by side.
const LANES: usize = 64;

/// Number, mean and summed squared distance from it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::learn::layer) struct Moments {
    count: f64,
    pub mean: f64,
    squares: f64,
}

impl Moments {
    /// Those of each plane of an image.
    pub fn of_planes(image: &[f32], planes: usize) -> Vec<Moments> {
        image.chunks_exact(image.len() / planes).map(|plane| dispatch(Spread(plane))).collect()
    }

    /// Those of both.
    pub fn joined(self, other: Moments) -> Moments {
        let count = self.count + other.count;
        let (apart, share) = (other.mean - self.mean, other.count / count.max(1.0));
        let squares = self.squares + other.squares + apart * apart * self.count * share;
        Moments { count, mean: self.mean + apart * share, squares }
    }

    /// σ², biased.
    pub fn variance(&self) -> f64 {
        self.squares / self.count.max(1.0)
    }
}

/// Σ term(a, b) over pairs, in registers side by side.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let ((whole_a, rest_a), (whole_b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0f32; LANES];
    for (a, b) in whole_a.iter().zip(whole_b) {
        let held = lanes;
        lanes = std::array::from_fn(|i| held[i] + term(a[i], b[i]));
    }
    let rest = lanes.iter_mut().zip(rest_a.iter().zip(rest_b));
    rest.for_each(|(sum, (&a, &b))| *sum += term(a, b));
    halved(lanes)
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn halved(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        low.iter_mut().zip(high).for_each(|(a, b)| *a += *b);
        half /= 2;
    }
    lanes[0]
}

/// The moments of a plane.
struct Spread<'a>(&'a [f32]);

impl Kernel for Spread<'_> {
    type Output = Moments;

    #[inline(always)]
    fn run(self) -> Moments {
        let mut all = Moments::default();
        for piece in self.0.chunks(PIECE) {
            let count = piece.len() as f64;
            let mean = f64::from(sum(piece, piece, |x, _| x)) / count;
            let near = mean as f32;
            let squares = sum(piece, piece, |x, _| (x - near) * (x - near));
            all = all.joined(Moments { count, mean, squares: f64::from(squares) });
        }
        all
    }
}

/// Σ ∂y and Σ ∂y (x − μ) over a plane.
pub(in crate::learn::layer) struct Along<'a> {
    pub gradient: &'a [f32],
    pub input: &'a [f32],
    pub mean: f32,
}

impl Kernel for Along<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run(self) -> (f64, f64) {
        let mut sums = (0.0, 0.0);
        for (g, x) in self.gradient.chunks(PIECE).zip(self.input.chunks(PIECE)) {
            sums.0 += f64::from(sum(g, g, |g, _| g));
            sums.1 += f64::from(sum(g, x, |g, x| g * (x - self.mean)));
        }
        sums
    }
}
