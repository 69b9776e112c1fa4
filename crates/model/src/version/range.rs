//! Ranges of versions in npm's notation, as intervals.
//!
//! Follows node-semver's `Range` with `includePrerelease`, as a range of an advisory must hold the pre-releases within
//! it; commas between comparators are allowed too. Whether one asks for a dependency is no concern here.
//! <https://github.com/npm/node-semver#ranges>

use std::cmp::Ordering;
use std::ops::Bound;

use super::text::{take_one, take_while};
use super::{Scheme, VersionError};

/// All versions between two bounds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interval {
    /// Where it begins.
    pub lower: Bound<String>,
    /// Where it ends.
    pub upper: Bound<String>,
}

/// A text that is no range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is not a range of versions")]
pub struct RangeError {
    /// The text, at most 80 characters of it.
    pub text: String,
}

impl Interval {
    /// The interval of all versions.
    pub const ALL: Self = Self { lower: Bound::Unbounded, upper: Bound::Unbounded };

    /// Tells whether the interval holds `version`.
    ///
    /// # Errors
    /// If the version or a bound is no version of `scheme`.
    pub fn contains(&self, scheme: Scheme, version: &str) -> Result<bool, VersionError> {
        let is_above = match &self.lower {
            Bound::Unbounded => true,
            Bound::Included(bound) => scheme.compare_to_bound(version, bound)?.is_ge(),
            Bound::Excluded(bound) => scheme.compare_to_bound(version, bound)?.is_gt(),
        };
        let is_below = match &self.upper {
            Bound::Unbounded => true,
            Bound::Included(bound) => scheme.compare_to_bound(version, bound)?.is_le(),
            Bound::Excluded(bound) => scheme.compare_to_bound(version, bound)?.is_lt(),
        };
        Ok(is_above && is_below)
    }

    /// The versions in both, or `None` if there are none.
    fn intersection(self, other: Self) -> Result<Option<Self>, VersionError> {
        let lower = tighter(self.lower, other.lower, Ordering::Greater)?;
        let upper = tighter(self.upper, other.upper, Ordering::Less)?;
        let is_empty = match (&lower, &upper) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(low), Bound::Included(high)) => Scheme::Semver.compare(low, high)?.is_gt(),
            (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => {
                Scheme::Semver.compare(low, high)?.is_ge()
            }
        };
        Ok((!is_empty).then_some(Self { lower, upper }))
    }
}

/// The one of two bounds that leaves out more; `tight` is how the version of the tighter one compares.
fn tighter(
    left: Bound<String>,
    right: Bound<String>,
    tight: Ordering,
) -> Result<Bound<String>, VersionError> {
    let order = match (&left, &right) {
        (Bound::Unbounded, _) => return Ok(right),
        (_, Bound::Unbounded) => return Ok(left),
        (Bound::Included(one) | Bound::Excluded(one), Bound::Included(two) | Bound::Excluded(two)) => {
            Scheme::Semver.compare(one, two)?
        }
    };
    let takes_left = order == tight || order.is_eq() && matches!(left, Bound::Excluded(_));
    Ok(if takes_left { left } else { right })
}

/// Reads a range: `>=1.0.0 <1.2.3 || ^2`, `~1.2`, `1.x`, `1.2 - 1.4`, `*`.
///
/// The intervals come in the order of the text and may overlap; an alternative that holds nothing is left out.
///
/// # Errors
/// If the text is no range.
pub fn npm_range(text: &str) -> Result<Vec<Interval>, RangeError> {
    let mut intervals = Vec::new();
    for alternative in text.split("||") {
        let interval =
            conjunction(alternative).ok_or_else(|| RangeError { text: text.chars().take(80).collect() })?;
        intervals.extend(interval);
    }
    Ok(intervals)
}

/// Reads comparators that must all hold; `Some(None)` if nothing can satisfy them.
fn conjunction(text: &str) -> Option<Option<Interval>> {
    let mut rest = text.trim().as_bytes();
    let mut found = Some(Interval::ALL);
    if let Some(interval) = hyphenated(text) {
        return interval?.intersection(Interval::ALL).ok();
    }
    while !rest.is_empty() {
        let operator = Operator::take(&mut rest)?;
        let next = match Partial::take(&mut rest)? {
            Partial { major: None, .. } => match operator {
                Operator::Less | Operator::Greater => None,
                _ => Some(Interval::ALL),
            },
            partial => Some(operator.interval(&partial)?),
        };
        found = match (found, next) {
            (Some(found), Some(next)) => found.intersection(next).ok()?,
            _ => None,
        };
        skip_blanks(&mut rest);
    }
    Some(found)
}

/// Reads `1.2.3 - 2.3`: `None` if the text has another form, `Some(None)` if an end of it is malformed.
fn hyphenated(text: &str) -> Option<Option<Interval>> {
    let mut words = text.split_whitespace();
    let (Some(first), Some("-"), Some(last), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return None;
    };
    Some(hyphen_interval(first.as_bytes(), last.as_bytes()))
}

