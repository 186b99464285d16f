//! Current-based leaky integrate-and-fire, and the integrator of the same kind.
//!
//! ```text
//! τ_syn İ = −I + w_in S
//! τ_mem v̇ = (v_leak − v) + R I            CubaLIF: spike when v > v_threshold, then v = v_reset
//! ```
//!
//! | field | symbol | unit | default |
//! |---|---|---|---|
//! | `tau_syn` | τ_syn | s | |
//! | `tau_mem` | τ_mem | s | |
//! | `r` | R | potential per current | |
//! | `v_leak` | | potential | |
//! | `v_threshold` | θ | potential | |
//! | `v_reset` | | potential | 0 |
//! | `w_in` | | current per weight | 1 |
//!
//! Receives weighted spikes S. CubaLIF sends spikes, CubaLI its potential.
//!
//! **Discrete.** Both equations are linear, so one step is
//!
//! ```text
//! I' = a I + b S
//! u  = α v + (1−α) v_leak + c I + e S
//! ```
//!
//! With the decays α, β of membrane and synapse over dt, and
//! κ = τ_syn/(τ_syn − τ_mem) · (β − α), or dt/τ · α where the time constants
//! are equal (what a unit of current adds to the potential while it decays):
//!
//! | leak, input | a | b | c | e |
//! |---|---|---|---|---|
//! | exact, held | β | (1−β) w | R κ | R (1−α−κ) w |
//! | exact, impulse | β | β w | R κ | R κ w |
//! | exact, impulse, r ignored | β | β | β | β |
//! | Euler | 1−dt/τ_syn | dt/τ_syn w | R dt/τ_mem a | R dt/τ_mem b |
//!
//! The third row is sinabs' `LIF` with `tau_syn`, and Rockpool's, which adds the decayed
//! current to the potential as it is. Euler uses the new current for the
//! potential, as Norse, SpikingJelly and snnTorch do.
//!
//! **Between events** the rows with an exact leak hold over any time t in place of
//! dt. A spike makes I jump by w, or by (1−β) w where it stands for a current held
//! over a step. The potential may rise after the spike that makes it fire, turn
//! once, and miss a threshold on any grid; when it reaches it is searched for
//! between now and the turn, as NEST does for its exact spike times (Krishnan et
//! al. 2018, doi:10.3389/fninf.2017.00075).
//!
//! **Source.** NIR 1.0.8, `ir/neuron.py`, `CubaLIF` and `CubaLI`; the rows by
//! integrating the two equations over one step.

use super::column::{Column, Parameters};
use super::convention::{Floor, Input, Leak};
use super::crossing::{Cell, Passage, largest_kappa};
use super::current_based::CurrentBased;
use super::fire::Fire;
use super::flow::{Drive, Firing, Flow};
use super::{Field, Model, Population, Step, TIME, field, field_or};
use crate::error::Result;
use crate::signal::BLOCK;
use crate::signal::simd::{Kernel, bits, dispatch};

const LI_FIELDS: &[Field] = &[
    field("tau_syn", TIME),
    field("tau_mem", TIME),
    field("r", "potential per current"),
    field("v_leak", "potential"),
    field_or("w_in", "current per weight", 1.0),
];

const LIF_FIELDS: &[Field] = &[
    field("tau_syn", TIME),
    field("tau_mem", TIME),
    field("r", "potential per current"),
    field("v_leak", "potential"),
    field_or("w_in", "current per weight", 1.0),
    field("v_threshold", "potential"),
    field_or("v_reset", "potential", 0.0),
];

/// The entries in [`super::MODELS`].
pub const CUBA_LIF: Model = Model {
    nir: "CubaLIF",
    about: "current-based LIF, two time constants",
    spikes: true,
    fields: LIF_FIELDS,
    bind: bind_lif,
    flow: flow_lif,
    leaking: None,
};

/// The integrator of the same kind.
pub const CUBA_LI: Model = Model {
    nir: "CubaLI",
    about: "current-based leaky integrator, no spikes",
    spikes: false,
    fields: LI_FIELDS,
    bind: bind_li,
    flow: flow_li,
    leaking: None,
};

fn bind_lif(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let start = parameters.column(["v_leak", "v_reset"], |[leak, reset]| step.start(leak, reset));
    let fire = Fire::new(parameters.len, threshold, reset, &step.convention)?;
    Ok(Box::new(CurrentBased { fire: Some(fire), start, ..integrator(parameters, step) }))
}

fn bind_li(parameters: &Parameters, step: &Step) -> Result<Box<dyn Population>> {
    Ok(Box::new(integrator(parameters, step)))
}

fn integrator(parameters: &Parameters, step: &Step) -> CurrentBased {
    let coefficient = |k: usize| {
        parameters.column(["tau_syn", "tau_mem", "r", "w_in"], |of| coefficients(of, step)[k])
    };
    CurrentBased {
        decay: parameters.column(["tau_mem"], |[tau]| step.decay(tau)),
        drift: parameters.column(["tau_mem", "v_leak"], |[tau, leak]| step.loss(tau) * leak),
        current_decay: coefficient(0),
        current_gain: coefficient(1),
        coupling: coefficient(2),
        direct: coefficient(3),
        start: parameters.column(["v_leak"], |[leak]| step.start(leak, 0.0)),
        fire: None,
    }
}

