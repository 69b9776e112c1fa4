//! PE: the DOS header, the COFF header behind it, and the section table. Sections are segments too.

pub mod version;

use std::borrow::Cow;
use std::io::{self, Read, Seek};

use super::fields::Fields;
use super::{Executable, Format, Section, Segment};
use crate::source::Source;

const INITIALIZED: u32 = 0x40;
const READ: u32 = 0x4000_0000;
const WRITE: u32 = 0x8000_0000;
const ALIGN_32: u32 = 0x0060_0000;

pub(super) fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    head: &[u8],
) -> io::Result<Option<Executable>> {
    let Some((bytes, base)) = section_table(source, head)? else { return Ok(None) };
    let records = (Fields { bytes: &bytes, big_endian: false }).records(40);
    let (sections, segments) = records.filter_map(|record| section(record, base)).unzip();
    Ok(Some(Executable { format: Format::Pe, sections, segments }))
}

/// The section table, and the address of the image.
fn section_table<'a, R: Read + Seek>(
    source: &mut Source<'a, R>,
    head: &[u8],
) -> io::Result<Option<(Cow<'a, [u8]>, u64)>> {
    if !head.starts_with(b"MZ") {
        return Ok(None);
    }
    let Some(at) = (Fields { bytes: head, big_endian: false }).u32(0x3c) else { return Ok(None) };
    let at = u64::from(at);
    // Signature, COFF header, and the optional header as far as the image base.
    let bytes = source.read_at(at, 24 + 32)?;
    let header = Fields { bytes: &bytes, big_endian: false };
    let Some((count, optional_size, base)) = coff_header(header) else { return Ok(None) };
    let table = at.saturating_add(24).saturating_add(u64::from(optional_size));
    let bytes = source.exactly(table, u64::from(count).saturating_mul(40))?;
    Ok(bytes.map(|bytes| (bytes, base)))
}

/// The number of sections, the size of the optional header, and the address of the image.
fn coff_header(header: Fields<'_>) -> Option<(u16, u16, u64)> {
    if !header.bytes.starts_with(b"PE\0\0") {
        return None;
    }
    let base = match header.u16(24)? {
        0x10b => u64::from(header.u32(24 + 28)?),
        0x20b => header.u64(24 + 24)?,
        _ => return None,
    };
    Some((header.u16(6)?, header.u16(20)?, base))
}

fn section(record: Fields<'_>, base: u64) -> Option<(Section, Segment)> {
    let (address, size, offset) = (record.u32(12)?, record.u32(16)?, record.u32(20)?);
    let (offset, size) = (u64::from(offset), u64::from(size));
    let section = Section { name: record.name(0, 8)?, offset, size };
    // As Go's debug/buildinfo has it: exactly initialized, readable and writable data.
    let is_data = record.u32(36)? & !ALIGN_32 == INITIALIZED | READ | WRITE && address != 0;
    let address = base.checked_add(u64::from(address))?;
    Some((section, Segment { address, offset, size, is_data }))
}
