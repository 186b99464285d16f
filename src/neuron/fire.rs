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
//! u ≥ θ⁺ with the next larger number θ⁺. Nothing is multiplied by a θ that does not fire:
//! that of a neuron which never does is infinite.
//!
//! A step comes in two halves: [`charge`] for every block, [`Block::fire`] for those in which
//! somebody fires. A reset in the same step belongs to the second; one in the next step to
//! the first, which finds those who fired still above θ; one that is pending needs both
//! steps' spikes at once, and where there is any, everything is left to the second.

use super::coefficients::{Coefficient, if_any, shared_if_any};
use super::column::{Column, Parameter};
use super::convention::{Convention, Fire as Comparison, Reset, SpikesPerStep, When};
use super::floor::above;
use super::{Charge, Charged, Stepped};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::BLOCK;
use crate::signal::simd::{bits, every};

/// Threshold and reset of a population.
#[derive(Clone, Debug)]
pub struct Fire {
    rule: Rule,
    threshold: Column,
    inverse: Option<Column>,
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
    /// 1/θ, where a product with it is the quotient, and how often θ fits is asked for.
    inverse: Option<C>,
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

/// The first half of a block's step: charges it by `charge(lane, potential)`, unless somebody
/// fires and the rules leave that to [`Block::fire`], see [`charges_late`]. Says that it is
/// still where comparing once more would fire and reset nothing.
#[inline(always)]
pub fn charge(
    fire: Option<Lanes<impl Coefficient>>,
    potential: &mut [f32; BLOCK],
    charge: impl Fn(usize, f32) -> f32,
) -> Charged {
    if let Some(fire) = fire {
        return fire.charge(potential, charge);
    }
    for (i, v) in potential.iter_mut().enumerate() {
        *v = charge(i, *v);
    }
    Charged { fires: true, still: false }
}

/// Whether a block in which somebody fires is charged by the second half of its step.
#[inline(always)]
pub fn charges_late(fire: Option<Lanes<impl Coefficient>>) -> bool {
    fire.is_some_and(|fire| fire.rule == Rule::SubtractPending)
}

impl Block<'_> {
    /// The second half, of a block in which [`charge`] says that somebody fires: fires and
    /// resets by `fire`; without it sends the potentials.
    #[inline(always)]
    pub fn fire(
        &mut self,
        fire: Option<Lanes<impl Coefficient>>,
        charge: impl Fn(usize, f32) -> f32,
    ) -> Stepped {
        match fire {
            Some(fire) => fire.reset(self, charge),
            None => {
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
    /// Thresholds that are not positive where ⌊v/θ⌋ is asked for, a floor that fires,
    /// and choices for which there is no rule.
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
        let divides = matches!(rule, Rule::SubtractMany | Rule::SetMany);
        let inverts = divides && (0..len).all(|i| is_power_of_two(threshold.at(i) as f32));
        let inverse = |[theta]: [f64; 1]| f64::from((theta as f32).recip());
        Ok(Fire {
            rule,
            threshold: Column::of(len, [threshold], |[theta]| theta),
            inverse: inverts.then(|| Column::of(len, [threshold], inverse)),
            fire_at: Column::of(len, [threshold], |[theta]| fire_at(theta)),
            reset_to: Column::of(len, [reset], |[v]| if to_zero { 0.0 } else { v }),
            floor: convention.floors(len, threshold)?,
        })
    }

    /// Those of a block.
    #[inline(always)]
    pub fn of_block(&self, block: usize) -> Lanes<&[f32; BLOCK]> {
        Lanes {
            rule: self.rule,
            theta: self.threshold.block(block),
            inverse: if_any(&self.inverse, |inverse| inverse.block(block)),
            fire_at: self.fire_at.block(block),
            reset_to: self.reset_to.block(block),
            floor: if_any(&self.floor, |floor| floor.block(block)),
        }
    }

    /// Those of every block, where all neurons share them.
    pub fn shared(&self) -> Option<Lanes<f32>> {
        let floor = shared_if_any(&self.floor, Column::shared)?;
        let inverse = shared_if_any(&self.inverse, Column::shared)?;
        Some(Lanes {
            rule: self.rule,
            theta: self.threshold.shared()?,
            inverse,
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
}

impl<C: Coefficient> Lanes<C> {
    /// Whether no neuron of a block can fire by `charge` alone, however often. The
    /// charge may not fall where the potential rises; then none that starts below
    /// its threshold passes the largest potential below it.
    #[inline(always)]
    pub fn is_quiet(self, potential: &[f32; BLOCK], charge: impl Fn(usize, f32) -> f32) -> bool {
        let most = |i: usize| self.floored(i, charge(i, self.fire_at.of(i).next_down()));
        every(|i| most(i) < self.fire_at.of(i)) && every(|i| potential[i] < self.fire_at.of(i))
    }

    /// The potential of a neuron that does not fire, lifted to the floor if there is one.
    #[inline(always)]
    pub fn floored(self, lane: usize, v: f32) -> f32 {
        match self.floor {
            Some(floor) => above(v, floor.of(lane)),
            None => v,
        }
    }

    /// Fires and resets a block that is charged; one that charges late it also charges, by
    /// `charge(lane, potential)`.
    #[inline(always)]
    fn reset(self, block: &mut Block<'_>, charge: impl Fn(usize, f32) -> f32) -> Stepped {
        match self.rule {
            Rule::SubtractOne => self.fire(block, |c, _, u| (c.fires(u), c.less(u, u))),
            Rule::SetOne => self.fire(block, |c, _, u| (c.fires(u), c.set(u))),
            Rule::SubtractMany => {
                self.fire_many(block, |c, n, u| if n > 0.0 { u - n * c.theta } else { u })
            }
            Rule::SetMany => self.fire_many(block, |c, _, u| c.set(u)),
            Rule::SubtractNextStep | Rule::SetNextStep => {
                self.fire(block, |c, _, u| (c.fires(u), u))
            }
            Rule::SubtractPending => self.fire(block, |c, i, v| {
                let u = c.less(v, charge(i, v));
                let moved = if u >= c.fire_at { u - c.theta } else { u + c.theta };
                (c.fires(u), if c.fires(u) == c.fires(v) { u } else { moved })
            }),
        }
    }

    /// The first half of a step.
    #[inline(always)]
    fn charge(self, potential: &mut [f32; BLOCK], charge: impl Fn(usize, f32) -> f32) -> Charged {
        match self.rule {
            Rule::SubtractNextStep => self.charge_by(potential, |c, i, v| c.less(v, charge(i, v))),
            Rule::SetNextStep => self.charge_by(potential, |c, i, v| charge(i, c.set(v))),
            Rule::SubtractPending => self.charge_where_none_fires(potential, charge),
            _ => self.charge_by(potential, |_, i, v| charge(i, v)),
        }
    }

    /// The same by a `rule` of the lane's own.
    #[inline(always)]
    fn charge_by(
        self,
        potential: &mut [f32; BLOCK],
        rule: impl Fn(Lane, usize, f32) -> f32,
    ) -> Charged {
        // in an array of its own, which nothing else can point into
        let mut charged = *potential;
        let mut any = false;
        for (i, v) in charged.iter_mut().enumerate() {
            *v = rule(self.lane(i), i, *v);
            any |= *v >= self.fire_at.of(i);
        }
        // without a floor, no branch at all
        if self.floor.is_none() {
            *potential = charged;
            return Charged { fires: any, still: !any };
        }
        if any {
            // a reset comes before the floor
            *potential = charged;
            return Charged { fires: true, still: false };
        }
        Charged { fires: false, still: self.settle(potential, charged) }
    }

    /// Charges a block in which nobody fires, and nobody has a reset to come.
    #[inline(always)]
    fn charge_where_none_fires(
        self,
        potential: &mut [f32; BLOCK],
        charge: impl Fn(usize, f32) -> f32,
    ) -> Charged {
        let mut charged = *potential;
        let mut any = false;
        for (i, v) in charged.iter_mut().enumerate() {
            let u = charge(i, *v);
            any |= (*v >= self.fire_at.of(i)) | (u >= self.fire_at.of(i));
            *v = u;
        }
        match any {
            true => Charged { fires: true, still: false },
            false => Charged { fires: false, still: self.settle(potential, charged) },
        }
    }

    /// Sends ⌊u/θ⌋, and leaves what `rule` makes of that number and u.
    #[inline(always)]
    fn fire_many(self, block: &mut Block<'_>, rule: impl Fn(Lane, f32, f32) -> f32) -> Stepped {
        let fire = |c: Lane, u: f32, quotient: f32| {
            let n = if u >= c.fire_at { quotient.trunc() } else { 0.0 };
            (n, rule(c, n, u))
        };
        match self.inverse {
            Some(inverse) => self.fire(block, |c, i, u| fire(c, u, u * inverse.of(i))),
            None => self.fire(block, |c, _, u| fire(c, u, u / c.theta)),
        }
    }

    /// Applies `rule` to every lane's potential.
    #[inline(always)]
    fn fire(self, block: &mut Block<'_>, rule: impl Fn(Lane, usize, f32) -> (f32, f32)) -> Stepped {
        let (mut sent, mut potential) = ([0.0; BLOCK], *block.potential);
        for i in 0..BLOCK {
            (sent[i], potential[i]) = rule(self.lane(i), i, potential[i]);
        }
        *block.sent = sent;
        let active = bits(|lane| sent[lane] != 0.0);
        Stepped { active, still: self.settle(block.potential, potential) }
    }

    /// Leaves these potentials, lifted to the floor if there is one; says whether comparing
    /// once more would fire and change nothing.
    #[inline(always)]
    fn settle(self, potential: &mut [f32; BLOCK], mut new: [f32; BLOCK]) -> bool {
        let mut still = true;
        if let Some(floor) = self.floor {
            for (i, v) in new.iter_mut().enumerate() {
                *v = above(*v, floor.of(i));
            }
        }
        for (i, v) in new.iter().enumerate() {
            still &= *v < self.fire_at.of(i);
        }
        *potential = new;
        still
    }

    #[inline(always)]
    fn lane(self, i: usize) -> Lane {
        Lane { theta: self.theta.of(i), fire_at: self.fire_at.of(i), reset_to: self.reset_to.of(i) }
    }
}

/// Whether a quotient by it is the product with its reciprocal: both round the same number.
fn is_power_of_two(theta: f32) -> bool {
    let is_one_bit = theta.to_bits().trailing_zeros() >= f32::MANTISSA_DIGITS - 1;
    is_one_bit && theta.is_normal() && theta.recip().is_normal()
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

    /// `potential` less θ, if `compared` fires. No product with θ: none is infinite.
    #[inline(always)]
    fn less(self, compared: f32, potential: f32) -> f32 {
        if compared >= self.fire_at { potential - self.theta } else { potential }
    }

    #[inline(always)]
    fn set(self, u: f32) -> f32 {
        if u >= self.fire_at { self.reset_to } else { u }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_product_with_the_reciprocal_is_the_quotient(exponent in -126..=126, u: f32, odd in 1u32..1 << 23) {
            let theta = 2.0f32.powi(exponent);
            prop_assert!(is_power_of_two(theta));
            prop_assert!(u * theta.recip() == u / theta || u.is_nan());
            prop_assert!(!is_power_of_two(f32::from_bits(theta.to_bits() | odd)));
        }
    }

    #[test]
    fn what_has_no_reciprocal_is_divided_by() {
        let none =
            [0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, f32::INFINITY, f32::NAN, 2.0f32.powi(127)];
        assert!(none.iter().all(|&theta| !is_power_of_two(theta)));
    }
}
