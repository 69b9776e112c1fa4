//! Folders whose files apk does not write over once they were changed: `etc`, and what `etc/apk/protected_paths.d` names.

use crate::glob::fits_path;

/// The most patterns.
const LIMIT: usize = 10_000;

/// Which folders are protected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Protected {
    /// Patterns in their order, and whether what they fit is protected. The last one that fits decides.
    patterns: Vec<(String, bool)>,
}

impl Default for Protected {
    fn default() -> Self {
        Self { patterns: vec![("etc".to_owned(), true)] }
    }
}

impl Protected {
    /// Adds what a file of `etc/apk/protected_paths.d` says.
    pub fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let is_protected = !line.starts_with('-');
            let pattern = line.trim_start_matches(['-', '+', '@', '!']).trim_matches('/');
            if self.patterns.len() < LIMIT {
                self.patterns.push((pattern.to_owned(), is_protected));
            }
        }
    }

    /// Tells whether files in `folder` are protected: by a pattern for it, else for the nearest folder above it.
    #[must_use]
    pub fn protects(&self, folder: &str) -> bool {
        let mut at = folder;
        while !at.is_empty() {
            let last = self.patterns.iter().rev().find(|(pattern, _)| fits_path(pattern, at));
            if let Some((_, is_protected)) = last {
                return *is_protected;
            }
            at = plimsoll_model::path::parent(at);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_pattern_decides() {
        let mut protected = Protected::default();
        protected.add("# ours\n-etc/init.d\n+opt/*/conf\n");
        for (folder, expected) in [
            ("etc", true),
            ("etc/a/b", true),
            ("etc/init.d", false),
            ("opt/a/conf/x", true),
            ("opt/a", false),
            ("", false),
        ] {
            assert_eq!(protected.protects(folder), expected, "{folder}");
        }
    }
}
