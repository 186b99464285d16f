//! How near is the engine to what the machine can do?
//!
//! Each line sets the engine beside something else on the same work, in turns, and
//! gives the median and the range of the ratio: 2 is twice as fast as what it is set
//! beside.
//!
//! - *synaptic operations*: a dense layer and its neurons in the engine, beside a bare
//!   loop that does nothing but add the rows of the same spikes into registers, the
//!   weights in L2: the machine's own rate for this access;
//! - *dense path*: a convolution at activities from 0 to 1, beside the same one at
//!   activity 1, which is where every input counts;
//! - *registers*: the same in the narrowest registers (a process settles on one width,
//!   so this calls itself);
//! - *threads*: one recording on all cores beside one;
//! - *real time*: a network trained on gestures on a real recording of 40 s, as it is and
//!   with its time compressed to 6 s, by steps and by events, beside the clock on the
//!   wall. Where `SYNOPS_DATA` is not set, this is left out.

#[path="../benches/turns/mod.rs"] mod turns;

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::ThreadPoolBuilder;
use synops::engine::{Clocked, Engine, EventDriven, Observer, Operations};
use synops::event::{Batch, Binner, Field, Grid, InputMode};
use synops::format::Recording;
use synops::layer::LAYERS;
use synops::network::{Graph, Network, Node, NodeKind, nir};
use synops::neuron::MODELS;
use synops::record::{Array, Record};
use synops::signal::Spikes;
use synops::signal::simd::{Kernel, Width, dispatch, settle_on};
use synops::units::Micros;
use turns::{compare, milliseconds, seconds};

const ROUNDS: usize = 15;
const DT: Micros = Micros(1_000);
/// What a call of itself settles on, and that it prints a time and no table.
const NARROW: &str = "--narrow";

fn main() {
    if std::env::args().any(|argument| argument == NARROW) {
        assert!(settle_on(Width::Baseline));
        println!("{}", gesture_like(3)());
        return;
    }
    println!("{:48}{:>12}{:>12}  ratio (range)", "", "beside", "engine");
    synaptic_operations();
return;
    registers();
    threads();
    real_time();
}

/// Counts operations.
#[derive(Default)]
struct Count(u64);

impl Observer for Count {
    fn operated(&mut self, _step: u64, _unit: usize, operations: Operations) {
        self.0 += operations.synaptic;
    }
}

/// The bare loop: rows of 64 weights into 64 registers' lanes.
struct Rows<'a> {
    weights: &'a [f32],
    outputs: usize,
    spikes: &'a Spikes,
    sums: &'a mut [f32],
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (tile, sums) in self.sums.as_chunks_mut::<64>().0.iter_mut().enumerate() {
            let mut held = *sums;
            for &index in &self.spikes.index {
                let row = &self.weights[index as usize * self.outputs + tile * 64..];
                let row: &[f32; 64] = row.first_chunk().unwrap();
                held = std::array::from_fn(|i| held[i] + row[i]);
            }
            *sums = held;
        }
    }
}

fn synaptic_operations() {
    const STEPS: u64 = 200_000;
    for (inputs, outputs) in [(1152, 128)] {
        for active in [16] {
            let mut random = Pcg64::seed_from_u64(1);
            let weight: Vec<f32> =
                (0..inputs * outputs).map(|_| random.random_range(-0.2..0.1)).collect();
            let network = chain(
                &[inputs],
                vec![
                    ("Linear", vec![("weight", Array::floats(&[outputs, inputs], weight.clone()))]),
                    ("IF", neurons(&[outputs], None)),
                ],
                &[outputs],
            );
            let input: Vec<Spikes> = (0..64)
                .map(|_| spikes(&mut random, inputs, active as f64 / inputs as f64))
                .collect();
            let engine = Clocked::new(&network, &"sinabs".parse().unwrap(), DT).unwrap();
            let (mut sums, mut count) = (vec![0.0; outputs], Count::default());
            (0..STEPS).fold(engine.start(), |mut state, step| {
                engine.receive(&mut state, step, &input[step as usize % 64], &mut count);
                state
            });
            let name = format!("synaptic operations, {inputs} to {outputs}, {active} spikes");
            let bare = || {
                seconds(|| {
                    for step in 0..STEPS as usize {
                        let spikes = &input[step % 64];
                        dispatch(Rows { weights: &weight, outputs, spikes, sums: &mut sums });
                        black_box(&sums);
                    }
                })
            };
            let rate = |seconds: f64| format!("{:.2} G/s", count.0 as f64 * 1e-9 / seconds);
            compare::<ROUNDS>(&name, rate, bare, || {
                let mut state = engine.start();
                seconds(|| {
                    for step in 0..STEPS {
                        engine.receive(&mut state, step, &input[step as usize % 64], &mut ());
                    }
                })
            });
        }
    }
}

