//! What the camera sees: a performer before a wall, drawn to intensities from 0 to 255.

use super::chance::Chance;
use super::light::Lighting;
use super::motion::{Act, Vec3};
use super::performer::{Performer, Pose};
use super::texture::Texture;

/// Columns and rows of the camera.
pub const SIDE: usize = 128;

/// A picture is drawn anew when a joint has moved so far, in pixels.
const VISIBLE: f64 = 0.08;

/// A performer, the wall behind, and the light on both.
#[derive(Debug)]
pub struct Scene<'a> {
    performer: &'a Performer,
    acts: &'a [Act],
    lighting: &'a Lighting,
    wall: Vec<f32>,
    drawn: Option<Pose>,
    picture: Vec<f32>,
}

/// A part of the body in the picture.
struct Part {
    shape: Shape,
    intensity: f64,
    /// How strong the pattern of the clothing is on it.
    pattern: f64,
    /// The cell of the pattern at its beginning.
    cell: [f64; 2],
}

/// Outlines, in pixels.
enum Shape {
    /// A limb: from one end to the other, with a radius at each.
    Limb { ends: [[f64; 2]; 2], radii: [f64; 2] },
    /// An ellipse.
    Oval { middle: [f64; 2], radii: [f64; 2] },
    /// A trunk from its neck down: half its width at the shoulders, waist and hips.
    Trunk { top: [f64; 2], height: f64, widths: [f64; 3] },
}