fn hyphen_interval(mut first: &[u8], mut last: &[u8]) -> Option<Interval> {
    let (from, to) = (Partial::take(&mut first)?, Partial::take(&mut last)?);
    if !first.is_empty() || !last.is_empty() {
        return None;
    }
    let lower = match from {
        Partial { major: None, .. } => Bound::Unbounded,
        Partial { patch: Some(_), pre_release: "", .. } => Bound::Included(format!("{}-0", from.lowest())),
        _ => Bound::Included(from.lowest()),
    };
    let upper = match to {
        Partial { major: None, .. } => Bound::Unbounded,
        Partial { patch: Some(_), .. } => Bound::Included(to.lowest()),
        _ => Bound::Excluded(to.after()?),
    };
    Some(Interval { lower, upper })
}

/// How a comparator relates to its version.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Tilde,
    Caret,
}

impl Operator {
    fn take(rest: &mut &[u8]) -> Option<Self> {
        let signs = take_while(rest, |byte| b"<>=~^".contains(&byte));
        while take_one(rest, |byte| byte.is_ascii_whitespace()) {}
        Some(match signs {
            b"" | b"=" | b"==" => Self::Equal,
            b"<" => Self::Less,
            b"<=" => Self::LessOrEqual,
            b">" => Self::Greater,
            b">=" => Self::GreaterOrEqual,
            b"~" | b"~>" => Self::Tilde,
            b"^" => Self::Caret,
            _ => return None,
        })
    }

    /// The interval of a comparator whose major number is given.
    fn interval(self, partial: &Partial<'_>) -> Option<Interval> {
        let (low, is_full) = (partial.lowest(), partial.patch.is_some());
        let (lower, upper) = match self {
            Self::Equal if is_full => (Bound::Included(low.clone()), Bound::Included(low)),
            Self::Equal => (Bound::Included(low), Bound::Excluded(partial.after()?)),
            Self::Less => (Bound::Unbounded, Bound::Excluded(low)),
            Self::LessOrEqual if is_full => (Bound::Unbounded, Bound::Included(low)),
            Self::LessOrEqual => (Bound::Unbounded, Bound::Excluded(partial.after()?)),
            Self::Greater if is_full => (Bound::Excluded(low), Bound::Unbounded),
            Self::Greater => (Bound::Included(partial.after()?), Bound::Unbounded),
            Self::GreaterOrEqual => (Bound::Included(low), Bound::Unbounded),
            Self::Tilde => (Bound::Included(low), Bound::Excluded(partial.after()?)),
            Self::Caret => (Bound::Included(low), Bound::Excluded(partial.after_caret()?)),
        };
        Some(Interval { lower, upper })
    }
}

/// A version of which the last numbers may be missing or `x`.
struct Partial<'t> {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    pre_release: &'t str,
}

impl<'t> Partial<'t> {
    /// Takes a version up to a blank, a comma or the next operator.
    fn take(rest: &mut &'t [u8]) -> Option<Self> {
        while take_one(rest, |byte| b"v=".contains(&byte)) {}
        let word = take_while(rest, |byte| !is_blank(byte) && !b"<>=~^".contains(&byte));
        let word = std::str::from_utf8(word).ok()?;
        let mut word = word.split_once('+').map_or(word, |(version, _)| version);
        let mut numbers = [None; 3];
        let mut places = numbers.iter_mut();
        let mut is_open = false;
        while let Some(place) = places.next() {
            let digits = word.bytes().take_while(u8::is_ascii_digit).count();
            if let Some(after) = word.strip_prefix(['x', 'X', '*']) {
                (is_open, word) = (true, after);
            } else if is_open {
                return None;
            } else {
                let (number, after) = word.split_at_checked(digits)?;
                *place = Some(number.parse::<u64>().ok()?);
                word = after;
            }
            match word.strip_prefix('.') {
                Some(after) if places.len() > 0 => word = after,
                _ => break,
            }
        }
        let is_short = places.len() > 0;
        let [major, minor, patch] = numbers;
        let pre_release = word.strip_prefix('-').unwrap_or(word);
        let is_read = word.is_empty() || !is_short && super::semver::are_identifiers(pre_release.as_bytes());
        is_read.then_some(Self { major, minor, patch, pre_release })
    }

    /// The lowest version that it stands for.
    fn lowest(&self) -> String {
        let (major, minor) = (self.major.unwrap_or(0), self.minor.unwrap_or(0));
        match (self.patch, self.pre_release) {
            (Some(patch), "") => format!("{major}.{minor}.{patch}"),
            (Some(patch), pre_release) => format!("{major}.{minor}.{patch}-{pre_release}"),
            (None, _) => format!("{major}.{minor}.0-0"),
        }
    }

