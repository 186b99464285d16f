//! What callers of the library do wrong: refused, or a panic that says so, and never an
//! answer that looks right.

use std::panic::{AssertUnwindSafe, catch_unwind};

use synops::bundled;
use synops::corpus::gesture;
use synops::engine::{Clocked, Engine, EventDriven};
use synops::event::{Batch, Field, Grid, InputMode, Portions, Slicer, Window};
use synops::format::Recording;
use synops::learn::layer::{Dense, Pass};
use synops::learn::loss::Loss;
use synops::learn::{self, Tensor};
use synops::measure::Table;
use synops::network::{Network, nir};
use synops::neuron::preset::Conventions;
use synops::replay::{Advance, Replay, Settings};
use synops::report;
use synops::report::build::{Made, Outcome, Provenance};
use synops::signal::Spikes;
use synops::train::Config;
use synops::units::Micros;

const DT: Micros = Micros(1_000);

fn network() -> Network {
    Network::new(nir::from_bytes(bundled::NETWORK.bytes.to_vec()).unwrap()).unwrap()
}

fn rules(network: &Network) -> Conventions {
    network.convention.clone().unwrap()
}

fn spike(address: u32) -> Spikes {
    let mut spikes = Spikes::default();
    spikes.push(address, 1.0, 1);
    spikes
}

/// What a panic says.
fn panic_of(run: impl FnOnce()) -> String {
    let said = catch_unwind(AssertUnwindSafe(run)).expect_err("a panic");
    said.downcast_ref::<String>().cloned().unwrap_or_else(|| {
        said.downcast_ref::<&str>().map(|said| (*said).to_owned()).unwrap_or_default()
    })
}

#[test]
fn no_engine_runs_in_steps_that_take_no_time() {
    let network = network();
    let (own, nir) = (rules(&network), "nir".parse().unwrap());
    for dt in [0, -5, i64::MIN] {
        let dt = Micros(dt);
        for refused in [
            Clocked::new(&network, &own, dt).err(),
            EventDriven::in_quanta(&network, &own, dt).err(),
            EventDriven::new(&network, &nir, dt).err(),
            Replay::new(&network, Settings { dt, ..Settings::default() }).err(),
        ] {
            let said = refused.expect("an error").to_string();
            assert_eq!(said, format!("found a step of {} µs; expected a positive time", dt.0));
        }
    }
}

#[test]
fn no_engine_goes_back_in_time_or_beyond_its_input() {
    fn check<E: Engine>(engine: &E) {
        let again = |first: u64, second: u64| {
            let mut state = engine.start();
            engine.receive(&mut state, first, &spike(5), &mut ());
            panic_of(|| engine.receive(&mut state, second, &spike(6), &mut ()))
        };
        assert!(again(10, 3).starts_with("tick 3 "), "{}", again(10, 3));
        assert!(again(10, 10).starts_with("tick 10 "), "{}", again(10, 10));
        let last = 2 * 128 * 128 - 1;
        engine.receive(&mut engine.start(), 0, &spike(last), &mut ());
        let beyond = || engine.receive(&mut engine.start(), 0, &spike(last + 1), &mut ());
        assert_eq!(panic_of(beyond), "address 32768 in an input of 32768");
    }
    let network = network();
    let own = rules(&network);
    check(&Clocked::new(&network, &own, DT).unwrap());
    check(&EventDriven::in_quanta(&network, &own, DT).unwrap());
    check(&EventDriven::new(&network, &"nir".parse().unwrap(), DT).unwrap());
}

/// It would be answered as silence.
#[test]
fn a_recording_that_was_read_is_not_run() {
    let network = network();
    let settings = Settings { conventions: rules(&network), ..Settings::default() };
    let replay = Replay::new(&network, settings).unwrap();
    let bytes = bundled::RECORDING.bytes;
    let mut recording = Recording::from_bytes("gestures.aedat", bytes).unwrap();
    let (take, _) = replay.run(&mut recording, (), |_| ()).unwrap();
    let said = replay.run(&mut recording, (), |_| ()).unwrap_err().to_string();
    let found = format!("found a recording of which {} events were read before", take.events);
    assert!(said.starts_with("gestures.aedat: ") && said.contains(&found), "{said}");
}

/// What the network saw of a recording is what was kept in its trials.
#[test]
fn a_report_is_data() {
    let network = network();
    let settings = Settings {
        conventions: rules(&network),
        dt: Micros(75_000),
        advance: Advance::Quanta,
        ..Settings::default()
    };
    let replay = Replay::new(&network, settings).unwrap();
    let mut recording =
        Recording::from_bytes(bundled::RECORDING.name, bundled::RECORDING.bytes).unwrap();
    let trials = gesture::parse_labels(bundled::LABELS.bytes).unwrap();
    let windows: Vec<_> = trials.iter().map(|trial| (trial.window, ())).collect();
    let (take, answers) = replay.run_windows(&mut recording, windows, |_| ()).unwrap();
    let mut events = Batch::default();
    let mut again = Recording::from_bytes("again", bundled::RECORDING.bytes).unwrap();
    while again.decode(&mut events).unwrap() {}
    let is_in = |window: Window, t: i64| (window.from..window.to).contains(&t);
    let trials_at = |t: i64| trials.iter().filter(|trial| is_in(trial.window, t)).count();
    let seen: usize = events.t.iter().map(|&t| trials_at(t)).sum();
    let trials: Vec<_> = trials.iter().cloned().zip(answers).collect();
    let made = Made {
        replay: &replay,
        take: &take,
        outcome: Outcome::Trials(&trials),
        tables: &[Table::usual().unwrap()],
        classes: network.classes.as_deref(),
        format: recording.header().format,
        origin: Provenance::default(),
    };
    let json = report::json(&made.report().unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["manifest"]["events_used"], seen as f64 / events.len() as f64);
    assert_eq!(json["manifest"]["cut"], "whole");
    for part in ["engine", "manifest"] {
        assert_eq!(
            (&json[part]["quantum_us"], &json[part]["dt_us"]),
            (&75_000.into(), &75_000.into())
        );
    }
    assert_eq!((&json["trials"]["right"], &json["trials"]["of"]), (&5.into(), &5.into()));
}

