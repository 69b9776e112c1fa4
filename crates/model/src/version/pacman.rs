//! pacman's versions: `[epoch:]version[-pkgrel]`.
//!
//! Follows libalpm's `version.c` (`alpm_pkg_vercmp`): rpm's order of old with its own rules for separators and for
//! letters at the end, so that `1.0rc` comes before `1.0`. A missing pkgrel is equal to any.
//! <https://man.archlinux.org/man/vercmp.8>

use std::cmp::Ordering;

use super::text::{compare_digits, take_digits, take_while};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Version::parse, left, right)?;
    let order = compare_part(left.epoch, right.epoch).then_with(|| compare_part(left.version, right.version));
    Ok(order.then_with(|| match (left.release, right.release) {
        (Some(one), Some(two)) => compare_part(one, two),
        _ => Ordering::Equal,
    }))
}

/// Tells whether a version has a place in a total order: one without a pkgrel is equal to versions that are not equal
/// to each other, and separators at an end or side by side lead in circles (`1.` < `1.0` < `1._p` < `1.`).
pub(super) fn is_total(version: &str) -> bool {
    let is_plain =
        |part: &[u8]| part.split(|byte| !byte.is_ascii_alphanumeric()).all(|segment| !segment.is_empty());
    Version::parse(version)
        .is_some_and(|version| is_plain(version.version) && version.release.is_some_and(is_plain))
}

struct Version<'t> {
    epoch: &'t [u8],
    version: &'t [u8],
    release: Option<&'t [u8]>,
}

impl<'t> Version<'t> {
    /// Splits as `parseEVR` does: only digits before a colon are an epoch, and none is zero.
    fn parse(text: &'t str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut rest = text.as_bytes();
        let mut epoch = take_digits(&mut rest);
        match rest.split_first() {
            Some((b':', version)) => rest = version,
            _ => (epoch, rest) = (&[], text.as_bytes()),
        }
        if epoch.is_empty() {
            epoch = b"0";
        }
        let mut parts = rest.rsplitn(2, |byte| *byte == b'-');
        let (last, first) = (parts.next(), parts.next());
        Some(match first {
            Some(version) => Self { epoch, version, release: last },
            None => Self { epoch, version: rest, release: None },
        })
    }
}

/// libalpm's `rpmvercmp`.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    while !left.is_empty() && !right.is_empty() {
        let one = take_while(&mut left, |byte| !byte.is_ascii_alphanumeric());
        let two = take_while(&mut right, |byte| !byte.is_ascii_alphanumeric());
        if left.is_empty() || right.is_empty() {
            break;
        }
        if one.len() != two.len() {
            return one.len().cmp(&two.len());
        }
        let order = if starts_with_digit(left) {
            if !starts_with_digit(right) {
                return Ordering::Greater;
            }
            compare_digits(take_digits(&mut left), take_digits(&mut right))
        } else {
            if starts_with_digit(right) {
                return Ordering::Less;
            }
            let letters = |byte: u8| byte.is_ascii_alphabetic();
            take_while(&mut left, letters).cmp(take_while(&mut right, letters))
        };
        if order.is_ne() {
            return order;
        }
    }
    // What is left of one of them: letters make it older, anything else newer.
    let is_letter = |text: &[u8]| text.first().is_some_and(u8::is_ascii_alphabetic);
    match (left.is_empty(), right.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) if !is_letter(right) => Ordering::Less,
        _ if is_letter(left) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

fn starts_with_digit(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
}
