//! People: what differs between those who perform.

use super::chance::Chance;
use super::motion::{Act, Reach, Vec3, hands};
use super::texture::Texture;

/// Half the distance between shoulders in m.
const SHOULDER: f64 = 0.18;
const UPPER_ARM: f64 = 0.29;
const FOREARM: f64 = 0.25;
/// From the wrist to the middle of the hand.
const HAND: f64 = 0.08;

/// Somebody, standing before the camera.
#[derive(Debug)]
pub struct Performer {
    /// Pixels a metre, at the distance of the body.
    pub scale: f64,
    /// The pixel of the point between the shoulders.
    pub place: [f64; 2],
    /// From the camera, in m.
    pub distance: f64,
    /// How stout: limbs and trunk are this much wider than others'.
    pub girth: f64,
    /// Intensity of the skin, of 255, as those below.
    pub skin: f64,
    /// Of hair.
    pub hair: f64,
    /// Of the wall behind.
    pub wall: f64,
    /// Of what covers the trunk.
    pub shirt: f64,
    /// Of what covers the legs.
    pub trousers: f64,
    /// How far sleeves reach: 0 to the elbow, 1 to the wrist.
    pub sleeve: f64,
    /// The pattern of the clothing.
    pub cloth: Texture,
    /// How strong that is, as a share of the intensity.
    pub pattern: f64,
    /// Whether hair is long.
    pub long_hair: bool,
    /// A liking for fast and for large movements.
    pub temper: [f64; 2],
    sway: [Wave; 4],
}

/// A slow movement.
#[derive(Clone, Copy, Debug)]
struct Wave {
    amplitude: f64,
    frequency: f64,
    phase: f64,
}

impl Wave {
    fn draw(amplitude: f64, frequency: f64, chance: &mut Chance) -> Wave {
        Wave {
            amplitude: amplitude * chance.between(0.5, 1.5),
            frequency: frequency * chance.between(0.7, 1.4),
            phase: chance.unit(),
        }
    }

    fn at(&self, t: f64) -> f64 {
        self.amplitude * libm::sin(std::f64::consts::TAU * (self.frequency * t + self.phase))
    }
}

/// An arm, in m from the point between the shoulders: right in the picture, down, towards
/// the camera.
#[derive(Clone, Copy, Debug)]
pub struct Arm {
    /// Where it begins.
    pub shoulder: Vec3,
    /// Where it bends.
    pub elbow: Vec3,
    /// Where the hand begins.
    pub wrist: Vec3,
    /// The middle of the hand.
    pub hand: Vec3,
}

/// A body at a time.
#[derive(Clone, Copy, Debug)]
pub struct Pose {
    /// The point between the shoulders, in m from where the performer stands.
    pub trunk: [f64; 2],
    /// The head's, from there.
    pub head: [f64; 2],
    /// The right and the left one; the right one is on the left of the picture.
    pub arms: [Arm; 2],
}

impl Performer {
    /// Somebody.
    pub fn draw(chance: &mut Chance) -> Performer {
        let scale = chance.between(78.0, 98.0);
        let sway = [(0.010, 0.23), (0.004, 0.41), (0.004, 0.29), (0.003, 0.9)];
        let skin = chance.between(95.0, 190.0);
        let dark_hair = chance.happens(0.75);
        Performer {
            scale,
            place: [64.0 + 4.0 * chance.normal(), 49.0 + 4.0 * chance.normal()],
            distance: chance.between(1.4, 2.2),
            girth: chance.between(0.88, 1.18),
            skin,
            hair: if dark_hair { chance.between(18.0, 45.0) } else { chance.between(70.0, 140.0) },
            wall: apart(skin, 0.45, [45.0, 190.0], chance),
            shirt: apart(skin, 0.35, [22.0, 200.0], chance),
            trousers: chance.between(20.0, 90.0),
            sleeve: if chance.happens(0.5) {
                chance.between(0.0, 0.1)
            } else {
                chance.between(0.7, 1.0)
            },
            cloth: Texture::cloth(chance),
            pattern: chance.between(0.05, 0.45),
            long_hair: chance.happens(0.35),
            temper: [chance.between(0.1, 0.9), chance.between(0.85, 1.15)],
            sway: sway.map(|(amplitude, frequency)| Wave::draw(amplitude, frequency, chance)),
        }
    }

