//! Versions of Ruby gems: segments of digits or letters.
//!
//! Follows `Gem::Version#<=>`: a hyphen is `.pre.`, text is less than a number, missing segments are zero, and zeros
//! right before the first text do not count. <https://github.com/rubygems/rubygems/blob/master/lib/rubygems/version.rb>

use std::cmp::Ordering;

use super::text::{compare_digits, is_dot, take_digits, take_while, trimmed, without_zeros};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (mut left, mut right) = both(Segments::parse, left, right)?;
    loop {
        let (one, two) = (left.next(), right.next());
        if one.is_none() && two.is_none() {
            return Ok(Ordering::Equal);
        }
        let order = match (one.unwrap_or(Segment::Number(&[])), two.unwrap_or(Segment::Number(&[]))) {
            (Segment::Number(one), Segment::Number(two)) => compare_digits(one, two),
            (Segment::Text(one), Segment::Text(two)) => one.cmp(two),
            (Segment::Text(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Text(_)) => Ordering::Greater,
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
}

enum Segment<'t> {
    Number(&'t [u8]),
    Text(&'t [u8]),
}

/// The canonical segments of a version.
struct Segments<'t> {
    /// Numbers before the first text, without zeros at their end.
    head: &'t [u8],
    /// From the first text on.
    tail: &'t [u8],
}

impl<'t> Segments<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = trimmed(text);
        if !is_valid(text) {
            return None;
        }
        let head_length = text.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
        let (head, tail) = text.split_at(head_length.unwrap_or(text.len()));
        // `1.20a` splits within a part: its zeros belong to the number 20.
        let zeros = head.rsplit(is_dot).take_while(|number| without_zeros(number).is_empty());
        let dropped: usize = zeros.map(|number| number.len().saturating_add(1)).sum();
        let kept = head.len().saturating_add(1).saturating_sub(dropped);
        Some(Self { head: head.split_at_checked(kept).unwrap_or((head, &[])).0, tail })
    }

    fn next(&mut self) -> Option<Segment<'t>> {
        take_while(&mut self.head, |byte| byte == b'.');
        let part = if self.head.is_empty() { &mut self.tail } else { &mut self.head };
        take_while(part, |byte| byte == b'.');
        match part.first()? {
            b'-' => {
                *part = part.split_first().map_or(*part, |(_, rest)| rest);
                Some(Segment::Text(b"pre"))
            }
            byte if byte.is_ascii_digit() => Some(Segment::Number(take_digits(part))),
            _ => Some(Segment::Text(take_while(part, |byte| byte.is_ascii_alphabetic()))),
        }
    }
}

/// `[0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?` or nothing.
fn is_valid(text: &[u8]) -> bool {
    if text.is_empty() {
        return true;
    }
    let mut halves = text.splitn(2, |byte| *byte == b'-');
    let (release, rest) = (halves.next().unwrap_or_default(), halves.next());
    let is_part = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
    let mut parts = release.split(is_dot);
    // RubyGems has the first part in digits alone, yet tables of versions hold `1beta`.
    parts.next().is_some_and(|part| is_part(part) && part.first().is_some_and(u8::is_ascii_digit))
        && parts.all(is_part)
        && rest.is_none_or(|rest| {
            rest.split(is_dot).all(|part| {
                !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            })
        })
}
