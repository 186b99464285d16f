//! Loihi's compartment: against lava-dl's dense layer, against Lava's own
//! (`tools/peer_loihi.py`), and against integers written out once more.

use proptest::prelude::*;
use serde_json::Value;
use synops::layer::LAYERS;
use synops::network::{Graph, Network, Node, NodeKind};
use synops::neuron::preset::Conventions;
use synops::neuron::sweep::Drowsy;
use synops::neuron::{FOREIGN, MODELS, Neuron, Population};
use synops::record::{Array, Record};
use synops::signal::{BLOCK, Shape};
use synops::units::Seconds;

use super::{data, numpy, run};

const LONGEST: i64 = 1 << 23;

fn compartment(fields: &[(&str, i64)]) -> Neuron {
    let mut record = Record::default();
    fields.iter().for_each(|(name, value)| record.put(name, Array::integers(&[*value])));
    let model = FOREIGN.iter().find(|model| model.nir == "LoihiCuba").unwrap();
    model.read(&mut record).unwrap()
}

/// Spikes, potentials and currents of a block that hears these sums of weights.
fn block(
    neuron: &Neuron,
    convention: &str,
    sums: &[[f32; BLOCK]],
) -> Vec<([f32; BLOCK], Vec<f32>)> {
    let conventions: Conventions = convention.parse().unwrap();
    let shape = Shape::new(&[BLOCK]).unwrap();
    let population = neuron.at(Seconds(1e-3), &shape, &conventions).unwrap();
    let mut state = vec![9.0; population.variables() * BLOCK];
    population.start(0, &mut state);
    let step = |sums: &[f32; BLOCK]| {
        let mut sent = [0.0; BLOCK];
        population.step(0, &mut state, sums, &mut sent);
        (sent, state.clone())
    };
    sums.iter().map(step).collect()
}

#[test]
fn a_dense_layer_as_lava_runs_it() {
    let Some(data) = data() else { return };
    let bytes = std::fs::read(data.join("dense.npz")).unwrap();
    let [input, weight, output] =
        ["input", "weight", "output"].map(|name| numpy::npz(&bytes, name));
    let weights = weight.values.iter().map(|&w| w as f32).collect();
    let mut record = Record::default();
    record.put("weight", Array::floats(&weight.shape, weights));
    let linear = LAYERS.iter().find(|layer| layer.nir == "Linear").unwrap();
    let cells = compartment(&[("iDecay", 4096), ("vDecay", 415), ("vThMant", 6)]);
    let nodes = vec![
        Node::new("in", NodeKind::Input(Array::integers(&[200]))),
        Node::new("w", NodeKind::Layer((linear.read)(&mut record).unwrap())),
        Node::new("cells", NodeKind::Neuron(cells)),
        Node::new("out", NodeKind::Output(Array::integers(&[256]))),
    ];
    let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let edges = vec![edge("in", "w"), edge("w", "cells"), edge("cells", "out")];
    let network = Network::new(Graph { nodes, edges, ..Graph::default() }).unwrap();
    let expected = output.nonzero();
    assert_eq!(expected.len(), 1826);
    for convention in ["lava", "loihi"] {
        assert_eq!(run(&network, convention, &input.nonzero(), 2000), expected);
    }
    let at_threshold = run(&network, "lava,fire=at-or-above", &input.nonzero(), 2000);
    assert_ne!(at_threshold, expected, "the recording tells ≥ from >");
}

