//! Mach-O: the header and its load commands of segments; universal files as far as their first architecture.

use std::io::{self, Read, Seek};

use super::fields::Fields;
use super::{Executable, Format, Section, Segment};
use crate::source::Source;

const SEGMENT: u32 = 1;
const SEGMENT_64: u32 = 0x19;
/// Readable and writable.
const READ_WRITE: u32 = 3;
/// Load commands take some kilobytes; those with many libraries tens of them.
const COMMANDS_LIMIT: u32 = 4 << 20;

/// A Java class file starts with the same four bytes, then its version, which is 45 or more; no universal file has
/// so many architectures.
pub(super) fn read_universal<R: Read + Seek>(
    source: &mut Source<'_, R>,
    head: &[u8],
) -> io::Result<Option<Executable>> {
    let fields = Fields { bytes: head, big_endian: true };
    match (fields.u32(4), fields.u32(16)) {
        (Some(1..45), Some(offset)) => read(source, u64::from(offset)),
        _ => Ok(None),
    }
}

/// Reads the file that starts at `base` of the source.
pub(super) fn read<R: Read + Seek>(source: &mut Source<'_, R>, base: u64) -> io::Result<Option<Executable>> {
    let head = source.read_at(base, 32)?;
    let (is_64, big_endian) = match *head {
        [0xfe, 0xed, 0xfa, 0xce, ..] => (false, true),
        [0xfe, 0xed, 0xfa, 0xcf, ..] => (true, true),
        [0xce, 0xfa, 0xed, 0xfe, ..] => (false, false),
        [0xcf, 0xfa, 0xed, 0xfe, ..] => (true, false),
        _ => return Ok(None),
    };
    let fields = Fields { bytes: &head, big_endian };
    let (Some(count), Some(size)) = (fields.u32(16), fields.u32(20)) else { return Ok(None) };
    if size > COMMANDS_LIMIT {
        return Ok(None);
    }
    let start = base.saturating_add(if is_64 { 32 } else { 28 });
    let Some(bytes) = source.exactly(start, u64::from(size))? else { return Ok(None) };
    let mut executable = Executable { format: Format::MachO, sections: Vec::new(), segments: Vec::new() };
    let mut rest = Fields { bytes: &bytes, big_endian };
    for _ in 0..count {
        let Some((command, after)) = split_command(rest) else { return Ok(None) };
        executable.take(command, base);
        rest = after;
    }
    Ok(Some(executable))
}

fn split_command(rest: Fields<'_>) -> Option<(Fields<'_>, Fields<'_>)> {
    let size = usize::try_from(rest.u32(4)?).ok().filter(|size| *size >= 8)?;
    let (command, after) = rest.bytes.split_at_checked(size)?;
    Some((Fields { bytes: command, ..rest }, Fields { bytes: after, ..rest }))
}

impl Executable {
    /// Takes a segment and its sections from a load command, if it is one of those.
    fn take(&mut self, command: Fields<'_>, base: u64) {
        let (is_64, header, record) = match command.u32(0) {
            Some(SEGMENT) => (false, 56, 68),
            Some(SEGMENT_64) => (true, 72, 80),
            _ => return,
        };
        if let Some(segment) = segment(command, is_64, base) {
            self.segments.push(segment);
        }
        let sections = Fields { bytes: command.bytes.get(header..).unwrap_or_default(), ..command };
        let sections = sections.records(record).filter_map(|record| section(record, is_64, base));
        self.sections.extend(sections);
    }
}

/// A segment with bytes in the file; `__PAGEZERO` has none.
fn segment(command: Fields<'_>, is_64: bool, base: u64) -> Option<Segment> {
    let (address, offset, size, most, now) = if is_64 { (24, 40, 48, 56, 60) } else { (24, 32, 36, 40, 44) };
    let size = command.word(is_64, size).filter(|size| *size > 0)?;
    Some(Segment {
        address: command.word(is_64, address)?,
        offset: base.checked_add(command.word(is_64, offset)?)?,
        size,
        is_data: command.u32(most)? == READ_WRITE && command.u32(now)? == READ_WRITE,
    })
}

fn section(record: Fields<'_>, is_64: bool, base: u64) -> Option<Section> {
    let (size, offset) = if is_64 { (40, 48) } else { (36, 40) };
    Some(Section {
        name: record.name(0, 16)?,
        offset: base.checked_add(u64::from(record.u32(offset)?))?,
        size: record.word(is_64, size)?,
    })
}
