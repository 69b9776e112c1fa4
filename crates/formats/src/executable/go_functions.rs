//! The names of functions that Go's linker keeps in each program for tracebacks, also in stripped ones, as far as `pclntab`
//! has them (<https://go.dev/s/go12symtab>, `internal/abi/symtab.go` and `cmd/link/internal/ld/pcln.go` of Go).
//!
//! Since Go 1.16 they lie together, with those of functions that are inlined everywhere; before, they lie among other
//! data and are found through the table of functions, without the inlined.

use std::io::{self, Read, Seek};

use super::fields::Fields;
use super::{Executable, Segment};
use crate::source::Source;

/// The names of a program's functions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GoFunctions {
    /// Each ends with a NUL; some may be empty.
    text: Vec<u8>,
    /// Whether functions that are only there inlined are among them.
    pub has_inlined: bool,
}

impl GoFunctions {
    /// The names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|byte| *byte == 0).filter(|name| !name.is_empty())
    }
}

const SECTIONS: [&str; 3] = [".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"];
/// The largest programs have ten megabytes of names.
const NAMES_LIMIT: u64 = 64 << 20;
/// Of a table in the form of before Go 1.16, which also holds all else.
const OLD_TABLE_LIMIT: u64 = 64 << 20;
/// How much of a program without a section of that name is searched.
const SEARCH_LIMIT: u64 = 1 << 30;
const CHUNK: u64 = 1 << 20;
const ALIGN: usize = 4;
/// Bytes that look like a table but are none, before the search gives up.
const CANDIDATES: usize = 64;
/// The longest name that is taken from an old table.
const NAME_LIMIT: usize = 4 << 10;

/// Finds and reads the table; `None` if there is none that makes sense.
///
/// # Errors
/// If reading the source fails.
pub fn read<R: Read + Seek>(
    source: &mut Source<'_, R>,
    executable: &Executable,
) -> io::Result<Option<GoFunctions>> {
    for section in SECTIONS.iter().filter_map(|name| executable.section(name)) {
        if let Some(found) = read_at(source, section.offset, section.size)? {
            return Ok(Some(found));
        }
    }
    // PE has no section for it, and some linkers merge it with others.
    let mut search = Search { left: SEARCH_LIMIT, candidates: CANDIDATES };
    for segment in &executable.segments {
        if let Some(found) = search.segment(source, segment)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

struct Search {
    left: u64,
    candidates: usize,
}

impl Search {
    fn segment<R: Read + Seek>(
        &mut self,
        source: &mut Source<'_, R>,
        segment: &Segment,
    ) -> io::Result<Option<GoFunctions>> {
        let size = segment.size.min(source.size().saturating_sub(segment.offset)).min(self.left);
        self.left = self.left.saturating_sub(size);
        let mut done = 0;
        while done < size && self.candidates > 0 {
            let at = segment.offset.saturating_add(done);
            let chunk = source.read_at(at, CHUNK.min(size.saturating_sub(done)))?;
            for (index, piece) in chunk.chunks_exact(ALIGN).enumerate() {
                if Version::of(piece).is_none() {
                    continue;
                }
                let inside = (index as u64).saturating_mul(ALIGN as u64);
                let rest = size.saturating_sub(done).saturating_sub(inside);
                let looks = looks_so(&source.read_at(at.saturating_add(inside), 8)?);
                if !looks || self.candidates == 0 {
                    continue;
                }
                self.candidates = self.candidates.saturating_sub(1);
                if let Some(found) = read_at(source, at.saturating_add(inside), rest)? {
                    return Ok(Some(found));
                }
            }
            done = done.saturating_add(CHUNK);
        }
        Ok(None)
    }
}

/// The forms of the table, by the release of Go that brought them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Version {
    Go12,
    Go116,
    Go118,
}

impl Version {
    /// The version and whether numbers are big-endian.
    fn of(magic: &[u8]) -> Option<(Self, bool)> {
        match magic {
            [0xfb, 0xff, 0xff, 0xff] => Some((Self::Go12, false)),
            [0xff, 0xff, 0xff, 0xfb] => Some((Self::Go12, true)),
            [0xfa, 0xff, 0xff, 0xff] => Some((Self::Go116, false)),
            [0xff, 0xff, 0xff, 0xfa] => Some((Self::Go116, true)),
            // The form of Go 1.20 differs from it in nothing that is read here.
            [0xf0 | 0xf1, 0xff, 0xff, 0xff] => Some((Self::Go118, false)),
            [0xff, 0xff, 0xff, 0xf0 | 0xf1] => Some((Self::Go118, true)),
            _ => None,
        }
    }

    /// Which word behind the head says where the names start; the next one says where they end.
    const fn names_word(self) -> usize {
        match self {
            Self::Go12 => 0,
            Self::Go116 => 2,
            Self::Go118 => 3,
        }
    }
}

/// After the magic: two zeros, the unit of code, the size of a pointer.
fn looks_so(head: &[u8]) -> bool {
    matches!(head, [_, _, _, _, 0, 0, 1 | 2 | 4, 4 | 8])
}

/// Bytes before the words.
const HEAD: usize = 8;

/// Reads the table that starts at `at` and takes at most `size` bytes.
fn read_at<R: Read + Seek>(
    source: &mut Source<'_, R>,
    at: u64,
    size: u64,
) -> io::Result<Option<GoFunctions>> {
    let bytes = source.read_at(at, size.min(128))?;
    let head = bytes.get(..HEAD).filter(|head| looks_so(head)).and_then(|head| head.get(..4));
    let Some((version, big_endian)) = head.and_then(Version::of) else { return Ok(None) };
    let header = Header { fields: Fields { bytes: &bytes, big_endian }, version };
    if version == Version::Go12 {
        let size = size.min(source.size().saturating_sub(at)).min(OLD_TABLE_LIMIT);
        let table = source.read_at(at, size)?;
        return Ok(old_names(header, &table));
    }
    let first = version.names_word();
    let (Some(start), Some(end)) = (header.word(first), header.word(first.saturating_add(1))) else {
        return Ok(None);
    };
    let Some(length) = end.checked_sub(start).filter(|_| start >= HEAD as u64 && end <= size) else {
        return Ok(None);
    };
    if length == 0 || length > NAMES_LIMIT {
        return Ok(None);
    }
    let text = source.exactly(at.saturating_add(start), length)?;
    Ok(text.map(|text| GoFunctions { text: text.into_owned(), has_inlined: true }))
}

/// The words behind the head.
#[derive(Clone, Copy)]
struct Header<'a> {
    fields: Fields<'a>,
    version: Version,
}

