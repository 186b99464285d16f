//! Neurons that hear themselves, a step later.
//!
//! ```text
//! s_t = neurons(x_t + R s_{t−1}),   s_0 = 0
//! ```

use super::{Keep, Layer, NO_FORWARD, Neurons, Pass, misfit};
use crate::error::Result;
use crate::learn::memory::{Footprint, Form};
use crate::learn::{Kept, Parameter, Tensor};

/// A population, and a connection R from it to itself.
#[derive(Debug)]
pub struct Recurrent {
    neurons: Neurons,
    connection: Box<dyn Layer>,
    kept: Option<Sequence>,
}

/// What went in and came back, and what was sent.
#[derive(Debug)]
struct Sequence {
    input: Tensor,
    sent: Kept,
}

impl Recurrent {
    /// Neurons and a connection that keeps the features as they are: one that looks at no
    /// other step, and draws nothing.
    pub fn new(neurons: Neurons, connection: Box<dyn Layer>) -> Recurrent {
        Recurrent { neurons, connection, kept: None }
    }
}

impl Layer for Recurrent {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let back = self.connection.output(&self.neurons.output(input)?)?;
        match back == input {
            true => Ok(back),
            false => Err(misfit(&back, format!("{input:?} of what comes back"))),
        }
    }

    /// What comes back owes its gradient to single steps.
    fn learns_from_means(&self) -> bool {
        false
    }

    fn sends_spikes(&self, input: bool) -> bool {
        self.neurons.sends_spikes(input)
    }

    /// Back, the potentials of all steps are held beside the gradient.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let spikes = Form { spikes: self.sends_spikes(input.spikes), ..output.clone() };
        let (kept, forth) = (input.kept(keep) + spikes.packed(keep), input.bytes());
        let back = output.gradient(keep) + input.kept(keep);
        Footprint { kept, forth: forth + output.bytes(), back }
    }

    fn forward(&mut self, mut input: Tensor, pass: &mut Pass) -> Tensor {
        let one_step = [&[1], &input.shape()[1..]].concat();
        let mut sent = Tensor::blank(input.shape());
        let connection = &mut self.connection;
        let mut answer = Pass { keep: Keep::Nothing, ..pass.clone() };
        self.neurons.forward_looped(&mut input, &mut sent, pass.sends, &mut |spikes, input| {
            let back = connection.forward(Tensor::new(&one_step, spikes.to_vec()), &mut answer);
            input.iter_mut().zip(back.values()).for_each(|(x, back)| *x += back);
        });
        let keeps = pass.keep == Keep::Steps;
        self.kept = keeps.then(|| Sequence { input, sent: Kept::copy_of(&sent) });
        sent
    }

    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        let Sequence { input, sent } = self.kept.take().expect(NO_FORWARD);
        let one_step = [&[1], &input.shape()[1..]].concat();
        let width = input.values().len() / input.steps();
        let connection = &mut self.connection;
        let mut step = input.steps() - 1;
        self.neurons.backward_looped(&input, &mut gradient, &mut |by_input, by_spikes| {
            step -= 1;
            let mut spikes = Tensor::blank(&one_step);
            sent.read(step * width..(step + 1) * width, spikes.values_mut());
            connection.forward(spikes, &mut Pass::training(0));
            let back = connection.backward(Tensor::new(&one_step, by_input.to_vec()));
            by_spikes.iter_mut().zip(back.values()).for_each(|(g, back)| *g += back);
        });
        gradient
    }

    /// The neurons', and the connection's as `recurrent.…`.
    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        let mut all = self.neurons.parameters();
        let connection = self.connection.parameters().into_iter();
        all.extend(connection.map(|(name, p)| (format!("recurrent.{name}"), p)));
        all
    }
}
