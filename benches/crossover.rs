//! Which engine wins at which event rate and fan-out?
//!
//! A convolution and a population on a real recording whose time is stretched and
//! compressed: a row for each event rate, a column for each number of
//! output channels (25 synapses a channel and event). Cells are time ratios, clocked
//! over event-driven: above 1, the event-driven engine is faster. "in quanta" makes
//! the very spikes of the clocked engine, "no grid" its own. Where `SYNOPS_DATA` is
//! not set, the bundled recording stands in for the real ones.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use synops::bundled;
use synops::engine::{Clocked, Engine, EventDriven};
use synops::event::{Batch, Binner, Field, Grid, InputMode};
use synops::format::Recording;
use synops::layer::LAYERS;
use synops::network::{Graph, Network, Node, NodeKind};
use synops::neuron::MODELS;
use synops::neuron::preset::Conventions;
use synops::record::{Array, Record};
use synops::units::Micros;

/// What the times of the events are multiplied by.
const STRETCH: [f64; 6] = [64.0, 16.0, 4.0, 1.0, 0.25, 0.0625];
const CHANNELS: [usize; 3] = [2, 8, 32];
const MODELS_TRIED: [&str; 2] = ["IF", "LIF"];
const STEPS: [Micros; 2] = [Micros(1_000), Micros(100)];
const KERNEL: usize = 5;

/// Events are cut to this number, so that a row takes seconds.
const MOST: usize = 5_000;

/// Each cell is the best of so many runs, or of those that fit into the time.
const RUNS: usize = 5;
const PATIENCE: Duration = Duration::from_millis(300);

struct Work {
    name: &'static str,
    side: u16,
    events: Batch,
}

fn main() {
    for work in works() {
        for dt in STEPS {
            for model in MODELS_TRIED {
                for quanta in [true, false] {
                    table(&work, model, dt, quanta);
                }
            }
        }
    }
}

fn works() -> Vec<Work> {
    let open = |name: &'static str, side, mut recording: Recording| {
        let mut events = Batch::default();
        while recording.decode(&mut events).unwrap() {}
        events.truncate(MOST);
        Work { name, side, events }
    };
    match std::env::var_os("SYNOPS_DATA").map(PathBuf::from) {
        Some(data) => {
            let read = |path: &str| Recording::open(&data.join(path), None).unwrap();
            vec![
                open("N-MNIST, 34×34", 34, read("nmnist/Train/0/00002.bin")),
                open("MovingDarkBox, 128×128", 128, read("recordings/aedat2/MovingDarkBox.aedat")),
            ]
        }
        None => {
            eprintln!("SYNOPS_DATA is not set: the bundled recording only");
            let bytes = bundled::RECORDING.bytes.to_vec();
            vec![open(
                "bundled, 128×128",
                128,
                Recording::from_bytes(bundled::RECORDING.name, bytes).unwrap(),
            )]
        }
    }
}

fn table(work: &Work, model: &str, dt: Micros, quanta: bool) {
    let what = if quanta { format!("in quanta of {dt}") } else { "no grid".to_owned() };
    println!("\n{}, {model}: clocked at {dt} over event-driven, {what}", work.name);
    let head: String = CHANNELS.iter().map(|c| format!("{:>10}", c * KERNEL * KERNEL)).collect();
    println!("{:>16}{head}  synapses an event", "events/s");
    for stretch in STRETCH {
        let span = (work.events.t[work.events.len() - 1] - work.events.t[0]) as f64 * stretch;
        let rate = work.events.len() as f64 / (span * 1e-6);
        let cells: String = CHANNELS
            .iter()
            .map(|&channels| {
                format!("{:>10.2}", ratio(work, stretch, (model, channels), dt, quanta))
            })
            .collect();
        println!("{rate:>16.0}{cells}");
    }
}

