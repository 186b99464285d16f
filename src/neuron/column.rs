//! One coefficient of every neuron of a population, in blocks.

use crate::error::{Error, ErrorKind, Result};
use crate::record::Array;
use crate::signal::{BLOCK, Shape, gcd};

/// A parameter of a population in the engine's order: one number for each neuron;
/// one for each channel, which come last in that order and so come round; or one.
pub struct Parameter(Vec<f64>);

impl Parameter {
    /// Reads an array that has the population's shape, `[C, 1, …]`, or one element.
    ///
    /// # Errors
    /// Another shape, or numbers that are none.
    pub fn read(name: &str, array: &Array, shape: &Shape) -> Result<Parameter> {
        let numbers = array.numbers().map_err(|e| e.at(format!("'{name}'")))?;
        Parameter::arrange(name, &numbers, array.shape(), shape)
    }

    /// Reads an array whose first axis counts steps, and whose others are as those of
    /// [`Parameter::read`].
    ///
    /// # Errors
    /// As [`Parameter::read`], and no steps or too many.
    pub fn read_steps(name: &str, array: &Array, shape: &Shape) -> Result<Vec<Parameter>> {
        let numbers = array.numbers().map_err(|e| e.at(format!("'{name}'")))?;
        let (steps, axes) =
            array.shape().split_first().map_or((1, &[][..]), |(&n, rest)| (n, rest));
        if !(1..=MOST_STEPS).contains(&steps) || numbers.is_empty() {
            let expected = format!("1 to {MOST_STEPS} steps, the first axis");
            return Err(misfit(name, array.shape(), expected));
        }
        let rows = numbers.chunks(numbers.len() / steps);
        rows.map(|row| Parameter::arrange(name, row, axes, shape)).collect()
    }

    fn arrange(name: &str, numbers: &[f64], axes: &[usize], shape: &Shape) -> Result<Parameter> {
        let all_alike = numbers.iter().all(|x| x.to_bits() == numbers[0].to_bits());
        match numbers.len() {
            1 => Ok(Parameter(vec![numbers[0]])),
            _ if !shape.takes(axes) => Err(misfit(name, axes, format!("{:?}", shape.axes()))),
            _ if all_alike => Ok(Parameter(vec![numbers[0]])),
            n if n == shape.len() => Ok(Parameter(shape.to_engine_order(numbers))),
            _ => Ok(Parameter(numbers.into())),
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
        self.0[i % self.0.len()]
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

/// Steps for which a parameter may have its own numbers.
const MOST_STEPS: usize = 1 << 16;

fn misfit(name: &str, axes: &[usize], expected: String) -> Error {
    Error::new(ErrorKind::Shape, format!("'{name}' of shape {axes:?}"), expected)
}

/// The parameters of a population by name.
pub struct Parameters {
    /// Number of neurons.
    pub len: usize,
    /// The model's fields, in its order.
    pub all: Vec<(&'static str, Parameter)>,
    /// Those that each step has its own of.
    pub by_step: Vec<(&'static str, Vec<Parameter>)>,
}

impl Parameters {
    /// One of them.
    pub fn get(&self, name: &str) -> &Parameter {
        let found = self.all.iter().find(|(field, _)| *field == name);
        &found.expect("a field that the model has").1
    }

    /// One of them that says whether something is so, of all neurons.
    ///
    /// # Errors
    /// Numbers other than 0 and 1, and neurons that differ.
    pub fn flag(&self, name: &str) -> Result<bool> {
        let first = self.get(name).at(0);
        let fits = |x: f64| x == first && (x == 0.0 || x == 1.0);
        self.get(name).require(name, "0 or 1, of all neurons", fits)?;
        Ok(first == 1.0)
    }

    /// One of those that each step has its own of.
    pub fn steps(&self, name: &str) -> &[Parameter] {
        let found = self.by_step.iter().find(|(field, _)| *field == name);
        &found.expect("a field by step that the model has").1
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
/// share the value, and where channels do, as many as it takes to come round.
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

impl<T: Number> Column<T> {
    /// The coefficient computed from parameters, neuron by neuron.
    pub fn of<const N: usize>(
        len: usize,
        parameters: [&Parameter; N],
        coefficient: impl Fn([f64; N]) -> f64,
    ) -> Column<T> {
        let period = parameters.iter().map(|p| p.0.len()).max().unwrap_or(1);
        let all = len.div_ceil(BLOCK);
        let blocks = if period < len { all.min(period / gcd(period, BLOCK)) } else { all };
        let shared = period == 1;
        let lane = |block: usize, lane: usize| {
            let i = (block * BLOCK + lane).min(len - 1);
            T::nearest(coefficient(parameters.map(|p| p.at(i))))
        };
        let blocks: Vec<[T; BLOCK]> =
            (0..blocks).map(|b| std::array::from_fn(|l| lane(b, l))).collect();
        Column { shared: shared.then(|| blocks[0][0]), blocks }
    }

    /// The coefficient of each neuron by its address.
    pub fn each(len: usize, coefficient: impl Fn(usize) -> f64) -> Column<T> {
        let each = Parameter::each((0..len).map(coefficient).collect());
        Column::of(len, [&each], |[x]| x)
    }

    /// The value that all neurons share, if they do.
    pub fn shared(&self) -> Option<T> {
        self.shared
    }

    /// The lanes of block `block`.
    #[inline]
    pub fn block(&self, block: usize) -> &[T; BLOCK] {
        match self.blocks.len() {
            1 => &self.blocks[0],
            n if block < n => &self.blocks[block],
            n => &self.blocks[block % n],
        }
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
        assert!(read(vec![1.0; 2], &[2]).is_err());
        assert!(read(vec![f32::NAN], &[1]).is_err());
    }

    #[test]
    fn channels_come_round() {
        for (channels, blocks) in [(2, 1), (96, 3), (5, 5), (128, 2)] {
            let shape = Shape::new(&[channels, 20, 20]).unwrap();
            let numbers = (0..channels).map(|c| c as f32).collect();
            let array = Array::floats(&[channels, 1, 1], numbers);
            let each = Parameter::read("k", &array, &shape).unwrap();
            let column =
                Column::<f32>::of(shape.len(), [&each, &Parameter::same(1.0)], |[x, y]| x + y);
            assert_eq!(column.blocks.len(), blocks, "{channels} channels");
            for address in 0..shape.len() {
                let channel = shape.element(address) / 400;
                assert_eq!(column.block(address / BLOCK)[address % BLOCK], channel as f32 + 1.0);
            }
        }
    }

    #[test]
    fn a_parameter_by_step_has_steps_first() {
        let shape = Shape::new(&[2, 1, 3]).unwrap();
        let read = |axes: &[usize]| {
            let numbers = (0..axes.iter().product()).map(|i| i as f32).collect();
            Parameter::read_steps("g", &Array::floats(axes, numbers), &shape)
        };
        let at =
            |axes: &[usize], address| read(axes).unwrap().iter().map(|p| p.at(address)).collect();
        let by_step = |axes: &[usize]| -> Vec<f64> { at(axes, 3) };
        assert_eq!(by_step(&[4]), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(by_step(&[2, 2, 1, 1]), [1.0, 3.0]);
        // address 3 is pixel 1 of channel 1: element 4
        assert_eq!(by_step(&[2, 2, 1, 3]), [4.0, 10.0]);
        for wrong in [&[0][..], &[2, 3], &[3, 2, 1, 2], &[0, 2, 1, 3]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
