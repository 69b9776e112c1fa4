//! Debian versions: `[epoch:]upstream[-revision]`.
//!
//! Follows dpkg's `lib/dpkg/version.c` (`verrevcmp`) and `parsehelp.c`: what dpkg merely warns about is ordered,
//! what it refuses is refused. <https://git.dpkg.org/cgit/dpkg/dpkg.git/tree/lib/dpkg/version.c>

use std::cmp::Ordering;

use super::text::{compare_digits, is_number, take_digits};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Version::parse, left, right)?;
    Ok(compare_digits(left.epoch, right.epoch)
        .then_with(|| compare_part(left.upstream, right.upstream))
        .then_with(|| compare_part(left.revision, right.revision)))
}

/// A version in its parts; those that are missing are empty.
struct Version<'t> {
    epoch: &'t [u8],
    upstream: &'t [u8],
    revision: &'t [u8],
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_whitespace) {
            return None;
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if is_number(epoch.as_bytes()) && epoch.parse::<i32>().is_ok() => {
                (epoch, rest)
            }
            Some(_) => return None,
            None => ("", text),
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (rest, ""),
        };
        (!upstream.is_empty()).then_some(Self {
            epoch: epoch.as_bytes(),
            upstream: upstream.as_bytes(),
            revision: revision.as_bytes(),
        })
    }
}

/// Compares upstream versions or revisions: runs of text and of digits by turns.
pub(super) fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        while starts_with_text(left) || starts_with_text(right) {
            let order = weight(left).cmp(&weight(right));
            if order.is_ne() {
                return order;
            }
            left = left.split_first().map_or(left, |(_, rest)| rest);
            right = right.split_first().map_or(right, |(_, rest)| rest);
        }
        let order = compare_digits(take_digits(&mut left), take_digits(&mut right));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn starts_with_text(part: &[u8]) -> bool {
    part.first().is_some_and(|byte| !byte.is_ascii_digit())
}

/// The weight of the first byte: tilde, then the end or a digit, then letters, then all else.
fn weight(part: &[u8]) -> i16 {
    match part.first() {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() || !byte.is_ascii() => i16::from(*byte),
        Some(byte) => i16::from(*byte) + 256,
    }
}
