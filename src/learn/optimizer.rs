//! Optimisers: how gradients change parameters.
//!
//! ```text
//! SGD     m ← μ m + g           x ← x − η m               Nesterov: x ← x − η (g + μ m)
//! Adam    m ← β₁ m + (1 − β₁) g           v ← β₂ v + (1 − β₂) g²
//!         x ← x − η m̂ / (√v̂ + ε)          m̂ = m/(1 − β₁ⁿ), v̂ = v/(1 − β₂ⁿ)
//! ```
//!
//! Weight decay w adds w·x to g; AdamW instead shrinks x by 1 − ηw. Parameters that do
//! not decay are spared, and none is left outside its bounds.
//!
//! **Source.** Kingma & Ba 2015; Loshchilov & Hutter 2019; as PyTorch has them.

use super::Parameter;

/// How a step is made of gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Stochastic gradient descent.
    Sgd {
        /// μ; 0 for none.
        momentum: f64,
        /// Whether the step looks ahead.
        nesterov: bool,
    },
    /// Adam, with ε = 1e-8.
    Adam {
        /// β₁ and β₂.
        betas: [f64; 2],
        /// Whether weight decay is apart from the gradient: AdamW.
        decoupled: bool,
    },
}

impl Method {
    /// Adam with β₁ = 0.9 and β₂ = 0.999.
    pub const ADAM: Method = Method::Adam { betas: [0.9, 0.999], decoupled: false };
    /// AdamW with the same.
    pub const ADAMW: Method = Method::Adam { betas: [0.9, 0.999], decoupled: true };
}

const EPSILON: f64 = 1e-8;

/// A method and what it remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    method: Method,
    weight_decay: f64,
    /// n, steps made.
    steps: i32,
    /// m and v of each parameter.
    moments: Vec<[Vec<f32>; 2]>,
}

impl Optimizer {
    /// An optimiser that has made no step.
    pub fn new(method: Method, weight_decay: f64) -> Optimizer {
        Optimizer { method, weight_decay, steps: 0, moments: Vec::new() }
    }

    /// What it has come to: its steps, and of each parameter the moments m and v.
    pub fn state(&self) -> (i32, &[[Vec<f32>; 2]]) {
        (self.steps, &self.moments)
    }

    /// The same, come to this; moments in the order of the parameters.
    pub fn resumed(self, steps: i32, moments: Vec<[Vec<f32>; 2]>) -> Optimizer {
        Optimizer { steps, moments, ..self }
    }

    /// Makes a step with a learning rate η. The parameters are the same, in the same
    /// order, each time.
    ///
    /// # Panics
    /// More of them than before, or fewer.
    pub fn step(&mut self, parameters: &mut [(String, &mut Parameter)], rate: f64) {
        let zeros = |parameter: &Parameter| vec![0.0; parameter.values.len()];
        if self.moments.is_empty() {
            self.moments = parameters.iter().map(|(_, p)| [zeros(p), zeros(p)]).collect();
        }
        assert_eq!(self.moments.len(), parameters.len(), "parameters of an optimiser");
        self.steps += 1;
        let Optimizer { method, weight_decay, steps, .. } = *self;
        for ((_, parameter), moments) in parameters.iter_mut().zip(&mut self.moments) {
            let decay = if parameter.decays { weight_decay } else { 0.0 };
            let change = Change { method, decay, rate, steps };
            change.apply(parameter, moments);
        }
    }
}

/// A step of one parameter.
struct Change {
    method: Method,
    decay: f64,
    rate: f64,
    steps: i32,
}

impl Change {
    fn apply(&self, parameter: &mut Parameter, [first, second]: &mut [Vec<f32>; 2]) {
        let moments = first.iter_mut().zip(second);
        let gradients = parameter.gradient.iter().zip(moments);
        for (x, (&gradient, (m, v))) in parameter.values.iter_mut().zip(gradients) {
            let moved = self.moved(f64::from(*x), f64::from(gradient), m, v);
            *x = (moved as f32).max(parameter.least).min(parameter.most);
        }
    }

    fn moved(&self, x: f64, gradient: f64, m: &mut f32, v: &mut f32) -> f64 {
        match self.method {
            Method::Sgd { momentum, nesterov } => {
                let gradient = gradient + self.decay * x;
                let moment = momentum * f64::from(*m) + gradient;
                *m = moment as f32;
                let ahead = gradient + momentum * moment;
                x - self.rate * if nesterov { ahead } else { moment }
            }
            Method::Adam { betas: [beta_1, beta_2], decoupled } => {
                let (shrunk, gradient) = match decoupled {
                    true => (x * (1.0 - self.rate * self.decay), gradient),
                    false => (x, gradient + self.decay * x),
                };
                let first = beta_1 * f64::from(*m) + (1.0 - beta_1) * gradient;
                let second = beta_2 * f64::from(*v) + (1.0 - beta_2) * gradient * gradient;
                (*m, *v) = (first as f32, second as f32);
                let unbiased = |moment: f64, beta: f64| moment / (1.0 - beta.powi(self.steps));
                let scale = unbiased(second, beta_2).sqrt() + EPSILON;
                shrunk - self.rate * unbiased(first, beta_1) / scale
            }
        }
    }
}

/// Scales all gradients down together so that their norm is at most `most`; gives the
/// norm that they had. As PyTorch's `clip_grad_norm_`.
pub fn clip_norm(parameters: &mut [(String, &mut Parameter)], most: f64) -> f64 {
    let square = |g: &f32| f64::from(*g) * f64::from(*g);
    let all = parameters.iter().flat_map(|(_, parameter)| &parameter.gradient);
    let norm = all.map(square).sum::<f64>().sqrt();
    let factor = (most / (norm + 1e-6)).min(1.0) as f32;
    for (_, parameter) in parameters {
        parameter.gradient.iter_mut().for_each(|g| *g *= factor);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_and_what_does_not_decay_is_spared() {
        for method in [Method::Sgd { momentum: 0.0, nesterov: false }, Method::ADAM, Method::ADAMW]
        {
            let mut bounded = Parameter { least: 0.5, ..Parameter::new("k", &[2], vec![1.0, 2.0]) };
            bounded.gradient = vec![100.0, 0.0];
            let mut spared = Parameter::new("bias", &[1], vec![3.0]).undecayed();
            let mut parameters = [("k".into(), &mut bounded), ("bias".into(), &mut spared)];
            Optimizer::new(method, 0.1).step(&mut parameters, 0.6);
            assert_eq!(bounded.values[0], 0.5, "{method:?}");
            assert!(bounded.values[1] < 2.0, "{method:?}");
            assert_eq!(spared.values, [3.0], "{method:?}");
        }
    }
}
