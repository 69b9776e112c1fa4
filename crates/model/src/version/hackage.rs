//! Haskell's versions: numbers with dots between; more numbers are greater, so `1.0` < `1.0.0`.
//!
//! Follows `Data.Version` without its tags, which the Package Versioning Policy has withdrawn.
//! <https://pvp.haskell.org/#version-numbers>

use std::cmp::Ordering;

use super::text::{compare_digits, is_dot, is_number, trimmed};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(parse, left, right)?;
    Ok(compare_lists(left.split(is_dot), right.split(is_dot)))
}

fn parse(text: &str) -> Option<&[u8]> {
    let text = trimmed(text);
    text.split(is_dot).all(is_number).then_some(text)
}

/// Compares numbers by value, then by how many there are.
pub(super) fn compare_lists<'t>(
    mut left: impl Iterator<Item = &'t [u8]>,
    mut right: impl Iterator<Item = &'t [u8]>,
) -> Ordering {
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(one), Some(two)) => compare_digits(one, two),
            (one, two) => one.is_some().cmp(&two.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}
