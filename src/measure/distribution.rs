//! Many numbers in a few.

use serde::Serialize;

/// Mean and quartiles of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Mean.
    pub mean: f64,
    /// The least.
    pub least: f64,
    /// A quarter is at or below it.
    pub lower: f64,
    /// Half are at or below it.
    pub median: f64,
    /// Three quarters are at or below it.
    pub upper: f64,
    /// The most.
    pub most: f64,
}

impl Distribution {
    /// Of these; none of none. Between two numbers quartiles are interpolated, as numpy's.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Distribution> {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        let last = numbers.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let (low, high) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        Some(Distribution {
            mean: numbers.iter().sum::<f64>() / numbers.len() as f64,
            least: numbers[0],
            lower: at(0.25),
            median: at(0.5),
            upper: at(0.75),
            most: numbers[last],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As numpy.percentile([7, 1, 3, 10], [0, 25, 50, 75, 100]).
    #[test]
    fn quartiles_are_numpys() {
        let d = Distribution::of([7.0, 1.0, 3.0, 10.0]).unwrap();
        assert_eq!((d.least, d.lower, d.median, d.upper, d.most), (1.0, 2.5, 5.0, 7.75, 10.0));
        assert_eq!(d.mean, 5.25);
        assert_eq!(Distribution::of([]), None);
    }
}
