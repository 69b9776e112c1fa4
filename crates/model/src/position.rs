//! A place in a text file that people edit: a Dockerfile, a manifest, a lock file.

use serde::{Deserialize, Serialize};

/// A place in a text file, as compilers tell it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Position {
    /// The file as it was named.
    pub file: String,
    /// The line, counted from one.
    pub line: u32,
    /// The column in characters, counted from one.
    pub column: u32,
}

impl Position {
    /// The place of the byte at `offset` of `text`; the end of the text if it is not that long.
    #[must_use]
    pub fn of(file: &str, text: &str, offset: usize) -> Self {
        let bytes = text.as_bytes();
        let before = bytes.get(..offset.min(bytes.len())).unwrap_or_default();
        let lines = before.iter().filter(|&&byte| byte == b'\n').count();
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        // A byte that goes on with a character is none of its own.
        let begun = before.iter().skip(line_start).filter(|&&byte| byte & 0xC0 != 0x80).count();
        Self { file: file.to_owned(), line: counted(lines), column: counted(begun) }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

fn counted(before: usize) -> u32 {
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn lines_and_characters_are_counted_from_one() {
        let text = "FROM a\nRUN é x\n";
        assert_eq!(Position::of("D", text, 0).to_string(), "D:1:1");
        assert_eq!(Position::of("D", text, 7).to_string(), "D:2:1");
        assert_eq!(Position::of("D", text, text.find('x').unwrap()).to_string(), "D:2:7");
        assert_eq!(Position::of("D", text, 999).to_string(), "D:3:1");
    }
}