/// a, b, c, e of the module's head, for one neuron.
fn coefficients([tau_syn, tau_mem, r, w_in]: [f64; 4], step: &Step) -> [f64; 4] {
    let (beta, alpha) = (step.decay(tau_syn), step.decay(tau_mem));
    let (r, w) = (step.resistance(r), step.resistance(w_in));
    if step.convention.leak != Leak::Exact {
        let (b, coupling) = (step.loss(tau_syn) * w, step.loss(tau_mem) * r);
        return [beta, b, coupling * beta, coupling * b];
    }
    let kappa = match (tau_syn - tau_mem).abs() <= 1e-9 * tau_mem {
        true => step.dt.0 / tau_mem * alpha,
        false => tau_syn / (tau_syn - tau_mem) * (beta - alpha),
    };
    match (step.convention.input, step.convention.resistance) {
        (Input::Impulse, false) => [beta, beta, beta, beta],
        (Input::Impulse, true) => [beta, beta * w, r * kappa, r * kappa * w],
        (Input::Hold | Input::Scaled, _) => {
            let held = step.loss(tau_mem) - kappa;
            [beta, step.loss(tau_syn) * w, r * kappa, r * held * w]
        }
    }
}

fn flow_lif(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    let (threshold, reset) = (parameters.get("v_threshold"), parameters.get("v_reset"));
    let start = parameters.column(["v_leak", "v_reset"], |[leak, reset]| step.start(leak, reset));
    let firing = Firing::new(parameters.len, threshold, reset, step)?;
    Ok(Box::new(currents(parameters, step, drive, start, Some(firing))?))
}

fn flow_li(parameters: &Parameters, step: &Step, drive: &Drive) -> Result<Box<dyn Flow>> {
    let start = parameters.column(["v_leak"], |[leak]| step.start(leak, 0.0));
    Ok(Box::new(currents(parameters, step, drive, start, None)?))
}

fn currents(
    parameters: &Parameters,
    step: &Step,
    drive: &Drive,
    start: Column<f64>,
    firing: Option<Firing>,
) -> Result<Currents> {
    // a factor decays over a step, and what a current does meanwhile is left open
    if matches!(step.convention.leak, Leak::Euler | Leak::Fixed(_)) {
        return Err(step.needs_clock("leak", step.convention.leak));
    }
    if (step.convention.input, step.convention.resistance) == (Input::Impulse, false) {
        return Err(step.needs_clock("resistance", "ignored"));
    }
    // a potential that turns may pass below it and come back in between
    if firing.is_some() && step.convention.floor != Floor::None {
        return Err(step.needs_clock("floor", step.convention.floor));
    }
    let jump = |tau_syn: f64, w_in: f64| match step.convention.input {
        Input::Impulse => step.resistance(w_in),
        Input::Hold | Input::Scaled => step.loss(tau_syn) * step.resistance(w_in),
    };
    let [tau_syn, w_in] = ["tau_syn", "w_in"].map(|name| parameters.get(name));
    // a held input is a constant one; of impulses one a step is a current
    let settles = |[tau, w_in, input]: [f64; 3]| match step.convention.input {
        Input::Impulse => step.resistance(w_in) * input * tau / step.dt.0,
        Input::Hold | Input::Scaled => step.resistance(w_in) * input,
    };
    Ok(Currents {
        tau_syn: parameters.column(["tau_syn"], |[tau]| tau),
        tau_mem: parameters.column(["tau_mem"], |[tau]| tau),
        resistance: parameters.column(["r"], |[r]| step.resistance(r)),
        leak: parameters.column(["v_leak"], |[leak]| leak),
        largest_kappa: parameters.column(["tau_syn", "tau_mem"], |[s, m]| largest_kappa(s, m)),
        jump: parameters.column(["tau_syn", "w_in"], |[tau, w_in]| jump(tau, w_in)),
        settles: Column::of(parameters.len, [tau_syn, w_in, drive.parameter()], settles),
        start,
        firing,
    })
}

/// The population between events: membrane potential, then current, then, of one
/// that never fires, the potential's integral.
struct Currents {
    tau_syn: Column<f64>,
    tau_mem: Column<f64>,
    resistance: Column<f64>,
    leak: Column<f64>,
    largest_kappa: Column<f64>,
    jump: Column<f64>,
    settles: Column<f64>,
    start: Column<f64>,
    firing: Option<Firing>,
}

/// What stays the same of a block's neurons.
struct Constants<'a> {
    tau_syn: &'a [f64; BLOCK],
    tau_mem: &'a [f64; BLOCK],
    resistance: &'a [f64; BLOCK],
    leak: &'a [f64; BLOCK],
    largest_kappa: &'a [f64; BLOCK],
    settles: &'a [f64; BLOCK],
}

