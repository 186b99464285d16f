//! What an optimiser changes.

/// A learnable array and the gradient of the loss with respect to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name within its layer.
    pub name: String,
    /// The axes.
    pub shape: Vec<usize>,
    /// The elements, row by row.
    pub values: Vec<f32>,
    /// ∂L/∂values, added up since it was last cleared.
    pub gradient: Vec<f32>,
    /// Whether weight decay applies to it.
    pub decays: bool,
    /// The least value that an element may take.
    pub least: f32,
    /// The most.
    pub most: f32,
}

impl Parameter {
    /// An unbounded parameter to which weight decay applies.
    ///
    /// # Panics
    /// A shape that does not count the values.
    pub fn new(name: &str, shape: &[usize], values: Vec<f32>) -> Parameter {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "'{name}' of shape {shape:?}");
        Parameter {
            name: name.into(),
            shape: shape.into(),
            gradient: vec![0.0; values.len()],
            values,
            decays: true,
            least: f32::NEG_INFINITY,
            most: f32::INFINITY,
        }
    }

    /// The same, spared from weight decay.
    pub fn undecayed(self) -> Parameter {
        Parameter { decays: false, ..self }
    }

    /// Adds to the gradient.
    pub fn owe(&mut self, gradient: &[f32]) {
        assert_eq!(gradient.len(), self.gradient.len(), "gradient of '{}'", self.name);
        self.gradient.iter_mut().zip(gradient).for_each(|(sum, more)| *sum += more);
    }

    /// Forgets the gradient.
    pub fn clear(&mut self) {
        self.gradient.fill(0.0);
    }
}
