//! Units as types, and the only conversions between them.
//!
//! Recordings count microseconds in integers; models take seconds; energy is
//! in joules. Nothing else in the crate multiplies by a power of ten.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// A time or a duration in whole microseconds, the resolution of the cameras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

/// A duration in seconds, the unit of every time constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Seconds(pub f64);

/// An energy in joules.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Joules(pub f64);

impl Micros {
    /// The same duration in seconds.
    pub fn seconds(self) -> Seconds {
        Seconds(self.0 as f64 / 1e6)
    }
}

impl Seconds {
    /// The nearest whole microsecond.
    pub fn micros(self) -> Micros {
        Micros((self.0 * 1e6).round() as i64)
    }
}

impl Joules {
    /// The energy of `count` operations of `picojoules` each.
    pub fn of(count: u64, picojoules: f64) -> Joules {
        Joules(count as f64 * picojoules * 1e-12)
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Micros;
    fn sub(self, other: Micros) -> Micros {
        Micros(self.0.saturating_sub(other.0))
    }
}

impl Add for Joules {
    type Output = Joules;
    fn add(self, other: Joules) -> Joules {
        Joules(self.0 + other.0)
    }
}

/// Engineering notation with three digits: `39.8 s`, `250 µs`, `1.42 µJ`.
fn engineering(f: &mut fmt::Formatter<'_>, value: f64, unit: &str) -> fmt::Result {
    const PREFIXES: [(f64, &str); 7] = [
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "µ"),
        (1e-9, "n"),
        (1e-12, "p"),
        (1e-15, "f"),
        (1e-18, "a"),
    ];
    let size = value.abs();
    let (scale, prefix) =
        PREFIXES.into_iter().find(|(scale, _)| size >= 0.9995 * scale).unwrap_or((1.0, ""));
    let scaled = value / scale;
    let digits = match scaled.abs() {
        0.0 => 0,
        s if s < 9.995 => 2,
        s if s < 99.95 => 1,
        _ => 0,
    };
    write!(f, "{scaled:.digits$} {prefix}{unit}")
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        engineering(f, self.seconds().0, "s")
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        engineering(f, self.0, "s")
    }
}

impl fmt::Display for Joules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        engineering(f, self.0, "J")
    }
}

/// Reads `250us`, `1ms`, `2.5s` or `1min`. A bare number is refused: the unit
/// of a time is never guessed.
impl FromStr for Micros {
    type Err = Error;

    fn from_str(text: &str) -> Result<Micros, Error> {
        let refuse = || {
            Error::new(
                ErrorKind::Usage,
                format!("'{text}'"),
                "a time with its unit, such as 250us, 1ms, 2.5s or 1min",
            )
        };
        let digits = text
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
            .ok_or_else(refuse)?;
        let (number, unit) = text.split_at(digits);
        let scale = match unit.trim() {
            "us" | "µs" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "min" => 6e7,
            _ => return Err(refuse()),
        };
        let micros = number.parse::<f64>().map_err(|_| refuse())? * scale;
        let nearest = micros.round();
        let whole = (micros - nearest).abs() <= 1e-6 * nearest.abs().max(1.0);
        if !whole || nearest.abs() > 9e15 {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("'{text}'"),
                "a whole number of microseconds",
            ));
        }
        Ok(Micros(nearest as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_with_their_unit() {
        let read = |text: &str| text.parse::<Micros>().map(|t| t.0).ok();
        assert_eq!(read("1ms"), Some(1_000));
        assert_eq!(read("0.1ms"), Some(100));
        assert_eq!(read("250us"), Some(250));
        assert_eq!(read("2.5s"), Some(2_500_000));
        assert_eq!(read("1 min"), Some(60_000_000));
        assert_eq!(read("-3ms"), Some(-3_000));
        for wrong in ["1", "ms", "", "1h", "0.5us", "1e30s", "1.2.3s", "9999999999999s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn prints_three_digits_and_a_prefix() {
        assert_eq!(Micros(39_809_000).to_string(), "39.8 s");
        assert_eq!(Micros(250).to_string(), "250 µs");
        assert_eq!(Joules::of(1_000_000, 0.9).to_string(), "900 nJ");
        assert_eq!(Joules(9.999e-7).to_string(), "1.00 µJ");
        assert_eq!(Joules(0.0).to_string(), "0 J");
    }

    #[test]
    fn seconds_and_micros_convert_both_ways() {
        assert_eq!(Micros(1_500).seconds(), Seconds(0.0015));
        assert_eq!(Seconds(0.0015).micros(), Micros(1_500));
    }
}
