//! What a feed says of one vulnerability, in one shape for all feeds.
//!
//! Values of this module live only while a database is compiled; matching reads the compiled form.

use std::cmp::Ordering;
use std::ops::Bound;

use jiff::civil::Date;
use plimsoll_model::finding::Status;
use plimsoll_model::severity::Severity;
use plimsoll_model::version::Scheme;
use plimsoll_model::version::range::Interval;

use crate::feed::source::Source;
use crate::order;

/// One advisory of one feed.
#[derive(Clone, Debug)]
pub struct Advisory {
    /// The feed it comes from.
    pub source: &'static Source,
    /// Its id in that feed.
    pub id: String,
    /// Other ids of the same vulnerability.
    pub aliases: Vec<String>,
    /// The vulnerabilities that it bundles, if it is an erratum about several.
    pub covers: Vec<String>,
    /// When it was published.
    pub published: Option<Date>,
    /// When it was last changed.
    pub modified: Option<Date>,
    /// CVSS vectors as written.
    pub cvss: Vec<String>,
    /// Links for reading on.
    pub links: Vec<String>,
    /// One line for a person.
    pub summary: Option<String>,
    /// Whether it stands for "a newer security release exists" and names no vulnerability of its own.
    pub umbrella: bool,
    /// The packages that it speaks of.
    pub affected: Vec<Affected>,
}

impl Advisory {
    /// Makes an advisory that knows nothing but its id yet.
    #[must_use]
    pub fn new(source: &'static Source, id: impl Into<String>) -> Self {
        Self {
            source,
            id: id.into(),
            aliases: Vec::new(),
            covers: Vec::new(),
            published: None,
            modified: None,
            cvss: Vec::new(),
            links: Vec::new(),
            summary: None,
            umbrella: false,
            affected: Vec::new(),
        }
    }
}

/// What an advisory says of one package.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Affected {
    /// The ecosystem as the database names it: `PyPI`, `Debian:12`.
    pub ecosystem: String,
    /// The package's name, normalized.
    pub name: String,
    /// The module stream (`nodejs:18`) that a modular rpm must belong to.
    pub module: Option<String>,
    /// What is said of it.
    pub status: Status,
    /// The feed's own word on how bad it is; `Unknown` where it has none.
    pub severity: Severity,
    /// The affected ranges.
    pub ranges: Vec<Range>,
    /// Affected versions that no range holds.
    pub versions: Vec<String>,
    /// Fixed versions beside those that end a range.
    pub fixed: Vec<String>,
    /// The channel that alone has the fix, if it is not open to everybody: `esm-infra`.
    pub channel: Option<String>,
    /// Vulnerable functions: `path#Symbol` of Go, `krate::module::function` of Rust; a Go package as a whole is its
    /// path alone.
    pub symbols: Vec<String>,
}

impl Affected {
    /// Says that versions of a package below `fixed` are affected.
    #[must_use]
    pub fn below(ecosystem: impl Into<String>, name: impl Into<String>, fixed: impl Into<String>) -> Self {
        Self {
            status: Status::Fixed,
            ranges: vec![Range { lower: Lower::Zero, upper: Upper::Fixed(fixed.into()) }],
            ..Self::all(ecosystem, name)
        }
    }

    /// Says that no version of a package is affected.
    #[must_use]
    pub fn never(ecosystem: impl Into<String>, name: impl Into<String>) -> Self {
        Self { status: Status::NotAffected, ranges: Vec::new(), ..Self::all(ecosystem, name) }
    }

    /// Says that all versions of a package are affected.
    #[must_use]
    pub fn all(ecosystem: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            ecosystem: ecosystem.into(),
            name: name.into(),
            status: Status::Affected,
            ranges: vec![Range { lower: Lower::Zero, upper: Upper::Open }],
            ..Self::default()
        }
    }
}

/// A run of affected versions.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Range {
    /// Where it starts.
    pub lower: Lower,
    /// Where it ends.
    pub upper: Upper,
}

/// Where a range starts.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Lower {
    /// At the first version there ever was.
    Zero,
    /// At this version.
    From(String),
    /// Right after this version.
    After(String),
}

/// Where a range ends.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Upper {
    /// Nowhere: no fixed version is known.
    Open,
    /// Right before this version, which mends it.
    Fixed(String),
    /// At this version, the last affected one.
    Last(String),
    /// Right before this version, of which nothing more is said.
    Before(String),
}

/// An event of an OSV range (<https://ossf.github.io/osv-schema/#affectedrangesevents-fields>).
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Introduced(String),
    Fixed(String),
    Last(String),
    Limit(String),
}

impl Event {
    fn version(&self) -> &str {
        match self {
            Self::Introduced(version) | Self::Fixed(version) | Self::Last(version) | Self::Limit(version) => {
                version
            }
        }
    }

    /// Zero starts before all versions, in every scheme.
    fn is_zero(&self) -> bool {
        matches!(self, Self::Introduced(version) if is_zero(version))
    }
}

pub(crate) fn is_zero(version: &str) -> bool {
    matches!(version, "0" | "0.0.0-0")
}