#[test]
fn compartments_as_lava_runs_them() {
    let golden: Value = serde_json::from_str(include_str!("../golden/loihi.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let rows = golden["inputs"][case["input"].as_str().unwrap()].as_array().unwrap();
        let rows = rows.iter().map(|row| row.as_str().unwrap().split(' '));
        let rows: Vec<Vec<f32>> =
            rows.map(|row| row.map(|w| w.parse().unwrap()).collect()).collect();
        let sums = |t: usize| std::array::from_fn(|i| rows.get(i).map_or(0.0, |row| row[t]));
        let sums: Vec<[f32; BLOCK]> = (0..rows[0].len()).map(sums).collect();
        let field = |name: &'static str| (name, case["fields"][name].as_i64().unwrap());
        let neuron = compartment(&["iDecay", "vDecay", "vThMant", "bias"].map(field));
        let steps = block(&neuron, "lava", &sums);
        let (_, left) = steps.last().unwrap();
        for i in 0..rows.len() {
            let sent: String = steps.iter().map(|(sent, _)| sent[i].to_string()).collect();
            assert_eq!(sent, case["sent"][i].as_str().unwrap(), "{}", case["fields"]);
            assert_eq!(f64::from(left[i]), case["v"][i].as_f64().unwrap(), "{}", case["fields"]);
            assert_eq!(f64::from(left[BLOCK + i]), case["u"][i].as_f64().unwrap());
        }
    }
}

/// One compartment, written out with signs and shifts.
#[derive(Clone, Debug)]
struct Plain {
    i_decay: u32,
    v_decay: u32,
    threshold: i64,
    bias: i64,
    u: i64,
    v: i64,
}

fn shifted_down(x: i64, keep: i64) -> i64 {
    let magnitude = (x.unsigned_abs() as i64 * keep) >> 12;
    if x < 0 { -magnitude } else { magnitude }
}

impl Plain {
    fn neuron(&self) -> Neuron {
        compartment(&[
            ("iDecay", self.i_decay.into()),
            ("vDecay", self.v_decay.into()),
            ("vThMant", self.threshold),
            ("bias", self.bias),
        ])
    }

    /// Whether it fires, on a sum of weights.
    fn step(&mut self, weights: i64, at_or_above: bool) -> bool {
        self.u = shifted_down(self.u, 4096 - i64::from(self.i_decay)) + (weights << 6);
        while self.u > LONGEST {
            self.u -= 2 * LONGEST;
        }
        while self.u <= -LONGEST {
            self.u += 2 * LONGEST;
        }
        let decayed = shifted_down(self.v, 4096 - i64::from(self.v_decay));
        let sum = decayed + self.u + (self.bias << 6);
        self.v = if sum.abs() < LONGEST { sum } else { sum.signum() * (LONGEST - 1) };
        let theta = self.threshold << 6;
        let fires = self.v > theta || (at_or_above && self.v == theta);
        self.v *= i64::from(!fires);
        fires
    }
}

/// Sums of weights: small ones, ones that hit a threshold, ones near what u holds.
fn weights() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -300i64..300,
        2 => Just(0),
        1 => prop::sample::select(vec![6, -6, 131_071, 131_072, -131_072, -131_073, 16_777_216]),
        1 => -400_000i64..400_000,
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let decay = || prop_oneof![3 => 0u32..=4096, 1 => prop::sample::select(vec![0, 1, 4095, 4096])];
    let threshold = prop_oneof![4 => 0i64..500, 1 => Just(0i64), 1 => Just(131_071i64)];
    let bias = prop_oneof![2 => Just(0i64), 1 => -40i64..40];
    (decay(), decay(), threshold, bias).prop_map(|(i_decay, v_decay, threshold, bias)| Plain {
        i_decay,
        v_decay,
        threshold,
        bias,
        u: 0,
        v: 0,
    })
}

proptest! {
    #[test]
    fn the_step_is_integer_arithmetic(
        mut plain in plain(),
        weights in prop::collection::vec(weights(), 1..60),
        at_or_above in any::<bool>(),
    ) {
        let neuron = plain.neuron();
        let convention = if at_or_above { "lava,fire=at-or-above" } else { "loihi" };
        let sums: Vec<[f32; BLOCK]> = weights.iter().map(|&w| [w as f32; BLOCK]).collect();
        for (&w, (sent, state)) in weights.iter().zip(block(&neuron, convention, &sums)) {
            let fires = plain.step(w, at_or_above);
            prop_assert_eq!(sent, [f32::from(u8::from(fires)); BLOCK]);
            prop_assert_eq!(&state[..BLOCK], [plain.v as f32; BLOCK]);
            prop_assert_eq!(&state[BLOCK..], [plain.u as f32; BLOCK]);
        }
    }
}

/// Whether anybody fires in silence.
fn fires_alone(population: &dyn Population, mut state: Vec<f32>) -> bool {
    (0..200).any(|_| {
        let mut sent = [0.0; BLOCK];
        population.step(0, &mut state, &[0.0; BLOCK], &mut sent);
        sent != [0.0; BLOCK]
    })
}

