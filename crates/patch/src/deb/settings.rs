//! What an image's dpkg is told to do otherwise: files not to install (`path-exclude`), files to put elsewhere
//! (dpkg-divert).

use std::collections::BTreeMap;

use crate::glob::fits;

/// The file of diversions.
pub const DIVERSIONS: &str = "var/lib/dpkg/diversions";
/// The most patterns and diversions that are read.
const LIMIT: usize = 20_000;

/// What dpkg is told to do otherwise.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// Patterns in their order, and whether they exclude. The last one that fits decides.
    patterns: Vec<(String, bool)>,
    /// By the path that is diverted: where to, and the package that is not.
    diversions: BTreeMap<String, (String, String)>,
}

impl Settings {
    /// Adds what a file of `etc/dpkg/dpkg.cfg.d` says.
    pub fn add_configuration(&mut self, text: &str) {
        for line in text.lines().map(str::trim) {
            let Some((key, pattern)) = line.split_once(['=', ' ']) else { continue };
            let pattern = pattern.trim().trim_matches('"').to_owned();
            match key.trim().trim_start_matches("--") {
                "path-exclude" if self.patterns.len() < LIMIT => self.patterns.push((pattern, true)),
                "path-include" if self.patterns.len() < LIMIT => self.patterns.push((pattern, false)),
                _ => {}
            }
        }
    }

    /// Adds the diversions that dpkg's file names: three lines each.
    pub fn add_diversions(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().take(LIMIT).collect();
        for lines in lines.chunks_exact(3) {
            let [from, to, package] = lines else { continue };
            let path = |text: &str| text.trim_start_matches('/').to_owned();
            self.diversions.insert(path(from), (path(to), (*package).to_owned()));
        }
    }

    /// Tells whether a file is not to be installed.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        let path = format!("/{path}");
        let last = self.patterns.iter().rev().find(|(pattern, _)| fits(pattern.as_bytes(), path.as_bytes()));
        last.is_some_and(|(_, excludes)| *excludes)
    }

    /// Where a file of `package` goes.
    #[must_use]
    pub fn diverted<'a>(&'a self, path: &'a str, package: &str) -> &'a str {
        match self.diversions.get(path) {
            Some((to, by)) if by != package => to,
            _ => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let mut settings = Settings::default();
        settings.add_configuration(
            "# docker\npath-exclude /usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n",
        );
        assert!(settings.excludes("usr/share/doc/a/changelog.gz"));
        assert!(!settings.excludes("usr/share/doc/a/copyright"));
        assert!(!settings.excludes("usr/bin/a"));
    }

    #[test]
    fn diversions_spare_their_own_package() {
        let mut settings = Settings::default();
        settings.add_diversions("/bin/sh\n/bin/sh.distrib\ndash\n");
        assert_eq!(settings.diverted("bin/sh", "bash"), "bin/sh.distrib");
        assert_eq!(settings.diverted("bin/sh", "dash"), "bin/sh");
    }
}