fn ratio(
    work: &Work,
    stretch: f64,
    (model, channels): (&str, usize),
    dt: Micros,
    quanta: bool,
) -> f64 {
    let network = network(work.side, model, channels);
    let conventions: Conventions = "nir,input=impulse".parse().unwrap();
    let mut events = work.events.clone();
    let first = events.t[0];
    events.t.iter_mut().for_each(|t| *t = ((*t - first) as f64 * stretch) as i64);
    let clocked = Clocked::new(&network, &conventions, dt).unwrap();
    let clocked = best(|| run(&clocked, work.side, &events, dt));
    let event = match quanta {
        true => {
            let event = EventDriven::in_quanta(&network, &conventions, dt).unwrap();
            best(|| run(&event, work.side, &events, dt))
        }
        false => {
            let event = EventDriven::new(&network, &conventions, dt).unwrap();
            best(|| run(&event, work.side, &events, dt))
        }
    };
    clocked / event
}

fn best(mut run: impl FnMut()) -> f64 {
    let began = Instant::now();
    let times = (0..RUNS).map_while(|n| {
        if n > 0 && began.elapsed() > PATIENCE {
            return None;
        }
        let began = Instant::now();
        run();
        Some(began.elapsed().as_secs_f64())
    });
    times.fold(f64::INFINITY, f64::min)
}

fn run(engine: &impl Engine, side: u16, events: &Batch, dt: Micros) {
    let grid = Grid { start: 0, dt: engine.tick() };
    let field = Field { width: side, height: side, channels: 2, channels_first: false };
    let mut binner = Binner::new(grid, field, InputMode::Counts, None);
    let mut state = engine.start();
    binner.push(events, 0..events.len(), |tick, input| {
        engine.receive(&mut state, tick, input, &mut ());
    });
    let ticks = binner.finish(|tick, input| engine.receive(&mut state, tick, input, &mut ()));
    let per_step = (dt.0 / engine.tick().0) as u64;
    engine.finish(&mut state, ticks.div_ceil(per_step) * per_step, &mut ());
}

/// Convolution and neurons, LIF with τ = 20 ms; a neuron fires for about every tenth synaptic
/// operation.
fn network(side: u16, model: &str, channels: usize) -> Network {
    let mut random = Pcg64::seed_from_u64(1);
    let mut weights = |n: usize| (0..n).map(|_| random.random_range(-0.2f32..0.3)).collect();
    let side = usize::from(side);
    let shape = [channels, side, side];
    let all = |value: f32| Array::floats(&shape, vec![value; channels * side * side]);
    let mut conv = Record::default();
    let kernel = [channels, 2, KERNEL, KERNEL];
    conv.put("weight", Array::floats(&kernel, weights(kernel.iter().product())));
    conv.put("bias", Array::floats(&[channels], vec![0.0; channels]));
    for (field, value) in [("stride", 1), ("padding", KERNEL as i64 / 2), ("dilation", 1)] {
        conv.put(field, Array::integer(value));
    }
    let mut lif = Record::default();
    for (field, value) in
        [("tau", 0.02), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 0.5), ("v_reset", 0.0)]
    {
        lif.put(field, all(value));
    }
    let layer = LAYERS.iter().find(|layer| layer.nir == "Conv2d").unwrap();
    let model = MODELS.iter().find(|of| of.nir == model).unwrap();
    let axes = |[c, h, w]: [usize; 3]| Array::integers(&[c as i64, h as i64, w as i64]);
    let nodes = vec![
        Node::new("in", NodeKind::Input(axes([2, side, side]))),
        Node::new("conv", NodeKind::Layer((layer.read)(&mut conv).unwrap())),
        Node::new("lif", NodeKind::Neuron(model.read(&mut lif).unwrap())),
        Node::new("out", NodeKind::Output(axes(shape))),
    ];
    let names = ["in", "conv", "lif", "out"].map(str::to_owned);
    let edges = names.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    Network::new(Graph { nodes, edges, ..Graph::default() }).unwrap()
}
