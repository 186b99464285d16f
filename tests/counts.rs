//! The account of a run, on a network small enough to count on paper, and on real
//! recordings against NeuroBench and sinabs.

mod build;

use std::path::PathBuf;

use build::{network, node};
use serde_json::Value;
use synops::engine::{Clocked, Engine, EventDriven, Observer};
use synops::event::InputMode;
use synops::format::Recording;
use synops::measure::{BySteps, Count, Counts, Ledger, Readout, Watch, Work};
use synops::network::{Network, nir};
use synops::neuron::preset::Conventions;
use synops::record::Array;
use synops::replay::{Replay, Settings};
use synops::signal::Spikes;
use synops::units::Micros;

const DT: Micros = Micros(1_000);

/// Three inputs, two neurons, one output:
///
/// ```text
/// W1 = | 1  0  0.5 |   θ = 1     W2 = | 0.25  0.25 |   θ = 1
///      | 0  1  0.5 |
/// ```
fn paper() -> Network {
    let ones = |n: usize| Array::floats(&[n], vec![1.0; n]);
    let neurons = |n: usize| vec![("r", ones(n)), ("v_threshold", ones(n))];
    let first = Array::floats(&[2, 3], vec![1.0, 0.0, 0.5, 0.0, 1.0, 0.5]);
    let second = Array::floats(&[1, 2], vec![0.25, 0.25]);
    let bias = Array::floats(&[1], vec![0.0]);
    let nodes = vec![
        node("w1", "Linear", vec![("weight", first)]),
        node("a", "IF", neurons(2)),
        node("w2", "Affine", vec![("weight", second), ("bias", bias)]),
        node("b", "IF", neurons(1)),
    ];
    network(&[3], nodes, &[1], &["in w1 a w2 b out"])
}

/// Steps 0 to 3: events at inputs 0 and 1; two at input 2; none; one at input 2.
fn events() -> [(u64, Vec<(u32, u32)>); 3] {
    [(0, vec![(0, 1), (1, 1)]), (1, vec![(2, 2)]), (3, vec![(2, 1)])]
}

