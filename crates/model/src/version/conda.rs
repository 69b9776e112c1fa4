//! conda's versions: `[epoch!]version[+local]`, split at dots and underscores, each part into runs of digits and of
//! letters. Missing parts are zero; letters come before numbers, `dev` first and `post` last.
//!
//! Follows `VersionOrder` of `conda/models/version.py`.
//! <https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html#version-ordering>

use std::cmp::Ordering;

use super::text::{compare_digits, take_digits, take_while};
use super::{Compared, both};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (left, right) = both(Version::parse, left, right)?;
    Ok(compare_digits(left.epoch, right.epoch)
        .then_with(|| compare_lists(left.main, right.main))
        .then_with(|| compare_lists(left.local, right.local)))
}

struct Version<'t> {
    epoch: &'t [u8],
    main: &'t [u8],
    local: &'t [u8],
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let is_fine = |c: char| c.is_ascii_alphanumeric() || "._!+-*".contains(c);
        if text.is_empty() || !text.chars().all(is_fine) || text.contains('-') && text.contains('_') {
            return None;
        }
        let (epoch, rest) = match text.split_once('!') {
            Some((epoch, rest)) if super::text::is_number(epoch.as_bytes()) => (epoch, rest),
            Some(_) => return None,
            None => ("", text),
        };
        let (main, local) = match rest.split_once('+') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (rest, ""),
        };
        if main.is_empty() || main.contains('!') || local.contains(['+', '!']) {
            return None;
        }
        // An underscore at the end is a letter of its own: openssl's 1.0.1_ comes before 1.0.1a.
        let splits = |text: &str| text.split(is_separator_char).all(|part| !part.is_empty());
        let body = main.strip_suffix('_').unwrap_or(main);
        if !splits(body) || !(local.is_empty() || splits(local)) {
            return None;
        }
        Some(Self { epoch: epoch.as_bytes(), main: main.as_bytes(), local: local.as_bytes() })
    }
}

fn is_separator_char(c: char) -> bool {
    matches!(c, '.' | '_' | '-')
}

fn is_separator(byte: u8) -> bool {
    is_separator_char(char::from(byte))
}

fn compare_lists(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let order = compare_part(take_part(&mut left), take_part(&mut right));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes a part and the separator behind it; an underscore at the end stays with it.
fn take_part<'t>(rest: &mut &'t [u8]) -> &'t [u8] {
    let all = *rest;
    let part = take_while(rest, |byte| !is_separator(byte));
    match *rest {
        [b'_'] => {
            *rest = &[];
            all
        }
        [_, after @ ..] => {
            *rest = after;
            part
        }
        [] => part,
    }
}

/// One run of a part.
#[derive(Clone, Copy)]
enum Run<'t> {
    Text(&'t [u8]),
    Number(&'t [u8]),
}

const ZERO: Run<'static> = Run::Number(b"0");

fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    // A part that begins with letters has a zero before them.
    let mut runs = (leading_zero(left), leading_zero(right));
    loop {
        let (one, two) = (runs.0.or_else(|| take_run(&mut left)), runs.1.or_else(|| take_run(&mut right)));
        runs = (None, None);
        if one.is_none() && two.is_none() {
            return Ordering::Equal;
        }
        let order = compare_runs(one.unwrap_or(ZERO), two.unwrap_or(ZERO));
        if order.is_ne() {
            return order;
        }
    }
}

fn leading_zero(part: &[u8]) -> Option<Run<'static>> {
    part.first().is_some_and(|byte| !byte.is_ascii_digit()).then_some(ZERO)
}

fn take_run<'t>(part: &mut &'t [u8]) -> Option<Run<'t>> {
    let first = part.first()?;
    Some(if first.is_ascii_digit() {
        Run::Number(take_digits(part))
    } else {
        Run::Text(take_while(part, |byte| !byte.is_ascii_digit()))
    })
}

fn compare_runs(left: Run<'_>, right: Run<'_>) -> Ordering {
    match (left, right) {
        (Run::Number(one), Run::Number(two)) => compare_digits(one, two),
        (Run::Text(one), Run::Text(two)) => rank(one)
            .cmp(&rank(two))
            .then_with(|| one.iter().map(u8::to_ascii_lowercase).cmp(two.iter().map(u8::to_ascii_lowercase))),
        (Run::Text(text), Run::Number(_)) => against_number(text),
        (Run::Number(_), Run::Text(text)) => against_number(text).reverse(),
    }
}

fn against_number(text: &[u8]) -> Ordering {
    if text.eq_ignore_ascii_case(b"post") { Ordering::Greater } else { Ordering::Less }
}

/// `dev` before all other texts, `post` behind them.
fn rank(text: &[u8]) -> u8 {
    match text.to_ascii_lowercase().as_slice() {
        b"dev" => 0,
        b"post" => 2,
        _ => 1,
    }
}
