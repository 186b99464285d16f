//! Help texts that list what the program knows by name.

use std::fmt::Display;

use crate::format::FORMATS;
use crate::layer::{BEYOND_NIR, Kind, LAYERS};
use crate::measure::Table;
use crate::network::mapping;
use crate::neuron::exporter::EXPORTERS;
use crate::neuron::preset::{Conventions, PRESETS};
use crate::neuron::trainable::{TRAINABLE, Trainable};
use crate::neuron::{FOREIGN, MODELS, Model};
use crate::train::preset;

/// A line for each name, with what is about it.
fn listed<'a>(entries: impl IntoIterator<Item = (&'a str, impl Display)>) -> String {
    let entries: Vec<_> = entries.into_iter().collect();
    let width = entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let lines = entries.iter().map(|(name, about)| format!("  {name:width$}  {about}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Formats of recordings.
pub fn of_formats() -> String {
    let formats = listed(FORMATS.iter().map(|format| (format.name, format.about)));
    format!("The recordings' format, where their content does not show it\n\n{formats}")
}

/// Nodes of networks.
pub fn of_nodes() -> String {
    let nodes = |models: &'static [Model], layers: &'static [Kind]| {
        let layers = layers.iter().map(|layer| (layer.nir, layer.about));
        listed(layers.chain(models.iter().map(|model| (model.nir, model.about))))
    };
    format!(
        "Nodes of NIR:\n{}\n\nNodes of .synops files besides:\n{}",
        nodes(MODELS, LAYERS),
        nodes(FOREIGN, BEYOND_NIR)
    )
}

/// Conventions and their fields.
pub fn of_conventions() -> String {
    let fields = Conventions::default().for_model("LIF").map(|c| c.fields()).unwrap_or_default();
    let fields: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let exporters = EXPORTERS.iter().map(|exporter| {
        let step = match exporter.step.micros().0 {
            1_000_000 => "step=1s".to_owned(),
            micros => format!("step={micros}us"),
        };
        let text = [&step, exporter.unsaid].into_iter().filter(|text| !text.is_empty());
        (exporter.presets[0], text.collect::<Vec<_>>().join("; "))
    });
    format!(
        "What the network's file leaves open: a simulator's name, and changes to it; \
         by default what the file's \
         format or the mapping implies, else {}\n\n{}\n\n\
         Fields: {}\nExample: --convention snntorch,reset=to-zero,when=same-step\n\n\
         What exporters write for, unless told otherwise (1 s where times count steps), and what \
         their files do not say:\n{}",
        PRESETS[0].name,
        listed(PRESETS.iter().map(|preset| (preset.name, preset.about))),
        fields.join(", "),
        listed(exporters)
    )
}

/// Mappings of state dicts.
pub fn of_mappings() -> String {
    format!(
        "Which layers the weights of a state dict make: a name, or a TOML file\n\n\
         Names: {}\n\
         A file:\n{MAPPING_EXAMPLE}\n\
         `tau` counts steps. More types and fields: the documentation of network::mapping.",
        mapping::names().join(", ")
    )
}

const MAPPING_EXAMPLE: &str = r#"  input = [2, 34, 34]          # channels, height, width
  convention = "spikingjelly"
  layers = [
    { type = "Conv2d", key = "features.0", padding = 1 },
    { type = "BatchNorm", key = "features.1" },
    { type = "LIF", tau = 2.0, v_threshold = 1.0, v_reset = 0.0 },
    { type = "MaxPool2d", kernel_size = 2 },
    { type = "Flatten" },
    { type = "Linear", key = "classifier" },
    { type = "IF" },
  ]"#;

/// Tables of energy.
pub fn of_tables() -> String {
    let tables = Table::all().unwrap_or_default();
    let about = |table: &Table| {
        let certainties = table.certainties().iter().map(ToString::to_string).collect::<Vec<_>>();
        format!("{} [{}]", table.about, certainties.join("; "))
    };
    format!(
        "What operations cost: names with commas between, TOML files of your own, or all\n\n{}\n\n\
         NeuroBench's counts are in every report; it has no joules.\n\
         A file:\n{TABLE_EXAMPLE}",
        listed(tables.iter().map(|table| (&table.name[..], about(table))))
    )
}

const TABLE_EXAMPLE: &str = r#"  name = "mine"
  about = "what the figures are"
  citation = "where they are from"
  certainty = "read"            # or derived, secondhand, recalled
  process = "28 nm"
  leaves_out = ["memory"]
  [[term]]
  name = "synaptic_ops"         # any count of the report but those of words
  about = "what one includes"
  certainty = "recalled"        # and citation, where they are others than the table's
  low = 1.0                     # picojoules
  typical = 2.0
  high = 3.0"#;

/// Configurations of training.
pub fn of_presets() -> String {
    let presets = preset::PRESETS.iter().map(|preset| (preset.name, preset.about));
    format!("A configuration that comes with the program:\n\n{}", listed(presets))
}

/// Changes to a configuration, and the neurons that can be trained.
pub fn of_changes() -> String {
    let neurons = TRAINABLE.iter().map(|neuron| (neuron.name, neuron.about));
    let learned = |neuron: &Trainable| {
        let learned = listed(neuron.learned.iter().map(|one| (one.name, one.about)));
        format!("\n\nWhat {} learns:\n{learned}", neuron.name)
    };
    let learning = TRAINABLE.iter().filter(|neuron| !neuron.learned.is_empty());
    format!(
        "Change the configuration, with dots in the key: --set optimizer.rate=1e-2; \
         --print shows all keys\n\nneuron.model:\n{}{}",
        listed(neurons),
        learning.map(learned).collect::<String>()
    )
}
