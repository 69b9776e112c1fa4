//! One pass over the bytes for the keywords of all rules.
//!
//! Every second place is looked at: a keyword is known by two of its four-byte pieces that follow each other, one of
//! which begins at an even place wherever the keyword stands. The pieces, in lower case, set bits of a table that
//! fits the processor's first cache, so that some hundreds of keywords cost a few instructions a byte; what passes
//! it is compared in full. For a keyword of three or four bytes that begins a token, the pieces also hold the byte
//! before or after it, whatever it may be.

mod hash;
#[cfg(test)]
mod table;

use hash::{BITS, CASE, hash, index, low, slot};

/// Finds where rules have to look. Its tables are made by `build.rs`.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// Two bits of one word for each piece.
    pub(super) table: &'static [u64; 1 << BITS],
    /// Pieces, by hash; empty slots have no sightings.
    pub(super) slots: &'static [Slot],
    pub(super) sightings: &'static [Sighting],
    pub(super) keywords: &'static [Keyword],
}

/// A piece, and its part of the list of sightings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot(u32, u16, u16);

/// That a piece belongs to a keyword, and where in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    keyword: u16,
    /// Where the piece begins, counted from the keyword's first byte.
    offset: i8,
    /// A byte of the keyword beside the piece, in lower case, and where it is, counted from the piece's first byte.
    beside: Option<(i8, u8)>,
}

/// What all of a rule's matches hold, as one of several.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) text: &'static [u8],
    /// Whether letter case does not matter.
    pub(super) folds: bool,
    pub(super) rules: &'static [u16],
}

/// A slot of the generated tables.
pub(super) const fn s(piece: u32, from: u16, to: u16) -> Slot {
    Slot(piece, from, to)
}

/// A sighting of the generated tables.
pub(super) const fn g(keyword: u16, offset: i8, beside: Option<(i8, u8)>) -> Sighting {
    Sighting { keyword, offset, beside }
}

/// A keyword of the generated tables.
pub(super) const fn k(text: &'static [u8], folds: bool, rules: &'static [u16]) -> Keyword {
    Keyword { text, folds, rules }
}

impl Prefilter {
    /// Calls `found` with the place, the length and a rule of each keyword in `bytes`, about in order of place.
    pub(super) fn each(&self, bytes: &[u8], mut found: impl FnMut(usize, usize, usize)) {
        let mut at = 0;
        while let Some(block) = self.block(bytes, at) {
            for place in [block, block + 2, block + 4, block + 6] {
                self.look(bytes, place, &mut found);
            }
            at = block + 8;
        }
        // The last block is not whole, and what ends the text may be known by a piece with the byte behind it.
        for place in (bytes.len().saturating_sub(11).next_multiple_of(8)..bytes.len()).step_by(2) {
            self.look(bytes, place, &mut found);
        }
        if let (Some([a, b, c]), 1) = (bytes.last_chunk(), bytes.len() % 2) {
            let piece = u32::from_le_bytes([*a, *b, *c, b'\n']) | low(CASE);
            self.piece(bytes, bytes.len() - 3, piece, &mut found);
        }
    }

    /// The next place from `at` of eight bytes in which a keyword may be.
    #[inline(never)]
    fn block(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let rest = bytes.get(at..)?;
        let blocks = rest.windows(12).step_by(8);
        let index = blocks.into_iter().position(|window| {
            let (Some(first), Some(last)) = (window.first_chunk::<8>(), window.last_chunk::<4>()) else {
                return false;
            };
            let first = u64::from_le_bytes(*first) | (CASE << 32 | CASE);
            let last = u64::from(u32::from_le_bytes(*last)) | CASE;
            let bits = self.bits(low(first))
                | self.bits(low(first >> 16))
                | self.bits(low(first >> 32))
                | self.bits(low((first >> 48) | (last << 16)));
            bits & 1 == 1
        });
        index.map(|index| at + 8 * index)
    }

    /// A word whose last bit tells whether a piece may be one of a keyword.
    fn bits(&self, piece: u32) -> u64 {
        let hash = hash(piece);
        self.table
            .get(index(hash))
            .map_or(0, |word| word.wrapping_shr(hash >> 14) & word.wrapping_shr(hash >> 8))
    }

    /// Looks up what the piece at `at` may belong to.
    fn look(&self, bytes: &[u8], at: usize, found: &mut impl FnMut(usize, usize, usize)) {
        let Some(piece) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { return };
        let piece = u32::from_le_bytes(*piece) | low(CASE);
        if self.bits(piece) & 1 == 1 {
            self.piece(bytes, at, piece, found);
        }
    }

