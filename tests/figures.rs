//! Figures of reports that are worked out from others, against those worked out by hand.

use std::time::Duration;

use synops::bundled;
use synops::corpus::synthetic::{LIGHTINGS, Made as Written, Plan};
use synops::format::Recording;
use synops::measure::Table;
use synops::network::{Network, nir};
use synops::replay::{Replay, Settings};
use synops::report::build::{Made, Outcome, Provenance};
use synops::report::eval::{EvalReport, Head, Row};
use synops::report::many::ManyReport;
use synops::report::sweep::{SweepPoint, SweepReport};
use synops::report::synth::Synthetic;

/// A sample that was answered so, with so many events seen of 200.
fn row(answer: Option<&str>, events_used: u64) -> Row {
    Row {
        sample: 0,
        recording: "a.bin".into(),
        from_us: None,
        to_us: None,
        class: "left".into(),
        user: None,
        answer: answer.map(str::to_owned),
        steps: 3,
        events: 200,
        events_used,
        spikes: 10,
        synaptic_ops: 100,
        multiply_adds: 0,
        settled_us: None,
        problem: None,
    }
}

fn head() -> Head {
    let classes = serde_json::json!(["left", "right"]);
    let mut head = serde_json::json!({ "classes": classes, "defects": [], "samples": 4 });
    let texts = [
        "synops",
        "network",
        "cut",
        "part",
        "samples_sha256",
        "names_and_sizes_sha256",
        "network_sha256",
        "engine",
        "convention",
        "input",
        "order",
    ];
    texts.iter().for_each(|name| head[name] = "".into());
    (head["dt_us"], head["causal"]) = (1_000.into(), true.into());
    serde_json::from_value(head).unwrap()
}

#[test]
fn an_evaluation_counts_silence_and_what_was_seen() {
    let mut refused = row(None, 0);
    (refused.steps, refused.events) = (0, 0);
    let rows = vec![row(Some("left"), 50), row(None, 100), row(Some("right"), 150), refused];
    let report = EvalReport::new(head(), rows, &[Table::usual().unwrap()]);
    assert_eq!((report.unanswered, report.refused, report.accuracy.of), (1, 1, 3));
    let used = report.all.events_used.unwrap();
    assert_eq!((used.least, used.median, used.most), (0.25, 0.5, 0.75));
    assert_eq!(report.confusion, [[1, 1, 1], [0, 0, 0]]);
}

#[test]
fn a_sweep_says_by_how_much_it_is_above_the_last_line() {
    let point = |dt_us, spikes, synaptic_ops| SweepPoint {
        dt_us,
        steps: None,
        spikes,
        synaptic_ops,
        energy_low_j: 0.0,
        energy_j: 0.0,
        energy_high_j: 0.0,
        prediction: None,
        class: None,
        output: vec![],
        by_means: false,
        run_s: 0.0,
    };
    let report = SweepReport {
        input: "a".into(),
        network: "b".into(),
        convention: "nir".into(),
        points: vec![point(Some(1_000), 150, 90), point(None, 100, 120)],
        notes: vec![],
    };
    let text = report.text();
    let line = text.lines().find(|line| line.contains("1.00 ms")).unwrap();
    assert!(line.contains("+50.0 %") && line.contains("-25.0 %"), "{line}");
}

#[test]
fn a_twin_says_who_is_for_the_test() {
    let lightings = LIGHTINGS.iter().collect();
    let plan = Plan { users: 29, lightings, seconds: 3.0, seed: 1 };
    let report = Synthetic::new("twin".into(), &plan, Written::default(), 1.0);
    assert_eq!((report.users, report.test_users, report.lightings.len()), (29, 6, 5));
    assert!(report.text().contains("29, the last 6 of them for the test"));
}

#[test]
fn many_recordings_have_their_events_in_a_second() {
    let network = Network::new(nir::from_bytes(bundled::NETWORK.bytes.to_vec()).unwrap()).unwrap();
    let settings = Settings {
        conventions: network.convention.clone().unwrap(),
        dt: network.dt.unwrap(),
        ..Settings::default()
    };
    let replay = Replay::new(&network, settings).unwrap();
    let mut report = ManyReport::new(false, 0);
    for _ in 0..2 {
        let bytes = bundled::RECORDING.bytes;
        let mut recording = Recording::from_bytes("gestures.aedat", bytes).unwrap();
        let (take, answer) = replay.run(&mut recording, (), |_| ()).unwrap();
        let made = Made {
            replay: &replay,
            take: &take,
            outcome: Outcome::Whole(&answer),
            tables: &[],
            classes: network.classes.as_deref(),
            format: "aedat3",
            origin: Provenance::default(),
        };
        report.add(made.report().unwrap());
    }
    report.refuse("b.aedat".into(), "no recording".into());
    report.finish(&[], Duration::from_secs(4), 1);
    let total = &report.total;
    assert_eq!((total.events, total.answers[0].events), (320_868, 320_868));
    assert_eq!(total.timing.events_per_s, 80_217.0);
    assert_eq!(total.timing.recordings_per_s, 0.5);
    let simulated = total.engine.as_ref().unwrap().steps as f64 * 0.075;
    assert!((total.timing.real_time_factor - simulated / 4.0).abs() < 1e-9);
}
