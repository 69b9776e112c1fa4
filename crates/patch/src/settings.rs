//! What an image's dpkg is told to do otherwise: files not to install (`path-exclude`), files to put elsewhere
//! (dpkg-divert), and the numbers of its users and groups.

use std::collections::BTreeMap;

/// The file of diversions.
pub const DIVERSIONS: &str = "var/lib/dpkg/diversions";
/// The most patterns, diversions and accounts that are read.
const LIMIT: usize = 20_000;

/// What dpkg is told to do otherwise.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// Patterns in their order, and whether they exclude. The last one that fits decides.
    patterns: Vec<(String, bool)>,
    /// By the path that is diverted: where to, and the package that is not.
    diversions: BTreeMap<String, (String, String)>,
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
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

    /// Adds the accounts of `etc/passwd` and `etc/group`.
    pub fn add_accounts(&mut self, passwd: &str, group: &str) {
        let read = |text: &str| -> BTreeMap<String, u32> {
            let account = |line: &str| {
                let mut fields = line.split(':');
                Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
            };
            text.lines().take(LIMIT).filter_map(account).collect()
        };
        self.users = read(passwd);
        self.groups = read(group);
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

    /// The number of a user: that of its name in the image, else the one that the package has.
    #[must_use]
    pub fn user(&self, name: &str, number: u32) -> u32 {
        if name == "root" { 0 } else { self.users.get(name).copied().unwrap_or(number) }
    }

    /// The number of a group, likewise.
    #[must_use]
    pub fn group(&self, name: &str, number: u32) -> u32 {
        if name == "root" { 0 } else { self.groups.get(name).copied().unwrap_or(number) }
    }
}

/// Whether a shell pattern, in which `*` and `?` stand for slashes, too, fits a whole path. Needs no more steps than the
/// product of both lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut here) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        let matched = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at = at.saturating_add(1);
                continue;
            }
            Some(b'?') => Some(at.saturating_add(1)),
            Some(b'[') => class(pattern, at, text.get(here).copied().unwrap_or_default()),
            Some(byte) if Some(byte) == text.get(here) => Some(at.saturating_add(1)),
            _ => None,
        };
        match (matched, star) {
            (Some(next), _) => (at, here) = (next, here.saturating_add(1)),
            (None, Some((after, from))) => {
                here = from.saturating_add(1);
                at = after.saturating_add(1);
                star = Some((after, here));
            }
            (None, None) => return false,
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// Where the pattern goes on after `[…]` if the class has `byte`.
fn class(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    let rest = pattern.get(at.saturating_add(1)..)?;
    let length = rest.iter().skip(1).position(|byte| *byte == b']')?.saturating_add(1);
    let inside = rest.get(..length)?;
    let (negated, inside) = match inside.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, inside),
    };
    let has = inside.contains(&byte)
        || inside
            .windows(3)
            .any(|range| matches!(range, [low, b'-', high] if (*low..=*high).contains(&byte)));
    (has != negated).then(|| at.saturating_add(length).saturating_add(2))
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
    fn patterns_are_those_of_the_shell() {
        let cases = [
            ("/a/*", "/a/b/c", true),
            ("/a/?", "/a/b", true),
            ("/[a-c]x", "/bx", true),
            ("/[!a]x", "/ax", false),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(fits(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
        assert!(!fits(&b"*a".repeat(200), &b"a".repeat(100)), "it ends");
    }

    #[test]
    fn diversions_spare_their_own_package() {
        let mut settings = Settings::default();
        settings.add_diversions("/bin/sh\n/bin/sh.distrib\ndash\n");
        assert_eq!(settings.diverted("bin/sh", "bash"), "bin/sh.distrib");
        assert_eq!(settings.diverted("bin/sh", "dash"), "bin/sh");
        settings.add_accounts("app:x:1000:1000::/:/bin/sh\n", "shadow:x:42:\n");
        assert_eq!(
            (settings.group("shadow", 7), settings.user("nobody", 9), settings.user("root", 9)),
            (42, 9, 0)
        );
    }
}
