//! Configurations by name: networks and recipes that others published, and small ones for
//! N-MNIST that are the program's own.

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
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "nmnist",
        about: "two convolutions and a dense layer for N-MNIST, 30 bins of 10 ms",
        text: include_str!("presets/nmnist.toml"),
    },
    Preset {
        name: "gesture",
        about: "three convolutions and two dense layers for DVS128 Gesture or its twin, 20 bins of 75 ms",
        text: include_str!("presets/gesture.toml"),
    },
    Preset {
        name: "frames-nmnist",
        about: "the same with ReLU, on one frame: a teacher",
        text: include_str!("presets/frames-nmnist.toml"),
    },
    Preset {
        name: "tssl-nmnist",
        about: "TSSL-BP on the first 90 ms of N-MNIST (Zhang & Li 2020)",
        text: include_str!("presets/tssl-nmnist.toml"),
    },
    Preset {
        name: "nmnist-tssl",
        about: "the preset nmnist by TSSL-BP, sums instead of norms",
        text: include_str!("presets/nmnist-tssl.toml"),
    },
    Preset {
        name: "eicil",
        about: "cycles of gradients and STDP, reconstructed, not verified against the paper",
        text: include_str!("presets/eicil.toml"),
    },
    Preset {
        name: "plif-nmnist",
        about: "the PLIF network for N-MNIST (Fang et al. 2021)",
        text: include_str!("presets/plif-nmnist.toml"),
    },
    Preset {
        name: "plif-dvs128",
        about: "the PLIF network for DVS128 Gesture",
        text: include_str!("presets/plif-dvs128.toml"),
    },
    Preset {
        name: "lif-dvs128",
        about: "the same with plain LIF (Fang et al. 2021)",
        text: include_str!("presets/lif-dvs128.toml"),
    },
    Preset {
        name: "tutorial-dvs128",
        about: "SpikingJelly's tutorial: the same with plain LIF, 16 steps",
        text: include_str!("presets/tutorial-dvs128.toml"),
    },
    Preset {
        name: "klif-dvs128",
        about: "the same with KLIF, 12 steps (Jiang & Zhang 2023)",
        text: include_str!("presets/klif-dvs128.toml"),
    },
    Preset {
        name: "plif-cifar10dvs",
        about: "the PLIF network for CIFAR10-DVS",
        text: include_str!("presets/plif-cifar10dvs.toml"),
    },
    Preset {
        name: "klif-cifar10dvs",
        about: "the same with KLIF, 15 steps (Jiang & Zhang 2023)",
        text: include_str!("presets/klif-cifar10dvs.toml"),
    },
    Preset {
        name: "vgg11-dvs128",
        about: "VGG-11 for DVS128 Gesture, TET (Huang et al. 2024)",
        text: include_str!("presets/vgg11-dvs128.toml"),
    },
    Preset {
        name: "vggsnn-cifar10dvs",
        about: "VGGSNN for CIFAR10-DVS, TET (Deng et al. 2022)",
        text: include_str!("presets/vggsnn-cifar10dvs.toml"),
    },
    Preset {
        name: "widenet-cifar10dvs",
        about: "Wide-7B-Net with gated LIF for CIFAR10-DVS (Yao et al. 2022)",
        text: include_str!("presets/widenet-cifar10dvs.toml"),
    },
    Preset {
        name: "resnet18-dvs128",
        about: "SEW ResNet-18 for DVS128 Gesture (Fang et al. 2021)",
        text: include_str!("presets/resnet18-dvs128.toml"),
    },
    Preset {
        name: "resnet19-cifar10dvs",
        about: "ResNet-19 for CIFAR10-DVS, tdBN (Zheng et al. 2021), TET",
        text: include_str!("presets/resnet19-cifar10dvs.toml"),
    },
];

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

    /// As SpikingJelly 2.0 counts its `parametric_lif_net` and `sew_resnet18` (with 2 input
    /// channels instead of 3), PyTorch 2 the layers of the others; `if` learns nothing.
    #[test]
    fn networks_have_as_many_parameters_as_those_of_others() {
        for (name, model, classes, expected) in [
            ("plif-nmnist", "plif", 10, 17_134_440),
            ("plif-dvs128", "plif", 11, 1_698_933),
            ("lif-dvs128", "lif", 11, 1_698_926),
            ("tutorial-dvs128", "lif", 11, 1_698_926),
            ("klif-dvs128", "klif", 11, 1_698_933),
            ("plif-cifar10dvs", "plif", 10, 4_691_818),
            ("klif-cifar10dvs", "klif", 10, 4_691_818),
            ("resnet18-dvs128", "if", 11, 11_182_155 - 49 * 64),
            ("vgg11-dvs128", "if", 11, 9_312_768),
            ("vggsnn-cifar10dvs", "if", 10, 9_307_338),
            ("widenet-cifar10dvs", "if", 10, 1_192_202),
            ("resnet19-cifar10dvs", "if", 10, 12_630_282),
        ] {
            let model = format!("neuron.model={model}");
            let config = Config::parse(named(name).unwrap().text, &[model]).unwrap();
            let sensor = config.data.sensor;
            let features = [2, sensor.height.into(), sensor.width.into()];
            let mut network = build(&config, &features, classes).unwrap();
            let parameters = network.parameters();
            let count: usize = parameters.iter().map(|(_, p)| p.values.len()).sum();
            assert_eq!(count, expected, "{name}");
        }
    }
}
