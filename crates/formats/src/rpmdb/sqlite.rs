//! The SQLite form, `rpmdb.sqlite`: the rows of its table `Packages`, number and blob.
//!
//! Reads table b-trees and nothing else of SQLite: no index, no free list, no write-ahead log. Format:
//! <https://www.sqlite.org/fileformat2.html>, sections 1.3, 1.6 and 2.1.

use std::borrow::Cow;

use super::bytes::{part, size, u16_be, u32_be};
use super::pages::PageSet;
use super::{Record, RpmDbError, TOO_LONG};

const MAGIC: &[u8] = b"SQLite format 3\0";
const FILE_HEADER: usize = 100;
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
const UTF_8: u32 = 1;
/// SQLite's own limit on the depth of a tree.
const DEPTH: usize = 20;

pub(super) fn recognizes(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The rows of the table, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Records<'a>(Rows<'a>);

impl<'a> Records<'a> {
    pub(super) fn open(bytes: &'a [u8], longest: usize) -> Result<Self, RpmDbError> {
        let file = File::open(bytes)?;
        let mut broken = None;
        let mut schema = Rows::new(file, 1, longest);
        while let Some(row) = schema.next() {
            match row.map(|row| packages_root(&row.payload)) {
                Ok(Some(root)) => return Ok(Self(Rows::new(file, root, longest))),
                Ok(None) => {}
                Err(error) => broken = Some(error),
            }
        }
        Err(broken.unwrap_or(RpmDbError::Database("an SQLite database without the table Packages")))
    }

    pub(super) fn next(&mut self) -> Option<Result<Record<'a>, RpmDbError>> {
        Some(self.0.next()?.and_then(|row| {
            let (kind, start, length) = column(&row.payload, 1)
                .ok_or(RpmDbError::Record { record: row.number, reason: "the row is cut off" })?;
            if !kind.is_blob() {
                return Err(RpmDbError::Record { record: row.number, reason: "the row holds no blob" });
            }
            Ok(Record { number: row.number, blob: cut(row.payload, start, length) })
        }))
    }
}

/// The root page of the table `Packages`, if this row of the schema (type, name, tbl_name, rootpage, sql) tells it.
fn packages_root(payload: &[u8]) -> Option<u32> {
    let text = |index| {
        let (kind, start, length) = column(payload, index)?;
        if kind.is_text() { part(payload, start, length) } else { None }
    };
    if text(0)? != b"table" || !text(1)?.eq_ignore_ascii_case(b"Packages") {
        return None;
    }
    let (kind, start, length) = column(payload, 3)?;
    let bytes = part(payload, start, length).filter(|bytes| kind.is_integer() && bytes.len() <= 4)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn cut(payload: Cow<'_, [u8]>, start: usize, length: usize) -> Cow<'_, [u8]> {
    match payload {
        Cow::Borrowed(bytes) => Cow::Borrowed(part(bytes, start, length).unwrap_or(&[])),
        Cow::Owned(mut bytes) => {
            bytes.truncate(start.saturating_add(length));
            bytes.drain(..start.min(bytes.len()));
            Cow::Owned(bytes)
        }
    }
}

/// The serial type of a value.
#[derive(Clone, Copy, Debug)]
struct Kind(u64);

impl Kind {
    const fn is_integer(self) -> bool {
        matches!(self.0, 1..=6 | 8 | 9)
    }

    const fn is_blob(self) -> bool {
        self.0 >= 12 && self.0.is_multiple_of(2)
    }

    const fn is_text(self) -> bool {
        self.0 >= 13 && !self.0.is_multiple_of(2)
    }

    fn length(self) -> usize {
        match self.0 {
            number @ 0..=4 => usize::try_from(number).unwrap_or(0),
            5 => 6,
            6 | 7 => 8,
            8..=11 => 0,
            length => usize::try_from(length.saturating_sub(12) >> 1).unwrap_or(usize::MAX),
        }
    }
}

/// Kind, start and length of a column in a row's payload; `None` if it is not wholly there.
fn column(payload: &[u8], index: usize) -> Option<(Kind, usize, usize)> {
    let (header, mut at) = varint(payload, 0)?;
    let header = payload.get(..usize::try_from(header).ok()?)?;
    let mut start = header.len();
    for _ in 0..index {
        let (kind, next) = varint(header, at)?;
        start = start.checked_add(Kind(kind).length())?;
        at = next;
    }
    let kind = Kind(varint(header, at)?.0);
    part(payload, start, kind.length())?;
    Some((kind, start, kind.length()))
}

/// Reads a number of one to nine bytes; gives it and where the next one starts.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let bytes = bytes.get(at..)?;
    let mut number = 0_u64;
    for (count, byte) in (1_usize..=9).zip(bytes) {
        if count == 9 {
            return Some((number << 8 | u64::from(*byte), at.checked_add(count)?));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at.checked_add(count)?));
        }
    }
    None
}

