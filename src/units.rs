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

/// A size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

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

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} B", self.0),
            1_000..999_995 => write!(f, "{:.2} kB", bytes / 1e3),
            999_995..999_995_000 => write!(f, "{:.2} MB", bytes / 1e6),
            _ => write!(f, "{:.2} GB", bytes / 1e9),
        }
    }
}

/// Reads `512MiB`, `1.5GiB`, `800kB` or `6GB`. A bare number is refused, as that of a
/// time is.
impl FromStr for Bytes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Bytes, Error> {
        let refuse = || {
            let expected = "a size with its unit, such as 512MiB, 6GiB, 800MB or 6GB";
            Error::new(ErrorKind::Usage, format!("'{text}'"), expected)
        };
        let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(refuse)?;
        let (number, unit) = text.split_at(digits);
        let scale = match unit.trim() {
            "kB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "KiB" => 1024.0,
            "MiB" => 1024.0f64.powi(2),
            "GiB" => 1024.0f64.powi(3),
            _ => return Err(refuse()),
        };
        let bytes = number.parse::<f64>().map_err(|_| refuse())? * scale;
        match bytes <= 9e15 {
            true => Ok(Bytes(bytes.round() as u64)),
            false => Err(refuse()),
        }
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
    fn reads_sizes_with_their_unit() {
        let read = |text: &str| text.parse::<Bytes>().map(|size| size.0).ok();
        assert_eq!(read("6GiB"), Some(6_442_450_944));
        assert_eq!(read("1.5 MiB"), Some(1_572_864));
        assert_eq!(read("2KiB"), Some(2_048));
        assert_eq!(read("0.8GB"), Some(800_000_000));
        assert_eq!(read("3MB"), Some(3_000_000));
        for wrong in ["6", "GiB", "", "6G", "-1GB", "1.2.3GB", "99999999999GB"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(Bytes(1_234_567_890).to_string(), "1.23 GB");
        let sizes = [0, 3, 999, 1_000, 999_994, 999_995, 999_994_999, 999_995_000];
        let texts =
            ["0 B", "3 B", "999 B", "1.00 kB", "999.99 kB", "1.00 MB", "999.99 MB", "1.00 GB"];
        assert_eq!(sizes.map(|size| Bytes(size).to_string()), texts);
        assert_eq!(Bytes(12_345_678).to_string(), "12.35 MB");
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
