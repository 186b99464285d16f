//! How hands move in each gesture.
//!
//! Places are in metres from the shoulder of the hand's own side: outward from the middle
//! of the body, down, and towards the camera. What a gesture looks like follows the
//! pictures of the published data set; people's freedom is drawn.

use std::f64::consts::{PI, TAU};

use super::chance::Chance;

/// A place, or a direction.
pub type Vec3 = [f64; 3];

/// Where a hand is, and which way its elbow points.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The hand.
    pub hand: Vec3,
    /// A direction in which the elbow lies from the line between shoulder and hand.
    pub elbow: Vec3,
}

/// Hanging down.
const REST: Reach = Reach { hand: [0.07, 0.55, 0.06], elbow: [0.4, 0.0, -1.0] };

/// How somebody performs a trial.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// From 1 to 11.
    pub class: u8,
    /// Cycles a second.
    pub tempo: f64,
    /// Size of the movement, about 1.
    pub amplitude: f64,
    /// Where in the cycle it begins, in turns.
    pub phase: f64,
    /// By how much the place differs from others' places.
    pub offset: Vec3,
    /// How much the tempo comes and goes, as a share.
    pub unrest: f64,
    /// How far the cycle is from a sine.
    pub sharpness: f64,
    /// What is free in the gesture: which way arms roll, what the other gesture is.
    pub variant: usize,
}

/// How many other gestures there are.
const OTHERS: usize = 6;

/// Cycles a second of each class, slow and fast.
const TEMPI: [[f64; 2]; 11] = [
    [1.6, 3.2],
    [1.3, 2.6],
    [1.3, 2.6],
    [0.8, 1.6],
    [0.8, 1.6],
    [0.8, 1.6],
    [0.8, 1.6],
    [1.2, 2.4],
    [1.6, 3.4],
    [1.6, 3.6],
    [0.8, 1.8],
];

impl Style {
    /// How somebody with a liking for fast and for large movements performs a class;
    /// `variant` is given where the plan of a recording has one.
    pub fn draw(
        class: u8,
        [fast, large]: [f64; 2],
        variant: Option<usize>,
        chance: &mut Chance,
    ) -> Style {
        let [slow, quick] = TEMPI[usize::from(class) - 1];
        let place = (fast + 0.25 * chance.normal()).clamp(0.0, 1.0);
        Style {
            class,
            tempo: slow + (quick - slow) * place,
            amplitude: (large * (1.0 + 0.08 * chance.normal())).clamp(0.65, 1.4),
            phase: chance.unit(),
            offset: [0.025, 0.03, 0.03].map(|deviation| deviation * chance.normal()),
            unrest: chance.between(0.0, 0.15),
            sharpness: chance.between(0.0, 0.3),
            variant: variant.unwrap_or_else(|| chance.index(OTHERS)),
        }
    }

    /// Turns of the cycle so many seconds after the beginning.
    fn turns(&self, t: f64) -> f64 {
        let breath = self.unrest / TAU * libm::sin(TAU * (0.31 * t + self.phase));
        self.phase + self.tempo * (t + breath)
    }

