//! Surrogate gradients: what stands for the derivative of a spike.
//!
//! A spike s = Θ(x), x = u − θ, has no useful derivative; training puts g(x) in its
//! place. Each g is the derivative of a smooth step, its primitive: a network that
//! sends primitives in place of spikes has exactly these gradients, which is how
//! they are tested.
//!
//! | name | g(x) | primitive |
//! |---|---|---|
//! | `atan:α` | (α/2) / (1 + (παx/2)²) | arctan(παx/2)/π + ½ |
//! | `sigmoid:α` | α σ(αx)(1 − σ(αx)) | σ(αx) |
//! | `triangle:α` | max(0, α − α²\|x\|) | ½ + αx − α²x\|x\|/2, from 0 to 1 |
//! | `exp:α` | (α/2) e^(−α\|x\|) | e^(αx)/2, 1 − e^(−αx)/2 |
//! | `softsign:α` | α / (2(1 + α\|x\|)²) | ½ + αx / (2(1 + α\|x\|)) |
//! | `superspike:α` | α / (1 + \|x\|)² | ½ + αx / (1 + \|x\|), of height 2α |
//! | `erf:α` | (α/√π) e^(−α²x²) | ½ + erf(αx)/2 |
//! | `rect:α` | α where \|x\| < 1/(2α) | ½ + αx, from 0 to 1 |
//!
//! **Source.** SpikingJelly 2.0, `activation_based/surrogate.py`, same names and
//! parameters (its `PiecewiseQuadratic` is the triangle, its `PiecewiseExp` `exp`);
//! SuperSpike has no primitive there, its antiderivative is ours. Gated LIF trains
//! with `rect:1` (Yao et al. 2022, official code), TET with `triangle:1` (Deng et
//! al. 2022, official code), TSSL-BP's silent neurons with `sigmoid:5`.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use super::convention::usage;
use super::lane::Lane;
use crate::error::{Error, Result};

/// A pseudo-derivative with its parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surrogate {
    form: Form,
    alpha: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Atan,
    Sigmoid,
    Triangle,
    Exponential,
    SoftSign,
    SuperSpike,
    Gaussian,
    Rectangle,
}

/// Names, forms, and the α that a name alone means: SpikingJelly's defaults.
const FORMS: &[(&str, Form, f64)] = &[
    ("atan", Form::Atan, 2.0),
    ("sigmoid", Form::Sigmoid, 4.0),
    ("triangle", Form::Triangle, 1.0),
    ("exp", Form::Exponential, 1.0),
    ("softsign", Form::SoftSign, 2.0),
    ("superspike", Form::SuperSpike, 1.0),
    ("erf", Form::Gaussian, 2.0),
    ("rect", Form::Rectangle, 1.0),
];

impl Surrogate {
    /// `atan:2`.
    pub const ATAN: Surrogate = Surrogate { form: Form::Atan, alpha: 2.0 };
    /// `sigmoid:4`.
    pub const SIGMOID: Surrogate = Surrogate { form: Form::Sigmoid, alpha: 4.0 };
    /// `rect:1`.
    pub const RECTANGLE: Surrogate = Surrogate { form: Form::Rectangle, alpha: 1.0 };

    /// `sigmoid:α`.
    pub const fn sigmoid(alpha: f64) -> Surrogate {
        Surrogate { form: Form::Sigmoid, alpha }
    }

    /// Every one, with its default parameter.
    pub fn all() -> impl Iterator<Item = Surrogate> {
        FORMS.iter().map(|&(_, form, alpha)| Surrogate { form, alpha })
    }

    /// g at a potential `x` above the threshold.
    #[inline(always)]
    pub fn derivative<L: Lane>(&self, x: L) -> L {
        let (alpha, one) = (L::of(self.alpha), L::of(1.0));
        let half = L::of(0.5 * self.alpha);
        match self.form {
            Form::Atan => {
                let y = L::of(PI * 0.5 * self.alpha) * x;
                half / (one + y * y)
            }
            Form::Sigmoid => {
                let s = (alpha * x).sigmoid();
                alpha * s * (one - s)
            }
            Form::Triangle => most(L::of(0.0), alpha - alpha * alpha * x.abs()),
            Form::Exponential => half * (-(alpha * x.abs())).exp(),
            Form::SoftSign => half / square(one + alpha * x.abs()),
            Form::SuperSpike => alpha / square(one + x.abs()),
            Form::Gaussian => L::of(self.alpha / PI.sqrt()) * (-square(alpha * x)).exp(),
            Form::Rectangle if x.abs() < L::of(0.5 / self.alpha) => alpha,
            Form::Rectangle => L::of(0.0),
        }
    }

    /// Potentials above the threshold become their g. The form is chosen once for all:
    /// within a loop the choice would keep it from wide registers.
    #[inline(always)]
    pub fn derivatives<L: Lane>(&self, x: &mut [L]) {
        macro_rules! every {
            ($($form:ident),*) => {
                match self.form {
                    $(Form::$form => {
                        let surrogate = Surrogate { form: Form::$form, ..*self };
                        for x in x.iter_mut() {
                            *x = surrogate.derivative(*x);
                        }
                    })*
                }
            };
        }
        every!(Atan, Sigmoid, Triangle, Exponential, SoftSign, SuperSpike, Gaussian, Rectangle);
    }