fn account<E: Engine>(network: &Network, engine: &E, ledger: &Ledger) -> Vec<Work> {
    let mut state = engine.start();
    let mut observer = (Counts::new(network, engine.plan()), ledger.watch());
    for (step, events) in events() {
        let mut spikes = Spikes::default();
        events.iter().for_each(|&(at, count)| spikes.push(at, count as f32, count));
        engine.receive(&mut state, step, &spikes, &mut observer);
    }
    engine.finish(&mut state, 4, &mut observer);
    let (counts, watch): (Counts, Watch<'_>) = observer;
    assert_eq!(watch.crowded(), 1, "two events of input 2 in step 1");
    ledger.works(&counts, &watch, 4)
}

fn works_of(network: &Network, is_clocked: bool) -> Vec<Work> {
    // fires at θ, back to 0 in the same step
    let conventions: Conventions = "spikingjelly".parse().unwrap();
    let ledger = Ledger::new(network, &conventions, DT, is_clocked).unwrap();
    match is_clocked {
        true => {
            let engine = Clocked::new(network, &conventions, DT).unwrap();
            account(network, &engine, &ledger)
        }
        false => {
            let engine = EventDriven::in_quanta(network, &conventions, DT).unwrap();
            account(network, &engine, &ledger)
        }
    }
}

/// By hand. Potentials of a: step 0 (1, 1), both fire; step 1 (1, 1), both fire;
/// step 2 (0, 0); step 3 (0.5, 0.5). Of b: step 0 0.5; step 1 1.0, fires; then 0.
#[test]
fn a_network_counted_on_paper() {
    let network = paper();
    let at = |name: &str| network.units.iter().position(|unit| unit.name == name).unwrap();
    let expect = |works: &[Work], unit: &str, counts: &[(Count, u64)]| {
        let work = &works[at(unit)];
        counts.iter().for_each(|&(count, n)| assert_eq!(work[count], n, "{unit} {count:?}"));
    };
    for is_clocked in [true, false] {
        let works = works_of(&network, is_clocked);
        expect(&works, "in", &[(Count::InputEvents, 5), (Count::Microseconds, 4_000)]);
        // five events, two synapses each. In steps 0 and 3 all inputs are 0 or 1: the two
        // events of step 0 meet one weight other than 0 each, that of step 3 two. The
        // call of step 1 has a 2 in it: two multiplications.
        let first = [
            (Count::SynapticOps, 10),
            (Count::MultiplyAdds, 0),
            (Count::EffectiveAcs, 4),
            (Count::EffectiveMacs, 2),
            (Count::DenseOps, 6 * 4),
            (Count::BiasAdds, 0),
            (Count::Addresses, 10),
            (Count::Places, 0),
            (Count::WeightReads, 10),
            (Count::StateReads, 10),
            (Count::StateWrites, 10),
            (Count::InputReads, 5),
        ];
        expect(&works, "w1", &first);
        assert_eq!(works[at("w1")].words, [6, 2, 1_000, 1_000]);
        // four spikes of a, one synapse each; of a clock, a bias in each of four steps
        let biases = if is_clocked { 4 } else { 0 };
        let second = [
            (Count::SynapticOps, 4),
            (Count::EffectiveAcs, 4),
            (Count::EffectiveMacs, 0),
            (Count::DenseOps, 2 * 4),
            (Count::BiasAdds, biases),
            (Count::WeightReads, 4 + biases),
            (Count::StateWrites, 4),
            (Count::InputReads, 4),
        ];
        expect(&works, "w2", &second);
        assert_eq!(works[at("w2")].words, [3, 1, 1_000, 1_000]);
        // Of a clock two neurons in each of four steps. From event to event those of a in
        // steps 0, 1 and 3.
        let updates = if is_clocked { 8 } else { 6 };
        let population = [
            (Count::Spikes, 4),
            (Count::Activations, 4),
            (Count::NeuronSteps, 8),
            (Count::StateUpdates, updates),
            (Count::Leaks, 0),
            (Count::StateReads, updates),
            (Count::OutputWrites, 4),
        ];
        expect(&works, "a", &population);
        expect(&works, "b", &[(Count::Spikes, 1), (Count::NeuronSteps, 4)]);
        let updates = if is_clocked { 4 } else { 2 };
        expect(&works, "b", &[(Count::StateUpdates, updates), (Count::StateReads, updates)]);
        // a: all in step 0; both end step 1 at 0, as they began it; step 3 changes both.
        // b: step 0 is counted for all; step 1 takes it from 0.5 back to 0.
        if is_clocked {
            expect(&works, "a", &[(Count::MembraneUpdates, 2 + 2)]);
            expect(&works, "b", &[(Count::MembraneUpdates, 1 + 1)]);
        }
    }
}

/// The same by step: of step 1 the two events of input 2, two synapses each, make both
/// neurons of a fire, whose two spikes make b fire, which the output passes on; of step 2
/// there is nothing.
#[test]
fn a_network_counted_on_paper_step_by_step() {
    let network = paper();
    let at = |name: &str| network.units.iter().position(|unit| unit.name == name).unwrap();
    let engine = Clocked::new(&network, &"spikingjelly".parse().unwrap(), DT).unwrap();
    let (mut state, mut steps) = (engine.start(), BySteps::new(engine.plan()));
    for (step, events) in events() {
        let mut spikes = Spikes::default();
        events.iter().for_each(|&(at, count)| spikes.push(at, count as f32, count));
        engine.receive(&mut state, step, &spikes, &mut steps);
    }
    engine.finish(&mut state, 4, &mut steps);
    let found: Vec<_> =
        steps.counts().map(|(step, unit, c)| (step, unit, c.spikes, c.synaptic_ops)).collect();
    let mut expected = vec![
        (0, at("in"), 2, 0),
        (0, at("w1"), 0, 4),
        (0, at("a"), 2, 0),
        (0, at("w2"), 0, 2),
        (1, at("in"), 2, 0),
        (1, at("w1"), 0, 4),
        (1, at("a"), 2, 0),
        (1, at("w2"), 0, 2),
        (1, at("b"), 1, 0),
        (1, at("out"), 1, 0),
        (3, at("in"), 1, 0),
        (3, at("w1"), 0, 2),
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// Of a clock, updates and biases go on in silence; nothing else does.
#[test]
fn silence_is_counted_on_paper() {
    let network = paper();
    for is_clocked in [true, false] {
        let conventions: Conventions = "spikingjelly".parse().unwrap();
        let ledger = Ledger::new(&network, &conventions, DT, is_clocked).unwrap();
        let standing = ledger.standing(&works_of(&network, is_clocked));
        let all = standing.into_iter().fold(Work::default(), |sum, work| sum + work);
        let expected = if is_clocked { [12, 4, 4, 12, 12] } else { [0; 5] };
        let counts = [
            Count::StateUpdates,
            Count::BiasAdds,
            Count::WeightReads,
            Count::StateReads,
            Count::StateWrites,
        ];
        assert_eq!(counts.map(|count| all[count]), expected);
        assert_eq!((all[Count::SynapticOps], all[Count::Spikes]), (0, 0));
    }
}

/// A factor that a convention lets an IF decay by is a multiplication a step, like a LIF's.
#[test]
fn what_a_convention_lets_fade_leaks() {
    let network = paper();
    for (convention, leaks) in [("nir", 0), ("snntorch-nir", 12), ("nir,leak=1", 0)] {
        let conventions: Conventions = convention.parse().unwrap();
        let ledger = Ledger::new(&network, &conventions, DT, true).unwrap();
        let engine = Clocked::new(&network, &conventions, DT).unwrap();
        let works = account(&network, &engine, &ledger);
        let all = works.into_iter().fold(Work::default(), |sum, work| sum + work);
        // three neurons, four steps
        assert_eq!((all[Count::Leaks], all[Count::StateUpdates]), (leaks, 12), "{convention}");
    }
}

/// The example of NeuroBench's documentation: 4 effective operations of 9.
#[test]
fn neurobenchs_own_example() {
    let weights = vec![1.3, 0.0, -3.2, 0.0, 1.2, -5.1, -1.1, 2.7, 0.0];
    let weight = Array::floats(&[3, 3], weights);
    let network =
        network(&[3], vec![node("w", "Linear", vec![("weight", weight)])], &[3], &["in w out"]);
    let ledger = Ledger::new(&network, &Conventions::default(), DT, true).unwrap();
    let engine = Clocked::new(&network, &Conventions::default(), DT).unwrap();
    let (mut counts, mut watch) = (Counts::new(&network, engine.plan()), ledger.watch());
    let unit = network.units.iter().position(|unit| unit.name == "w").unwrap();
    let mut input = Spikes::default();
    input.push(1, 1.3, 1);
    input.push(2, -1.0, 1);
    watch.heard(0, unit, &input);
    counts.sent(0, network.input, &input);
    let work = ledger.works(&counts, &watch, 1)[unit];
    assert_eq!((work[Count::EffectiveMacs], work[Count::EffectiveAcs]), (4, 0));
    assert_eq!(work[Count::DenseOps], 9);
}

fn shared() -> Option<PathBuf> {
    let data = std::env::var_os("SYNOPS_DATA").map(PathBuf::from);
    if data.is_none() {
        eprintln!("SYNOPS_DATA is not set: skipped");
    }
    data
}

/// Twenty runs of NeuroBench 2.3.0: operations, sparsity and membrane updates.
#[test]
fn nmnist_as_neurobench_counts_it() {
    let Some(data) = shared() else { return };
    let golden = std::fs::read(data.join("nir/neurobench_golden.json")).unwrap();
    let golden: Value = serde_json::from_slice(&golden).unwrap();
    let network = Network::new(nir::read(&data.join("nir/cnn_sinabs.nir")).unwrap()).unwrap();
    for run in golden["runs"].as_array().unwrap() {
        let input = match run["input"].as_str() {
            Some("counts") => InputMode::Counts,
            _ => InputMode::Binary,
        };
        let conventions: Conventions = "snntorch,reset=to-zero,when=same-step".parse().unwrap();
        let ledger = Ledger::new(&network, &conventions, DT, true).unwrap();
        let settings = Settings { conventions, input, ..Settings::default() };
        let replay = Replay::new(&network, settings).unwrap();
        let name = run["recording"].as_str().unwrap();
        let mut recording = Recording::open(&data.join(name), None).unwrap();
        let mut watch = ledger.watch();
        let (_, answer) = replay.run(&mut recording, &mut watch, |_| ()).unwrap();
        assert_eq!(answer.steps, run["steps"].as_u64().unwrap());
        let works = ledger.works(&answer.counts, &watch, answer.steps);
        let all = works.into_iter().fold(Work::default(), |sum, work| sum + work);
        let operations = &run["SynapticOperations"];
        for (count, expected) in [
            (Count::EffectiveAcs, &operations["Effective_ACs"]),
            (Count::EffectiveMacs, &operations["Effective_MACs"]),
            (Count::DenseOps, &operations["Dense"]),
            (Count::MembraneUpdates, &run["MembraneUpdates"]),
        ] {
            assert_eq!(all[count] as f64, expected.as_f64().unwrap(), "{count:?} {name}");
        }
        let sparsity = 1.0 - all[Count::Activations] as f64 / all[Count::NeuronSteps] as f64;
        let expected = run["ActivationSparsity"].as_f64().unwrap();
        assert!((sparsity - expected).abs() < 1e-12, "{name}: {sparsity} {expected}");
    }
}

/// What a readout that never fires sends in every step are values.
#[test]
fn potentials_are_no_spikes() {
    let two = |value: f32| Array::floats(&[2], vec![value; 2]);
    let weight = Array::floats(&[2, 3], vec![1.0; 6]);
    let li = vec![("tau", two(0.01)), ("r", two(1.0)), ("v_leak", two(0.0))];
    let nodes = vec![node("w", "Linear", vec![("weight", weight)]), node("li", "LI", li)];
    let network = network(&[3], nodes, &[2], &["in w li out"]);
    let at = |name: &str| network.units.iter().position(|unit| unit.name == name).unwrap();
    let engine = Clocked::new(&network, &Conventions::default(), DT).unwrap();
    let counts = Counts::new(&network, engine.plan());
    let (mut state, mut observer) = (engine.start(), (counts, BySteps::new(engine.plan())));
    let mut spikes = Spikes::default();
    spikes.push(1, 1.0, 1);
    engine.receive(&mut state, 0, &spikes, &mut observer);
    engine.finish(&mut state, 4, &mut observer);
    let (counts, steps) = observer;
    assert_eq!([at("in"), at("li"), at("out")].map(|unit| counts.units[unit].spikes), [1, 0, 0]);
    assert_eq!(counts.units[at("w")].synaptic_ops, 2);
    let rows: Vec<_> = steps.counts().map(|(step, unit, c)| (step, unit, c.spikes)).collect();
    assert!(rows.iter().all(|&(step, unit, n)| step == 0 && (n == 0 || unit == at("in"))));
    assert!(matches!(counts.readout(4), Readout::Mean(means) if means[0] > 0.0));
}

/// Delays in a loop pass the input on for ever; what they reach is reached once.
#[test]
fn a_loop_of_delays_has_an_account() {
    let wait = |name| node(name, "Delay", vec![("delay", Array::floats(&[1], vec![0.001]))]);
    let weight = Array::floats(&[1, 1], vec![1.0]);
    let one = |value: f32| Array::floats(&[1], vec![value]);
    let cell = node("cell", "IF", vec![("r", one(1.0)), ("v_threshold", one(1.0))]);
    let nodes = vec![wait("a"), wait("b"), node("w", "Linear", vec![("weight", weight)]), cell];
    let network = network(&[1], nodes, &[1], &["in a b a", "b w cell out"]);
    assert!(Ledger::new(&network, &Conventions::default(), DT, true).is_ok());
}

/// Between events a refractory time need not be of whole steps.
#[test]
fn a_refractory_time_between_steps_has_an_account() {
    let conventions: Conventions = "nir,refractory=1500us".parse().unwrap();
    assert!(Ledger::new(&paper(), &conventions, DT, true).is_err());
    let ledger = Ledger::new(&paper(), &conventions, DT, false).unwrap();
    let engine = EventDriven::new(&paper(), &conventions, DT).unwrap();
    let works = account(&paper(), &engine, &ledger);
    assert!(works.iter().any(|work| work[Count::StateReads] > 0));
}
