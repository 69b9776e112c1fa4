//! ELF: file header, program headers, section headers.

use std::io::{self, Read, Seek};

use super::fields::Fields;
use super::{Executable, Format, Section, Segment};
use crate::source::Source;

const EXECUTABLE: u16 = 2;
const SHARED: u16 = 3;
const LOAD: u32 = 1;
const EXECUTE: u32 = 1;
const WRITE: u32 = 2;
const NO_BITS: u32 = 8;
/// The section names of a huge program take tens of kilobytes.
const NAMES_LIMIT: u64 = 4 << 20;

/// The file header as far as it says where the tables are.
struct Header {
    is_64: bool,
    big_endian: bool,
    segments: Table,
    sections: Table,
    names: u16,
}

struct Table {
    offset: u64,
    record: usize,
    count: u64,
}

pub(super) fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    head: &[u8],
) -> io::Result<Option<Executable>> {
    let Some(header) = header(head) else { return Ok(None) };
    let Some(bytes) = header.segments.read(source)? else { return Ok(None) };
    let fields = Fields { bytes: &bytes, big_endian: header.big_endian };
    let records = fields.records(header.segments.record);
    let segments = records.filter_map(|record| segment(record, header.is_64)).collect();
    let sections = sections(source, &header)?.unwrap_or_default();
    Ok(Some(Executable { format: Format::Elf, sections, segments }))
}

fn header(head: &[u8]) -> Option<Header> {
    let is_64 = match head.get(4)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let big_endian = match head.get(5)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let fields = Fields { bytes: head, big_endian };
    if !matches!(fields.u16(16)?, EXECUTABLE | SHARED) {
        return None;
    }
    let (offsets, sizes) = if is_64 { ((32, 40), 54) } else { ((28, 32), 42) };
    let size = |index: usize| fields.u16(index.saturating_mul(2).saturating_add(sizes));
    let table = |offset, record: u16, count: u16| Table {
        offset,
        record: usize::from(record),
        count: u64::from(count),
    };
    Some(Header {
        is_64,
        big_endian,
        segments: table(fields.word(is_64, offsets.0)?, size(0)?, size(1)?),
        sections: table(fields.word(is_64, offsets.1)?, size(2)?, size(3)?),
        names: size(4)?,
    })
}

impl Table {
    fn read<'a, R: Read + Seek>(
        &self,
        source: &mut Source<'a, R>,
    ) -> io::Result<Option<std::borrow::Cow<'a, [u8]>>> {
        // The records of the two tables take 32 to 64 bytes.
        if !(32..=128).contains(&self.record) || self.count == 0 {
            return Ok(None);
        }
        source.exactly(self.offset, self.count.saturating_mul(self.record as u64))
    }
}

fn segment(record: Fields<'_>, is_64: bool) -> Option<Segment> {
    if record.u32(0)? != LOAD {
        return None;
    }
    let flags = record.u32(if is_64 { 4 } else { 24 })?;
    let (offset, address, size) = if is_64 { (8, 16, 32) } else { (4, 8, 16) };
    Some(Segment {
        address: record.word(is_64, address)?,
        offset: record.word(is_64, offset)?,
        size: record.word(is_64, size)?,
        is_data: flags & (WRITE | EXECUTE) == WRITE,
    })
}

/// The sections; `None` if there is no table of them, or none that can be read.
fn sections<R: Read + Seek>(source: &mut Source<'_, R>, header: &Header) -> io::Result<Option<Vec<Section>>> {
    let Some(bytes) = header.sections.read(source)? else { return Ok(None) };
    let fields = Fields { bytes: &bytes, big_endian: header.big_endian };
    let Some(names) = fields.records(header.sections.record).nth(usize::from(header.names)) else {
        return Ok(None);
    };
    let Some((_, names)) = section(names, header.is_64, Fields { bytes: &[], big_endian: false }) else {
        return Ok(None);
    };
    if names.size > NAMES_LIMIT {
        return Ok(None);
    }
    let names = source.read_at(names.offset, names.size)?;
    let names = Fields { bytes: &names, big_endian: header.big_endian };
    let sections = fields
        .records(header.sections.record)
        .filter_map(|record| section(record, header.is_64, names))
        .filter(|(kind, _)| *kind != NO_BITS)
        .map(|(_, section)| section);
    Ok(Some(sections.collect()))
}

/// A section and its type.
fn section(record: Fields<'_>, is_64: bool, names: Fields<'_>) -> Option<(u32, Section)> {
    let name = usize::try_from(record.u32(0)?).ok()?;
    let (offset, size) = if is_64 { (24, 32) } else { (16, 20) };
    let section = Section {
        name: names.name(name, 256).unwrap_or_default(),
        offset: record.word(is_64, offset)?,
        size: record.word(is_64, size)?,
    };
    Some((record.u32(4)?, section))
}
