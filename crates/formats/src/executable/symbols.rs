//! The names of functions in the table of symbols of an ELF file, which `strip` removes
//! (<https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.symtab.html>). Imported functions are left out.

use std::borrow::Cow;
use std::io::{self, Read, Seek};

use super::fields::Fields;
use super::{Executable, Format};
use crate::source::Source;

/// Browsers have some hundred thousand symbols of some hundred bytes each.
const TABLE_LIMIT: u64 = 48 << 20;
const NAMES_LIMIT: u64 = 128 << 20;
/// The kind of a symbol that is a function.
const FUNCTION: u8 = 2;

/// A table of symbols.
#[derive(Debug)]
pub struct Symbols<'a> {
    table: Cow<'a, [u8]>,
    names: Cow<'a, [u8]>,
    is_64: bool,
    big_endian: bool,
}

impl<'a> Symbols<'a> {
    /// Reads the table; `None` if there is none, or none that can be read.
    ///
    /// # Errors
    /// If reading the source fails.
    pub fn read<R: Read + Seek>(
        source: &mut Source<'a, R>,
        executable: &Executable,
    ) -> io::Result<Option<Self>> {
        let (Some(table), Some(names)) = (executable.section(".symtab"), executable.section(".strtab"))
        else {
            return Ok(None);
        };
        if executable.format != Format::Elf || table.size > TABLE_LIMIT || names.size > NAMES_LIMIT {
            return Ok(None);
        }
        let head = source.read_at(0, 6)?;
        let [_, _, _, _, class, order] = *head else { return Ok(None) };
        let table = source.exactly(table.offset, table.size)?;
        let names = source.exactly(names.offset, names.size)?;
        Ok(table.zip(names).map(|(table, names)| Self {
            table,
            names,
            is_64: class == 2,
            big_endian: order == 2,
        }))
    }

    /// The names of functions that the file itself holds, as they are mangled; they end at [`NAMES_LIMIT`] bytes in all, as
    /// entries may share names.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let (size, info, section) = if self.is_64 { (24, 4, 6) } else { (16, 12, 14) };
        let records = Fields { bytes: &self.table, big_endian: self.big_endian }.records(size);
        let names = records.filter_map(move |record| {
            let is_function = record.bytes.get(info)? & 0xf == FUNCTION && record.u16(section)? != 0;
            let name = usize::try_from(record.u32(0)?).ok().filter(|_| is_function)?;
            let rest = self.names.get(name..)?;
            let name = rest.get(..NAME_LIMIT).unwrap_or(rest).split(|byte| *byte == 0).next()?;
            str::from_utf8(name).ok()
        });
        names.scan(NAMES_LIMIT, |left, name| {
            *left = left.checked_sub(name.len() as u64)?;
            Some(name)
        })
    }
}

/// The part of a name that is read; compilers write no longer ones.
const NAME_LIMIT: usize = 16 << 10;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may")]
mod tests {
    use super::super::Section;
    use super::*;

    fn symbol(name: u32, info: u8, section: u16) -> Vec<u8> {
        let mut record = name.to_le_bytes().to_vec();
        record.extend([info, 0]);
        record.extend(section.to_le_bytes());
        record.extend([0; 16]);
        record
    }

    fn read(table: &[u8], names: &[u8]) -> Vec<String> {
        let bytes = [b"\x7fELF\x02\x01", table, names].concat();
        let section = |name: &str, offset: usize, size: usize| Section {
            name: name.to_owned(),
            offset: offset as u64,
            size: size as u64,
        };
        let sections =
            vec![section(".symtab", 6, table.len()), section(".strtab", 6 + table.len(), names.len())];
        let executable = Executable { format: Format::Elf, sections, segments: vec![] };
        let mut source = Source::<io::Empty>::Memory(&bytes);
        let symbols = Symbols::read(&mut source, &executable).unwrap().unwrap();
        symbols.functions().map(str::to_owned).collect()
    }

    #[test]
    fn functions_of_the_file_itself_are_named() {
        let names = b"\0_ZN1a1bE\0data\0import\0";
        let table = [symbol(0, 0, 0), symbol(1, 0x12, 1), symbol(10, 0x11, 1), symbol(15, 0x12, 0)].concat();
        assert_eq!(read(&table, names), ["_ZN1a1bE"]);
    }

    #[test]
    fn tables_that_lie_end() {
        assert_eq!(read(&symbol(u32::MAX, 2, 1), b"\0a"), [""; 0]);
        assert_eq!(read(&[2; 23], b"\0a"), [""; 0]);
        assert_eq!(read(&symbol(1, 2, 1), b"\0\xff\0"), [""; 0]);
        // Twenty thousand names of one text: 320 MB, were they all read.
        let read = read(&symbol(0, 2, 1).repeat(20_000), &[b'a'; 32 << 10]);
        assert_eq!(read.len() as u64, NAMES_LIMIT / (16 << 10));
    }
}
