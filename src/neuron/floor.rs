//! The lower bound of potentials, of neurons in steps and between events alike.

use super::column::{Column, Number, Parameter};
use super::convention::{Convention, Fire, Floor};
use crate::error::{Error, ErrorKind, Result};

impl Convention {
    /// The floors of `len` neurons with these thresholds, in units of potential; none where
    /// there is no bound.
    ///
    /// # Errors
    /// A floor that fires: whatever a neuron hears, it would fire for ever.
    pub fn floors<T: Number>(
        &self,
        len: usize,
        threshold: &Parameter,
    ) -> Result<Option<Column<T>>> {
        let floor = |theta: f64| match self.floor {
            Floor::None => None,
            Floor::MinusThreshold => Some(-theta),
            Floor::At(v) => Some(v),
        };
        // as potentials are compared in steps
        let fires = |theta: f64, floor: f64| match self.fire {
            Fire::Above => floor as f32 > theta as f32,
            Fire::AtOrAbove => floor as f32 >= theta as f32,
        };
        for theta in (0..len).map(|i| threshold.at(i)) {
            if let Some(floor) = floor(theta).filter(|&floor| fires(theta, floor)) {
                let found = format!("a floor of {floor} for 'v_threshold' = {theta}");
                return Err(Error::new(ErrorKind::Usage, found, "a floor that does not fire"));
            }
        }
        let column = || Column::of(len, [threshold], |[theta]| floor(theta).unwrap_or_default());
        Ok((self.floor != Floor::None).then(column))
    }
}
