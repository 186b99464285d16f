//! One LIF neuron in eleven simulators: the comparison of the NIR paper
//! (`paper/01_lif`, BSD-3), step by step.
//!
//! A thousand steps of 0.1 ms; the published tables under `$SYNOPS_DATA/nir/lif`
//! hold input, potential and spike of each. Skipped where it is not set.

use std::path::{Path, PathBuf};

use synops::engine::{Clocked, Engine, Observer};
use synops::network::{Network, Unit, file};
use synops::neuron::preset::Conventions;
use synops::signal::{BLOCK, Spikes};
use synops::units::Micros;

const DT: Micros = Micros(100);

/// Which published potentials ours are compared with.
enum Compared {
    All,
    /// Those of these steps.
    Where(fn(step: usize, fired: bool) -> bool),
}

/// A published table, and what reproduces it.
struct Row {
    table: &'static str,
    network: &'static str,
    convention: &'static str,
    spikes: [usize; 4],
    /// What the network multiplies its input by.
    weight: f32,
    /// Published potential per potential.
    scale: f64,
    /// Steps by which the published potential is late.
    late: usize,
    /// Of the published potential, in thresholds.
    tolerance: f64,
    compared: Compared,
}

/// Most of them.
const ROW: Row = Row {
    table: "",
    network: "lif_norse.nir",
    convention: "nir",
    spikes: [460, 510, 710, 760],
    weight: 1.0,
    scale: 1.0,
    late: 0,
    tolerance: 2e-6,
    compared: Compared::All,
};

const LATE: [usize; 4] = [461, 511, 711, 761];
const EARLY: [usize; 4] = [450, 500, 710, 760];

/// Weights are rounded on that chip; the script scales them by 102.02 before.
const SPINNAKER2: f64 = 102.0 / 102.02;

const ROWS: &[Row] = &[
    // crosses its threshold within a step and goes on charging from there on
    Row { table: "exact", compared: Compared::Where(|step, _| step < 460), ..ROW },
    // counts in thresholds
    Row { table: "nengo", convention: "nengo", scale: 10.0, ..ROW },
    Row { table: "norse", convention: "norse", ..ROW },
    // adds the whole input, and has a threshold of 2.5
    Row { table: "snntorch", convention: "snntorch-nir", scale: 25.0, ..ROW },
    // likewise, on a simulation of the chip
    Row { table: "spinnaker2", convention: "norse", scale: 25.0 * SPINNAKER2, ..ROW },
    // its input hears of a spike one step late, as everybody does
    Row { table: "lava_cpu_float", convention: "lava,number=f32", spikes: LATE, late: 1, ..ROW },
    Row {
        table: "lava_cpu_fixed",
        convention: "lava",
        spikes: LATE,
        late: 1,
        tolerance: 0.0,
        ..ROW
    },
    // the chip shows its refractory counter in place of a potential
    Row {
        table: "lava_loihi_fixed",
        convention: "loihi",
        spikes: LATE,
        late: 1,
        tolerance: 0.0,
        compared: Compared::Where(|_, fired| !fired),
        ..ROW
    },
    // takes inputs as they come; these were scaled by dt/τ before
    Row { table: "spyx", convention: "spyx,input=hold", spikes: LATE, ..ROW },
    // the table's input is already scaled
    Row { table: "sinabs", convention: "sinabs", spikes: EARLY, ..ROW },
    Row {
        table: "rockpool",
        network: "lif_rockpool.nir",
        convention: "rockpool",
        weight: 0.04,
        spikes: EARLY,
        ..ROW
    },
];

/// Input, potential and spike of every step.
fn table(path: &Path) -> Vec<[f64; 3]> {
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let mut numbers = line.split(',').map(|number| number.trim().parse().unwrap());
        [(); 3].map(|()| numbers.next().unwrap())
    };
    text.lines().map(line).collect()
}

/// The steps in which the output hears a spike.
#[derive(Default)]
struct Heard {
    output: usize,
    steps: Vec<usize>,
}

impl Observer for Heard {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        if unit == self.output && !sent.is_empty() {
            self.steps.push(step as usize);
        }
    }
}

fn spikes(network: &Network, conventions: &Conventions, input: &[f64]) -> Vec<usize> {
    let engine = Clocked::new(network, conventions, DT).unwrap();
    let (mut state, mut heard) = (engine.start(), Heard { output: network.output, steps: vec![] });
    for (step, &input) in input.iter().enumerate() {
        let mut spikes = Spikes::default();
        if input != 0.0 {
            spikes.push(0, input as f32, 1);
        }
        engine.receive(&mut state, step as u64, &spikes, &mut heard);
    }
    heard.steps
}

/// The potential after every step, of the network's neuron for these sums.
fn potentials(network: &Network, conventions: &Conventions, sums: &[f64]) -> Vec<f64> {
    let cell = network.units.iter().find_map(|wired| match &wired.unit {
        Unit::Neuron(neuron) => Some((neuron, &wired.output)),
        _ => None,
    });
    let (neuron, shape) = cell.unwrap();
    let population = neuron.at(DT.seconds(), shape, conventions).unwrap();
    let mut state = vec![0.0; population.variables() * BLOCK];
    population.start(0, &mut state);
    let step = |&sum: &f64| {
        population.step(0, &mut state, &[sum as f32; BLOCK], &mut [0.0; BLOCK]);
        f64::from(state[0])
    };
    sums.iter().map(step).collect()
}

fn check(folder: &Path, row: &Row) {
    let table = table(&folder.join(format!("lif_{}.csv", row.table)));
    let published: Vec<usize> = (0..table.len()).filter(|&step| table[step][2] != 0.0).collect();
    assert_eq!((table.len(), &published[..]), (1000, &row.spikes[..]), "{}", row.table);
    let (_, graph) = file::read(&folder.join(row.network)).unwrap();
    let network = Network::new(graph).unwrap();
    let conventions: Conventions = row.convention.parse().unwrap();
    let input: Vec<f64> = table.iter().map(|line| line[0]).collect();
    assert_eq!(spikes(&network, &conventions, &input), published, "{}", row.table);

    let sums: Vec<f64> = input.iter().map(|x| x * f64::from(row.weight)).collect();
    let potentials = potentials(&network, &conventions, &sums);
    let (mut compared, largest) = (0, table.iter().map(|line| line[1]).fold(0.0, f64::max));
    for (step, [_, expected, fired]) in table.iter().enumerate().skip(row.late) {
        if let Compared::Where(holds) = row.compared
            && !holds(step, *fired != 0.0)
        {
            continue;
        }
        let found = potentials[step - row.late] * row.scale;
        let error = (found - expected).abs() / largest;
        assert!(error <= row.tolerance, "{}, step {step}: {found} {expected}", row.table);
        compared += 1;
    }
    assert!(compared >= 460, "{}", row.table);
}

#[test]
fn one_neuron_as_eleven_simulators_run_it() {
    let Some(data) = std::env::var_os("SYNOPS_DATA").map(PathBuf::from) else {
        eprintln!("SYNOPS_DATA is not set: skipped");
        return;
    };
    ROWS.iter().for_each(|row| check(&data.join("nir/lif"), row));
}
