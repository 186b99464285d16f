//! Named arrays and texts, as a file groups them: what rooms read their
//! parameters from and write them to.
//!
//! Numbers keep the width they were read with, so that writing gives back what
//! was read.

pub mod archive;
pub mod budget;
pub mod element;
pub mod npy;
pub mod strided;
pub mod tensors;
pub mod torch;
pub mod weights;

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};

/// The elements of an [`Array`], row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit floating point.
    F64(Vec<f64>),
    /// Integers of any width.
    I64(Vec<i64>),
    /// Texts.
    Text(Vec<String>),
}

/// An array of any number of axes; a scalar has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Values,
}

impl Values {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::I64(v) => v.len(),
            Values::Text(v) => v.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kind(&self) -> &'static str {
        match self {
            Values::F32(_) => "f32",
            Values::F64(_) => "f64",
            Values::I64(_) => "integer",
            Values::Text(_) => "text",
        }
    }
}

impl Array {
    /// An array of this shape.
    ///
    /// # Errors
    /// A shape that does not count the values.
    pub fn new(shape: &[usize], values: Values) -> Result<Array> {
        let len = shape.iter().try_fold(1usize, |len, &axis| len.checked_mul(axis));
        if len != Some(values.len()) {
            let expected = format!("a shape of {} values", values.len());
            return Err(Error::new(ErrorKind::Corrupt, format!("shape {shape:?}"), expected));
        }
        Ok(Array { shape: shape.into(), values })
    }

    /// One text.
    pub fn text(text: impl Into<String>) -> Array {
        Array { shape: Vec::new(), values: Values::Text(vec![text.into()]) }
    }

    /// One integer.
    pub fn integer(value: i64) -> Array {
        Array { shape: Vec::new(), values: Values::I64(vec![value]) }
    }

    /// A list of integers.
    pub fn integers(values: &[i64]) -> Array {
        Array { shape: vec![values.len()], values: Values::I64(values.into()) }
    }

    /// A list of sizes, as of a shape's axes.
    pub fn of_sizes(sizes: &[usize]) -> Array {
        Array::integers(&sizes.iter().map(|&size| size as i64).collect::<Vec<_>>())
    }

    /// An array of 32-bit numbers.
    ///
    /// # Panics
    /// A shape that does not count them.
    pub fn floats(shape: &[usize], values: Vec<f32>) -> Array {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "shape {shape:?}");
        Array { shape: shape.into(), values: Values::F32(values) }
    }

    /// The axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One element as an array of this shape, which has it everywhere; others stay as they are.
    pub fn spread(self, shape: &[usize]) -> Array {
        let len = shape.iter().product();
        let values = match &self.values {
            Values::F32(v) if v.len() == 1 => Values::F32(vec![v[0]; len]),
            Values::F64(v) if v.len() == 1 => Values::F64(vec![v[0]; len]),
            Values::I64(v) if v.len() == 1 => Values::I64(vec![v[0]; len]),
            _ => return self,
        };
        Array { shape: shape.into(), values }
    }

    /// The elements as 64-bit numbers.
    ///
    /// # Errors
    /// A text, or a number that is NaN.
    pub fn numbers(&self) -> Result<Vec<f64>> {
        let numbers: Vec<f64> = match &self.values {
            Values::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Values::F64(v) => v.clone(),
            Values::I64(v) => v.iter().map(|&x| x as f64).collect(),
            Values::Text(_) => return Err(self.not("numbers")),
        };
        match numbers.iter().position(|x| x.is_nan()) {
            Some(i) => Err(Error::new(ErrorKind::Corrupt, format!("NaN at {i}"), "a number")),
            None => Ok(numbers),
        }
    }

    /// The elements rounded to 32 bits.
    ///
    /// # Errors
    /// As [`Array::numbers`].
    pub fn singles(&self) -> Result<Vec<f32>> {
        Ok(self.numbers()?.into_iter().map(|x| x as f32).collect())
    }

    /// The elements as non-negative integers.
    ///
    /// # Errors
    /// Anything else.
    pub fn sizes(&self) -> Result<Vec<usize>> {
        let numbers = self.numbers()?;
        let whole = |x: f64| (x.fract() == 0.0 && (0.0..1e15).contains(&x)).then_some(x as usize);
        numbers
            .iter()
            .map(|&x| {
                whole(x).ok_or_else(|| Error::new(ErrorKind::Corrupt, x.to_string(), "a size"))
            })
            .collect()
    }

    /// The text of a scalar.
    ///
    /// # Errors
    /// Anything but one text.
    pub fn as_text(&self) -> Result<&str> {
        match &self.values {
            Values::Text(texts) if texts.len() == 1 => Ok(&texts[0]),
            _ => Err(self.not("a text")),
        }
    }

    /// All texts.
    ///
    /// # Errors
    /// Numbers.
    pub fn texts(&self) -> Result<&[String]> {
        match &self.values {
            Values::Text(texts) => Ok(texts),
            _ => Err(self.not("texts")),
        }
    }

    fn not(&self, expected: &str) -> Error {
        let found = format!("{} of shape {:?}", self.values.kind(), self.shape);
        Error::new(ErrorKind::Corrupt, found, expected)
    }
}

/// A group of arrays and of further groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// Groups by name.
    pub groups: BTreeMap<String, Record>,
}

impl Record {
    /// Takes an array out.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn take(&mut self, name: &str) -> Result<Array> {
        self.arrays.remove(name).ok_or_else(|| {
            let names: Vec<&str> = self.arrays.keys().map(String::as_str).collect();
            let found = format!("no '{name}' among [{}]", names.join(", "));
            Error::new(ErrorKind::Corrupt, found, format!("a field '{name}'"))
        })
    }

    /// Takes an array out if it is there.
    pub fn take_if_any(&mut self, name: &str) -> Option<Array> {
        self.arrays.remove(name)
    }

    /// Puts an array in.
    pub fn put(&mut self, name: &str, array: Array) {
        self.arrays.insert(name.into(), array);
    }

    /// Puts an array in if there is one.
    pub fn put_if_any(&mut self, name: &str, array: &Option<Array>) {
        if let Some(array) = array {
            self.put(name, array.clone());
        }
    }

    /// Whether there is neither array nor group.
    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty() && self.groups.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_of_any_width_and_refuses_the_rest() {
        let array = Array::new(&[2], Values::I64(vec![3, 4])).unwrap();
        assert_eq!(array.numbers().unwrap(), [3.0, 4.0]);
        assert_eq!(array.sizes().unwrap(), [3, 4]);
        assert!(Array::integers(&[-1]).sizes().is_err());
        assert!(Array::floats(&[1], vec![f32::NAN]).numbers().is_err());
        assert!(Array::text("same").numbers().is_err());
        assert_eq!(Array::text("same").as_text().unwrap(), "same");
        assert!(Array::new(&[3], Values::I64(vec![1])).is_err());
    }

    #[test]
    fn a_missing_field_is_named() {
        let mut record = Record::default();
        record.put("r", Array::integer(1));
        let error = record.take("tau").unwrap_err().to_string();
        assert_eq!(error, "found no 'tau' among [r]; expected a field 'tau'");
    }
}
