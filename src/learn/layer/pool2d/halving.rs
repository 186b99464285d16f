//! Windows of two by two, side by side: two rows at a time, in wide registers.

use super::{Place, Pool};
use crate::signal::simd::Kernel;

/// Forth: a plane of rows of `width` to its windows.
pub(super) struct Halving<'a> {
    pub pool: Pool,
    pub width: usize,
    pub plane: &'a [f32],
    pub out: &'a mut [f32],
    /// Empty unless these are maxima.
    pub places: &'a mut [Place],
}

impl Kernel for Halving<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Halving { pool, width, plane, out, places } = self;
        let (pairs, across) = (plane.chunks_exact(2 * width), width / 2);
        match pool {
            Pool::Max => {
                let rows = out.chunks_exact_mut(across).zip(places.chunks_exact_mut(across));
                for (rows, (out, places)) in pairs.zip(rows) {
                    let lanes = out.iter_mut().zip(places);
                    for (window, (out, place)) in windows(rows, width).zip(lanes) {
                        (*out, *place) = largest(window);
                    }
                }
            }
            Pool::Sum => sums(pairs, width, out, 1.0),
            Pool::Average => sums(pairs, width, out, 0.25),
        }
    }
}

#[inline(always)]
fn sums<'a>(pairs: impl Iterator<Item = &'a [f32]>, width: usize, out: &mut [f32], scale: f32) {
    for (rows, out) in pairs.zip(out.chunks_exact_mut(width / 2)) {
        for ([a, b, c, d], out) in windows(rows, width).zip(out) {
            *out = (a + b + c + d) * scale;
        }
    }
}

/// The windows of two rows.
#[inline(always)]
fn windows(rows: &[f32], width: usize) -> impl Iterator<Item = [f32; 4]> {
    let (top, bottom) = rows.split_at(width);
    let pairs = top.as_chunks::<2>().0.iter().zip(bottom.as_chunks::<2>().0);
    pairs.map(|([a, b], [c, d])| [*a, *b, *c, *d])
}

/// The first of the largest, and which it is.
#[inline(always)]
fn largest([a, b, c, d]: [f32; 4]) -> (f32, Place) {
    let (top, left) = if b > a { (b, 1) } else { (a, 0) };
    let (bottom, right) = if d > c { (d, 3) } else { (c, 2) };
    if bottom > top { (bottom, right) } else { (top, left) }
}

/// Back: gradients of windows to those of a plane, every element of which is written.
pub(super) struct Halved<'a> {
    pub pool: Pool,
    pub width: usize,
    pub gradient: &'a [f32],
    /// Empty unless these were maxima.
    pub places: &'a [Place],
    pub back: &'a mut [f32],
}

impl Kernel for Halved<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Halved { pool, width, gradient, places, back } = self;
        let across = width / 2;
        let (pairs, rest) = back.split_at_mut(gradient.len() / across * 2 * width);
        rest.fill(0.0);
        let rows = pairs.chunks_exact_mut(2 * width).zip(gradient.chunks_exact(across));
        // loops, which are compiled with the kernel; closures of iterators need not be
        match pool {
            Pool::Max => {
                for ((rows, g), places) in rows.zip(places.chunks_exact(across)) {
                    let shares = g.iter().zip(places).map(|(&g, &place)| {
                        let share = |i: Place| if i == place { g } else { 0.0 };
                        [share(0), share(1), share(2), share(3)]
                    });
                    spread(rows, width, shares);
                }
            }
            Pool::Sum => {
                for (rows, g) in rows {
                    spread(rows, width, g.iter().map(|&g| [g; 4]));
                }
            }
            Pool::Average => {
                for (rows, g) in rows {
                    spread(rows, width, g.iter().map(|&g| [0.25 * g; 4]));
                }
            }
        }
    }
}

/// Writes windows to two rows, and zeros to what is in none.
#[inline(always)]
fn spread(rows: &mut [f32], width: usize, shares: impl Iterator<Item = [f32; 4]>) {
    let (top, bottom) = rows.split_at_mut(width);
    let ((top, top_rest), (bottom, bottom_rest)) =
        (top.as_chunks_mut::<2>(), bottom.as_chunks_mut::<2>());
    top_rest.fill(0.0);
    bottom_rest.fill(0.0);
    for ((top, bottom), [a, b, c, d]) in top.iter_mut().zip(bottom).zip(shares) {
        (*top, *bottom) = ([a, b], [c, d]);
    }
}
