//! What does a step of a neuron cost, by model and rules?
//!
//! Each line sets the clocked engine, with a population that a constant input drives and
//! nothing else, beside a bare loop over as many neurons that adds an input to a potential
//! and asks who is above a threshold: the least that a step of a neuron is. The ratio is the
//! share of that rate. Two or three neurons in a hundred fire in a step, so that almost every
//! block has one that does, and none sleeps.

mod turns;

use std::hint::black_box;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use synops::engine::{Clocked, Engine};
use synops::layer::LAYERS;
use synops::network::{Graph, Network, Node, NodeKind};
use synops::neuron::{FOREIGN, MODELS};
use synops::record::{Array, Record};
use synops::signal::BLOCK;
use synops::signal::simd::{Kernel, dispatch};
use synops::units::Micros;
use turns::{compare, milliseconds, seconds};

const ROUNDS: usize = 15;
const NEURONS: usize = 64 * BLOCK;
const STEPS: u64 = 1_000;
const DT: Micros = Micros(1_000);

/// Model, convention, and the largest input.
const CASES: [(&str, &str, f32); 14] = [
    ("IF", "spikingjelly", 0.06),
    ("IF", "sinabs", 0.06),
    ("IF", "snntorch", 0.06),
    ("IF", "snntorch,when=pending", 0.06),
    ("IF", "nir,input=impulse,refractory=2ms", 0.06),
    ("LIF", "nir", 0.1),
    ("LIF", "sinabs", 0.1),
    ("LIF", "snntorch", 0.1),
    ("LIF", "loihi", 0.1),
    ("CubaLIF", "nir", 0.1),
    ("CubaLIF", "snntorch", 0.1),
    ("KLIF", "spikingjelly", 0.1),
    ("GatedLIF", "spikingjelly", 0.1),
    ("DALIF", "spikingjelly", 0.1),
];

fn main() {
    let work = format!("{STEPS} steps of {NEURONS} neurons");
    println!("{work:48}{:>12}{:>12}  ratio (range)", "bare", "engine");
    let mut random = Pcg64::seed_from_u64(1);
    let input: Vec<f32> = (0..NEURONS).map(|_| random.random_range(-0.01..0.01)).collect();
    let mut potential = vec![0.0; NEURONS];
    for (model, convention, most) in CASES {
        let network = network(model, most);
        let engine = Clocked::new(&network, &convention.parse().unwrap(), DT).unwrap();
        let bare = || {
            seconds(|| {
                for _ in 0..STEPS {
                    black_box(dispatch(Add { input: &input, potential: &mut potential }));
                }
            })
        };
        let run = || {
            let mut state = engine.start();
            seconds(|| engine.finish(&mut state, STEPS, &mut ()))
        };
        compare::<ROUNDS>(&format!("{model}, {convention}"), milliseconds, bare, run);
    }
}

/// The bare loop: the blocks in which anybody is above 1.
struct Add<'a> {
    input: &'a [f32],
    potential: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        let (inputs, potentials) =
            (self.input.as_chunks::<BLOCK>().0, self.potential.as_chunks_mut::<BLOCK>().0);
        let mut above = 0;
        for (input, potential) in inputs.iter().zip(potentials) {
            let mut any = false;
            for (v, x) in potential.iter_mut().zip(input) {
                *v += x;
                any |= *v >= 1.0;
            }
            above += usize::from(any);
        }
        above
    }
}

/// Neurons with a constant input of their own each, evenly up to the largest.
fn network(model: &str, most: f32) -> Network {
    let model = MODELS.iter().chain(FOREIGN).find(|of| of.nir == model).unwrap();
    let mut cells = Record::default();
    for field in model.fields {
        let value = match field.name {
            "tau" if field.unit == "s" => 0.02,
            "tau_mem" => 0.02,
            "tau_syn" => 0.005,
            "step" => DT.seconds().0 as f32,
            // a held input of 0.05 leads to the threshold
            "r" => 20.0,
            "tau" | "alpha" | "beta" => 0.9,
            "gamma" | "v_subreset" => 0.5,
            "v_leak" | "v_reset" | "linear_decay" => 0.0,
            _ => 1.0,
        };
        cells.put(field.name, Array::floats(&[1], vec![value]));
    }
    let input = (0..NEURONS).map(|i| most * i as f32 / NEURONS as f32);
    let mut affine = Record::default();
    affine.put("weight", Array::floats(&[NEURONS, 1], vec![0.0; NEURONS]));
    affine.put("bias", Array::floats(&[NEURONS], input.collect()));
    let layer = LAYERS.iter().find(|layer| layer.nir == "Affine").unwrap();
    let nodes = vec![
        Node::new("in", NodeKind::Input(Array::integers(&[1]))),
        Node::new("drive", NodeKind::Layer((layer.read)(&mut affine).unwrap())),
        Node::new("cells", NodeKind::Neuron(model.read(&mut cells).unwrap())),
        Node::new("out", NodeKind::Output(Array::integers(&[NEURONS as i64]))),
    ];
    let names = ["in", "drive", "cells", "out"].map(str::to_owned);
    let edges = names.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    Network::new(Graph { nodes, edges, ..Graph::default() }).unwrap()
}
