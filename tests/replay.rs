//! Windows, origins and steps of a replay, on recordings made for the test.

use std::cell::RefCell;

use proptest::prelude::*;
use synops::engine::Observer;
use synops::event::{Batch, InputMode, Origin, Sensor, Window};
use synops::format::{Recording, encode};
use synops::network::{Graph, Network, Node, NodeKind};
use synops::record::Array;
use synops::replay::{Answer, Replay, Settings, Take};
use synops::signal::Spikes;
use synops::units::Micros;

const SIDE: i64 = 128;

fn recording(events: &[(i64, u16, u16, bool)]) -> Recording {
    let batch: Batch = events.iter().copied().collect();
    Recording::from_bytes("test.aedat", encode("aedat3", &batch).unwrap()).unwrap()
}

/// Which windows sent, one after the other.
struct Turn<'t> {
    window: usize,
    turns: &'t RefCell<Vec<usize>>,
}

impl Observer for Turn<'_> {
    fn sent(&mut self, _step: u64, _unit: usize, _sent: &Spikes) {
        self.turns.borrow_mut().push(self.window);
    }
}

/// A network that hands its input on.
fn mirror(axes: &[i64]) -> Network {
    let nodes = vec![
        Node::new("in", NodeKind::Input(Array::integers(axes))),
        Node::new("out", NodeKind::Output(Array::integers(axes))),
    ];
    let edges = vec![("in".to_owned(), "out".to_owned())];
    Network::new(Graph { nodes, edges, ..Graph::default() }).unwrap()
}

/// Input spikes of each step in which there were any.
#[derive(Default)]
struct Steps(Vec<(u64, u64)>);

impl Observer for Steps {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit == 0 {
            self.0.push((step, sent.total()));
        }
    }
}

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings { dt: Micros(100), ..Settings::default() };
    change(&mut settings);
    settings
}

fn run(events: &[(i64, u16, u16, bool)], settings: Settings) -> (Take, Answer, Vec<(u64, u64)>) {
    let network = mirror(&[2, SIDE, SIDE]);
    let replay = Replay::new(&network, settings).unwrap();
    let mut steps = Steps::default();
    let (take, answer) = replay.run(&mut recording(events), &mut steps, |_| ()).unwrap();
    (take, answer, steps.0)
}

const EVENTS: [(i64, u16, u16, bool); 5] = [
    (1_030, 1, 1, true),
    (1_099, 2, 2, false),
    (1_129, 3, 3, true),
    (1_130, 4, 4, true),
    (1_500, 5, 5, true),
];

#[test]
fn steps_begin_at_the_first_event_and_end_with_the_last() {
    let (take, answer, steps) = run(&EVENTS, settings(|_| ()));
    assert_eq!((take.events, take.span), (5, Some((1_030, 1_500))));
    assert_eq!((answer.start, answer.steps), (Some(1_030), 5));
    assert_eq!(steps, [(0, 3), (1, 1), (4, 1)]);
}

#[test]
fn an_absolute_origin_puts_steps_on_the_recordings_own_grid() {
    let (_, answer, steps) = run(&EVENTS, settings(|s| s.origin = Origin::Absolute));
    assert_eq!((answer.start, answer.steps), (Some(1_000), 6));
    assert_eq!(steps, [(0, 2), (1, 2), (5, 1)]);
}

#[test]
fn a_window_is_counted_from_its_origin_and_steps_from_the_window() {
    let from_first = settings(|s| {
        s.from = Some(Micros(50));
        s.to = Some(Micros(470));
    });
    let (_, answer, steps) = run(&EVENTS, from_first);
    assert_eq!((answer.start, answer.steps), (Some(1_080), 1));
    assert_eq!(steps, [(0, 3)]);
    let absolute = settings(|s| {
        s.origin = Origin::Absolute;
        s.from = Some(Micros(1_099));
        s.to = Some(Micros(1_501));
    });
    let (_, answer, steps) = run(&EVENTS, absolute);
    assert_eq!((answer.start, answer.steps), (Some(1_099), 5));
    assert_eq!(steps, [(0, 3), (4, 1)]);
    let before = settings(|s| s.from = Some(Micros(-200)));
    let (_, answer, steps) = run(&EVENTS, before);
    assert_eq!((answer.start, steps[0]), (Some(830), (2, 3)));
}

