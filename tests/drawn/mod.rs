//! Populations and conventions, drawn at random.

use proptest::prelude::*;
use proptest::sample::select;
use rand::RngExt;
use rand_pcg::Pcg64;
use synops::network::Node;
use synops::neuron::preset::PRESETS;
use synops::record::Array;

use super::build::node;

/// The models whose parameters are for one length of a step.
pub const STEPWISE: [&str; 3] = ["KLIF", "DALIF", "GatedLIF"];

/// Numbers from a seed.
pub struct Draw {
    /// Where they come from.
    pub random: Pcg64,
    /// Where it is there, numbers are multiples of one over it.
    pub parts: Option<f64>,
}

impl Draw {
    /// Numbers between two others.
    pub fn floats(&mut self, shape: &[usize], low: f64, high: f64) -> Array {
        let mut number = || {
            let x = self.random.random_range(low..high);
            self.parts.map_or(x, |parts| (x * parts).round() / parts) as f32
        };
        Array::floats(shape, (0..shape.iter().product()).map(|_| number()).collect())
    }

    /// Some of these numbers; those that halve and double where sums are to be exact.
    fn some(&mut self, shape: &[usize], [low, high]: [f64; 2], exact: &[f64]) -> Array {
        if self.parts.is_none() {
            return self.floats(shape, low, high);
        }
        let mut number = || exact[self.random.random_range(0..exact.len())] as f32;
        Array::floats(shape, (0..shape.iter().product()).map(|_| number()).collect())
    }

    /// A population of a model that is defined by a step of 1 ms.
    fn stepwise(&mut self, name: &str, model: &str, shape: &[usize]) -> Node {
        let channels: Vec<usize> =
            shape.iter().enumerate().map(|(i, &n)| if i == 0 { n } else { 1 }).collect();
        let flag = |is: bool| Array::floats(&[], vec![f32::from(u8::from(is))]);
        let step = ("step", Array::floats(&[], vec![1e-3]));
        let threshold = self.floats(shape, 0.5, 1.5).numbers().unwrap();
        let threshold = threshold.into_iter().map(|theta| (theta + 1.0 / 3.0) as f32).collect();
        let mut fields = vec![step, ("v_threshold", Array::floats(shape, threshold))];
        let [relu, scale_reset] = [self.random.random_bool(0.5), self.random.random_bool(0.5)];
        fields.extend(match model {
            "KLIF" => {
                let lowest = if self.parts.is_some() { 0.0 } else { -0.3 };
                vec![
                    ("tau", Array::floats(&[], vec![8e-3])),
                    ("r", Array::floats(&[], vec![1.0])),
                    ("v_leak", self.floats(shape, -0.1, 0.1)),
                    ("v_reset", self.floats(shape, lowest, 0.3)),
                    ("k", self.some(&channels, [0.7, 1.4], &[1.0, 2.0])),
                    ("relu", flag(relu)),
                    ("scale_reset", flag(scale_reset)),
                ]
            }
            "DALIF" => vec![
                ("alpha", self.some(&channels, [-0.2, 1.2], &[0.5, 1.0])),
                ("beta", self.some(&channels, [-0.5, 1.1], &[0.5, 1.0])),
                ("v_reset", self.floats(shape, -0.3, 0.1)),
            ],
            _ => {
                let mut steps = channels.clone();
                steps.insert(0, 7);
                vec![
                    ("alpha", self.some(&channels, [0.0, 1.0], &[0.0, 1.0])),
                    ("beta", self.some(&channels, [0.0, 1.0], &[0.0, 0.5, 1.0])),
                    ("gamma", self.some(shape, [0.0, 1.0], &[0.0, 0.5, 1.0])),
                    ("tau", self.some(&channels, [0.0, 1.0], &[0.5])),
                    ("linear_decay", self.some(&channels, [0.0, 0.1], &[0.0, 0.125])),
                    ("v_subreset", self.some(&channels, [0.3, 1.0], &[0.5, 0.75])),
                    ("conduct", self.some(&steps, [0.0, 1.0], &[0.5, 1.0])),
                ]
            }
        });
        node(name, model, fields)
    }

    /// A population of a model, with parameters that it may well have.
    pub fn population(&mut self, name: &str, model: &str, shape: &[usize]) -> Node {
        if STEPWISE.contains(&model) {
            return self.stepwise(name, model, shape);
        }
        let own: &[(&str, f64, f64)] = match model {
            "IF" => &[],
            "LIF" => &[("tau", 2e-3, 3e-2), ("v_leak", -0.1, 0.1)],
            "Threshold" => {
                return node(name, model, vec![("threshold", self.floats(shape, 0.4, 1.2))]);
            }
            _ => &[
                ("tau_mem", 2e-3, 3e-2),
                ("tau_syn", 2e-3, 3e-2),
                ("v_leak", -0.1, 0.1),
                ("w_in", 0.5, 2.0),
            ],
        };
        // a threshold that no exact sum of a leaky potential meets
        let off = if self.parts.is_some() && model == "LIF" { 1.0 / 3.0 } else { 0.0 };
        let threshold = self.floats(shape, 0.5, 1.5).numbers().unwrap();
        let threshold = threshold.into_iter().map(|theta| (theta + off) as f32).collect();
        let mut fields = vec![
            ("v_threshold", Array::floats(shape, threshold)),
            ("v_reset", self.floats(shape, -0.3, 0.1)),
            ("r", Array::floats(shape, vec![1.0; shape.iter().product()])),
        ];
        for &(field, low, high) in own {
            let parts = self.parts.filter(|_| !field.starts_with("tau"));
            let parts = std::mem::replace(&mut self.parts, parts);
            fields.push((field, self.floats(shape, low, high)));
            self.parts = parts;
        }
        node(name, model, fields)
    }
}

/// A preset and one thing that is different.
pub fn convention() -> impl Strategy<Value = String> {
    let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let changes = select(vec![
        "",
        ",fire=above",
        ",fire=at-or-above",
        ",reset=subtract",
        ",reset=to-zero",
        ",when=next-step",
        ",when=pending,reset=subtract",
        ",spikes=many,fire=at-or-above",
        ",spikes=one,refractory=3ms",
        ",delay=1",
        ",floor=minus-threshold",
        ",leak=0.9",
        ",input=impulse",
    ]);
    (select(presets), changes).prop_map(|(preset, change)| format!("{preset}{change}"))
}

/// The name of a model that an engine in steps knows.
pub fn any_model() -> impl Strategy<Value = &'static str> {
    let all = ["IF", "LIF", "CubaLIF", "Threshold"].into_iter().chain(STEPWISE);
    select(all.collect::<Vec<_>>())
}
