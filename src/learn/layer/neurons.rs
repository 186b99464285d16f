//! Neurons as a layer: the only one that looks along time.
//!
//! Of a pass that keeps means, each neuron keeps one number, E = Σ_k ∂(mean_t s_t)/∂x_k:
//! what its rate owes to an input that is the same at every step.

use rand::RngExt;
use rayon::current_num_threads;

use super::{Keep, Layer, NO_FORWARD, Part, Pass, Role, misfit, named};
use crate::error::Result;
use crate::learn::memory::{Footprint, Form};
use crate::learn::{Parameter, Tensor};
use crate::neuron::trainable::{
    BLOCK_BYTES, Cells, Feedback, Layout, Learned, Ready, Sends, Settings, Trainable,
};

/// A population of one model.
#[derive(Debug)]
pub struct Neurons {
    cells: Box<dyn Cells>,
    /// Those that send only positive spikes and only negative ones, of signed neurons.
    one_sided: Option<[Box<dyn Cells>; 2]>,
    /// What was sent last.
    sends: Sends,
    parameters: Vec<Parameter>,
    /// The number of channels, where each has its own parameters.
    channels: Option<usize>,
    /// The number of steps, where each has its own parameters.
    steps: Option<usize>,
    kept: Option<Kept>,
}

#[derive(Debug)]
enum Kept {
    /// The input of every step.
    Input(Tensor),
    /// E of every neuron.
    Slopes(Tensor),
}

impl Neurons {
    /// A population for sequences of `steps` steps of `channels` channels; what is
    /// learned starts where the model says, the rest is drawn.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn new(
        model: &Trainable,
        settings: &Settings,
        (steps, channels): (usize, usize),
        pass: &mut Pass,
    ) -> Result<Neurons> {
        let layout = Layout { steps, batch: 1, channels, pixels: 1 };
        let mut parameter = |learned: &Learned| {
            let len = model.count(learned, settings, &layout);
            let initial = (learned.initial)(settings, steps);
            let mut draw = || match learned.spread > 0.0 {
                true => initial + pass.random.random_range(-learned.spread..=learned.spread),
                false => initial,
            };
            let values = (0..len).map(|_| draw() as f32).collect();
            let shape = if learned.per_step { vec![steps, len / steps] } else { vec![len] };
            let least = learned.least as f32;
            Parameter { least, ..Parameter::new(learned.name, &shape, values).undecayed() }
        };
        let parameters = model.learned.iter().map(&mut parameter).collect();
        let one_sided = match settings.signed {
            true => Some([
                model.cells_that_send(settings, Sends::Positive)?,
                model.cells_that_send(settings, Sends::Negative)?,
            ]),
            false => None,
        };
        let learns = !model.learned.is_empty();
        Ok(Neurons {
            cells: model.cells(settings)?,
            one_sided,
            sends: Sends::Both,
            parameters,
            channels: (learns && settings.channel_wise).then_some(channels),
            steps: model.learned.iter().any(|learned| learned.per_step).then_some(steps),
            kept: None,
        })
    }

    fn cells(&self) -> &dyn Cells {
        match (self.sends, &self.one_sided) {
            (Sends::Positive, Some([positive, _])) => positive.as_ref(),
            (Sends::Negative, Some([_, negative])) => negative.as_ref(),
            _ => self.cells.as_ref(),
        }
    }

    /// Chooses which spikes signed neurons send from here on.
    pub(super) fn send(&mut self, sends: Sends) {
        self.sends = sends;
    }

    fn layout(&self, input: &Tensor) -> Layout {
        let (steps, features) = (input.steps(), input.features());
        let fits = self.steps.is_none_or(|expected| expected == steps);
        assert!(fits, "{steps} steps for neurons with parameters for {:?}", self.steps);
        let pixels = features[1..].iter().product();
        Layout { steps, batch: input.batch(), channels: features[0], pixels }
    }

    fn values(&self) -> Vec<&[f32]> {
        self.parameters.iter().map(|parameter| &parameter.values[..]).collect()
    }

    /// The way forth where what is sent comes back: [`Looped::forward_looped`].
    pub(super) fn forward_looped(
        &mut self,
        input: &mut Tensor,
        sent: &mut Tensor,
        sends: Sends,
        feedback: &mut Feedback,
    ) {
        self.send(sends);
        let (layout, values) = (self.layout(input), self.values());
        let (input, sent) = (input.values_mut(), sent.values_mut());
        self.cells().forward_looped(&layout, &values, input, sent, feedback);
    }

    /// Its adjoint: [`Looped::adjoint_looped`].
    pub(super) fn backward_looped(
        &mut self,
        input: &Tensor,
        gradient: &mut Tensor,
        feedback: &mut Feedback,
    ) {
        let (layout, values) = (self.layout(input), self.values());
        let (input, gradient) = (input.values(), gradient.values_mut());
        let owed = self.cells().adjoint_looped(&layout, &values, input, gradient, feedback);
        self.owe(&owed);
    }

    /// They with the coefficients that their parameters mean, for an input.
    pub(super) fn ready(&self, input: &Tensor) -> Box<dyn Ready + '_> {
        self.cells().ready(&self.layout(input), &self.values())
    }

    /// Whether they kept something of their last way forth.
    pub(super) fn returns(&self) -> bool {
        self.kept.is_some()
    }

    /// Forgets what they kept.
    pub(super) fn forget(&mut self) {
        self.kept = None;
    }

    /// Adds to the gradients of the parameters.
    pub(super) fn owe(&mut self, owed: &[Vec<f32>]) {
        let pairs = self.parameters.iter_mut().zip(owed);
        pairs.for_each(|(parameter, owed)| parameter.owe(owed));
    }

    /// E, by the adjoint of the sum of all spikes.
    fn slopes(&self, input: &Tensor) -> Tensor {
        let mut gradient = Tensor::blank(input.shape());
        gradient.values_mut().fill(1.0);
        let (layout, values) = (self.layout(input), self.values());
        self.cells().adjoint(&layout, &values, input.values(), gradient.values_mut());
        // one T of the mean rate, and a sum over T
        gradient.mean_over_time()
    }
}