    /// Both hands, right and left, so many seconds after the beginning.
    fn hands(&self, t: f64) -> [Reach; 2] {
        let turns = self.turns(t);
        let cos = |by: f64| {
            let angle = TAU * (turns + by);
            libm::cos(angle + self.sharpness * libm::sin(2.0 * angle))
        };
        let (c, s) = (cos(0.0), cos(-0.25));
        let a = self.amplitude;
        let moved = |[x, y, z]: Vec3, elbow: Vec3| {
            let [dx, dy, dz] = self.offset;
            Reach { hand: [x + dx, y + dy, z + dz], elbow }
        };
        let both = |reach: Reach| [reach, reach];
        match self.class {
            1 => {
                // palms meet before the chest, 0.18 m inward from either shoulder
                let apart = 0.05 * a * (1.0 + c);
                both(moved([-0.145 + apart, 0.22, 0.40], [0.8, 1.5, -0.1]))
            }
            2 | 3 => {
                // the forearm swings about an elbow that rests
                let angle = 0.25 + 0.6 * a * c;
                let elbow: Vec3 = [0.14, 0.22, 0.10];
                let hand =
                    [elbow[0] + 0.33 * libm::sin(angle), elbow[1] - 0.33 * libm::cos(angle), 0.24];
                self.alone(moved(hand, [0.2, 1.0, 0.0]))
            }
            4..=7 => {
                // the stretched arm goes round, clockwise as the camera sees it; outward is to
                // the left there for the right arm, to the right for the left one
                let clockwise = matches!(self.class, 4 | 6);
                let way = if clockwise == (self.class < 6) { 1.0 } else { -1.0 };
                let angle = TAU * turns;
                let radius = 0.40 * a;
                let hand = [
                    0.16 - way * radius * libm::sin(angle),
                    0.14 - radius * libm::cos(angle),
                    0.34,
                ];
                self.alone(moved(hand, [0.5, 1.0, -0.2]))
            }
            8 => {
                let way = if self.variant.is_multiple_of(2) { 1.0 } else { -1.0 };
                [0.0, 0.5].map(|half| {
                    let angle = TAU * (way * turns + half);
                    let (y, z) = (0.065 * a * libm::cos(angle), 0.065 * a * libm::sin(angle));
                    moved([-0.20, 0.20 + y, 0.29 + z], [1.0, 0.5, 0.0])
                })
            }
            9 => [0.0, 0.5].map(|half| {
                let beat = libm::cos(TAU * (turns + half));
                // down fast, up slowly
                let y = 0.30 + 0.08 * a * (beat + 0.3 * beat * beat);
                moved([-0.16 + 0.02 * beat, y, 0.33], [0.8, 0.7, -0.3])
            }),
            10 => {
                let strum =
                    moved([-0.10 + 0.03 * a * c, 0.38 + 0.10 * a * c, 0.20], [1.0, 0.2, -0.2]);
                let fret = 0.02 * libm::sin(TAU * 0.4 * t + TAU * self.phase);
                let neck = moved([0.22 + fret, 0.10 + 0.01 * s, 0.26], [0.3, 1.0, 0.0]);
                [strum, neck]
            }
            _ => self.other(c, s, moved),
        }
    }

    /// Something else.
    fn other(&self, c: f64, s: f64, moved: impl Fn(Vec3, Vec3) -> Reach) -> [Reach; 2] {
        let a = self.amplitude;
        let both = |reach: Reach| [reach, reach];
        match self.variant % OTHERS {
            // arms flap like wings
            0 => {
                let angle = 0.1 + 0.75 * a * c;
                both(moved(
                    [0.5 * libm::cos(angle), -0.5 * libm::sin(angle), 0.08],
                    [0.0, 1.0, -0.3],
                ))
            }
            // fists go forth and back
            1 => [c, -c].map(|c| moved([-0.04, 0.10, 0.32 + 0.2 * a * c], [0.8, 0.8, 0.0])),
            // both hands are thrown up and come down
            2 => both(moved([0.10, -0.10 - 0.32 * a * c, 0.2], [1.0, 0.3, 0.0])),
            // a hand wipes from side to side
            3 => [moved([0.05 + 0.3 * a * c, 0.10, 0.36], [0.3, 1.0, 0.0]), REST],
            // a salute, again and again
            4 => {
                let up = 0.5 + 0.5 * s;
                let [x, y, z] = [0.02, 0.35 - 0.55 * up, 0.28];
                [moved([x - 0.1 * up, y, z], [1.0, 0.4, 0.0]), REST]
            }
            // both hands draw eights
            _ => both(moved(
                [0.12 + 0.16 * a * c, 0.12 + 0.13 * a * 2.0 * c * s, 0.32],
                [0.6, 0.8, 0.0],
            )),
        }
    }

    /// One hand moves, the right one or the left one by the class, and the other rests.
    fn alone(&self, reach: Reach) -> [Reach; 2] {
        match self.class {
            2 | 4 | 5 => [reach, REST],
            _ => [REST, reach],
        }
    }
}

/// A trial in time, in s.
#[derive(Clone, Copy, Debug)]
pub struct Act {
    /// What is done, and how.
    pub style: Style,
    /// When it begins.
    pub from: f64,
    /// When it ends.
    pub to: f64,
}

/// Seconds that hands take from rest to a gesture, and back.
const RAISE: f64 = 0.45;

