//! Matrices in slices, and their product.

use super::simd;

/// A matrix whose elements lie in a slice, at fixed distances.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix that fills a slice row by row.
    ///
    /// # Panics
    /// A slice of another length.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        assert_eq!(rows.checked_mul(columns), Some(values.len()), "{rows}×{columns}");
        Matrix { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Matrix<'a> {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn values(&self) -> &'a [f32] {
        self.values
    }

    /// Distances between rows and between columns.
    pub(super) fn strides(&self) -> (isize, isize) {
        (self.row_stride as isize, self.column_stride as isize)
    }
}

/// Writes a·b to `out`, row by row, or adds it to what is there.
///
/// # Panics
/// Sizes that do not fit.
pub fn product(out: &mut [f32], add: bool, a: Matrix<'_>, b: Matrix<'_>) {
    simd::multiply(out, add, a, b);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers small enough for sums to be exact.
    fn whole(len: usize, seed: u32) -> Vec<f32> {
        (0..len as u32).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 27) as f32).collect()
    }

    proptest! {
        #[test]
        fn sums_rows_times_columns(
            rows in 1usize..40, columns in 1usize..40, inner in 1usize..40,
            turned in any::<(bool, bool)>(), add in any::<bool>(),
        ) {
            let (a, b) = (whole(rows * inner, 1), whole(inner * columns, 7));
            let at = |values: &[f32], turned: bool, i: usize, j: usize, r: usize, c: usize| {
                if turned { values[j * r + i] } else { values[i * c + j] }
            };
            let stored = |values, turned: bool, r, c| match turned {
                true => Matrix::new(values, c, r).transposed(),
                false => Matrix::new(values, r, c),
            };
            let mut out = vec![3.0; rows * columns];
            product(
                &mut out, add, stored(&a, turned.0, rows, inner),
                stored(&b, turned.1, inner, columns),
            );
            for i in 0..rows {
                for j in 0..columns {
                    let term = |k| {
                        at(&a, turned.0, i, k, rows, inner) * at(&b, turned.1, k, j, inner, columns)
                    };
                    let expected = (0..inner).map(term).sum::<f32>() + if add { 3.0 } else { 0.0 };
                    prop_assert_eq!(out[i * columns + j], expected);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "size of a product")]
    fn no_product_leaves_its_slice() {
        let (a, b) = ([1.0; 4], [1.0; 4]);
        product(&mut [0.0; 3], false, Matrix::new(&a, 2, 2), Matrix::new(&b, 2, 2));
    }

    #[test]
    #[should_panic(expected = "inner sizes")]
    fn sizes_that_do_not_fit_are_refused() {
        let (a, b) = ([1.0; 6], [1.0; 6]);
        product(&mut [0.0; 4], false, Matrix::new(&a, 2, 3), Matrix::new(&b, 2, 3));
    }
}
