//! Words for errors: what comes from outside is bounded and cannot drive a terminal.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// At most 200 printable characters of hostile text on one line, for an error message.
#[must_use]
pub fn clipped(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(200).map(printable).collect()
}

/// Everything an error and its causes say, joined.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    clipped(&text)
}

/// A duration in seconds, with a fraction only where it matters.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{} s", self.0.as_secs()),
            _ => write!(f, "{:.1} s", self.0.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_words_cannot_drive_the_terminal() {
        assert_eq!(clipped(" a\u{1b}[2Jb\nc "), "a [2Jb c");
        assert_eq!(clipped(&"x".repeat(999)).len(), 200);
    }
}
