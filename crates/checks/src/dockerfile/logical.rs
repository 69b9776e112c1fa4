//! A text put together of pieces of a file, that still knows where each byte came from: an instruction without its line
//! continuations and the comments between them.

use std::ops::Range;

/// Text with the way back to the file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Logical {
    text: String,
    /// Where each piece begins, in the text and in the file; ascending in both.
    pieces: Vec<(usize, usize)>,
}

impl Logical {
    /// Adds `piece`, which begins at `source` of the file.
    pub(super) fn push(&mut self, piece: &str, source: usize) {
        self.pieces.push((self.text.len(), source));
        self.text.push_str(piece);
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text from `start` on.
    #[must_use]
    pub fn after(&self, start: usize) -> &str {
        self.text.get(start..).unwrap_or_default()
    }

    /// Where the byte at `offset` is in the file.
    #[must_use]
    pub fn source(&self, offset: usize) -> usize {
        let following = self.pieces.partition_point(|(start, _)| *start <= offset);
        let piece = self.pieces.get(following.saturating_sub(1));
        piece.map_or(0, |(start, source)| source + offset.saturating_sub(*start))
    }

    /// Where the bytes of `range` are in the file.
    #[must_use]
    pub fn source_range(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.source(range.start);
        if range.is_empty() {
            return start..start;
        }
        start..self.source(range.end - 1) + 1
    }

    /// Where the text ends in the file, white space left out.
    #[must_use]
    pub fn source_end(&self) -> usize {
        let end = self.text.trim_end().len();
        self.source_range(&(0..end)).end
    }
}

#[cfg(test)]
mod tests {
    use super::Logical;

    #[test]
    fn each_byte_knows_where_it_came_from() {
        let mut text = Logical::default();
        text.push("RUN a ", 0);
        text.push("&& b", 20);
        assert_eq!(text.text(), "RUN a && b");
        assert_eq!((text.source(4), text.source(6), text.source(9)), (4, 20, 23));
        assert_eq!(text.source_range(&(4..9)), 4..23);
        assert_eq!(text.source_range(&(4..6)), 4..6);
        assert_eq!(text.source_end(), 24);
        assert_eq!(Logical::default().source(7), 0);
    }
}
