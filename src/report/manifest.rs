//! The birth certificate of a result: everything that it takes to get it again.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::network::{Network, Unit};
use crate::replay::Settings;

/// What a result was made from and how.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// This program's version.
    pub synops: &'static str,
    /// SHA-256 of the recording.
    pub input_sha256: String,
    /// SHA-256 of the network.
    pub network_sha256: String,
    /// SHA-256 of what made the network of a state dict, where something did.
    pub mapping_sha256: Option<String>,
    /// SHA-256 of the label file, where one cut the recording.
    pub labels_sha256: Option<String>,
    /// `whole`, or by what the recording was cut.
    pub cut: String,
    /// What time zero means.
    pub origin: &'static str,
    /// Where step 0 began on the recording's clock; by trial in `trials`.
    pub start_us: Option<i64>,
    /// Asked start of the window, from the origin.
    pub from_us: Option<i64>,
    /// Asked end of the window, from the origin.
    pub to_us: Option<i64>,
    /// Asked number of steps.
    pub steps: Option<u64>,
    /// Of what steps had equally much, instead of their length; takes the whole recording
    /// before the first step.
    pub slice: Option<&'static str>,
    /// Whether an answer took nothing that came after its step.
    pub causal: bool,
    /// Length of a step; without a grid, of the step that gains are meant for.
    pub dt_us: i64,
    /// `clocked` or `event`.
    pub engine: &'static str,
    /// Length of the time within which events were simultaneous, where it was not
    /// the step of a clock.
    pub quantum_us: Option<i64>,
    /// The convention as it was named.
    pub convention: String,
    /// Its fields for every neuron model in the network.
    pub conventions: Map<String, Value>,
    /// Number of the engine's arithmetic.
    pub number: String,
    /// `counts` or `binary`.
    pub input: &'static str,
    /// What was done about disorder.
    pub order: String,
    /// The seed; nothing in a replay is random.
    pub seed: Option<u64>,
    /// Share of the recording's events that the network saw.
    pub events_used: f64,
}

/// The convention's fields for every neuron model of a network.
///
/// # Errors
/// Fields that contradict each other.
pub fn conventions(network: &Network, settings: &Settings) -> Result<Map<String, Value>> {
    let mut map = Map::new();
    for wired in &network.units {
        if let Unit::Neuron(neuron) = &wired.unit {
            let nir = neuron.model().nir;
            let convention = settings.conventions.for_model(nir)?;
            let fields = convention.fields().into_iter();
            let fields: Map<String, Value> =
                fields.map(|(name, value)| (name.to_owned(), value.into())).collect();
            map.insert(nir.to_owned(), Value::Object(fields));
        }
    }
    Ok(map)
}

/// What neurons that run in steps calculate with, by their conventions.
pub fn number_of(conventions: &Map<String, Value>) -> String {
    let mut numbers = conventions.values().filter_map(|fields| fields["number"].as_str());
    numbers.find(|&number| number != "f32").unwrap_or("f32").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_are_not_everybodys() {
        let of = |numbers: &[&str]| {
            let fields = numbers.iter().map(|n| serde_json::json!({ "number": n }));
            number_of(&(0..).map(|i| i.to_string()).zip(fields).collect())
        };
        assert_eq!(of(&[]), "f32");
        assert_eq!(of(&["f32", "fixed:12:6", "f32"]), "fixed:12:6");
    }
}