/// The file and how its pages are cut.
#[derive(Clone, Copy, Debug)]
struct File<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// Bytes of a page that SQLite uses.
    usable: usize,
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, RpmDbError> {
        let fields = (u16_be(bytes, 16), bytes.get(20), u32_be(bytes, 56));
        let (Some(page_size), Some(reserved), Some(encoding)) = fields else {
            return Err(RpmDbError::Database("the file ends in its header"));
        };
        let page_size = if page_size == 1 { 65536 } else { usize::from(page_size) };
        let usable = page_size.saturating_sub(usize::from(*reserved));
        if page_size < 512 || !page_size.is_power_of_two() || usable < 480 {
            return Err(RpmDbError::Database("a page size that SQLite does not have"));
        }
        if encoding != UTF_8 {
            return Err(RpmDbError::Database("an SQLite database whose text is not UTF-8"));
        }
        Ok(Self { bytes, page_size, usable })
    }

    /// A page, its reserved end left out. Pages count from one.
    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let start = size(number.checked_sub(1)?).checked_mul(self.page_size)?;
        part(self.bytes, start, self.page_size)?.get(..self.usable)
    }

    /// How many bytes of a payload lie in the leaf itself (section 1.6).
    fn local(&self, payload: usize) -> Option<usize> {
        let most = self.usable.checked_sub(35)?;
        if payload <= most {
            return Some(payload);
        }
        let least = self.usable.checked_sub(12)?.checked_mul(32)?.checked_div(255)?.checked_sub(23)?;
        let rest = payload.checked_sub(least)?.checked_rem(self.usable.checked_sub(4)?)?;
        let local = least.checked_add(rest)?;
        Some(if local <= most { local } else { least })
    }
}

/// A row of a table: its number and its columns.
#[derive(Debug)]
struct Row<'a> {
    number: u64,
    payload: Cow<'a, [u8]>,
}

/// Walks the b-tree of a table.
#[derive(Debug)]
struct Rows<'a> {
    file: File<'a>,
    longest: usize,
    /// The pages from the root down to where the walk is.
    path: Vec<Place<'a>>,
    read: PageSet,
    root: Option<u32>,
}

/// A page and the next of its cells.
#[derive(Debug)]
struct Place<'a> {
    page: &'a [u8],
    number: u32,
    kind: u8,
    cell: usize,
    cells: usize,
    /// Where the b-tree's header starts: behind the file's header on page 1.
    start: usize,
}

impl<'a> Rows<'a> {
    fn new(file: File<'a>, root: u32, longest: usize) -> Self {
        // Page numbers count from one.
        let pages = file.bytes.len().div_ceil(file.page_size).saturating_add(1);
        Self { file, longest, path: Vec::new(), read: PageSet::new(pages), root: Some(root) }
    }

