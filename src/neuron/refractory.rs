//! Refractory time, around any model that spikes.
//!
//! ```text
//! for `refractory` seconds after a spike v stays where the reset put it, whatever
//! comes in is lost to it, and nothing is sent
//! ```
//!
//! Only the membrane is held: a synaptic current goes on decaying and takes up
//! what comes in, as in NEST's `iaf_psc_exp`. In steps of dt the n = refractory/dt
//! steps after that of the spike are lost; between events, the input at all times
//! up to and including the end.
//!
//! [`Refractory`] is for steps; between events the engine holds lanes itself, by
//! its own clock ([`crate::engine::event`]).

use super::convention::{SpikesPerStep, When};
use super::sweep::{Asking, BlockStep, Drowsy, Sweep, variable};
use super::{Charge, Population, Step, Stepped};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::simd::{Kernel, dispatch, every};
use crate::signal::{BLOCK, lanes};
use crate::units::Seconds;

/// A population whose neurons rest after each spike. It has one more state
/// variable, the steps left.
pub struct Refractory {
    inner: Box<dyn Population>,
    /// State variables of the population within.
    variables: usize,
    steps: f32,
}

impl Refractory {
    /// Gives a population the convention's refractory time, in steps of `dt`.
    ///
    /// # Errors
    /// A time that is not a whole number of steps.
    pub fn around(inner: Box<dyn Population>, step: &Step, dt: Seconds) -> Result<Refractory> {
        let refractory = step.convention.refractory;
        let steps = refractory.0 / dt.0;
        if (steps - steps.round()).abs() > 1e-6 || steps >= f64::from(1 << f32::MANTISSA_DIGITS) {
            let found = format!("a refractory time of {refractory} in steps of {dt}");
            return Err(Error::new(
                ErrorKind::Usage,
                found,
                "a whole number of steps, or --engine event",
            ));
        }
        Ok(Refractory { variables: inner.variables(), inner, steps: steps.round() as f32 })
    }
}

impl Step {
    /// Refuses rules that a refractory time contradicts.
    ///
    /// # Errors
    /// Several spikes at once, and a reset after the step.
    pub fn check_refractory(&self) -> Result<()> {
        let refuse = |found: &str, expected: &str| {
            let found = format!("a refractory time with {found}");
            Err(Error::new(ErrorKind::Usage, found, expected))
        };
        match (self.convention.spikes, self.convention.when) {
            (SpikesPerStep::Many, _) => refuse("spikes=many", "spikes=one"),
            (_, When::NextStep | When::Pending) => {
                refuse("a reset after the step", "when=same-step")
            }
            _ => Ok(()),
        }
    }
}

impl Refractory {
    /// The state of the population within, and the steps that each neuron has left.
    #[inline(always)]
    fn split<'a>(&self, state: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32; BLOCK]) {
        let (inner, left) = state.split_at_mut(self.variables * BLOCK);
        (inner, left.first_chunk_mut().expect("the steps left of a block"))
    }

    /// Whether a neuron of a block is held.
    #[inline(always)]
    fn holds(&self, state: &[f32]) -> bool {
        let left = variable(state, self.variables);
        !every(|lane| left[lane] == 0.0)
    }

    /// Keeps the neurons of a block that are held out of the step that all take: what is no
    /// number reaches no threshold. Gives the potentials of before.
    #[inline(always)]
    fn hold(&self, state: &mut [f32]) -> [f32; BLOCK] {
        let before = *variable(state, 0);
        let (state, left) = self.split(state);
        for (lane, v) in state[..BLOCK].iter_mut().enumerate() {
            *v = if left[lane] > 0.0 { f32::NAN } else { before[lane] };
        }
        before
    }

    /// Puts them back behind that step, of which they have one less left.
    #[inline(always)]
    fn put_back(&self, state: &mut [f32], before: &[f32; BLOCK]) {
        let (state, left) = self.split(state);
        for (lane, v) in state[..BLOCK].iter_mut().enumerate() {
            let is_held = left[lane] > 0.0;
            *v = if is_held { before[lane] } else { *v };
            left[lane] = if is_held { left[lane] - 1.0 } else { 0.0 };
        }
    }
}

