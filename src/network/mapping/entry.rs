//! The layers of a mapping as the file has them.

use toml::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Array, Record, Values};

/// One layer of the file.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What it is made of.
    pub make: Make,
}

/// What a layer is made of.
#[derive(Debug)]
pub enum Make {
    /// Fields, and a weight and perhaps a bias under a key.
    Weighted(String, Record),
    /// A batch norm: its key, its ε.
    Norm(String, f64),
    /// A leaky neuron: its time constant, `decay_input`, its other fields.
    Leaky(Tau, bool, Record),
    /// Fields alone.
    Plain(Record),
}

/// A time constant.
#[derive(Debug)]
pub enum Tau {
    /// In steps.
    Steps(f64),
    /// Under a key, as w with tau = 1/σ(w).
    Key(String),
}

impl Entry {
    /// How errors name it.
    pub fn place(&self) -> String {
        format!("layer '{}' ({})", self.name, self.kind)
    }

    /// Reads layer number `place`.
    ///
    /// # Errors
    /// An unknown type, a field that its type does not have, or lacks.
    pub fn read(place: usize, table: toml::Table) -> Result<Entry> {
        let mut fields = Fields { table, known: vec!["type", "name"] };
        let kind = fields.text("type")?;
        let name = fields.text_if_any("name")?;
        let key = fields.table.get("key").and_then(Value::as_str).map(str::to_owned);
        let name = name.or(key);
        let name = name.unwrap_or_else(|| format!("{}_{place}", kind.to_lowercase()));
        let make = fields.make(&kind).map_err(|e| e.at(format!("'{name}' ({kind})")))?;
        fields.check().map_err(|e| e.at(format!("'{name}' ({kind})")))?;
        Ok(Entry { name, kind, make })
    }
}

/// The fields of a layer, and those that its type has.
struct Fields {
    table: toml::Table,
    known: Vec<&'static str>,
}

impl Fields {
    fn get(&mut self, name: &'static str) -> Option<&Value> {
        self.known.push(name);
        self.table.get(name)
    }

    fn text_if_any(&mut self, name: &'static str) -> Result<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(corrupt(format!("'{name}' = {other}"), "a text")),
        }
    }

    fn text(&mut self, name: &'static str) -> Result<String> {
        self.text_if_any(name)?.ok_or_else(|| missing(name))
    }

    /// One size for both axes, or one for each.
    fn sizes(&mut self, name: &'static str, default: Option<&Array>) -> Result<Array> {
        let size = |value: &Value| value.as_integer().filter(|&n| n >= 0);
        let sizes = match self.get(name) {
            None => return default.cloned().ok_or_else(|| missing(name)),
            Some(Value::Array(values)) => values.iter().map(size).collect::<Option<Vec<i64>>>(),
            Some(value) => size(value).map(|size| vec![size]),
        };
        match sizes {
            Some(sizes) => Ok(Array::integers(&sizes)),
            None => Err(corrupt(format!("'{name}' = {}", self.table[name]), "sizes")),
        }
    }

    fn number(&mut self, name: &'static str, default: Option<f64>) -> Result<f64> {
        let number = |value: &Value| {
            value.as_float().or(value.as_integer().map(|n| n as f64)).filter(|x| x.is_finite())
        };
        match self.get(name) {
            None => default.ok_or_else(|| missing(name)),
            Some(value) => {
                number(value).ok_or_else(|| corrupt(format!("'{name}' = {value}"), "a number"))
            }
        }
    }

    fn truth(&mut self, name: &'static str, default: bool) -> Result<bool> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Boolean(truth)) => Ok(*truth),
            Some(other) => Err(corrupt(format!("'{name}' = {other}"), "true or false")),
        }
    }

    fn make(&mut self, kind: &str) -> Result<Make> {
        let mut record = Record::default();
        match kind {
            "Conv2d" => {
                for (name, default) in
                    [("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)]
                {
                    let sizes = self.sizes(name, Some(&Array::integer(default)))?;
                    record.put(name, sizes);
                }
                Ok(Make::Weighted(self.text("key")?, record))
            }
            "Linear" => Ok(Make::Weighted(self.text("key")?, record)),
            "BatchNorm" => Ok(Make::Norm(self.text("key")?, self.number("eps", Some(1e-5))?)),
            "IF" | "LIF" | "ParametricLIF" => self.neuron(kind),
            "MaxPool2d" | "AvgPool2d" | "SumPool2d" => {
                let kernel = self.sizes("kernel_size", None)?;
                record.put("stride", self.sizes("stride", Some(&kernel))?);
                record.put("kernel_size", kernel);
                record.put("padding", self.sizes("padding", Some(&Array::integer(0)))?);
                Ok(Make::Plain(record))
            }
            "Flatten" => {
                record.put("start_dim", Array::integer(0));
                record.put("end_dim", Array::integer(-1));
                Ok(Make::Plain(record))
            }
            "Voting" => {
                record.put("size", self.sizes("size", None)?);
                Ok(Make::Plain(record))
            }
            _ => {
                let expected = "Conv2d, Linear, BatchNorm, IF, LIF, ParametricLIF, MaxPool2d, \
                                AvgPool2d, SumPool2d, Flatten or Voting";
                Err(Error::new(ErrorKind::Unsupported, format!("type '{kind}'"), expected))
            }
        }
    }

    fn neuron(&mut self, kind: &str) -> Result<Make> {
        let mut record = Record::default();
        record.put("v_threshold", scalar(self.number("v_threshold", Some(1.0))?));
        let reset = scalar(self.number("v_reset", Some(0.0))?);
        record.put("v_reset", reset.clone());
        if kind == "IF" {
            record.put("r", scalar(1.0));
            return Ok(Make::Plain(record));
        }
        record.put("v_leak", reset);
        let tau = match kind {
            "LIF" => Tau::Steps(self.number("tau", None)?),
            _ => Tau::Key(self.text("key")?),
        };
        Ok(Make::Leaky(tau, self.truth("decay_input", true)?, record))
    }

    /// Refuses a field that nothing asked for.
    fn check(&self) -> Result<()> {
        match self.table.keys().find(|name| !self.known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(corrupt(format!("a field '{name}'"), self.known.join(", "))),
        }
    }
}

fn missing(name: &str) -> Error {
    corrupt(format!("no '{name}'"), "one")
}

/// One number for all.
pub fn scalar(value: f64) -> Array {
    Array::new(&[], Values::F64(vec![value])).expect("one value")
}

/// Something that does not belong there.
pub fn corrupt(found: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, found, expected)
}