fn dense_path() {
    for channels in [32, 128] {
        let side = if channels == 32 { 64 } else { 32 };
        let network = convolution(channels, side);
        let engine = Clocked::new(&network, &"spikingjelly".parse().unwrap(), DT).unwrap();
        let at = |activity: f64| {
            let mut random = Pcg64::seed_from_u64(2);
            spikes(&mut random, channels * side * side, activity)
        };
        let run = |input: &Spikes| {
            let mut state = engine.start();
            // once for the memory, and to find the best way
            (0..9).for_each(|step| engine.receive(&mut state, step, input, &mut ()));
            seconds(|| engine.receive(&mut state, 9, input, &mut ()))
        };
        let full = at(1.0);
        for activity in [0.0, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0] {
            let input = at(activity);
            let name =
                format!("{channels} channels, {side}×{side}, 3×3, activity {activity}: full");
            compare::<ROUNDS>(&name, milliseconds, || run(&full), || run(&input));
        }
    }
}

fn registers() {
    let narrow = || {
        let itself = Command::new(std::env::current_exe().unwrap()).arg(NARROW).output().unwrap();
        String::from_utf8(itself.stdout).unwrap().trim().parse().unwrap()
    };
    compare::<ROUNDS>(
        "a gesture network: narrowest registers",
        milliseconds,
        narrow,
        gesture_like(3),
    );
}

fn threads() {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let on = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut run = gesture_like(30);
        move || pool.install(&mut run)
    };
    compare::<ROUNDS>(
        &format!("a wide network on {all} threads: on 1"),
        milliseconds,
        on(1),
        on(all),
    );
}

/// Times two convolutions and a pool over 128×128 pixels, of which so many percent send
/// in a step.
fn gesture_like(percent: usize) -> impl FnMut() -> f64 + Send {
    const SIDE: usize = 128;
    let channels = if percent > 10 { 64 } else { 16 };
    let mut random = Pcg64::seed_from_u64(5);
    let network = chain(
        &[2, SIDE, SIDE],
        vec![
            ("Conv2d", kernel(&mut random, [channels, 2], 0.3)),
            ("LIF", neurons(&[channels, SIDE, SIDE], Some(0.005))),
            ("SumPool2d", pool()),
            ("Conv2d", kernel(&mut random, [channels, channels], 0.05)),
            ("LIF", neurons(&[channels, SIDE / 2, SIDE / 2], Some(0.005))),
        ],
        &[channels, SIDE / 2, SIDE / 2],
    );
    let input: Vec<Spikes> =
        (0..8).map(|_| spikes(&mut random, 2 * SIDE * SIDE, percent as f64 / 100.0)).collect();
    let engine = Clocked::new(&network, &"spikingjelly".parse().unwrap(), DT).unwrap();
    move || {
        let mut state = engine.start();
        engine.receive(&mut state, 0, &input[0], &mut ());
        seconds(|| {
            for step in 1..20 {
                engine.receive(&mut state, step, &input[step as usize % 8], &mut ());
            }
        })
    }
}

fn real_time() {
    let Some(data) = std::env::var_os("SYNOPS_DATA").map(PathBuf::from) else {
        eprintln!("SYNOPS_DATA is not set: no real recording");
        return;
    };
    let network = nir::read(&data.join("sinabs/sinabs_dvs_gesture.nir")).unwrap();
    let network = Network::new(network).unwrap();
    let path = data.join("recordings/aedat2/MovingDarkBox.aedat");
    let (mut recording, mut events) = (Recording::open(&path, None).unwrap(), Batch::default());
    while recording.decode(&mut events).unwrap() {}
    let first = events.t[0];
    events.t.iter_mut().for_each(|t| *t -= first);
    let whole = events.t[events.len() - 1] as f64 * 1e-6;
    for span in [whole, 6.0] {
        let mut events = events.clone();
        events.t.iter_mut().for_each(|t| *t = (*t as f64 * span / whole) as i64);
        let conventions = "sinabs".parse().unwrap();
        let clocked = Clocked::new(&network, &conventions, DT).unwrap();
        let event = EventDriven::new(&network, &conventions, DT).unwrap();
        let name = |how: &str| format!("gesture network, {span:.1} s, {how}: real time");
        let one = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        one.install(|| {
            compare::<ROUNDS>(
                &name("1 ms steps"),
                milliseconds,
                || span,
                || run(&clocked, &events),
            );
            compare::<ROUNDS>(&name("by events"), milliseconds, || span, || run(&event, &events));
        });
    }
}

