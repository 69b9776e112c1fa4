//! Comparators as several feeds write them, `>= 1.2`, `<2`, `~> 1.4`, to ranges.

use std::cmp::Ordering;

use plimsoll_model::version::{Scheme, VersionError};

use super::{FeedError, check_length};
use crate::advisory::{Lower, Range, Upper, is_zero};
use crate::order;

/// The range in which all of `comparators` hold; `None` if nothing is in it.
pub(crate) fn all_of<'c>(
    scheme: Scheme,
    comparators: impl IntoIterator<Item = &'c str>,
) -> Result<Option<Range>, FeedError> {
    let mut range = Range { lower: Lower::Zero, upper: Upper::Open };
    for comparator in comparators {
        let refuse = || FeedError::value("comparator", comparator);
        let next = one(comparator).ok_or_else(refuse)?;
        narrow(scheme, &mut range, next).map_err(|_| refuse())?;
    }
    let is_empty = is_empty(scheme, &range).map_err(|_| FeedError::value("range", &format!("{range:?}")))?;
    Ok((!is_empty).then_some(range))
}

/// One comparator; without an operator it is an equation. What is unequal to a version is everything.
fn one(comparator: &str) -> Option<Range> {
    let text = comparator.trim();
    let at = text.find(|c: char| !matches!(c, '<' | '>' | '=' | '~' | '!')).unwrap_or(text.len());
    let (operator, version) = text.split_at_checked(at)?;
    let version = version.trim();
    if version.is_empty() || version.len() > 200 || version.contains(char::is_whitespace) {
        return None;
    }
    let version = version.to_owned();
    let from = if is_zero(&version) { Lower::Zero } else { Lower::From(version.clone()) };
    Some(match operator {
        ">=" => Range { lower: from, upper: Upper::Open },
        ">" => Range { lower: Lower::After(version), upper: Upper::Open },
        "<" => Range { lower: Lower::Zero, upper: Upper::Fixed(version) },
        "<=" => Range { lower: Lower::Zero, upper: Upper::Last(version) },
        "=" | "==" | "" => Range { lower: Lower::From(version.clone()), upper: Upper::Last(version) },
        "~>" => Range { upper: Upper::Fixed(bumped(&version)?), lower: from },
        "!=" => Range { lower: Lower::Zero, upper: Upper::Open },
        _ => return None,
    })
}

