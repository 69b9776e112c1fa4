//! One pass over the bytes for the keywords of all rules.
//!
//! Every second place is looked at: a keyword is known by two of its four-byte pieces that follow each other, one of
//! which begins at an even place wherever the keyword stands. The pieces, in lower case, set bits of a table that
//! fits the processor's first cache, so that some hundreds of keywords cost a few instructions a byte; what passes
//! it is compared in full. For a keyword of three or four bytes that begins a token, the pieces also hold the byte
//! before or after it, whatever it may be.

use super::rules::{Place, Rule};

/// The table has 2 to this power bits.
const BITS: u32 = 18;

/// The words of the table.
const WORDS: usize = 1 << (BITS - 6);

/// The bit that tells capital letters from small ones.
const CASE: u32 = 0x2020_2020;

/// Finds where rules have to look.
#[derive(Debug)]
pub(crate) struct Prefilter {
    /// A bit for each hash of a piece.
    table: Box<[u64; WORDS]>,
    /// Pieces, by hash; empty ones have no sightings.
    slots: Vec<Slot>,
    keywords: Vec<Keyword>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    piece: u32,
    sightings: Vec<Sighting>,
}

/// That a piece belongs to a keyword, and where in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Sighting {
    keyword: usize,
    /// Where the piece begins, counted from the keyword's first byte.
    offset: isize,
}

#[derive(Debug)]
struct Keyword {
    text: Box<[u8]>,
    folds: bool,
    rules: Vec<usize>,
}

impl Prefilter {
    /// Builds the search over the keywords of `rules`, which have at least three bytes each.
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let mut keywords: Vec<(Keyword, bool)> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let (folds, begins) = (rule.place == Place::AfterName, rule.place == Place::Token);
            for text in &rule.keywords {
                let same = |(known, b): &(Keyword, bool)| {
                    known.text.as_ref() == text.as_bytes() && known.folds == folds && *b == begins
                };
                match keywords.iter().position(same).and_then(|at| keywords.get_mut(at)) {
                    Some((known, _)) => known.rules.push(index),
                    None => {
                        let text = text.as_bytes().into();
                        keywords.push((Keyword { text, folds, rules: vec![index] }, begins));
                    }
                }
            }
        }
        let pieces: Vec<(u32, Sighting)> = keywords
            .iter()
            .enumerate()
            .flat_map(|(index, (keyword, begins))| {
                let sighting = move |(piece, offset)| (piece, Sighting { keyword: index, offset });
                pieces(&keyword.text, *begins).into_iter().map(sighting)
            })
            .collect();
        let keywords = keywords.into_iter().map(|(keyword, _)| keyword).collect();
        Self::of(&pieces, keywords)
    }

    fn of(pieces: &[(u32, Sighting)], keywords: Vec<Keyword>) -> Self {
        let mut table = Box::new([0; WORDS]);
        let mut slots = vec![Slot::default(); (pieces.len() * 2).next_power_of_two()];
        for (piece, sighting) in pieces {
            let hash = hash(*piece);
            if let Some(word) = table.get_mut(hash >> 6) {
                *word |= 1 << (hash & 63);
            }
            // There are twice as many slots as pieces, so a free one is found.
            let mask = slots.len() - 1;
            let mut at = hash & mask;
            while slots.get(at).is_some_and(|slot| !slot.sightings.is_empty() && slot.piece != *piece) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                slot.piece = *piece;
                if !slot.sightings.contains(sighting) {
                    slot.sightings.push(*sighting);
                }
            }
        }
        Self { table, slots, keywords }
    }

    /// Calls `found` with the place, the length and a rule of each keyword in `bytes`, about in order of place.
    pub(crate) fn each(&self, bytes: &[u8], mut found: impl FnMut(usize, usize, usize)) {
        let mut at = 0;
        for window in bytes.windows(12).step_by(8) {
            let (Some(first), Some(last)) = (window.first_chunk::<8>(), window.last_chunk::<4>()) else { break };
            let (first, last) = (u64::from_le_bytes(*first), u32::from_le_bytes(*last));
            let pieces = [low(first), low(first >> 16), low(first >> 32), low(first >> 48) | (last << 16)];
            let [a, b, c, d] = pieces.map(|piece| self.bit(piece | CASE));
            if a | b | c | d != 0 {
                for (step, piece) in pieces.into_iter().enumerate() {
                    self.piece(bytes, at + 2 * step, piece | CASE, &mut found);
                }
            }
            at += 8;
        }
        while let Some(piece) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            self.piece(bytes, at, u32::from_le_bytes(*piece) | CASE, &mut found);
            at += 2;
        }
    }

    fn bit(&self, piece: u32) -> u64 {
        let hash = hash(piece);
        self.table.get(hash >> 6).map_or(0, |word| (word >> (hash & 63)) & 1)
    }

    /// Looks up what `piece`, which stands at `at`, may belong to.
    #[inline(never)]
    fn piece(&self, bytes: &[u8], at: usize, piece: u32, found: &mut impl FnMut(usize, usize, usize)) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut index = hash(piece) & mask;
        while let Some(slot) = self.slots.get(index).filter(|slot| !slot.sightings.is_empty()) {
            if slot.piece == piece {
                for sighting in &slot.sightings {
                    self.sighted(bytes, at, *sighting, found);
                }
                return;
            }
            index = (index + 1) & mask;
        }
    }

    fn sighted(&self, bytes: &[u8], at: usize, sighting: Sighting, found: &mut impl FnMut(usize, usize, usize)) {
        let Some(start) = at.checked_add_signed(sighting.offset.wrapping_neg()) else { return };
        let Some(keyword) = self.keywords.get(sighting.keyword) else { return };
        let Some(text) = bytes.get(start..start + keyword.text.len()) else { return };
        let same = if keyword.folds { text.eq_ignore_ascii_case(&keyword.text) } else { *text == *keyword.text };
        if same {
            keyword.rules.iter().for_each(|rule| found(start, text.len(), *rule));
        }
    }
}

