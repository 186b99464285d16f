//! The recording and the network that come with the program, so that it has
//! something to show before anybody has a file. `tools/make_bundled.rs` makes
//! them and says what they are.

/// A file in the program.
#[derive(Debug)]
pub struct File {
    /// Its name in the repository.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

macro_rules! agreement {
    ($name:literal) => {
        (
            bundled!(concat!("data/agreement/", $name, ".nir")),
            bundled!(concat!("data/agreement/", $name, ".npz")),
        )
    };
}

macro_rules! bundled {
    ($name:expr) => {
        File { name: $name, bytes: include_bytes!(concat!("../", $name)) }
    };
}

/// An arm that circles one way and then the other; AEDAT 3.1.
pub const RECORDING: File =
    File { name: "data/arm.aedat", bytes: include_bytes!("../data/arm.aedat") };

/// When it does so; a label file.
pub const LABELS: File =
    File { name: "data/arm_labels.csv", bytes: include_bytes!("../data/arm_labels.csv") };

/// Networks of the agreement suite, each with what other simulators made of it.
pub const AGREEMENT: &[(File, File)] = &[
    agreement!("conv-if"),
    agreement!("dense-lif"),
    agreement!("dense-lif-r1"),
    agreement!("dense-cuba"),
];

/// A network that tells which way; NIR.
pub const NETWORK: File = File { name: "data/arm.nir", bytes: include_bytes!("../data/arm.nir") };
