//! Maven versions.
//!
//! Follows `ComparableVersion` of Maven 3.9. There a version is a list of numbers and qualifiers whose last item may be
//! a further list, begun by a hyphen or where digits meet letters; of each list the null items at its end are dropped.
//! As lists only ever nest at the end, a version is read here as one stream of items and of openings of lists.
//! As in Maven the order is not transitive: `1.0.alpha.1` < `1` < `1-1` < `1.0.alpha.1`. Only ASCII digits are digits.
//! <https://github.com/apache/maven/blob/maven-3.9.x/maven-artifact/src/main/java/org/apache/maven/artifact/versioning/ComparableVersion.java>

use std::cmp::Ordering;

use super::Compared;
use super::text::{compare_digits, without_zeros};

/// Orders two versions; Maven takes any text for one but an empty one has no meaning.
pub(super) fn compare<'t>(left: &'t str, right: &'t str) -> Compared<'t> {
    for text in [left, right] {
        if text.trim().is_empty() {
            return Err(text);
        }
    }
    let (mut ones, mut twos) = (Normalized::new(left), Normalized::new(right));
    loop {
        let (one, two) = (ones.next(), twos.next());
        let order = match (one, two) {
            (None, None) => return Ok(Ordering::Equal),
            // A list against nothing: all that is left of it, item by item.
            (Some(Token::Open), None) => return Ok(ones.compare_to_nothing()),
            (None, Some(Token::Open)) => return Ok(twos.compare_to_nothing().reverse()),
            (Some(one), None) => one.compare_to_nothing(),
            (None, Some(two)) => two.compare_to_nothing().reverse(),
            (Some(one), Some(two)) => one.compare(&two),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
}

#[derive(Clone, Copy)]
enum Token<'t> {
    Number(&'t str),
    Qualifier(Qualifier<'t>),
    /// A list begins; all that follows is in it.
    Open,
}

impl Token<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => compare_digits(one.as_bytes(), two.as_bytes()),
            (Self::Qualifier(one), Self::Qualifier(two)) => one.compare(two),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Qualifiers are less than lists, and those less than numbers.
    fn rank(&self) -> u8 {
        match self {
            Self::Qualifier(_) => 0,
            Self::Open => 1,
            Self::Number(_) => 2,
        }
    }

    fn compare_to_nothing(&self) -> Ordering {
        match self {
            Self::Number(digits) => without_zeros(digits.as_bytes()).len().cmp(&0),
            Self::Qualifier(qualifier) => qualifier.rank.cmp(&RELEASE),
            Self::Open => Ordering::Equal,
        }
    }

    fn is_null(&self) -> bool {
        !matches!(self, Self::Open) && self.compare_to_nothing().is_eq()
    }
}

/// A qualifier with its rank among the known ones; unknown ones come last, by their text.
#[derive(Clone, Copy)]
struct Qualifier<'t> {
    rank: u8,
    text: &'t str,
}

const RELEASE: u8 = 5;
const UNKNOWN: u8 = 7;
const QUALIFIERS: [(&str, u8); 10] = [
    ("alpha", 0),
    ("beta", 1),
    ("milestone", 2),
    ("rc", 3),
    ("cr", 3),
    ("snapshot", 4),
    ("ga", RELEASE),
    ("final", RELEASE),
    ("release", RELEASE),
    ("sp", 6),
];
/// One letter right before a digit.
const SHORT: [(&str, u8); 3] = [("a", 0), ("b", 1), ("m", 2)];

impl<'t> Qualifier<'t> {
    fn new(text: &'t str, known: &[(&str, u8)]) -> Self {
        let find = |known: &[(&str, u8)]| {
            known.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, rank)| *rank)
        };
        Self { rank: find(known).or_else(|| find(&QUALIFIERS)).unwrap_or(UNKNOWN), text }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let lower = |text: &'t str| text.chars().flat_map(char::to_lowercase);
        self.rank.cmp(&other.rank).then_with(|| match self.rank {
            UNKNOWN => lower(self.text).cmp(other.text.chars().flat_map(char::to_lowercase)),
            _ => Ordering::Equal,
        })
    }
}

