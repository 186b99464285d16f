//! The event-driven engine against the clocked one, and against closed forms and
//! a fine reference that are written out here.

mod build;
mod drawn;

use std::collections::BTreeMap;

use build::node;
use drawn::{Draw, STEPWISE, any_model, convention};
use proptest::prelude::*;
use proptest::sample::select;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use synops::engine::{Clocked, Engine, EventDriven, Observer, Operations};
use synops::network::{Network, Node, Unit};
use synops::neuron::preset::Conventions;
use synops::record::Array;
use synops::signal::Spikes;
use synops::units::Micros;

const DT: Micros = Micros(1_000);
const SIDE: usize = 6;
const FIRST: usize = 72;
const SECOND: usize = 5;

/// A network with two populations, drawn from a seed.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    model: &'static str,
    convention: String,
    steps: u64,
    /// A convolution and this pool in front, rather than a dense layer.
    pool: Option<&'static str>,
    /// The first population hears itself.
    recurrent: bool,
    /// The first population hears the second.
    feedback: bool,
    /// Between the populations.
    delays: bool,
    biases: bool,
    /// Numbers are multiples of one over this, so that sums are exact.
    parts: Option<f64>,
}

impl Draw {
    fn dense(&mut self, name: &str, [from, to]: [usize; 2], range: [f64; 2], bias: bool) -> Node {
        let weight = ("weight", self.floats(&[to, from], range[0], range[1]));
        match bias {
            true => node(name, "Affine", vec![weight, ("bias", self.floats(&[to], -0.05, 0.1))]),
            false => node(name, "Linear", vec![weight]),
        }
    }

    fn spikes(&mut self, share: f64) -> Spikes {
        let mut spikes = Spikes::default();
        for address in 0..(SIDE * SIDE) as u32 {
            if self.random.random_bool(share) {
                let count = self.random.random_range(1..3);
                spikes.push(address, count as f32, count);
            }
        }
        spikes
    }
}

impl Case {
    fn draw(&self) -> Draw {
        Draw { random: Pcg64::seed_from_u64(self.seed), parts: self.parts }
    }

    fn network(&self) -> Network {
        let mut draw = self.draw();
        let mut nodes = vec![
            draw.population("first", self.model, &[FIRST]),
            draw.population("second", self.model, &[SECOND]),
            draw.dense("w2", [FIRST, SECOND], [-0.3, 0.5], self.biases),
        ];
        let mut paths = vec!["second out"];
        let integer = |name: &'static str, value: i64| (name, Array::integer(value));
        paths.push(match self.pool {
            Some(pool) => {
                let conv = vec![
                    ("weight", draw.floats(&[8, 1, 3, 3], -0.4, 0.8)),
                    ("bias", Array::floats(&[8], vec![0.0; 8])),
                    integer("stride", 1),
                    integer("padding", 1),
                    integer("dilation", 1),
                ];
                let pooling = ["kernel_size", "stride"].map(|name| integer(name, 2));
                let pooling = pooling.into_iter().chain([integer("padding", 0)]).collect();
                nodes.push(node("conv", "Conv2d", conv));
                nodes.push(draw.population("zeroth", self.model, &[8, SIDE, SIDE]));
                nodes.push(node("pool", pool, pooling));
                nodes.push(node("flat", "Flatten", vec![integer("start_dim", 0)]));
                nodes.push(draw.dense("w", [FIRST, FIRST], [-0.3, 0.6], self.biases));
                "in conv zeroth pool flat w first"
            }
            None => {
                nodes.push(draw.dense("w", [SIDE * SIDE, FIRST], [-0.5, 0.9], self.biases));
                "in w first"
            }
        });
        if self.recurrent {
            nodes.push(draw.dense("again", [FIRST, FIRST], [-0.2, 0.15], false));
            paths.push("first again first");
        }
        if self.feedback {
            nodes.push(draw.dense("back", [SECOND, FIRST], [-0.4, 0.4], false));
            paths.push("second back first");
        }
        paths.push(match self.delays {
            true => {
                let delays = (0..FIRST).map(|i| (i % 4) as f32 * 1e-3).collect();
                nodes.push(node("late", "Delay", vec![("delay", Array::floats(&[FIRST], delays))]));
                "first late w2 second"
            }
            false => "first w2 second",
        });
        let side = SIDE as i64;
        let input = if self.pool.is_some() { vec![1, side, side] } else { vec![side * side] };
        build::network(&input, nodes, &[SECOND as i64], &paths)
    }

