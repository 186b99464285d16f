//! How often the answer was right.

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

    /// The share that was right; none of no answers.
    pub fn share(&self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 / self.of as f64)
    }
}