    /// The body at a time in s.
    pub fn pose(&self, acts: &[Act], t: f64) -> Pose {
        let reaches = hands(acts, t);
        let [aside, aside_too, nod, breath] = self.sway.map(|wave| wave.at(t));
        // the trunk gives way a little to what hands do
        let lift = reaches.iter().map(|reach| 0.55 - reach.hand[1]).sum::<f64>();
        let lean = reaches[0].hand[0] - reaches[1].hand[0];
        let trunk = [aside + aside_too + 0.02 * lean, breath - 0.006 * lift];
        let arms = [-1.0, 1.0].map(|side| {
            let reach = reaches[usize::from(side > 0.0)];
            arm(side, reach, 0.03 * (0.55 - reach.hand[1]))
        });
        Pose { trunk, head: [0.3 * aside + nod, 0.5 * nod], arms }
    }
}

/// An intensity within bounds that differs from another by so much at least, as a logarithm:
/// who performs stands out from what is behind.
fn apart(from: f64, least: f64, [low, high]: [f64; 2], chance: &mut Chance) -> f64 {
    loop {
        let intensity = libm::exp(chance.between(libm::log(low), libm::log(high)));
        if libm::fabs(libm::log(intensity / from)) >= least {
            return intensity;
        }
    }
}

/// The arm that reaches for this, on the left of the picture where `side` is negative; its
/// shoulder is raised by `raised`.
fn arm(side: f64, reach: Reach, raised: f64) -> Arm {
    let shoulder = [side * SHOULDER, 0.03 - raised, 0.0];
    let mirrored = |[x, y, z]: Vec3| [side * x, y, z];
    let target = mirrored(reach.hand);
    let forearm = FOREARM + HAND;
    // as far as the arm can reach, and no nearer than it can fold
    let span =
        norm(target).clamp(1.001 * (forearm - UPPER_ARM).abs(), 0.999 * (UPPER_ARM + forearm));
    let along = scaled(target, 1.0 / norm(target).max(1e-9));
    // the elbow is on a circle about the line to the hand, on the side of the hint
    let ahead = (UPPER_ARM * UPPER_ARM - forearm * forearm + span * span) / (2.0 * span);
    let hint = mirrored(reach.elbow);
    let aside = added(hint, scaled(along, -dot(hint, along)));
    let aside = scaled(aside, 1.0 / norm(aside).max(1e-9));
    let out = libm::sqrt((UPPER_ARM * UPPER_ARM - ahead * ahead).max(0.0));
    let elbow = added(shoulder, added(scaled(along, ahead), scaled(aside, out)));
    let hand = added(shoulder, scaled(along, span));
    let wrist = added(elbow, scaled(added(hand, scaled(elbow, -1.0)), FOREARM / forearm));
    Arm { shoulder, elbow, wrist, hand }
}

fn dot(a: Vec3, b: Vec3) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn norm(a: Vec3) -> f64 {
    libm::sqrt(dot(a, a))
}

fn added(a: Vec3, b: Vec3) -> Vec3 {
    [0, 1, 2].map(|i| a[i] + b[i])
}

fn scaled(a: Vec3, by: f64) -> Vec3 {
    a.map(|x| x * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths between joints stay those of the bones, wherever the hand goes.
    #[test]
    fn arms_keep_their_lengths() {
        let mut chance = Chance::new(3, &[]);
        let close = |a: Vec3, b: Vec3, length: f64| {
            let apart = norm(added(a, scaled(b, -1.0)));
            assert!((apart - length).abs() < 1e-9, "{apart} {length}");
        };
        for _ in 0..1000 {
            let mut draw = || [0, 1, 2].map(|_| chance.between(-0.8, 0.8));
            let reach = Reach { hand: draw(), elbow: draw() };
            let arm = arm(-1.0, reach, 0.0);
            close(arm.shoulder, arm.elbow, UPPER_ARM);
            close(arm.elbow, arm.wrist, FOREARM);
            close(arm.elbow, arm.hand, FOREARM + HAND);
            if (0.05..0.61).contains(&norm(reach.hand)) {
                close(
                    arm.hand,
                    added(arm.shoulder, [-reach.hand[0], reach.hand[1], reach.hand[2]]),
                    0.0,
                );
            }
        }
    }
}
