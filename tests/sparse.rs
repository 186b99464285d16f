//! The sparse engine against a dense one that visits everything.
//!
//! The dense one is written out here, plainly and on its own: a convolution, a
//! population, a dense layer, a population, every sum in ascending order of its
//! inputs. Skipping what is at rest must not change a single bit.

mod build;

use build::node;
use proptest::prelude::*;
use synops::engine::{Clocked, Engine, Observer};
use synops::network::Network;
use synops::record::Array;
use synops::signal::Spikes;
use synops::units::Micros;

const SIDE: usize = 6;
const CHANNELS: usize = 3;
const HIDDEN: usize = CHANNELS * SIDE * SIDE;
const OUTPUTS: usize = 70;

#[derive(Clone, Debug)]
struct Case {
    /// [channel][row][column] of 3×3, one input channel, padding 1.
    kernel: Vec<f32>,
    bias: Option<Vec<f32>>,
    /// [output][hidden, as files count].
    dense: Vec<f32>,
    tau: Option<f32>,
    threshold: f32,
    reset: f32,
    events: Vec<(u64, u8, u8, u8)>,
    convention: usize,
}

/// Presets and what they mean for IF and LIF, spelled out once more.
const CONVENTIONS: [(&str, Rules); 5] = [
    ("nir", Rules { at_or_above: false, euler: false, ..SPIKINGJELLY }),
    ("sinabs", Rules { many: true, subtract: true, floor: true, euler: false, ..SPIKINGJELLY }),
    ("spikingjelly", SPIKINGJELLY),
    ("spikingjelly,reset=subtract", Rules { subtract: true, ..SPIKINGJELLY }),
    (
        "spikingjelly,reset=subtract,when=next-step",
        Rules { subtract: true, late: true, ..SPIKINGJELLY },
    ),
];

const SPIKINGJELLY: Rules = Rules {
    at_or_above: true,
    many: false,
    subtract: false,
    late: false,
    floor: false,
    euler: true,
};

#[derive(Clone, Copy)]
struct Rules {
    at_or_above: bool,
    many: bool,
    subtract: bool,
    /// Subtracts in the next step.
    late: bool,
    floor: bool,
    euler: bool,
}

const STEPS: u64 = 40;
const DT: f64 = 1e-3;

fn case() -> impl Strategy<Value = Case> {
    let weights = |n: usize| prop::collection::vec(-0.6f32..0.9, n);
    let events = prop::collection::vec((0..STEPS, 0..SIDE as u8, 0..SIDE as u8, 1u8..4), 0..60);
    (
        weights(CHANNELS * 9),
        prop::option::weighted(0.2, prop::collection::vec(-0.05f32..0.1, CHANNELS)),
        weights(OUTPUTS * HIDDEN),
        prop::option::of(0.002f32..0.05),
        0.2f32..1.5,
        -0.3f32..0.1,
        events,
        0..CONVENTIONS.len(),
    )
        .prop_map(|(kernel, bias, dense, tau, threshold, reset, events, convention)| Case {
            kernel,
            bias,
            dense,
            tau,
            threshold,
            reset,
            events,
            convention,
        })
}

/// One neuron: its potential, and the spikes that it sends for an input.
fn step(case: &Case, rules: Rules, v: &mut f32, x: f32) -> f32 {
    let dt_over_tau = case.tau.map(|tau| DT / f64::from(tau));
    let (decay, gain) = match dt_over_tau {
        None => (1.0, 1.0),
        Some(d) if rules.euler => (1.0 - d, d),
        Some(d) if rules.many => ((-d).exp(), 1.0),
        Some(d) => ((-d).exp(), -(-d).exp_m1()),
    };
    let above = |u: f32| if rules.at_or_above { u >= case.threshold } else { u > case.threshold };
    let owed = if rules.late && above(*v) { case.threshold } else { 0.0 };
    let u = decay as f32 * *v + gain as f32 * x - owed;
    let fires = above(u);
    let sent = match (fires, rules.many) {
        (false, _) => 0.0,
        (true, true) => (u / case.threshold).trunc(),
        (true, false) => 1.0,
    };
    *v = match (fires, rules.subtract) {
        (_, true) if rules.late => u,
        (_, true) => u - sent * case.threshold,
        (true, false) => case.reset,
        (false, false) => u,
    };
    if rules.floor && case.tau.is_none() {
        *v = (*v + case.threshold).max(0.0) - case.threshold;
    }
    sent
}

