//! The versions that the advisories of one package speak of, in the order of their scheme. Ranges name them by their
//! place, so once a version has found its own place among them, every range is decided by comparing numbers.

use std::cmp::Ordering;

use plimsoll_model::version::Scheme;

use super::bytes::{Cursor, put_number};
use super::layout::Corrupt;
use super::strings::{self, Strings};

/// Puts versions into their order; those that have no place in a total order come last, by their text. Tells how many
/// have one.
pub(super) fn rank(versions: &mut Vec<&str>, scheme: Option<Scheme>) -> usize {
    versions.sort_unstable();
    versions.dedup();
    let mut ordered: Vec<&str> = Vec::with_capacity(versions.len());
    let mut others = Vec::new();
    for version in versions.iter().copied() {
        match scheme.filter(|scheme| scheme.is_total_at(version)) {
            Some(scheme) => {
                let place = ordered.partition_point(|other| !is_after(scheme, other, version));
                ordered.insert(place, version);
            }
            None => others.push(version),
        }
    }
    let count = ordered.len();
    ordered.append(&mut others);
    *versions = ordered;
    count
}

fn is_after(scheme: Scheme, one: &str, other: &str) -> bool {
    scheme.compare(one, other) == Ok(Ordering::Greater)
}

/// Writes the table: how many versions, how many of them are ordered, and their strings, each by its difference to the
/// one before.
pub(super) fn put(bytes: &mut Vec<u8>, strings: &[u32], ordered: usize) {
    put_number(bytes, u32::try_from(strings.len()).unwrap_or(u32::MAX));
    if strings.is_empty() {
        return;
    }
    put_number(bytes, u32::try_from(ordered).unwrap_or(u32::MAX));
    let mut before = 0_u32;
    for string in strings {
        put_number(bytes, zigzag(*string, before));
        before = *string;
    }
}

/// The table as it was read.
#[derive(Debug)]
pub(super) struct Versions<'d> {
    strings: Strings<'d>,
    numbers: Vec<u32>,
    ordered: u32,
}

/// Where a version lies among the ordered ones: this many are lower, and this many are not higher.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Position {
    lower: u32,
    not_higher: u32,
    ordered: u32,
}

/// How a version compares with one of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Compared {
    /// The table's is the lower one.
    Above,
    /// They are equal.
    At,
    /// The table's is the higher one.
    Below,
    /// The table's has no place in the order.
    Unknown,
}

impl Position {
    /// Compares with the table's version of this number.
    pub(super) const fn compare(self, rank: u32) -> Compared {
        if rank >= self.ordered {
            Compared::Unknown
        } else if rank < self.lower {
            Compared::Above
        } else if rank < self.not_higher {
            Compared::At
        } else {
            Compared::Below
        }
    }
}

impl<'d> Versions<'d> {
    pub(super) fn read(strings: Strings<'d>, cursor: &mut Cursor<'_>) -> Result<Self, Corrupt> {
        let count = cursor.length()?;
        let ordered = if count == 0 { 0 } else { cursor.number()? };
        let mut numbers = Vec::with_capacity(count);
        let mut before = 0_u32;
        for _ in 0..count {
            before = unzigzag(cursor.number()?, before);
            numbers.push(before);
        }
        if usize::try_from(ordered).map_err(|_| Corrupt)? > count {
            return Err(Corrupt);
        }
        Ok(Self { strings, numbers, ordered })
    }

    /// The text of the version of this number.
    pub(super) fn text(&self, rank: u32) -> Result<String, Corrupt> {
        let place = usize::try_from(rank).map_err(|_| Corrupt)?;
        self.strings.get(*self.numbers.get(place).ok_or(Corrupt)?)
    }