impl<'a> Scene<'a> {
    /// The scene before anything moves.
    pub fn new(
        performer: &'a Performer,
        acts: &'a [Act],
        lighting: &'a Lighting,
        chance: &mut Chance,
    ) -> Scene<'a> {
        let texture = Texture::room(chance);
        let (base, contrast) = (performer.wall, chance.between(0.1, 0.5) as f32);
        let wall = (0..SIDE * SIDE).map(|pixel| {
            let (x, y) = ((pixel % SIDE) as f32, (pixel / SIDE) as f32);
            let shade = 1.0 + contrast * texture.at(0.5 * x, 0.5 * y);
            base as f32 * shade * side_light(lighting, x)
        });
        let wall: Vec<f32> = wall.collect();
        let picture = vec![0.0; SIDE * SIDE];
        Scene { performer, acts, lighting, wall, drawn: None, picture }
    }

    /// The picture at a time in s, in rows.
    pub fn at(&mut self, t: f64) -> &[f32] {
        let pose = self.performer.pose(self.acts, t);
        let shown = self
            .drawn
            .as_ref()
            .is_some_and(|drawn| distance(drawn, &pose) * self.performer.scale < VISIBLE);
        if !shown {
            self.picture.copy_from_slice(&self.wall);
            for part in self.parts(&pose) {
                self.draw(&part);
            }
            self.drawn = Some(pose);
        }
        &self.picture
    }

    /// The parts of a body from the back to the front.
    fn parts(&self, pose: &Pose) -> Vec<Part> {
        let p = self.performer;
        let size = |metres: f64| metres * p.scale * p.girth;
        let trunk = [p.place[0] + pose.trunk[0] * p.scale, p.place[1] + pose.trunk[1] * p.scale];
        let from_trunk = |x: f64, y: f64| [trunk[0] + x * p.scale, trunk[1] + y * p.scale];
        let plain =
            |shape: Shape, intensity: f64| Part { shape, intensity, pattern: 0.0, cell: [0.0; 2] };
        let cloth = |shape: Shape, intensity: f64, cell: [f64; 2]| Part {
            shape,
            intensity,
            pattern: p.pattern,
            cell,
        };
        let mut parts = Vec::with_capacity(20);
        for side in [-1.0, 1.0] {
            // legs stand still
            let hip = [p.place[0] + side * size(0.09), p.place[1] + 0.52 * p.scale];
            let knee = [hip[0] + side * size(0.02), hip[1] + 0.5 * p.scale];
            let shape = Shape::Limb { ends: [hip, knee], radii: [size(0.09), size(0.075)] };
            parts.push(plain(shape, p.trousers));
        }
        let head = from_trunk(pose.head[0], pose.head[1] - 0.20);
        let [hx, hy] = head;
        if p.long_hair {
            let radii = [0.115 * p.scale, 0.17 * p.scale];
            parts.push(plain(Shape::Oval { middle: [hx, hy + 0.02 * p.scale], radii }, p.hair));
        }
        let widths = [0.19, 0.145, 0.165].map(size);
        let top = from_trunk(0.0, -0.03);
        parts.push(cloth(Shape::Trunk { top, height: 0.58 * p.scale, widths }, p.shirt, [0.0; 2]));
        let neck = Shape::Limb { ends: [head, from_trunk(0.0, 0.0)], radii: [size(0.05); 2] };
        parts.push(plain(neck, 0.85 * p.skin));
        let oval = |dx: f64, dy: f64, rx: f64, ry: f64| Shape::Oval {
            middle: [hx + dx * p.scale, hy + dy * p.scale],
            radii: [rx * p.scale, ry * p.scale],
        };
        parts.push(plain(oval(0.0, -0.03, 0.098, 0.125), p.hair));
        parts.push(plain(oval(0.0, 0.015, 0.082, 0.108), p.skin));
        for side in [-1.0, 1.0] {
            parts.push(plain(oval(side * 0.034, -0.005, 0.016, 0.010), 0.4 * p.skin));
        }
        parts.push(plain(oval(0.0, 0.065, 0.030, 0.009), 0.6 * p.skin));
        let mut arms = [0, 1];
        if pose.arms[0].hand[2] > pose.arms[1].hand[2] {
            arms.reverse();
        }
        for (i, arm) in arms.map(|i| (i, &pose.arms[i])) {
            let joints = [arm.shoulder, arm.elbow, arm.wrist, arm.hand];
            let [shoulder, elbow, wrist, hand] = joints.map(|[x, y, z]| {
                let nearer = self.nearer(z);
                (from_trunk(x * nearer, y * nearer), nearer)
            });
            let limb = |from: ([f64; 2], f64), to: ([f64; 2], f64), radii: [f64; 2]| Shape::Limb {
                ends: [from.0, to.0],
                radii: [size(radii[0]) * from.1, size(radii[1]) * to.1],
            };
            let cell = [20.0 * i as f64, 30.0];
            parts.push(cloth(limb(shoulder, elbow, [0.055, 0.045]), p.shirt, cell));
            parts.push(plain(limb(elbow, wrist, [0.042, 0.030]), 0.9 * p.skin));
            if p.sleeve > 0.0 {
                let mix = |a: f64, b: f64| a + (b - a) * p.sleeve;
                let cuff = [mix(elbow.0[0], wrist.0[0]), mix(elbow.0[1], wrist.0[1])];
                let cuff = (cuff, mix(elbow.1, wrist.1));
                parts.push(cloth(
                    limb(elbow, cuff, [0.047, 0.047 - 0.012 * p.sleeve]),
                    p.shirt,
                    cell,
                ));
            }
            parts.push(plain(limb(wrist, hand, [0.036, 0.044]), p.skin));
        }
        parts
    }

    /// How much larger something looks that is so far before the body, in m.
    fn nearer(&self, z: f64) -> f64 {
        self.performer.distance / (self.performer.distance - z.min(0.8))
    }

    fn draw(&mut self, part: &Part) {
        let [left, top, right, bottom] = part.shape.bounds();
        let clamp = |at: f64| (at.max(0.0) as usize).min(SIDE);
        let (columns, rows) = (clamp(left)..clamp(right + 2.0), clamp(top)..clamp(bottom + 2.0));
        let cells = 64.0 / (0.6 * self.performer.scale as f32);
        for y in rows {
            for x in columns.clone() {
                let (fx, fy) = (x as f32, y as f32);
                let (outside, across) = part.shape.outside(fx, fy);
                let cover = (0.5 - outside).clamp(0.0, 1.0);
                if cover > 0.0 {
                    // round things are darker where they turn away
                    let round = 1.0 - 0.3 * across * across;
                    let [u, v] = part.shape.inside(fx, fy);
                    let pattern = match part.pattern {
                        0.0 => 0.0,
                        strength => {
                            let [cu, cv] = part.cell.map(|cell| cell as f32);
                            strength as f32
                                * self.performer.cloth.at(cu + u * cells, cv + v * cells)
                        }
                    };
                    let light = side_light(self.lighting, fx);
                    let value = part.intensity as f32 * round * (1.0 + pattern) * light;
                    let pixel = &mut self.picture[y * SIDE + x];
                    *pixel += cover * (value - *pixel);
                }
            }
        }
    }
}

/// How much brighter a column is than the middle one.
fn side_light(lighting: &Lighting, x: f32) -> f32 {
    1.0 + lighting.side as f32 * (0.5 - x / SIDE as f32)
}

