//! Patterns over paths of an image that name what has to go: such that name a path, and no more than they seem to.

use std::str::FromStr;

use plimsoll_model::glob::{Glob as Pattern, GlobError as PatternError};

/// A pattern over paths of an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glob(Pattern);

/// Why a text is no pattern.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GlobError {
    /// It would match everything, or nothing.
    #[error("the pattern {0:?} names no path")]
    Empty(String),
    /// It cannot be one.
    #[error("the pattern {0:?}")]
    Pattern(String, #[source] PatternError),
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
        let mut parts: Vec<&str> = parts.collect();
        // A folder covers what is below: all that is in it is the folder.
        while parts.last() == Some(&"**") {
            parts.pop();
        }
        if parts.is_empty() || parts.contains(&"..") {
            return Err(GlobError::Empty(text.to_owned()));
        }
        let pattern = Pattern::try_from(parts.join("/"));
        pattern.map(Self).map_err(|error| GlobError::Pattern(text.chars().take(64).collect(), error))
    }
}

impl Glob {
    /// Tells whether `path`, in normal form, or a folder that it is in, fits.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.0.covers(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_paths_and_what_is_below() {
        for (pattern, path, covered) in [
            ("/etc/app.env", "etc/app.env", true),
            ("etc", "etc/app.env", true),
            ("etc", "etcetera", false),
            ("app.env", "etc/app.env", false),
            ("**/app.env", "etc/app.env", true),
            ("**/app.env", "app.env", true),
            ("**/.git", "srv/app/.git/config", true),
            ("srv/*.pem", "srv/a.pem", true),
            ("srv/*.pem", "srv/b/a.pem", false),
            ("srv/**/*.p?m", "srv/b/c/a.pem", true),
            ("srv/**", "srv/b", true),
            ("srv/**", "srv", true),
            ("srv/./*a*b", "srv/xaxxb", true),
            ("srv/*a*b", "srv/xaxxbx", false),
        ] {
            assert_eq!(pattern.parse::<Glob>().unwrap().covers(path), covered, "{pattern} {path}");
        }
        for pattern in ["", "/", "**", "a/../b", &"x".repeat(600)] {
            assert!(pattern.parse::<Glob>().is_err(), "{pattern}");
        }
    }
}
