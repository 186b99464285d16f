//! Blocks rest, sleep and catch up, and steps are left out: what neurons send, and what
//! those see who look at them, is what it would be if every block took every step.

mod build;
mod drawn;

use std::collections::BTreeMap;

use build::node;
use drawn::{Draw, any_model, convention};
use proptest::prelude::*;
use proptest::sample::select;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use synops::engine::{Clocked, Engine, EventDriven, Observer};
use synops::network::{Network, Node, Unit};
use synops::neuron::Charge;
use synops::neuron::preset::Conventions;
use synops::record::Array;
use synops::signal::{BLOCK, Spikes};
use synops::units::Micros;

const DT: Micros = Micros(1_000);

/// Neurons, each behind an input and a weight of its own, and what they hear by steps.
struct Alone {
    network: Network,
    /// The unit that they are.
    unit: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
    input: Vec<Spikes>,
}

const ALONE: usize = 150;

/// Address, bits of the value and number of spikes of what is sent, by step.
type SentByStep = BTreeMap<u64, Vec<(u32, u32, u32)>>;

/// Bits of the potentials that are compared, by step and block.
type Charges = BTreeMap<(u64, usize), Vec<u32>>;

/// Those of a block's neurons; lanes beyond them are nobody's.
fn compared(block: usize, charge: &Charge) -> Vec<u32> {
    let neurons = (ALONE - block * BLOCK).min(BLOCK);
    charge.potential[..neurons].iter().map(|v| v.to_bits()).collect()
}

impl Alone {
    fn draw(model: &str, biases: bool, share: f64, draw: &mut Draw) -> Alone {
        let neurons = draw.population("cells", model, &[ALONE]);
        let mut floats = |low, high| draw.floats(&[ALONE], low, high).numbers().unwrap();
        let weight: Vec<f32> = floats(-0.5, 0.9).into_iter().map(|w| w as f32).collect();
        let bias: Vec<f32> = floats(-0.05, 0.1).into_iter().map(|b| b as f32).collect();
        let bias: Vec<f32> = bias.into_iter().map(|b| if biases { b } else { 0.0 }).collect();
        let mut diagonal = vec![0.0; ALONE * ALONE];
        (0..ALONE).for_each(|i| diagonal[i * ALONE + i] = weight[i]);
        let fields = vec![
            ("weight", Array::floats(&[ALONE, ALONE], diagonal)),
            ("bias", Array::floats(&[ALONE], bias.clone())),
        ];
        let size = [ALONE as i64];
        let nodes = vec![node("w", "Affine", fields), neurons];
        let network = build::network(&size, nodes, &size, &["in w cells out"]);
        let unit = network.units.iter().position(|unit| unit.name == "cells").unwrap();
        let mut step = || {
            let mut spikes = Spikes::default();
            for address in 0..ALONE as u32 {
                if draw.random.random_bool(share) {
                    spikes.push(address, 1.0, 1);
                }
            }
            spikes
        };
        let input = (0..60).map(|_| step()).collect();
        Alone { network, unit, weight, bias, input }
    }

    /// What is sent and compared where every block takes every step.
    fn every_step(&self, conventions: &Conventions) -> (SentByStep, Charges) {
        let unit = &self.network.units[self.unit];
        let Unit::Neuron(neuron) = &unit.unit else { panic!("no neurons") };
        let population = neuron.at(DT.seconds(), &unit.output, conventions).unwrap();
        let blocks = ALONE.div_ceil(BLOCK);
        let mut states = vec![vec![0.0; population.variables() * BLOCK]; blocks];
        states.iter_mut().enumerate().for_each(|(block, state)| population.start(block, state));
        let (mut sent, mut charges) = (SentByStep::new(), BTreeMap::new());
        for (step, input) in (0..).zip(&self.input) {
            let mut sums = self.bias.clone();
            sums.resize(blocks * BLOCK, 0.0);
            input.index.iter().for_each(|&i| sums[i as usize] += self.weight[i as usize]);
            for (block, state) in states.iter_mut().enumerate() {
                let input = sums[block * BLOCK..].first_chunk().unwrap();
                let charge = population.charge(block, state, input).unwrap();
                let mut out = [0.0; BLOCK];
                let active = population.step(block, state, input, &mut out).active;
                charges.insert((step, block), compared(block, &charge));
                for (lane, value) in out.into_iter().enumerate() {
                    let address = block * BLOCK + lane;
                    if active >> lane & 1 == 1 && address < ALONE {
                        let entry = (address as u32, value.to_bits(), value as u32);
                        sent.entry(step).or_default().push(entry);
                    }
                }
            }
        }
        (sent, charges)
    }

    fn run(&self, engine: &impl Engine, from: u64) -> Watcher {
        let (mut watcher, mut state) = (Watcher::of(self.unit, from), engine.start());
        for (step, spikes) in (0..).zip(&self.input).filter(|(_, spikes)| !spikes.is_empty()) {
            engine.receive(&mut state, step, spikes, &mut watcher);
        }
        engine.finish(&mut state, self.input.len() as u64, &mut watcher);
        watcher
    }
}

/// Sees what one population sends and, where it looks, what it compares.
struct Watcher {
    unit: usize,
    /// The first step in which it looks.
    from: u64,
    sent: SentByStep,
    charges: Charges,
}

