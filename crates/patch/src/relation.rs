//! What packages say of others: names, and how their versions have to be.

use std::cmp::Ordering;
use std::fmt;

use plimsoll_model::version::Scheme;

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
    /// `~`: it begins so.
    Like,
}

impl Compare {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "<<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::After => ">>",
            Self::Like => "~",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Before => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal | Self::Like => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::After => order.is_gt(),
        }
    }
}

impl Relation {
    /// Tells whether `version` is one that it means. What does not compare is none.
    #[must_use]
    pub fn fits(&self, scheme: Scheme, version: &str) -> bool {
        let Some((compare, wanted)) = &self.version else { return true };
        if *compare == Compare::Like {
            let rest = version.strip_prefix(wanted.as_str());
            return rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
        }
        scheme.compare_to_bound(version, wanted).is_ok_and(|order| compare.holds(order))
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