/// The tokens without the nulls at the end of each list and without empty lists at the end.
///
/// Between two items that matter lie nulls and openings. They are counted ahead once, up to the next item that matters:
/// with no opening among them the nulls count; else the openings do, and the nulls after the last of them.
struct Normalized<'t> {
    raw: Raw<'t>,
    opens: usize,
    nulls: usize,
    item: Option<Token<'t>>,
    /// Where the counted nulls begin.
    null_items: Raw<'t>,
}

impl<'t> Normalized<'t> {
    fn new(text: &'t str) -> Self {
        let mut new = Self { raw: Raw::new(text), opens: 0, nulls: 0, item: None, null_items: Raw::new("") };
        new.look_ahead();
        new
    }

    fn look_ahead(&mut self) {
        (self.opens, self.nulls, self.null_items) = (0, 0, self.raw.clone());
        loop {
            self.item = self.raw.next();
            match self.item {
                Some(Token::Open) => {
                    self.opens = self.opens.saturating_add(1);
                    (self.nulls, self.null_items) = (0, self.raw.clone());
                }
                Some(item) if item.is_null() => self.nulls = self.nulls.saturating_add(1),
                _ => return,
            }
        }
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let item = self.item?;
        if self.opens > 0 {
            self.opens = self.opens.saturating_sub(1);
            return Some(Token::Open);
        }
        if self.nulls > 0 {
            self.nulls = self.nulls.saturating_sub(1);
            return self.null_items.next();
        }
        self.look_ahead();
        Some(item)
    }

    /// The order of all that is left against nothing: that of the first item that matters.
    fn compare_to_nothing(&self) -> Ordering {
        self.item.map_or(Ordering::Equal, |item| item.compare_to_nothing())
    }
}

/// The tokens as `parseVersion` makes them.
#[derive(Clone)]
struct Raw<'t> {
    rest: &'t str,
    /// Tells whether the list has no item yet.
    is_empty: bool,
    /// Tells whether a list opens before the next item.
    is_due: bool,
    /// Tells whether `rest` begins right after a separator, or at the start.
    is_fresh: bool,
}

impl<'t> Raw<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text, is_empty: true, is_due: false, is_fresh: true }
    }

    fn next(&mut self) -> Option<Token<'t>> {
        if self.is_due {
            return Some(self.open());
        }
        if let (false, Some((separator, rest))) = (self.is_fresh, self.separator()) {
            (self.rest, self.is_fresh) = (rest, true);
            if separator == b'-' {
                return Some(self.open());
            }
        }
        self.next_item()
    }

    /// The separator that comes next, and the text after it.
    fn separator(&self) -> Option<(u8, &'t str)> {
        let first = *self.rest.as_bytes().first()?;
        matches!(first, b'.' | b'-').then_some((first, self.rest.get(1..)?))
    }

    fn next_item(&mut self) -> Option<Token<'t>> {
        let bytes = self.rest.as_bytes();
        let is_digit = bytes.first()?.is_ascii_digit();
        self.is_fresh = false;
        if self.separator().is_some() {
            // Where a separator ends no item, it stands for a zero.
            return Some(self.item(0, Token::Number));
        }
        let is_end = |byte: &u8| matches!(byte, b'.' | b'-') || byte.is_ascii_digit() != is_digit;
        let length = bytes.iter().position(is_end).unwrap_or(bytes.len());
        let after = bytes.get(length).copied();
        let meets = after.is_some_and(|after| !matches!(after, b'.' | b'-'));
        // `1.x` at the end or before a digit is `1-x`.
        if !is_digit && !self.is_empty && (meets || after.is_none()) {
            return Some(self.open());
        }
        self.is_due = meets;
        if is_digit {
            return Some(self.item(length, Token::Number));
        }
        let known: &[(&str, u8)] = if meets { &SHORT } else { &[] };
        Some(self.item(length, |text| Token::Qualifier(Qualifier::new(text, known))))
    }

    fn open(&mut self) -> Token<'t> {
        self.is_due = false;
        self.is_empty = true;
        Token::Open
    }

    fn item(&mut self, length: usize, token: impl Fn(&'t str) -> Token<'t>) -> Token<'t> {
        let (text, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.is_empty = false;
        token(text)
    }
}
