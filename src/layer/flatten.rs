//! Flatten: merges the axes `start_dim` to `end_dim` into one.
//!
//! The axes are those of the signal, without batch and time: `start_dim` = 0
//! is the channel. A negative `end_dim` counts from the last axis. Elements keep
//! the order that files count them in; only the engine's addresses change.
//!
//! **Source.** NIR 1.0.8, `ir/flatten.py` and `ir/utils.py`.

use super::{Connection, Layer, Routed, misfit};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record};
use crate::signal::{Merge, Shape, Spikes};

/// Parameters of `Flatten`.
#[derive(Debug)]
struct Flatten {
    input_type: Option<Array>,
    start_dim: Option<Array>,
    end_dim: Option<Array>,
    first: i64,
    last: i64,
}

/// Reads a `Flatten` node.
pub fn read(record: &mut Record) -> Result<Box<dyn Layer>> {
    let start_dim = record.take_if_any("start_dim");
    let end_dim = record.take_if_any("end_dim");
    Ok(Box::new(Flatten {
        input_type: record.take_if_any("input_type"),
        first: axis(&start_dim, 1)?,
        last: axis(&end_dim, -1)?,
        start_dim,
        end_dim,
    }))
}

fn axis(array: &Option<Array>, default: i64) -> Result<i64> {
    match array.as_ref().map(Array::numbers).transpose()?.as_deref() {
        None => Ok(default),
        Some(&[number]) if number.fract() == 0.0 && number.abs() < 64.0 => Ok(number as i64),
        Some(other) => Err(Error::new(ErrorKind::Corrupt, format!("{other:?}"), "one axis")),
    }
}

impl Flatten {
    /// The range of axes to merge, for so many axes.
    fn range(&self, axes: usize) -> Option<(usize, usize)> {
        let count = axes as i64;
        let resolve = |axis: i64| if axis < 0 { axis + count } else { axis };
        let (first, last) = (resolve(self.first), resolve(self.last));
        (0 <= first && first <= last && last < count).then_some((first as usize, last as usize))
    }
}

impl Layer for Flatten {
    fn nir(&self) -> &'static str {
        "Flatten"
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put_if_any("input_type", &self.input_type);
        record.put_if_any("start_dim", &self.start_dim);
        record.put_if_any("end_dim", &self.end_dim);
        record
    }

    fn parameters(&self) -> usize {
        0
    }

    fn input_shape(&self) -> Option<Shape> {
        Shape::new(&self.input_type.as_ref()?.sizes().ok()?).ok()
    }

    fn complete(&mut self, input: &Shape) {
        // which may state a batch as well
        if self.input_shape().as_ref() != Some(input) {
            self.input_type = Some(Array::of_sizes(input.axes()));
        }
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        let axes = input.axes();
        if let Some(stated) = self.input_shape()
            && stated.axes() != axes
            // that of a sample with its batch
            && stated.axes() != [&[1], axes].concat()
        {
            return Err(misfit(input, format!("the stated input_type {stated}")));
        }
        let Some((first, last)) = self.range(axes.len()) else {
            let wanted = format!("axes {} to {} in it (no batch axis)", self.first, self.last);
            return Err(misfit(input, wanted));
        };
        let merged = axes[first..=last].iter().product();
        Shape::new(&[&axes[..first], &[merged], &axes[last + 1..]].concat())
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        let output = self.output_shape(input)?;
        let moved = |address: usize| output.address(input.element(address)) as u32;
        Ok(Connection::Routed(Box::new(Moves((0..input.len()).map(moved).collect()))))
    }
}

/// Where each address goes.
struct Moves(Vec<u32>);

impl Routed for Moves {
    fn route(&self, spikes: &Spikes, out: &mut Merge) {
        out.add_all(spikes, |address| self.0[address as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flatten(first: i64, last: i64) -> Box<dyn Layer> {
        let mut record = Record::default();
        record.put("start_dim", Array::integer(first));
        record.put("end_dim", Array::integer(last));
        read(&mut record).unwrap()
    }

    #[test]
    fn axes_count_without_a_batch() {
        let input = Shape::new(&[2, 3, 4]).unwrap();
        let shape = |first, last| flatten(first, last).output_shape(&input).map(|s| s.to_string());
        assert_eq!(shape(0, -1).unwrap(), "24");
        assert_eq!(shape(0, 2).unwrap(), "24");
        assert_eq!(shape(1, -1).unwrap(), "2×12");
        assert_eq!(shape(0, 1).unwrap(), "6×4");
        assert!(shape(0, 3).is_err());
        assert!(shape(2, 1).is_err());
    }

    #[test]
    fn elements_keep_the_order_of_the_file() {
        let input = Shape::new(&[2, 3, 4]).unwrap();
        for (first, last) in [(0, -1), (1, 2), (0, 1)] {
            let layer = flatten(first, last);
            let output = layer.output_shape(&input).unwrap();
            let Connection::Routed(route) = layer.bind(&input).unwrap() else { panic!() };
            for element in 0..24 {
                let mut spike = Spikes::default();
                spike.push(input.address(element) as u32, 1.0, 1);
                let (mut merge, mut out) = (Merge::new(24), Spikes::default());
                route.route(&spike, &mut merge);
                merge.drain(&mut out);
                assert_eq!(output.element(out.index[0] as usize), element);
            }
        }
    }
}
