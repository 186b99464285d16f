//! One coefficient of every neuron of a population, in blocks.

use crate::error::{Error, ErrorKind, Result};
use crate::record::Array;
use crate::signal::{BLOCK, Shape};

/// A parameter of a population in the engine's order; one number where all
/// neurons share it.
pub struct Parameter(Vec<f64>);

impl Parameter {
    /// Reads an array that has the population's shape, or one element.
    ///
    /// # Errors
    /// Another shape, or numbers that are none.
    pub fn read(name: &str, array: &Array, shape: &Shape) -> Result<Parameter> {
        let numbers = array.numbers().map_err(|e| e.at(format!("'{name}'")))?;
        let fits = array.shape() == shape.axes();
        if !fits && numbers.len() != 1 {
            let found = format!("'{name}' of shape {:?}", array.shape());
            return Err(Error::new(ErrorKind::Shape, found, format!("{:?}", shape.axes())));
        }
        match numbers.iter().all(|x| x.to_bits() == numbers[0].to_bits()) {
            true => Ok(Parameter(vec![numbers[0]])),
            false => Ok(Parameter(shape.to_engine_order(&numbers))),
        }
    }

    /// One number for all.
    pub fn same(value: f64) -> Parameter {
        Parameter(vec![value])
    }

    /// One number for each, in the engine's order.
    pub fn each(values: Vec<f64>) -> Parameter {
        Parameter(values)
    }

    /// The value of neuron `i`.
    pub fn at(&self, i: usize) -> f64 {
        self.0[if self.0.len() == 1 { 0 } else { i }]
    }

    /// Refuses values that `holds` does not hold for; `expected` says what does.
    ///
    /// # Errors
    /// The first such value.
    pub fn require(&self, name: &str, expected: &str, holds: impl Fn(f64) -> bool) -> Result<()> {
        match self.0.iter().find(|&&x| !holds(x)) {
            None => Ok(()),
            Some(x) => Err(Error::new(ErrorKind::Corrupt, format!("'{name}' = {x}"), expected)),
        }
    }
}

/// The parameters of a population by name.
pub struct Parameters {
    /// Number of neurons.
    pub len: usize,
    /// The model's fields, in its order.
    pub all: Vec<(&'static str, Parameter)>,
}

impl Parameters {
    /// One of them.
    pub fn get(&self, name: &str) -> &Parameter {
        let found = self.all.iter().find(|(field, _)| *field == name);
        &found.expect("a field that the model has").1
    }

    /// A coefficient computed from some of them, neuron by neuron.
    pub fn column<T: Number, const N: usize>(
        &self,
        names: [&str; N],
        coefficient: impl Fn([f64; N]) -> f64,
    ) -> Column<T> {
        Column::of(self.len, names.map(|name| self.get(name)), coefficient)
    }
}

/// A coefficient in blocks of [`BLOCK`] lanes; a single block where all neurons
/// share the value.
#[derive(Clone, Debug)]
pub struct Column<T = f32> {
    blocks: Vec<[T; BLOCK]>,
    shared: Option<T>,
}

/// The numbers that coefficients are rounded to.
pub trait Number: Copy {
    /// The nearest one.
    fn nearest(value: f64) -> Self;
}

impl Number for f32 {
    fn nearest(value: f64) -> f32 {
        value as f32
    }
}

impl Number for f64 {
    fn nearest(value: f64) -> f64 {
        value
    }
}

/// A coefficient of the neurons of a block: one for all, or one each.
pub trait Coefficient: Copy {
    /// That of one of them.
    fn of(self, lane: usize) -> f32;
}

impl Coefficient for f32 {
    #[inline(always)]
    fn of(self, _lane: usize) -> f32 {
        self
    }
}

impl Coefficient for &[f32; BLOCK] {
    #[inline(always)]
    fn of(self, lane: usize) -> f32 {
        self[lane]
    }
}

impl<T: Number> Column<T> {
    /// The coefficient computed from parameters, neuron by neuron.
    pub fn of<const N: usize>(
        len: usize,
        parameters: [&Parameter; N],
        coefficient: impl Fn([f64; N]) -> f64,
    ) -> Column<T> {
        let shared = parameters.iter().all(|p| p.0.len() == 1);
        let blocks = if shared { 1 } else { len.div_ceil(BLOCK) };
        let lane = |block: usize, lane: usize| {
            let i = (block * BLOCK + lane).min(len - 1);
            T::nearest(coefficient(parameters.map(|p| p.at(i))))
        };
        let blocks: Vec<[T; BLOCK]> =
            (0..blocks).map(|b| std::array::from_fn(|l| lane(b, l))).collect();
        Column { shared: shared.then(|| blocks[0][0]), blocks }
    }

    /// The value that all neurons share, if they do.
    pub fn shared(&self) -> Option<T> {
        self.shared
    }

    /// The lanes of block `block`.
    #[inline]
    pub fn block(&self, block: usize) -> &[T; BLOCK] {
        &self.blocks[if self.blocks.len() == 1 { 0 } else { block }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parameters_make_one_block() {
        let shape = Shape::new(&[2, 50]).unwrap();
        let read = |values: Vec<f32>, axes: &[usize]| {
            Parameter::read("r", &Array::floats(axes, values), &shape)
        };
        let one = read(vec![2.0; 100], &[2, 50]).unwrap();
        let each = read((0..100).map(|i| i as f32).collect(), &[2, 50]).unwrap();
        assert_eq!(Column::<f32>::of(100, [&one], |[x]| x).shared(), Some(2.0));
        let column = Column::<f32>::of(100, [&one, &each], |[x, y]| x * y);
        // engine order: pixel 1 of channel 1 is element 51 and address 3
        assert_eq!((column.blocks.len(), column.block(0)[3]), (2, 102.0));
        assert_eq!(column.block(1)[BLOCK - 1], 198.0);
        let few = Shape::new(&[3]).unwrap();
        let few = Parameter::read("r", &Array::floats(&[3], vec![1.0, 2.0, 3.0]), &few).unwrap();
        let few = Column::<f32>::of(3, [&few], |[x]| x);
        assert_eq!((few.shared(), few.block(0)[2]), (None, 3.0));
        assert!(read(vec![1.0; 50], &[50]).is_err());
        assert!(read(vec![f32::NAN], &[1]).is_err());
    }
}
