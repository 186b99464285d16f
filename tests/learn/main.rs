//! Training: against PyTorch, SpikingJelly and snnTorch, and by its success.
//!
//! `golden/learn.npz` was made by `tools/make_learn_golden.py`, `golden/rate.npz` by
//! `tools/peer_rate.py`, with the versions that they name.

mod arithmetic;
mod loops;
mod networks;
mod rates;
mod training;

use std::collections::BTreeMap;

use synops::record::Array;
use synops::record::weights::from_bytes;

/// The arrays of the golden file by name.
struct Golden(BTreeMap<String, Array>);

impl Golden {
    fn read() -> Golden {
        Golden::of(include_bytes!("../golden/learn.npz"))
    }

    fn of(bytes: &[u8]) -> Golden {
        Golden(from_bytes(bytes).unwrap().arrays.into_iter().collect())
    }

    fn array(&self, name: &str) -> &Array {
        self.0.get(name).unwrap_or_else(|| panic!("no '{name}' in the golden file"))
    }

    fn singles(&self, name: &str) -> Vec<f32> {
        self.array(name).singles().unwrap()
    }

    fn sizes(&self, name: &str) -> Vec<usize> {
        self.array(name).sizes().unwrap()
    }
}

/// Whether every number is within a share of what is expected; small ones within a
/// hundredth of that share of the largest.
#[track_caller]
fn assert_close(name: &str, found: &[f32], expected: &[f32], share: f32) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let most = share * expected.abs().max(0.01 * largest);
        assert!((found - expected).abs() <= most, "{name}[{i}]: {found}, not {expected}");
    }
}

#[test]
fn the_golden_file_says_who_made_it() {
    let bytes = Golden::read().sizes("made_by");
    let text: String = bytes.into_iter().map(|byte| char::from(byte as u8)).collect();
    assert!(text.contains("tools/make_learn_golden.py") && text.contains("\"spikingjelly\""));
}
