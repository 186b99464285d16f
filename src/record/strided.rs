//! Arrays that lie in memory in another order than row by row: transposed,
//! sliced, repeated.

use std::borrow::Cow;

use super::element::{Element, Endian};
use super::{Array, Values};
use crate::error::{Error, ErrorKind, Result};

/// Element `[i, j, …]` is number `offset + i·stride[0] + j·stride[1] + …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strided {
    /// The axes.
    pub shape: Vec<usize>,
    /// How many numbers the next element of each axis is away.
    pub stride: Vec<usize>,
    /// The first element.
    pub offset: usize,
}

impl Strided {
    /// Row by row.
    pub fn rows(shape: &[usize]) -> Strided {
        let mut stride = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            stride[axis - 1] = shape[axis].saturating_mul(stride[axis]);
        }
        Strided { shape: shape.into(), stride, offset: 0 }
    }

    /// Column by column: the first axis is the one whose elements are neighbours.
    pub fn columns(shape: &[usize]) -> Strided {
        let backward: Vec<usize> = shape.iter().rev().copied().collect();
        let mut stride = Strided::rows(&backward).stride;
        stride.reverse();
        Strided { shape: shape.into(), stride, offset: 0 }
    }

    /// Number of elements.
    ///
    /// # Errors
    /// More than memory can count.
    pub fn elements(&self) -> Result<usize> {
        let len = self.shape.iter().try_fold(1usize, |len, &axis| len.checked_mul(axis));
        len.ok_or_else(|| self.corrupt("a shape that can be counted"))
    }

    /// The array, out of the numbers that are stored.
    ///
    /// # Errors
    /// An element that is not among them.
    pub fn array(&self, stored: &[u8], element: Element, endian: Endian) -> Result<Array> {
        let bytes = self.gather(stored, element.size())?;
        let values: Values = element.values(&bytes, endian)?;
        Array::new(&self.shape, values)
    }

    /// The elements row by row.
    fn gather<'b>(&self, stored: &'b [u8], size: usize) -> Result<Cow<'b, [u8]>> {
        let len = self.elements()?;
        if len == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        let end = self.last().and_then(|last| last.checked_add(1)?.checked_mul(size));
        if end.is_none_or(|end| end > stored.len()) {
            return Err(self.corrupt(format!("elements among {} numbers", stored.len() / size)));
        }
        if self.stride == Strided::rows(&self.shape).stride {
            let start = self.offset * size;
            return Ok(Cow::Borrowed(&stored[start..start + len * size]));
        }
        let mut out = Vec::with_capacity(len * size);
        let mut index = vec![0; self.shape.len()];
        for _ in 0..len {
            let steps = index.iter().zip(&self.stride).map(|(i, stride)| i * stride);
            let at = (self.offset + steps.sum::<usize>()) * size;
            out.extend_from_slice(&stored[at..at + size]);
            self.advance(&mut index);
        }
        Ok(Cow::Owned(out))
    }

    /// The number that lies furthest behind.
    fn last(&self) -> Option<usize> {
        let reach = self.shape.iter().zip(&self.stride);
        reach
            .map(|(n, stride)| (n - 1).checked_mul(*stride))
            .try_fold(self.offset, |sum, step| sum.checked_add(step?))
    }

    fn advance(&self, index: &mut [usize]) {
        for (i, &axis) in index.iter_mut().zip(&self.shape).rev() {
            *i += 1;
            if *i < axis {
                return;
            }
            *i = 0;
        }
    }

    fn corrupt(&self, expected: impl Into<String>) -> Error {
        let Strided { shape, stride, offset } = self;
        let found = format!("shape {shape:?} with strides {stride:?} from {offset} on");
        Error::new(ErrorKind::Corrupt, found, expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(shape: &[usize], stride: &[usize], offset: usize) -> Result<Vec<u8>> {
        let stored: Vec<u8> = (0..12).collect();
        let view = Strided { shape: shape.into(), stride: stride.into(), offset };
        view.gather(&stored, 1).map(Cow::into_owned)
    }

    #[test]
    fn views_are_put_in_rows() {
        assert_eq!(gather(&[2, 3], &[3, 1], 6).unwrap(), [6, 7, 8, 9, 10, 11]);
        assert_eq!(gather(&[3, 2], &[1, 3], 0).unwrap(), [0, 3, 1, 4, 2, 5]);
        assert_eq!(gather(&[2, 2], &[0, 0], 11).unwrap(), [11; 4]);
        assert_eq!(gather(&[], &[], 5).unwrap(), [5]);
        assert_eq!(Strided::columns(&[2, 3, 4]).stride, [1, 2, 6]);
        assert!(gather(&[5, 0], &[1, 1], 99).unwrap().is_empty());
    }

    #[test]
    fn what_lies_outside_is_refused() {
        assert!(gather(&[2, 3], &[3, 1], 7).is_err());
        assert!(gather(&[2], &[usize::MAX], 0).is_err());
        assert!(gather(&[2], &[1], usize::MAX).is_err());
        assert!(gather(&[usize::MAX, 2], &[0, 0], 0).is_err());
    }
}
