//! Branch and leaf pages: a header, an array of elements that point at keys and values, then those.

use super::BoltError;

/// Number (8), flags (2), count (2), overflow (4).
pub(super) const HEADER: usize = 16;
const ELEMENT: usize = 16;
const BRANCH: u16 = 1;
const LEAF: u16 = 2;
const IS_BUCKET: u32 = 1;

pub(super) enum Page {
    Branch(Branch),
    Leaf(Leaf),
}

/// Keys with the pages that start with them.
pub(super) struct Branch(Raw);

/// Keys with their values.
pub(super) struct Leaf(Raw);

struct Raw {
    bytes: Vec<u8>,
    count: usize,
    number: u64,
}

/// What a leaf has at one place.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) is_bucket: bool,
}

impl Page {
    pub(super) fn parse(bytes: Vec<u8>, number: u64) -> Result<Self, BoltError> {
        let broken = |problem| BoltError::Page { page: number, problem };
        let flags = u16_at(&bytes, 8).ok_or(broken("it has no header"))?;
        let count = usize::from(u16_at(&bytes, 10).ok_or(broken("it has no header"))?);
        if count.saturating_mul(ELEMENT).saturating_add(HEADER) > bytes.len() {
            return Err(broken("it has more elements than room"));
        }
        let raw = Raw { bytes, count, number };
        match flags {
            BRANCH => Ok(Self::Branch(Branch(raw))),
            LEAF => Ok(Self::Leaf(Leaf(raw))),
            _ => Err(broken("it is neither branch nor leaf")),
        }
    }
}

impl Raw {
    fn broken(&self, problem: &'static str) -> BoltError {
        BoltError::Page { page: self.number, problem }
    }

    /// The place of element `index`, and the four numbers there.
    fn element(&self, index: usize) -> Option<(usize, [u32; 4])> {
        let at = index.checked_mul(ELEMENT)?.checked_add(HEADER)?;
        let number = |offset: usize| u32_at(&self.bytes, at.checked_add(offset)?);
        Some((at, [number(0)?, number(4)?, number(8)?, number(12)?]))
    }

    /// Bytes whose place counts from their element's.
    fn slice(&self, element: usize, position: u32, len: u32) -> Option<&[u8]> {
        let start = element.checked_add(usize::try_from(position).ok()?)?;
        self.bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
    }
}

impl Branch {
    pub(super) const fn count(&self) -> usize {
        self.0.count
    }

    pub(super) fn child(&self, index: usize) -> Result<u64, BoltError> {
        let (at, _) = self.0.element(index).ok_or(self.0.broken("an element is cut off"))?;
        u64_at(&self.0.bytes, at.saturating_add(8)).ok_or(self.0.broken("an element is cut off"))
    }

    fn key(&self, index: usize) -> Result<&[u8], BoltError> {
        self.0
            .element(index)
            .and_then(|(at, [position, len, ..])| self.0.slice(at, position, len))
            .ok_or(self.0.broken("a key reaches out of it"))
    }

    /// The child in which `key` would be: the last one that does not start after it.
    pub(super) fn child_for(&self, key: &[u8]) -> Result<Option<u64>, BoltError> {
        let (mut low, mut high) = (0, self.0.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.key(middle)? <= key {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low.checked_sub(1).map(|index| self.child(index)).transpose()
    }
}

impl Leaf {
    pub(super) const fn count(&self) -> usize {
        self.0.count
    }

    pub(super) fn broken(&self, problem: &'static str) -> BoltError {
        self.0.broken(problem)
    }

    pub(super) fn element(&self, index: usize) -> Result<Element<'_>, BoltError> {
        let element = || {
            let (at, [flags, position, key_len, value_len]) = self.0.element(index)?;
            let key = self.0.slice(at, position, key_len)?;
            let value = self.0.slice(at, position.checked_add(key_len)?, value_len)?;
            Some(Element { key, value, is_bucket: flags & IS_BUCKET != 0 })
        };
        element().ok_or(self.0.broken("an element reaches out of it"))
    }

    pub(super) fn find(&self, key: &[u8]) -> Result<Option<Element<'_>>, BoltError> {
        let (mut low, mut high) = (0, self.0.count);
        while low < high {
            let middle = low.midpoint(high);
            let element = self.element(middle)?;
            match element.key.cmp(key) {
                std::cmp::Ordering::Equal => return Ok(Some(element)),
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }
}

/// The page number in a page's header.
pub(super) fn number(page: &[u8]) -> Option<u64> {
    u64_at(page, 0)
}

/// How many pages follow that belong to this one.
pub(super) fn overflow(header: &[u8; HEADER]) -> u64 {
    u32_at(header, 12).map_or(0, u64::from)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
