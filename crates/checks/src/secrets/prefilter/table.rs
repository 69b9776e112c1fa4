//! The tables of the search for keywords, made when Plimsoll is built and in tests.

use super::hash::{BITS, CASE, hash, index, low, slot};

/// That a piece belongs to a keyword, and where in it: the keyword's index, the piece's offset in it, and a byte beside
/// the piece with its place.
pub(super) type Sighting = (u16, i8, Option<(i8, u8)>);

/// The tables over all keywords.
pub(super) struct Tables {
    /// Two bits of one word for each piece.
    pub(super) table: Vec<u64>,
    /// By hash: a piece, and its part of the sightings. Empty slots have none.
    pub(super) slots: Vec<(u32, u16, u16)>,
    pub(super) sightings: Vec<Sighting>,
}

impl Tables {
    /// Builds the tables over keywords of at least three bytes, each with whether it begins a token. Nothing if they are
    /// too many or too long.
    pub(super) fn new(keywords: &[(&[u8], bool)]) -> Option<Self> {
        let ranks = ranks();
        let mut pieces: Vec<(u32, Sighting)> = Vec::new();
        for (index, (text, begins)) in keywords.iter().enumerate() {
            for (piece, offset) in pieces_of(text, *begins, &ranks) {
                pieces.push((piece, (u16::try_from(index).ok()?, offset, beside(text, offset)?)));
            }
        }
        pieces.sort_unstable();
        pieces.dedup();
        let mut table = vec![0; 1 << BITS];
        let mut slots = vec![(0, 0, 0); (pieces.len() + 1).next_power_of_two()];
        let mut from = 0_u16;
        for group in pieces.chunk_by(|(a, _), (b, _)| a == b) {
            let (piece, _) = group.first()?;
            let hash = hash(*piece);
            *table.get_mut(index(hash))? |= 1_u64.wrapping_shl(hash >> 14) | 1_u64.wrapping_shl(hash >> 8);
            // There are more slots than pieces, so a free one is found.
            let mask = slots.len() - 1;
            let mut at = slot(hash) & mask;
            while slots.get(at).is_some_and(|(_, from, to)| from != to) {
                at = (at + 1) & mask;
            }
            let to = from.checked_add(u16::try_from(group.len()).ok()?)?;
            *slots.get_mut(at)? = (*piece, from, to);
            from = to;
        }
        Some(Self { table, slots, sightings: pieces.into_iter().map(|(_, sighting)| sighting).collect() })
    }
}

/// A byte of the keyword behind the piece at `offset`, else one ahead of it; none if the piece is all of it. Nothing
/// if the keyword is too long.
fn beside(keyword: &[u8], offset: i8) -> Option<Option<(i8, u8)>> {
    i8::try_from(keyword.len()).ok()?;
    let at = |place: i8| usize::try_from(place).ok().and_then(|place| keyword.get(place));
    let one = |step: i8| at(offset + step).map(|byte| (step, byte.to_ascii_lowercase()));
    Some(if offset < 0 { None } else { one(4).or_else(|| one(-1)) })
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
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+/=.~".contains(byte);
    let mut pieces: Vec<(u32, i8)> = Vec::new();
    if keyword.len() == 3 {
        pieces.extend((0..=127).filter(|byte| !begins || may_stand_before(*byte)).filter_map(before));
    } else {
        pieces.extend(piece(keyword).map(|piece| (piece, 0)));
    }
    pieces.extend((b' '..=b'~').filter(|byte| !begins || word(byte)).filter_map(after));
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
