//! Numbers as people write them.

use crate::units::Micros;

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 spike`, `2,034 spikes`, `11 classes`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = match number {
        1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {noun}{plural}", grouped(number))
}

/// A mean with three digits: `0.04`, `12.3`, `4,120`.
pub fn mean(value: f64) -> String {
    match value {
        v if v >= 99.95 => grouped(v.round() as u64),
        v if v >= 9.995 => trimmed(format!("{v:.1}")),
        v => trimmed(format!("{v:.2}")),
    }
}

/// A positive number that nobody needs more than three digits of: `0.0123`, `12.3`,
/// `1,590,000`.
pub fn rough(value: f64) -> String {
    if !(value > 0.0 && value.is_finite()) {
        return value.to_string();
    }
    let places = 2 - value.log10().floor() as i32;
    if places > 0 {
        return trimmed(format!("{value:.0$}", places as usize));
    }
    let scale = 10f64.powi(-places);
    grouped(((value / scale).round() * scale).round() as u64)
}

/// A duration in its largest fitting unit, exactly: `250 µs`, `2.5 ms`, `1.28 s`.
pub fn duration(time: Micros) -> String {
    let (scale, unit) = match time.0 {
        1_000_000.. => (1_000_000, "s"),
        1_000.. => (1_000, "ms"),
        _ => (1, "µs"),
    };
    format!("{} {unit}", decimal(time.0, scale))
}

/// A time in seconds, exactly and without trailing zeros.
pub fn seconds(time: Micros) -> String {
    decimal(time.0, 1_000_000)
}

/// `value / scale`, for a scale that is a power of ten.
fn decimal(value: i64, scale: i64) -> String {
    let digits = scale.ilog10() as usize;
    let (whole, rest) = (value / scale, value % scale);
    match rest {
        0 => whole.to_string(),
        _ => trimmed(format!("{whole}.{rest:0digits$}")),
    }
}

/// A quantity with its unit, scaled: `650 µJ`, `1.5 M`, `40 %`. Nobody reads `500 m` as a half,
/// so what has no unit that takes a prefix is a decimal below one: `0.5`.
pub fn quantity(value: f64, unit: &str) -> String {
    if matches!(unit, "" | "%") && (1e-9..0.9995).contains(&value.abs()) {
        return format!("{} {unit}", trimmed(format!("{value:.9}"))).trim_end().to_owned();
    }
    const PREFIXES: [(f64, &str); 8] = [
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "k"),
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "µ"),
        (1e-9, "n"),
        (1e-12, "p"),
    ];
    let fits = |(scale, _): &(f64, &str)| value.abs() >= 0.9995 * scale;
    let (scale, prefix) = PREFIXES.into_iter().find(fits).unwrap_or((1.0, ""));
    format!("{} {prefix}{unit}", trimmed(format!("{:.2}", value / scale))).trim_end().to_owned()
}

fn trimmed(number: String) -> String {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').into(),
        false => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1, 2].map(|n| counted(n, "spike")), ["0 spikes", "1 spike", "2 spikes"]);
        assert_eq!(
            (counted(1, "class"), counted(2, "class")),
            ("1 class".into(), "2 classes".into())
        );
        assert_eq!(
            [0.0, 0.012_34, 1.0, 9.996, 83.44, 99.96, 999.6, 1_586_133.8].map(rough),
            ["0", "0.0123", "1", "10", "83.4", "100", "1,000", "1,590,000"]
        );
        assert_eq!(
            [0.04, 1.5, 12.34, 10.0, 4120.2].map(mean),
            ["0.04", "1.5", "12.3", "10", "4,120"]
        );
    }

    #[test]
    fn quantities_are_scaled() {
        let text = [0.0, 2e-6, -0.5, 1.5e6, 40.0].map(|value| quantity(value, ""));
        assert_eq!(text, ["0", "0.000002", "-0.5", "1.5 M", "40"]);
        assert_eq!(
            (quantity(3.0 * 0.1, "%"), quantity(0.5, "J")),
            ("0.3 %".into(), "500 mJ".into())
        );
        assert_eq!((quantity(6.5e-4, "J"), quantity(40.0, "%")), ("650 µJ".into(), "40 %".into()));
    }

    #[test]
    fn times_are_exact() {
        let times = [0, 250, 2_500, 1_000, 1_280_000].map(|t| duration(Micros(t)));
        assert_eq!(times, ["0 µs", "250 µs", "2.5 ms", "1 ms", "1.28 s"]);
        let times = [0, 1, 307_000, 40_000_000].map(|t| seconds(Micros(t)));
        assert_eq!(times, ["0", "0.000001", "0.307", "40"]);
    }
}