proptest! {
    #[test]
    fn what_is_quiet_stays_silent(
        plain in plain(),
        u in -2000i32..2000,
        v in -2000i32..2000,
        at_or_above in any::<bool>(),
    ) {
        let neuron = plain.neuron();
        let convention = if at_or_above { "lava,fire=at-or-above" } else { "loihi" };
        let shape = Shape::new(&[BLOCK]).unwrap();
        let population = neuron.at(Seconds(1e-3), &shape, &convention.parse().unwrap()).unwrap();
        let state = [vec![v as f32; BLOCK], vec![u as f32; BLOCK]].concat();
        let is_quiet = |state: &[f32]| {
            population.quiet(Drowsy { first: 0, blocks: 1, state, variables: 2 }) == 1
        };
        let quiet = is_quiet(&state);
        prop_assert!(!quiet || !fires_alone(population.as_ref(), state));
        let rest = vec![0.0; 2 * BLOCK];
        let at_rest = is_quiet(&rest);
        let excitable = plain.bias > 0 || (at_or_above && plain.threshold == 0);
        prop_assert!(at_rest || excitable);
        prop_assert!(!at_rest || !fires_alone(population.as_ref(), rest));
    }
}

/// By hand, as `paper/01_lif/lif_sim_lava.ipynb` of NIR goes about it: a loss of 0.25
/// a step is ⌊0.25 · 4095⌋ = 1023, a spike of weight 1 is ⌊0.25 · 256⌋ = 64, a
/// threshold of 0.3 is ⌊0.3 · 131071⌋ = 39321, then >> 9: 76.
#[test]
fn a_lif_in_integers_is_a_compartment() {
    let fields =
        [("tau", 0.004), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 0.3), ("v_reset", 0.0)];
    let mut record = Record::default();
    fields.iter().for_each(|&(name, x)| record.put(name, Array::floats(&[1], vec![x])));
    let lif = MODELS.iter().find(|model| model.nir == "LIF").unwrap().read(&mut record).unwrap();
    let cell = compartment(&[("iDecay", 4096), ("vDecay", 1023), ("vThMant", 76)]);
    let spikes = [1.0, 0.0, 0.0, -2.0, 0.0, 1.0, 1.0, 0.0, 3.0, 1.0, 0.0, 0.0];
    let sums = |unit: f32| spikes.map(|x| [x * unit; BLOCK]);
    let steps = block(&lif, "lava", &sums(1.0));
    assert_eq!(steps, block(&cell, "lava", &sums(64.0)));
    assert!(steps.iter().any(|(sent, _)| sent[0] == 1.0));
}

#[test]
fn negative_potentials_are_cut_off_towards_zero() {
    // −64 · 3681 / 4096 is −57.5: cut off −57, rounded down −58
    let neuron = compartment(&[("iDecay", 4096), ("vDecay", 415), ("vThMant", 6)]);
    let steps = block(&neuron, "lava", &[[-1.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]]);
    assert_eq!([0, 1, 2].map(|t: usize| steps[t].1[0]), [-64.0, -57.0, -51.0]);
}

#[test]
fn what_is_no_compartment_is_refused() {
    let refusal = |convention: &str, fields: &[(&str, i64)]| {
        let conventions: Conventions = convention.parse().unwrap();
        let shape = Shape::new(&[1]).unwrap();
        let population = compartment(fields).at(Seconds(1e-3), &shape, &conventions);
        population.err().unwrap().to_string()
    };
    let fine = [("iDecay", 4096), ("vDecay", 0), ("vThMant", 0)];
    let with = |name: &'static str, value| [&fine[..], &[(name, value)]].concat();
    assert!(refusal("lava", &with("iDecay", 4097)).contains("'iDecay' = 4097"));
    assert!(refusal("lava", &with("vDecay", -1)).contains("a whole number from 0 to 4096"));
    assert!(refusal("lava,number=fixed:10:6", &fine).contains("from 0 to 1024"));
    assert!(refusal("lava", &with("vThMant", 131_072)).contains("17 bits"));
    assert!(refusal("lava", &with("bias", -200_000)).contains("'bias' = -200000"));
    assert!(refusal("nir", &fine).contains("number=f32; expected number=fixed"));
    assert!(refusal("lava,number=f32", &fine).contains("expected number=fixed"));
}
