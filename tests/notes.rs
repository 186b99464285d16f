//! What is said of a network that runs, but not as somebody may have meant it.

mod build;

use build::node;
use synops::engine::{Clocked, Engine, EventDriven};
use synops::network::Network;
use synops::record::Array;
use synops::units::Micros;

const DT: Micros = Micros(1_000);

fn one(value: f64) -> Array {
    Array::floats(&[1], vec![value as f32])
}

/// One neuron.
fn neuron(model: &str, fields: &[(&str, f64)]) -> Network {
    let fields = fields.iter().map(|&(field, value)| (field, one(value))).collect();
    build::network(&[1], vec![node("cell", model, fields)], &[1], &["in cell out"])
}

#[test]
fn a_step_that_is_not_the_runs_has_another_pace_without_a_clock() {
    let lif = [("tau", 1e-2), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)];
    let lif = neuron("LIF", &lif);
    let notes = |convention: &str| {
        let conventions = convention.parse().unwrap();
        let event = EventDriven::new(&lif, &conventions, DT).unwrap();
        let clocked = Clocked::new(&lif, &conventions, DT).unwrap();
        [event.plan().notes.clone(), clocked.plan().notes.clone()]
    };
    let said = "'cell': step=100us: between events time passes as it is, where a clock takes \
                each step of 1.00 ms for 100 µs";
    assert_eq!(notes("nir,step=100us"), [vec![said.to_owned()], vec![]]);
    assert_eq!(notes("nir,step=1ms").concat(), [""; 0]);
    assert_eq!(notes("nir").concat(), [""; 0]);
    // what has no memory has no pace
    let threshold = neuron("Threshold", &[("threshold", 1.0)]);
    let event = EventDriven::new(&threshold, &"nir,step=100us".parse().unwrap(), DT).unwrap();
    assert_eq!(event.plan().notes, [""; 0]);
}
