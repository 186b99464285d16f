//! Is drawing free beside running? Ten million spikes observed, and drawn.

use divan::counter::ItemsCount;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use synops::draw::{Band, Heading, Picture, Raster, Rows};
use synops::engine::Observer;
use synops::signal::{Shape, Spikes};
use synops::units::Micros;

/// Steps of a millisecond.
const STEPS: u64 = 10_000;
/// Populations of 4,096 neurons.
const UNITS: usize = 10;
/// Spikes of a population in a step.
const SPIKES: u64 = 100;

fn main() {
    divan::main();
}

fn raster() -> Raster {
    let shape = Shape::new(&[16, 16, 16]).expect("a shape");
    let band = |unit| Band {
        unit,
        label: format!("{unit} · IF {shape}"),
        shape: shape.clone(),
        rows: Rows::Neurons,
    };
    Raster::new((0..UNITS).map(band).collect(), Micros(1_000))
}

/// A hundred different steps.
fn steps() -> Vec<Spikes> {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let mut step = || {
        let mut spikes = Spikes::default();
        for i in 0..SPIKES as u32 {
            spikes.push(i * 40 + random.random_range(0..40), 1.0, 1);
        }
        spikes
    };
    (0..100).map(|_| step()).collect()
}

fn observe(raster: &mut Raster, steps: &[Spikes]) {
    for step in 0..STEPS {
        for unit in 0..UNITS {
            raster.sent(step, unit, &steps[(step as usize * 7 + unit * 13) % steps.len()]);
        }
    }
}

#[divan::bench(sample_count = 10)]
fn observed(bencher: divan::Bencher<'_, '_>) {
    let steps = steps();
    bencher
        .counter(ItemsCount::new(STEPS * UNITS as u64 * SPIKES))
        .with_inputs(raster)
        .bench_refs(|raster| observe(raster, &steps));
}

#[divan::bench(sample_count = 10, args = [Picture::Png, Picture::Svg])]
fn drawn(bencher: divan::Bencher<'_, '_>, picture: Picture) {
    let mut raster = raster();
    observe(&mut raster, &steps());
    let scene = || raster.draw(&Heading::default(), STEPS);
    bencher.bench(|| scene().render(picture).expect("a picture").len());
}
