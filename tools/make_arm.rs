//! Makes a recording and a network that tests know by heart:
//!
//! ```text
//! cargo run --release --example make_arm
//! ```
//!
//! **The recording.** A bright arm circles before a DVS128, first one way and then
//! the other, with a pause between. Each pixel sees how much of it the arm covers,
//! in log intensity, and sends an event whenever that has changed by the pixel's
//! own threshold since its last event; now and then a pixel fires for no reason.
//!
//! **The network.** Sixteen neurons watch sixteen sectors of the circle. A detector
//! of clockwise motion fires where a sector is active and its clockwise
//! predecessor was, as long ago as the arm takes for one sector, and its successor
//! was not: a Reichardt detector with a veto. The other sixteen detectors look the
//! other way round.

use std::f64::consts::TAU;
use std::fs;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use synops::digest;
use synops::error::Result;
use synops::event::Batch;
use synops::format;
use synops::layer::LAYERS;
use synops::network::{Graph, Network, Node, NodeKind, nir};
use synops::neuron::MODELS;
use synops::record::{Array, Record};

const SIZE: usize = 128;
const PIVOT: f64 = 63.5;
const NEAR: f64 = 20.0;
const FAR: f64 = 50.0;
const HALF_WIDTH: f64 = 5.0;
const TURNS_PER_SECOND: f64 = 1.1;
const SECTORS: usize = 16;
const POOL: usize = 8;

/// `(class, direction, start, end)` of each trial, in seconds; y points down, so
/// a growing angle is clockwise to the eye.
const TRIALS: [(u8, f64, f64, f64); 2] = [(4, 1.0, 0.2, 2.5), (5, -1.0, 2.9, 5.2)];
const CLASSES: [&str; 2] = ["right arm clockwise", "right arm counter clockwise"];
const END: f64 = 5.4;

/// Angle of the arm: it starts and stops smoothly.
fn angle(t: f64) -> f64 {
    let ramp = 0.25;
    let turned = |start: f64, end: f64| {
        let s = (t - start).clamp(0.0, end - start);
        let (rise, fall) = (s.min(ramp), (s - (end - start - ramp)).max(0.0));
        rise * rise / (2.0 * ramp) + (s - rise) - fall * fall / (2.0 * ramp)
    };
    let turns = TRIALS.map(|(_, sign, start, end)| sign * turned(start, end));
    -0.25 * TAU + TAU * TURNS_PER_SECOND * turns.iter().sum::<f64>()
}

/// How much of a pixel the arm covers, 0 to 1.
fn coverage(x: usize, y: usize, direction: (f64, f64)) -> f64 {
    let (dx, dy) = (x as f64 - PIVOT, y as f64 - PIVOT);
    let along = dx * direction.0 + dy * direction.1;
    let across = (dx * direction.1 - dy * direction.0).abs();
    let soft = |inside: f64| (inside + 0.5).clamp(0.0, 1.0);
    soft(along - NEAR) * soft(FAR - along) * soft(HALF_WIDTH - across)
}

fn recording() -> Batch {
    let mut random = Pcg64Mcg::seed_from_u64(128);
    let mut spread = || 1.0 + 0.08 * (random.random::<f64>() + random.random::<f64>() - 1.0);
    let thresholds: Vec<[f64; 2]> =
        (0..SIZE * SIZE).map(|_| [0.42 * spread(), 0.42 * spread()]).collect();
    let brightness = |cover: f64| (1.0 + 1.2 * cover).ln();
    let mut memory: Vec<f64> = vec![0.0; SIZE * SIZE];
    let mut events: Vec<(i64, u16, u16, bool)> = Vec::new();
    let (steps_per_second, noise) = (2000.0, 0.15);
    for step in 0..(END * steps_per_second) as usize {
        let t = step as f64 / steps_per_second;
        let (sin, cos) = angle(t).sin_cos();
        for (pixel, seen) in memory.iter_mut().enumerate() {
            let (x, y) = (pixel % SIZE, pixel / SIZE);
            let change = brightness(coverage(x, y, (cos, sin))) - *seen;
            let on = change > 0.0;
            let threshold = thresholds[pixel][usize::from(on)];
            let crossed = change.abs() >= threshold;
            if crossed {
                *seen += change.signum() * threshold;
            } else if !random.random_bool(noise / steps_per_second) {
                continue;
            }
            let jitter = random.random_range(0.0..1e6 / steps_per_second);
            let on = if crossed { on } else { random.random() };
            events.push(((t * 1e6 + jitter) as i64, x as u16, y as u16, on));
        }
    }
    events.sort_by_key(|event| event.0);
    events.into_iter().collect()
}

fn node(name: &str, kind: &str, fields: Vec<(&str, Array)>) -> Result<Node> {
    let mut record = Record::default();
    fields.into_iter().for_each(|(field, array)| record.put(field, array));
    let model = MODELS.iter().find(|model| model.nir == kind);
    let layer = LAYERS.iter().find(|layer| layer.nir == kind);
    let kind = match (model, layer) {
        (Some(model), _) => NodeKind::Neuron(model.read(&mut record)?),
        (None, Some(layer)) => NodeKind::Layer((layer.read)(&mut record)?),
        (None, None) => unreachable!("a kind that MODELS or LAYERS has"),
    };
    Ok(Node::new(name, kind))
}

