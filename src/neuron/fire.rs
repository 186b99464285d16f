//! What every spiking model does once it has charged: compare, send, reset.
//!
//! ```text
//! u            the potential after the charge
//! fires        u ≥ θ, or u > θ
//! n            1, or ⌊u/θ⌋                    spikes sent
//! v            u − n·θ, or v_reset            what the next step starts from
//! ```
//!
//! The fields of [`Convention`] are coefficients here, not branches: u > θ is
//! u ≥ θ⁺ with the next larger number θ⁺, and both resets are one expression.

use super::column::{Coefficient, Column, Parameter};
use super::convention::{Convention, Fire as Comparison, Floor, Reset, SpikesPerStep, When};
use super::{Charge, Stepped};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::BLOCK;
use crate::signal::simd::bits;

/// Threshold and reset of a population.
#[derive(Clone, Debug)]
pub struct Fire {
    rule: Rule,
    threshold: Column,
    fire_at: Column,
    reset_to: Column,
    floor: Option<Column>,
}

/// The combinations that are compiled, each its own loop.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    SubtractOne,
    SubtractMany,
    SubtractNextStep,
    SubtractPending,
    SetOne,
    SetMany,
    SetNextStep,
}

/// Threshold and reset of the neurons of a block.
#[derive(Clone, Copy)]
pub struct Lanes<C> {
    rule: Rule,
    theta: C,
    fire_at: C,
    reset_to: C,
    floor: Option<C>,
}

/// One block's spikes and potentials, before and after.
pub struct Block<'a> {
    /// Potentials: those of the last step on entry, of this one on return.
    pub potential: &'a mut [f32; BLOCK],
    /// Spikes sent, as numbers; written where there are any.
    pub sent: &'a mut [f32; BLOCK],
}

impl Block<'_> {
    /// Charges, and fires and resets by `fire`; without it sends the potentials. Says
    /// that it is still where comparing once more would fire and reset nothing.
    #[inline(always)]
    pub fn step(
        &mut self,
        fire: Option<Lanes<impl Coefficient>>,
        charge: impl Fn(usize, f32) -> f32,
    ) -> Stepped {
        match fire {
            Some(fire) => fire.step(self, charge),
            None => {
                for (i, v) in self.potential.iter_mut().enumerate() {
                    *v = charge(i, *v);
                }
                *self.sent = *self.potential;
                Stepped { active: bits(|lane| self.sent[lane] != 0.0), still: false }
            }
        }
    }
}

impl Fire {
    /// The coefficients of `len` neurons with these thresholds and resets.
    ///
    /// # Errors
    /// Thresholds that are not positive where ⌊v/θ⌋ is asked for, and choices
    /// for which there is no rule.
    pub fn new(
        len: usize,
        threshold: &Parameter,
        reset: &Parameter,
        convention: &Convention,
    ) -> Result<Fire> {
        let rule = Rule::of(convention)?;
        if matches!(rule, Rule::SubtractMany | Rule::SetMany) {
            threshold.require("v_threshold", "a positive number", |x| x > 0.0)?;
        }
        let above = convention.fire == Comparison::Above;
        let fire_at = |theta: f64| match above {
            true => f64::from((theta as f32).next_up()),
            false => theta,
        };
        let to_zero = convention.reset == Reset::ToZero;
        let floor = match convention.floor {
            Floor::None => None,
            Floor::MinusThreshold => Some(Column::of(len, [threshold], |[theta]| -theta)),
            Floor::At(v) => Some(Column::of(len, [], |[]| v)),
        };
        Ok(Fire {
            rule,
            threshold: Column::of(len, [threshold], |[theta]| theta),
            fire_at: Column::of(len, [threshold], |[theta]| fire_at(theta)),
            reset_to: Column::of(len, [reset], |[v]| if to_zero { 0.0 } else { v }),
            floor,
        })
    }

    /// Those of a block.
    #[inline(always)]
    pub fn of_block(&self, block: usize) -> Lanes<&[f32; BLOCK]> {
        Lanes {
            rule: self.rule,
            theta: self.threshold.block(block),
            fire_at: self.fire_at.block(block),
            reset_to: self.reset_to.block(block),
            floor: self.floor.as_ref().map(|floor| floor.block(block)),
        }
    }