#[test]
fn times_before_a_grid_are_in_no_step_of_it() {
    let grid = |start, dt| Grid { start, dt: Micros(dt) };
    assert!(panic_of(|| _ = grid(100, 10).step_of(1)).contains("time 1 µs before"));
    assert!(panic_of(|| _ = grid(0, 0).step_of(1)).contains("steps of 0 µs"));
    assert!(panic_of(|| _ = grid(0, -1).step_of(1)).contains("steps of -1 µs"));
    let field = Field { width: 4, height: 4, channels: 2, channels_first: false };
    let none = || _ = Slicer::new(Portions::Time, 0, field, InputMode::Counts);
    assert_eq!(panic_of(none), "one slice or more");
}

#[test]
fn a_network_learns_from_no_other_features_and_not_from_nothing() {
    let dense = || Box::new(Dense::new(2, 3, vec![1.0; 6], None));
    let forward = |shape: &[usize]| {
        let mut network = learn::network::Network::new(vec![dense()], &[3]).unwrap();
        network.forward(Tensor::zeros(shape), &mut Pass::training(1)).shape().to_vec()
    };
    assert_eq!(forward(&[4, 1, 3]), [4, 1, 2]);
    for shape in [&[4, 1, 6][..], &[4, 1, 3, 1], &[4]] {
        let said = panic_of(|| _ = forward(shape));
        assert!(said.contains("features of the input"), "{shape:?} {said}");
    }
    for (loss, shape) in [(Loss::Rate, [2, 0, 3]), (Loss::TET, [0, 1, 3])] {
        let said = loss.of(&Tensor::zeros(&shape), &vec![0; shape[1]]).unwrap_err().to_string();
        assert!(said.contains("T and B 1 or more"), "{said}");
    }
}

/// A configuration with these data and these layers in front of those that answer.
fn configuration(sensor: &str, steps: &str, layers: &str) -> String {
    format!(
        "epochs = 1\nbatch = 1\nlayers = [{layers}{{ type = 'Flatten' }}, \
         {{ type = 'Linear', outputs = 2 }}, {{ type = 'Neurons' }}]\n\
         [data]\npath = 'x'\nsensor = '{sensor}'\nsteps = {steps}\nslice = '10ms'\n"
    )
}

#[test]
fn samples_that_no_memory_holds_are_refused() {
    assert!(Config::parse(&configuration("128x128", "100000", ""), &[]).is_ok());
    for (sensor, steps, expected) in [
        ("65535x65535", "2", "'data.sensor': found shape [2, 65535, 65535]"),
        ("34x34", "4000000000000", "'data.steps': found 4000000000000 steps of 2312 numbers"),
        ("34x34", "9223372036854775807", "'data.steps': found 9223372036854775807 steps"),
    ] {
        let said = Config::parse(&configuration(sensor, steps, ""), &[]).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn layers_that_cannot_be_built_are_refused() {
    let build = |sensor: &str, layers: &str| {
        let config = Config::parse(&configuration(sensor, "2", layers), &[]).unwrap();
        let features = [2, config.data.sensor.height.into(), config.data.sensor.width.into()];
        synops::train::architecture::build(&config, &features, 2).map(drop)
    };
    assert!(build("34x34", "{ type = 'AvgPool2d', kernel_size = 34 },").is_ok());
    assert!(build("300x300", "{ type = 'AvgPool2d', kernel_size = 256 },").is_ok());
    let most = i64::MAX;
    let conv = |rest: &str| format!("{{ type = 'Conv2d', {rest} }},");
    for (layers, expected) in [
        ("{ type = 'AvgPool2d', kernel_size = 257 },".into(), "windows that fit, of 256 at most"),
        (conv(&format!("channels = 2, kernel_size = 3, padding = {most}")), "padding"),
        (conv(&format!("channels = {most}, kernel_size = 3")), "2147483648 at most"),
        (conv("channels = 1099511627776, kernel_size = 3"), "2147483648 at most"),
        (conv(&format!("channels = 2, kernel_size = {most}")), "a kernel of"),
        (format!("{{ type = 'Recurrent', kernel_size = {most} }},"), "a kernel of"),
        (
            format!("{{ type = 'Flatten' }}, {{ type = 'Linear', outputs = {most} }},"),
            "2147483648 at most",
        ),
    ] {
        let said = build("300x300", &layers).unwrap_err().to_string();
        assert!(said.contains(expected), "{layers} {said}");
    }
}
