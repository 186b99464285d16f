//! The number that a neuron's step is written over.
//!
//! One step serves training ([`f32`]), references ([`f64`]) and gradient checks
//! ([`Dual`]): a dual number carries its derivative with respect to one variable
//! through every operation, without the error of finite differences.

use std::f64::consts::PI;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A real number, perhaps with a derivative. Comparisons are those of the values.
pub trait Lane:
    Copy
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Send
    + Sync
{
    /// The nearest number; a constant.
    fn of(value: f64) -> Self;
    /// The value, without its derivative.
    fn value(self) -> f64;
    /// The same value as a constant: gradients do not pass.
    fn detached(self) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// arctan x.
    fn atan(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// erf x, the error function.
    fn erf(self) -> Self;

    /// |x|.
    #[inline(always)]
    fn abs(self) -> Self {
        if self < Self::of(0.0) { -self } else { self }
    }

    /// 1 / (1 + e⁻ˣ), by powers that do not overflow.
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let (power, one) = ((-self.abs()).exp(), Self::of(1.0));
        (if self < Self::of(0.0) { power } else { one }) / (one + power)
    }
}

macro_rules! float {
    ($float:ty, $exp:path, $erf:path) => {
        impl Lane for $float {
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $float
            }
            #[inline(always)]
            fn value(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn detached(self) -> Self {
                self
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn atan(self) -> Self {
                self.atan()
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                self.tanh()
            }
            #[inline(always)]
            fn erf(self) -> Self {
                $erf(self)
            }
        }
    };
}

float!(f32, exp, libm::erff);
float!(f64, f64::exp, libm::erf);

/// eˣ within 2 units in the last place, in operations that wide registers have; what is
/// below the least normal number is 0.
///
/// x = n ln 2 + r, |r| ≤ ½ ln 2, and e^r by its series up to r⁷/7!.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // adding it leaves the nearest whole number in the lowest bits
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, of which multiples of the first are exact
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let bounded = if x < -87.3 { -87.3 } else { x };
    let bounded = if bounded > 88.7 { 88.7 } else { bounded };
    let shifted = bounded * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = bounded - n * LN_2[0] - n * LN_2[1];
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = series.iter().fold(1.0 / 5040.0, |sum, term| sum * r + term);
    // 2ⁿ in two factors, so that neither overflows
    let half = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32) >> 1;
    let rest = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32) - half;
    let two = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
    let e = power * two(half) * two(rest);
    if x < -87.3 {
        0.0
    } else if x > 88.722_83 {
        f32::INFINITY
    } else {
        e
    }
}

/// A number and its derivative with respect to one variable.
#[derive(Clone, Copy, Debug)]
pub struct Dual {
    /// The number.
    pub value: f64,
    /// Its derivative.
    pub slope: f64,
}

impl Dual {
    /// The variable itself, at this value.
    pub fn variable(value: f64) -> Dual {
        Dual { value, slope: 1.0 }
    }

    /// A function of it, by its value and its derivative there.
    fn chain(self, value: f64, derivative: f64) -> Dual {
        Dual { value, slope: self.slope * derivative }
    }
}

impl PartialEq for Dual {
    fn eq(&self, other: &Dual) -> bool {
        self.value == other.value
    }
}

impl PartialOrd for Dual {
    fn partial_cmp(&self, other: &Dual) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl Add for Dual {
    type Output = Dual;
    fn add(self, other: Dual) -> Dual {
        Dual { value: self.value + other.value, slope: self.slope + other.slope }
    }
}

impl Sub for Dual {
    type Output = Dual;
    fn sub(self, other: Dual) -> Dual {
        self + -other
    }
}

impl Mul for Dual {
    type Output = Dual;
    fn mul(self, other: Dual) -> Dual {
        let slope = self.slope * other.value + self.value * other.slope;
        Dual { value: self.value * other.value, slope }
    }
}

impl Div for Dual {
    type Output = Dual;
    fn div(self, other: Dual) -> Dual {
        let value = self.value / other.value;
        Dual { value, slope: (self.slope - value * other.slope) / other.value }
    }
}

impl Neg for Dual {
    type Output = Dual;
    fn neg(self) -> Dual {
        Dual { value: -self.value, slope: -self.slope }
    }
}

impl Lane for Dual {
    fn of(value: f64) -> Dual {
        Dual { value, slope: 0.0 }
    }
    fn value(self) -> f64 {
        self.value
    }
    fn detached(self) -> Dual {
        Dual::of(self.value)
    }
    fn exp(self) -> Dual {
        let exp = self.value.exp();
        self.chain(exp, exp)
    }
    fn atan(self) -> Dual {
        self.chain(self.value.atan(), 1.0 / (1.0 + self.value * self.value))
    }
    fn tanh(self) -> Dual {
        let tanh = self.value.tanh();
        self.chain(tanh, 1.0 - tanh * tanh)
    }
    fn erf(self) -> Dual {
        let slope = 2.0 / PI.sqrt() * (-self.value * self.value).exp();
        self.chain(libm::erf(self.value), slope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside the 64-bit one of the standard library.
    #[test]
    fn powers_are_exact_to_two_units() {
        for i in -87_300..=88_700 {
            let x = i as f32 / 1000.0;
            let (found, expected) = (f64::from(Lane::exp(x)), f64::from(x).exp());
            let unit = expected * f64::from(f32::EPSILON);
            assert!((found - expected).abs() <= 2.0 * unit, "e^{x}: {found}, not {expected}");
        }
        let at = |x: f32| Lane::exp(x);
        assert_eq!([at(0.0), at(-88.0), at(f32::NEG_INFINITY)], [1.0, 0.0, 0.0]);
        assert_eq!([at(89.0), at(f32::INFINITY)], [f32::INFINITY; 2]);
        assert!(at(f32::NAN).is_nan());
    }

    #[test]
    fn slopes_are_finite_differences() {
        let function = |x: f64, y: Dual| {
            let x = Dual { value: x, slope: 1.0 };
            (x * y - x.exp() / x.atan()).tanh() + (-x).erf() * x.sigmoid() - (-x).abs()
        };
        let y = Dual::of(0.8);
        for x in [-1.3, -0.2, 0.4, 2.1] {
            let (left, right) = (function(x - 1e-6, y), function(x + 1e-6, y));
            let expected = (right.value - left.value) / 2e-6;
            let found = function(x, y).slope;
            assert!((found - expected).abs() < 1e-8 * (1.0 + expected.abs()), "{x}: {found}");
        }
        for x in [-1e3, 1e3] {
            assert_eq!(Dual::variable(x).sigmoid().slope, 0.0);
        }
        let x = Dual::variable(3.0);
        assert_eq!((x.detached() * x).slope, 3.0);
    }
}