/// `1.4.2` → `1.5`, `2.0` → `3`: the last number is dropped, the one before raised.
fn bumped(version: &str) -> Option<String> {
    let mut numbers: Vec<u64> = version.split('.').map_while(|part| part.parse().ok()).collect();
    if numbers.len() > 1 {
        numbers.pop();
    }
    let last = numbers.last_mut()?;
    *last = last.checked_add(1)?;
    Some(numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
}

fn narrow(scheme: Scheme, range: &mut Range, next: Range) -> Result<(), VersionError> {
    if compare_lower(scheme, &next.lower, &range.lower)?.is_gt() {
        range.lower = next.lower;
    }
    if compare_upper(scheme, &next.upper, &range.upper)?.is_lt() {
        range.upper = next.upper;
    }
    Ok(())
}

fn compare_lower(scheme: Scheme, one: &Lower, other: &Lower) -> Result<Ordering, VersionError> {
    let key = |lower: &Lower| match lower {
        Lower::Zero => None,
        Lower::From(version) => Some((version.clone(), false)),
        Lower::After(version) => Some((version.clone(), true)),
    };
    match (key(one), key(other)) {
        (Some((a, after_a)), Some((b, after_b))) => Ok(scheme.compare(&a, &b)?.then(after_a.cmp(&after_b))),
        (a, b) => Ok(a.is_some().cmp(&b.is_some())),
    }
}

fn compare_upper(scheme: Scheme, one: &Upper, other: &Upper) -> Result<Ordering, VersionError> {
    let key = |upper: &Upper| match upper {
        Upper::Open => None,
        Upper::Fixed(version) | Upper::Before(version) => Some((version.clone(), false)),
        Upper::Last(version) => Some((version.clone(), true)),
    };
    match (key(one), key(other)) {
        (Some((a, with_a)), Some((b, with_b))) => Ok(scheme.compare(&a, &b)?.then(with_a.cmp(&with_b))),
        (a, b) => Ok(a.is_none().cmp(&b.is_none())),
    }
}

fn is_empty(scheme: Scheme, range: &Range) -> Result<bool, VersionError> {
    let (low, after) = match &range.lower {
        Lower::Zero => return Ok(false),
        Lower::From(version) => (version, false),
        Lower::After(version) => (version, true),
    };
    let (high, with) = match &range.upper {
        Upper::Open => return Ok(false),
        Upper::Fixed(version) | Upper::Before(version) => (version, false),
        Upper::Last(version) => (version, true),
    };
    let order = scheme.compare(low, high)?;
    Ok(order.is_gt() || (order.is_eq() && (after || !with)))
}

/// The versions in none of the `patched` and `unaffected` ranges. What ends before a patched range is fixed there.
pub(crate) fn outside(
    scheme: Scheme,
    patched: Vec<Range>,
    unaffected: Vec<Range>,
) -> Result<Vec<Range>, FeedError> {
    check_length("ranges", patched.len().saturating_add(unaffected.len()))?;
    let mut safe: Vec<(Range, bool)> = patched.into_iter().map(|range| (range, true)).collect();
    safe.extend(unaffected.into_iter().map(|range| (range, false)));
    order::sort_by(&mut safe, |a, b| compare_lower(scheme, &a.0.lower, &b.0.lower).ok());
    let mut affected = Vec::new();
    let mut start = Some(Lower::Zero);
    for (range, mends) in safe {
        let Some(lower) = start.clone() else { break };
        let upper = match range.lower {
            Lower::Zero => None,
            Lower::From(version) if mends => Some(Upper::Fixed(version)),
            Lower::From(version) => Some(Upper::Before(version)),
            Lower::After(version) => Some(Upper::Last(version)),
        };
        let refuse = |_| FeedError::value("range", "of versions");
        if let Some(upper) = upper {
            let gap = Range { lower: lower.clone(), upper };
            if !is_empty(scheme, &gap).map_err(refuse)? {
                affected.push(gap);
            }
        }
        let end = match range.upper {
            Upper::Open => None,
            Upper::Fixed(version) | Upper::Before(version) => Some(Lower::From(version)),
            Upper::Last(version) => Some(Lower::After(version)),
        };
        start = match end {
            Some(end) if compare_lower(scheme, &end, &lower).map_err(refuse)?.is_gt() => Some(end),
            Some(_) => Some(lower),
            None => None,
        };
    }
    affected.extend(start.map(|lower| Range { lower, upper: Upper::Open }));
    Ok(affected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        all_of(Scheme::RubyGems, text.split(',')).unwrap().unwrap()
    }

    #[test]
    fn comparators_narrow_a_range() {
        let expected = Range { lower: Lower::From("1.2".into()), upper: Upper::Fixed("2".into()) };
        assert_eq!(range(">= 1.0, >=1.2, < 3, ~> 1.1"), expected);
        assert_eq!(all_of(Scheme::RubyGems, [">2", "<=2"]).unwrap(), None);
        for text in ["", ">=", ">= 1 2", "=> 1", "abc def", ">= !!"] {
            assert!(all_of(Scheme::RubyGems, [text, "< 3"]).is_err(), "{text:?}");
        }
        assert_eq!(bumped("1.4.2").as_deref(), Some("1.5"));
        assert_eq!(bumped("2").as_deref(), Some("3"));
    }

    #[test]
    fn what_is_neither_patched_nor_unaffected_is_affected() {
        let outside = |patched: &[&str], unaffected: &[&str]| {
            let ranges = |texts: &[&str]| texts.iter().map(|text| range(text)).collect();
            outside(Scheme::RubyGems, ranges(patched), ranges(unaffected)).unwrap()
        };
        let all = Range { lower: Lower::Zero, upper: Upper::Open };
        assert_eq!(outside(&[], &[]), [all]);
        assert_eq!(
            outside(&[">= 4.0.2", "~> 3.2.11", "~> 3.1.10"], &["< 2.3"]),
            [
                Range { lower: Lower::From("2.3".into()), upper: Upper::Fixed("3.1.10".into()) },
                Range { lower: Lower::From("3.2".into()), upper: Upper::Fixed("3.2.11".into()) },
                Range { lower: Lower::From("3.3".into()), upper: Upper::Fixed("4.0.2".into()) },
            ]
        );
        assert_eq!(outside(&[">= 0"], &[]), []);
    }
}
