//! How often the answer was right.

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Right answers of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Answers that were right.
    pub right: u64,
    /// Answers.
    pub of: u64,
}

impl Accuracy {
    /// Counts one answer.
    pub fn add(&mut self, right: bool) {
        self.right += u64::from(right);
        self.of += 1;
    }

    /// What the share may be with a confidence of 95 %, by Wilson's score; none of no answers.
    ///
    /// **Source.** E. B. Wilson, Probable inference, the law of succession, and statistical
    /// inference, JASA 1927.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (share, n) = (self.share()?, self.of as f64);
        let z2 = Z * Z;
        let middle = share + z2 / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        let of = |x: f64| (x / (1.0 + z2 / n)).clamp(0.0, 1.0);
        Some((of(middle - half), of(middle + half)))
    }

    /// The share that was right; none of no answers.
    pub fn share(&self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 / self.of as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `proportion_confint(right, of, method="wilson")` of statsmodels 0.15 has it.
    #[test]
    fn intervals_are_wilsons() {
        for (right, of, low, high) in [
            (281, 288, 0.9506883626367332, 0.9881775582889983),
            (286, 288, 0.9750375880566797, 0.9980935124648815),
            (0, 5, 0.0, 0.43448246478317487),
            (7, 7, 0.6456695649333125, 1.0),
        ] {
            let (found_low, found_high) = Accuracy { right, of }.interval().unwrap();
            assert!(
                (found_low - low).abs() < 1e-12 && (found_high - high).abs() < 1e-12,
                "{right}"
            );
        }
        assert_eq!(Accuracy::default().interval(), None);
    }
}
