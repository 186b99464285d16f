//! Makes the recording and the network that come with the program:
//!
//! ```text
//! cargo run --release --example make_bundled
//! ```
//!
//! **The network** is that of `tools/bundled.toml`, trained on synthetic users 1 to 23, two
//! lightings; its test is on users 24 to 29. **The recording** is of one of those, five
//! gestures of a second and a half. Some ten minutes on two cores.

use std::fs;
use std::path::Path;

use synops::corpus::gesture;
use synops::corpus::synthetic::{LIGHTINGS, Plan};
use synops::error::Result;
use synops::format;
use synops::train::{Config, Data, Stage, Trained, Training, finish};

/// The user of the recording, and what they do: nobody whom the network was trained on.
const USER: usize = 27;
const PROGRAMME: [u8; 5] = [2, 7, 8, 10, 1];

fn main() -> Result<()> {
    let folder = Path::new("target/bundled");
    let (twin, run) = (folder.join("twin"), folder.join("run"));
    let of = |name: &str| LIGHTINGS.iter().find(|lighting| lighting.name == name);
    let lightings = ["led", "natural"].iter().filter_map(|name| of(name)).collect();
    let plan = Plan { users: 29, lightings, seconds: 3.0, seed: 1 };
    if !twin.join("trials_to_test.txt").exists() {
        plan.write(&twin, &|| ())?;
    }

    let path = format!("data.path={:?}", twin.display().to_string());
    let config = Config::parse(include_str!("bundled.toml"), &[path])?;
    let data = Data::read(&config.data, &|_, _| ())?;
    fs::create_dir_all(&run)?;
    let mut training = Training::new(config.clone(), &data)?;
    training.run(&run, &mut |stage| {
        if let Stage::Epoch(epoch) = stage {
            println!("epoch {}: loss {:.4}", epoch.epoch, epoch.training.loss);
        }
    })?;
    let Trained { path, tested } = finish(&config, &data, training.best(), &run)?;
    let tested = tested.expect("users to test on");
    println!("{} of {} right", tested.accuracy.right, tested.accuracy.of);

    let take = Plan { seconds: 1.5, ..plan }.take(USER, &LIGHTINGS[3], &PROGRAMME);
    let files = [
        ("gestures.aedat", format::encode("aedat3", &take.events)?),
        ("gestures_labels.csv", gesture::labels(&take.trials).into_bytes()),
        ("gestures.nir", fs::read(path)?),
    ];
    for (name, bytes) in files {
        println!("data/{name}: {} bytes", bytes.len());
        fs::write(format!("data/{name}"), bytes)?;
    }
    Ok(())
}