    fn conventions(&self) -> Conventions {
        self.convention.parse().unwrap()
    }

    /// Bursts and silences.
    fn input(&self) -> Vec<(u64, Spikes)> {
        let mut draw = self.draw();
        let step = |step: u64| (step, draw.spikes(if step / 5 % 3 == 1 { 0.0 } else { 0.15 }));
        (0..self.steps).map(step).filter(|(_, spikes)| !spikes.is_empty()).collect()
    }
}

type Entry = (u32, u32, u32);

/// What units sent and did, by tick.
struct Seen<'n> {
    network: &'n Network,
    ticks_per_step: u64,
    /// Address, bits of the value, count.
    sent: BTreeMap<(u64, usize), Vec<Entry>>,
    operations: BTreeMap<(u64, usize), Operations>,
}

impl Observer for Seen<'_> {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        let counts = !matches!(self.network.units[unit].unit, Unit::Layer(_));
        if counts && !sent.is_empty() {
            let sent = sent.iter().map(|(address, value, count)| (address, value.to_bits(), count));
            self.sent.entry((self.step(step), unit)).or_default().extend(sent);
        }
    }

    fn operated(&mut self, step: u64, unit: usize, operations: Operations) {
        let step = self.step(step);
        let sum = self.operations.entry((step, unit)).or_default();
        sum.synaptic += operations.synaptic;
        sum.multiply_adds += operations.multiply_adds;
    }
}

impl Seen<'_> {
    fn step(&self, tick: u64) -> u64 {
        assert_eq!(tick % self.ticks_per_step, 0, "something happened off the grid, at {tick}");
        tick / self.ticks_per_step
    }

    /// The most spikes that a neuron sent in a step.
    fn most(&self) -> u32 {
        self.sent.values().flatten().map(|(_, _, count)| *count).max().unwrap_or_default()
    }
}

fn run<'n>(engine: &impl Engine, network: &'n Network, case: &Case) -> Seen<'n> {
    let ticks_per_step = (DT.0 / engine.tick().0) as u64;
    let (sent, operations) = (BTreeMap::new(), BTreeMap::new());
    let mut seen = Seen { network, ticks_per_step, sent, operations };
    let mut state = engine.start();
    for (step, spikes) in case.input() {
        engine.receive(&mut state, step * ticks_per_step, &spikes, &mut seen);
    }
    engine.finish(&mut state, case.steps * ticks_per_step, &mut seen);
    seen
}

fn same(found: &Seen<'_>, expected: &Seen<'_>) -> Result<(), TestCaseError> {
    let names = |unit: usize| &expected.network.units[unit].name;
    for (&(step, unit), sent) in &expected.sent {
        let found = found.sent.get(&(step, unit));
        prop_assert_eq!(found, Some(sent), "'{}' in step {}", names(unit), step);
    }
    prop_assert_eq!(found.sent.len(), expected.sent.len(), "spikes that nobody else sends");
    prop_assert_eq!(&found.operations, &expected.operations);
    Ok(())
}