/// Frames of 1×2 pixels with these counts, OFF and ON alike.
fn frames(counts: &[u8]) -> Recording {
    let shape = format!("({}, 2, 1, 2)", counts.len());
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    let numbers: Vec<u8> = counts.iter().flat_map(|&n| [n; 4]).collect();
    let bytes = [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), &numbers].concat();
    Recording::from_bytes("frames.npy", bytes).unwrap()
}

#[test]
fn every_frame_is_a_step_whatever_its_length_silent_or_not() {
    let network = mirror(&[2, 1, 2]);
    let run = |counts: &[u8], settings: Settings| {
        let replay = Replay::new(&network, settings).unwrap();
        let mut steps = Steps::default();
        let (_, answer) = replay.run(&mut frames(counts), &mut steps, |_| ()).unwrap();
        (answer.start, answer.steps, steps.0)
    };
    let counts = [0, 0, 1, 3, 0, 2, 0];
    let all = vec![(2, 4), (3, 12), (5, 8)];
    for dt in [1, 1_000, 33_333] {
        for origin in [Origin::First, Origin::Absolute] {
            let settings = Settings { dt: Micros(dt), origin, ..Settings::default() };
            assert_eq!(run(&counts, settings), (Some(0), 7, all.clone()));
        }
    }
    let cut = settings(|s| {
        s.from = Some(Micros(100));
        s.to = Some(Micros(500));
    });
    assert_eq!(run(&counts, cut), (Some(100), 4, vec![(1, 4), (2, 12)]));
    let more = settings(|s| s.steps = Some(9));
    assert_eq!(run(&counts, more), (Some(0), 9, all));
    assert_eq!(run(&[0; 4], settings(|_| ())), (None, 4, Vec::new()));
    assert_eq!(run(&[], settings(|_| ())), (None, 0, Vec::new()));
}

#[test]
fn frames_have_as_many_channels_as_the_input() {
    let network = mirror(&[1, 1, 2]);
    let replay = Replay::new(&network, settings(|_| ())).unwrap();
    let error = replay.run(&mut frames(&[1]), (), |_| ()).unwrap_err().to_string();
    assert!(error.contains("found 1 channels for frames of 2; expected as many"), "{error}");
}

#[test]
fn a_number_of_steps_cuts_or_adds_silence() {
    let (_, answer, steps) = run(&EVENTS, settings(|s| s.steps = Some(2)));
    assert_eq!((answer.steps, answer.binned.kept, answer.binned.read), (2, 4, 5));
    assert_eq!(steps, [(0, 3), (1, 1)]);
    let (_, answer, _) = run(&EVENTS, settings(|s| s.steps = Some(1_000)));
    assert_eq!(answer.steps, 1_000);
}

#[test]
fn a_window_without_events_is_answered_with_silence() {
    let empty = settings(|s| s.from = Some(Micros(1_000_000)));
    let (take, answer, steps) = run(&EVENTS, empty);
    assert_eq!((take.events, answer.start, answer.steps), (5, None, 0));
    assert_eq!((answer.cut.read, answer.cut.kept), (5, 0));
    assert!(steps.is_empty());
    let (take, answer, _) = run(&[], settings(|_| ()));
    assert_eq!((take.events, take.span, answer.steps), (0, None, 0));
}

#[test]
fn events_outside_the_input_are_tallied_where_the_sensor_is_not_stated() {
    let batch: Batch = (0..20).map(|i| (i, (i % 4) as u16, 0, true)).collect();
    let bytes = encode("atis-bin", &batch).unwrap();
    let network = mirror(&[2, 3, 3]);
    let replay = Replay::new(&network, Settings::default()).unwrap();
    let mut recording = Recording::from_bytes("small.bin", bytes).unwrap();
    let (_, answer) = replay.run(&mut recording, (), |_| ()).unwrap();
    assert_eq!((answer.binned.read, answer.binned.kept, answer.binned.lost()), (20, 15, 5));
}

