//! Patterns over paths: `*` and `?` within one part of a path, `**` over any number of parts.

use std::str::FromStr;

/// A pattern over paths of an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glob(Vec<String>);

/// Why a text is no pattern.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GlobError {
    /// It would match everything, or nothing.
    #[error("the pattern {0:?} names no path")]
    Empty(String),
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts: Vec<String> = parts.map(str::to_owned).collect();
        let names_nothing = parts.iter().all(|part| part == "**") || parts.iter().any(|part| part == "..");
        if names_nothing { Err(GlobError::Empty(text.to_owned())) } else { Ok(Self(parts)) }
    }
}

impl Glob {
    /// Tells whether `path`, in normal form, or a folder that it is in, fits.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        // How much of the path the pattern's parts so far can match: a set, so that no pattern takes long.
        let mut reached = vec![false; parts.len() + 1];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for pattern in &self.0 {
            reached = step(pattern, &parts, &reached);
        }
        // A folder covers all that is below.
        reached.iter().skip(1).any(|reached| *reached)
    }
}

/// From the lengths that were reached to those that one more part of the pattern reaches.
fn step(pattern: &str, parts: &[&str], reached: &[bool]) -> Vec<bool> {
    if pattern == "**" {
        let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
        return (0..reached.len()).map(|at| at >= first).collect();
    }
    let fits = parts.iter().zip(reached).map(|(part, reached)| *reached && part_fits(pattern, part));
    std::iter::once(false).chain(fits).collect()
}

fn part_fits(pattern: &str, part: &str) -> bool {
    let (pattern, part): (Vec<char>, Vec<char>) = (pattern.chars().collect(), part.chars().collect());
    let (mut p, mut at, mut star) = (0, 0, None);
    while at < part.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, at));
                p += 1;
            }
            Some(c) if *c == '?' || part.get(at) == Some(c) => {
                p += 1;
                at += 1;
            }
            _ => match &mut star {
                Some((from, taken)) => {
                    *taken += 1;
                    (p, at) = (*from + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
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
            ("srv/*a*b", "srv/xaxxb", true),
            ("srv/*a*b", "srv/xaxxbx", false),
        ] {
            assert_eq!(pattern.parse::<Glob>().unwrap().covers(path), covered, "{pattern} {path}");
        }
        for pattern in ["", "/", "**", "a/../b"] {
            assert!(pattern.parse::<Glob>().is_err(), "{pattern}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = format!("{}x", "**/*a".repeat(2000));
        assert!(!pattern.parse::<Glob>().unwrap().covers(&"a/".repeat(400)));
        assert!(!"*a*a*a*a*a*a*a*a*a*b".parse::<Glob>().unwrap().covers(&"a".repeat(4000)));
    }
}
