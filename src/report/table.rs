//! Columns of text for people.

use std::borrow::Cow;

use crate::draw::words::grouped;
use crate::error::shown;

/// A number with commas, or a dash where there is none.
pub fn grouped_or_dash(number: Option<u64>) -> String {
    number.map_or_else(|| "–".into(), grouped)
}

/// Rows in columns: the first `left` columns to the left, the others to the
/// right; every line behind `indent`.
pub fn columns(rows: &[Vec<String>], left: usize, indent: &str) -> String {
    // names in them may be anything
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<Cow<'_, str>>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            if column < left { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{indent}{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// The same, under a line that says what the columns are.
pub fn headed<'h>(
    head: impl IntoIterator<Item = &'h str>,
    rows: impl IntoIterator<Item = Vec<String>>,
    left: usize,
    indent: &str,
) -> String {
    let head = head.into_iter().map(str::to_owned).collect();
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>(), left, indent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = columns(&[row(["a", "é", "1"]), row(["bcd", "", "100"])], 2, "  ");
        assert_eq!(text, "  a    é    1\n  bcd     100\n");
        let text = columns(&[row(["a\nb", "\u{1b}", "1"]), row(["c", "", "2"])], 2, "");
        assert_eq!(text, "a\\nb  \\u{1b}  1\nc             2\n");
    }
}
