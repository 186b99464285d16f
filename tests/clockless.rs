//! The event-driven engine without a grid, neuron by neuron: against closed forms and a
//! fine reference that are written out here, and what it refuses.

mod build;

use build::node;
use proptest::prelude::*;
use synops::engine::{Clocked, Engine, EventDriven, Observer};
use synops::network::{Network, Node};
use synops::neuron::preset::Conventions;
use synops::record::Array;
use synops::signal::Spikes;
use synops::units::Micros;

const DT: Micros = Micros(1_000);

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
struct Output {
    unit: usize,
    sent: Vec<(u64, f64)>,
}

impl Observer for Output {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit == self.unit {
            self.sent.extend(sent.iter().map(|(_, value, _)| (step, f64::from(value))));
        }
    }
}

/// The output for single events, `(µs, input)`, ascending.
fn answer(network: &Network, convention: &str, events: &[(u64, u32)], end: u64) -> Vec<(u64, f64)> {
    let engine = EventDriven::new(network, &convention.parse().unwrap(), DT).unwrap();
    let (mut state, mut output) =
        (engine.start(), Output { unit: network.output, sent: Vec::new() });
    for simultaneous in events.chunk_by(|a, b| a.0 == b.0) {
        let mut spikes = Spikes::default();
        simultaneous.iter().for_each(|&(_, input)| spikes.push(input, 1.0, 1));
        engine.receive(&mut state, simultaneous[0].0, &spikes, &mut output);
    }
    engine.finish(&mut state, end, &mut output);
    output.sent
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
    let leaky = [("tau", 1e-2), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)];
    let lif = neuron("LIF", &leaky, [1.0; 8], 0.0);
    assert!(refusal(&lif, "nir,leak=1,input=impulse", 1_000).contains("found convention leak: 1"));
    let times = [("tau_syn", 5e-3), ("tau_mem", 1e-2), ("r", 1.0), ("v_leak", 0.0)];
    let more = [("v_threshold", 1.0), ("w_in", 1.0)];
    let cuba = neuron("CubaLIF", &[&times[..], &more].concat(), [1.0; 8], 0.0);
    for factor in ["leak=0.9", "leak=0.9,input=impulse", "leak=1"] {
        let found = refusal(&cuba, &format!("nir,{factor}"), 1_000);
        assert!(found.contains("found convention leak: "), "{found}");
    }
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
    // one of zeros says nothing
    let spikes = |node: Node| {
        let scale = self::node("s", "Scale", vec![("scale", two(2.0))]);
        let nodes = vec![node, scale, cell()];
        let network = build::network(&[2], nodes, &[2], &["in w s cell out"]);
        answer(&network, "nir", &[(1_000, 0), (4_000, 1)], 9_000)
    };
    let silent = spikes(node("w", "Affine", vec![square(), ("bias", two(0.0))]));
    assert_eq!(silent, [(1_000, 1.0), (1_000, 1.0), (4_000, 1.0), (4_000, 1.0)], "twice 2 > 1");
    assert_eq!(silent, spikes(node("w", "Linear", vec![square()])));
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

/// An IF neuron whose own spikes come back to it, each enough for another.
#[test]
fn a_loop_goes_round_once_a_microsecond_at_most() {
    let one = |value: f32| Array::floats(&[1], vec![value]);
    let weight = || vec![("weight", Array::floats(&[1, 1], vec![2.0]))];
    for (delay, spikes, said) in [(1e-8, 2_000, 1), (1e-6, 2_000, 0), (4e-6, 500, 0)] {
        let nodes = vec![
            node("w", "Linear", weight()),
            node("cell", "IF", vec![("r", one(1.0)), ("v_threshold", one(1.0))]),
            node("late", "Delay", vec![("delay", one(delay))]),
            node("again", "Linear", weight()),
        ];
        let paths = ["in w cell out", "cell late again cell"];
        let network = build::network(&[1], nodes, &[1], &paths);
        assert_eq!(answer(&network, "nir", &[(0, 0)], 2_000).len(), spikes, "{delay} s");
        let notes = EventDriven::new(&network, &Conventions::default(), DT).unwrap().plan().clone();
        assert_eq!(notes.notes.len(), said, "{:?}", notes.notes);
        let text = "'late': delays below 1.00 µs are taken for 1.00 µs";
        assert!(notes.notes.iter().all(|note| note == text), "{:?}", notes.notes);
    }
}