/// The first four bytes of `bytes`, as they lie in memory.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(bytes: u64) -> u32 {
    bytes as u32
}

const fn hash(piece: u32) -> usize {
    (piece.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
}

/// The pieces by which a keyword is known, and where they begin: at least one of each parity.
fn pieces(keyword: &[u8], begins: bool) -> Vec<(u32, isize)> {
    let piece = |bytes: &[u8]| bytes.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes) | CASE);
    if keyword.len() > 4 {
        let rarest = (0_usize..=keyword.len() - 5).min_by_key(|at| {
            let five = keyword.get(*at..*at + 5).unwrap_or_default();
            five.iter().enumerate().map(|(at, byte)| frequency(*byte) * if at % 4 == 0 { 1 } else { 2 }).sum::<u32>()
        });
        return (rarest.into_iter().flat_map(|at| [at, at + 1]))
            .filter_map(|at| Some((piece(keyword.get(at..)?)?, at.cast_signed())))
            .collect();
    }
    let before = |byte: u8| piece(&[&[byte], keyword].concat()).map(|piece| (piece, -1));
    let after = |byte: u8| {
        let from = keyword.len() - 3;
        let text = [keyword.get(from..).unwrap_or_default(), &[byte]].concat();
        piece(&text).map(|piece| (piece, from.cast_signed()))
    };
    let mut pieces: Vec<(u32, isize)> = Vec::new();
    if begins || keyword.len() == 3 {
        pieces.extend((0..=127).filter(|byte| !begins || may_stand_before(*byte)).filter_map(before));
    }
    if keyword.len() == 4 {
        pieces.extend(piece(keyword).map(|piece| (piece, 0)));
    }
    if keyword.len() == 3 || !begins {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        pieces.extend((b' '..=b'~').filter(|byte| !begins || word(byte)).filter_map(after));
    }
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

/// Bytes before which a token may begin: none of a word, but for the last ones of `\n` and `%3D`.
fn may_stand_before(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric() || byte == b'_') || b"nrtDFdf".contains(&byte)
}

/// About how common a byte is in source text.
const fn frequency(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 9,
        b'l' | b'd' | b'c' | b'u' | b'm' | b'p' | b'h' | b' ' => 7,
        b'f' | b'g' | b'b' | b'y' | b'w' | b'v' | b'_' | b'.' | b'"' | b'-' | b'/' => 5,
        b'k' | b'0'..=b'9' | b':' | b'=' => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::RuleSet;

    fn hits(form: &str, keywords: &[&[&str]], text: &str) -> Vec<(usize, usize)> {
        let rules = keywords.iter().enumerate().map(|(index, keywords)| {
            format!(
                "[[rule]]\nid='r{index}'\nprovider='p'\ntitle=''\nseverity='low'\n{form}='x'\nkeywords={keywords:?}\n"
            )
        });
        let set = RuleSet::parse(&rules.collect::<String>()).unwrap();
        let mut hits = Vec::new();
        set.prefilter.each(text.as_bytes(), |at, _, rule| hits.push((at, rule)));
        hits.sort_unstable();
        hits
    }

    #[test]
    fn keywords_that_overlap_or_begin_each_other_are_all_found() {
        assert_eq!(
            hits("regex", &[&["abcabc"], &["cabca", "cabcx"]], "abcabcabcx"),
            [(0, 0), (2, 1), (3, 0), (5, 1)]
        );
        assert_eq!(hits("regex", &[&["-----BEGIN "], &["-----BEGIN PGP"]], "------BEGIN PGP"), [(1, 0), (1, 1)]);
        assert_eq!(hits("regex", &[&["abcd"]], ""), []);
    }

    #[test]
    fn a_keyword_is_found_at_any_place() {
        for keyword in ["SG.", "ghp_", "AKIA5", "hooks.slack.com/", "aaa", "aaaa", "aaaaa"] {
            for form in ["token", "regex"] {
                for at in 0..40 {
                    let text = format!("{}{keyword}Zk3", " ".repeat(at));
                    assert_eq!(hits(form, &[&[keyword]], &text), [(at, 0)], "{form} {keyword} {at}");
                    let text = format!("{}{keyword}Zk3{}", " ".repeat(at), " ".repeat(40));
                    assert_eq!(hits(form, &[&[keyword]], &text), [(at, 0)], "{form} {keyword} {at}");
                }
            }
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_other_keywords_in_their_own() {
        assert_eq!(hits("value", &[&["okta"]], "x OKTA_KEY oKtA= okt"), [(2, 0), (11, 0)]);
        assert_eq!(hits("token", &[&["ghp_"]], "x GHP_1 ghp_2"), [(8, 0)]);
    }

    #[test]
    fn hundreds_of_keywords_are_found() {
        let many: Vec<String> = (0..600).map(|n| format!("{n:03}key")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(hits("regex", &[&many, &["zzzz"]], "x017keyzzzz199ke199key"), [(1, 0), (7, 1), (16, 0)]);
    }
}
