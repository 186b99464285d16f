//! How long does a replay take, next to the reading of its recording?
//!
//! One real N-MNIST recording through the network of the NIR paper where
//! `SYNOPS_DATA` names the folder that holds them; the bundled pair in any case.

use std::path::PathBuf;

use divan::Bencher;
use divan::counter::ItemsCount;
use synops::bundled;
use synops::event::Batch;
use synops::format::Recording;
use synops::network::{Network, nir};
use synops::replay::{Replay, Settings};

fn main() {
    if std::env::var_os("SYNOPS_DATA").is_none() {
        eprintln!("SYNOPS_DATA is not set: the bundled pair only");
    }
    divan::main();
}

/// A recording in memory and a network for it.
struct Work {
    name: &'static str,
    recording: Vec<u8>,
    network: Network,
}

fn bundled_pair() -> Work {
    let network = nir::from_bytes(bundled::NETWORK.bytes.to_vec()).unwrap();
    Work {
        name: bundled::RECORDING.name,
        recording: bundled::RECORDING.bytes.to_vec(),
        network: Network::new(network).unwrap(),
    }
}

fn nmnist() -> Option<Work> {
    let data = PathBuf::from(std::env::var_os("SYNOPS_DATA")?);
    let network = nir::read(&data.join("nir/cnn_sinabs.nir")).unwrap();
    Some(Work {
        name: "00002.bin",
        recording: std::fs::read(data.join("nmnist/Train/0/00002.bin")).unwrap(),
        network: Network::new(network).unwrap(),
    })
}

impl Work {
    fn open(&self) -> Recording {
        Recording::from_bytes(self.name, self.recording.clone()).unwrap()
    }

    fn events(&self) -> u64 {
        let (mut recording, mut events) = (self.open(), Batch::default());
        while recording.decode(&mut events).unwrap() {}
        events.len() as u64
    }

    /// Counted in events, so that the rates of rows compare.
    fn bench_replay(&self, bencher: Bencher, convention: &str) {
        let conventions = convention.parse().unwrap();
        let settings = Settings { conventions, ..Settings::default() };
        let replay = Replay::new(&self.network, settings).unwrap();
        bencher
            .counter(ItemsCount::new(self.events()))
            .with_inputs(|| self.open())
            .bench_values(|mut recording| replay.run(&mut recording, (), |_| ()).unwrap().1.steps);
    }

    fn bench_decode(&self, bencher: Bencher) {
        bencher
            .counter(ItemsCount::new(self.events()))
            .with_inputs(|| (self.open(), Batch::default()))
            .bench_values(|(mut recording, mut events)| {
                while recording.decode(&mut events).unwrap() {}
                events
            });
    }
}

#[divan::bench]
fn bundled_decode(bencher: Bencher) {
    bundled_pair().bench_decode(bencher);
}

#[divan::bench]
fn bundled_replay(bencher: Bencher) {
    bundled_pair().bench_replay(bencher, "nir");
}

#[divan::bench]
fn nmnist_decode(bencher: Bencher) {
    if let Some(work) = nmnist() {
        work.bench_decode(bencher);
    }
}

#[divan::bench(args = ["nir", "sinabs", "spikingjelly", "norse", "snntorch"])]
fn nmnist_replay(bencher: Bencher, convention: &str) {
    if let Some(work) = nmnist() {
        work.bench_replay(bencher, convention);
    }
}