impl Watcher {
    fn of(unit: usize, from: u64) -> Watcher {
        Watcher { unit, from, sent: BTreeMap::new(), charges: BTreeMap::new() }
    }
}

impl Observer for Watcher {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit == self.unit {
            let sent = sent.iter().map(|(address, value, count)| (address, value.to_bits(), count));
            self.sent.insert(step, sent.collect());
        }
    }

    fn watches(&self, step: u64, unit: usize) -> bool {
        step >= self.from && unit == self.unit
    }

    fn charged(&mut self, step: u64, _unit: usize, block: usize, charge: &Charge) {
        self.charges.insert((step, block), compared(block, charge));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn engines_in_steps_send_what_all_blocks_in_all_steps_would(
        model in any_model(), convention in convention(), biases in any::<bool>(),
        share in select(vec![1e-3, 1e-2, 0.3]), seed in any::<u64>(),
    ) {
        let mut draw = Draw { random: Pcg64::seed_from_u64(seed), parts: None };
        let drawn = Alone::draw(model, biases, share, &mut draw);
        let conventions = convention.parse().unwrap();
        let Ok(clocked) = Clocked::new(&drawn.network, &conventions, DT) else { return Ok(()) };
        let quanta = EventDriven::in_quanta(&drawn.network, &conventions, DT).unwrap();
        let (expected, charges) = drawn.every_step(&conventions);
        // who looks at the end only lets blocks sleep for long
        for from in [u64::MAX, 0, drawn.input.len() as u64 - 1] {
            let found = drawn.run(&clocked, from);
            prop_assert_eq!(&found.sent, &expected);
            let mut told = BTreeMap::new();
            for ((step, block), charge) in charges.iter().filter(|((step, _), _)| *step >= from) {
                // what is not told again is as it was, but for what a floor rounds
                let now = found.charges.get(&(*step, *block));
                let found = now.or(told.get(block).copied());
                let is_near = |found: &Vec<u32>| {
                    let mut pairs = found.iter().zip(charge);
                    pairs.all(|(a, b)| (f32::from_bits(*a) - f32::from_bits(*b)).abs() < 1e-6)
                };
                let is_told = match now {
                    Some(now) => now == charge,
                    None => from > 0 || found.is_some_and(is_near),
                };
                prop_assert!(is_told, "from step {from} on: step {step}, block {block}");
                told.extend(found.map(|found| (*block, found)));
            }
        }
        prop_assert_eq!(&drawn.run(&quanta, u64::MAX).sent, &expected);
    }
}

/// What the neuron of a network sends after one spike in step 2, and what those see who look
/// from a step on.
fn after_a_spike(network: &Network, convention: &str, from: u64, until: u64) -> Watcher {
    let conventions: Conventions = convention.parse().unwrap();
    let unit = network.units.iter().position(|unit| unit.name == "cell").unwrap();
    let clocked = Clocked::new(network, &conventions, DT).unwrap();
    let (mut watcher, mut state) = (Watcher::of(unit, from), clocked.start());
    let mut spike = Spikes::default();
    spike.push(0, 1.0, 1);
    clocked.receive(&mut state, 2, &spike, &mut watcher);
    clocked.finish(&mut state, until, &mut watcher);
    watcher
}

/// An integrate-and-fire neuron behind others, and the path through all of them.
fn behind(mut nodes: Vec<Node>, threshold: f32, path: &str) -> Network {
    let fields = [("r", 1.0), ("v_threshold", threshold), ("v_reset", 0.0)];
    let fields = fields.map(|(field, value)| (field, Array::floats(&[1], vec![value])));
    nodes.push(node("cell", "IF", fields.into()));
    build::network(&[1], nodes, &[1], &[path])
}

fn weight(weight: f32, bias: f32) -> Node {
    let [weight, bias] = [(&[1, 1][..], weight), (&[1], bias)]
        .map(|(shape, value)| Array::floats(shape, vec![value]));
    node("w", "Affine", vec![("weight", weight), ("bias", bias)])
}

/// Nothing moves, and yet the steps are not to be left out.
#[test]
fn a_bias_that_is_passed_on_is_heard_in_every_step() {
    let pass = node("pass", "Flatten", vec![("start_dim", Array::integer(0))]);
    let network = behind(vec![weight(0.25, 0.5), pass], 10.0, "in w pass cell out");
    let watcher = after_a_spike(&network, "nir,input=impulse", u64::MAX, 50);
    // 0.25 + 0.5 k is above 10 first with k = 20, in step 19; then 0.5 k with k = 21, in step 40
    assert_eq!(watcher.sent.into_keys().collect::<Vec<_>>(), [19, 40]);
}

/// Nothing arrives any more, and yet the last spike has changed something.
#[test]
fn who_looks_sees_what_the_last_spike_left() {
    let network = behind(vec![weight(3.5, 0.0)], 1.0, "in w cell out");
    let watcher = after_a_spike(&network, "nir,reset=subtract,input=impulse", 0, 9);
    let told = |step: u64| watcher.charges.get(&(step, 0)).map(|all| f32::from_bits(all[0]));
    // 3.5 thresholds, of which each spike takes one
    assert_eq!([2, 3, 4, 5].map(told), [3.5, 2.5, 1.5, 0.5].map(Some));
}