impl Currents {
    fn constants(&self, block: usize) -> Constants<'_> {
        Constants {
            tau_syn: self.tau_syn.block(block),
            tau_mem: self.tau_mem.block(block),
            resistance: self.resistance.block(block),
            leak: self.leak.block(block),
            largest_kappa: self.largest_kappa.block(block),
            settles: self.settles.block(block),
        }
    }
}

impl Constants<'_> {
    #[inline(always)]
    fn cell(&self, lane: usize, v: f64, current: f64) -> Cell {
        Cell {
            tau_syn: self.tau_syn[lane],
            tau_mem: self.tau_mem[lane],
            resistance: self.resistance[lane],
            leak: self.leak[lane],
            largest_kappa: self.largest_kappa[lane],
            settles: self.settles[lane],
            v,
            current,
        }
    }
}

/// A block's way through some time.
struct Pass<'a, F> {
    constants: Constants<'a>,
    passage: F,
    state: &'a mut [f64],
    elapsed: f64,
}

impl<F: Fn(&Cell) -> Passage> Kernel for Pass<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Pass { constants, passage, state, elapsed } = self;
        let (potential, rest) = state.split_at_mut(BLOCK);
        let (current, integral) = rest.split_at_mut(BLOCK);
        for lane in 0..BLOCK {
            let before = constants.cell(lane, potential[lane], current[lane]);
            let passage = passage(&before);
            let after = before.after(passage);
            (potential[lane], current[lane]) = (after.v, after.current);
            if let Some(integral) = integral.get_mut(lane) {
                // what flowed in and did not stay, by the membrane's equation
                let charge = before.settles * elapsed
                    + before.tau_syn * (before.current - before.settles) * (1.0 - passage.beta);
                *integral += before.leak * elapsed + before.resistance * charge
                    - before.tau_mem * (after.v - before.v);
            }
        }
    }
}

/// [`Flow::may_fire_within`].
struct Within<'a> {
    constants: Constants<'a>,
    thresholds: &'a [f64; BLOCK],
    state: &'a [f64],
    seconds: f64,
}

impl Kernel for Within<'_> {
    type Output = (u64, f64);

    #[inline(always)]
    fn run(self) -> (u64, f64) {
        let Within { constants, thresholds, state, seconds } = self;
        let (potential, current) = (&state[..BLOCK], &state[BLOCK..2 * BLOCK]);
        let (mut stays, mut least) = ([0.0; BLOCK], f64::INFINITY);
        for lane in 0..BLOCK {
            let cell = constants.cell(lane, potential[lane], current[lane]);
            stays[lane] = cell.stays_below(thresholds[lane]);
        }
        for &stays in &stays {
            least = if stays > seconds && stays < least { stays } else { least };
        }
        (bits(|lane| stays[lane] <= seconds), least)
    }
}

impl Flow for Currents {
    fn variables(&self) -> usize {
        if self.firing.is_some() { 2 } else { 3 }
    }

    fn start(&self, block: usize, state: &mut [f64]) {
        state.fill(0.0);
        state[..BLOCK].copy_from_slice(self.start.block(block));
    }

    fn pass(&self, block: usize, state: &mut [f64], elapsed: f64) {
        let constants = self.constants(block);
        match (self.tau_syn.shared(), self.tau_mem.shared()) {
            (Some(tau_syn), Some(tau_mem)) => {
                let passage = Passage::new(tau_syn, tau_mem, elapsed);
                dispatch(Pass { constants, passage: |_: &Cell| passage, state, elapsed });
            }
            _ => {
                let passage = |cell: &Cell| Passage::new(cell.tau_syn, cell.tau_mem, elapsed);
                dispatch(Pass { constants, passage, state, elapsed });
            }
        }
    }

    fn receive(
        &self,
        block: usize,
        state: &mut [f64],
        input: &[f32; BLOCK],
        may_fire: u64,
        sent: &mut [f32; BLOCK],
    ) {
        let jump = self.jump.block(block);
        for (lane, current) in state[BLOCK..2 * BLOCK].iter_mut().enumerate() {
            *current += jump[lane] * f64::from(input[lane]);
        }
        if let Some(firing) = &self.firing {
            firing.settle(block, state, may_fire, sent);
        }
    }

    fn above(&self, block: usize, state: &[f64]) -> u64 {
        self.firing.as_ref().map_or(0, |firing| firing.above(block, state))
    }

    fn may_fire_within(&self, block: usize, state: &[f64], seconds: f64) -> (u64, f64) {
        match &self.firing {
            None => (0, f64::INFINITY),
            Some(firing) => {
                let (constants, thresholds) = (self.constants(block), firing.thresholds(block));
                dispatch(Within { constants, thresholds, state, seconds })
            }
        }
    }

    fn alone(&self, block: usize, lane: usize, state: &[f64]) -> Option<f64> {
        let cell = self.constants(block).cell(lane, state[lane], state[BLOCK + lane]);
        cell.reaches(self.fires_at(block, lane))
    }

    fn fires_at(&self, block: usize, lane: usize) -> f64 {
        self.firing.as_ref().map_or(f64::INFINITY, |firing| firing.fires_at(block, lane))
    }

    fn integral(&self, lane: usize, state: &[f64]) -> f64 {
        state[2 * BLOCK + lane]
    }
}
