//! Two sides of a comparison, timed in turns, so that a slow phase of the machine slows both.

use std::time::Instant;

/// Times both sides in turns, in seconds each, and prints a line; `show` turns seconds
/// into what it names. The columns: name, beside, this, the median of the ratio and its
/// range.
pub fn compare<const ROUNDS: usize>(
    name: &str,
    show: impl Fn(f64) -> String,
    mut beside: impl FnMut() -> f64,
    mut this: impl FnMut() -> f64,
) {
    let _warm = (beside(), this());
    let pairs: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (beside(), this())).collect();
    let ratio = sorted(pairs.iter().map(|(beside, this)| beside / this));
    println!(
        "{name:48}{:>12}{:>12}  {:.2} ({:.2} to {:.2})",
        show(sorted(pairs.iter().map(|pair| pair.0))[ROUNDS / 2]),
        show(sorted(pairs.iter().map(|pair| pair.1))[ROUNDS / 2]),
        ratio[ROUNDS / 2],
        ratio[0],
        ratio[ROUNDS - 1],
    );
}

/// For people.
pub fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", 1e3 * seconds)
}

/// From the least to the largest.
pub fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// How long it takes.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}