/// Where both hands are at a time, right and left.
///
/// Hands are at their gesture when its trial begins, and leave it when that ends.
pub fn hands(acts: &[Act], t: f64) -> [Reach; 2] {
    let weight = |act: &Act| {
        let near = (t - act.from + RAISE).min(act.to + RAISE - t) / RAISE;
        let near = near.clamp(0.0, 1.0);
        0.5 - 0.5 * libm::cos(PI * near)
    };
    // of two acts that are near the later is taken up from where the other was left
    acts.iter().fold([REST; 2], |from, act| match weight(act) {
        0.0 => from,
        weight => {
            let to = act.style.hands(t - act.from);
            [0, 1].map(|side| between(from[side], to[side], weight))
        }
    })
}

fn between(from: Reach, to: Reach, weight: f64) -> Reach {
    let mix = |a: Vec3, b: Vec3| [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * weight);
    Reach { hand: mix(from.hand, to.hand), elbow: mix(from.elbow, to.elbow) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(class: u8, variant: usize) -> Act {
        let style = Style::draw(class, [0.5, 1.0], Some(variant), &mut Chance::new(1, &[]));
        Act { style, from: 1.0, to: 4.0 }
    }

    /// Both hands in 3 s of a trial.
    fn paths(class: u8, variant: usize) -> [Vec<Vec3>; 2] {
        let acts = [act(class, variant)];
        let at = |side: usize| {
            let hand = |i| hands(&acts, 1.0 + 0.01 * f64::from(i))[side].hand;
            (0..300).map(hand).collect()
        };
        [at(0), at(1)]
    }

    /// Twice the area that a path goes round, positive clockwise where the second axis points
    /// down.
    fn turned(path: impl Iterator<Item = [f64; 2]>) -> f64 {
        let path: Vec<[f64; 2]> = path.collect();
        path.windows(2).map(|w| w[0][0] * w[1][1] - w[0][1] * w[1][0]).sum()
    }

    fn length(path: &[Vec3]) -> f64 {
        let step = |w: &[Vec3]| (0..3).map(|i| (w[1][i] - w[0][i]).powi(2)).sum::<f64>().sqrt();
        path.windows(2).map(step).sum()
    }

    #[test]
    fn arms_go_round_as_their_class_says() {
        // the right arm is on the left of the picture: outward is to the left there
        for (class, side, outward, clockwise) in
            [(4, 0, -1.0, true), (5, 0, -1.0, false), (6, 1, 1.0, true), (7, 1, 1.0, false)]
        {
            let paths = paths(class, 0);
            let area = turned(paths[side].iter().map(|hand| [outward * hand[0], hand[1]]));
            assert_eq!(area > 0.0, clockwise, "class {class}");
            assert!(area.abs() > 1.0, "class {class}: {area}");
        }
    }

    #[test]
    fn arms_roll_either_way() {
        let area = |variant| turned(paths(8, variant)[0].iter().map(|hand| [hand[2], hand[1]]));
        assert!(area(0) * area(1) < 0.0 && area(0).abs() > 0.01);
    }

    #[test]
    fn the_other_hand_rests() {
        for class in 2..=7 {
            let moving = usize::from(!matches!(class, 2 | 4 | 5));
            let paths = paths(class, 0);
            assert!(length(&paths[moving]) > 1.0, "class {class}");
            assert_eq!(length(&paths[1 - moving]), 0.0, "class {class}");
        }
        for class in [1, 8, 9, 11] {
            let [right, left] = paths(class, 0);
            assert!(length(&right) > 0.5 && length(&left) > 0.5, "class {class}");
        }
    }

    /// At its gesture when the trial begins, at rest some time before and after.
    #[test]
    fn hands_rise_before_a_trial_and_sink_after_it() {
        let acts = [act(2, 0)];
        let hand = |t: f64| hands(&acts, t)[0].hand;
        assert_eq!(hand(1.0 - RAISE), REST.hand);
        assert_eq!(hand(4.0 + RAISE), REST.hand);
        assert_eq!(hand(1.0), acts[0].style.hands(0.0)[0].hand);
        let step = |t: f64| length(&[hand(t), hand(t + 0.001)]);
        assert!((0..6000).all(|i| step(0.001 * f64::from(i)) < 0.02), "nothing jumps");
    }
}
