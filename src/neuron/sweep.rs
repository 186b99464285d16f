//! One step of many blocks of a population, and what comes of it.

use super::{Charged, Population, Stepped};
use crate::signal::simd::Kernel;
use crate::signal::{BLOCK, Listing, Spikes, lanes};

/// Blocks that are to take a step, 64 neighbours at most.
pub struct Sweep<'a> {
    /// The first of the neighbours.
    pub first: usize,
    /// Which of them take the step, a bit each.
    pub blocks: u64,
    /// Which of these an input reaches.
    pub live: u64,
    /// Neurons of the population.
    pub len: usize,
    /// Whether it sends spikes, rather than potentials.
    pub spikes: bool,
    /// Their state, from that of the first on,
    pub state: &'a mut [f32],
    /// and how many variables a block of it has, with those of who is around the population.
    pub variables: usize,
    /// Inputs from the first of the neighbours on.
    pub input: &'a [f32],
    /// Where what the neurons send is appended.
    pub sent: &'a mut Spikes,
    /// Room for the state of a block.
    pub before: &'a mut Vec<f32>,
    /// Room for what they send.
    pub listing: &'a mut Listing,
}

impl Sweep<'_> {
    /// Takes the step block by block, with the first `own` variables of each. Gives the blocks
    /// that do not rest from now on: a block rests once a step without input has changed
    /// nothing in it and made it send nothing.
    #[inline(always)]
    pub fn each(&mut self, own: usize, by: &(impl BlockStep + ?Sized)) -> u64 {
        let &mut Sweep { first, blocks, live, len, spikes, variables, input, .. } = self;
        let (state, before) = (&mut *self.state, &mut *self.before);
        let (listing, sent) = (&mut *self.listing, &mut *self.sent);
        let state_of = |lane: usize| lane * variables * BLOCK..(lane * variables + own) * BLOCK;
        let input_of = |lane: usize| -> &[f32; BLOCK] {
            input[lane * BLOCK..].first_chunk().expect("whole blocks of input")
        };
        let is_live = |lane: usize| live >> lane & 1 == 1;
        // which blocks fire nobody can foresee: noted first, they are no branch
        let (mut fires, mut still, mut moved) = (0, 0, live);
        for lane in lanes(blocks) {
            let state = &mut state[state_of(lane)];
            if !is_live(lane) {
                keep(before, state);
            }
            let charged = by.charge_block(first + lane, state, input_of(lane));
            fires |= u64::from(charged.fires) << lane;
            still |= u64::from(charged.still) << lane;
            if !is_live(lane) {
                moved |= u64::from(differ(state, before)) << lane;
            }
        }
        let mut out = [0.0; BLOCK];
        for lane in lanes(fires) {
            let (block, state) = (first + lane, &mut state[state_of(lane)]);
            if !is_live(lane) {
                keep(before, state);
            }
            let stepped = by.fire_block(block, state, input_of(lane), &mut out);
            let active = stepped.active & neurons((block, len));
            listing.add(block * BLOCK, active, &out);
            still |= u64::from(stepped.still) << lane;
            if !is_live(lane) {
                moved |= u64::from(active != 0 || differ(state, before)) << lane;
            }
        }
        listing.move_to(spikes, sent);
        blocks & moved & !still
    }
}

/// Blocks that may be left alone, 64 neighbours at most.
#[derive(Clone, Copy)]
pub struct Drowsy<'a> {
    /// The first of the neighbours.
    pub first: usize,
    /// Which of them it is about, a bit each.
    pub blocks: u64,
    /// Their state, from that of the first on,
    pub state: &'a [f32],
    /// and how many variables a block of it has, with those of who is around the population.
    pub variables: usize,
}

impl Drowsy<'_> {
    /// Those that are quiet by the first `own` variables of each, see
    /// [`BlockStep::is_quiet_block`].
    #[inline(always)]
    pub fn quiet(&self, own: usize, by: &(impl BlockStep + ?Sized)) -> u64 {
        let mut quiet = 0;
        for lane in lanes(self.blocks) {
            let state = &self.state[lane * self.variables * BLOCK..][..own * BLOCK];
            quiet |= u64::from(by.is_quiet_block(self.first + lane, state)) << lane;
        }
        quiet
    }
}

fn keep(before: &mut Vec<f32>, state: &[f32]) {
    before.clear();
    before.extend_from_slice(state);
}

/// The lanes of a block that are neurons, of a population of `len`.
#[inline(always)]
fn neurons((block, len): (usize, usize)) -> u64 {
    match len - block * BLOCK {
        few @ 0..BLOCK => (1 << few) - 1,
        _ => u64::MAX,
    }
}

/// The step of a block. A trait and no closure, because only a function can insist on
/// being compiled into the loop around it, for the registers that this is for.
pub trait BlockStep {
    /// The first half of a block's step: adds `input`, which is all where no neuron fires.
    /// It may leave everything to the second, as it does if nothing is said. For wide
    /// registers, `#[inline(always)]`.
    fn charge_block(&self, block: usize, state: &mut [f32], input: &[f32; BLOCK]) -> Charged {
        let _ = (block, state, input);
        Charged { fires: true, still: false }
    }