#[test]
fn a_sensor_that_is_not_the_inputs_is_refused() {
    let refusal = |axes: &[i64], sensor: Option<Sensor>| {
        let network = mirror(axes);
        let replay = Replay::new(&network, settings(|s| s.sensor = sensor)).unwrap();
        let error = replay.run(&mut recording(&EVENTS), (), |_| ()).err();
        error.map(|e| e.to_string()).unwrap_or_default()
    };
    let small = refusal(&[2, 34, 34], None);
    assert!(
        small.contains("test.aedat: node 'in' (Input): found 2×34×34 for a sensor of 128×128"),
        "{small}"
    );
    assert!(refusal(&[3, SIDE, SIDE], None).contains("one or two polarities"));
    assert!(refusal(&[2 * SIDE * SIDE + 1], None).contains("one or two elements a pixel"));
    assert_eq!(refusal(&[2 * SIDE * SIDE], None), "");
    assert_eq!(refusal(&[1, SIDE, SIDE], None), "");
    let overridden = Sensor { width: 34, height: 34 };
    assert_eq!(refusal(&[2, 34, 34], Some(overridden)), "");
}

/// The readout of a mirror counts the events of each address.
fn counts(answer: &Answer) -> Vec<u64> {
    match answer.counts.readout(answer.steps) {
        synops::measure::Readout::Spikes(counts) => counts,
        synops::measure::Readout::Mean(_) => panic!("a mirror sends spikes"),
    }
}

#[test]
fn a_flat_input_has_the_order_of_a_flattened_one() {
    let flat = mirror(&[2 * SIDE * SIDE]);
    let square = mirror(&[2, SIDE, SIDE]);
    let run = |network: &Network| {
        let replay = Replay::new(network, settings(|_| ())).unwrap();
        counts(&replay.run(&mut recording(&EVENTS), (), |_| ()).unwrap().1)
    };
    assert_eq!(run(&flat), run(&square));
    assert_eq!(run(&flat).iter().position(|&n| n > 0), Some((2 * SIDE + 2) as usize));
}

fn any_events() -> impl Strategy<Value = Vec<(i64, u16, u16, bool)>> {
    prop::collection::vec((0i64..5_000, 0u16..128, 0u16..128, any::<bool>()), 0..80).prop_map(
        |mut e| {
            e.sort();
            e
        },
    )
}

proptest! {
    #[test]
    fn windows_side_by_side_are_the_whole(
        events in any_events(),
        mut cuts in prop::collection::vec(0i64..5_000, 0..5),
        binary in any::<bool>(), backwards in any::<bool>(),
    ) {
        let network = mirror(&[2, SIDE, SIDE]);
        let input = if binary { InputMode::Binary } else { InputMode::Counts };
        // steps of 1 µs, so that binary input merges within a window as within the whole
        let replay =
            Replay::new(&network, settings(|s| { s.input = input; s.dt = Micros(1); })).unwrap();
        cuts.sort();
        let edges = [&[i64::MIN], &cuts[..], &[i64::MAX]].concat();
        let turns = RefCell::new(Vec::new());
        let windows = edges.windows(2).enumerate().map(|(window, w)| {
            (Window { from: w[0], to: w[1] }, Turn { window, turns: &turns })
        });
        let mut windows: Vec<_> = windows.collect();
        if backwards {
            windows.reverse();
        }
        let (_, mut parts) = replay.run_windows(&mut recording(&events), windows, |_| ()).unwrap();
        if backwards {
            parts.reverse();
        }
        prop_assert!(turns.borrow().is_sorted(), "a window ends before the next begins");
        let (_, whole) = replay.run(&mut recording(&events), (), |_| ()).unwrap();
        let mut sum = vec![0; counts(&whole).len()];
        for part in &parts {
            sum.iter_mut().zip(counts(part)).for_each(|(sum, n)| *sum += n);
            prop_assert_eq!(part.cut.read, events.len() as u64);
        }
        prop_assert_eq!(sum, counts(&whole));
    }

    #[test]
    fn every_event_of_a_whole_replay_is_counted_once(events in any_events(), dt in 1i64..3_000) {
        let (take, answer, steps) = run(&events, settings(|s| s.dt = Micros(dt)));
        prop_assert_eq!(take.events, events.len() as u64);
        prop_assert_eq!(steps.iter().map(|s| s.1).sum::<u64>(), take.events);
        prop_assert_eq!(counts(&answer).iter().sum::<u64>(), take.events);
        let span = take.span.map_or(0, |(first, last)| (last - first) / dt + 1);
        prop_assert_eq!(answer.steps as i64, span);
    }
}