/// Bins the events and runs them, in seconds.
fn run(engine: &impl Engine, events: &Batch) -> f64 {
    let grid = Grid { start: 0, dt: engine.tick() };
    let field = Field { width: 128, height: 128, channels: 2, channels_first: false };
    let mut binner = Binner::new(grid, field, InputMode::Counts, None);
    let mut state = engine.start();
    seconds(|| {
        binner.push(events, 0..events.len(), |tick, input| {
            engine.receive(&mut state, tick, input, &mut ());
        });
        let ticks = binner.finish(|tick, input| engine.receive(&mut state, tick, input, &mut ()));
        engine.finish(&mut state, ticks, &mut ());
    })
}

fn convolution(channels: usize, side: usize) -> Network {
    let mut random = Pcg64::seed_from_u64(4);
    let shape = [channels, side, side];
    let nodes = vec![
        ("Conv2d", kernel(&mut random, [channels, channels], 0.02)),
        ("LIF", neurons(&shape, Some(0.002))),
    ];
    chain(&shape, nodes, &shape)
}

/// Each address with this probability.
fn spikes(random: &mut Pcg64, addresses: usize, activity: f64) -> Spikes {
    let mut spikes = Spikes::default();
    for address in 0..addresses as u32 {
        if random.random_bool(activity) {
            spikes.push(address, 1.0, 1);
        }
    }
    spikes
}

type Fields = Vec<(&'static str, Array)>;

fn kernel(random: &mut Pcg64, [outputs, inputs]: [usize; 2], scale: f32) -> Fields {
    let shape = [outputs, inputs, 3, 3];
    let count = shape.iter().product();
    let weight = (0..count).map(|_| scale * random.random_range(-0.6f32..1.0)).collect();
    let one = || Array::integer(1);
    vec![
        ("weight", Array::floats(&shape, weight)),
        ("bias", Array::floats(&[outputs], vec![0.0; outputs])),
        ("stride", one()),
        ("padding", one()),
        ("dilation", one()),
    ]
}

fn pool() -> Fields {
    let sizes = ["kernel_size", "stride", "padding"].into_iter().zip([2, 2, 0]);
    sizes.map(|(name, size)| (name, Array::integer(size))).collect()
}

/// IF, or LIF with this time constant.
fn neurons(shape: &[usize], tau: Option<f32>) -> Fields {
    let all = |value: f32| Array::floats(shape, vec![value; shape.iter().product()]);
    let mut fields = vec![("r", all(1.0)), ("v_threshold", all(1.0)), ("v_reset", all(0.0))];
    if let Some(tau) = tau {
        fields.extend([("tau", all(tau)), ("v_leak", all(0.0))]);
    }
    fields
}

/// One node behind the other between an input and an output.
fn chain(input: &[usize], nodes: Vec<(&str, Fields)>, output: &[usize]) -> Network {
    let axes = |shape: &[usize]| {
        Array::integers(&shape.iter().map(|&axis| axis as i64).collect::<Vec<_>>())
    };
    let mut all = vec![Node::new("in", NodeKind::Input(axes(input)))];
    for (number, (kind, fields)) in nodes.into_iter().enumerate() {
        let mut record = Record::default();
        fields.into_iter().for_each(|(name, array)| record.put(name, array));
        let kind = match LAYERS.iter().find(|layer| layer.nir == kind) {
            Some(layer) => NodeKind::Layer((layer.read)(&mut record).unwrap()),
            None => {
                let model = MODELS.iter().find(|model| model.nir == kind).unwrap();
                NodeKind::Neuron(model.read(&mut record).unwrap())
            }
        };
        all.push(Node::new(number.to_string(), kind));
    }
    all.push(Node::new("out", NodeKind::Output(axes(output))));
    let names: Vec<String> = all.iter().map(|node| node.name.clone()).collect();
    let edges = names.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    Network::new(Graph { nodes: all, edges, ..Graph::default() }).unwrap()
}
