//! What executables of Linux say of themselves: the package that an ELF note names
//! (<https://uapi-group.org/specifications/specs/package_metadata_for_executable_files/>), and the bill of materials that
//! GraalVM puts into native images (<https://www.graalvm.org/latest/security-guide/native-image/sbom/>).

use std::io::Read;

use plimsoll_formats::bounded;
use plimsoll_formats::compression::Compression;
use plimsoll_formats::executable::{Executable, Format, Section};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ContentRule, ExtractError, Extractor, Facts, PathRule, ScanFile, Wants};
use plimsoll_model::package::{Ecosystem, Package};
use serde::Deserialize;

use super::executable::{FileSource, open, source};
use crate::sbom::{Author, Bill, take};

/// Reads notes and bills.
pub(crate) const ELF_NOTES: Extractor = Extractor {
    name: "elf-notes",
    revision: 1,
    wants: Wants { paths: &[PathRule::Any], content: ContentRule::Magic(&[b"\x7fELF"]), max_size: 2 << 30 },
    extract,
};

/// The type of the note.
const PACKAGE_NOTE: u32 = 0xcafe_1a7e;
/// A note has some hundred bytes.
const NOTE_LIMIT: u64 = 64 << 10;
/// A bill has some ten thousand.
const BILL_LIMIT: u64 = 64 << 20;
/// Native images export some thousand names.
const SYMBOLS_LIMIT: u64 = 64 << 20;
/// What one takes in a file of 64 bits.
const SYMBOL: usize = 24;

#[derive(Deserialize)]
struct Note {
    name: String,
    version: String,
    architecture: Option<String>,
}

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let mut source = source(file)?;
    // That it is packed, others say.
    let Ok(Some(executable)) = open(&mut source) else { return Ok(()) };
    if executable.format != Format::Elf {
        return Ok(());
    }
    if let Some(section) = executable.section(".note.package") {
        facts.push(Fact::Package(note(section, &mut source)?));
    }
    // Only native images have this section.
    if executable.section(".svm_heap").is_some()
        && let Some(bill) = bill(&executable, &mut source)?
    {
        take(bill, Author::Part, facts);
    }
    Ok(())
}

fn malformed(reason: &str) -> ExtractError {
    ExtractError::Malformed(reason.to_owned())
}

fn note(section: &Section, source: &mut FileSource<'_>) -> Result<Package, ExtractError> {
    let bytes = source.read_at(section.offset, section.size.min(NOTE_LIMIT)).map_err(ExtractError::Spool)?;
    let number = |at: usize| {
        let four = bytes.get(at..)?.first_chunk::<4>()?;
        // The note is in the order of the machine; that of its type tells which.
        let is_little = bytes.get(8..12) == Some(PACKAGE_NOTE.to_le_bytes().as_slice());
        Some(if is_little { u32::from_le_bytes(*four) } else { u32::from_be_bytes(*four) })
    };
    let text = || {
        let (name, length) = (usize::try_from(number(0)?).ok()?, usize::try_from(number(4)?).ok()?);
        let start = 12_usize.checked_add(name.checked_next_multiple_of(4)?)?;
        (number(8)? == PACKAGE_NOTE).then_some(())?;
        bytes.get(start..start.checked_add(length)?)
    };
    let text = text().ok_or_else(|| malformed("the note of the package is cut off"))?;
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let note: Note = serde_json::from_slice(text)
        .map_err(|error| ExtractError::Malformed(format!("the note of the package: {error}")))?;
    // It names the source package as often as the package, so that it is none of the distribution's own. Where one
    // owns the file, that is the package.
    let package = Package::new(Ecosystem::Generic, note.name, note.version);
    Ok(Package { architecture: note.architecture, ..package })
}

/// The bill lies between other data; `sbom` and `sbom_length` are the names of its place and size.
fn bill(executable: &Executable, source: &mut FileSource<'_>) -> Result<Option<Bill>, ExtractError> {
    let at = |name: &str, source: &mut FileSource<'_>| -> Result<Option<(u64, u64)>, ExtractError> {
        for (symbols, names) in [(".dynsym", ".dynstr"), (".symtab", ".strtab")] {
            let (Some(symbols), Some(names)) = (executable.section(symbols), executable.section(names))
            else {
                continue;
            };
            if let Some(address) = address_of(name, symbols, names, source)? {
                return Ok(executable.at(address));
            }
        }
        Ok(None)
    };
    let (Some((start, room)), Some((length, _))) = (at("sbom", source)?, at("sbom_length", source)?) else {
        return Ok(None);
    };
    let length = source.read_at(length, 8).map_err(ExtractError::Spool)?;
    let length = length.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let Some(length) = length.filter(|length| *length <= room.min(BILL_LIMIT)) else {
        return Err(malformed("the bill of materials of the native image is cut off"));
    };
    let packed = source.read_at(start, length).map_err(ExtractError::Spool)?;
    let reader = Compression::of(&packed).decode(&*packed).map_err(ExtractError::Spool)?;
    let plain = bounded::read(reader as Box<dyn Read>, BILL_LIMIT)
        .map_err(|error| ExtractError::Malformed(format!("the bill of the native image: {error}")))?;
    serde_json::from_slice(&plain)
        .map(Some)
        .map_err(|error| ExtractError::Malformed(format!("the bill of the native image: {error}")))
}

/// The address of a symbol in a file of 64 bits, little end first: GraalVM builds for no other.
fn address_of(
    name: &str,
    symbols: &Section,
    names: &Section,
    source: &mut FileSource<'_>,
) -> Result<Option<u64>, ExtractError> {
    let texts = source
        .read_at(names.offset, names.size.min(SYMBOLS_LIMIT))
        .map_err(ExtractError::Spool)?
        .into_owned();
    let table =
        source.read_at(symbols.offset, symbols.size.min(SYMBOLS_LIMIT)).map_err(ExtractError::Spool)?;
    Ok(table.chunks_exact(SYMBOL).find_map(|symbol| {
        let at = u32::from_le_bytes(*symbol.first_chunk()?);
        let text = texts.get(usize::try_from(at).ok()?..)?;
        let address = u64::from_le_bytes(*symbol.get(8..)?.first_chunk()?);
        (text.strip_prefix(name.as_bytes())?.first() == Some(&0) && address != 0).then_some(address)
    }))
}
