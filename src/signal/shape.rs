//! Shapes, and the one order in which the engine keeps their elements.
//!
//! Files count elements row by row with the channel first, `[C, H, W]`. The
//! engine keeps the channel last, so that what one spike adds to one pixel of a
//! convolution is one contiguous run. A shape of one axis is the same both ways.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// The axes of a signal, channel first, without batch and time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape(Vec<usize>);

/// Elements that an address can count, with room for the padding of blocks.
const LARGEST: usize = 1 << 26;

impl Shape {
    /// A shape of these axes.
    ///
    /// # Errors
    /// No axis, an axis of length 0, or more elements than an address counts.
    pub fn new(axes: &[usize]) -> Result<Shape> {
        let len = axes.iter().try_fold(1usize, |len, &axis| len.checked_mul(axis));
        match len {
            Some(len) if !axes.is_empty() && (1..=LARGEST).contains(&len) => Ok(Shape(axes.into())),
            _ => Err(Error::new(
                ErrorKind::Shape,
                format!("shape {axes:?}"),
                format!("one or more axes of positive length, {LARGEST} elements at most"),
            )),
        }
    }

    /// The axes, channel first.
    pub fn axes(&self) -> &[usize] {
        &self.0
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// Whether there is no element; never true of a shape made by [`Shape::new`].
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length of the first axis.
    pub fn channels(&self) -> usize {
        self.0[0]
    }

    /// Elements per channel.
    fn pixels(&self) -> usize {
        self.0[1..].iter().product()
    }

    /// The engine's address of the element that files count as `element`.
    pub fn address(&self, element: usize) -> usize {
        let pixels = self.pixels();
        match self.0.len() {
            1 => element,
            _ => element % pixels * self.channels() + element / pixels,
        }
    }

    /// What files count the element at `address` as.
    pub fn element(&self, address: usize) -> usize {
        let channels = self.channels();
        match self.0.len() {
            1 => address,
            _ => address % channels * self.pixels() + address / channels,
        }
    }

    /// `values` in the order of files, rearranged to the engine's.
    pub fn to_engine_order<T: Copy>(&self, values: &[T]) -> Vec<T> {
        (0..self.len()).map(|address| values[self.element(address)]).collect()
    }

    /// Whether parameters with these axes are one a neuron, or one a channel: `[C, 1, …]`.
    pub fn takes(&self, axes: &[usize]) -> bool {
        let by_channel = || axes[1..].iter().all(|&axis| axis == 1);
        axes == self.0 || axes.len() == self.0.len() && axes[0] == self.channels() && by_channel()
    }

    /// Whether the two differ in axes of length 1 only.
    pub fn same_elements(&self, other: &Shape) -> bool {
        let long = |shape: &Shape| shape.0.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        long(self) == long(other)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&axes.join("×"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_come_last_inside() {
        let shape = Shape::new(&[2, 3, 4]).unwrap();
        // element [c=1, y=2, x=3] of the file is the last either way
        assert_eq!(shape.address(23), 23);
        // element [c=1, y=0, x=0] sits right behind [c=0, y=0, x=0]
        assert_eq!(shape.address(12), 1);
        assert_eq!(shape.to_engine_order(&(0..24).collect::<Vec<_>>())[..4], [0, 12, 1, 13]);
        for element in 0..24 {
            assert_eq!(shape.element(shape.address(element)), element);
        }
        assert_eq!(Shape::new(&[5]).unwrap().address(3), 3);
    }

    #[test]
    fn absurd_shapes_are_refused() {
        for axes in [&[][..], &[0], &[3, 0], &[usize::MAX, 2], &[1 << 20, 1 << 20]] {
            assert!(Shape::new(axes).is_err(), "{axes:?}");
        }
    }

    #[test]
    fn axes_of_length_one_can_be_overlooked() {
        let shape = |axes: &[usize]| Shape::new(axes).unwrap();
        assert!(shape(&[1, 1, 3]).same_elements(&shape(&[3])));
        assert!(!shape(&[2, 3]).same_elements(&shape(&[3, 2])));
        assert_eq!(shape(&[2, 34, 34]).to_string(), "2×34×34");
    }
}
