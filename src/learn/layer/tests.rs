//! Every layer's adjoint against differences of its forward pass.
//!
//! All layers but neurons are linear in their input or smooth, and all but norms
//! linear in each parameter, so that differences over large steps are exact up to
//! rounding.

use super::*;
use crate::learn::network::Network;
use crate::neuron::trainable::{Settings, TRAINABLE};

/// Numbers between −1 and 1 without a pattern, multiples of 1/64.
fn scattered(len: usize, seed: u32) -> Vec<f32> {
    let number = |i: u32| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 25) as f32;
    (0..len as u32).map(|i| number(i) / 64.0 - 1.0).collect()
}

const TRAINING: fn() -> Pass = || Pass::training(5);
/// With the statistics of answers.
const REPEATING: fn() -> Pass = || Pass { training: false, ..TRAINING() };

/// Σ weight·output.
fn loss(layer: &mut dyn Layer, input: &Tensor, weights: &[f32], pass: fn() -> Pass) -> f64 {
    let output = layer.forward(input.clone(), &mut pass());
    let products = output.values().iter().zip(weights).map(|(&y, &w)| f64::from(y) * f64::from(w));
    products.sum()
}

fn assert_close(name: &str, found: &[f32], expected: &[f64], most: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= most * (1.0 + expected.abs()), "{name}[{i}]: {found}, not {expected}");
    }
}

/// The gradients of a layer and their differences over `step`.
fn differences_agree(
    layer: &mut dyn Layer,
    input: Tensor,
    (step, most): (f32, f64),
    pass: fn() -> Pass,
) {
    let features = layer.output(input.features()).unwrap();
    let output = layer.forward(input.clone(), &mut pass());
    assert_eq!(output.shape(), input.shape_with(&features));
    let weights = scattered(output.values().len(), 99);
    layer.parameters().iter_mut().for_each(|(_, parameter)| parameter.clear());
    let back = layer.backward(Tensor::new(output.shape(), weights.clone()));
    assert_eq!(back.shape(), input.shape());

    let slope = |high: f64, low: f64| (high - low) / (2.0 * f64::from(step));
    let by_input: Vec<f64> = (0..input.values().len())
        .map(|i| {
            let mut at = |x: f32| {
                let mut moved = input.clone();
                moved.values_mut()[i] += x;
                loss(layer, &moved, &weights, pass)
            };
            slope(at(step), at(-step))
        })
        .collect();
    assert_close("input", back.values(), &by_input, most);
    for which in 0..layer.parameters().len() {
        let (name, found) = {
            let (name, parameter) = &layer.parameters()[which];
            (name.clone(), parameter.gradient.clone())
        };
        let slopes: Vec<f64> = (0..found.len())
            .map(|i| {
                let mut at = |x: f32| {
                    layer.parameters()[which].1.values[i] += x;
                    let loss = loss(layer, &input, &weights, pass);
                    layer.parameters()[which].1.values[i] -= x;
                    loss
                };
                slope(at(step), at(-step))
            })
            .collect();
        assert_close(&name, &found, &slopes, most);
    }
}

fn images(channels: usize, height: usize, width: usize) -> Tensor {
    let shape = [2, 3, channels, height, width];
    Tensor::new(&shape, scattered(shape.iter().product(), 1))
}

const EXACT: (f32, f64) = (0.5, 2e-5);

#[test]
fn convolutions() {
    let cases =
        [(3, 3, 1, 1), (3, 2, 2, 0), (1, 1, 1, 0), (5, 3, 3, 2), (2, 5, 1, 2), (1, 1, 2, 0)];
    for (ky, kx, stride, padding) in cases {
        let shape = [4, 2, ky, kx];
        let weight = scattered(shape.iter().product(), 17);
        let mut conv = Conv2d::new(shape, weight, Some(scattered(4, 3)), stride, padding);
        differences_agree(&mut conv, images(2, 5, 6), EXACT, TRAINING);
    }
}

/// Few pixels that are not zero go another way than many.
#[test]
fn convolutions_of_little() {
    for (ky, kx, stride, padding) in [(3, 3, 1, 1), (5, 2, 1, 0), (2, 3, 2, 1)] {
        let shape = [4, 2, ky, kx];
        let weight = scattered(shape.iter().product(), 17);
        let mut conv = Conv2d::new(shape, weight, Some(scattered(4, 3)), stride, padding);
        let mut input = images(2, 7, 6);
        let values = input.values_mut().iter_mut().enumerate();
        values.filter(|(i, _)| i % 13 != 4).for_each(|(_, x)| *x = 0.0);
        differences_agree(&mut conv, input, EXACT, TRAINING);
    }
}