    /// Where `version` lies; `None` if it has no place in a total order.
    pub(super) fn locate(&self, scheme: Scheme, version: &str) -> Result<Option<Position>, Corrupt> {
        if version.is_empty() || !scheme.is_total_at(version) {
            return Ok(None);
        }
        let mut buffer = Vec::with_capacity(strings::USUAL);
        let mut order_at = |rank: u32| -> Result<Option<Ordering>, Corrupt> {
            let place = usize::try_from(rank).map_err(|_| Corrupt)?;
            let text = self.strings.get_into(*self.numbers.get(place).ok_or(Corrupt)?, &mut buffer)?;
            Ok(scheme.compare(text, version).ok())
        };
        let (mut low, mut high) = (0_u32, self.ordered);
        let mut equal = None;
        while low < high {
            let middle = low + (high - low) / 2;
            match order_at(middle)? {
                Some(Ordering::Less) => low = middle + 1,
                Some(Ordering::Equal) => {
                    equal = Some(middle);
                    high = middle;
                }
                Some(Ordering::Greater) => high = middle,
                None => return Ok(None),
            }
        }
        // `low` is the first that is not lower; few are equal to each other.
        let mut not_higher = equal.map_or(low, |_| low.saturating_add(1));
        while equal.is_some() && not_higher < self.ordered && order_at(not_higher)? == Some(Ordering::Equal) {
            not_higher += 1;
        }
        Ok(Some(Position { lower: low, not_higher, ordered: self.ordered }))
    }
}

/// The difference of two numbers, small whether it is up or down; the numbers wrap around.
const fn zigzag(number: u32, before: u32) -> u32 {
    let difference = number.wrapping_sub(before).cast_signed();
    (difference << 1 ^ difference >> 31).cast_unsigned()
}

/// The number of which [`zigzag`] told the difference.
pub(super) const fn unzigzag(told: u32, before: u32) -> u32 {
    let difference = told >> 1 ^ (told & 1).wrapping_neg();
    before.wrapping_add(difference)
}

/// As [`put`] tells one.
pub(super) fn put_difference(bytes: &mut Vec<u8>, number: u32, before: u32) {
    put_number(bytes, zigzag(number, before));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_their_differences() {
        for (number, before) in [(0, 0), (5, 3), (3, 5), (u32::MAX, 0), (0, u32::MAX), (1 << 31, 1)] {
            assert_eq!(unzigzag(zigzag(number, before), before), number);
        }
        assert_eq!((zigzag(5, 3), zigzag(3, 5)), (4, 3));
    }

    #[test]
    fn a_version_finds_its_place_among_equal_and_unordered_ones() {
        let mut versions = vec!["1.0", "nothing!", "2.0", "1.0.0", "1.10", "1.9"];
        let ordered = rank(&mut versions, Some(Scheme::RubyGems));
        assert_eq!(
            (versions.as_slice(), ordered),
            (&["1.0", "1.0.0", "1.9", "1.10", "2.0", "nothing!"][..], 5)
        );
        let mut sorted = versions.clone();
        sorted.sort_unstable();
        let (offsets, bytes) = strings::encode(&sorted);
        let numbers: Vec<u32> =
            versions.iter().map(|text| u32::try_from(sorted.binary_search(text).unwrap()).unwrap()).collect();
        let mut table = Vec::new();
        put(&mut table, &numbers, ordered);
        let strings = Strings { offsets: &offsets, bytes: &bytes };
        let read = Versions::read(strings, &mut Cursor::new(&table)).unwrap();
        for (version, expected) in [
            ("0.9", Some((0, 0))),
            ("1", Some((0, 2))),
            ("1.1", Some((2, 2))),
            ("1.10.0", Some((3, 4))),
            ("3", Some((5, 5))),
            ("other!", None),
            ("", None),
        ] {
            let position = read.locate(Scheme::RubyGems, version).unwrap();
            assert_eq!(position.map(|at| (at.lower, at.not_higher)), expected, "{version}");
        }
        let at = read.locate(Scheme::RubyGems, "1.9").unwrap().unwrap();
        let told: Vec<Compared> = (0..6).map(|rank| at.compare(rank)).collect();
        use Compared::{Above, At, Below, Unknown};
        assert_eq!(told, [Above, Above, At, Below, Below, Unknown]);
    }
}
