//! Signed spikes, by what their equations say of each other.

use super::*;
use crate::neuron::trainable::signed::Sends;

const STEPS: usize = 8;
const NEURONS: usize = 5;

fn soft() -> Settings {
    Settings { reset: None, signed: true, ..Settings::SPIKINGJELLY }
}

fn sent(sends: Sends, input: &[f32]) -> Vec<f32> {
    let model = TRAINABLE.iter().find(|model| model.name == "lif").unwrap();
    let cells = model.cells_that_send(&soft(), sends).unwrap();
    let layout = Layout { steps: STEPS, batch: 1, channels: NEURONS, pixels: 1 };
    let mut sent = vec![0.0; input.len()];
    cells.forward(&layout, &[], input, &mut sent);
    sent
}

proptest! {
    #[test]
    fn inhibition_mirrors_excitation(input in prop::collection::vec(-5.0f32..5.0, STEPS * NEURONS)) {
        let mirrored: Vec<f32> = input.iter().map(|x| -x).collect();
        let positive = sent(Sends::Positive, &mirrored);
        let negative: Vec<f32> = positive.iter().map(|s| -s).collect();
        prop_assert_eq!(sent(Sends::Negative, &input), negative);
        let both = sent(Sends::Both, &input);
        let others: Vec<f32> = sent(Sends::Both, &mirrored).iter().map(|s| -s).collect();
        prop_assert_eq!(&both, &others);
        // before any reset, one side knows nothing of the other
        let first = |sends| sent(sends, &input)[..NEURONS].to_vec();
        let sums = first(Sends::Positive).into_iter().zip(first(Sends::Negative));
        let sums: Vec<f32> = sums.map(|(e, i)| e + i).collect();
        prop_assert_eq!(&both[..NEURONS], &sums[..]);
    }
}

/// τ = 2, θ = 1, by hand: h = v/2 + x/2, v = h − s.
#[test]
fn a_worked_sequence() {
    let input = [-2.5, 1.0, 4.0, -1.0, -4.0, 0.0, 0.0, 0.0];
    let one = |sends| {
        let all: Vec<f32> = input.iter().flat_map(|&x| [x, 0.0, 0.0, 0.0, 0.0]).collect();
        sent(sends, &all).chunks(NEURONS).map(|step| step[0]).collect::<Vec<_>>()
    };
    // h = -1.25, 0.375, 2.1875, 0.09375, -1.953125, -0.4765625, …
    assert_eq!(one(Sends::Both), [-1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0]);
    // h = -1.25, -0.125, 1.9375, -0.03125, -2.015625, …
    assert_eq!(one(Sends::Positive), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // h = -1.25, 0.375, 2.1875, 0.59375, -1.703125, -0.3515625, …
    assert_eq!(one(Sends::Negative), [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn what_cannot_be_signed_is_refused() {
    for model in TRAINABLE {
        let able = ["if", "lif", "plif"].contains(&model.name);
        assert_eq!(model.cells(&soft()).is_ok(), able, "{}", model.name);
        assert!(model.cells(&Settings { reset: Some(0.0), ..soft() }).is_err());
    }
}