impl BlockStep for Refractory {
    fn fire_block(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        let holds = self.holds(state);
        let before = self.hold(state);
        let (inner, _) = self.split(state);
        let Stepped { active, still } = self.inner.step(block, inner, input, sent);
        self.put_back(state, &before);
        let (_, left) = self.split(state);
        lanes(active).for_each(|lane| left[lane] = self.steps);
        Stepped { active, still: still && !holds && active == 0 }
    }

    #[inline(always)]
    fn is_quiet_block(&self, _block: usize, state: &[f32]) -> bool {
        !self.holds(state)
    }
}

/// Holds the neurons that are to be held, of some blocks of a sweep, and keeps the potentials of
/// before of each block that has one. Gives those blocks.
struct Hold<'a> {
    by: &'a Refractory,
    state: &'a mut [f32],
    blocks: u64,
    before: &'a mut Vec<[f32; BLOCK]>,
}

impl Kernel for Hold<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let Hold { by, state, blocks, before } = self;
        let per_block = by.variables() * BLOCK;
        let mut held = 0;
        for lane in lanes(blocks) {
            let state = &mut state[lane * per_block..][..per_block];
            if by.holds(state) {
                if held == 0 {
                    // room for all at once, so that none is moved
                    before.reserve(blocks.count_ones() as usize);
                }
                before.push(by.hold(state));
                held |= 1 << lane;
            }
        }
        held
    }
}

/// Puts back what [`Hold`] held.
struct PutBack<'a> {
    by: &'a Refractory,
    state: &'a mut [f32],
    held: u64,
    before: &'a [[f32; BLOCK]],
}

impl Kernel for PutBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let per_block = self.by.variables() * BLOCK;
        let mut before = self.before.iter();
        for lane in lanes(self.held) {
            let before = before.next().expect("the potentials of every block that is held");
            self.by.put_back(&mut self.state[lane * per_block..][..per_block], before);
        }
    }
}

impl Population for Refractory {
    fn variables(&self) -> usize {
        self.variables + 1
    }

    fn start(&self, block: usize, state: &mut [f32]) {
        let (state, left) = self.split(state);
        self.inner.start(block, state);
        left.fill(0.0);
    }

    fn charge(&self, block: usize, state: &[f32], input: &[f32; BLOCK]) -> Option<Charge> {
        let (state, left) = state.split_at(self.variables * BLOCK);
        let mut charge = self.inner.charge(block, state, input)?;
        for (lane, _) in left.iter().enumerate().filter(|(_, left)| **left > 0.0) {
            charge.potential[lane] = state[lane];
        }
        Some(charge)
    }

    /// All blocks at once, as the population within takes the step.
    fn sweep(&self, sweep: &mut Sweep<'_>) -> u64 {
        let mut before = Vec::new();
        let held = {
            let (state, before) = (&mut *sweep.state, &mut before);
            dispatch(Hold { by: self, state, blocks: sweep.blocks, before })
        };
        let sent = sweep.sent.len();
        let moving = self.inner.sweep(sweep);
        if held != 0 {
            dispatch(PutBack { by: self, state: sweep.state, held, before: &before });
        }
        // lanes beyond the neurons send nothing, and are not held: nobody sees them
        let mut waiting = held;
        for &neuron in &sweep.sent.index[sent..] {
            let (lane, neuron) = (neuron as usize / BLOCK - sweep.first, neuron as usize % BLOCK);
            let left = lane * self.variables() + self.variables;
            sweep.state[left * BLOCK + neuron] = self.steps;
            waiting |= 1 << lane;
        }
        moving | waiting
    }

    fn idle(&self, block: usize, state: &mut [f32], steps: u64, before: &mut Vec<f32>) {
        let (inner, _) = self.split(state);
        self.inner.idle(block, inner, steps, before);
    }

