//! Layers in a sweep against the same layers one by one.

use proptest::prelude::*;

use super::*;
use crate::learn::layer::{Dropout, Pool};
use crate::learn::network::Network;
use crate::neuron::trainable::{Settings, TRAINABLE};

/// Numbers between −1 and 1 without a pattern.
fn scattered(len: usize, seed: u32) -> Vec<f32> {
    let number = |i: u32| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 16) as f32;
    (0..len as u32).map(|i| number(i) / 32768.0 - 1.0).collect()
}

#[derive(Clone, Debug)]
struct Case {
    /// `[T, B, H, W]`.
    sizes: [usize; 4],
    /// Sides of the kernel and padding, if there is a convolution.
    conv: Option<(usize, usize)>,
    channel_wise: bool,
    model: usize,
    pool: Option<Pool>,
}

const CHANNELS: usize = 3;

fn neurons(case: &Case) -> Neurons {
    let model = &TRAINABLE[case.model];
    let settings = Settings { channel_wise: case.channel_wise, ..model.defaults.clone() };
    let settings = Settings { threshold: 0.5, ..settings };
    let pass = &mut Pass::training(4);
    Neurons::new(model, &settings, (case.sizes[0], CHANNELS), pass).unwrap()
}

fn layers(case: &Case) -> Vec<Box<dyn Layer>> {
    let mut layers: Vec<Box<dyn Layer>> = Vec::new();
    if let Some((kernel, padding)) = case.conv {
        let shape = [CHANNELS, CHANNELS, kernel, kernel];
        let weight = scattered(shape.iter().product(), 7);
        layers.push(Box::new(Conv2d::new(shape, weight, Some(vec![0.1, 0.2, 0.3]), 1, padding)));
    }
    let mut norm = Norm::new(CHANNELS);
    norm.parameters()[0].1.values = vec![0.8, -1.3, 2.0];
    norm.parameters()[1].1.values = vec![0.1, 0.5, 0.2];
    layers.push(Box::new(norm));
    layers.push(Box::new(neurons(case)));
    layers.extend(case.pool.map(|pool| Box::new(Pool2d::new(pool, 2, 2)) as Box<dyn Layer>));
    layers
}

fn input(case: &Case) -> Tensor {
    let [steps, batch, height, width] = case.sizes;
    let shape = [steps, batch, CHANNELS, height, width];
    Tensor::new(&shape, scattered(shape.iter().product(), 1))
}

/// Output, gradients with respect to input and parameters, running averages.
type Outcome = (Vec<f32>, Vec<Vec<f32>>, Vec<Vec<f32>>);

fn outcome(
    network: &mut Network,
    output: Tensor,
    back: impl FnOnce(&mut Network, Tensor) -> Tensor,
) -> Outcome {
    let gradient = Tensor::new(output.shape(), scattered(output.values().len(), 9));
    let mut gradients = vec![back(network, gradient).into_values()];
    gradients.extend(network.parameters().into_iter().map(|(_, p)| p.gradient.clone()));
    let running = network.running().into_iter().map(|(_, values)| values.clone());
    (output.into_values(), gradients, running.collect())
}

fn together(case: &Case) -> Outcome {
    let features = [CHANNELS, case.sizes[2], case.sizes[3]];
    let mut network = Network::new(layers(case), &features).unwrap();
    let output = network.forward(input(case), &mut Pass::training(2));
    outcome(&mut network, output, Network::backward)
}

fn one_by_one(case: &Case) -> Outcome {
    let features = [CHANNELS, case.sizes[2], case.sizes[3]];
    let mut network = Network::new(layers(case), &features).unwrap();
    let pass = &mut Pass::training(2);
    let each = network.layers().iter_mut();
    let output = each.fold(input(case), |x, layer| layer.forward(x, pass));
    outcome(&mut network, output, |network, gradient| {
        network.layers().iter_mut().rev().fold(gradient, |g, layer| layer.backward(g))
    })
}

fn any_case() -> impl Strategy<Value = Case> {
    let sizes = (1usize..5, 1usize..4, 3usize..9, 3usize..9).prop_map(<[usize; 4]>::from);
    let conv = prop::option::of((1usize..4, 0usize..2));
    let pool = prop::option::of(prop::sample::select(vec![Pool::Max, Pool::Average, Pool::Sum]));
    (sizes, conv, any::<bool>(), 0..TRAINABLE.len(), pool).prop_map(
        |(sizes, conv, channel_wise, model, pool)| {
            // two rows and columns are left for a pool
            let conv = conv.filter(|(kernel, padding)| {
                sizes[2..].iter().all(|size| size + 2 * padding > kernel + 1)
            });
            Case { sizes, conv, channel_wise, model, pool }
        },
    )
}

fn assert_equal(case: &Case) {
    let (found, expected) = (together(case), one_by_one(case));
    assert_eq!(found.0, expected.0, "spikes of {case:?}");
    assert_eq!(found.2, expected.2, "running averages of {case:?}");
    for (found, expected) in found.1.iter().zip(&expected.1) {
        let most = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let apart = (found - expected).abs();
            assert!(apart <= 1e-4 * most + 1e-5, "{case:?}: {found}, not {expected}");
        }
    }
}

proptest! {
    #[test]
    fn a_sweep_does_what_its_layers_do(case in any_case()) {
        assert_equal(&case);
    }
}

/// Planes larger than a tile, and rows that no window sees.
#[test]
fn planes_are_cut_between_windows() {
    for (pool, height) in [(Some(Pool::Max), 130), (Some(Pool::Average), 131), (None, 129)] {
        let sizes = [6, 1, height, 121];
        assert_equal(&Case { sizes, conv: Some((3, 1)), channel_wise: true, model: 2, pool });
    }
}

#[test]
fn what_goes_together_is_found() {
    let case = Case {
        sizes: [1, 1, 8, 8],
        conv: Some((3, 1)),
        channel_wise: false,
        model: 1,
        pool: Some(Pool::Max),
    };
    let norm = || Box::new(Norm::new(CHANNELS)) as Box<dyn Layer>;
    let mut all = layers(&case);
    all.push(norm());
    all.push(Box::new(neurons(&case)));
    all.push(Box::new(Dropout::new(0.5).unwrap()));
    all.push(Box::new(Pool2d::new(Pool::Max, 3, 2)));
    all.extend(layers(&Case { pool: None, ..case }));
    assert_eq!(Sweep::groups(&mut all), [0..4, 4..6, 6..7, 7..8, 8..11]);
}
