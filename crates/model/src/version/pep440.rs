//! Python versions: `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]`, in all spellings that PEP 440 allows.
//!
//! Follows `packaging.version` of releases before 22: any other text is a version of old, and comes before all these.
//! <https://peps.python.org/pep-0440/#summary-of-permitted-suffixes-and-relative-ordering>

mod legacy;

use std::cmp::Ordering;

use super::Compared;
use super::text::{compare_digits, compare_dotted, is_number, take_digits, take_one, trimmed};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    for text in [left, right] {
        if text.trim().is_empty() {
            return Err(text);
        }
    }
    Ok(match (Version::parse(left), Version::parse(right)) {
        (Some(one), Some(two)) => one.compare(&two),
        (None, None) => legacy::compare(trimmed(left), trimmed(right)),
        (one, two) => one.is_some().cmp(&two.is_some()),
    })
}

/// Tells whether PEP 440 allows a version.
pub(super) fn is_allowed(version: &str) -> bool {
    Version::parse(version).is_some()
}

/// A version in its parts; a part with no number has an empty one, which is zero.
struct Version<'t> {
    epoch: &'t [u8],
    release: &'t [u8],
    pre: Option<(Pre, &'t [u8])>,
    post: Option<&'t [u8]>,
    dev: Option<&'t [u8]>,
    local: Option<&'t [u8]>,
}

/// How a version stands to its final release. A mere `.dev` comes first, final and post-releases last.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Pre {
    Development,
    Alpha,
    Beta,
    Candidate,
    Final,
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let mut rest = trimmed(text);
        take_one(&mut rest, |byte| matches!(byte, b'v' | b'V'));
        let mut epoch: &[u8] = &[];
        let mut after = rest;
        let digits = take_digits(&mut after);
        if !digits.is_empty() && take_one(&mut after, |byte| byte == b'!') {
            (epoch, rest) = (digits, after);
        }
        let (release, mut rest) = super::semver::split_numbers(rest)?;
        let version = Self {
            epoch,
            release,
            pre: take_pre(&mut rest),
            post: take_post(&mut rest),
            dev: take_labelled(&mut rest, &[b"dev"]),
            local: rest.strip_prefix(b"+"),
        };
        version.local.map_or(rest.is_empty(), is_local).then_some(version)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (pre, other_pre) = (self.pre(), other.pre());
        compare_digits(self.epoch, other.epoch)
            .then_with(|| compare_dotted(self.release, other.release))
            .then_with(|| pre.0.cmp(&other_pre.0))
            .then_with(|| compare_digits(pre.1, other_pre.1))
            .then_with(|| compare_numbers(self.post, other.post))
            .then_with(|| match (self.dev, other.dev) {
                (Some(one), Some(two)) => compare_digits(one, two),
                (one, two) => two.is_some().cmp(&one.is_some()),
            })
            .then_with(|| compare_local(self.local, other.local))
    }

    fn pre(&self) -> (Pre, &'t [u8]) {
        match (self.pre, self.post, self.dev) {
            (Some(pre), _, _) => pre,
            (None, None, Some(_)) => (Pre::Development, &[]),
            (None, _, _) => (Pre::Final, &[]),
        }
    }
}

/// Compares numbers where none is the least.
fn compare_numbers(left: Option<&[u8]>, right: Option<&[u8]>) -> Ordering {
    match (left, right) {
        (Some(one), Some(two)) => compare_digits(one, two),
        (one, two) => one.is_some().cmp(&two.is_some()),
    }
}

fn take_pre<'t>(rest: &mut &'t [u8]) -> Option<(Pre, &'t [u8])> {
    if let Some(number) = take_labelled(rest, &[b"alpha", b"a"]) {
        return Some((Pre::Alpha, number));
    }
    if let Some(number) = take_labelled(rest, &[b"beta", b"b"]) {
        return Some((Pre::Beta, number));
    }
    take_labelled(rest, &[b"preview", b"pre", b"rc", b"c"]).map(|number| (Pre::Candidate, number))
}

/// Takes `.post1` and its spellings, or the implicit `-1`.
fn take_post<'t>(rest: &mut &'t [u8]) -> Option<&'t [u8]> {
    let mut after = *rest;
    if take_one(&mut after, |byte| byte == b'-') {
        let number = take_digits(&mut after);
        if !number.is_empty() {
            *rest = after;
            return Some(number);
        }
    }
    take_labelled(rest, &[b"post", b"rev", b"r"])
}

/// Takes one of the labels with its number, either with a separator before it.
fn take_labelled<'t>(rest: &mut &'t [u8], labels: &[&[u8]]) -> Option<&'t [u8]> {
    let mut after = *rest;
    take_one(&mut after, is_separator);
    let found = labels.iter().find_map(|label| {
        let (head, tail) = after.split_at_checked(label.len())?;
        head.eq_ignore_ascii_case(label).then_some(tail)
    });
    *rest = found?;
    take_one(rest, is_separator);
    Some(take_digits(rest))
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.')
}

/// Tells whether `text` is letters and digits with separators between.
fn is_local(text: &[u8]) -> bool {
    text.split(|byte| is_separator(*byte))
        .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric))
}

/// Compares local versions: none is the least; numbers are greater than texts; more parts are greater.
fn compare_local(left: Option<&[u8]>, right: Option<&[u8]>) -> Ordering {
    let (Some(left), Some(right)) = (left, right) else {
        return left.is_some().cmp(&right.is_some());
    };
    let mut left = left.split(|byte| is_separator(*byte));
    let mut right = right.split(|byte| is_separator(*byte));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (Some(one), Some(two)) => match (is_number(one), is_number(two)) {
                (true, true) => compare_digits(one, two),
                (false, false) => {
                    one.iter().map(u8::to_ascii_lowercase).cmp(two.iter().map(u8::to_ascii_lowercase))
                }
                (one, two) => one.cmp(&two),
            },
            (one, two) => one.is_some().cmp(&two.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}