/// Spikes of each hidden neuron and output, step by step.
fn dense(case: &Case) -> Vec<(Vec<f32>, Vec<f32>)> {
    let (name, rules) = CONVENTIONS[case.convention];
    let start = if name.starts_with("spikingjelly") { case.reset } else { 0.0 };
    let (mut hidden, mut outputs) = (vec![start; HIDDEN], vec![start; OUTPUTS]);
    let run = |step_now: u64| {
        let mut image = [[0.0f32; SIDE]; SIDE];
        for (_, x, y, n) in case.events.iter().filter(|event| event.0 == step_now) {
            image[usize::from(*y)][usize::from(*x)] += f32::from(*n);
        }
        let mut sent = vec![0.0; HIDDEN];
        for (element, v) in hidden.iter_mut().enumerate() {
            let (c, y, x) = (element / SIDE / SIDE, element / SIDE % SIDE, element % SIDE);
            let mut sum = case.bias.as_ref().map_or(0.0, |bias| bias[c]);
            for k in 0..9 {
                let (row, column) = ((y + k / 3).wrapping_sub(1), (x + k % 3).wrapping_sub(1));
                if row < SIDE && column < SIDE && image[row][column] != 0.0 {
                    sum += image[row][column] * case.kernel[c * 9 + k];
                }
            }
            sent[element] = step(case, rules, v, sum);
        }
        let answers = outputs.iter_mut().enumerate().map(|(o, v)| {
            let active = (0..HIDDEN).filter(|&h| sent[h] != 0.0);
            let sum = active.fold(0.0f32, |sum, h| sum + sent[h] * case.dense[o * HIDDEN + h]);
            step(case, rules, v, sum)
        });
        let answers = answers.collect();
        (sent, answers)
    };
    (0..STEPS).map(run).collect()
}

fn network(case: &Case) -> Network {
    let population = |name: &str, axes: &[usize]| {
        let all = |value: f32| Array::floats(axes, vec![value; axes.iter().product()]);
        let mut fields = vec![
            ("r", all(1.0)),
            ("v_threshold", all(case.threshold)),
            ("v_reset", all(case.reset)),
        ];
        if let Some(tau) = case.tau {
            fields.extend([("tau", all(tau)), ("v_leak", all(0.0))]);
        }
        node(name, if case.tau.is_some() { "LIF" } else { "IF" }, fields)
    };
    let bias = case.bias.clone().unwrap_or(vec![0.0; CHANNELS]);
    let nodes = vec![
        node(
            "conv",
            "Conv2d",
            vec![
                ("weight", Array::floats(&[CHANNELS, 1, 3, 3], case.kernel.clone())),
                ("bias", Array::floats(&[CHANNELS], bias)),
                ("stride", Array::integer(1)),
                ("padding", Array::integer(1)),
                ("dilation", Array::integer(1)),
            ],
        ),
        population("hidden", &[CHANNELS, SIDE, SIDE]),
        node("flat", "Flatten", vec![("start_dim", Array::integer(0))]),
        node(
            "dense",
            "Linear",
            vec![("weight", Array::floats(&[OUTPUTS, HIDDEN], case.dense.clone()))],
        ),
        population("answer", &[OUTPUTS]),
    ];
    build::network(
        &[1, SIDE as i64, SIDE as i64],
        nodes,
        &[OUTPUTS as i64],
        &["in conv hidden flat dense answer out"],
    )
}

/// What two units sent, in the order of files.
struct Seen<'n> {
    network: &'n Network,
    steps: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Observer for Seen<'_> {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        let wired = &self.network.units[unit];
        let (hidden, outputs) = &mut self.steps[step as usize];
        let into = match &wired.name[..] {
            "hidden" => hidden,
            "answer" => outputs,
            _ => return,
        };
        for (address, value, count) in sent.iter() {
            assert_eq!(value, count as f32);
            into[wired.output.element(address as usize)] = value;
        }
    }
}

fn sparse(case: &Case) -> Vec<(Vec<f32>, Vec<f32>)> {
    let network = network(case);
    let conventions = CONVENTIONS[case.convention].0.parse().unwrap();
    let engine = Clocked::new(&network, &conventions, Micros(1000)).unwrap();
    let silence = (vec![0.0; HIDDEN], vec![0.0; OUTPUTS]);
    let mut seen = Seen { network: &network, steps: vec![silence; STEPS as usize] };
    let mut state = engine.start();
    for step in 0..STEPS {
        let mut counts = [0u32; SIDE * SIDE];
        for (_, x, y, n) in case.events.iter().filter(|event| event.0 == step) {
            counts[usize::from(*y) * SIDE + usize::from(*x)] += u32::from(*n);
        }
        let mut spikes = Spikes::default();
        let active = counts.iter().enumerate().filter(|(_, n)| **n > 0);
        active.for_each(|(address, &n)| spikes.push(address as u32, n as f32, n));
        if !spikes.is_empty() {
            engine.receive(&mut state, step, &spikes, &mut seen);
        }
    }
    engine.finish(&mut state, STEPS, &mut seen);
    seen.steps
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_left_out_changes_no_bit(case in case()) {
        let (sparse, dense) = (sparse(&case), dense(&case));
        for (step, (found, expected)) in sparse.iter().zip(&dense).enumerate() {
            prop_assert_eq!(&found.0, &expected.0, "hidden spikes of step {}", step);
            prop_assert_eq!(&found.1, &expected.1, "output spikes of step {}", step);
        }
    }
}