    fn next(&mut self) -> Option<Result<Row<'a>, RpmDbError>> {
        if let Some(Err(error)) = self.root.take().map(|root| self.descend(root)) {
            return Some(Err(error));
        }
        loop {
            let place = self.path.last_mut()?;
            if place.cell > place.cells || (place.cell == place.cells && place.kind == LEAF) {
                self.path.pop();
                continue;
            }
            let (page, number) = (place.page, place.number);
            let at = place.advance();
            let step = if place.kind == LEAF {
                at.ok_or("more cells than the page has room for").and_then(|at| self.row(page, at).map(Some))
            } else {
                let child = at.and_then(|at| u32_be(page, at));
                match child.ok_or("a cell outside of its page") {
                    Err(reason) => Err(reason),
                    Ok(child) => match self.descend(child) {
                        Ok(()) => Ok(None),
                        Err(error) => return Some(Err(error)),
                    },
                }
            };
            match step {
                Ok(None) => {}
                Ok(Some(row)) => return Some(Ok(row)),
                Err(reason) => return Some(Err(RpmDbError::Page { page: number, reason })),
            }
        }
    }

    /// Goes down to a page.
    fn descend(&mut self, number: u32) -> Result<(), RpmDbError> {
        let place = self.open(number).map_err(|reason| RpmDbError::Page { page: number, reason })?;
        self.path.push(place);
        Ok(())
    }

    fn open(&mut self, number: u32) -> Result<Place<'a>, &'static str> {
        let page = self.file.page(number).ok_or("the page lies outside of the file")?;
        if !self.read.insert(number) {
            return Err("the page stands twice in the tree");
        }
        if self.path.len() >= DEPTH {
            return Err("the tree is too deep");
        }
        let start = if number == 1 { FILE_HEADER } else { 0 };
        let kind = page.get(start).copied().filter(|kind| matches!(*kind, INTERIOR | LEAF));
        let cells = u16_be(page, start.saturating_add(3));
        let (Some(kind), Some(cells)) = (kind, cells) else {
            return Err("no page of a table");
        };
        Ok(Place { page, number, kind, cell: 0, cells: cells.into(), start })
    }

    /// Reads the row whose cell starts at `at`.
    fn row(&mut self, page: &'a [u8], at: usize) -> Result<Row<'a>, &'static str> {
        let cell = varint(page, at).and_then(|(length, at)| {
            let (number, at) = varint(page, at)?;
            Some((usize::try_from(length).ok()?, number, at))
        });
        let (length, number, at) = cell.ok_or("a cell outside of its page")?;
        let local = self.file.local(length).and_then(|local| part(page, at, local));
        let local = local.ok_or("a cell longer than its page")?;
        if local.len() == length {
            return Ok(Row { number, payload: Cow::Borrowed(local) });
        }
        // The row's own header needs few bytes.
        if length > self.longest.saturating_add(64) {
            return Err(TOO_LONG);
        }
        let first =
            at.checked_add(local.len()).and_then(|at| u32_be(page, at)).ok_or("a cell that is cut off")?;
        let payload = self.overflow(local, first, length)?;
        Ok(Row { number, payload: Cow::Owned(payload) })
    }

    /// Joins a payload whose rest lies in a chain of overflow pages.
    fn overflow(&mut self, local: &[u8], first: u32, length: usize) -> Result<Vec<u8>, &'static str> {
        let mut payload = Vec::with_capacity(length.min(self.file.bytes.len()));
        payload.extend_from_slice(local);
        let mut next = first;
        while payload.len() < length {
            let page = self.file.page(next).ok_or("a chain of pages that leaves the file, or ends early")?;
            if !self.read.insert(next) {
                return Err("a chain of pages that loops, or meets another");
            }
            let missing = length.saturating_sub(payload.len());
            let here = page.get(4..).unwrap_or(&[]);
            payload.extend_from_slice(here.get(..missing).unwrap_or(here));
            next = u32_be(page, 0).unwrap_or(0);
        }
        Ok(payload)
    }
}

impl Place<'_> {
    /// Where the next cell starts, or the number of the rightmost child; steps over it.
    fn advance(&mut self) -> Option<usize> {
        let index = self.cell;
        self.cell = index.saturating_add(1);
        if self.kind == INTERIOR && index == self.cells {
            return self.start.checked_add(8);
        }
        let header = if self.kind == LEAF { 8 } else { 12 };
        let pointer = self.start.checked_add(header)?.checked_add(index.checked_mul(2)?)?;
        u16_be(self.page, pointer).map(usize::from)
    }
}
