//! Gentoo's versions: `1.2.3b_rc1-r2`.
//!
//! Follows the Package Manager Specification, section 3.3.
//! <https://projects.gentoo.org/pms/8/pms.html#version-comparison>

use std::cmp::Ordering;

use super::text::{compare_digits, take_digits, take_one};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Version::parse, left, right)?;
    Ok(compare_numbers(left.numbers, right.numbers)
        .then_with(|| left.letter.cmp(&right.letter))
        .then_with(|| compare_suffixes(&left, &right))
        .then_with(|| compare_digits(left.revision, right.revision)))
}

/// Least first; behind `_p` comes none of them, which is between.
const SUFFIXES: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];

struct Version<'t> {
    numbers: &'t [u8],
    /// Zero if there is none.
    letter: u8,
    suffixes: &'t [u8],
    revision: &'t [u8],
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim().as_bytes();
        let (numbers, mut rest) = super::semver::split_numbers(text)?;
        let letter = rest.first().copied().filter(u8::is_ascii_lowercase).unwrap_or_default();
        if letter != 0 {
            rest = rest.split_first()?.1;
        }
        let all = rest;
        while take_suffix(&mut rest).is_some() {}
        let suffixes = all.get(..all.len().checked_sub(rest.len())?)?;
        let revision = match rest.strip_prefix(b"-r") {
            Some(digits) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => digits,
            Some(_) => return None,
            None if rest.is_empty() => rest,
            None => return None,
        };
        Some(Self { numbers, letter, suffixes, revision })
    }
}

/// Takes `_rc1` as its rank and number; the end of the suffixes has rank 4, `_p` rank 5.
fn take_suffix<'t>(rest: &mut &'t [u8]) -> Option<(usize, &'t [u8])> {
    let mut after = *rest;
    if !take_one(&mut after, |byte| byte == b'_') {
        return None;
    }
    let found = SUFFIXES.iter().position(|suffix| after.starts_with(suffix));
    let (rank, length) = match found {
        Some(rank) => (rank, SUFFIXES.get(rank)?.len()),
        None if after.starts_with(b"p") => (5, 1),
        None => return None,
    };
    after = after.get(length..)?;
    let number = take_digits(&mut after);
    *rest = after;
    Some((rank, number))
}

fn compare_suffixes(left: &Version<'_>, right: &Version<'_>) -> Ordering {
    let (mut left, mut right) = (left.suffixes, right.suffixes);
    loop {
        let (one, two) = (take_suffix(&mut left), take_suffix(&mut right));
        if one.is_none() && two.is_none() {
            return Ordering::Equal;
        }
        let (one, two) = (one.unwrap_or((4, &[])), two.unwrap_or((4, &[])));
        let order = one.0.cmp(&two.0).then_with(|| compare_digits(one.1, two.1));
        if order.is_ne() {
            return order;
        }
    }
}

/// The first numbers by value; of further ones, those that begin with a zero as texts without zeros at their end.
fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (left.split(super::text::is_dot), right.split(super::text::is_dot));
    let mut is_first = true;
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(one), Some(two)) if !is_first && (one.starts_with(b"0") || two.starts_with(b"0")) => {
                without_last_zeros(one).cmp(without_last_zeros(two))
            }
            (Some(one), Some(two)) => compare_digits(one, two),
            (one, two) => one.is_some().cmp(&two.is_some()),
        };
        if order.is_ne() {
            return order;
        }
        is_first = false;
    }
}

fn without_last_zeros(mut digits: &[u8]) -> &[u8] {
    while let Some(shorter) = digits.strip_suffix(b"0") {
        digits = shorter;
    }
    digits
}
