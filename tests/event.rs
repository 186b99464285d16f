//! The event-driven engine against the clocked one.

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
