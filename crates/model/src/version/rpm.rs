//! RPM versions: `[epoch:]version[-release]`.
//!
//! Follows rpm's `rpmio/rpmvercmp.c` and `rpmio/rpmver.c`: [`compare`] is `rpmverCmp`, where a missing release is less
//! than any; [`compare_overlap`] is the order that `rpmverOverlap` uses for dependencies, where it matches all.
//! Bytes that are no ASCII letter, digit, tilde or caret only separate.
//! <https://github.com/rpm-software-management/rpm/blob/master/rpmio/rpmvercmp.c>

use std::cmp::Ordering;

use super::text::{compare_digits, take_digits, take_while};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Version::parse, left, right)?;
    Ok(left.compare_version(&right).then_with(|| match (left.release, right.release) {
        (Some(one), Some(two)) => compare_part(one, two),
        (one, two) => one.is_some().cmp(&two.is_some()),
    }))
}

/// Compares two versions as ends of ranges: a release that is missing on either side is equal to any.
pub(super) fn compare_overlap<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Version::parse, left, right)?;
    Ok(left.compare_version(&right).then_with(|| match (left.release, right.release) {
        (Some(one), Some(two)) if !one.is_empty() && !two.is_empty() => compare_part(one, two),
        _ => Ordering::Equal,
    }))
}

/// A version in its parts; no epoch is zero.
struct Version<'t> {
    epoch: &'t [u8],
    version: &'t [u8],
    release: Option<&'t [u8]>,
}

impl<'t> Version<'t> {
    /// Splits as `parseEVR` does: only digits before a colon are an epoch.
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
        let mut parts = rest.rsplitn(2, |byte| *byte == b'-');
        let (last, first) = (parts.next(), parts.next());
        Some(match first {
            Some(version) => Self { epoch, version, release: last },
            None => Self { epoch, version: rest, release: None },
        })
    }

    fn compare_version(&self, other: &Self) -> Ordering {
        compare_digits(self.epoch, other.epoch).then_with(|| compare_part(self.version, other.version))
    }
}

/// `rpmvercmp`: segments of digits or letters; tilde before the end, caret after it.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        take_while(&mut left, is_separator);
        take_while(&mut right, is_separator);
        let (one, two) = (Kind::of(left), Kind::of(right));
        if one != two {
            return one.cmp(&two);
        }
        let order = match one {
            Kind::End => return Ordering::Equal,
            Kind::Tilde | Kind::Caret => {
                left = left.split_first().map_or(left, |(_, rest)| rest);
                right = right.split_first().map_or(right, |(_, rest)| rest);
                Ordering::Equal
            }
            Kind::Letters => take_letters(&mut left).cmp(take_letters(&mut right)),
            Kind::Digits => compare_digits(take_digits(&mut left), take_digits(&mut right)),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// What comes next, the least first.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    Tilde,
    End,
    Caret,
    Letters,
    Digits,
}

impl Kind {
    fn of(part: &[u8]) -> Self {
        match part.first() {
            None => Self::End,
            Some(b'~') => Self::Tilde,
            Some(b'^') => Self::Caret,
            Some(byte) if byte.is_ascii_digit() => Self::Digits,
            Some(_) => Self::Letters,
        }
    }
}

fn is_separator(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && byte != b'~' && byte != b'^'
}

fn take_letters<'t>(part: &mut &'t [u8]) -> &'t [u8] {
    take_while(part, |byte| byte.is_ascii_alphabetic())
}
