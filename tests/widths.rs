//! Scalar ≡ packed ≡ threaded: whatever the width of the registers and the number of
//! threads, a network sends the same spikes of the same values.
//!
//! A process settles on one width, so each width runs in one of its own: this test
//! program, called again.

mod build;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;

use build::{network, node};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::ThreadPoolBuilder;
use synops::engine::{Clocked, Engine, EventDriven, Observer};
use synops::network::Network;
use synops::neuron::preset::Conventions;
use synops::record::Array;
use synops::signal::Spikes;
use synops::signal::simd::{Width, settle_on};
use synops::units::Micros;

/// Which width the process is to settle on: its place in [`Width::ALL`].
const WIDTH: &str = "SYNOPS_TEST_WIDTH";
const SIDE: usize = 64;
const STEPS: u64 = 12;
const DT: Micros = Micros(1_000);

/// Everything that every unit sends.
#[derive(Default)]
struct All {
    hash: DefaultHasher,
    entries: usize,
}

impl Observer for All {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        (step, unit).hash(&mut self.hash);
        for (address, value, count) in sent.iter() {
            (address, value.to_bits(), count).hash(&mut self.hash);
        }
        self.entries += sent.len();
    }
}

/// Two convolutions, one strided, that are worth threads, pools and a dense layer.
fn heavy() -> Network {
    let mut random = Pcg64::seed_from_u64(7);
    let mut weights = |shape: &[usize], scale: f32| {
        let count: usize = shape.iter().product();
        Array::floats(shape, (0..count).map(|_| scale * random.random_range(-0.5..1.0)).collect())
    };
    let conv = |weight: Array, stride: i64| {
        let outputs = weight.shape()[0];
        vec![
            ("weight", weight),
            ("bias", Array::floats(&[outputs], vec![0.01; outputs])),
            ("stride", Array::integer(stride)),
            ("padding", Array::integer(1)),
            ("dilation", Array::integer(1)),
        ]
    };
    let half = SIDE / 2;
    let lif = |shape: &[usize]| {
        let all = |value: f32| Array::floats(shape, vec![value; shape.iter().product()]);
        vec![
            ("tau", all(0.01)),
            ("r", all(1.0)),
            ("v_leak", all(0.0)),
            ("v_threshold", all(0.5)),
            ("v_reset", all(0.0)),
        ]
    };
    let pool = ["kernel_size", "stride", "padding"].into_iter().zip([2, 2, 0]);
    let (first, second) = (weights(&[70, 2, 3, 3], 0.3), weights(&[96, 70, 3, 3], 0.02));
    let dense = weights(&[70, 96 * half * half / 4], 0.002);
    let nodes = vec![
        node("a", "Conv2d", conv(first, 1)),
        node("b", "LIF", lif(&[70, SIDE, SIDE])),
        node("c", "Conv2d", conv(second, 2)),
        node("d", "LIF", lif(&[96, half, half])),
        node("e", "SumPool2d", pool.map(|(name, n)| (name, Array::integer(n))).collect()),
        node("f", "Flatten", vec![("start_dim", Array::integer(0))]),
        node("g", "Linear", vec![("weight", dense)]),
        node("h", "LIF", lif(&[70])),
    ];
    let side = SIDE as i64;
    network(&[2, side, side], nodes, &[70], &["in a b c d e f g h out"])
}

/// What the network sends for input of every density, from none to all.
fn run(engine: &impl Engine) -> (u64, usize) {
    let mut random = Pcg64::seed_from_u64(3);
    let (mut state, mut all) = (engine.start(), All::default());
    for step in 0..STEPS {
        let density = step as f64 / (STEPS - 1) as f64;
        let mut input = Spikes::default();
        for address in 0..(2 * SIDE * SIDE) as u32 {
            if random.random_bool(density) {
                input.push(address, 1.0, 1);
            }
        }
        engine.receive(&mut state, step, &input, &mut all);
    }
    engine.finish(&mut state, STEPS + 3, &mut all);
    (all.hash.finish(), all.entries)
}

fn on_threads(threads: usize) -> Vec<(u64, usize)> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let network = heavy();
        let sent = ["nir", "sinabs", "spikingjelly"].map(|convention| {
            let conventions: Conventions = convention.parse().unwrap();
            let clocked = run(&Clocked::new(&network, &conventions, DT).unwrap());
            let quanta = run(&EventDriven::in_quanta(&network, &conventions, DT).unwrap());
            assert_eq!(clocked, quanta, "{convention}");
            clocked
        });
        sent.to_vec()
    })
}

#[test]
fn any_number_of_threads_sends_the_same() {
    let one = on_threads(1);
    assert!(one.iter().all(|(_, entries)| *entries > 50_000), "too few spikes: {one:?}");
    assert_eq!(one, on_threads(2));
    assert_eq!(one, on_threads(3));
}

/// The other half of the next test: prints what it sends at the width that is asked.
#[test]
fn at_one_width() {
    let Ok(width) = std::env::var(WIDTH) else { return };
    let width = Width::ALL[width.parse::<usize>().unwrap()];
    assert!(settle_on(width));
    println!("\nsent {:?}", on_threads(1));
}

#[test]
fn any_width_sends_the_same() {
    let here = (0..Width::ALL.len()).filter(|&width| Width::ALL[width].is_here());
    let sent: Vec<String> = here
        .map(|width| {
            let mut test = Command::new(std::env::current_exe().unwrap());
            test.args(["--exact", "at_one_width", "--nocapture"]).env(WIDTH, width.to_string());
            let output = String::from_utf8(test.output().unwrap().stdout).unwrap();
            output.lines().find(|line| line.starts_with("sent")).expect(&output).to_owned()
        })
        .collect();
    assert!(sent.iter().all(|one| *one == sent[0]), "{sent:?}");
}