    /// The second half, if the first says that there is one: writes what each neuron sends
    /// to `sent`; where a neuron sends nothing, what stands there means nothing. For wide
    /// registers, `#[inline(always)]`.
    fn fire_block(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped;

    /// Advances a block by one step, both halves of it.
    #[inline(always)]
    fn step_block(
        &self,
        block: usize,
        state: &mut [f32],
        input: &[f32; BLOCK],
        sent: &mut [f32; BLOCK],
    ) -> Stepped {
        match self.charge_block(block, state, input) {
            Charged { fires: true, .. } => self.fire_block(block, state, input, sent),
            Charged { fires: false, still } => Stepped { active: 0, still },
        }
    }

    /// Whether no neuron of a block in this state can ever fire without input. It may be
    /// said of too few blocks, never of too many. For wide registers, `#[inline(always)]`.
    fn is_quiet_block(&self, block: usize, state: &[f32]) -> bool {
        let _ = (block, state);
        false
    }

    /// Advances a block by so many steps without input in which no neuron fires. `before`
    /// is room. For wide registers, `#[inline(always)]`.
    #[inline(always)]
    fn idle_block(&self, block: usize, state: &mut [f32], steps: u64, before: &mut Vec<f32>) {
        let (silence, mut sent) = ([0.0; BLOCK], [0.0; BLOCK]);
        for step in 0..steps {
            let looks = step % LOOK == 0;
            if looks {
                keep(before, state);
            }
            let stepped = self.step_block(block, state, &silence, &mut sent);
            debug_assert!(stepped.active == 0, "a quiet block fired");
            if looks && !differ(state, before) {
                return;
            }
        }
    }
}

/// State variable number `n` of a block's neurons.
#[inline(always)]
pub fn variable(state: &[f32], n: usize) -> &[f32; BLOCK] {
    state[n * BLOCK..].first_chunk().expect("every variable of a block")
}

/// The first two state variables of a block's neurons.
#[inline(always)]
pub fn halves(state: &mut [f32]) -> (&mut [f32; BLOCK], &mut [f32; BLOCK]) {
    let (first, second) = state.split_at_mut(BLOCK);
    let first = first.first_chunk_mut().expect("every variable of a block");
    (first, second.first_chunk_mut().expect("every variable of a block"))
}

/// Appends what the `active` neurons of a block send, of a population of `len`; says
/// whether that is anything.
#[inline(always)]
pub fn send(
    (block, len): (usize, usize),
    active: u64,
    out: &[f32; BLOCK],
    spikes: bool,
    sent: &mut Spikes,
) -> bool {
    let (first, active) = (block * BLOCK, active & neurons((block, len)));
    for lane in lanes(active) {
        // one, mostly, which is quicker asked than converted
        let count = if spikes && out[lane] != 1.0 { out[lane] as u32 } else { 1 };
        sent.push((first + lane) as u32, out[lane], count);
    }
    active != 0
}

/// Whether any bit differs.
#[inline(always)]
pub fn differ(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).any(|(a, b)| a.to_bits() != b.to_bits())
}

/// The sweep of a population. It is not moved: copied in pieces wider than those that
/// wrote it, it would be waited for.
pub struct Sweeping<'a, 'b, P: ?Sized> {
    /// Who takes the step.
    pub by: &'a P,
    /// The blocks.
    pub sweep: &'a mut Sweep<'b>,
}

impl<P: Population + ?Sized> Kernel for Sweeping<'_, '_, P> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        self.by.sweep_wide(self.sweep)
    }
}

/// One step of a block.
pub struct StepOf<'a, B: ?Sized> {
    /// Who takes it.
    pub by: &'a B,
    /// The block's number.
    pub block: usize,
    /// Its state.
    pub state: &'a mut [f32],
    /// Its input.
    pub input: &'a [f32; BLOCK],
    /// Where what is sent is written.
    pub sent: &'a mut [f32; BLOCK],
}

impl<B: BlockStep + ?Sized> Kernel for StepOf<'_, B> {
    type Output = Stepped;

    #[inline(always)]
    fn run(self) -> Stepped {
        self.by.step_block(self.block, self.state, self.input, self.sent)
    }
}

/// Which of some blocks cannot fire without input.
pub struct Asking<'a, P: ?Sized> {
    /// Who takes the steps.
    pub by: &'a P,
    /// The blocks.
    pub drowsy: Drowsy<'a>,
}

impl<P: Population + ?Sized> Kernel for Asking<'_, P> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        self.by.quiet_wide(&self.drowsy)
    }
}

/// Steps of a block without input, in which no neuron fires.
pub struct Idle<'a, B: ?Sized> {
    /// Who takes them.
    pub by: &'a B,
    /// The block's number.
    pub block: usize,
    /// Its state.
    pub state: &'a mut [f32],
    /// How many they are.
    pub steps: u64,
    /// Room for the state.
    pub before: &'a mut Vec<f32>,
}

/// After so many steps without input it is asked whether they still change anything.
pub const LOOK: u64 = 8;

impl<B: BlockStep + ?Sized> Kernel for Idle<'_, B> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.by.idle_block(self.block, self.state, self.steps, self.before);
    }
}