impl From<Interval> for Range {
    fn from(interval: Interval) -> Self {
        Self {
            lower: match interval.lower {
                Bound::Unbounded => Lower::Zero,
                Bound::Included(version) => Lower::From(version),
                Bound::Excluded(version) => Lower::After(version),
            },
            upper: match interval.upper {
                Bound::Unbounded => Upper::Open,
                Bound::Included(version) => Upper::Last(version),
                Bound::Excluded(version) => Upper::Fixed(version),
            },
        }
    }
}

/// Folds the events of one range, in any order, to runs. Events that the scheme cannot order stay as written.
pub(crate) fn ranges_of(scheme: Option<Scheme>, events: Vec<Event>) -> Vec<Range> {
    let (limits, mut events): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| matches!(event, Event::Limit(_)));
    if let Some(scheme) = scheme {
        order::sort_by(&mut events, |left, right| match (left.is_zero(), right.is_zero()) {
            (false, false) => scheme.compare(left.version(), right.version()).ok(),
            (left, right) => Some(right.cmp(&left)),
        });
    }
    let end = limits.into_iter().next().filter(|limit| limit.version() != "*");
    let open = end.map_or(Upper::Open, |limit| Upper::Before(limit.version().to_owned()));
    let mut ranges = Vec::new();
    let mut start: Option<Lower> = None;
    // An introduction within a range: another range may begin where this one ends.
    let mut again: Option<String> = None;
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        let upper = match event {
            Event::Introduced(version) if start.is_none() => {
                start = Some(if is_zero(&version) { Lower::Zero } else { Lower::From(version) });
                continue;
            }
            Event::Introduced(version) => {
                again = Some(version);
                continue;
            }
            Event::Limit(_) => continue,
            Event::Fixed(version) => Upper::Fixed(version),
            Event::Last(version) => Upper::Last(version),
        };
        let ends_again = matches!(events.peek(), Some(Event::Fixed(_) | Event::Last(_)));
        let next = again.take().filter(|again| ends_again && is_same(scheme, again, &upper));
        ranges.extend(start.take().map(|lower| Range { lower, upper }));
        start = next.map(Lower::From);
    }
    ranges.extend(start.map(|lower| Range { lower, upper: open }));
    ranges
}

/// Tells whether a range ends at `version`.
fn is_same(scheme: Option<Scheme>, version: &str, end: &Upper) -> bool {
    let (Upper::Fixed(end) | Upper::Last(end) | Upper::Before(end)) = end else { return false };
    version == end || scheme.is_some_and(|scheme| scheme.compare(version, end) == Ok(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_fold_to_runs() {
        let event = |kind: &str, version: &str| match kind {
            "introduced" => Event::Introduced(version.into()),
            "fixed" => Event::Fixed(version.into()),
            "last" => Event::Last(version.into()),
            _ => Event::Limit(version.into()),
        };
        let runs = ranges_of(
            None,
            vec![
                event("introduced", "0"),
                event("fixed", "1.2"),
                event("introduced", "2.0"),
                event("last", "2.3"),
            ],
        );
        assert_eq!(
            runs,
            [
                Range { lower: Lower::Zero, upper: Upper::Fixed("1.2".into()) },
                Range { lower: Lower::From("2.0".into()), upper: Upper::Last("2.3".into()) },
            ]
        );
        let open = ranges_of(None, vec![event("introduced", "1"), event("limit", "3")]);
        assert_eq!(open, [Range { lower: Lower::From("1".into()), upper: Upper::Before("3".into()) }]);
        assert!(ranges_of(None, vec![event("fixed", "1")]).is_empty());
    }

    #[test]
    fn a_range_may_begin_where_another_ends_whatever_their_order() {
        let event = |(kind, version): (&str, &str)| match kind {
            "introduced" => Event::Introduced(version.into()),
            _ => Event::Fixed(version.into()),
        };
        let runs = |events: &[(&str, &str)]| {
            let runs = ranges_of(Some(Scheme::Semver), events.iter().copied().map(event).collect());
            runs.into_iter().map(|run| format!("{:?} {:?}", run.lower, run.upper)).collect::<Vec<_>>()
        };
        let (first, second) = (r#"From("0.12.2") Fixed("0.13.0")"#, r#"From("0.13.0") Fixed("0.14.0")"#);
        let [a, b, c, d] =
            [("introduced", "0.12.2"), ("fixed", "0.13.0"), ("introduced", "0.13.0"), ("fixed", "0.14.0")];
        assert_eq!(runs(&[a, b, c, d]), [first, second]);
        assert_eq!(runs(&[c, d, a, b]), [first, second]);
        assert_eq!(runs(&[a, c, b]), [first], "introduced twice, and fixed");
        assert_eq!(runs(&[a, b, c]), [first, r#"From("0.13.0") Open"#], "not fixed again");
        assert_eq!(runs(&[c, ("fixed", "0.13.0")]), [r#"From("0.13.0") Fixed("0.13.0")"#], "an empty range");
    }
}
