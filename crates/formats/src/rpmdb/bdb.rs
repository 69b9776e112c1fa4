//! The Berkeley DB form, `Packages`: a hash from package numbers to headers, of either byte order.
//!
//! Reads all hash pages in the order of the file instead of walking the buckets, so a broken bucket hides no other;
//! pages that Berkeley DB has freed carry another type. Format: `dbinc/db_page.h` of Berkeley DB 4 and 5.

use std::borrow::Cow;

use super::bytes::{part, size, u16_be, u16_le, u32_be, u32_le};
use super::pages::PageSet;
use super::{Record, RpmDbError, TOO_LONG};

const MAGIC: u32 = 0x0006_1561;
const MAGIC_AT: usize = 12;
const TYPE_AT: usize = 25;
const PAGE_HEADER: usize = 26;
const HASH_META: u8 = 8;
const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;
const ITEM_HERE: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;

pub(super) fn recognizes(bytes: &[u8]) -> bool {
    u32_le(bytes, MAGIC_AT) == Some(MAGIC) || u32_be(bytes, MAGIC_AT) == Some(MAGIC)
}

/// The values of a hash, in the order of the file.
#[derive(Debug)]
pub(super) struct Records<'a> {
    file: File<'a>,
    longest: usize,
    page: u32,
    /// The next item of the page.
    item: u16,
    overflow_read: PageSet,
    last_page: u32,
}

impl<'a> Records<'a> {
    pub(super) fn open(bytes: &'a [u8], longest: usize) -> Result<Self, RpmDbError> {
        let big = u32_be(bytes, MAGIC_AT) == Some(MAGIC);
        let mut file = File { bytes, big, page_size: 0 };
        let fields = (file.u32(bytes, 20), bytes.get(24..27), file.u32(bytes, 32));
        let (Some(page_size), Some(&[encryption, kind, flags]), Some(last_page)) = fields else {
            return Err(RpmDbError::Database("the file ends in its first page"));
        };
        if !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() {
            return Err(RpmDbError::Database("a page size that Berkeley DB does not have"));
        }
        if kind != HASH_META || encryption != 0 || flags != 0 {
            return Err(RpmDbError::Database("a Berkeley DB that is no plain hash"));
        }
        file.page_size = size(page_size);
        let overflow_read = PageSet::new(bytes.len().div_ceil(file.page_size));
        Ok(Self { file, longest, page: 1, item: 0, overflow_read, last_page })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record<'a>, RpmDbError>> {
        loop {
            let Some(page) = self.file.page(self.page) else {
                return self.end();
            };
            let items = match page.get(TYPE_AT) {
                Some(&(HASH | HASH_UNSORTED)) => self.file.u16(page, 20).unwrap_or(0),
                _ => 0,
            };
            let (key, value) = (self.item, self.item.saturating_add(1));
            if key >= items {
                self.page = self.page.saturating_add(1);
                self.item = 0;
                continue;
            }
            self.item = value.saturating_add(1);
            if value >= items {
                return Some(Err(RpmDbError::Page { page: self.page, reason: "a key without a value" }));
            }
            match self.record(page, key, value) {
                Ok(None) => {}
                Ok(Some(record)) => return Some(Ok(record)),
                Err(reason) => return Some(Err(RpmDbError::Page { page: self.page, reason })),
            }
        }
    }

    /// The file has no page of this number: all is read, or what should follow is cut off.
    fn end(&mut self) -> Option<Result<Record<'a>, RpmDbError>> {
        let cut = self.page <= self.last_page;
        self.last_page = 0;
        cut.then_some(Err(RpmDbError::Database("the file ends before its last page")))
    }

    /// Reads a pair of items; `None` for the one pair that is no package, under the number 0.
    fn record(&mut self, page: &'a [u8], key: u16, value: u16) -> Result<Option<Record<'a>>, &'static str> {
        let key = self.file.item(page, key)?;
        let number = match key {
            [ITEM_HERE, key @ ..] if key.len() == 4 => self.file.u32(key, 0).unwrap_or(0),
            _ => return Err("a key that is no package number"),
        };
        if number == 0 {
            return Ok(None);
        }
        let blob = match self.file.item(page, value)? {
            [ITEM_HERE, blob @ ..] => Cow::Borrowed(blob),
            item @ [ITEM_OFF_PAGE, ..] => {
                let (Some(first), Some(length)) = (self.file.u32(item, 4), self.file.u32(item, 8)) else {
                    return Err("an item that is cut off");
                };
                Cow::Owned(self.off_page(first, size(length))?)
            }
            _ => return Err("a value of an unknown kind"),
        };
        Ok(Some(Record { number: number.into(), blob }))
    }

    /// Joins the value that lies in a chain of overflow pages.
    fn off_page(&mut self, first: u32, length: usize) -> Result<Vec<u8>, &'static str> {
        if length > self.longest {
            return Err(TOO_LONG);
        }
        let mut blob = Vec::with_capacity(length.min(self.file.bytes.len()));
        let mut next = first;
        while next != 0 {
            let page = self.file.page(next).ok_or("a chain of pages that leaves the file")?;
            if !self.overflow_read.insert(next) {
                return Err("a chain of pages that loops, or meets another");
            }
            if page.get(TYPE_AT) != Some(&OVERFLOW) {
                return Err("a chain that leads to a page of another kind");
            }
            let here = self.file.u16(page, 22).map_or(usize::MAX, usize::from);
            blob.extend_from_slice(part(page, PAGE_HEADER, here).ok_or("a page longer than itself")?);
            if blob.len() > length {
                return Err("a chain of pages longer than its value");
            }
            next = self.file.u32(page, 16).unwrap_or(0);
        }
        if blob.len() < length { Err("a chain of pages shorter than its value") } else { Ok(blob) }
    }
}

/// The file and how to read its numbers.
#[derive(Clone, Copy, Debug)]
struct File<'a> {
    bytes: &'a [u8],
    big: bool,
    page_size: usize,
}

impl<'a> File<'a> {
    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        if self.big { u16_be(bytes, at) } else { u16_le(bytes, at) }
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        if self.big { u32_be(bytes, at) } else { u32_le(bytes, at) }
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        part(self.bytes, size(number).checked_mul(self.page_size)?, self.page_size)
    }

    /// An item of a hash page. Items are stacked from the page's end, so each ends where the one before starts.
    fn item(&self, page: &'a [u8], index: u16) -> Result<&'a [u8], &'static str> {
        let place = |index: u16| {
            let at = usize::from(index).saturating_mul(2).saturating_add(PAGE_HEADER);
            self.u16(page, at).map(usize::from)
        };
        let end = match index.checked_sub(1) {
            Some(before) => place(before),
            None => Some(page.len()),
        };
        let (Some(start), Some(end)) = (place(index), end) else {
            return Err("more items than the page has room for");
        };
        page.get(start..end).filter(|item| !item.is_empty()).ok_or("an item that lies wrong")
    }
}
