//! Whether a range holds a version, and how to say so.

use std::cmp::Ordering;

use plimsoll_model::version::{Scheme, VersionError};

use crate::advisory::{Lower, Range, Upper};

/// Tells whether `range` holds `version`.
///
/// # Errors
/// If the version or an end of the range is no version of `scheme`.
pub(crate) fn holds(scheme: Scheme, range: &Range, version: &str) -> Result<bool, VersionError> {
    let order = |bound: &str| scheme.compare(version, bound);
    let starts = match &range.lower {
        Lower::Zero => true,
        Lower::From(bound) => order(bound)? != Ordering::Less,
        Lower::After(bound) => order(bound)? == Ordering::Greater,
    };
    let ends = match &range.upper {
        Upper::Open => true,
        Upper::Fixed(bound) | Upper::Before(bound) => order(bound)? == Ordering::Less,
        Upper::Last(bound) => order(bound)? != Ordering::Greater,
    };
    if let (true, false, Upper::Fixed(bound) | Upper::Last(bound) | Upper::Before(bound)) =
        (starts, ends, &range.upper)
        && is_old_python(scheme, version, bound)
    {
        return Err(VersionError { scheme, version: bound.chars().take(80).collect() });
    }
    if starts && ends && matches!((&range.lower, &range.upper), (Lower::Zero, Upper::Open)) {
        // Everything is affected, but the version must still be one.
        scheme.compare(version, version)?;
    }
    Ok(starts && ends)
}

/// Python's versions of old come before all others, so one that ends a range (`0.2.0-n653`) would clear them all. That is
/// hardly what a feed means: it is left open.
fn is_old_python(scheme: Scheme, version: &str, bound: &str) -> bool {
    scheme == Scheme::Pep440 && scheme.is_total_at(version) && !scheme.is_total_at(bound)
}

/// The range in words: `>= 1.0, < 1.2.3`.
pub(crate) fn describe(range: &Range) -> String {
    let lower = match &range.lower {
        Lower::Zero => None,
        Lower::From(version) => Some(format!(">= {version}")),
        Lower::After(version) => Some(format!("> {version}")),
    };
    let upper = match &range.upper {
        Upper::Open => None,
        Upper::Fixed(version) | Upper::Before(version) => Some(format!("< {version}")),
        Upper::Last(version) => Some(format!("<= {version}")),
    };
    match (lower, upper) {
        (None, None) => "all versions".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(lower), Some(upper)) => format!("{lower}, {upper}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_in_or_out_as_they_say() {
        let range = |lower, upper| Range { lower, upper };
        let fixed = range(Lower::From("1.0.0".into()), Upper::Fixed("1.2.0".into()));
        let last = range(Lower::After("1.0.0".into()), Upper::Last("1.2.0".into()));
        for (version, in_fixed, in_last) in
            [("0.9.0", false, false), ("1.0.0", true, false), ("1.1.0", true, true), ("1.2.0", false, true)]
        {
            assert_eq!(holds(Scheme::Semver, &fixed, version), Ok(in_fixed), "{version}");
            assert_eq!(holds(Scheme::Semver, &last, version), Ok(in_last), "{version}");
        }
        assert_eq!(describe(&fixed), ">= 1.0.0, < 1.2.0");
        assert_eq!(describe(&last), "> 1.0.0, <= 1.2.0");
        assert!(holds(Scheme::Go, &range(Lower::Zero, Upper::Open), "(devel)").is_err());
    }

    #[test]
    fn a_python_version_of_old_clears_none_that_is_newer() {
        let until = |bound: &str| Range { lower: Lower::Zero, upper: Upper::Fixed(bound.into()) };
        let in_python = |bound: &str, version: &str| holds(Scheme::Pep440, &until(bound), version).ok();
        assert_eq!(in_python("0.2.0-n653", "0.1.0"), None);
        assert_eq!(in_python("0.2.0-n653", "0.1.0-n1"), Some(true));
        assert_eq!(in_python("0.2.0-n653", "0.2.0-n700"), Some(false));
        assert_eq!(in_python("1.0", "2004d"), Some(true));
    }
}
