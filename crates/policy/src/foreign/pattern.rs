//! Patterns for paths, as `doublestar` has them (<https://github.com/bmatcuk/doublestar>), which Trivy and Grype use: `*`
//! ends at a `/`, and `**` stands for any number of folders, none included, where it stands alone between two `/`.
//! Classes, alternatives and escapes are refused.

use crate::glob::Glob;
use crate::shape::AnyOf;

/// How the tool writes paths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Paths {
    /// `usr/lib/x`.
    Relative,
    /// `/usr/lib/x`.
    Absolute,
}

/// Patterns that mean what `patterns` do.
pub(super) fn paths(patterns: &[String], paths: Paths) -> Result<Option<AnyOf<Glob>>, String> {
    let mut globs = Vec::new();
    for pattern in patterns {
        // What is for nothing there would be for something here.
        match paths {
            Paths::Relative if pattern.starts_with('/') => {
                return Err(format!("{}: paths begin without a slash", shortened(pattern)));
            }
            Paths::Absolute if !pattern.starts_with(['/', '*']) => {
                return Err(format!("{}: paths begin with a slash", shortened(pattern)));
            }
            Paths::Relative | Paths::Absolute => {}
        }
        check(pattern)?;
        let glob = Glob::try_from(pattern.clone());
        globs.push(glob.map_err(|error| format!("{}: {error}", shortened(pattern)))?);
    }
    Ok((!globs.is_empty()).then_some(AnyOf(globs)))
}

/// What has another meaning there, or none here.
fn check(pattern: &str) -> Result<(), String> {
    if let Some(sign) = pattern.chars().find(|c| matches!(c, '[' | ']' | '{' | '}' | '\\')) {
        return Err(format!("{}: {sign} in a pattern is not understood", shortened(pattern)));
    }
    if pattern.split('/').any(|part| part.contains("**") && part != "**") {
        return Err(format!("{}: ** does not stand alone between slashes", shortened(pattern)));
    }
    Ok(())
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
