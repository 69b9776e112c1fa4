//! What the readers of executables share: which files they want, and the file opened.

use std::io::{self, Read, Seek};

use plimsoll_formats::executable::{Executable, Format};
use plimsoll_formats::source::Source;
use plimsoll_model::extractor::{ContentRule, ExtractError, PathRule, ReadSeek, ScanFile, Wants};

/// All executables and shared libraries, wherever they lie.
pub(crate) const WANTS: Wants = Wants {
    paths: &[PathRule::Any],
    content: ContentRule::Magic(&[
        b"\x7fELF",
        b"MZ",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        // Universal files of few architectures: Java's class files start with the same four bytes.
        b"\xca\xfe\xba\xbe\0\0\0\x01",
        b"\xca\xfe\xba\xbe\0\0\0\x02",
        b"\xca\xfe\xba\xbe\0\0\0\x03",
        b"\xca\xfe\xba\xbe\0\0\0\x04",
    ]),
    max_size: 2 << 30,
};

/// The bytes of a file, lent or spooled.
pub(crate) type FileSource<'a> = Source<'a, Box<dyn ReadSeek + 'a>>;

/// Why a packed executable is a gap; the same words in each extractor make one gap of it.
const PACKED: &str = "the executable is packed by UPX, its packages cannot be read";

/// The bytes of `file`, to be read here and there.
pub(crate) fn source<'a>(file: &'a mut ScanFile<'_>) -> Result<FileSource<'a>, ExtractError> {
    match file.bytes() {
        Some(bytes) => Ok(Source::Memory(bytes)),
        None => {
            let size = file.size;
            Ok(Source::Stream { reader: file.reader()?, size })
        }
    }
}

/// The headers of an executable; `None` if it is none.
///
/// # Errors
/// If it is packed, so that what it holds cannot be seen.
pub(crate) fn open(source: &mut FileSource<'_>) -> Result<Option<Executable>, ExtractError> {
    let Some(executable) = Executable::read(source).map_err(ExtractError::Spool)? else { return Ok(None) };
    if is_packed(&executable, source).map_err(ExtractError::Spool)? {
        return Err(ExtractError::Malformed(PACKED.to_owned()));
    }
    Ok(Some(executable))
}

/// Tells the work of UPX (<https://upx.github.io>): it drops the section table and writes its mark behind the program
/// headers; in PE it names the sections.
fn is_packed<R: Read + Seek>(executable: &Executable, source: &mut Source<'_, R>) -> io::Result<bool> {
    Ok(match executable.format {
        Format::Pe => executable.section("UPX0").is_some() || executable.section("UPX1").is_some(),
        Format::Elf | Format::MachO if executable.sections.is_empty() => {
            source.read_at(0, 1024)?.windows(4).any(|window| window == b"UPX!")
        }
        Format::Elf | Format::MachO => false,
    })
}
