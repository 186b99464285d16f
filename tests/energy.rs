//! `synops energy`, and what it compares with, worked out on paper.

mod build;
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use build::{network, node};
use program::{data, done, folder, json, refused, synops, text};
use serde_json::Value;
use synops::engine::{Clocked, Engine};
use synops::format::encode;
use synops::measure::{Count, Counts, Ledger, Readout, Table, Work, compare, traffic};
use synops::network::Network;
use synops::neuron::preset::Conventions;
use synops::record::Array;
use synops::record::weights::from_bytes;
use synops::signal::Spikes;
use synops::units::{Bytes, Micros};

fn table(name: &str) -> Table {
    Table::all().unwrap().into_iter().find(|table| table.name == name).unwrap()
}

/// Three inputs on two neurons: six synapses.
fn six_synapses() -> Network {
    let ones = |n: usize| Array::floats(&[n], vec![1.0; n]);
    let weight = Array::floats(&[2, 3], vec![1.0; 6]);
    let nodes = vec![
        node("w", "Linear", vec![("weight", weight)]),
        node("cells", "IF", vec![("r", ones(2)), ("v_threshold", ones(2))]),
    ];
    network(&[3], nodes, &[2], &["in w cells out"])
}

/// Its work in 5 steps if inputs and neurons are active in every fifth, from event to event or
/// by a clock.
fn work_of(network: &Network, is_clocked: bool) -> (Ledger, Vec<Work>) {
    let ledger = Ledger::new(network, &Conventions::default(), Micros(1_000), is_clocked).unwrap();
    let work = |name: &str| match name {
        "w" => Work::of([
            (Count::SynapticOps, 6),
            (Count::Addresses, 6),
            (Count::WeightReads, 6),
            (Count::StateReads, 6),
            (Count::StateWrites, 6),
            (Count::InputReads, 3),
        ])
        .with([6, 2, 1_000, 1_000]),
        "cells" => Work::of([
            (Count::Spikes, 2),
            (Count::NeuronSteps, 10),
            (Count::StateUpdates, if is_clocked { 10 } else { 2 }),
            (Count::StateReads, if is_clocked { 10 } else { 2 }),
            (Count::StateWrites, if is_clocked { 10 } else { 2 }),
            (Count::OutputWrites, 2),
        ])
        .with([0, 2, 0, 1_000]),
        _ => Work::default(),
    };
    (ledger, network.units.iter().map(|unit| work(&unit.name)).collect())
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found}, expected {expected}");
}

/// With arithmetic alone the rate at which both cost the same is E_MAC / (T E_AC): 4.6 over
/// 5 · 0.9 in 32-bit floating point. In 8-bit integers five steps match 3-bit activations, and
/// 3/8 of a multiplication of 0.2 pJ and an addition of 0.03 pJ over 5 · 0.03 pJ is 0.7.
#[test]
fn break_even_rates_are_those_of_the_closed_form() {
    let network = six_synapses();
    let (ledger, works) = work_of(&network, true);
    let found = compare(&table("horowitz45"), &ledger, &works, 1, 5).unwrap();
    close(found.rate.unwrap(), 0.2);
    assert_eq!(found.rivals.len(), 1, "no bits of floating-point numbers");
    close(found.rivals[0].energy.0, 6.0 * 4.6e-12);
    close(found.rivals[0].break_even.unwrap(), 4.6 / (5.0 * 0.9));
    // all six synapses in all five steps
    close(found.as_frames.0, 30.0 * 4.6e-12);
    let found = compare(&table("horowitz45-int8"), &ledger, &works, 1, 5).unwrap();
    let [dense, quantised] = &found.rivals[..] else { panic!() };
    close(dense.energy.0, 6.0 * 0.23e-12);
    assert_eq!((quantised.name, quantised.bits), ("quantised", Some(3)));
    close(quantised.energy.0, 6.0 * 0.105e-12);
    close(quantised.break_even.unwrap(), 0.7);
    // twice the work in two runs is the same
    let twice: Vec<Work> = works.iter().map(|work| work.times(2)).collect();
    let again = compare(&table("horowitz45-int8"), &ledger, &twice, 2, 10).unwrap();
    close(again.rivals[1].break_even.unwrap(), 0.7);
    assert!(compare(&table("odin"), &ledger, &works, 1, 5).is_none(), "no multiplications");
}

