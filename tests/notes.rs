//! What is said of a network that runs, but not as somebody may have meant it.

mod build;

use build::node;
use synops::engine::{Clocked, Engine, EventDriven};
use synops::network::{Network, nir};
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

#[test]
fn fields_that_a_node_does_not_have_are_named() {
    let fields = vec![("r", one(1.0)), ("v_threshold", one(1.0))];
    let mut graph = build::graph(&[1], vec![node("cell", "IF", fields)], &[1], &["in cell out"]);
    graph.nodes[0].rest.put("v_rest", one(0.5));
    graph.nodes[0].rest.put("input_type", one(1.0));
    let metadata = graph.nodes[0].rest.groups.entry("metadata".into()).or_default();
    metadata.put("by", Array::text("nobody"));
    graph.nodes[0].rest.groups.entry("synapse".into()).or_default().put("tau", one(1.0));
    let read = nir::from_bytes(nir::to_bytes(&graph).unwrap()).unwrap();
    assert_eq!(read.to_record(), graph.to_record(), "kept all the same");
    let network = Network::new(read).unwrap();
    let said = "node 'cell' (IF): not read: 'v_rest', 'synapse'";
    assert_eq!(network.notes, [said]);
}