fn case(
    model: impl Strategy<Value = &'static str>,
    convention: impl Strategy<Value = String>,
    biases: bool,
) -> impl Strategy<Value = Case> {
    let pool = select(vec![None, None, Some("SumPool2d"), Some("AvgPool2d")]);
    let flags = prop::array::uniform3(any::<bool>());
    let biases = if biases { 0.3 } else { 0.0 };
    (any::<u64>(), model, convention, pool, flags, prop::bool::weighted(biases)).prop_map(
        |(seed, model, convention, pool, [recurrent, feedback, delays], biases)| Case {
            seed,
            model,
            convention,
            steps: 40,
            pool,
            recurrent,
            feedback,
            delays,
            biases,
            parts: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn in_quanta_it_is_the_clocked_engine(
        case in case(any_model(), convention(), true)
    ) {
        let (network, conventions) = (case.network(), case.conventions());
        let clocked = Clocked::new(&network, &conventions, DT);
        let event = EventDriven::in_quanta(&network, &conventions, DT);
        match (clocked, event) {
            (Ok(clocked), Ok(event)) => {
                same(&run(&event, &network, &case), &run(&clocked, &network, &case))?;
            }
            (clocked, event) => {
                let text = |e: Option<synops::error::Error>| e.map(|e| e.to_string());
                prop_assert_eq!(text(event.err()), text(clocked.err()));
            }
        }
    }

    /// Sums are exact: what is left to be right is when things happen, and in which
    /// order.
    #[test]
    fn without_a_grid_but_with_input_on_one_it_is_the_clocked_engine(
        case in case(Just("IF"), impulses(), false),
        leaks in any::<bool>(),
    ) {
        let case = if leaks { case.leaky() } else { Case { parts: Some(64.0), ..case } };
        let (network, conventions) = (case.network(), case.conventions());
        let clocked = Clocked::new(&network, &conventions, DT).unwrap();
        let event = EventDriven::new(&network, &conventions, DT).unwrap();
        let expected = run(&clocked, &network, &case);
        // and exact as long as nothing runs away
        prop_assume!(expected.most() < 1_000);
        same(&run(&event, &network, &case), &expected)?;
    }

    #[test]
    fn what_is_defined_by_steps_is_the_clocked_engine_without_a_grid(
        case in case(select(STEPWISE.to_vec()), Just("nir".to_owned()), false),
        fire in select(vec!["above", "at-or-above"]),
        reset in select(vec!["to-value", "to-zero"]),
        more in select(vec!["", ",delay=1", ",refractory=3ms"]),
    ) {
        // of KLIF's convention, a leak that halves
        let convention = format!("nir,input=impulse,leak=0.25,fire={fire},reset={reset}{more}");
        let case = Case { convention, steps: 10, parts: Some(8.0), ..case };
        let (network, conventions) = (case.network(), case.conventions());
        let clocked = Clocked::new(&network, &conventions, DT).unwrap();
        let event = EventDriven::new(&network, &conventions, DT).unwrap();
        same(&run(&event, &network, &case), &run(&clocked, &network, &case))?;
    }
}

impl Case {
    /// With a potential that halves in every step, few enough of them that 24 bits
    /// hold it.
    fn leaky(self) -> Case {
        let reset = if self.seed.is_multiple_of(2) { "to-value" } else { "to-zero" };
        let more = if self.seed.is_multiple_of(3) { ",refractory=3ms" } else { "" };
        let convention = format!("nir,input=impulse,leak=0.5,reset={reset}{more}");
        Case { model: "LIF", convention, steps: 10, parts: Some(8.0), ..self }
    }
}

/// Conventions by which IF has a meaning without a clock.
fn impulses() -> impl Strategy<Value = String> {
    let fire = select(vec!["above", "at-or-above"]);
    let reset = select(vec!["subtract", "to-value", "to-zero"]);
    let more =
        select(vec!["", ",delay=1", ",refractory=3ms", ",floor=minus-threshold", ",floor=-0.5"]);
    let one = (fire, reset, more).prop_map(|(fire, reset, more)| {
        format!("nir,input=impulse,fire={fire},reset={reset}{more}")
    });
    let many = select(vec!["sinabs", "sinabs,delay=1", "sinabs,reset=to-value"]);
    prop_oneof![3 => one, 1 => many.prop_map(str::to_owned)]
}

/// One neuron behind a dense layer of eight inputs.
fn neuron(model: &str, fields: &[(&str, f64)], weights: [f32; 8], bias: f32) -> Network {
    let one = |value: f64| Array::floats(&[1], vec![value as f32]);
    let fields = fields.iter().map(|&(field, value)| (field, one(value))).collect();
    let affine = vec![
        ("weight", Array::floats(&[1, 8], weights.to_vec())),
        ("bias", Array::floats(&[1], vec![bias])),
    ];
    let nodes = vec![node("w", "Affine", affine), node("cell", model, fields)];
    build::network(&[8], nodes, &[1], &["in w cell out"])
}

/// What the output sent, by microsecond.
#[derive(Default)]
struct Output(Vec<(u64, f64)>);

impl Observer for Output {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        // units are counted in the order of the nodes
        if unit == 3 {
            self.0.extend(sent.iter().map(|(_, value, _)| (step, f64::from(value))));
        }
    }
}

/// The output for single events, `(µs, input)`, ascending.
fn answer(network: &Network, convention: &str, events: &[(u64, u32)], end: u64) -> Vec<(u64, f64)> {
    let engine = EventDriven::new(network, &convention.parse().unwrap(), DT).unwrap();
    let (mut state, mut output) = (engine.start(), Output::default());
    for simultaneous in events.chunk_by(|a, b| a.0 == b.0) {
        let mut spikes = Spikes::default();
        simultaneous.iter().for_each(|&(_, input)| spikes.push(input, 1.0, 1));
        engine.receive(&mut state, simultaneous[0].0, &spikes, &mut output);
    }
    engine.finish(&mut state, end, &mut output);
    output.0
}

/// Spike times, each as a microsecond that holds it or is next to it.
fn assert_times(found: &[(u64, f64)], expected: impl IntoIterator<Item = f64>) {
    let expected: Vec<f64> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{found:?} for {expected:?}");
    for (&(found, _), expected) in found.iter().zip(expected) {
        let off = found as f64 + 0.5 - expected;
        assert!(off.abs() <= 1.5, "a spike at {found} µs, expected at {expected}");
    }
}

/// A CubaLIF neuron and what it hears.
#[derive(Clone, Debug)]
struct Cuba {
    tau_syn: f64,
    tau_mem: f64,
    v_leak: f64,
    v_reset: f64,
    subtract: bool,
    bias: f32,
    weights: [f32; 8],
    events: Vec<(u64, u32)>,
}

const CUBA_END: u64 = 60_000;

impl Cuba {
    fn network(&self) -> Network {
        let fields = [
            ("tau_syn", self.tau_syn),
            ("tau_mem", self.tau_mem),
            ("r", 1.0),
            ("v_leak", self.v_leak),
            ("v_threshold", 1.0),
            ("v_reset", self.v_reset),
        ];
        neuron("CubaLIF", &fields, self.weights, self.bias)
    }

    /// d(v, I)/dt per µs; the bias is an impulse each dt, spread over it.
    fn slope(&self, [v, i]: [f64; 2]) -> [f64; 2] {
        let tau = |tau: f64| f64::from(tau as f32) * 1e6;
        let (leak, bias) = (f64::from(self.v_leak as f32), f64::from(self.bias));
        [(leak - v + i) / tau(self.tau_mem), -i / tau(self.tau_syn) + bias / DT.0 as f64]
    }

    /// One Runge-Kutta step of `h` µs.
    fn stepped(&self, s: [f64; 2], h: f64) -> [f64; 2] {
        let along = |k: [f64; 2], h: f64| [s[0] + h * k[0], s[1] + h * k[1]];
        let k1 = self.slope(s);
        let k2 = self.slope(along(k1, h / 2.0));
        let k3 = self.slope(along(k2, h / 2.0));
        let k4 = self.slope(along(k3, h));
        let mean = |j: usize| (k1[j] + 2.0 * (k2[j] + k3[j]) + k4[j]) / 6.0;
        along([mean(0), mean(1)], h)
    }

    /// Spike times in steps of 1 µs, each crossing halved down to; and how close
    /// to the threshold the potential turns back.
    fn reference(&self) -> (Vec<f64>, f64) {
        let (mut state, mut times, mut margin) =
            ([f64::from(self.v_leak as f32), 0.0], vec![], 1.0);
        let mut events = self.events.iter().peekable();
        for now in 0..CUBA_END {
            while let Some((_, input)) = events.next_if(|(t, _)| *t == now) {
                state[1] += f64::from(self.weights[*input as usize]);
            }
            let mut left = 1.0;
            while self.stepped(state, left)[0] >= 1.0 {
                let (mut below, mut above) = (0.0, left);
                for _ in 0..60 {
                    let middle = (below + above) / 2.0;
                    match self.stepped(state, middle)[0] >= 1.0 {
                        true => above = middle,
                        false => below = middle,
                    }
                }
                state = self.stepped(state, above);
                times.push(now as f64 + 1.0 - left + above);
                state[0] =
                    if self.subtract { state[0] - 1.0 } else { f64::from(self.v_reset as f32) };
                left -= above;
            }
            let before = state[0];
            state = self.stepped(state, left);
            if state[0] < before {
                margin = f64::min(margin, 1.0 - before);
            }
        }
        (times, margin)
    }

    /// Scales the weights so that a single spike of the first input from rest peaks
    /// just so far above the threshold.
    fn grazing(mut self, excess: f64) -> Cuba {
        let (s, m) = (self.tau_syn, self.tau_mem);
        let peak = (s / m).ln() * s * m / (s - m);
        let height = s / (s - m) * ((-peak / s).exp() - (-peak / m).exp());
        self.weights[0] = ((1.0 + excess - self.v_leak) / height) as f32;
        self.bias = 0.0;
        self.events = vec![(100, 0)];
        self
    }
}

fn cuba() -> impl Strategy<Value = Cuba> {
    let taus = [1e-3f64..3e-2, 1e-3..3e-2];
    let potentials = [-0.2..0.3, -0.5..0.5];
    let events = prop::collection::vec((0..CUBA_END, 0..8u32), 1..40);
    let bias = prop_oneof![Just(0.0f32), -0.1f32..0.3];
    let weights = prop::array::uniform8(-1.5f32..4.0);
    (taus, potentials, any::<bool>(), bias, weights, events, prop::option::of(-5.5f64..-2.0))
        .prop_map(
            |(
                [tau_syn, tau_mem],
                [v_leak, v_reset],
                subtract,
                bias,
                weights,
                mut events,
                graze,
            )| {
                events.sort_unstable();
                let cuba =
                    Cuba { tau_syn, tau_mem, v_leak, v_reset, subtract, bias, weights, events };
                match graze {
                    Some(excess) => cuba.grazing(10f64.powf(excess)),
                    None => cuba,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Also where the potential only grazes the threshold: up and down again within
    /// a few microseconds.
    #[test]
    fn two_time_constants_miss_no_crossing(cuba in cuba()) {
        let (expected, margin) = cuba.reference();
        prop_assume!(margin > 1e-6);
        let reset = if cuba.subtract { "subtract" } else { "to-value" };
        let convention = format!("nir,input=impulse,reset={reset}");
        assert_times(&answer(&cuba.network(), &convention, &cuba.events, CUBA_END), expected);
    }
}

#[test]
fn a_constant_current_fires_at_the_times_that_paper_gives() {
    let (tau, leak, theta, reset, bias) = (0.01, 0.125, 1.0, -0.25, 1.5);
    let fields =
        [("tau", tau), ("r", 1.0), ("v_leak", leak), ("v_threshold", theta), ("v_reset", reset)];
    let lif = neuron("LIF", &fields, [0.0; 8], bias as f32);
    let tau = f64::from(tau as f32) * 1e6;
    let rest = leak + bias;
    let (first, period) =
        (tau * ((rest - leak) / (rest - theta)).ln(), tau * ((rest - reset) / (rest - theta)).ln());
    let times = |refractory: f64| {
        (0..).map(move |k| first + f64::from(k) * (period + refractory)).take_while(|&t| t < 1e5)
    };
    assert_times(&answer(&lif, "nir", &[], 100_000), times(0.0));
    assert_times(&answer(&lif, "nir,refractory=2500us", &[], 100_000), times(2_500.0));

    // an impulse of 1/4 each dt: θ after 4 dt, whatever is subtracted
    let fields = [("r", 1.0), ("v_threshold", 1.0), ("v_reset", 0.0)];
    let integrator = neuron("IF", &fields, [0.0; 8], 0.25);
    let times =
        |period: f64| (0..).map(move |k| 4e3 + f64::from(k) * period).take_while(|&t| t < 1e5);
    assert_times(&answer(&integrator, "nir", &[], 100_000), times(4e3));
    assert_times(&answer(&integrator, "nir,refractory=2ms", &[], 100_000), times(6e3));
}

#[test]
fn neurons_of_a_population_keep_their_own_time() {
    let each = |values: [f32; 2]| Array::floats(&[2], values.to_vec());
    let fields = vec![
        ("tau", each([0.01, 0.02])),
        ("r", each([1.0, 1.0])),
        ("v_leak", each([0.0, 0.0])),
        ("v_threshold", each([0.5, 0.5])),
        ("v_reset", each([0.0, 0.0])),
    ];
    let affine = vec![("weight", Array::floats(&[2, 1], vec![0.0; 2])), ("bias", each([1.0, 1.0]))];
    let nodes = vec![node("w", "Affine", affine), node("cell", "LIF", fields)];
    let network = build::network(&[1], nodes, &[2], &["in w cell out"]);
    // τ ln 2 each time
    let times = |tau: f32| {
        let period = f64::from(tau) * 1e6 * std::f64::consts::LN_2;
        (1..).map(move |k| f64::from(k) * period).take_while(|&t| t < 1e5)
    };
    let mut expected: Vec<f64> = times(0.01).chain(times(0.02)).collect();
    expected.sort_by(f64::total_cmp);
    assert_times(&answer(&network, "nir", &[], 100_000), expected);
}

#[test]
fn what_arrives_in_the_refractory_time_is_lost() {
    let fields = [("r", 1.0), ("v_threshold", 1.0), ("v_reset", 0.0)];
    let network = neuron("IF", &fields, [1.0; 8], 0.0);
    let events = [(10, 0), (11, 0), (1_010, 0), (2_010, 0), (2_011, 0), (4_012, 1)];
    let times = |convention: &str| {
        let sent = answer(&network, convention, &events, 10_000);
        sent.into_iter().map(|(t, _)| t).collect::<Vec<_>>()
    };
    assert_eq!(times("nir,fire=at-or-above"), [10, 11, 1_010, 2_010, 2_011, 4_012]);
    assert_eq!(times("nir,fire=at-or-above,refractory=2ms"), [10, 2_011, 4_012]);
}

#[test]
fn charge_that_a_reset_leaves_is_spent_step_by_step() {
    let fields = [("r", 1.0), ("v_threshold", 1.0), ("v_reset", 0.0)];
    let network = neuron("IF", &fields, [3.5, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0.0);
    let times = |convention: &str| {
        let sent = answer(&network, convention, &[(7, 0), (507, 1)], 20_000);
        sent.into_iter().map(|(t, _)| t).collect::<Vec<_>>()
    };
    // 3.5 at 7 µs, 1 more at 507 µs, one spike each 1 ms: four in all
    assert_eq!(times("nir,reset=subtract"), [7, 1_007, 2_007, 3_007]);
    assert_eq!(times("nir,reset=subtract,refractory=2ms"), [7, 3_007, 6_007]);
}

#[test]
fn a_potential_is_answered_with_its_mean() {
    let (tau, leak, weight) = (0.005, 0.25, 2.0);
    let fields = [("tau", tau), ("r", 1.0), ("v_leak", leak)];
    let network = neuron("LI", &fields, [weight as f32; 8], 0.0);
    let found = answer(&network, "nir,input=impulse", &[(3_000, 0)], 20_000);
    // ∫ v dt / dt: v_leak all the time, and an impulse's exponential for 17 ms
    let tau = f64::from(tau as f32) * 1e3;
    let expected = leak * 20.0 + weight * tau * (1.0 - (-17.0 / tau).exp());
    assert_eq!(found.len(), 1);
    assert!((found[0].1 - expected).abs() < 1e-5 * expected, "{found:?}, expected {expected}");
}

#[test]
fn what_needs_a_clock_says_so() {
    let fields = [("tau", 0.01), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)];
    let network = neuron("LIF", &fields, [1.0; 8], 0.0);
    for convention in ["spikingjelly", "snntorch", "nir,when=next-step"] {
        let conventions = convention.parse().unwrap();
        let error = EventDriven::new(&network, &conventions, DT).err().unwrap().to_string();
        assert!(error.starts_with("node 'cell' (LIF)"), "{error}");
        assert!(error.ends_with("or --quantum; or --engine clocked"), "{error}");
        assert!(EventDriven::in_quanta(&network, &conventions, DT).is_ok());
    }
}

/// A population of one KLIF neuron with τ = 8 ms and this k.
fn klif(k: f64, weight: f32, bias: f32) -> Network {
    let fields = [("tau", 8e-3), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0), ("k", k)];
    let fields: Vec<_> = fields.into_iter().chain([("step", 1e-3)]).collect();
    neuron("KLIF", &fields, [weight; 8], bias)
}

#[test]
fn a_potential_that_grows_reaches_its_threshold_alone() {
    let times = |network: &Network, events: &[(u64, u32)]| {
        answer(network, "nir,input=impulse", events, 20_000)
    };
    // k e^(−1/8) a step; an impulse counts k times
    let k = f64::from(1.5f32);
    let after = -(k * 0.25).ln() / (k.ln() - 0.125) * 1e3;
    assert_times(&times(&klif(1.5, 0.25, 0.0), &[(2_000, 0)]), [2_000.0 + after]);
    // at rest nothing grows, and with k = 1 an impulse fades
    assert_eq!(times(&klif(1.5, 0.25, 0.0), &[]), []);
    assert_eq!(times(&klif(1.0, 0.25, 0.0), &[(2_000, 0)]), []);
}

#[test]
fn what_has_no_meaning_between_steps_is_refused() {
    let refusal = |network: &Network, convention: &str, dt: i64| {
        let conventions = convention.parse().unwrap();
        let event = EventDriven::new(network, &conventions, Micros(dt));
        event.err().unwrap().to_string()
    };
    let da_lif = |beta: f64| {
        let fields = [("alpha", 1.0), ("beta", beta), ("v_threshold", 1.0), ("step", 1e-3)];
        neuron("DALIF", &fields, [1.0; 8], 0.0)
    };
    assert_eq!(
        refusal(&da_lif(-0.5), "nir", 1_000),
        "node 'cell' (DALIF): found 'beta' = -0.5; expected a number above 0 between events; \
         or --quantum; or --engine clocked"
    );
    assert_eq!(
        refusal(&da_lif(0.5), "nir", 10_000),
        "node 'cell' (DALIF): found parameters for steps of 1.00 ms in steps of 10.0 ms; \
         expected --dt 1000us, or step=1000us in the convention to take steps for such"
    );
    assert!(
        EventDriven::new(&da_lif(0.5), &"nir,step=1ms".parse().unwrap(), Micros(10_000)).is_ok()
    );
    assert!(refusal(&klif(1.0, 1.0, 0.0), "spikingjelly", 1_000).contains("leak: euler"));
    assert!(
        refusal(&klif(0.0, 1.0, 0.0), "nir", 1_000).contains("'k' = 0; expected a number above 0")
    );
    assert!(refusal(&klif(1.0, 1.0, 0.0), "sinabs", 1_000).contains("expected spikes=one"));
    let clocked = Clocked::new(&klif(1.0, 1.0, 0.0), &"nir".parse().unwrap(), Micros(2_000));
    assert!(clocked.err().unwrap().to_string().contains("steps of 1.00 ms in steps of 2.00 ms"));
}

#[test]
fn what_something_hears_in_every_step_needs_a_clock() {
    let two = |value: f32| Array::floats(&[2], vec![value; 2]);
    let square = || ("weight", Array::floats(&[2, 2], vec![1.0; 4]));
    let cell = || {
        let fields = vec![("r", two(1.0)), ("v_threshold", two(1.0)), ("v_reset", two(0.0))];
        node("cell", "IF", fields)
    };
    let refusal = |nodes: Vec<Node>, path: &str| {
        let network = build::network(&[2], nodes, &[2], &[path]);
        assert!(EventDriven::in_quanta(&network, &Conventions::default(), DT).is_ok());
        let free = EventDriven::new(&network, &Conventions::default(), DT);
        free.err().unwrap().to_string()
    };
    let bias = node("w", "Affine", vec![square(), ("bias", two(0.5))]);
    let scale = node("s", "Scale", vec![("scale", two(2.0))]);
    assert_eq!(
        refusal(vec![bias, scale, cell()], "in w s cell out"),
        "node 'w': found a bias that 's' hears in every step; \
         expected --quantum, or --engine clocked"
    );
    let fields = vec![("tau", two(0.01)), ("r", two(1.0)), ("v_leak", two(0.0))];
    let (leaky, linear) = (node("li", "LI", fields), node("w", "Linear", vec![square()]));
    assert_eq!(
        refusal(vec![leaky, linear, cell()], "in li w cell out"),
        "node 'li' (LI): found a potential that 'w' hears in every step; \
         expected --quantum, or --engine clocked"
    );
}

#[test]
fn refractory_times_that_do_not_fit_are_refused() {
    let fields = [("r", 1.0), ("v_threshold", 1.0)];
    let network = neuron("IF", &fields, [1.0; 8], 0.0);
    let refusal = |convention: &str| {
        Clocked::new(&network, &convention.parse().unwrap(), DT).err().unwrap().to_string()
    };
    assert_eq!(
        refusal("nir,refractory=1500us"),
        "node 'cell' (IF): found a refractory time of 1.50 ms in steps of 1.00 ms; \
         expected a whole number of steps, or --engine event"
    );
    assert!(refusal("sinabs,refractory=2ms").contains("spikes=many; expected spikes=one"));
    assert!(refusal("snntorch,refractory=2ms").contains("expected when=same-step"));
}

/// An engine does not change while it runs: threads share it.
#[test]
fn two_threads_are_one_after_the_other() {
    let case = |seed: u64| Case {
        seed,
        model: "IF",
        convention: "sinabs".into(),
        steps: 200,
        pool: Some("AvgPool2d"),
        recurrent: true,
        feedback: false,
        delays: true,
        biases: false,
        parts: None,
    };
    let network = case(1).network();
    let conventions = case(1).conventions();
    let free = EventDriven::new(&network, &conventions, DT).unwrap();
    let clocked = Clocked::new(&network, &conventions, DT).unwrap();
    let sent = |seed: u64| {
        (run(&free, &network, &case(seed)).sent, run(&clocked, &network, &case(seed)).sent)
    };
    let alone = (sent(1), sent(2));
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(|| sent(2));
        (sent(1), other.join().unwrap())
    });
    assert!(!alone.0.0.is_empty());
    assert_eq!(both, alone);
}
