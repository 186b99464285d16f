//! Dense connections.
//!
//! ```text
//! y = W x + b            W: [out, in], as PyTorch's Linear
//! ```

use rayon::prelude::*;

use super::{Keep, Layer, NO_FORWARD, Pass, Role, misfit, named, piece, transposed};
use crate::error::Result;
use crate::learn::memory::{Footprint, Form};
use crate::learn::{Kept, Parameter, Tensor};
use crate::signal::{Matrix, product};

/// Every input to every output.
#[derive(Debug)]
pub struct Dense {
    /// Weight, and perhaps bias.
    parameters: Vec<Parameter>,
    kept: Option<Kept>,
}

impl Dense {
    /// Weights `[out, in]` and a bias `[out]` or none.
    ///
    /// # Panics
    /// Lengths that do not fit.
    pub fn new(outputs: usize, inputs: usize, weight: Vec<f32>, bias: Option<Vec<f32>>) -> Dense {
        let weight = Parameter::new("weight", &[outputs, inputs], weight);
        let bias = bias.map(|bias| Parameter::new("bias", &[outputs], bias).undecayed());
        Dense { parameters: [weight].into_iter().chain(bias).collect(), kept: None }
    }

    fn sizes(&self) -> (usize, usize) {
        (self.parameters[0].shape[0], self.parameters[0].shape[1])
    }

    fn weight(&self) -> Matrix<'_> {
        let (outputs, inputs) = self.sizes();
        Matrix::new(&self.parameters[0].values, outputs, inputs)
    }

    /// δᵀ x, in rows of W side by side.
    fn weight_gradient(&self, gradient: &[f32], input: &[f32]) -> Vec<f32> {
        let (outputs, inputs) = self.sizes();
        let samples = input.len() / inputs;
        let by_output = transposed(gradient, samples, outputs);
        let mut owed = vec![0.0; outputs * inputs];
        let rows = piece(outputs);
        let pieces = owed.par_chunks_mut(rows * inputs).zip(by_output.par_chunks(rows * samples));
        pieces.for_each(|(owed, gradient)| {
            let gradient = Matrix::new(gradient, gradient.len() / samples, samples);
            product(owed, false, gradient, Matrix::new(input, samples, inputs));
        });
        owed
    }
}

impl Layer for Dense {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (outputs, inputs) = self.sizes();
        match input == [inputs] {
            true => Ok(vec![outputs]),
            false => Err(misfit(input, format!("[{inputs}] for a dense layer"))),
        }
    }

    /// Back the input is unpacked where the gradient with respect to it is written
    /// afterwards, beside the other one turned over and ∂W.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let weights = 4 * self.parameters[0].values.len();
        Footprint {
            kept: input.packed(keep),
            forth: input.bytes() + output.bytes() + input.mean(keep),
            back: input.gradient(keep) + 2 * output.gradient(keep) + weights,
        }
    }

    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        let (outputs, inputs) = self.sizes();
        let mut output = Tensor::zeros(&input.shape_with(&[outputs]));
        let samples = piece(input.steps() * input.batch());
        let bias = self.parameters.get(1).map(|bias| &bias.values);
        let pieces = output.values_mut().par_chunks_mut(samples * outputs);
        pieces.zip(input.values().par_chunks(samples * inputs)).for_each(|(out, x)| {
            if let Some(bias) = bias {
                out.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
            }
            let x = Matrix::new(x, x.len() / inputs, inputs);
            product(out, true, x, self.weight().transposed());
        });
        self.kept = pass.kept(input).map(Kept::of);
        output
    }

    fn backward(&mut self, gradient: Tensor) -> Tensor {
        let (outputs, inputs) = self.sizes();
        let kept = self.kept.take().expect(NO_FORWARD);
        let samples = gradient.steps() * gradient.batch();
        // holds the input first
        let mut back = Tensor::blank(&gradient.shape_with(&[inputs]));
        kept.read(0..samples * inputs, back.values_mut());
        let owed = self.weight_gradient(gradient.values(), back.values());
        let rows = piece(samples);
        let pieces = back.values_mut().par_chunks_mut(rows * inputs);
        pieces.zip(gradient.values().par_chunks(rows * outputs)).for_each(|(back, gradient)| {
            let gradient = Matrix::new(gradient, gradient.len() / outputs, outputs);
            product(back, false, gradient, self.weight());
        });
        self.parameters[0].owe(&owed);
        if let Some(bias) = self.parameters.get_mut(1) {
            gradient.values().chunks_exact(outputs).for_each(|row| bias.owe(row));
        }
        back
    }

    fn role(&self) -> Role {
        Role::Connection
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }
}
