//! Python versions from before PEP 440 (`2004d`, `0.1-bulbasaur`), which come before all that PEP 440 allows.
//!
//! Follows `LegacyVersion` of `packaging`, which its release 22 dropped; setuptools had the same order.
//! <https://github.com/pypa/packaging/blob/21.3/packaging/version.py>

use std::cmp::Ordering;

use crate::version::text::{take_digits, take_while};

/// Orders two versions of which PEP 440 allows neither.
pub(super) fn compare(left: &[u8], right: &[u8]) -> Ordering {
    parts(&left.to_ascii_lowercase()).cmp(&parts(&right.to_ascii_lowercase()))
}

/// A part of a version; a text is less than a number.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Part {
    Text(Vec<u8>),
    /// Digits, at least eight, compared as text.
    Number(Vec<u8>),
}

fn parts(version: &[u8]) -> Vec<Part> {
    let mut rest = version;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        match next(&mut rest) {
            b"." => {}
            digits if digits.first().is_some_and(u8::is_ascii_digit) => parts.push(number(digits)),
            word => add_text(&mut parts, word),
        }
    }
    add_text(&mut parts, FINAL);
    parts
}

/// Sorts before releases whose last word is greater, as `final-` is.
const FINAL: &[u8] = b"final";
const FINAL_AND_MORE: &[u8] = b"final-";

/// Takes digits, letters, a dot, a hyphen, or what lies between them.
fn next<'t>(rest: &mut &'t [u8]) -> &'t [u8] {
    match rest.first() {
        Some(b'.' | b'-') => rest.split_off(..1).unwrap_or_default(),
        Some(byte) if byte.is_ascii_digit() => take_digits(rest),
        Some(byte) if byte.is_ascii_lowercase() => take_while(rest, |byte| byte.is_ascii_lowercase()),
        _ => take_while(rest, |byte| {
            !byte.is_ascii_digit() && !byte.is_ascii_lowercase() && !matches!(byte, b'.' | b'-')
        }),
    }
}

fn number(digits: &[u8]) -> Part {
    let zeros = 8_usize.saturating_sub(digits.len());
    Part::Number([&b"0".repeat(zeros), digits].concat())
}

/// Adds a word. One that comes before the final release takes hyphens away that stand before it, and each takes zeros.
fn add_text(parts: &mut Vec<Part>, word: &[u8]) {
    let word = match word {
        b"pre" | b"preview" | b"rc" => b"c",
        b"dev" => b"@",
        b"-" => FINAL_AND_MORE,
        other => other,
    };
    if word < FINAL {
        drop_last(parts, &Part::Text(FINAL_AND_MORE.to_vec()));
    }
    drop_last(parts, &number(b""));
    parts.push(Part::Text(word.to_vec()));
}

fn drop_last(parts: &mut Vec<Part>, unwanted: &Part) {
    while parts.last() == Some(unwanted) {
        parts.pop();
    }
}
