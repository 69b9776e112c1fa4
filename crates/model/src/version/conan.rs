//! Versions of Conan's packages: items with dots between, numbers by value and all else as text; then a pre-release
//! behind a dash, of which none is the greatest, and a build behind a plus, of which none is the least.
//!
//! Follows Conan 2's `conan.internal.model.version.Version`.
//! <https://docs.conan.io/2/tutorial/versioning/version_ranges.html>

use std::cmp::Ordering;

use super::text::{compare_digits, is_dot, is_number, without_zeros};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Version::parse, left, right)?;
    Ok(compare_items(left.main, right.main)
        .then_with(|| match (left.pre_release, right.pre_release) {
            (Some(one), Some(two)) => compare_items(one, two),
            (one, two) => two.is_some().cmp(&one.is_some()),
        })
        .then_with(|| match (left.build, right.build) {
            (Some(one), Some(two)) => compare_items(one, two),
            (one, two) => one.is_some().cmp(&two.is_some()),
        }))
}

struct Version<'t> {
    main: &'t [u8],
    pre_release: Option<&'t [u8]>,
    build: Option<&'t [u8]>,
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        // A commit or the name of a branch is no version.
        if !text.starts_with(|first: char| first.is_ascii_digit()) || text.contains(char::is_whitespace) {
            return None;
        }
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, Some(build.as_bytes())),
            None => (text, None),
        };
        let (main, pre_release) = match rest.split_once('-') {
            Some((main, pre)) => (main, Some(pre.as_bytes())),
            None => (rest, None),
        };
        let main = main.as_bytes();
        // Conan drops zeros at the end: 1.0 is 1.
        let mut kept = main;
        while let Some(shorter) = kept.strip_suffix(b".0") {
            kept = shorter;
        }
        Some(Self { main: kept, pre_release, build })
    }
}

/// Tells whether no item mixes digits and letters (`1w`), with which Conan's order goes in circles: 10 < 1w < 9.
pub(super) fn is_total(text: &str) -> bool {
    Version::parse(text).is_some_and(|version| {
        [Some(version.main), version.pre_release, version.build].into_iter().flatten().all(|part| {
            part.split(is_dot).all(|item| is_number(item) || !item.iter().any(u8::is_ascii_digit))
        })
    })
}

/// A number and a text compare as texts.
fn compare_items(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (left.split(is_dot), right.split(is_dot));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(one), Some(two)) => match (is_number(one), is_number(two)) {
                (true, true) => compare_digits(one, two),
                (true, false) => as_number(one).cmp(two),
                (false, true) => one.cmp(as_number(two)),
                (false, false) => one.cmp(two),
            },
            (one, two) => one.is_some().cmp(&two.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Digits as a number is written: without zeros before it.
fn as_number(digits: &[u8]) -> &[u8] {
    match without_zeros(digits) {
        [] => b"0",
        rest => rest,
    }
}
