//! Configurations by name: networks and recipes that others published, and one that
//! comes with the program.

use crate::error::{Error, ErrorKind, Result};

/// A configuration that comes with the program. Its data's path is empty.
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Whose it is and what for, in one line.
    pub about: &'static str,
    /// The file.
    pub text: &'static str,
}

/// Every preset.
pub const PRESETS: &[Preset] = &[Preset {
    name: "nmnist",
    about: "two convolutions and a dense layer for N-MNIST, 30 bins of 10 ms",
    text: include_str!("presets/nmnist.toml"),
}];

/// A preset by its name.
///
/// # Errors
/// A name that is none.
pub fn named(name: &str) -> Result<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        Error::new(ErrorKind::Usage, format!("preset '{name}'"), names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Config;
    use crate::train::architecture::build;

    #[test]
    fn every_preset_is_a_network_for_its_sensor() {
        for preset in PRESETS {
            let config = Config::parse(preset.text, &[]).unwrap();
            let sensor = config.data.sensor;
            let features = [2, sensor.height.into(), sensor.width.into()];
            let fits = [10, 11].iter().any(|&classes| build(&config, &features, classes).is_ok());
            assert!(fits, "{}", preset.name);
            assert_eq!(Config::parse(&config.to_toml().unwrap(), &[]).unwrap(), config);
        }
    }
}