impl Shape {
    /// Left, top, right, bottom.
    fn bounds(&self) -> [f64; 4] {
        match *self {
            Shape::Limb { ends: [a, b], radii } => {
                let r = radii[0].max(radii[1]) + 1.0;
                [a[0].min(b[0]) - r, a[1].min(b[1]) - r, a[0].max(b[0]) + r, a[1].max(b[1]) + r]
            }
            Shape::Oval { middle: [x, y], radii: [rx, ry] } => {
                [x - rx - 1.0, y - ry - 1.0, x + rx + 1.0, y + ry + 1.0]
            }
            Shape::Trunk { top: [x, y], height, widths } => {
                let widest = widths.iter().fold(0.0, |most: f64, &width| most.max(width)) + 1.0;
                [x - widest, y - 1.0, x + widest, y + height + 1.0]
            }
        }
    }

    /// How far a place is outside, negative inside; and how far from the middle line it
    /// is, from -1 to 1.
    #[inline]
    fn outside(&self, x: f32, y: f32) -> (f32, f32) {
        match *self {
            Shape::Limb { ends: [a, b], radii } => {
                let ([ax, ay], [bx, by]) = (a.map(|c| c as f32), b.map(|c| c as f32));
                let (dx, dy, px, py) = (bx - ax, by - ay, x - ax, y - ay);
                let share = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-6)).clamp(0.0, 1.0);
                let radius = radii[0] as f32 + (radii[1] - radii[0]) as f32 * share;
                let (ex, ey) = (px - share * dx, py - share * dy);
                let away = (ex * ex + ey * ey).sqrt();
                (away - radius, away / radius)
            }
            Shape::Oval { middle, radii } => {
                let ([mx, my], [rx, ry]) = (middle.map(|c| c as f32), radii.map(|r| r as f32));
                let (dx, dy) = ((x - mx) / rx, (y - my) / ry);
                let away = (dx * dx + dy * dy).sqrt();
                ((away - 1.0) * rx.min(ry), away)
            }
            Shape::Trunk { top, height, widths } => {
                let ([tx, ty], height) = (top.map(|c| c as f32), height as f32);
                let [shoulders, waist, hips] = widths.map(|width| width as f32);
                let v = ((y - ty) / height).clamp(0.0, 1.0);
                let bent =
                    |from: f32, to: f32, t: f32| from + (to - from) * t * t * (3.0 - 2.0 * t);
                let width = match v {
                    v if v < 0.6 => bent(shoulders, waist, v / 0.6),
                    v => bent(waist, hips, (v - 0.6) / 0.4),
                };
                let across = (x - tx).abs() / width;
                // shoulders slope
                let slope = 0.35 * ((x - tx).abs() - 0.4 * shoulders).max(0.0);
                let outside = ((x - tx).abs() - width).max(ty + slope - y).max(y - ty - height);
                (outside, across.min(1.0))
            }
        }
    }

    /// A place by the shape's own beginning: patterns move with what they are on.
    #[inline]
    fn inside(&self, x: f32, y: f32) -> [f32; 2] {
        match *self {
            Shape::Limb { ends: [a, b], .. } => {
                let ([ax, ay], [bx, by]) = (a.map(|c| c as f32), b.map(|c| c as f32));
                let (dx, dy) = (bx - ax, by - ay);
                let length = (dx * dx + dy * dy).sqrt().max(1e-3);
                let (ux, uy) = (dx / length, dy / length);
                let (px, py) = (x - ax, y - ay);
                [px * uy - py * ux, px * ux + py * uy]
            }
            Shape::Oval { middle: at, .. } | Shape::Trunk { top: at, .. } => {
                [x - at[0] as f32, y - at[1] as f32]
            }
        }
    }
}

/// The furthest that a joint has moved, in m.
fn distance(a: &Pose, b: &Pose) -> f64 {
    let joints = |pose: &Pose| -> [Vec3; 10] {
        let flat = |[x, y]: [f64; 2]| [x, y, 0.0];
        let [r, l] = &pose.arms;
        let mut joints = [
            r.shoulder,
            r.elbow,
            r.wrist,
            r.hand,
            l.shoulder,
            l.elbow,
            l.wrist,
            l.hand,
            [0.0; 3],
            flat(pose.head),
        ];
        for joint in &mut joints {
            joint[0] += pose.trunk[0];
            joint[1] += pose.trunk[1];
        }
        joints
    };
    let (a, b) = (joints(a), joints(b));
    let apart = |(a, b): (&Vec3, &Vec3)| (0..3).map(|i| (a[i] - b[i]).abs()).fold(0.0, f64::max);
    a.iter().zip(&b).map(apart).fold(0.0, f64::max)
}