    /// The lowest version after all that have the same minor, or where that is missing the same major number.
    fn after(&self) -> Option<String> {
        if self.minor.is_some() { self.next_minor() } else { self.next_major() }
    }

    fn after_caret(&self) -> Option<String> {
        match (self.major, self.minor, self.patch) {
            (Some(0), Some(0), Some(patch)) => Some(format!("0.0.{}-0", patch.checked_add(1)?)),
            (Some(0), Some(_), _) => self.next_minor(),
            _ => self.next_major(),
        }
    }

    fn next_major(&self) -> Option<String> {
        Some(format!("{}.0.0-0", self.major?.checked_add(1)?))
    }

    fn next_minor(&self) -> Option<String> {
        Some(format!("{}.{}.0-0", self.major?, self.minor?.checked_add(1)?))
    }
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b','
}

fn skip_blanks(rest: &mut &[u8]) {
    take_while(rest, is_blank);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let bound = |bound: Bound<String>, closed: char, open: char| match bound {
            Bound::Unbounded => (String::new(), open),
            Bound::Included(version) => (version, closed),
            Bound::Excluded(version) => (version, open),
        };
        let intervals = npm_range(text).unwrap();
        let shown = intervals.into_iter().map(|interval| {
            let (lower, left) = bound(interval.lower, '[', '(');
            let (upper, right) = bound(interval.upper, ']', ')');
            format!("{left}{lower},{upper}{right}")
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ranges_become_intervals() {
        for (text, expected) in [
            (">=1.0.0 <1.2.3 || ^2", "[1.0.0,1.2.3) [2.0.0-0,3.0.0-0)"),
            ("", "(,)"),
            ("*", "(,)"),
            ("x || 1", "(,) [1.0.0-0,2.0.0-0)"),
            ("~1.2", "[1.2.0-0,1.3.0-0)"),
            ("~> 1.2.3", "[1.2.3,1.3.0-0)"),
            ("~1", "[1.0.0-0,2.0.0-0)"),
            ("1.x", "[1.0.0-0,2.0.0-0)"),
            ("1.2.*", "[1.2.0-0,1.3.0-0)"),
            ("^1.2.3-beta.2", "[1.2.3-beta.2,2.0.0-0)"),
            ("^0.2.3", "[0.2.3,0.3.0-0)"),
            ("^0.0.3", "[0.0.3,0.0.4-0)"),
            ("^0.0", "[0.0.0-0,0.1.0-0)"),
            ("^0", "[0.0.0-0,1.0.0-0)"),
            ("1.2.3 - 2.3.4", "[1.2.3-0,2.3.4]"),
            ("1.2 - 2.3", "[1.2.0-0,2.4.0-0)"),
            ("* - 2", "(,3.0.0-0)"),
            ("2 - 1", ""),
            ("= 1.2.3", "[1.2.3,1.2.3]"),
            ("v1.2.3+build", "[1.2.3,1.2.3]"),
            (">1.2", "[1.3.0-0,)"),
            ("> 1.2.3", "(1.2.3,)"),
            ("<=1.2", "(,1.3.0-0)"),
            ("<1", "(,1.0.0-0)"),
            (">=1.0.0, <2.0.0", "[1.0.0,2.0.0)"),
            (">=1.0.0<2.0.0", "[1.0.0,2.0.0)"),
            (">1.0.0 >=1.0.0 <=2.0.0 <2.0.0", "(1.0.0,2.0.0)"),
            (">2 <1", ""),
            (">*", ""),
            ("1.2.3beta", "[1.2.3-beta,1.2.3-beta]"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "foo",
            "1.2.3.4",
            ">",
            "=>1",
            "1.x.3",
            "1..2",
            "1.",
            "1.2-beta",
            "1.2.3-",
            "|| x |",
            "1.2.3 -",
            "- 1",
            "1 - 2 - 3",
            "18446744073709551615.x",
            "99999999999999999999999",
            "1.2.3-β",
            "~=1",
            "1 - foo",
            ",1",
        ] {
            assert!(npm_range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn intervals_hold_versions() {
        let [interval] = npm_range(">1.0.0 <=1.2.0").unwrap().try_into().unwrap();
        for (version, held) in [("1.0.0", false), ("1.0.1-a", true), ("1.2.0", true), ("1.2.1-0", false)] {
            assert_eq!(interval.contains(Scheme::Semver, version), Ok(held), "{version}");
        }
        assert!(interval.contains(Scheme::Semver, "foo").is_err());
    }

    #[test]
    fn long_texts_end() {
        let long = ">=1.0.0 ".repeat(100_000);
        assert_eq!(npm_range(&long).unwrap().len(), 1);
        assert_eq!(npm_range(&"1||".repeat(10_000)).unwrap().len(), 10_001);
        assert!(npm_range(&"1.".repeat(500_000)).is_err());
    }
}
