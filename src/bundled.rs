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

/// Five gestures of a synthetic user; AEDAT 3.1.
pub const RECORDING: File = bundled!("data/gestures.aedat");

/// When they are; a label file.
pub const LABELS: File = bundled!("data/gestures_labels.csv");

/// A network that tells gestures apart, trained on other synthetic users; NIR.
pub const NETWORK: File = bundled!("data/gestures.nir");

/// Networks of the agreement suite, each with what other simulators made of it.
pub const AGREEMENT: &[(File, File)] = &[
    agreement!("conv-if"),
    agreement!("dense-lif"),
    agreement!("dense-lif-r1"),
    agreement!("dense-cuba"),
    agreement!("exported-sinabs"),
    agreement!("exported-norse"),
    agreement!("exported-snntorch"),
    agreement!("exported-spikingjelly"),
    agreement!("exported-spyx"),
];