/// A cross-correlation, not turned over, with zeros around.
#[test]
fn a_convolution_by_hand() {
    let mut conv = Conv2d::new([1, 1, 2, 2], vec![1.0, 2.0, 3.0, 4.0], Some(vec![0.5]), 1, 1);
    let input = Tensor::new(&[1, 1, 1, 2, 2], vec![1.0, 10.0, 100.0, 1000.0]);
    let output = conv.forward(input, &mut TRAINING());
    assert_eq!(output.shape(), [1, 1, 1, 3, 3]);
    let expected = [4.5, 43.5, 30.5, 402.5, 4321.5, 3010.5, 200.5, 2100.5, 1000.5];
    assert_eq!(output.values(), expected);
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Larger than a cache, and so in bands: y against the sums that define it, and
/// ⟨y, g⟩ = ⟨x, ∂x⟩ = ⟨W, ∂W⟩.
#[test]
fn large_convolutions() {
    for (stride, padding) in [(1, 1), (2, 1), (1, 0)] {
        let weight = scattered(2 * 8 * 9, 3);
        let mut conv = Conv2d::new([2, 8, 3, 3], weight.clone(), None, stride, padding);
        let shape = [1, 2, 8, 60, 130];
        let input = Tensor::new(&shape, scattered(shape.iter().product(), 1));
        let output = conv.forward(input.clone(), &mut TRAINING());
        let [height, width] = [output.features()[1], output.features()[2]];
        let tap = |image: usize, c: usize, y: usize, x: usize| {
            let inside =
                (padding..60 + padding).contains(&y) && (padding..130 + padding).contains(&x);
            let at = |y: usize, x: usize| ((image * 8 + c) * 60 + y) * 130 + x;
            if inside { input.values()[at(y - padding, x - padding)] } else { 0.0 }
        };
        for (i, found) in output.values().iter().enumerate().step_by(7) {
            let (x, y, o) = (i % width, i / width % height, i / width / height % 2);
            let terms = (0..72).map(|k| {
                let (c, ky, kx) = (k / 9, k / 3 % 3, k % 3);
                let seen = tap(i / width / height / 2, c, y * stride + ky, x * stride + kx);
                f64::from(weight[o * 72 + k]) * f64::from(seen)
            });
            let expected: f64 = terms.sum();
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{i}: {found}, not {expected}");
        }
        let gradient = Tensor::new(output.shape(), scattered(output.values().len(), 8));
        let expected = dot(output.values(), gradient.values());
        let back = conv.backward(gradient.clone());
        let owed = conv.parameters()[0].1.gradient.clone();
        for found in [dot(input.values(), back.values()), dot(&weight, &owed)] {
            assert!((found - expected).abs() < 1e-4 * expected.abs(), "{found}, not {expected}");
        }
    }
}

/// Whether or not somebody asks for the gradient with respect to the input.
#[test]
fn what_parameters_owe_is_the_same() {
    let layers: [Vec<Box<dyn Layer>>; 2] = [
        vec![conv(3, 2, 4), Box::new(Norm::new(3))],
        vec![
            Box::new(Flatten::default()),
            Box::new(Dense::new(7, 40, scattered(280, 2), Some(scattered(7, 8)))),
        ],
    ];
    for layers in layers {
        let mut network = Network::new(layers, &[2, 4, 5]).unwrap();
        let mut gradients = [true, false].map(|asked| {
            let output = network.forward(images(2, 4, 5), &mut TRAINING());
            let gradient = Tensor::new(output.shape(), scattered(output.values().len(), 8));
            match asked {
                true => drop(network.backward(gradient)),
                false => network.owe(gradient),
            }
            let gradients = network.parameters().into_iter().map(|(_, p)| p.gradient.clone());
            let gradients: Vec<f32> = gradients.flatten().collect();
            network.clear_gradients();
            gradients
        });
        let asked = gradients[0].split_off(0);
        assert!(asked.iter().any(|&g| g != 0.0));
        assert_eq!(asked, gradients[1]);
    }
}

#[test]
#[should_panic(expected = "a forward pass before the backward pass")]
fn nothing_is_kept_of_an_answer() {
    let mut layer = conv(3, 2, 4);
    layer.forward(images(2, 4, 5), &mut TRAINING());
    let answer = layer.forward(images(2, 4, 5), &mut Pass::answering());
    layer.backward(answer);
}

#[test]
fn dense_connections() {
    let mut dense = Dense::new(7, 5, scattered(35, 2), Some(scattered(7, 8)));
    let input = Tensor::new(&[3, 2, 5], scattered(30, 4));
    differences_agree(&mut dense, input.clone(), EXACT, TRAINING);
    let mut bare = Dense::new(7, 5, scattered(35, 2), None);
    differences_agree(&mut bare, input, EXACT, TRAINING);
}

/// What goes in as spikes is kept in bits; the gradients are those of the numbers.
#[test]
fn spikes_are_kept_as_bits_without_loss() {
    let spikes = |shape: &[usize]| {
        let values = scattered(shape.iter().product(), 21);
        Tensor::new(shape, values.iter().map(|&x| f32::from(u8::from(x > 0.3))).collect())
    };
    let mut dense = Dense::new(7, 5, scattered(35, 2), None);
    differences_agree(&mut dense, spikes(&[3, 40, 5]), EXACT, TRAINING);
    let mut conv = Conv2d::new([4, 2, 3, 3], scattered(72, 17), None, 1, 1);
    differences_agree(&mut conv, spikes(&[2, 20, 2, 4, 5]), EXACT, TRAINING);
}

#[test]
fn pools() {
    for (pool, kernel, stride) in [
        (Pool::Sum, 2, 2),
        (Pool::Average, 2, 2),
        (Pool::Average, 3, 2),
        (Pool::Average, 2, 1),
        (Pool::Sum, 2, 3),
    ] {
        let mut layer = Pool2d::new(pool, kernel, stride);
        differences_agree(&mut layer, images(2, 5, 6), EXACT, TRAINING);
        let mut layer = Pool2d::new(Pool::Max, kernel, stride);
        // no step is as long as the distance of two numbers
        differences_agree(&mut layer, images(2, 5, 6), (1.0 / 256.0, 1e-4), TRAINING);
    }
}

#[test]
fn of_equal_maxima_the_first_is_the_one() {
    let mut layer = Pool2d::new(Pool::Max, 2, 2);
    let input = Tensor::new(&[1, 1, 1, 2, 4], vec![0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(layer.forward(input, &mut TRAINING()).values(), [1.0, 0.0]);
    let back = layer.backward(Tensor::new(&[1, 1, 1, 1, 2], vec![2.0, 3.0]));
    assert_eq!(back.values(), [0.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn batch_norms() {
    for scale in [1.0, 0.35] {
        let mut norm = Norm::scaled(2, scale);
        norm.parameters()[0].1.values = vec![0.8, -1.3];
        norm.parameters()[1].1.values = vec![0.1, 0.2];
        differences_agree(&mut norm, images(2, 3, 4), (1.0 / 64.0, 1e-3), TRAINING);
        differences_agree(&mut norm, images(2, 3, 4), EXACT, REPEATING);
    }
}

/// With μ = 0, σ² = 1 − ε and γ = 1 a tdBN multiplies by αθ; once it has measured, it answers
/// by its running averages.
#[test]
fn a_norm_of_normal_numbers_scales() {
    let mut norm = Norm::scaled(3, 0.5 * 0.7);
    norm.running.variance = vec![1.0 - 1e-5; 3];
    let input = images(3, 2, 2);
    let output = norm.forward(input.clone(), &mut Pass::answering());
    let expected: Vec<f64> = input.values().iter().map(|&x| 0.35 * f64::from(x)).collect();
    assert_close("scaled", output.values(), &expected, 1e-6);

    norm.forward(input.clone(), &mut TRAINING());
    let shift = [0.1, 0.2, 0.3];
    norm.parameters()[1].1.values = shift.map(|beta| beta as f32).to_vec();
    let output = norm.forward(input.clone(), &mut Pass::answering());
    let (mean, variance) = (&norm.running.mean, &norm.running.variance);
    let planes = input.values().chunks(4).enumerate();
    let expected: Vec<f64> = planes
        .flat_map(|(i, plane)| plane.iter().map(move |x| (i % 3, x)))
        .map(|(c, x)| {
            0.35 * f64::from(x - mean[c]) / f64::from(variance[c] + 1e-5).sqrt() + shift[c]
        })
        .collect();
    assert_close("measured", output.values(), &expected, 1e-5);
}

#[test]
fn dropout_drops_whole_sequences() {
    let mut dropout = Dropout::new(0.4).unwrap();
    let input = Tensor::new(&[3, 1, 1000], vec![1.0; 3000]);
    let output = dropout.forward(input.clone(), &mut TRAINING());
    let (first, rest) = output.values().split_at(1000);
    assert_eq!([first, first].concat(), rest);
    let dropped = first.iter().filter(|&&x| x == 0.0).count();
    assert!((350..450).contains(&dropped), "{dropped} of 1000");
    assert!(first.iter().all(|&x| x == 0.0 || x == 1.0 / 0.6));
    assert_eq!(dropout.backward(input.clone()), output);
    assert_eq!(dropout.forward(input.clone(), &mut Pass::answering()), input);
    assert!(Dropout::new(1.0).is_err() && Dropout::new(f64::NAN).is_err());
    differences_agree(&mut dropout, images(2, 3, 4), EXACT, TRAINING);
}

fn conv(outputs: usize, inputs: usize, seed: u32) -> Box<dyn Layer> {
    let weight = scattered(outputs * inputs * 9, seed);
    Box::new(Conv2d::new([outputs, inputs, 3, 3], weight, None, 1, 1))
}

#[test]
fn residual_additions() {
    let branch = || vec![conv(2, 2, 3), conv(4, 2, 4)];
    let network = |layers| Network::new(layers, &[2, 4, 3]).unwrap();
    let mut residual = Residual::new(network(branch()), network(vec![conv(4, 2, 6)]));
    differences_agree(&mut residual, images(2, 4, 3), EXACT, TRAINING);
    let names: Vec<String> = residual.parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["branch.0.weight", "branch.1.weight", "shortcut.0.weight"]);
    let mut plain = Residual::new(network(vec![conv(2, 2, 3)]), network(vec![]));
    differences_agree(&mut plain, images(2, 4, 3), EXACT, TRAINING);
    let misfit = Residual::new(network(branch()), network(vec![]));
    assert!(misfit.output(&[2, 4, 3]).is_err());
}

#[test]
fn layers_that_do_not_follow_each_other_are_refused() {
    let flat = |inputs| Box::new(Dense::new(3, inputs, vec![0.0; 3 * inputs], None));
    let layers = |inputs| -> Vec<Box<dyn Layer>> {
        let pool = Box::new(Pool2d::new(Pool::Average, 2, 2));
        vec![conv(2, 2, 1), pool, Box::new(Flatten::default()), flat(inputs)]
    };
    let network = Network::new(layers(8), &[2, 4, 5]).unwrap();
    assert_eq!(network.output(&[2, 4, 5]).unwrap(), [3]);
    let error = Network::new(layers(9), &[2, 4, 5]).unwrap_err().to_string();
    assert_eq!(error, "layer 3: found features [8]; expected [9] for a dense layer");
    for input in [&[3, 4, 5][..], &[2, 4], &[2, 1, 1]] {
        assert!(Network::new(layers(8), input).is_err(), "{input:?}");
    }
}

fn gated(channel_wise: bool) -> Neurons {
    let model = TRAINABLE.iter().find(|model| model.name == "gated-lif").unwrap();
    let settings = Settings { channel_wise, ..model.defaults.clone() };
    Neurons::new(model, &settings, (3, 4), &mut TRAINING()).unwrap()
}

#[test]
fn neurons_start_where_the_model_says_or_near() {
    let mut neurons = gated(true);
    for (name, parameter) in neurons.parameters() {
        let (first, values) = (parameter.values[0], &parameter.values);
        match &name[..] {
            // logits, drawn
            "alpha" | "beta" | "gamma" => {
                assert!(values.iter().all(|x| x.abs() <= 0.1) && values[1] != first, "{name}");
            }
            "conduct" => assert_eq!((&parameter.shape[..], first), (&[3, 4][..], 0.0)),
            _ => assert!(values.iter().all(|&x| x == first), "{name}"),
        }
        assert!(!parameter.decays);
    }
    assert!(neurons.output(&[4, 2, 2]).is_ok() && neurons.output(&[3, 2, 2]).is_err());
    assert!(gated(false).output(&[3, 2, 2]).is_ok());
}

#[test]
#[should_panic(expected = "2 steps for neurons with parameters for Some(3)")]
fn parameters_for_steps_are_for_so_many() {
    gated(false).forward(Tensor::zeros(&[2, 1, 4]), &mut TRAINING());
}