fn weights(rows: usize, columns: usize, weight: impl Fn(usize, usize) -> f32) -> Array {
    let all = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    Array::floats(&[rows, columns], all.map(|(row, column)| weight(row, column)).collect())
}

fn lif(name: &str, neurons: usize, tau: f32, threshold: f32) -> Result<Node> {
    let all = |value: f32| Array::floats(&[neurons], vec![value; neurons]);
    let fields = vec![
        ("tau", all(tau)),
        ("r", all(1.0)),
        ("v_leak", all(0.0)),
        ("v_threshold", all(threshold)),
        ("v_reset", all(0.0)),
    ];
    node(name, "LIF", fields)
}

/// The sector that holds the middle of a pooled cell, if it is on the circle.
fn sector_of(cell: usize) -> Option<usize> {
    let side = SIZE / POOL;
    let middle = |i: usize| (i * POOL) as f64 + (POOL as f64 - 1.0) / 2.0 - PIVOT;
    let (dx, dy) = (middle(cell % side), middle(cell / side % side));
    let radius = dx.hypot(dy);
    let turn = dy.atan2(dx).rem_euclid(TAU) / TAU;
    (NEAR..FAR).contains(&radius).then_some((turn * SECTORS as f64) as usize % SECTORS)
}

fn network() -> Result<Graph> {
    let pair = |size: usize| Array::integers(&[size as i64; 2]);
    let cells = 2 * (SIZE / POOL) * (SIZE / POOL);
    let passage = (1e3 / (TURNS_PER_SECOND * SECTORS as f64)).round() / 1e3;
    let detectors = 2 * SECTORS;
    // detector i < 16 looks for motion from sector i - 1 to i, the others back
    let sector = |detector: usize| detector % SECTORS;
    let shifted = |detector: usize, by: usize| (sector(detector) + by) % SECTORS;
    let back = |detector: usize| if detector < SECTORS { SECTORS - 1 } else { 1 };
    let before = |detector: usize| shifted(detector, back(detector));
    let behind = |detector: usize| shifted(detector, SECTORS - back(detector));
    let nodes = vec![
        Node::new("events", NodeKind::Input(Array::integers(&[2, SIZE as i64, SIZE as i64]))),
        node(
            "pool",
            "SumPool2d",
            vec![("kernel_size", pair(POOL)), ("stride", pair(POOL)), ("padding", pair(0))],
        )?,
        node(
            "flat",
            "Flatten",
            vec![("start_dim", Array::integer(0)), ("end_dim", Array::integer(-1))],
        )?,
        node(
            "watch",
            "Linear",
            vec![(
                "weight",
                weights(SECTORS, cells, |row, cell| {
                    f32::from(u8::from(sector_of(cell) == Some(row)))
                }),
            )],
        )?,
        lif("sectors", SECTORS, 0.02, 1.2)?,
        node(
            "wait",
            "Delay",
            vec![("delay", Array::floats(&[SECTORS], vec![passage as f32; SECTORS]))],
        )?,
        node(
            "now",
            "Linear",
            vec![(
                "weight",
                weights(detectors, SECTORS, |d, s| f32::from(u8::from(s == sector(d)))),
            )],
        )?,
        node(
            "then",
            "Linear",
            vec![(
                "weight",
                weights(detectors, SECTORS, |d, s| match s {
                    s if s == before(d) => 1.0,
                    s if s == behind(d) => -2.0,
                    _ => 0.0,
                }),
            )],
        )?,
        lif("detectors", detectors, 0.01, 0.2)?,
        node(
            "vote",
            "Linear",
            vec![(
                "weight",
                weights(2, detectors, |class, d| f32::from(u8::from(class == d / SECTORS))),
            )],
        )?,
        lif("direction", 2, 0.1, 0.02)?,
        Node::new("answer", NodeKind::Output(Array::integers(&[2]))),
    ];
    let edges = [
        ("events", "pool"),
        ("pool", "flat"),
        ("flat", "watch"),
        ("watch", "sectors"),
        ("sectors", "now"),
        ("sectors", "wait"),
        ("wait", "then"),
        ("now", "detectors"),
        ("then", "detectors"),
        ("detectors", "vote"),
        ("vote", "direction"),
        ("direction", "answer"),
    ];
    let edges = edges.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect();
    let mut graph = Graph { nodes, edges, ..Graph::default() };
    graph.set_metadata("class_names", &CLASSES.join("\n"));
    graph.set_metadata("made_by", "tools/make_arm.rs");
    Ok(graph)
}

fn main() -> Result<()> {
    let recording = format::encode("aedat3", &recording())?;
    let labels = TRIALS
        .iter()
        .map(|(class, _, start, end)| format!("{class},{:.0},{:.0}\n", start * 1e6, end * 1e6));
    let labels = format!("class,startTime_usec,endTime_usec\n{}", labels.collect::<String>());
    let network = nir::to_bytes(&network()?)?;
    Network::new(nir::from_bytes(network.clone())?)?;
    let files =
        [("arm.aedat", recording), ("arm_labels.csv", labels.into_bytes()), ("arm.nir", network)];
    for (name, bytes) in files {
        println!("data/{name}: {} bytes, SHA-256 {}", bytes.len(), digest::of(&bytes));
        fs::write(format!("data/{name}"), bytes)?;
    }
    Ok(())
}
