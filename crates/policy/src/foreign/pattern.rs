//! Patterns for paths, as `doublestar` has them (<https://github.com/bmatcuk/doublestar>), which Trivy and Grype use: `*`
//! ends at a `/`, and `**` stands for any number of folders, none included, where it stands alone between two `/`.
//! Classes, alternatives and escapes are refused.

use crate::glob::Glob;
use crate::words::AnyOf;

/// At most this many `**` in one pattern.
const STARS: usize = 4;

/// How the tool writes paths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Paths {
    /// `usr/lib/x`.
    Relative,
    /// `/usr/lib/x`.
    Absolute,
}

/// Patterns that together mean what `patterns` do.
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
        for variant in variants(pattern)? {
            globs.push(Glob::try_from(variant).map_err(|error| format!("{}: {error}", shortened(pattern)))?);
        }
    }
    Ok((!globs.is_empty()).then_some(AnyOf(globs)))
}

/// With folders, or with none, in the place of each `**/`.
fn variants(pattern: &str) -> Result<Vec<String>, String> {
    if let Some(sign) = pattern.chars().find(|c| matches!(c, '[' | ']' | '{' | '}' | '\\')) {
        return Err(format!("{}: {sign} in a pattern is not understood", shortened(pattern)));
    }
    let parts: Vec<&str> = pattern.split('/').collect();
    if parts.iter().any(|part| part.contains("**") && *part != "**") {
        return Err(format!("{}: ** does not stand alone between slashes", shortened(pattern)));
    }
    if parts.iter().filter(|part| **part == "**").count() > STARS {
        return Err(format!("{}: there are more than {STARS} ** in it", shortened(pattern)));
    }
    let mut variants = vec![String::new()];
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let with = |text: &String| format!("{text}{part}{}", if is_last { "" } else { "/" });
        let mut next: Vec<String> = variants.iter().map(with).collect();
        if *part == "**" && !is_last {
            next.append(&mut variants);
        }
        variants = next;
    }
    variants.retain(|variant| !variant.is_empty());
    Ok(variants)
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
