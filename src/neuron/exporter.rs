//! What the simulators' own exporters write: for which steps, and what they leave out.
//!
//! A preset steps as its simulator does; what that simulator writes to a file may still be
//! read otherwise than it ran. Times are for steps of one length, which the file does not
//! say, and what NIR has no field for is lost. Who ran the network knows it, and can say it
//! by the fields of a convention.
//!
//! **Source.** sinabs 2.0 `nir.py`, SpikingJelly 2.0 `nir_exchange/to_nir.py`, Norse 1.1
//! `utils/export_nir.py` (τ·dt for τ), snnTorch 1.0 `export_nir.py`, Spyx 1.0 `nir.py`;
//! networks that they wrote, `tools/peer_networks.py`.

use super::preset::Preset;
use crate::units::Seconds;

/// What one simulator writes.
#[derive(Debug)]
pub struct Exporter {
    /// The presets that step as it does.
    pub presets: &'static [&'static str],
    /// The step that its times are for, unless it was told another: 1 s where they count steps.
    pub step: Seconds,
    /// What it does not say, each with the field that does, where one does.
    pub unsaid: &'static str,
    /// Models that the preset floors, as the simulator's importer does, and that have no floor
    /// in the simulator itself unless they were given one.
    pub floored: &'static [&'static str],
}

/// Every exporter that is known.
pub const EXPORTERS: &[Exporter] = &[
    Exporter {
        presets: &["sinabs"],
        step: Seconds(1.0),
        unsaid: "IAF without min_v_mem: floor=none; LIF with norm_input: input=hold; tau_syn",
        floored: &["IF"],
    },
    Exporter { presets: &["spikingjelly"], step: Seconds(1e-4), unsaid: "", floored: &[] },
    Exporter {
        presets: &["norse"],
        step: Seconds(1e-6),
        unsaid: "v_reset; reset_subtract: reset=subtract; LIFCell, a CubaLIF there that it is not",
        floored: &[],
    },
    Exporter {
        presets: &["snntorch", "snntorch-nir"],
        step: Seconds(1e-4),
        unsaid: "reset_mechanism: reset=to-zero; no reset_delay: when=pending; inhibition",
        floored: &[],
    },
    Exporter {
        presets: &["spyx"],
        step: Seconds(1.0),
        unsaid: "the order of axes at a Flatten; dilation; where recurrent layers hear their input",
        floored: &[],
    },
];

impl Preset {
    /// What its simulator writes, where that is known.
    pub fn exporter(&self) -> Option<&'static Exporter> {
        EXPORTERS.iter().find(|exporter| exporter.presets.contains(&self.name))
    }
}
