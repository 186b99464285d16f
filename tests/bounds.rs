//! Thresholds below zero and floors: the same in steps and between events; and numbers
//! that no neuron and no synapse can have.

mod build;

use build::node;
use synops::engine::{Clocked, Engine, EventDriven, Observer};
use synops::error::Result;
use synops::network::{Mapping, Network, nir};
use synops::record::weights::Weights;
use synops::record::{Array, Values};
use synops::signal::Spikes;
use synops::units::Micros;

const DT: Micros = Micros(1_000);

fn one(value: f64) -> Array {
    Array::new(&[1], Values::F64(vec![value])).unwrap()
}

/// One neuron behind one synapse.
fn neuron(model: &str, fields: &[(&str, f64)], weight: f64, bias: f64) -> Network {
    let fields = fields.iter().map(|&(field, value)| (field, one(value))).collect();
    let weight = Array::new(&[1, 1], Values::F64(vec![weight])).unwrap();
    let affine = vec![("weight", weight), ("bias", one(bias))];
    let nodes = vec![node("w", "Affine", affine), node("cell", model, fields)];
    build::network(&[1], nodes, &[1], &["in w cell out"])
}

/// When the output sent, in ticks.
#[derive(Default)]
struct Times(Vec<u64>);

impl Observer for Times {
    fn sent(&mut self, step: u64, unit: usize, _sent: &Spikes) {
        // units are counted in the order of the nodes
        if unit == 3 {
            self.0.push(step);
        }
    }
}

const NEVER: [Vec<u64>; 2] = [Vec::new(), Vec::new()];

/// The output's milliseconds for one spike each at these, in both engines.
fn both(network: &Network, convention: &str, spikes: &[u64], end: u64) -> [Vec<u64>; 2] {
    let conventions = convention.parse().unwrap();
    let clocked = Clocked::new(network, &conventions, DT).unwrap();
    let event = EventDriven::new(network, &conventions, DT).unwrap();
    let ticks = times(&event, spikes.iter().map(|ms| ms * 1_000), end * 1_000);
    [times(&clocked, spikes.iter().copied(), end), ticks.into_iter().map(|t| t / 1_000).collect()]
}

fn times(engine: &impl Engine, spikes: impl IntoIterator<Item = u64>, end: u64) -> Vec<u64> {
    let (mut state, mut times) = (engine.start(), Times::default());
    for tick in spikes {
        let mut spike = Spikes::default();
        spike.push(0, 1.0, 1);
        engine.receive(&mut state, tick, &spike, &mut times);
    }
    engine.finish(&mut state, end, &mut times);
    times.0
}

#[test]
fn a_potential_that_fades_reaches_a_threshold_below_zero_alone() {
    // half of −4 a step: −2, −1, −0.5, which fires; then −4 again
    let fields = [("alpha", 1.0), ("beta", 0.5), ("v_threshold", -0.5), ("v_reset", -4.0)];
    let fields = [&fields[..], &[("step", 1e-3)]].concat();
    let network = neuron("DALIF", &fields, 1.0, 0.0);
    let expected = vec![2, 5, 8, 11];
    assert_eq!(both(&network, "spikingjelly", &[], 13), [expected.clone(), expected]);
}

#[test]
fn a_relu_and_a_threshold_below_zero_need_a_clock() {
    let fields = [("tau", 8e-3), ("r", 1.0), ("v_leak", -1.0), ("v_threshold", -0.5)];
    let fields = [&fields[..], &[("k", 1.0), ("step", 1e-3)]].concat();
    let network = neuron("KLIF", &fields, 1.0, 0.0);
    let refused = EventDriven::new(&network, &"nir".parse().unwrap(), DT).err().unwrap();
    assert!(refused.to_string().contains("'v_threshold' = -0.5"), "{refused}");
    assert!(refused.to_string().contains("or --engine clocked"), "{refused}");
}

#[test]
fn a_neuron_without_memory_runs_between_events() {
    let threshold = |theta: f64, weight: f64, bias: f64| {
        neuron("Threshold", &[("threshold", theta)], weight, bias)
    };
    let fires = |weight: f64, convention: &str| {
        both(&threshold(0.5, weight, 0.0), convention, &[3, 4, 10], 20)
    };
    assert_eq!(fires(0.75, "nir"), [vec![3, 4, 10], vec![3, 4, 10]]);
    assert_eq!(fires(0.5, "nir"), NEVER);
    assert_eq!(fires(0.5, "sinabs"), [vec![3, 4, 10], vec![3, 4, 10]]);
    assert_eq!(fires(0.75, "nir,refractory=2ms"), [vec![3, 10], vec![3, 10]]);
    // what it hears in every step, or answers without hearing anything, needs steps
    for (network, said) in [
        (threshold(0.5, 0.25, 0.375), "node 'cell' (Threshold): found a constant input"),
        (threshold(-0.5, 1.0, 0.0), "node 'cell' (Threshold): found 'threshold' = -0.5"),
    ] {
        let refused = EventDriven::new(&network, &"nir".parse().unwrap(), DT).err().unwrap();
        let refused = refused.to_string();
        assert!(refused.starts_with(said), "{refused}");
        assert!(refused.ends_with("--quantum; or --engine clocked"), "{refused}");
    }
}