    /// Those of every block, where all neurons share them.
    pub fn shared(&self) -> Option<Lanes<f32>> {
        let floor = match &self.floor {
            Some(floor) => Some(floor.shared()?),
            None => None,
        };
        Some(Lanes {
            rule: self.rule,
            theta: self.threshold.shared()?,
            fire_at: self.fire_at.shared()?,
            reset_to: self.reset_to.shared()?,
            floor,
        })
    }

    /// What a step compares with the threshold.
    pub fn charge(
        &self,
        block: usize,
        potential: &[f32],
        charge: impl Fn(usize, f32) -> f32,
    ) -> Charge {
        let (theta, fire_at) = (self.threshold.block(block), self.fire_at.block(block));
        let reset_to = self.reset_to.block(block);
        let compared = |i: usize| {
            let v = potential[i];
            match self.rule {
                Rule::SubtractNextStep | Rule::SubtractPending if v >= fire_at[i] => {
                    charge(i, v) - theta[i]
                }
                Rule::SetNextStep if v >= fire_at[i] => charge(i, reset_to[i]),
                _ => charge(i, v),
            }
        };
        Charge { potential: std::array::from_fn(compared), threshold: *theta }
    }

    /// Whether no neuron of a block can fire by `charge` alone, however often. The
    /// charge may not fall where the potential rises; then none that starts below
    /// its threshold passes the largest potential below it.
    pub fn is_quiet(
        &self,
        block: usize,
        potential: &[f32],
        charge: impl Fn(usize, f32) -> f32,
    ) -> bool {
        let fire_at = self.fire_at.block(block);
        let floored = |lane: usize, v: f32| match &self.floor {
            Some(floor) => above(v, floor.block(block)[lane]),
            None => v,
        };
        fire_at.iter().zip(potential).enumerate().all(|(lane, (&fire_at, &v))| {
            v < fire_at && floored(lane, charge(lane, fire_at.next_down())) < fire_at
        })
    }
}

impl<C: Coefficient> Lanes<C> {
    /// Charges a block by `charge(lane, potential)`, fires and resets it.
    #[inline(always)]
    fn step(self, block: &mut Block<'_>, charge: impl Fn(usize, f32) -> f32) -> Stepped {
        let before = *block.potential;
        match self.rule {
            Rule::SubtractOne => self.charge_and_fire(block, charge, Lane::subtract_one),
            Rule::SubtractMany => self.charge_and_fire(block, charge, Lane::subtract_many),
            Rule::SetOne => self.charge_and_fire(block, charge, Lane::set_one),
            Rule::SetMany => self.charge_and_fire(block, charge, Lane::set_many),
            Rule::SubtractNextStep => self.fire(block, before, |c, i, v| {
                let u = charge(i, v) - c.fires(v) * c.theta;
                (c.fires(u), u)
            }),
            Rule::SubtractPending => self.fire(block, before, |c, i, v| {
                let u = charge(i, v) - c.fires(v) * c.theta;
                (c.fires(u), u - (c.fires(u) - c.fires(v)) * c.theta)
            }),
            Rule::SetNextStep => self.fire(block, before, |c, i, v| {
                let u = charge(i, if v >= c.fire_at { c.reset_to } else { v });
                (c.fires(u), u)
            }),
        }
    }

    /// A reset in the same step: nothing to do where nobody fires, as in most blocks.
    #[inline(always)]
    fn charge_and_fire(
        self,
        block: &mut Block<'_>,
        charge: impl Fn(usize, f32) -> f32,
        reset: impl Fn(Lane, f32) -> (f32, f32),
    ) -> Stepped {
        // in an array of its own, which nothing else can point into
        let mut charged = *block.potential;
        let mut any = false;
        for (i, v) in charged.iter_mut().enumerate() {
            *v = charge(i, *v);
            any |= *v >= self.fire_at.of(i);
        }
        match (any, self.floor) {
            (true, _) => self.fire(block, charged, |lane, _, u| reset(lane, u)),
            (false, Some(_)) => Stepped { active: 0, still: self.settle(block, charged) },
            (false, None) => {
                *block.potential = charged;
                Stepped { active: 0, still: true }
            }
        }
    }

