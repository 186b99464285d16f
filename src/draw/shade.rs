//! Colours, and the shades that stand for counts.
//!
//! A shade stands for a range of counts, each range twice the one before it: 1,
//! 2 to 3, 4 to 7. Spikes gather so unevenly that even steps would leave most of a
//! picture in the palest shade. Ramps fall in lightness from end to end, which
//! any eye and a grey printer can order; the hues of the two polarities are a
//! blue and an orange, which no common form of colour blindness confuses.

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// The page.
pub const PAPER: Colour = Colour(255, 255, 255);
/// Names, and whatever is to stand out.
pub const INK: Colour = Colour(26, 26, 26);
/// What explains.
pub const GREY: Colour = Colour(102, 102, 102);
/// Axes.
pub const RULE: Colour = Colour(160, 160, 160);
/// Lines that guide the eye.
pub const GUIDE: Colour = Colour(232, 232, 232);
/// Sums beside and above the marks.
pub const SUM: Colour = Colour(196, 200, 205);

/// Shades of one hue.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    light: Colour,
    middle: Colour,
    dark: Colour,
}

/// Spikes of neurons.
pub const NEURONS: Ramp =
    Ramp { light: Colour(160, 172, 186), middle: Colour(84, 101, 122), dark: Colour(8, 16, 28) };
/// Events of pixels that grew darker.
pub const OFF: Ramp =
    Ramp { light: Colour(250, 178, 102), middle: Colour(208, 98, 14), dark: Colour(84, 30, 0) };
/// Events of pixels that grew brighter.
pub const ON: Ramp =
    Ramp { light: Colour(134, 186, 226), middle: Colour(34, 113, 178), dark: Colour(6, 36, 82) };

/// Which shade a count has; 0 is the lightest.
pub fn class(count: u32) -> usize {
    count.ilog2() as usize
}

impl Ramp {
    /// Shade number `class` of `classes`. The fewer there are, the darker the
    /// first: a single one has the middle of the ramp.
    pub fn shade(&self, class: usize, classes: usize) -> Colour {
        let steps = classes.saturating_sub(1);
        let first = 0.5 - 0.1 * steps.min(5) as f64;
        let place = first + (1.0 - first) * class as f64 / steps.max(1) as f64;
        match place < 0.5 {
            true => mix(self.light, self.middle, 2.0 * place),
            false => mix(self.middle, self.dark, 2.0 * place - 1.0),
        }
    }

    /// For words in this hue.
    pub fn ink(&self) -> Colour {
        self.middle
    }

    /// For sums beside and above the marks.
    pub fn pale(&self) -> Colour {
        mix(self.light, PAPER, 0.35)
    }
}

/// A colour between two: a share of the second.
pub fn mix(a: Colour, b: Colour, share: f64) -> Colour {
    let channel =
        |a: u8, b: u8| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as u8;
    Colour(channel(a.0, b.0), channel(a.1, b.1), channel(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE lightness, 0 to 100.
    fn lightness(colour: Colour) -> f64 {
        let linear = |c: u8| match f64::from(c) / 255.0 {
            c if c <= 0.04045 => c / 12.92,
            c => ((c + 0.055) / 1.055).powf(2.4),
        };
        let y = 0.2126 * linear(colour.0) + 0.7152 * linear(colour.1) + 0.0722 * linear(colour.2);
        116.0 * y.cbrt() - 16.0
    }

    #[test]
    fn more_is_darker_and_one_is_visible() {
        for ramp in [NEURONS, OFF, ON] {
            for classes in 2..=12 {
                let shades: Vec<_> =
                    (0..classes).map(|k| lightness(ramp.shade(k, classes))).collect();
                assert!(shades.windows(2).all(|pair| pair[0] - pair[1] > 3.0), "{shades:?}");
                assert!(shades[0] < 80.0, "too pale on white: {shades:?}");
            }
            assert!(lightness(ramp.shade(0, 1)) < 60.0);
        }
    }

    #[test]
    fn each_shade_is_twice_the_one_before() {
        assert_eq!([1, 2, 3, 4, 7, 8, u32::MAX].map(class), [0, 1, 1, 2, 2, 3, 31]);
    }
}