/// By hand, in picojoules. An access to n words of four bytes is 10 · 4n / 8192 = n · c.
///
/// By spikes: 6 additions and 6 addresses of 0.1, two resets of 0.1; 6 reads of 6 words of
/// weights, 6 reads and 6 writes of 2 words of sums, 3 reads and 2 writes of queues of 1,000.
/// A clock's ten updates read and write 2 words each time, whatever the spikes.
///
/// Dense: 6 multiplications of 3.2; 6 reads of 6 words, 6 of 3 words, 2 writes of 2 words: values
/// do not queue.
#[test]
fn what_stands_still_does_not_break_even() {
    let network = six_synapses();
    let c = 10.0 * 4.0 / 8192.0;
    let by_spikes = 1.4 + c * f64::from(36 + 12 + 12 + 3_000 + 2_000);
    let dense = 19.2 + c * f64::from(36 + 18 + 4);
    for (is_clocked, by_updates) in [(true, 40.0 * c), (false, 8.0 * c)] {
        let (ledger, works) = work_of(&network, is_clocked);
        let table = table("lemaire45");
        let energy = table.price_units(&works).sum(|term| term.typical).0;
        close(energy, 1e-12 * (by_spikes + by_updates));
        let found = compare(&table, &ledger, &works, 1, 5).unwrap();
        close(found.rivals[0].energy.0, 1e-12 * dense);
        let rate = match is_clocked {
            true => 0.2 * (dense - by_updates) / by_spikes,
            false => 0.2 * dense / (by_spikes + by_updates),
        };
        close(found.rivals[0].break_even.unwrap(), rate);
    }
}

/// Words of four bytes: six of weights, two of sums and of potentials, queues of 1,000.
#[test]
fn bytes_are_near_if_their_memory_fits() {
    let network = six_synapses();
    let (_, works) = work_of(&network, true);
    let all = [24, 128, 12, 8];
    for (buffer, near) in
        [(4_000, all), (3_999, [24, 128, 0, 0]), (23, [0, 128, 0, 0]), (7, [0; 4])]
    {
        let found = traffic(&works, 4, Bytes(buffer));
        assert_eq!(found.iter().map(|t| t.near_bytes).collect::<Vec<_>>(), near, "{buffer}");
        let far = all.iter().zip(near).map(|(all, near)| all - near);
        assert_eq!(found.iter().map(|t| t.far_bytes).collect::<Vec<_>>(), far.collect::<Vec<_>>());
    }
}

