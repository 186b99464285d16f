//! What models share that are defined by what a step does to them: KLIF, gated LIF and
//! DA-LIF.
//!
//! ```text
//! p ← f p + c                            a step without input
//! p(t) = p* + (p − p*) f^(t/step)        p* = c/(1 − f)
//! p(t) = p + c t/step                    where f = 1
//! ```
//!
//! Their parameters hold for steps of one length, the field `step`, and are refused at
//! any other. **Between events** p follows the curve through the values that a clock
//! compares, step by step; a constant input is part of c. A p that grows (f > 1) or
//! settles above its threshold reaches it alone, at a time that the curve tells.

use super::column::{Column, Parameters};
use super::convention::{Fire, Floor, Reset, SpikesPerStep, When};
use super::flow::{Drive, Firing, Flow};
use super::{Field, Step, TIME, field};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::{BLOCK, lanes};
use crate::units::Seconds;

/// The length of the step that a model's parameters are for.
pub const STEP: Field = field("step", TIME);

/// What of a step's edge rounding may take away, in steps.
const EDGE: f64 = 1e-6;

impl Step {
    /// Refuses steps of another length than their field `step`.
    ///
    /// # Errors
    /// Those.
    pub fn check_length(&self, parameters: &Parameters) -> Result<()> {
        // files may hold 32 bits
        let fits = |step: f64| (step - self.dt.0).abs() <= EDGE * self.dt.0;
        let meant = (0..parameters.len).map(|i| parameters.get(STEP.name).at(i));
        let Some(step) = meant.into_iter().find(|&step| !fits(step)) else { return Ok(()) };
        let (step, dt) = (Seconds(step), self.dt);
        let found = format!("parameters for steps of {step} in steps of {dt}");
        let micros = step.micros().0;
        let expected =
            format!("--dt {micros}us, or step={micros}us in the convention to take steps for such");
        Err(Error::new(ErrorKind::Usage, found, expected))
    }

    /// Refuses rules for firing that models with a reset of their own do not know.
    ///
    /// # Errors
    /// Several spikes at once, a reset after the step, a floor.
    pub fn check_rules(&self) -> Result<()> {
        let convention = &self.convention;
        let known = [
            ("spikes=many", "spikes=one", convention.spikes == SpikesPerStep::One),
            ("a reset after the step", "when=same-step", convention.when == When::SameStep),
            ("a floor", "floor=none", convention.floor == Floor::None),
        ];
        match known.into_iter().find(|(.., fits)| !fits) {
            None => Ok(()),
            Some((found, expected, _)) => {
                Err(Error::new(ErrorKind::Usage, format!("a convention with {found}"), expected))
            }
        }
    }

    /// The smallest potential of 32 bits that fires.
    pub fn fires_from(&self, theta: f64) -> f64 {
        match self.convention.fire {
            Fire::Above => f64::from((theta as f32).next_up()),
            Fire::AtOrAbove => theta,
        }
    }

    /// Whether a spike takes its threshold away.
    pub fn subtracts(&self) -> bool {
        self.convention.reset == Reset::Subtract
    }
}

impl Parameters {
    /// Refuses, between events, values that `holds` does not hold for.
    ///
    /// # Errors
    /// The first such value.
    pub fn require_flow(
        &self,
        name: &str,
        expected: &str,
        holds: impl Fn(f64) -> bool,
    ) -> Result<()> {
        let expected = format!("{expected} between events; or --quantum; or --engine clocked");
        let required = self.get(name).require(name, &expected, holds);
        required.map_err(|e| Error { kind: ErrorKind::Unsupported, ..e })
    }
}

/// The parameters of a [`Stepwise`] population.
pub struct Curve {
    /// f, above 0.
    pub factor: Column<f64>,
    /// c without input.
    pub drift: Column<f64>,
    /// What the input of a step is multiplied by; the last holds from then on.
    pub gains: Vec<Column<f64>>,
    /// p before the first step, which is a step like all others.
    pub start: Column<f64>,
    /// Whether every step cuts p off below 0.
    pub relu: bool,
    /// Thresholds, and resets where there are no gates.
    pub firing: Firing,
    /// What a spike leaves of p, and what it takes away then, instead.
    pub gates: Option<[Column<f64>; 2]>,
}

/// A population between events: p and, where gains change, the time.
pub struct Stepwise {
    curve: Curve,
    constant: Column<f64>,
    step: f64,
    fires_alone: bool,
}

