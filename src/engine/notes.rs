//! What a plan notes of its units.

use crate::network::Wired;

/// What should be known of units: each thing once, with the names of all that it holds of.
#[derive(Default)]
pub struct Notes(Vec<(String, Vec<String>)>);

/// So many names stand before a note, and how many more there are.
const NAMED: usize = 8;

impl Notes {
    /// Adds what holds of a unit.
    pub fn add(&mut self, unit: &Wired, text: String) {
        let name = format!("'{}'", unit.name);
        match self.0.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(name),
            None => self.0.push((text, vec![name])),
        }
    }

    /// A line for each thing: `'1', '3': r = 20 is ignored`.
    pub fn lines(&self) -> Vec<String> {
        let line = |(text, names): &(String, Vec<String>)| {
            let first = names[..names.len().min(NAMED)].join(", ");
            match names.len().saturating_sub(NAMED) {
                0 => format!("{first}: {text}"),
                more => format!("{first} and {more} more: {text}"),
            }
        };
        self.0.iter().map(line).collect()
    }
}
