//! The sections and segments of executables and shared libraries: ELF, PE and Mach-O; and the names of functions, from ELF's
//! table of symbols ([`symbols`]) and from Go's own table ([`go_functions`]); and the version resource of PE ([`pe`]). Relocations and what else an executable holds
//! are not read, nor are object files.
//!
//! A file with broken headers is no executable here: it could not run either. Section tables are for tools, not for
//! the loader, so that a broken one counts as none.

mod elf;
mod fields;
pub mod go_functions;
mod macho;
pub mod pe;
pub mod symbols;

use std::io::{self, Read, Seek};

use crate::source::Source;

/// A program or a shared library.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Executable {
    /// The format.
    pub format: Format,
    /// The named parts, if the file was not stripped of their table.
    pub sections: Vec<Section>,
    /// The parts that are loaded, in the order of their table.
    pub segments: Vec<Segment>,
}

/// A format of executables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Linux and most others (<https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>).
    Elf,
    /// Windows (<https://learn.microsoft.com/en-us/windows/win32/debug/pe-format>).
    Pe,
    /// Apple's (`mach-o/loader.h`); of a universal file, its first architecture.
    MachO,
}

/// A named part of the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Section {
    /// The name, without the segment's of Mach-O.
    pub name: String,
    /// Where its bytes start in the file.
    pub offset: u64,
    /// How many they are.
    pub size: u64,
}

/// A part of the file that is loaded to an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// Where it is loaded to.
    pub address: u64,
    /// Where its bytes start in the file.
    pub offset: u64,
    /// How many bytes the file has of it.
    pub size: u64,
    /// Whether it may be written and not executed.
    pub is_data: bool,
}

impl Executable {
    /// Reads the headers of `source`; `None` if it is no executable that could run.
    ///
    /// # Errors
    /// If reading the source fails.
    pub fn read<R: Read + Seek>(source: &mut Source<'_, R>) -> io::Result<Option<Self>> {
        let head = source.read_at(0, 64)?;
        match *head {
            [0x7f, b'E', b'L', b'F', ..] => elf::read(source, &head),
            [b'M', b'Z', ..] => pe::read(source, &head),
            [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => {
                macho::read(source, 0)
            }
            [0xca, 0xfe, 0xba, 0xbe, ..] => macho::read_universal(source, &head),
            _ => Ok(None),
        }
    }

    /// The first section of this name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Where in the file the byte of an address lies, and how many bytes follow it in its segment.
    #[must_use]
    pub fn at(&self, address: u64) -> Option<(u64, u64)> {
        self.segments.iter().find_map(|segment| {
            let inside = address.checked_sub(segment.address)?;
            let rest = segment.size.checked_sub(inside).filter(|rest| *rest > 0)?;
            Some((segment.offset.checked_add(inside)?, rest))
        })
    }
}

#[cfg(test)]
mod tests;
