//! Alpine versions: `number{.number}{letter}{_suffix{number}}{~hash}{-rN}`.
//!
//! Follows `src/version.c` of apk-tools 3. Text that apk cannot read ends a version: it is less than nothing at all.
//! Real databases hold older spellings that apk 3 calls invalid; of these an empty number, a number after the letter
//! (`6.6.2p1`) and `-r` without a number are read on, below their valid neighbors. Two versions that go on with
//! different unreadable text are refused, except for a tail after a hyphen, which apk ignores.
//! <https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/src/version.c>

use std::cmp::Ordering;

use super::Compared;
use super::text::{compare_digits, take_digits, take_while};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    for text in [left, right] {
        if !text
            .starts_with(|first: char| first.is_ascii_digit() || first.is_ascii_lowercase() || first == '.')
        {
            return Err(text);
        }
    }
    let (mut ones, mut twos) = (Tokens::new(left), Tokens::new(right));
    loop {
        let (one, two) = (ones.next(), twos.next());
        let order = one.compare(&two);
        if order.is_ne() {
            return Ok(order);
        }
        match one.kind {
            Kind::End => return Ok(Ordering::Equal),
            Kind::Unreadable if one.value == two.value => return Ok(Ordering::Equal),
            Kind::Unreadable if one.value.starts_with(b"-") && two.value.starts_with(b"-") => {
                return Ok(Ordering::Equal);
            }
            Kind::Unreadable => return Err(left),
            _ => {}
        }
    }
}

/// The suffixes in their order. Those before [`PRE_RELEASES`] make a version less than without them.
const SUFFIXES: [&[u8]; 9] = [b"alpha", b"beta", b"pre", b"rc", b"cvs", b"svn", b"git", b"hg", b"p"];
const PRE_RELEASES: usize = 4;

/// Kinds of tokens; where two versions differ in kind, the earlier one is the greater version.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    First,
    Number,
    Letter,
    LetterNumber,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    End,
    EmptyNumber,
    Unreadable,
}

struct Token<'t> {
    kind: Kind,
    value: &'t [u8],
    /// Of a suffix, its place in [`SUFFIXES`].
    suffix: usize,
}

impl Token<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        if self.kind != other.kind {
            return match (self.is_pre_release(), other.is_pre_release()) {
                (true, _) => Ordering::Less,
                (_, true) => Ordering::Greater,
                _ => other.kind.cmp(&self.kind),
            };
        }
        match self.kind {
            // As in Gentoo, a number with a leading zero is a decimal fraction.
            Kind::Number if self.value.starts_with(b"0") || other.value.starts_with(b"0") => {
                self.value.cmp(other.value)
            }
            Kind::First | Kind::Number | Kind::LetterNumber | Kind::SuffixNumber | Kind::Revision => {
                compare_digits(self.value, other.value)
            }
            Kind::Letter | Kind::Hash => self.value.cmp(other.value),
            Kind::Suffix => self.suffix.cmp(&other.suffix),
            Kind::End | Kind::EmptyNumber | Kind::Unreadable => Ordering::Equal,
        }
    }

    fn is_pre_release(&self) -> bool {
        self.kind == Kind::Suffix && self.suffix < PRE_RELEASES
    }
}

/// Reads tokens; each kind allows only some to follow.
struct Tokens<'t> {
    rest: &'t [u8],
    last: Option<Kind>,
}

impl<'t> Tokens<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text.as_bytes(), last: None }
    }

    fn next(&mut self) -> Token<'t> {
        let token = self.read().unwrap_or(Token { kind: Kind::Unreadable, value: self.rest, suffix: 0 });
        self.last = Some(if token.kind == Kind::EmptyNumber { Kind::Number } else { token.kind });
        token
    }

    fn read(&mut self) -> Option<Token<'t>> {
        let Some(last) = self.last else {
            return Some(token(Kind::First, take_digits(&mut self.rest)));
        };
        let Some((first, after)) = self.rest.split_first() else {
            return Some(token(Kind::End, &[]));
        };
        match first {
            b'a'..=b'z' if last <= Kind::Number => {
                let (letter, rest) = self.rest.split_at_checked(1)?;
                self.rest = rest;
                Some(token(Kind::Letter, letter))
            }
            b'.' if last <= Kind::Number => {
                self.rest = after;
                let digits = take_digits(&mut self.rest);
                Some(token(if digits.is_empty() { Kind::EmptyNumber } else { Kind::Number }, digits))
            }
            b'0'..=b'9' if last == Kind::Letter => {
                Some(token(Kind::LetterNumber, take_digits(&mut self.rest)))
            }
            b'0'..=b'9' if last == Kind::Suffix => {
                Some(token(Kind::SuffixNumber, take_digits(&mut self.rest)))
            }
            b'_' if last <= Kind::SuffixNumber => self.suffix(after),
            b'~' if last < Kind::Hash => self.hash(after),
            b'-' if last < Kind::Revision => self.revision(after),
            _ => None,
        }
    }

    fn suffix(&mut self, mut rest: &'t [u8]) -> Option<Token<'t>> {
        let value = take_while(&mut rest, |byte| byte.is_ascii_lowercase());
        let suffix = SUFFIXES.iter().position(|known| *known == value)?;
        self.rest = rest;
        Some(Token { kind: Kind::Suffix, value, suffix })
    }

    fn hash(&mut self, mut rest: &'t [u8]) -> Option<Token<'t>> {
        let value = take_while(&mut rest, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if value.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(token(Kind::Hash, value))
    }

    fn revision(&mut self, after: &'t [u8]) -> Option<Token<'t>> {
        let mut rest = after.strip_prefix(b"r")?;
        let digits = take_digits(&mut rest);
        if digits.is_empty() && rest.first().is_some_and(|byte| *byte != b'-') {
            return None;
        }
        self.rest = rest;
        Some(token(Kind::Revision, digits))
    }
}

fn token(kind: Kind, value: &[u8]) -> Token<'_> {
    Token { kind, value, suffix: 0 }
}
