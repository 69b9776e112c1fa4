//! One pass over the bytes for the keywords of all rules.
//!
//! Every second place is looked at: a keyword is known by two of its four-byte pieces that follow each other, one of
//! which begins at an even place wherever the keyword stands. The pieces, in lower case, set bits of a table that
//! fits the processor's first cache, so that some hundreds of keywords cost a few instructions a byte; what passes
//! it is compared in full. For a keyword of three or four bytes that begins a token, the pieces also hold the byte
//! before or after it, whatever it may be.

use std::collections::BTreeMap;

use super::rules::{Place, Rule};

/// The table has 2 to this power words.
const BITS: u32 = 12;

/// The bit that tells capital letters from small ones.
const CASE: u64 = 0x2020_2020;

/// Finds where rules have to look.
#[derive(Debug)]
pub(crate) struct Prefilter {
    /// Two bits of one word for each piece.
    table: Box<[u64; 1 << BITS]>,
    /// Pieces, by hash; empty slots have no sightings.
    slots: Vec<Slot>,
    sightings: Vec<Sighting>,
    keywords: Vec<Keyword>,
}

/// A piece, and its part of the list of sightings.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    piece: u32,
    from: u16,
    to: u16,
}

/// That a piece belongs to a keyword, and where in it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Sighting {
    keyword: u16,
    /// Where the piece begins, counted from the keyword's first byte.
    offset: i8,
    /// A byte of the keyword beside the piece, in lower case, and where it is, counted from the piece's first byte.
    beside: Option<(i8, u8)>,
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
        let mut keywords: BTreeMap<(&[u8], bool, bool), Vec<usize>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let (folds, begins) = (rule.place == Place::AfterName, rule.place == Place::Token);
            for text in &rule.keywords {
                keywords.entry((text.as_bytes(), folds, begins)).or_default().push(index);
            }
        }
        let ranks = ranks();
        let mut pieces: Vec<(u32, Sighting)> = Vec::new();
        for (index, ((text, _, begins), _)) in keywords.iter().enumerate() {
            for (piece, offset) in pieces_of(text, *begins, &ranks) {
                let (Ok(keyword), Some(beside)) = (u16::try_from(index), beside(text, offset)) else {
                    continue;
                };
                pieces.push((piece, Sighting { keyword, offset, beside }));
            }
        }
        pieces.sort_unstable();
        pieces.dedup();
        let keyword =
            |((text, folds, _), rules): ((&[u8], bool, bool), _)| Keyword { text: text.into(), folds, rules };
        Self::of(&pieces, keywords.into_iter().map(keyword).collect())
    }

    /// Builds the tables of sorted pieces.
    fn of(pieces: &[(u32, Sighting)], keywords: Vec<Keyword>) -> Self {
        let mut table = Box::new([0; 1 << BITS]);
        let mut slots = vec![Slot::default(); (pieces.len() + 1).next_power_of_two()];
        let mut from = 0_u16;
        for group in pieces.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((piece, _)) = group.first() else { continue };
            let hash = hash(*piece);
            if let Some(word) = table.get_mut(index(hash)) {
                *word |= 1_u64.wrapping_shl(hash >> 14) | 1_u64.wrapping_shl(hash >> 8);
            }
            // There are more slots than pieces, so a free one is found.
            let mask = slots.len() - 1;
            let mut at = slot(hash) & mask;
            while slots.get(at).is_some_and(|slot| slot.from != slot.to) {
                at = (at + 1) & mask;
            }
            let to = from.saturating_add(u16::try_from(group.len()).unwrap_or(u16::MAX));
            if let Some(slot) = slots.get_mut(at) {
                *slot = Slot { piece: *piece, from, to };
            }
            from = to;
        }
        let sightings = pieces.iter().map(|(_, sighting)| *sighting).collect();
        Self { table, slots, sightings, keywords }
    }

    /// Calls `found` with the place, the length and a rule of each keyword in `bytes`, about in order of place.
    pub(crate) fn each(&self, bytes: &[u8], mut found: impl FnMut(usize, usize, usize)) {
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
        while let Some(slot) = self.slots.get(index).filter(|slot| slot.from != slot.to) {
            if slot.piece == piece {
                let sightings = self.sightings.get(usize::from(slot.from)..usize::from(slot.to));
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
        let same = if keyword.folds { is_name(text, &keyword.text) } else { *text == *keyword.text };
        if same {
            keyword.rules.iter().for_each(|rule| found(start, text.len(), *rule));
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

/// A byte of the keyword behind the piece at `offset`, else one ahead of it; none if the piece is all of it. Nothing
/// if the keyword is too long.
fn beside(keyword: &[u8], offset: i8) -> Option<Option<(i8, u8)>> {
    i8::try_from(keyword.len()).ok()?;
    let at = |place: i8| usize::try_from(place).ok().and_then(|place| keyword.get(place));
    let one = |step: i8| at(offset + step).map(|byte| (step, byte.to_ascii_lowercase()));
    Some(if offset < 0 { None } else { one(4).or_else(|| one(-1)) })
}

/// The first four bytes of `bytes`, as they lie in memory.
#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
const fn low(bytes: u64) -> u32 {
    bytes as u32
}

const fn hash(piece: u32) -> u32 {
    piece.wrapping_mul(0x9e37_79b1)
}

/// Where a piece's slot is looked for, before it is cut to the number of slots: the high bits first.
const fn slot(hash: u32) -> usize {
    hash.rotate_left(15) as usize
}

/// The word of a hash: its high bits, which depend on all bytes.
const fn index(hash: u32) -> usize {
    (hash >> (32 - BITS)) as usize
}

/// The pieces by which a keyword is known, and where they begin: at least one of each parity.
fn pieces_of(keyword: &[u8], begins: bool, ranks: &Ranks) -> Vec<(u32, i8)> {
    let piece = |bytes: &[u8]| bytes.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes) | low(CASE));
    if keyword.len() > 4 {
        let rarest = (0_usize..=keyword.len() - 5).min_by_key(|at| {
            let piece = |at: usize| commonness(keyword.get(at..at + 4).unwrap_or_default(), ranks);
            piece(*at) + piece(*at + 1)
        });
        return (rarest.into_iter().flat_map(|at| [at, at + 1]))
            .filter_map(|at| Some((piece(keyword.get(at..)?)?, i8::try_from(at).ok()?)))
            .collect();
    }
    let before = |byte: u8| piece(&[&[byte], keyword].concat()).map(|piece| (piece, -1));
    let after = |byte: u8| {
        let from = keyword.len() - 3;
        let text = [keyword.get(from..).unwrap_or_default(), &[byte]].concat();
        piece(&text).zip(i8::try_from(from).ok())
    };
    let mut pieces: Vec<(u32, i8)> = Vec::new();
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

/// How common a pair of letters is, by both of them.
type Ranks = [[u16; 32]; 32];

/// The ranks of all pairs.
fn ranks() -> Ranks {
    let mut ranks = [[0; 32]; 32];
    for (rank, pair) in (1..).zip(COMMON_PAIRS.as_bytes().chunks(2).rev()) {
        if let [a, b] = pair
            && let Some(row) = ranks.get_mut(usize::from(a & 31))
            && let Some(known) = row.get_mut(usize::from(b & 31))
        {
            *known = rank;
        }
    }
    ranks
}

/// How common a piece is in text, about: a sum over its pairs of letters.
fn commonness(piece: &[u8], ranks: &Ranks) -> u32 {
    let rank = |pair: &[u8]| match pair {
        [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
            let row = ranks.get(usize::from(a & 31))?;
            row.get(usize::from(b & 31)).copied().map(u32::from)
        }
        _ => None,
    };
    piece.windows(2).filter_map(rank).sum()
}

/// The pairs of letters that are most common in source text and English, the most common first.
const COMMON_PAIRS: &str = "\
    reeroninenseesthtiorstdeattelehearioetmecoalntanrondliiseltapeuredtomarinsngtrnectifpacaamitvecenafi\
    ecousirailasloicacchgeuersprutunrtocnossagpoomodncqutuexdiidaprnealaefvafolfllsootckhatsopultykeadlu\
    emushiiettigmompeqclirimolsurrspeprgplnigiypptbeiarcoflsaiupblfapidauihoscumryabdoldcrgrwibubaooltrm\
    iptpshhtfuruosvibisagsaueejeibppmieytcavnuobnfgupuubcuxtglokbouafrmmciowovogwambksrdferlpsebffduevrv\
    ivdslywoddcymssygooaxpegizaynnzenlcmbywhojawnvwecckiudfsftbjucbsakufkaynnkgnewmlcbsldlaxpyoimuixghrp\
    eiyougwryslvrkbrskpc\
";

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
