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

/// A potential with its lower bound; the two roundings are sinabs' own:
/// relu(v − low) + low. A second time it changes nothing: to take a number away and to add
/// it again changes a sum once and never more (Reiser and Knuth 1975, "Evading the drift in
/// floating-point addition").
#[inline(always)]
pub fn above(v: f32, low: f32) -> f32 {
    // one instruction, which `max` would not be for what it says of numbers that are none
    let over = v - low;
    let lifted = (if over > 0.0 { over } else { 0.0 }) + low;
    // minus a threshold without end
    if low == f32::NEG_INFINITY { v } else { lifted }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_floor_lifts_once(low: f32, v: f32, near in -4.0f32..4.0, digits in 0u32..24) {
            let coarse = f32::from_bits(v.to_bits() >> digits << digits);
            for v in [v, coarse, near * low, low.next_up(), -low, (-low).next_down()] {
                let lifted = above(v, low);
                prop_assert!(above(lifted, low) == lifted || lifted.is_nan(), "{v} above {low}");
            }
        }
    }
}