#[test]
fn a_reset_to_the_threshold_fires_once_a_step() {
    // θ itself does not fire, and any time later it does
    let fields = [("r", 1.0), ("v_threshold", 1.0), ("v_reset", 1.0)];
    let drift = neuron("IF", &fields, 1.0, 0.25);
    let fields = [("tau", 1e-2), ("v_leak", 2.0)];
    let fields = [&[("r", 1.0), ("v_threshold", 1.0), ("v_reset", 1.0)][..], &fields].concat();
    let leak = neuron("LIF", &fields, 1.0, 0.0);
    let start = "nir,start=zero";
    // from 4 ms on; from 10 ln 2 ms on
    let [clocked, event] = both(&drift, start, &[], 9);
    assert_eq!([clocked, event], [vec![4, 5, 6, 7, 8], vec![4, 5, 6, 7, 8]]);
    let [clocked, event] = both(&leak, start, &[], 9);
    assert_eq!([clocked, event], [vec![6, 7, 8], vec![6, 7, 8]]);
}

#[test]
fn a_floor_holds_between_events_too() {
    // −0.1 a step, down to −1 after ten of them, and one impulse at 100 ms
    let fields = [("r", 1.0), ("v_threshold", 1.0)];
    let fires = |weight: f64| both(&neuron("IF", &fields, weight, -0.1), "sinabs", &[100], 101);
    assert_eq!(fires(2.5), [vec![100], vec![100]]);
    assert_eq!(fires(1.5), NEVER);
    // relaxes to −1, but not below −0.25
    let fields = [("tau", 1e-2), ("r", 1.0), ("v_leak", -1.0), ("v_threshold", 1.0)];
    let floored = "sinabs,floor=-0.25";
    let fires = |weight: f64| both(&neuron("LIF", &fields, weight, 0.0), floored, &[100], 101);
    assert_eq!(fires(1.5), [vec![100], vec![100]]);
    assert_eq!(fires(1.2), NEVER);
    // likewise what is defined by steps: −0.5 more a step than half remains
    let fields = [("alpha", 1.0), ("beta", 0.5), ("v_threshold", 1.0), ("step", 1e-3)];
    let fires = |weight: f64| both(&neuron("DALIF", &fields, weight, -0.5), floored, &[100], 101);
    assert_eq!(fires(2.0), [vec![100], vec![100]]);
    assert_eq!(fires(1.2), NEVER);
}

#[test]
fn a_floor_under_two_time_constants_needs_a_clock() {
    let fields = [("tau_syn", 5e-3), ("tau_mem", 1e-2), ("r", 1.0), ("v_leak", 0.0)];
    let network = neuron("CubaLIF", &[&fields[..], &[("v_threshold", 1.0)]].concat(), 1.0, 0.0);
    let refused = EventDriven::new(&network, &"nengo".parse().unwrap(), DT).err().unwrap();
    assert!(refused.to_string().contains("found convention floor: 0"), "{refused}");
}

#[test]
fn a_floor_that_fires_is_refused() {
    let fields = [("r", 1.0), ("v_threshold", 1.0)];
    let network = neuron("IF", &fields, 1.0, 0.0);
    for convention in ["nir,floor=2", "nir,fire=at-or-above,floor=1"] {
        let conventions = convention.parse().unwrap();
        let refused = |e: Result<()>| e.unwrap_err().to_string();
        for refused in [
            refused(Clocked::new(&network, &conventions, DT).map(|_| ())),
            refused(EventDriven::new(&network, &conventions, DT).map(|_| ())),
        ] {
            let expected = "node 'cell' (IF): found a floor of ";
            assert!(refused.starts_with(expected), "{convention}: {refused}");
            assert!(refused.contains("for 'v_threshold' = 1"), "{refused}");
        }
    }
    // θ itself does not fire
    assert!(Clocked::new(&network, &"nir,floor=1".parse().unwrap(), DT).is_ok());
    let negative = neuron("IF", &[("r", 1.0), ("v_threshold", -1.0)], 1.0, 0.0);
    let minus = "nir,floor=minus-threshold".parse().unwrap();
    assert!(Clocked::new(&negative, &minus, DT).is_err());
}