    /// The smooth step whose derivative g is.
    pub fn primitive<L: Lane>(&self, x: L) -> L {
        let (alpha, one, half) = (L::of(self.alpha), L::of(1.0), L::of(0.5));
        match self.form {
            Form::Atan => (L::of(PI * 0.5 * self.alpha) * x).atan() / L::of(PI) + half,
            Form::Sigmoid => (alpha * x).sigmoid(),
            Form::Triangle => {
                let x = most(L::of(-1.0), least(one, alpha * x));
                half + x - half * x * x.abs()
            }
            Form::Exponential if x < L::of(0.0) => half * (alpha * x).exp(),
            Form::Exponential => one - half * (-(alpha * x)).exp(),
            Form::SoftSign => half + half * alpha * x / (one + alpha * x.abs()),
            Form::SuperSpike => half + alpha * x / (one + x.abs()),
            Form::Gaussian => half + half * (alpha * x).erf(),
            Form::Rectangle => most(L::of(0.0), least(one, half + alpha * x)),
        }
    }
}

#[inline(always)]
fn most<L: Lane>(a: L, b: L) -> L {
    if a < b { b } else { a }
}

#[inline(always)]
fn least<L: Lane>(a: L, b: L) -> L {
    if b < a { b } else { a }
}

#[inline(always)]
fn square<L: Lane>(x: L) -> L {
    x * x
}

impl fmt::Display for Surrogate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMS.iter().find(|(_, form, _)| *form == self.form).map_or("", |form| form.0);
        write!(f, "{name}:{}", self.alpha)
    }
}

/// `NAME` or `NAME:PARAMETER`.
impl FromStr for Surrogate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Surrogate> {
        let (name, parameter) = match text.split_once(':') {
            Some((name, parameter)) => (name, Some(parameter)),
            None => (text, None),
        };
        let form = FORMS.iter().find(|form| form.0 == name).ok_or_else(|| {
            let names: Vec<&str> = FORMS.iter().map(|form| form.0).collect();
            usage(format!("surrogate '{text}'"), names.join(", "))
        })?;
        let alpha = match parameter {
            None => form.2,
            Some(parameter) => {
                let alpha = parameter.parse().ok().filter(|a: &f64| a.is_finite() && *a > 0.0);
                let expected = format!("{name}:α with a positive number α");
                alpha.ok_or_else(|| usage(format!("surrogate '{text}'"), expected))?
            }
        };
        Ok(Surrogate { form: form.1, alpha })
    }
}

#[cfg(test)]
mod tests {
    use super::super::lane::Dual;
    use super::*;

    fn named(text: &str) -> Surrogate {
        text.parse().unwrap()
    }

    /// Heights from SpikingJelly's sources, other values by hand from its formulas.
    #[test]
    fn heights_and_slopes_are_the_published_ones() {
        let at = |name: &str, x: f64| named(name).derivative(x);
        let heights = [
            ("atan", 1.0),
            ("sigmoid", 1.0),
            ("triangle", 1.0),
            ("exp", 0.5),
            ("softsign", 1.0),
            ("superspike", 1.0),
            ("erf", 2.0 / PI.sqrt()),
            ("rect", 1.0),
            ("rect:0.5", 0.5),
            ("sigmoid:5", 1.25),
            ("triangle:0.5", 0.5),
        ];
        for (name, height) in heights {
            assert!((at(name, 0.0) - height).abs() < 1e-15, "{name}");
        }
        assert!((at("atan:2", 0.5) - 0.288400439).abs() < 5e-10);
        assert!((at("sigmoid:4", 0.5) - 0.419974342).abs() < 5e-10);
        assert_eq!((at("rect", 0.499), at("rect", 0.5), at("rect", -0.5)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn each_is_the_derivative_of_its_primitive() {
        for surrogate in Surrogate::all().chain(["atan:5", "triangle:3", "rect:0.3"].map(named)) {
            for i in -60..60 {
                // off the corners
                let x = f64::from(i) / 20.0 + 0.003;
                let slope = surrogate.primitive(Dual::variable(x)).slope;
                let error = (surrogate.derivative(x) - slope).abs();
                assert!(error < 1e-14, "{surrogate} at {x}: off by {error}");
            }
            assert!((surrogate.primitive(0.0f64) - 0.5).abs() < 1e-15, "{surrogate}");
        }
    }

    #[test]
    fn many_at_once_are_as_one_by_one() {
        for surrogate in Surrogate::all() {
            let x: Vec<f64> = (-30..30).map(|i| f64::from(i) / 20.0).collect();
            let mut found = x.clone();
            surrogate.derivatives(&mut found);
            let expected: Vec<f64> = x.iter().map(|&x| surrogate.derivative(x)).collect();
            assert_eq!(found, expected, "{surrogate}");
        }
    }

    #[test]
    fn primitives_rise_from_nothing_to_a_spike() {
        for surrogate in Surrogate::all().filter(|s| s.form != Form::SuperSpike) {
            let (low, high) = (surrogate.primitive(-1e6f64), surrogate.primitive(1e6f64));
            assert!(low.abs() < 1e-6 && (high - 1.0).abs() < 1e-6, "{surrogate}");
        }
    }

    #[test]
    fn names_read_back_and_nonsense_is_refused() {
        for surrogate in Surrogate::all().chain([named("atan:2.5")]) {
            assert_eq!(named(&surrogate.to_string()), surrogate);
        }
        for text in ["", "tan", "atan:", "atan:-1", "atan:nan", "atan:inf", "atan:0"] {
            assert!(text.parse::<Surrogate>().is_err(), "'{text}'");
        }
    }
}