    /// Tells what `piece`, which stands at `at`, belongs to.
    fn piece(&self, bytes: &[u8], at: usize, piece: u32, found: &mut impl FnMut(usize, usize, usize)) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut index = slot(hash(piece)) & mask;
        while let Some(Slot(known, from, to)) = self.slots.get(index).filter(|Slot(_, from, to)| from != to) {
            if *known == piece {
                let sightings = self.sightings.get(usize::from(*from)..usize::from(*to));
                for sighting in sightings.unwrap_or_default() {
                    self.sighted(bytes, at, *sighting, found);
                }
                return;
            }
            index = (index + 1) & mask;
        }
    }

    fn sighted(
        &self,
        bytes: &[u8],
        at: usize,
        sighting: Sighting,
        found: &mut impl FnMut(usize, usize, usize),
    ) {
        if let Some((beside, byte)) = sighting.beside {
            let there = at.checked_add_signed(beside.into()).and_then(|at| bytes.get(at));
            if there.is_none_or(|there| there.to_ascii_lowercase() != byte) {
                return;
            }
        }
        let Some(start) = at.checked_add_signed(-isize::from(sighting.offset)) else { return };
        let Some(keyword) = self.keywords.get(usize::from(sighting.keyword)) else { return };
        let Some(text) = bytes.get(start..start + keyword.text.len()) else { return };
        let same = if keyword.folds { is_name(text, keyword.text) } else { text == keyword.text };
        if same {
            keyword.rules.iter().for_each(|rule| found(start, text.len(), usize::from(*rule)));
        }
    }
}

/// Tells whether `text` is `name` in any letter case; a short name has one case, so that it is not found in
/// `sumOfAll` and `SetSysctl`.
fn is_name(text: &[u8], name: &[u8]) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    let mixed = || rest.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    text.eq_ignore_ascii_case(name) && !(name.len() <= 6 && mixed())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The search over the keywords of rules of one form.
    fn prefilter(form: &str, rules: &[&[&str]]) -> Prefilter {
        let mut keywords: BTreeMap<&'static [u8], Vec<u16>> = BTreeMap::new();
        for (index, rule) in (0..).zip(rules) {
            for text in *rule {
                keywords.entry(text.as_bytes().to_vec().leak()).or_default().push(index);
            }
        }
        let texts: Vec<(&[u8], bool)> = keywords.keys().map(|text| (*text, form == "token")).collect();
        let tables = table::Tables::new(&texts).unwrap();
        let slots: Vec<Slot> = tables.slots.iter().map(|slot| s(slot.0, slot.1, slot.2)).collect();
        let sightings: Vec<Sighting> =
            tables.sightings.iter().map(|seen| g(seen.0, seen.1, seen.2)).collect();
        let keywords: Vec<Keyword> =
            keywords.into_iter().map(|(text, rules)| k(text, form == "value", rules.leak())).collect();
        Prefilter {
            table: (&*tables.table.leak()).try_into().unwrap(),
            slots: slots.leak(),
            sightings: sightings.leak(),
            keywords: keywords.leak(),
        }
    }

    fn hits(form: &str, keywords: &[&[&str]], text: &str) -> Vec<(usize, usize)> {
        let mut hits = Vec::new();
        prefilter(form, keywords).each(text.as_bytes(), |at, _, rule| hits.push((at, rule)));
        hits.sort_unstable();
        hits
    }

    #[test]
    fn keywords_that_overlap_or_begin_each_other_are_all_found() {
        assert_eq!(
            hits("regex", &[&["abcabc"], &["cabca", "cabcx"]], "abcabcabcx"),
            [(0, 0), (2, 1), (3, 0), (5, 1)]
        );
        assert_eq!(
            hits("regex", &[&["-----BEGIN "], &["-----BEGIN PGP"]], "------BEGIN PGP"),
            [(1, 0), (1, 1)]
        );
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
        assert_eq!(hits("value", &[&["okta"]], "x OKTA_KEY Okta= oKtA okt"), [(2, 0), (11, 0)]);
        assert_eq!(hits("token", &[&["ghp_"]], "x GHP_1 ghp_2"), [(8, 0)]);
    }

    #[test]
    fn hundreds_of_keywords_are_found() {
        let many: Vec<String> = (0..600).map(|n| format!("{n:03}key")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(hits("regex", &[&many, &["zzzz"]], "x017keyzzzz199ke199key"), [(1, 0), (7, 1), (16, 0)]);
    }
}