/// `tools/peer_energy.py`: SpikingJelly 2.0's profiler after Lemaire et al. A clock's counts,
/// and joules term by term.
#[test]
fn a_network_as_spikingjellys_profiler_prices_it() {
    let golden = from_bytes(include_bytes!("golden/lemaire.npz")).unwrap().arrays;
    let golden: BTreeMap<String, Array> = golden.into_iter().collect();
    let array = |name: &str| {
        let array = &golden[name];
        Array::floats(array.shape(), array.singles().unwrap())
    };
    let weights = |layer: &str| ("weight", array(&format!("weight.{layer}.weight")));
    let bias = |layer: &str| ("bias", array(&format!("weight.{layer}.bias")));
    let of = |n: usize, value: f32| Array::floats(&[n], vec![value; n]);
    let lif = |n: usize| {
        let fields = [("tau", 0.03125), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)];
        fields.map(|(field, value)| (field, of(n, value))).to_vec()
    };
    let map = |value: f32| Array::floats(&[4, 6, 6], vec![value; 4 * 36]);
    let pair = |value: i64| Array::integers(&[value, value]);
    let nodes = vec![
        node(
            "conv",
            "Conv2d",
            vec![
                weights("0"),
                bias("0"),
                ("stride", pair(1)),
                ("padding", pair(0)),
                ("dilation", pair(1)),
            ],
        ),
        node("if", "IF", vec![("r", map(1.0)), ("v_threshold", map(1.0))]),
        node(
            "flat",
            "Flatten",
            vec![
                ("start_dim", Array::integers(&[0])),
                ("end_dim", Array::integers(&[-1])),
                ("input_type", Array::integers(&[4, 6, 6])),
            ],
        ),
        node("fc1", "Affine", vec![weights("3"), bias("3")]),
        node("lif1", "LIF", lif(40)),
        node("fc2", "Linear", vec![weights("5")]),
        node("lif2", "LIF", lif(10)),
    ];
    let path = "in conv if flat fc1 lif1 fc2 lif2 out";
    let network = network(&[2, 6, 6], nodes, &[10], &[path]);
    let conventions: Conventions = "spikingjelly".parse().unwrap();
    // half of tau, and exact
    let dt = Micros(15_625);
    let ledger = Ledger::new(&network, &conventions, dt, true).unwrap();
    let engine = Clocked::new(&network, &conventions, dt).unwrap();
    let mut state = engine.start();
    let mut observer = (Counts::new(&network, engine.plan()), ledger.watch());
    let shape = &network.units[network.input].output;
    for (step, frame) in (0..).zip(golden["x"].singles().unwrap().chunks(72)) {
        let mut spikes = Spikes::default();
        let frame = shape.to_engine_order(frame);
        let active = (0..).zip(&frame).filter(|(_, value)| **value > 0.0);
        active.for_each(|(address, &value)| spikes.push(address, value, 1));
        engine.receive(&mut state, step, &spikes, &mut observer);
    }
    engine.finish(&mut state, 12, &mut observer);
    let (counts, watch) = &observer;
    let sent: Vec<f64> = golden["out"].numbers().unwrap();
    let Readout::Spikes(found) = counts.readout(12) else { panic!() };
    assert_eq!(found.iter().map(|&n| n as f64).collect::<Vec<_>>(), sent);
    let works = ledger.works(counts, watch, 12);
    let all = works.iter().fold(Work::default(), |sum, work| sum + *work);
    let expected = |name: &str| golden[name].numbers().unwrap()[0];
    for (found, name) in [
        (all[Count::SynapticOps], "synop"),
        (all[Count::Leaks], "mac"),
        (all[Count::SynapticOps] + all[Count::BiasAdds] + all[Count::Spikes], "ac"),
        (4 * all[Count::InputReads], "read_in_bytes"),
        (4 * all[Count::OutputWrites], "write_out_bytes"),
        (4 * all[Count::WeightReads], "read_params_bytes"),
        (4 * all[Count::StateReads], "read_potential_bytes"),
        (4 * all[Count::StateWrites], "write_potential_bytes"),
        (all[Count::Addresses], "acc_addr"),
        (all[Count::Places], "mac_addr"),
    ] {
        assert_eq!(found as f64, expected(&format!("count.{name}")), "{name}");
    }
    let energy = table("lemaire45").price_units(&works);
    close(1e12 * energy.sum(|term| term.typical).0, expected("pj.total"));
    let access = |names: &[&str]| -> f64 {
        let all = energy.table.accesses.iter().zip(&energy.accesses);
        let wanted = all.filter(|(access, _)| names.contains(&&access.name[..]));
        1e12 * wanted.map(|(_, (term, _))| term.typical.0).sum::<f64>()
    };
    close(access(&["input_reads", "output_writes"]), expected("pj.inout_pj"));
    close(access(&["weight_reads"]), expected("pj.params_pj"));
    close(access(&["state_reads", "state_writes"]), expected("pj.potential_pj"));
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Every product of the report, worked out again from its own figures, and the counts from a
/// replay's.
#[test]
fn the_figures_can_be_worked_out_again_from_the_page() {
    let report = json(&["energy", "--table", "all"]);
    let replay = json(&["replay"]);
    let inferences = number(&report["inferences"]);
    assert_eq!(inferences, 5.0);
    for (count, key) in [
        ("synaptic_ops", "synaptic_ops"),
        ("spikes", "spikes"),
        ("dense_ops", "dense_ops"),
        ("state_updates", "state_updates"),
    ] {
        let layers = replay["layers"].as_array().unwrap().iter();
        let expected: f64 = layers.filter_map(|layer| layer[key].as_f64()).sum();
        assert_eq!(number(&report["counts"][count]), expected, "{count}");
    }
    assert_eq!(report["energy"].as_array().unwrap().len(), 13);
    for energy in report["energy"].as_array().unwrap() {
        let mut total = 0.0;
        for term in energy["terms"].as_array().unwrap() {
            let count = report["counts"][term["name"].as_str().unwrap()].as_f64().unwrap_or(0.0);
            assert_eq!(number(&term["count"]), count);
            let joules = count * number(&term["picojoules"]["typical"]) * 1e-12;
            assert!((joules - number(&term["typical"])).abs() <= 1e-9 * joules);
            total += joules;
        }
        for access in energy["accesses"].as_array().unwrap() {
            for layer in access["layers"].as_array().unwrap() {
                let cost = number(&layer["picojoules"]["typical"]);
                total += number(&layer["count"]) * cost * 1e-12;
            }
        }
        let typical = number(&energy["typical"]);
        close(typical, total / inferences);
        assert_eq!(number(&energy["samples"]), inferences);
        close(number(&energy["total"]["typical"]), total);
        close(number(&energy["each"]["mean"]), typical);
        let of_samples = report["samples"].as_array().unwrap().iter();
        let name = energy["table"].as_str().unwrap();
        let sum: f64 = of_samples.map(|sample| number(&sample["joules"][name])).sum();
        close(sum, total);
        assert!(number(&energy["low"]) <= typical && typical <= number(&energy["high"]));
    }
    close(
        number(&report["energy"][0]["typical"]) * inferences,
        number(&replay["energy"][0]["typical"]),
    );
}