    /// Applies `rule` to every lane's potential.
    #[inline(always)]
    fn fire(
        self,
        block: &mut Block<'_>,
        mut potential: [f32; BLOCK],
        rule: impl Fn(Lane, usize, f32) -> (f32, f32),
    ) -> Stepped {
        let mut sent = [0.0; BLOCK];
        for i in 0..BLOCK {
            (sent[i], potential[i]) = rule(self.lane(i), i, potential[i]);
        }
        *block.sent = sent;
        let active = bits(|lane| sent[lane] != 0.0);
        Stepped { active, still: self.settle(block, potential) }
    }

    /// Applies the floor; says whether comparing once more would fire and change
    /// nothing.
    #[inline(always)]
    fn settle(self, block: &mut Block<'_>, mut potential: [f32; BLOCK]) -> bool {
        let mut still = true;
        if let Some(floor) = self.floor {
            for (i, v) in potential.iter_mut().enumerate() {
                *v = above(*v, floor.of(i));
                still &= above(*v, floor.of(i)) == *v;
            }
        }
        for (i, v) in potential.iter().enumerate() {
            still &= *v < self.fire_at.of(i);
        }
        *block.potential = potential;
        still
    }

    #[inline(always)]
    fn lane(self, i: usize) -> Lane {
        Lane { theta: self.theta.of(i), fire_at: self.fire_at.of(i), reset_to: self.reset_to.of(i) }
    }
}

/// A potential with its lower bound; the two roundings are sinabs' own:
/// relu(v − low) + low.
#[inline(always)]
fn above(v: f32, low: f32) -> f32 {
    (v - low).max(0.0) + low
}

/// The coefficients of one neuron.
#[derive(Clone, Copy)]
struct Lane {
    theta: f32,
    fire_at: f32,
    reset_to: f32,
}

impl Lane {
    #[inline(always)]
    fn fires(self, u: f32) -> f32 {
        if u >= self.fire_at { 1.0 } else { 0.0 }
    }

    #[inline(always)]
    fn how_many(self, u: f32) -> f32 {
        if u >= self.fire_at { (u / self.theta).trunc() } else { 0.0 }
    }

    #[inline(always)]
    fn subtract_one(self, u: f32) -> (f32, f32) {
        (self.fires(u), u - self.fires(u) * self.theta)
    }

    #[inline(always)]
    fn subtract_many(self, u: f32) -> (f32, f32) {
        let n = self.how_many(u);
        (n, u - n * self.theta)
    }

    #[inline(always)]
    fn set_one(self, u: f32) -> (f32, f32) {
        (self.fires(u), if u >= self.fire_at { self.reset_to } else { u })
    }

    #[inline(always)]
    fn set_many(self, u: f32) -> (f32, f32) {
        (self.how_many(u), if u >= self.fire_at { self.reset_to } else { u })
    }
}

impl Rule {
    fn of(convention: &Convention) -> Result<Rule> {
        let subtract = convention.reset == Reset::Subtract;
        Ok(match (subtract, convention.spikes, convention.when) {
            (true, SpikesPerStep::One, When::SameStep) => Rule::SubtractOne,
            (true, SpikesPerStep::One, When::NextStep) => Rule::SubtractNextStep,
            (true, SpikesPerStep::One, When::Pending) => Rule::SubtractPending,
            (true, SpikesPerStep::Many, When::SameStep) => Rule::SubtractMany,
            (false, SpikesPerStep::One, When::SameStep) => Rule::SetOne,
            (false, SpikesPerStep::One, When::NextStep) => Rule::SetNextStep,
            // a potential that was set cannot still be above its threshold
            (false, SpikesPerStep::One, When::Pending) => Rule::SetOne,
            (false, SpikesPerStep::Many, When::SameStep) => Rule::SetMany,
            (_, SpikesPerStep::Many, _) => {
                let found = "spikes=many with a reset after the step".to_owned();
                return Err(Error::new(ErrorKind::Usage, found, "when=same-step"));
            }
        })
    }
}
