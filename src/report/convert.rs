//! What became of a network in another format, as data and as text.

use std::fmt::Write;

use serde::Serialize;

use crate::draw::words::counted;
use crate::error::shown;
use crate::network::Network;
use crate::units::Micros;

/// A network that was written in another format.
#[derive(Debug, Serialize)]
pub struct Conversion {
    /// Where it was.
    pub path: String,
    /// Its format, of [`crate::network::file::FORMATS`].
    pub format: &'static str,
    /// What was written.
    pub written: Written,
    /// Its nodes.
    pub nodes: usize,
    /// Stored parameters in all, as written.
    pub parameters: usize,
    /// The rules that the written file says it is for.
    pub convention: Option<String>,
    /// The step that it says it is for.
    pub dt_us: Option<i64>,
    /// What the file that was read left open or said oddly.
    pub notes: Vec<String>,
    /// What of the network the written one does not do.
    pub losses: Vec<String>,
}

/// The file that was written.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Where it is.
    pub path: String,
    /// Its format.
    pub format: &'static str,
}

impl Conversion {
    /// Of a network as it was written; `from` and `to` are paths and formats.
    pub fn new(
        from: (String, &'static str),
        to: (String, &'static str),
        network: &Network,
        losses: Vec<String>,
    ) -> Conversion {
        Conversion {
            path: from.0,
            format: from.1,
            written: Written { path: to.0, format: to.1 },
            nodes: network.units.len(),
            parameters: network.parameters(),
            convention: network.convention.as_ref().map(ToString::to_string),
            dt_us: network.dt.map(|dt| dt.0),
            notes: network.notes.clone(),
            losses,
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| _ = writeln!(text, "{name:8} {}", shown(&value));
        line("network", format!("{}, {}", self.path, self.format));
        line("written", format!("{}, {}", self.written.path, self.written.format));
        let (nodes, parameters) = (self.nodes as u64, self.parameters as u64);
        line(
            "content",
            format!("{}, {}", counted(nodes, "node"), counted(parameters, "parameter")),
        );
        if let Some(convention) = &self.convention {
            line("rules", format!("convention {convention}"));
        }
        if let Some(dt) = self.dt_us {
            line("step", Micros(dt).to_string());
        }
        for note in &self.notes {
            line("note", note.clone());
        }
        for loss in &self.losses {
            line("lost", loss.clone());
        }
        text
    }
}
