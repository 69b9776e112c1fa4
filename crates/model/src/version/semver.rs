//! Semantic versions as npm and Cargo use them, and the parts that other schemes build on.
//!
//! Follows <https://semver.org/#spec-item-11> and node-semver's loose mode; beyond it missing minor and patch numbers
//! are zero and further numbers count. A build (`+…`) is ignored.
//! <https://github.com/npm/node-semver/blob/main/classes/semver.js>

use std::cmp::Ordering;

use super::text::{compare_digits, compare_dotted, is_dot, is_number, take_digits, take_while};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(parse, left, right)?;
    Ok(compare_dotted(left.numbers, right.numbers)
        .then_with(|| compare_pre_release(left.pre_release, right.pre_release, <[u8]>::cmp)))
}

/// Reads a version after any `v`, `=` and blanks.
fn parse(text: &str) -> Option<Version<'_>> {
    let text = text
        .trim()
        .trim_start_matches(|first: char| matches!(first, 'v' | 'V' | '=') || first.is_whitespace());
    Version::parse(text.as_bytes())
}

/// A version in its parts; those that are missing are empty.
pub(super) struct Version<'t> {
    /// Numbers with dots between.
    pub(super) numbers: &'t [u8],
    /// Identifiers with dots between.
    pub(super) pre_release: &'t [u8],
    /// What follows the plus.
    pub(super) build: &'t [u8],
}

impl<'t> Version<'t> {
    /// Splits `1.2.3-pre+build`; also `1.2.3pre`.
    pub(super) fn parse(text: &'t [u8]) -> Option<Self> {
        let (numbers, mut rest) = split_numbers(text)?;
        let pre_release: &[u8] = match rest.first() {
            None | Some(b'+') => &[],
            Some(b'-') => {
                rest = rest.split_at_checked(1)?.1;
                identifiers(&mut rest)?
            }
            Some(byte) if byte.is_ascii_alphabetic() => identifiers(&mut rest)?,
            Some(_) => return None,
        };
        let build = rest.strip_prefix(b"+").unwrap_or_default();
        let is_plain = build.iter().all(|byte| byte.is_ascii_graphic());
        is_plain.then_some(Self { numbers, pre_release, build })
    }
}

/// Splits numbers with dots between off the start.
pub(super) fn split_numbers(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = text;
    loop {
        if take_digits(&mut rest).is_empty() {
            return None;
        }
        match rest {
            [b'.', b'0'..=b'9', ..] => rest = rest.split_at_checked(1)?.1,
            _ => return text.split_at_checked(text.len().checked_sub(rest.len())?),
        }
    }
}

/// Takes the pre-release up to the build or the end.
fn identifiers<'t>(rest: &mut &'t [u8]) -> Option<&'t [u8]> {
    let taken = take_while(rest, |byte| byte != b'+');
    are_identifiers(taken).then_some(taken)
}

/// Tells whether `text` is identifiers of letters, digits and hyphens with dots between.
pub(super) fn are_identifiers(text: &[u8]) -> bool {
    text.split(is_dot).all(|identifier| {
        !identifier.is_empty() && identifier.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    })
}

/// Compares pre-releases: none is the greatest.
pub(super) fn compare_pre_release(
    left: &[u8],
    right: &[u8],
    compare_text: fn(&[u8], &[u8]) -> Ordering,
) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (false, false) => compare_identifiers(left.split(is_dot), right.split(is_dot), compare_text),
        (one, two) => one.cmp(&two),
    }
}

/// Compares identifiers: numbers by value and before texts; more of them are greater.
pub(super) fn compare_identifiers<'t>(
    mut left: impl Iterator<Item = &'t [u8]>,
    mut right: impl Iterator<Item = &'t [u8]>,
    compare_text: fn(&[u8], &[u8]) -> Ordering,
) -> Ordering {
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(one), Some(two)) => match (is_number(one), is_number(two)) {
                (true, true) => compare_digits(one, two),
                (false, false) => compare_text(one, two),
                (one, two) => two.cmp(&one),
            },
            (one, two) => one.is_some().cmp(&two.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}
