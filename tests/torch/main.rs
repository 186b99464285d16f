//! What torch and SpikingJelly write and compute, read and computed here.
//!
//! Everything in `golden/torch` was made by `tools/make_torch_golden.py`; its JSON
//! names the versions.

mod layers;
#[path = "../memory/mod.rs"]
mod memory;
mod networks;
mod weights;

use serde_json::Value;

fn json(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value["made_by"], "tools/make_torch_golden.py");
    value
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

fn sizes(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect()
}