impl Layer for Neurons {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        match self.channels.is_none_or(|channels| input.first() == Some(&channels)) {
            true => Ok(input.to_vec()),
            false => Err(misfit(
                input,
                format!("{} channels for these neurons", self.channels.unwrap_or(0)),
            )),
        }
    }

    /// What is learned here owes its gradient to single steps.
    fn learns_from_means(&self) -> bool {
        self.parameters.is_empty()
    }

    fn sends_spikes(&self, _: bool) -> bool {
        self.one_sided.is_none()
    }

    /// An adjoint works in place, with the potentials of a block of neurons for each
    /// thread; slopes are computed by one on the way forth.
    fn footprint(&self, input: &Form, output: &Form, keep: Keep) -> Footprint {
        let potentials = BLOCK_BYTES * input.shape[0] * current_num_threads();
        let (forth, kept) = (input.bytes() + output.bytes(), input.kept(keep));
        match keep {
            Keep::Steps => Footprint { kept, forth, back: output.gradient(keep) + potentials },
            Keep::Means => {
                let slopes = input.bytes() + input.mean(keep) + potentials;
                Footprint { kept, forth: forth + slopes, back: output.gradient(keep) }
            }
            Keep::Nothing => Footprint { kept, forth, back: 0 },
        }
    }

    /// # Panics
    /// Another number of steps than there are parameters for.
    fn forward(&mut self, input: Tensor, pass: &mut Pass) -> Tensor {
        self.send(pass.sends);
        let mut output = Tensor::blank(input.shape());
        let sent = output.values_mut();
        self.cells().forward(&self.layout(&input), &self.values(), input.values(), sent);
        self.kept = match pass.keep {
            Keep::Steps => Some(Kept::Input(input)),
            Keep::Means => Some(Kept::Slopes(self.slopes(&input))),
            Keep::Nothing => None,
        };
        output
    }

    fn backward(&mut self, mut gradient: Tensor) -> Tensor {
        match self.kept.take().expect(NO_FORWARD) {
            Kept::Slopes(slopes) => {
                let pairs = gradient.values_mut().iter_mut().zip(slopes.values());
                pairs.for_each(|(g, slope)| *g *= slope);
            }
            Kept::Input(input) => {
                let (layout, values) = (self.layout(&input), self.values());
                let gradient = gradient.values_mut();
                let owed = self.cells().adjoint(&layout, &values, input.values(), gradient);
                self.owe(&owed);
            }
        }
        gradient
    }

    fn role(&self) -> Role {
        Role::Neurons
    }

    fn part(&mut self) -> Part<'_> {
        Part::Neurons(self)
    }

    fn parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        named(&mut self.parameters)
    }
}
