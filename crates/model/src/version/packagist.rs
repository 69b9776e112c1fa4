//! Versions of Composer packages: words of digits or of letters, whatever stands between.
//!
//! Follows PHP's `version_compare`, on which Composer's `Comparator` rests: `dev` < `alpha` < `beta` < `RC` < nothing
//! < a number < `pl`, any other word below them all. A leading `v` is dropped. Of two versions that differ only in words
//! unknown to PHP (branches, `dev-foo`), neither is greater, so they are refused.
//! <https://github.com/php/php-src/blob/master/ext/standard/versioning.c>

use std::cmp::Ordering;

use super::Compared;
use super::text::{compare_digits, take_digits, take_while};

/// Orders two versions.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    let (mut ones, mut twos) = (Words::new(left), Words::new(right));
    for (words, text) in [(&ones, left), (&twos, right)] {
        if words.clone().next().is_none() {
            return Err(text);
        }
    }
    loop {
        let order = match (ones.next(), twos.next()) {
            (None, None) => return Ok(Ordering::Equal),
            (Some(Word::Number(one)), Some(Word::Number(two))) => compare_digits(one, two),
            (Some(Word::Text(one)), Some(Word::Text(two))) => {
                let (rank, other) = (rank(one), rank(two));
                if rank == UNKNOWN && other == UNKNOWN && one != two {
                    return Err(left);
                }
                rank.cmp(&other)
            }
            (Some(Word::Number(_)), None) => Ordering::Greater,
            (None, Some(Word::Number(_))) => Ordering::Less,
            (Some(Word::Text(one)), _) => rank(one).cmp(&NUMBER),
            (_, Some(Word::Text(two))) => NUMBER.cmp(&rank(two)),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
}

const UNKNOWN: u8 = 0;
/// The rank of a number, and of nothing, against text.
const NUMBER: u8 = 5;

/// The rank of a word by how it begins.
fn rank(word: &[u8]) -> u8 {
    const RANKS: [(&[u8], u8); 7] =
        [(b"dev", 1), (b"a", 2), (b"b", 3), (b"RC", 4), (b"rc", 4), (b"#", NUMBER), (b"p", 6)];
    RANKS.iter().find(|(start, _)| word.starts_with(start)).map_or(UNKNOWN, |(_, rank)| *rank)
}

enum Word<'t> {
    Number(&'t [u8]),
    Text(&'t [u8]),
}

#[derive(Clone)]
struct Words<'t>(&'t [u8]);

impl<'t> Words<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.trim();
        Self(text.strip_prefix(['v', 'V']).unwrap_or(text).as_bytes())
    }

    fn next(&mut self) -> Option<Word<'t>> {
        // PHP's own mark for a number, `#`, passes as a word.
        take_while(&mut self.0, |byte| !byte.is_ascii_alphanumeric() && byte != b'#');
        if self.0.first()?.is_ascii_digit() {
            return Some(Word::Number(take_digits(&mut self.0)));
        }
        Some(Word::Text(take_while(&mut self.0, |byte| byte.is_ascii_alphabetic() || byte == b'#')))
    }
}
