//! The lines of a text, found fast, and positions told in one pass.

use plimsoll_model::position::Position;

/// Where the lines of a text start.
#[derive(Debug)]
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let after = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after).collect() }
    }

    /// The line, counted from zero, of the byte `at`.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|&start| start <= at).saturating_sub(1)
    }

    pub(super) fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or_default()
    }

    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { lines: self, line: 0, at: 0, column: 1 }
    }
}

/// Tells positions of bytes that come in order: in linear time, however long a line is.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    lines: &'a Lines,
    line: usize,
    at: usize,
    column: u32,
}

impl Cursor<'_> {
    pub(super) fn position(&mut self, file: &str, text: &str, at: usize) -> Position {
        let line = self.lines.line(at);
        if line != self.line || at < self.at {
            (self.line, self.at, self.column) = (line, self.lines.start(line), 1);
        }
        let between = text.as_bytes().get(self.at..at.min(text.len())).unwrap_or_default();
        let begun = between.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        self.column = self.column.saturating_add(u32::try_from(begun).unwrap_or(u32::MAX));
        self.at = at;
        let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1);
        Position { file: file.to_owned(), line, column: self.column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_model() {
        let text = "a: é ü\n\nbcd: x\r\nö: 1";
        let lines = Lines::new(text);
        let mut cursor = lines.cursor();
        for (at, _) in text.char_indices() {
            assert_eq!(cursor.position("f", text, at), Position::of("f", text, at), "{at}");
        }
    }
}
