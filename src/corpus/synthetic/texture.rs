//! Patterns on what does not shine by itself.

use super::chance::Chance;

/// Cells a side; the pattern repeats after them.
const SIDE: usize = 64;

/// A pattern of numbers from about -1 to 1.
#[derive(Debug)]
pub struct Texture(Vec<f32>);

impl Texture {
    /// Of clothing: folds, and maybe stripes or checks.
    pub fn cloth(chance: &mut Chance) -> Texture {
        let folds = noise(&[(8, 0.6), (16, 0.4)], chance);
        let period = [8.0, 10.6667, 12.8, 16.0, 21.3333][chance.index(5)];
        let (across, down) =
            [(0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)][chance.index(5)];
        let stripe = |at: usize| libm::sin(std::f64::consts::TAU * at as f64 / period) as f32;
        Texture::of(|x, y| {
            0.6 * folds[y * SIDE + x] + 0.7 * (across * stripe(x) + down * stripe(y))
        })
    }

    /// Of a room: large shapes, and small ones on them.
    pub fn room(chance: &mut Chance) -> Texture {
        let shapes = noise(&[(3, 0.7), (6, 0.4), (16, 0.25)], chance);
        Texture::of(|x, y| shapes[y * SIDE + x])
    }

    fn of(value: impl Fn(usize, usize) -> f32) -> Texture {
        let cells = (0..SIDE * SIDE).map(|cell| value(cell % SIDE, cell / SIDE).clamp(-1.0, 1.0));
        Texture(cells.collect())
    }

    /// The pattern at a place, in cells.
    #[inline]
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (right, below) = (x - left, y - top);
        let wrapped = |at: f32, by: i32| ((at as i32).wrapping_add(by) as usize) % SIDE;
        let cell = |dx: i32, dy: i32| self.0[wrapped(top, dy) * SIDE + wrapped(left, dx)];
        let upper = cell(0, 0) + (cell(1, 0) - cell(0, 0)) * right;
        let lower = cell(0, 1) + (cell(1, 1) - cell(0, 1)) * right;
        upper + (lower - upper) * below
    }
}

/// Random values on grids of so many cells, between them smooth, added up by weight.
fn noise(grids: &[(usize, f32)], chance: &mut Chance) -> Vec<f32> {
    let mut sum = vec![0.0; SIDE * SIDE];
    for &(cells, weight) in grids {
        let grid: Vec<f32> = (0..cells * cells).map(|_| chance.between(-1.0, 1.0) as f32).collect();
        let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
        for (i, sum) in sum.iter_mut().enumerate() {
            let place = |at: usize| at as f32 * cells as f32 / SIDE as f32;
            let (x, y) = (place(i % SIDE), place(i / SIDE));
            let (right, below) = (smooth(x.fract()), smooth(y.fract()));
            let cell = |dx: usize, dy: usize| {
                grid[(y as usize + dy) % cells * cells + (x as usize + dx) % cells]
            };
            let upper = cell(0, 0) + (cell(1, 0) - cell(0, 0)) * right;
            let lower = cell(0, 1) + (cell(1, 1) - cell(0, 1)) * right;
            *sum += weight * (upper + (lower - upper) * below);
        }
    }
    sum
}