    fn quiet(&self, drowsy: Drowsy<'_>) -> u64 {
        let blocks = dispatch(Asking { by: self, drowsy });
        self.inner.quiet(Drowsy { blocks, ..drowsy })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::column::{Column, Parameter};
    use super::super::fire::Fire;
    use super::super::membrane::Membrane;
    use super::super::preset::Conventions;
    use super::*;
    use crate::signal::{Listing, Spikes};

    const LEN: usize = 2 * BLOCK + 5;
    const BLOCKS: usize = 3;

    /// `v ← decay·v + x`, with a threshold of 1 that is taken away.
    fn membrane(decay: f64) -> Membrane {
        let conventions: Conventions = "snntorch,when=same-step".parse().unwrap();
        let column = |x: f64| Column::of(LEN, [], move |[]| x);
        let convention = conventions.for_model("IF").unwrap();
        let (threshold, reset) = (Parameter::same(1.0), Parameter::same(0.0));
        Membrane {
            decay: column(decay),
            gain: column(1.0),
            drift: column(0.0),
            start: column(0.0),
            fire: Some(Fire::new(LEN, &threshold, &reset, &convention).unwrap()),
        }
    }

    proptest! {
        /// Neuron by neuron, as the module's head has it. A decay below zero, as Euler's
        /// of a step longer than the time constant, turns every potential around.
        #[test]
        fn a_neuron_waits_where_the_reset_put_it(
            decay in prop_oneof![Just(1.0), -1.5f64..1.0], steps in 1u32..4,
            inputs in prop::collection::vec(prop::collection::vec(-3.0f32..3.0, LEN), 1..12),
        ) {
            let inner = Box::new(membrane(decay));
            let by = Refractory { variables: 1, inner, steps: steps as f32 };
            let mut state = vec![0.0; 2 * BLOCKS * BLOCK];
            let mut alone = state.clone();
            let (mut potentials, mut left) = ([0.0f32; LEN], [0u32; LEN]);
            let (mut before, mut listing) = (Vec::new(), Listing::of(BLOCKS));
            for input in inputs {
                let mut fired = Vec::new();
                for (i, (v, left)) in potentials.iter_mut().zip(&mut left).enumerate() {
                    if *left > 0 {
                        *left -= 1;
                        continue;
                    }
                    *v = decay as f32 * *v + input[i];
                    if *v > 1.0 {
                        *v -= 1.0;
                        *left = steps;
                        fired.push(i as u32);
                    }
                }
                let mut padded = input.clone();
                padded.resize(BLOCKS * BLOCK, 0.0);
                let mut sent = Spikes::default();
                let awake = by.sweep(&mut Sweep {
                    first: 0,
                    blocks: 0b111,
                    live: 0b111,
                    len: LEN,
                    spikes: true,
                    state: &mut state,
                    variables: 2,
                    input: &padded,
                    sent: &mut sent,
                    before: &mut before,
                    listing: &mut listing,
                });
                // and the same block by block
                let mut one = [0.0; BLOCK];
                for (block, input) in padded.as_chunks().0.iter().enumerate() {
                    let state = &mut alone[2 * block * BLOCK..][..2 * BLOCK];
                    let active = by.step(block, state, input, &mut one).active;
                    let own = fired.iter().filter(|&&neuron| neuron as usize / BLOCK == block);
                    let own = own.fold(0, |all, neuron| all | 1 << (neuron % BLOCK as u32));
                    prop_assert_eq!(active, own);
                }
                prop_assert_eq!(&alone, &state);
                prop_assert_eq!(sent.index, fired);
                for (i, (v, left)) in potentials.iter().zip(left).enumerate() {
                    let (block, lane) = (i / BLOCK, i % BLOCK);
                    prop_assert_eq!(state[2 * block * BLOCK + lane], *v, "neuron {}", i);
                    prop_assert!(left == 0 || awake >> block & 1 == 1, "asleep while it waits");
                }
            }
        }
    }
}