impl Stepwise {
    /// A population with a constant input.
    ///
    /// # Errors
    /// A constant input whose gain changes.
    pub fn new(
        parameters: &Parameters,
        curve: Curve,
        step: &Step,
        drive: &Drive,
    ) -> Result<Stepwise> {
        let (len, input) = (parameters.len, drive.parameter());
        if curve.gains.len() > 1 && (0..len).any(|i| input.at(i) != 0.0) {
            let found = "a constant input with a gain that changes, between events";
            let expected = "--quantum; or --engine clocked";
            return Err(Error::new(ErrorKind::Unsupported, found, expected));
        }
        let at = |column: &Column<f64>, i: usize| column.block(i / BLOCK)[i % BLOCK];
        let constant = |i: usize| at(&curve.drift, i) + at(&curve.gains[0], i) * input.at(i);
        let mut flow = Stepwise {
            constant: Column::each(len, constant),
            curve,
            step: step.dt.0,
            fires_alone: false,
        };
        flow.fires_alone = (0..len).any(|i| {
            let (f, c) = (at(&flow.curve.factor, i), at(&flow.constant, i));
            f > 1.0 || c > (1.0 - f) * flow.fires_at(i / BLOCK, i % BLOCK)
        });
        Ok(flow)
    }
}

impl Flow for Stepwise {
    fn variables(&self) -> usize {
        self.curve.gains.len().min(2)
    }

    fn start(&self, block: usize, state: &mut [f64]) {
        state.fill(0.0);
        let (factor, constant) = (self.curve.factor.block(block), self.constant.block(block));
        let start = self.curve.start.block(block);
        for (lane, p) in state[..BLOCK].iter_mut().enumerate() {
            *p = factor[lane] * start[lane] + constant[lane];
        }
    }

    fn pass(&self, block: usize, state: &mut [f64], elapsed: f64) {
        let (factor, constant) = (self.curve.factor.block(block), self.constant.block(block));
        let steps = elapsed / self.step;
        let shared = self.curve.factor.shared().map(|f| f.powf(steps));
        let (potential, time) = state.split_at_mut(BLOCK);
        for (lane, p) in potential.iter_mut().enumerate() {
            let (f, c) = (factor[lane], constant[lane]);
            *p = match f == 1.0 {
                true => *p + c * steps,
                false => {
                    let end = c / (1.0 - f);
                    end + (*p - end) * shared.unwrap_or_else(|| f.powf(steps))
                }
            };
            if self.curve.relu {
                // where a step from 0 leads
                *p = p.max(c.min(0.0));
            }
        }
        self.curve.firing.lift(block, potential);
        time.iter_mut().for_each(|time| *time += elapsed);
    }

    fn receive(
        &self,
        block: usize,
        state: &mut [f64],
        input: &[f32; BLOCK],
        may_fire: u64,
        sent: &mut [f32; BLOCK],
    ) {
        let step = state.get(BLOCK).map_or(0, |time| (time / self.step + EDGE) as usize);
        let gain = self.curve.gains[step.min(self.curve.gains.len() - 1)].block(block);
        for (lane, p) in state[..BLOCK].iter_mut().enumerate() {
            *p += gain[lane] * f64::from(input[lane]);
            if self.curve.relu && input[lane] != 0.0 {
                *p = p.max(0.0);
            }
        }
        let Some([kept, taken]) = &self.curve.gates else {
            return self.curve.firing.settle(block, state, may_fire, sent);
        };
        for lane in lanes(self.above(block, state) & may_fire) {
            sent[lane] = 1.0;
            state[lane] = state[lane] * kept.block(block)[lane] - taken.block(block)[lane];
        }
    }

    fn above(&self, block: usize, state: &[f64]) -> u64 {
        self.curve.firing.above(block, state)
    }

    fn may_fire_within(&self, _block: usize, _state: &[f64], _seconds: f64) -> (u64, f64) {
        (if self.fires_alone { u64::MAX } else { 0 }, f64::INFINITY)
    }

    fn alone(&self, block: usize, lane: usize, state: &[f64]) -> Option<f64> {
        let (p, theta) = (state[lane], self.fires_at(block, lane));
        let (f, c) = (self.curve.factor.block(block)[lane], self.constant.block(block)[lane]);
        let steps = match f == 1.0 {
            true => (theta - p) / c,
            false => {
                let end = c / (1.0 - f);
                ((theta - end) / (p - end)).ln() / f.ln()
            }
        };
        (steps > 0.0 && steps.is_finite()).then_some(steps * self.step)
    }

    fn fires_at(&self, block: usize, lane: usize) -> f64 {
        self.curve.firing.fires_at(block, lane)
    }
}
