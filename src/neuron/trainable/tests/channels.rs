//! Populations whose channels have parameters of their own.

use super::*;

/// Numbers between −1 and 2 without a pattern.
fn scattered(len: usize) -> Vec<f32> {
    (0..len as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 5.6e6 - 1.0).collect()
}

/// Many channels, more neurons than a block, fewer than a run and more: each channel
/// is what it would be alone.
#[test]
fn channels_have_their_own_parameters() {
    for pixels in [1, 70, 3000] {
        let layout = Layout { steps: 3, batch: 2, channels: 3, pixels };
        let settings = gated_lif::TRAINABLE.defaults.clone();
        let cells = gated_lif::TRAINABLE.cells(&settings).unwrap();
        let learned = gated_lif::TRAINABLE.learned;
        let parameters: Vec<Vec<f32>> = learned
            .iter()
            .map(|l| scattered(gated_lif::TRAINABLE.count(l, &settings, &layout)))
            .collect();
        let slices: Vec<&[f32]> = parameters.iter().map(|p| &p[..]).collect();
        let input = scattered(layout.neurons() * layout.steps);
        let mut sent = vec![0.0; input.len()];
        cells.forward(&layout, &slices, &input, &mut sent);
        let mut gradient = scattered(input.len()).into_iter().rev().collect::<Vec<_>>();
        let upstream = gradient.clone();
        let owed = cells.adjoint(&layout, &slices, &input, &mut gradient);

        for channel in 0..3 {
            let alone = Layout { channels: 1, ..layout };
            let pick = |values: &[f32]| -> Vec<f32> {
                values.chunks(pixels).skip(channel).step_by(3).flatten().copied().collect()
            };
            let own = |p: &[f32]| p.iter().skip(channel).step_by(3).copied().collect();
            let own_parameters: Vec<Vec<f32>> = parameters.iter().map(|p| own(p)).collect();
            let slices: Vec<&[f32]> = own_parameters.iter().map(|p| &p[..]).collect();
            let (input, mut own_sent) = (pick(&input), pick(&sent));
            own_sent.fill(9.0);
            cells.forward(&alone, &slices, &input, &mut own_sent);
            assert_eq!(own_sent, pick(&sent));
            let mut expected = pick(&upstream);
            let expected_owed = cells.adjoint(&alone, &slices, &input, &mut expected);
            assert_eq!(pick(&gradient), expected);
            for (found, expected) in owed.iter().zip(&expected_owed) {
                let found: Vec<f32> = own(found);
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * (1.0 + b.abs());
                assert!(found.iter().zip(expected).all(close), "{found:?}, not {expected:?}");
            }
        }
        assert!(sent.contains(&1.0) && sent.contains(&0.0));
    }
}
