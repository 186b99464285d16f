//! What operations cost: by which tables.

use std::path::{Path, PathBuf};

use super::help;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::measure::Table;
use crate::units::Bytes;

/// Tables by their names and files.
#[derive(clap::Args)]
pub struct TableChoice {
    /// What operations cost: names with commas between, TOML files of your own, or all
    #[arg(long, value_name = "NAME|FILE,...", value_delimiter = ',', long_help = help::of_tables())]
    table: Vec<PathBuf>,
}

/// Memories that are near, where nobody says how large they are.
pub const BUFFER: Bytes = Bytes(1 << 20);

/// One of each kind, for whoever wants to see how far they are apart: arithmetic in two
/// widths, arithmetic with memory, a figure that papers share, two chips.
const KINDS: [&str; 6] =
    ["horowitz45", "horowitz45-int8", "lemaire45", "spikformer", "loihi", "truenorth"];

impl TableChoice {
    /// Whether any was asked for.
    pub fn is_given(&self) -> bool {
        !self.table.is_empty()
    }

    /// The tables that were asked for, in that order, where memories of up to `buffer` are
    /// near.
    ///
    /// # Errors
    /// A name that there is not, or twice; a file that is no table.
    pub fn read(&self, buffer: Bytes) -> Result<Vec<Table>> {
        let mut tables: Vec<Table> = Vec::new();
        for name in &self.table {
            for mut table in tables_of(name)? {
                if tables.iter().any(|other| other.name == table.name) {
                    let found = format!("table '{}' twice", table.name);
                    return Err(Error::new(ErrorKind::Usage, found, "each by a name of its own"));
                }
                if let Some(memory) = table.memory.as_mut().filter(|m| m.buffer_bytes.is_some()) {
                    memory.buffer_bytes = Some(buffer.0);
                }
                tables.push(table);
            }
        }
        Ok(tables)
    }

    /// The same, and one of each kind where none was asked for.
    ///
    /// # Errors
    /// As [`TableChoice::read`].
    pub fn read_or_kinds(&self, buffer: Bytes) -> Result<Vec<Table>> {
        let kinds = || TableChoice { table: KINDS.iter().map(PathBuf::from).collect() };
        if self.is_given() { self.read(buffer) } else { kinds().read(buffer) }
    }
}

/// The table of a name or in a file, or all that ship.
fn tables_of(name: &Path) -> Result<Vec<Table>> {
    let all = Table::all()?;
    if name.as_os_str() == "all" {
        return Ok(all);
    }
    if name.extension().is_some_and(|ending| ending == "toml") {
        let bytes = disk::head(name, LARGEST.0 + 1)?;
        if bytes.len() as u64 > LARGEST.0 {
            let found = format!("more than {LARGEST}");
            return Err(Error::new(ErrorKind::Corrupt, found, "an energy table").in_file(name));
        }
        let table = disk::utf8(&bytes).and_then(Table::parse);
        return Ok(vec![table.map_err(|e| e.in_file(name))?]);
    }
    let names: Vec<String> = all.iter().map(|table| table.name.clone()).collect();
    match all.into_iter().find(|table| name.as_os_str() == table.name.as_str()) {
        Some(table) => Ok(vec![table]),
        None => {
            let found = format!("table '{}'", name.display());
            let expected = format!("all, a FILE.toml, or {}", names.join(", "));
            Err(Error::new(ErrorKind::Usage, found, expected))
        }
    }
}

/// No table has more bytes than this.
const LARGEST: Bytes = Bytes(1_000_000);
