//! Versions of Composer packages: words of digits or of letters, whatever stands between.
//!
//! Follows Composer, which puts versions into a normal form of four numbers (`1.0` is `1.0.0.0`, `1.x-dev` is
//! `1.9999999.9999999.9999999-dev`) and then asks PHP's `version_compare`: `dev` < `alpha` < `beta` < `RC` < nothing
//! < a number < `pl`, any other word below them all. Texts that Composer refuses keep their words. Of two
//! versions that differ only in words unknown to PHP (branches, `dev-foo`), neither is greater, so they are refused.
//! <https://github.com/composer/semver/blob/main/src/VersionParser.php>,
//! <https://github.com/php/php-src/blob/master/ext/standard/versioning.c>

use std::cmp::Ordering;

use super::Compared;
use super::text::{compare_digits, is_dot, take_digits, take_one, take_while};

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

#[derive(Clone, Copy)]
enum Word<'t> {
    Number(&'t [u8]),
    Text(&'t [u8]),
}

/// The words of a version, or of its normal form.
#[derive(Clone)]
struct Words<'t> {
    /// What comes first, as written.
    head: &'t [u8],
    /// How often `filler` follows.
    missing: usize,
    filler: &'static [u8],
    stability: Option<&'static [u8]>,
    /// The numbers of the stability.
    counts: &'t [u8],
    is_dev: bool,
}

/// How many numbers a version has.
const NUMBERS: usize = 4;

impl<'t> Words<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text).as_bytes();
        let plain = text.split(|byte| *byte == b'+').next().unwrap_or(text);
        Self::release(plain).or_else(|| Self::branch(plain)).unwrap_or_else(|| Self::unread(text))
    }

    /// What Composer refuses: numbers as above, and words of any kind.
    fn unread(text: &'t [u8]) -> Self {
        let Some((head, count, rest)) = split_numbers(text).filter(|_| !text.contains(&b'#')) else {
            return Self::bare(text);
        };
        Self { missing: missing(head, count), counts: rest, ..Self::bare(head) }
    }

    fn bare(head: &'t [u8]) -> Self {
        Self { head, missing: 0, filler: b"0", stability: None, counts: &[], is_dev: false }
    }

    /// One to four numbers, a stability with its own numbers, and `dev`; all but the first number may be missing.
    fn release(text: &'t [u8]) -> Option<Self> {
        let (head, count, rest) = split_numbers(text)?;
        Self { missing: missing(head, count), ..Self::bare(head) }.with_stability(rest)
    }

    fn with_stability(mut self, mut rest: &'t [u8]) -> Option<Self> {
        const STABILITIES: [(&[u8], &[u8]); 9] = [
            (b"stable", b""),
            (b"beta", b"beta"),
            (b"b", b"beta"),
            (b"rc", b"RC"),
            (b"alpha", b"alpha"),
            (b"a", b"alpha"),
            (b"patch", b"pl"),
            (b"pl", b"pl"),
            (b"p", b"pl"),
        ];
        take_one(&mut rest, |byte| matches!(byte, b'.' | b'_' | b'-'));
        let known = STABILITIES.iter().find_map(|(name, normal)| Some((*normal, strip(rest, name)?)));
        if let Some((normal, after)) = known {
            let numbers =
                after.iter().position(|byte| !byte.is_ascii_digit() && !matches!(byte, b'.' | b'-'));
            let (counts, after) = after.split_at(numbers.unwrap_or(after.len()));
            (self.stability, self.counts, rest) = (Some(normal), counts, after);
        }
        let word = if let [b'.' | b'-', word @ ..] = rest { word } else { rest };
        if let Some(after) = strip(word, b"dev") {
            (self.is_dev, rest) = (true, after);
        } else if matches!(self.counts.last(), Some(b'.' | b'-')) {
            return None;
        }
        if self.stability == Some(b"") {
            (self.stability, self.counts, self.is_dev) = (None, &[], false);
        }
        rest.is_empty().then_some(self)
    }

    /// `1.x-dev`: numbers, those from the `x` on being higher than all others.
    fn branch(text: &'t [u8]) -> Option<Self> {
        let (head, count, mut rest) = split_numbers(text)?;
        while let Some(after) = [".x", ".*"].iter().find_map(|any| strip(rest, any.as_bytes())) {
            rest = after;
        }
        take_one(&mut rest, |byte| matches!(byte, b'.' | b'-'));
        let is_branch = count < NUMBERS && rest.eq_ignore_ascii_case(b"dev");
        let missing = NUMBERS.saturating_sub(count);
        is_branch.then_some(Self { missing, filler: b"9999999", is_dev: true, ..Self::bare(head) })
    }

    fn next(&mut self) -> Option<Word<'t>> {
        if let Some(word) = next_word(&mut self.head) {
            return Some(word);
        }
        if self.missing > 0 {
            self.missing = self.missing.saturating_sub(1);
            return Some(Word::Number(self.filler));
        }
        if let Some(stability) = self.stability.take() {
            return Some(Word::Text(stability));
        }
        next_word(&mut self.counts).or_else(|| std::mem::take(&mut self.is_dev).then_some(Word::Text(b"dev")))
    }
}

/// Up to four numbers with dots between, how many they are, and what follows.
fn split_numbers(text: &[u8]) -> Option<(&[u8], usize, &[u8])> {
    let mut rest = text;
    if take_digits(&mut rest).is_empty() {
        return None;
    }
    let mut count = 1;
    while let (true, [b'.', b'0'..=b'9', ..]) = (count < NUMBERS, rest) {
        take_one(&mut rest, |_| true);
        take_digits(&mut rest);
        count += 1;
    }
    let (head, rest) = text.split_at_checked(text.len().checked_sub(rest.len())?)?;
    Some((head, count, rest))
}

/// How many numbers are missing; none in dates, whose first number is longer than others.
fn missing(head: &[u8], count: usize) -> usize {
    let is_date = head.split(is_dot).next().is_some_and(|first| first.len() > 5);
    if is_date { 0 } else { NUMBERS.saturating_sub(count) }
}

/// What follows `start`, in whatever case.
fn strip<'t>(text: &'t [u8], start: &[u8]) -> Option<&'t [u8]> {
    let (head, rest) = text.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

fn next_word<'t>(text: &mut &'t [u8]) -> Option<Word<'t>> {
    // PHP's own mark for a number, `#`, passes as a word.
    take_while(text, |byte| !byte.is_ascii_alphanumeric() && byte != b'#');
    if text.first()?.is_ascii_digit() {
        return Some(Word::Number(take_digits(text)));
    }
    Some(Word::Text(take_while(text, |byte| byte.is_ascii_alphabetic() || byte == b'#')))
}