/// What is said of this neuron or synapse when it is to run.
fn refusal(model: &str, fields: &[(&str, f64)], weight: f64, bias: f64) -> String {
    let network = neuron(model, fields, weight, bias);
    let conventions = "nir".parse().unwrap();
    let [clocked, event] = [
        Clocked::new(&network, &conventions, DT).err(),
        EventDriven::new(&network, &conventions, DT).err(),
    ]
    .map(|e| e.map(|e| e.to_string()));
    assert!(clocked.is_some(), "{model} {fields:?} {weight} {bias}");
    assert_eq!(clocked, event);
    clocked.unwrap()
}

#[test]
fn numbers_without_end_are_refused_by_their_field() {
    let with = |model: &str, field: &str, value: f64| {
        let lif = [("tau", 1e-2), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)];
        let cuba = [("tau_syn", 5e-3), ("tau_mem", 1e-2), ("r", 1.0), ("v_leak", 0.0)];
        let cuba = [&cuba[..], &[("v_threshold", 1.0), ("w_in", 1.0), ("v_reset", 0.0)]].concat();
        let fields = if model == "LIF" { lif.to_vec() } else { cuba };
        let fields =
            fields.into_iter().map(|(name, x)| (name, if name == field { value } else { x }));
        refusal(model, &fields.collect::<Vec<_>>(), 1.0, 0.0)
    };
    for (model, field) in [
        ("LIF", "tau"),
        ("LIF", "r"),
        ("LIF", "v_leak"),
        ("CubaLIF", "tau_syn"),
        ("CubaLIF", "tau_mem"),
        ("CubaLIF", "w_in"),
        ("CubaLIF", "v_reset"),
    ] {
        let found = with(model, field, f64::INFINITY);
        let expected = format!("node 'cell' ({model}): found '{field}' = inf; expected a ");
        assert!(found.starts_with(&expected), "{found}");
    }
    assert!(with("LIF", "v_threshold", f64::NEG_INFINITY).contains("'v_threshold' = -inf"));
    assert!(with("LIF", "v_leak", f64::NAN).contains("NaN"));
    // a neuron that never fires
    let fields = [("r", 1.0), ("v_threshold", f64::INFINITY)];
    assert_eq!(both(&neuron("IF", &fields, 1.0, 0.0), "nir", &[1], 9), NEVER);
}

/// What is said of a file with this weight and this bias.
fn read(kind: &str, weight: f64, bias: f64) -> Result<()> {
    let four = |value: f64| Array::new(&[1, 1, 1, 1], Values::F64(vec![value])).unwrap();
    let fields = match kind {
        "Affine" => {
            let weight = Array::new(&[1, 1], Values::F64(vec![weight])).unwrap();
            vec![("weight", weight), ("bias", one(bias))]
        }
        "Conv2d" => {
            let sizes = [("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)];
            let sizes = sizes.map(|(name, size)| (name, Array::integer(size)));
            let weights = [("weight", four(weight)), ("bias", one(bias))];
            weights.into_iter().chain(sizes).collect()
        }
        _ => vec![("scale", Array::new(&[1, 1, 1], Values::F64(vec![weight])).unwrap())],
    };
    let shape: &[i64] = if kind == "Affine" { &[1] } else { &[1, 1, 1] };
    let graph = build::graph(shape, vec![node("w", kind, fields)], shape, &["in w out"]);
    nir::from_bytes(nir::to_bytes(&graph).unwrap()).and_then(Network::new).map(|_| ())
}

#[test]
fn weights_without_end_are_refused_when_they_are_read() {
    // 1e39 has no 32 bits
    for wrong in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e39] {
        for kind in ["Affine", "Conv2d", "Scale"] {
            let found = read(kind, wrong, 0.0).unwrap_err().to_string();
            let field = if kind == "Scale" { "scale" } else { "weight" };
            let expected = format!("node 'w' ({kind}): '{field}': found {wrong} at 0");
            assert!(found.starts_with(&expected), "{found}");
        }
        let found = read("Affine", 1.0, wrong).unwrap_err().to_string();
        assert!(found.starts_with("node 'w' (Affine): 'bias': found "), "{found}");
    }
    for kind in ["Affine", "Conv2d", "Scale"] {
        assert!(read(kind, 0.0, -1.0).is_ok(), "{kind}");
    }
}

#[test]
fn a_mapping_makes_no_layer_of_weights_without_end() {
    let layers = "input = [2]\nlayers = [{ type = \"Linear\", key = \"fc\" }]\n";
    let arrays = vec![("fc.weight".to_owned(), Array::floats(&[1, 2], vec![1.0, f32::INFINITY]))];
    let made = Mapping::parse(layers).unwrap();
    let made = made.graph(&Weights { format: "npz", arrays }, DT.seconds());
    let said = made.unwrap_err().to_string();
    assert!(said.starts_with("layer 'fc' (Linear): 'weight': found inf at 1"), "{said}");
}