#[test]
fn the_page_for_people_says_what_is_counted_priced_left_out_and_doubted() {
    let page = done(&["energy"]);
    for words in [
        "joules a sample",
        "× 0.9 pJ",
        "without memory",
        "source: M. Horowitz",
        "secondhand",
        "source of weight reads, state reads, state writes, input reads, output writes: 10, 20 and",
        "in one pass",
        "spikes a neuron and step",
        "as frames",
        "activation sparsity",
        "eff. ACs",
        "by class, medians",
    ] {
        assert!(page.contains(words), "'{words}' is not in\n{page}");
    }
    let help = done(&["help", "energy"]);
    assert!(help.contains("Example: synops energy") && help.contains("lemaire45"), "{help}");
    assert!(help.contains("recalled, not checked"), "{help}");
}

/// `replay` prices by the same tables, over all trials; of several recordings `energy` does.
#[test]
fn a_replay_is_priced_by_the_tables_that_are_named() {
    let tables = "lemaire45,truenorth";
    let (all, each) = (json(&["replay", "--table", tables]), json(&["energy", "--table", tables]));
    for (all, each) in
        all["energy"].as_array().unwrap().iter().zip(each["energy"].as_array().unwrap())
    {
        assert_eq!(all["table"], each["table"]);
        for key in ["low", "typical", "high"] {
            close(number(&all[key]), 5.0 * number(&each[key]));
            let of = |kind: &str| -> f64 {
                all[kind].as_object().unwrap().values().map(|term| number(&term[key])).sum()
            };
            close(of("terms") + of("accesses"), number(&all[key]));
        }
    }
    let screen = done(&["replay", "--table", tables]);
    for words in
        ["weight reads for", "synaptic ops × 26 pJ", " µJ to ", "without memory off the chip"]
    {
        assert!(screen.contains(words), "'{words}' is not in\n{screen}");
    }
    let several = ["replay", &data("agreement"), "-n", &data("arm.nir"), "--table", "odin"];
    assert!(refused(&several, 2).contains("one recording, for --table"));
}

