//! What a Debian package says of others: `a (>= 1) | b:any, c`.
//! <https://www.debian.org/doc/debian-policy/ch-relationships.html>.

use std::cmp::Ordering;
use std::fmt;

use plimsoll_model::version::Scheme;

/// The most relations of one field that are read.
const LIMIT: usize = 10_000;

/// One package that is asked for, or refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// The architecture, `any` included, if one is named.
    pub architecture: Option<String>,
    /// How its version has to be.
    pub version: Option<(Compare, String)>,
}

/// How a version has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compare {
    /// `<<`.
    Before,
    /// `<=`.
    AtMost,
    /// `=`.
    Equal,
    /// `>=`.
    AtLeast,
    /// `>>`.
    After,
}

impl Compare {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "<<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::After => ">>",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Before => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::After => order.is_gt(),
        }
    }
}

impl Relation {
    /// Tells whether `version` is one that it means. What does not compare is none.
    #[must_use]
    pub fn fits(&self, version: &str) -> bool {
        let Some((compare, wanted)) = &self.version else { return true };
        Scheme::Deb.compare(version, wanted).is_ok_and(|order| compare.holds(order))
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(architecture) = &self.architecture {
            write!(f, ":{architecture}")?;
        }
        match &self.version {
            Some((compare, version)) => write!(f, " ({} {version})", compare.as_str()),
            None => Ok(()),
        }
    }
}

/// Reads a field: groups that all must hold, each of alternatives of which one must.
#[must_use]
pub fn relations(field: &str) -> Vec<Vec<Relation>> {
    let groups = field.split(',').take(LIMIT).map(|group| group.split('|').filter_map(relation).collect());
    groups.filter(|group: &Vec<Relation>| !group.is_empty()).collect()
}

fn relation(text: &str) -> Option<Relation> {
    let (name, rest) = match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest.split(')').next().unwrap_or_default().trim())),
        None => (text, None),
    };
    let name = name.split(['[', '<']).next().unwrap_or_default().trim();
    let (name, architecture) = match name.split_once(':') {
        Some((name, architecture)) => (name, Some(architecture.trim().to_owned())),
        None => (name, None),
    };
    if name.is_empty() {
        return None;
    }
    // Of old, `<` and `>` meant `<=` and `>=`.
    const SIGNS: [(&str, Compare); 7] = [
        ("<<", Compare::Before),
        ("<=", Compare::AtMost),
        (">>", Compare::After),
        (">=", Compare::AtLeast),
        ("=", Compare::Equal),
        ("<", Compare::AtMost),
        (">", Compare::AtLeast),
    ];
    let version = rest.and_then(|rest| {
        SIGNS.iter().find_map(|(sign, compare)| Some((*compare, rest.strip_prefix(sign)?.trim().to_owned())))
    });
    Some(Relation { name: name.to_owned(), architecture, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_versions_compared() {
        let all =
            relations("libc6 (>= 2.36), debconf (<< 2) | debconf-2.0, python3:any, x(=1:2), , y [amd64]");
        let words: Vec<String> = all
            .iter()
            .map(|group| group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))
            .collect();
        assert_eq!(
            words,
            ["libc6 (>= 2.36)", "debconf (<< 2) | debconf-2.0", "python3:any", "x (= 1:2)", "y"]
        );
        assert!(all[0][0].fits("2.36-9") && !all[0][0].fits("2.36~rc1"));
        assert!(all[3][0].fits("1:2") && !all[3][0].fits("2"));
        assert!(!relations("a (>= 1)")[0][0].fits("no version!"));
        assert!(relations(&"a,".repeat(100_000)).len() <= LIMIT);
    }
}
