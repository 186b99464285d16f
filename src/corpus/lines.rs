//! Where the rows of a CSV file are, for messages.

/// The lines of a text, counted on the way through its rows.
pub struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// Those of a text, from its start on.
    pub fn of(text: &str) -> Lines<'_> {
        Lines { text: text.as_bytes(), at: 0, line: 1 }
    }

    /// The line and the byte at which a row begins, of rows in their order.
    ///
    /// The reader places a row where the one before ended: before the line feed of a
    /// `\r\n`, and before lines that are empty.
    pub fn of_row(&mut self, row: Option<&csv::Position>) -> (u64, u64) {
        let end = row.map_or(0, |row| row.byte() as usize);
        let rest = self.text.get(end..).unwrap_or_default();
        let begin = end + rest.iter().take_while(|byte| b"\r\n".contains(byte)).count();
        let passed = self.text.get(self.at..begin).unwrap_or_default();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.at = begin;
        (self.line, begin as u64)
    }
}