/// What fits into the buffer costs by quoted figures, what does not by a remembered one.
#[test]
fn a_figure_that_is_less_sure_than_its_table_says_so() {
    let words = ["energy", "--table", "memory45,spikformer", "--buffer", "1KiB"];
    let page = done(&words);
    let line = |name: &str| page.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(page.contains("7,366,672   × 0.74219 pJ  = 5.47 µJ  secondhand"), "{page}");
    for words in ["× 1300 pJ", "  recalled\n", "  derived\n", "DRAM as M. Horowitz"] {
        assert!(page.contains(words), "'{words}' is not in\n{page}");
    }
    assert!(
        line("  source of synaptic ops")
            .ends_with("derived from figures that were read in the source")
    );
    let report = json(&words);
    for access in report["energy"][0]["accesses"].as_array().unwrap() {
        for layer in access["layers"].as_array().unwrap() {
            let is_near = number(&layer["memory_bytes"]) <= 1024.0;
            assert_eq!(layer["certainty"], if is_near { "secondhand" } else { "recalled" });
        }
    }
}

#[test]
fn a_bar_a_table_is_drawn() {
    let path = folder().join("energy.svg").display().to_string();
    done(&["energy", "--table", "horowitz45,truenorth", "--plot", &path]);
    let picture = fs::read_to_string(path).unwrap();
    for words in ["horowitz45", "truenorth", "gestures.aedat through gestures.nir", "mean of 5"] {
        assert!(picture.contains(words), "{words}");
    }
}

#[test]
fn cautions_come_with_advice() {
    let cautions = |arguments: &[&str]| -> Vec<String> {
        let report = json(&[&["energy"], arguments].concat());
        let all = report["cautions"].as_array().unwrap().clone();
        assert!(all.iter().all(|caution| !caution["advice"].as_str().unwrap().is_empty()));
        all.iter().map(|caution| caution["caution"].as_str().unwrap().to_owned()).collect()
    };
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    let one = [&recording[..], "--network", &network];
    let crowded = cautions(&["--dt", "50ms"]);
    assert!(crowded.contains(&"crowded".to_owned()) && !crowded.contains(&"single".to_owned()));
    assert!(!cautions(&["--input", "binary"]).contains(&"crowded".to_owned()));
    assert!(cautions(&[&one[..], &["--to", "1s"]].concat()).contains(&"single".to_owned()));
    let cut = [&one[..], &["--steps", "10"]].concat();
    assert!(cautions(&cut).contains(&"unused".to_owned()));
}

/// As `replay` refuses: what was asked for is no loss.
#[test]
fn strict_refuses_what_nobody_asked_to_leave_out() {
    let path = folder().join("wide.bin");
    let batch = (0..20).map(|i| (1000 * i, 125 + i as u16 % 4, 0, true)).collect();
    fs::write(&path, encode("atis-bin", &batch).unwrap()).unwrap();
    let (wide, network, arm) = (path.to_str().unwrap(), data("arm.nir"), data("arm.aedat"));
    for (recording, more, code) in [
        (&arm[..], &["--steps", "10"][..], 0),
        (&arm, &["--input", "binary", "--dt", "50ms"], 0),
        (&arm, &["--from", "1s", "--to", "2s"], 0),
        (wide, &[], 1),
        (wide, &["--to", "1ms"], 0),
    ] {
        for verb in ["replay", "energy"] {
            let arguments = [&[verb, recording, "--network", &network, "--strict"], more].concat();
            let output = synops(&arguments);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        }
    }
    let report = json(&["energy", wide, "--network", &network]);
    let caution = report["cautions"].as_array().unwrap().iter().find(|c| c["caution"] == "unused");
    let expected = "the network saw 75.0 % of the events; 5 lay outside its sensor";
    assert_eq!(caution.unwrap()["text"], expected);
}

