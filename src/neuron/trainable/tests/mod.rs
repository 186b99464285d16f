//! What every trainable model must do.

mod adjoints;
mod channels;
mod replays;
mod signs;
mod worked;

use proptest::prelude::*;

use super::*;

type Rows<T = f64> = Vec<Vec<T>>;

fn rows<T>(rows: &[Vec<T>]) -> Vec<&[T]> {
    rows.iter().map(|row| &row[..]).collect()
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let reset = prop_oneof![Just(None), Just(Some(0.0)), Just(Some(-0.3))];
    let surrogate = prop::sample::select(vec!["atan:2", "sigmoid:4", "erf:1", "softsign:2"]);
    let squash = prop::sample::select(vec![Squash::Tanh, Squash::Sigmoid, Squash::Identity]);
    let bits = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (1.1f64..5.0, 0.3f64..1.5, reset, bits, surrogate, squash).prop_map(
        |(tau, threshold, reset, (decay_input, detach_reset, scale_reset, relu), name, squash)| {
            let surrogate = name.parse().unwrap();
            let published = Settings::SPIKINGJELLY;
            Settings {
                tau,
                threshold,
                reset,
                decay_input,
                detach_reset,
                scale_reset,
                relu,
                surrogate,
                squash,
                ..published
            }
        },
    )
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    let defaults = Settings::SPIKINGJELLY;
    let wrong = [
        Settings { tau: 1.0, ..defaults.clone() },
        Settings { threshold: 0.0, ..defaults.clone() },
        Settings { threshold: f64::NAN, ..defaults.clone() },
        Settings { reset: Some(1.0), ..defaults.clone() },
    ];
    for settings in wrong {
        assert!(TRAINABLE.iter().all(|model| model.cells(&settings).is_err()), "{settings:?}");
    }
    for model in TRAINABLE {
        assert!(model.cells(&model.defaults).is_ok(), "{}", model.name);
    }
    let above_1 = Settings { threshold: 1.5, ..defaults };
    let error = gated_lif::TRAINABLE.cells(&above_1).unwrap_err().to_string();
    assert!(error.starts_with("neuron 'gated-lif': found 'v_threshold'"), "{error}");
}