impl Header<'_> {
    fn pointer(self) -> usize {
        self.fields.bytes.get(7).copied().map_or(8, usize::from)
    }

    fn word(self, index: usize) -> Option<u64> {
        let pointer = self.pointer();
        self.fields.word(pointer == 8, HEAD.checked_add(index.checked_mul(pointer)?)?)
    }
}

/// The names of the functions in a table in the form of Go 1.2: the number of functions, then for each the address of its
/// code and the place of what is told of it, which starts with its address and the place of its name.
fn old_names(header: Header<'_>, table: &[u8]) -> Option<GoFunctions> {
    let pointer = header.pointer();
    let is_64 = pointer == 8;
    let count = usize::try_from(header.word(0)?).ok()?;
    let size = pointer.checked_mul(2)?;
    let start = HEAD.checked_add(pointer)?;
    let records = table.get(start..)?.get(..count.checked_mul(size)?)?;
    let fields = |bytes| Fields { bytes, big_endian: header.fields.big_endian };
    let mut text = Vec::new();
    for record in fields(records).records(size) {
        let name = record.word(is_64, pointer).and_then(|told| {
            let at = usize::try_from(told).ok()?.checked_add(pointer)?;
            let name = usize::try_from(fields(table).u32(at)?).ok().filter(|name| *name >= start)?;
            let name = table.get(name..)?;
            name.get(..NAME_LIMIT).unwrap_or(name).split(|byte| *byte == 0).next()
        });
        let Some(name) = name else { continue };
        text.extend_from_slice(name);
        text.push(0);
        if text.len() as u64 > NAMES_LIMIT {
            return None;
        }
    }
    (!text.is_empty()).then_some(GoFunctions { text, has_inlined: header.version != Version::Go12 })
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may")]
mod tests {
    use super::*;

    /// A table of a form with these names, as the whole of a file.
    fn table(magic: [u8; 4], pointer: u8, names: &[u8]) -> Vec<u8> {
        let (version, big_endian) = Version::of(&magic).unwrap();
        let mut bytes = [&magic[..], &[0, 0, 1, pointer]].concat();
        let word = |number: u64| match (pointer, big_endian) {
            (8, true) => number.to_be_bytes().to_vec(),
            (8, false) => number.to_le_bytes().to_vec(),
            (_, true) => u32::try_from(number).unwrap().to_be_bytes().to_vec(),
            (_, false) => u32::try_from(number).unwrap().to_le_bytes().to_vec(),
        };
        if version == Version::Go12 {
            let width = u64::from(pointer);
            let told = 8 + width + 2 * width;
            bytes.extend([word(1), word(0), word(told), word(0)].concat());
            let at = u32::try_from(told + width + 4).unwrap();
            bytes.extend(if big_endian { at.to_be_bytes() } else { at.to_le_bytes() });
        } else {
            let start = 8 + 8 * u64::from(pointer);
            let mut words = vec![0; version.names_word()];
            words.extend([start, start + names.len() as u64]);
            words.resize(8, 0);
            bytes.extend(words.into_iter().flat_map(word));
        }
        [&bytes[..], names].concat()
    }

    fn names_of(bytes: &[u8]) -> Option<Vec<String>> {
        let mut source = Source::<io::Empty>::Memory(bytes);
        let found = read_at(&mut source, 0, bytes.len() as u64).unwrap()?;
        Some(found.names().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    const MAGICS: [[u8; 4]; 8] = [
        [0xfb, 0xff, 0xff, 0xff],
        [0xff, 0xff, 0xff, 0xfb],
        [0xfa, 0xff, 0xff, 0xff],
        [0xff, 0xff, 0xff, 0xfa],
        [0xf0, 0xff, 0xff, 0xff],
        [0xff, 0xff, 0xff, 0xf0],
        [0xf1, 0xff, 0xff, 0xff],
        [0xff, 0xff, 0xff, 0xf1],
    ];

    #[test]
    fn every_form_gives_its_names() {
        for magic in MAGICS {
            for pointer in [4, 8] {
                let bytes = table(magic, pointer, b"main.main\0");
                assert_eq!(names_of(&bytes), Some(vec!["main.main".to_owned()]), "{magic:x?} {pointer}");
            }
        }
        let several = table(MAGICS[6], 8, b"\0main.main\0fmt.Println\0\0");
        assert_eq!(names_of(&several).unwrap(), ["main.main", "fmt.Println"]);
    }

    /// Offsets and counts are the attacker's: cut off, out of range, backwards, in loops, without end.
    #[test]
    fn tables_that_lie_give_nothing() {
        for magic in MAGICS {
            for pointer in [4, 8] {
                let whole = table(magic, pointer, b"main.main\0");
                for len in 0..whole.len() - 10 {
                    assert_eq!(names_of(&whole[..len]), None, "{magic:x?} cut at {len}");
                }
                for at in (8..whole.len() - 10).step_by(4) {
                    for number in [0xffff_ffff_u32, 0x8000_0000, 0x4000_0000, 8, 1, 0] {
                        let mut lying = whole.clone();
                        lying[at..at + 4].copy_from_slice(&number.to_le_bytes());
                        let read = names_of(&lying).unwrap_or_default();
                        assert!(
                            read.iter().map(String::len).sum::<usize>() <= whole.len(),
                            "{magic:x?} {at} {number}"
                        );
                    }
                }
            }
        }
    }

    /// Each of a million functions has the same name of four kilobytes.
    #[test]
    fn names_that_repeat_without_end_are_refused() {
        let count = 40_000_usize;
        let mut bytes = [&MAGICS[0][..], &[0, 0, 1, 8]].concat();
        bytes.extend((count as u64).to_le_bytes());
        let told = 16 + count * 16;
        for _ in 0..count {
            bytes.extend([0_u64.to_le_bytes(), (told as u64).to_le_bytes()].concat());
        }
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend(u32::try_from(told + 12).unwrap().to_le_bytes());
        bytes.extend([b'a'; 8 << 10]);
        assert_eq!(names_of(&bytes), None);
    }

    #[test]
    fn a_table_without_a_section_is_found_behind_others_that_are_none() {
        let decoy = [&MAGICS[6][..], &[0, 0, 1, 8]].concat();
        let mut bytes = [&vec![0; 12][..], &decoy, &[0xff; 64]].concat();
        bytes.extend(table(MAGICS[6], 8, b"main.main\0"));
        let segment = Segment { address: 0, offset: 0, size: bytes.len() as u64, is_data: false };
        let executable =
            Executable { format: super::super::Format::Pe, sections: vec![], segments: vec![segment] };
        let mut source = Source::<io::Empty>::Memory(&bytes);
        let found = read(&mut source, &executable).unwrap().unwrap();
        assert_eq!(found.names().collect::<Vec<_>>(), [b"main.main"]);
        // And where there are only such as are none, the search ends.
        let bytes = decoy.repeat(100_000);
        let segments = vec![Segment { size: bytes.len() as u64, ..segment }; 3];
        let executable = Executable { segments, ..executable };
        assert_eq!(read(&mut Source::<io::Empty>::Memory(&bytes), &executable).unwrap(), None);
    }
}