#[test]
fn tables_of_ones_own_and_rows_of_a_data_set() {
    let root = folder().join("set");
    let _ = fs::remove_dir_all(&root);
    for class in ["a", "b"] {
        fs::create_dir_all(root.join(class)).unwrap();
        fs::copy(data("arm.aedat"), root.join(class).join("1.aedat")).unwrap();
    }
    fs::write(root.join("b/2.aedat"), b"#!AER-DAT3.1\r\n#!END-HEADER\r\n").unwrap();
    let mine = folder().join("mine.toml");
    let own = "name = \"mine\"\nabout = \"a\"\ncitation = \"b\"\ncertainty = \"read\"\n\
               process = \"c\"\nleaves_out = []\n[[term]]\nname = \"spikes\"\nabout = \"d\"\n\
               low = 1.0\ntypical = 2.0\nhigh = 4.0\n";
    fs::write(&mine, own).unwrap();
    let (root, mine, network) =
        (root.display().to_string(), mine.display().to_string(), data("arm.nir"));
    let csv = folder().join("rows.csv").display().to_string();
    let tables = format!("{mine},odin");
    let arguments = ["energy", &root, "-n", &network, "--table", &tables, "--csv", &csv];
    let report = json(&arguments);
    assert_eq!(
        (&report["inferences"], &report["samples"][2]["problem"]),
        (&2.into(), &"no event in its window".into()),
        "{}",
        report["samples"][2]
    );
    let spikes = number(&report["counts"]["spikes"]);
    close(number(&report["energy"][0]["high"]), spikes / 2.0 * 4e-12);
    close(number(&report["energy"][0]["classes"]["a"]["median"]), spikes / 2.0 * 2e-12);
    let rows = fs::read_to_string(&csv).unwrap();
    assert_eq!(rows.lines().count(), 4);
    assert!(rows.lines().next().unwrap().ends_with("mine_j,odin_j,problem"), "{rows}");
    // the same by two threads, to the byte
    let again = done(&[&arguments[..], &["--threads", "1", "--json", "-"]].concat());
    let more = done(&[&arguments[..], &["--threads", "3", "--json", "-"]].concat());
    assert_eq!(again, more);
    // a table is read whole, as text, or not at all
    let refused_of = |bytes: &[u8]| {
        fs::write(&mine, bytes).unwrap();
        refused(&["energy", "--table", &mine], 2)
    };
    let message = refused_of(format!("{own}# {}\n", "x".repeat(1_000_000)).as_bytes());
    assert!(message.contains("mine.toml: found more than 1.00 MB"), "{message}");
    let message = refused_of(&own.as_bytes().iter().map(|&b| b | 0x80).collect::<Vec<_>>());
    assert!(message.contains("mine.toml: byte 0: found byte 0xee"), "{message}");
    let message = refused(&["energy", "--table", "horowitz"], 2);
    assert!(message.contains("table 'horowitz'") && message.contains("horowitz45"), "{message}");
    let message = refused(&["energy", "--table", "odin,odin"], 2);
    assert!(message.contains("'odin' twice"), "{message}");
    // a recording in no folder of a class is no sample, and is missed
    let all = ["energy", &root, "-n", &network, "--part", "all"];
    fs::remove_file(Path::new(&root).join("b/2.aedat")).unwrap();
    done(&[&all[..], &["--strict"]].concat());
    fs::copy(data("arm.aedat"), Path::new(&root).join("lost.aedat")).unwrap();
    let message = refused(&[&all[..], &["--strict"]].concat(), 1);
    assert!(message.contains("defects of the data set: 1, the first: "), "{message}");
    assert!(message.contains("lost.aedat: found a file beside the folders"), "{message}");
    fs::write(&mine, own.replace("spikes", "spiky")).unwrap();
    let message = refused(&["energy", "--table", &mine], 2);
    assert!(message.contains("'spiky'") && message.contains("mine.toml"), "{message}");
    let message = refused(&["energy", "--part", "test"], 2);
    assert!(message.contains("folder of a data set"), "{message}");
}
