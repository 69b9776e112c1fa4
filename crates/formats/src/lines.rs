//! Blocks of lines with blank lines between them: what [`crate::deb822`] and [`crate::apkdb`] share.

/// A block of lines and where it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    /// The lines, line ends included.
    pub(crate) text: &'a str,
    /// The number of the first line, counted from one.
    pub(crate) line: usize,
}

/// Iterates over the blocks of a text. Holds nothing but a position, so memory does not grow with the text.
#[derive(Clone, Debug)]
pub(crate) struct Blocks<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Blocks<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        loop {
            let (line, rest) = split_line(self.rest)?;
            if !is_blank(line) {
                break;
            }
            self.rest = rest;
            self.line = self.line.saturating_add(1);
        }
        let start = self.line;
        let mut length = 0_usize;
        for line in self.rest.split_inclusive('\n').take_while(|line| !is_blank(line)) {
            length = length.saturating_add(line.len());
            self.line = self.line.saturating_add(1);
        }
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Block { text, line: start })
    }
}

/// Splits the first line, its end included, from the rest; `None` at the end of the text.
pub(crate) fn split_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.find('\n').and_then(|at| text.split_at_checked(at.saturating_add(1))).unwrap_or((text, "")))
}

/// The line without its end, `\n` or `\r\n`.
pub(crate) fn chomp(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
