//! Go modules, from the build information that the linker leaves in each executable: the standard library, the main
//! module and its dependencies, those replaced by others under the names of the others; and the functions that it linked.
//! Format: `debug/buildinfo` and `runtime/debug` of Go, <https://pkg.go.dev/debug/buildinfo>.

mod functions;

use std::borrow::Cow;

use plimsoll_formats::executable::{Executable, go_functions};
use plimsoll_model::evidence::Fact;
use plimsoll_model::extractor::{ExtractError, Extractor, Facts, ScanFile};
use plimsoll_model::gap::GapKind;
use plimsoll_model::package::{Ecosystem, Package};

use super::executable::{FileSource, WANTS, open, source};
use functions::Paths;

/// Reads executables built by Go.
pub(crate) const GO: Extractor = Extractor { name: "go", revision: 2, wants: WANTS, extract };

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER: u64 = 32;
const ALIGN: usize = 16;
/// The build information lies near the start of the data; no linker puts it farther than this.
const SEARCH_LIMIT: u64 = 256 << 20;
const CHUNK: u64 = 1 << 20;
/// Thousands of modules take less than a megabyte.
const TEXT_LIMIT: u64 = 16 << 20;

fn extract(file: &mut ScanFile<'_>, facts: &mut Facts) -> Result<(), ExtractError> {
    let mut source = source(file)?;
    let Some(executable) = open(&mut source)? else { return Ok(()) };
    let mut binary = Binary { source, executable: &executable };
    let Some(at) = binary.find()? else {
        let built_by_go = [".note.go.buildid", ".gopclntab", "__gopclntab"];
        if built_by_go.iter().any(|name| executable.section(name).is_some()) {
            return Err(ExtractError::Malformed("a Go executable without build information".to_owned()));
        }
        return Ok(());
    };
    let Some((version, modules)) = binary.texts(at)? else {
        return Err(ExtractError::Malformed("the build information of Go is cut off".to_owned()));
    };
    let version = String::from_utf8_lossy(&version);
    facts.push(Fact::Package(Package::new(Ecosystem::Go, "stdlib", release(&version))));
    let paths = take_modules(&String::from_utf8_lossy(unframed(&modules)), facts);
    let functions = go_functions::read(&mut binary.source, &executable).map_err(ExtractError::Spool)?;
    if let Some(code) = functions.and_then(|functions| functions::code(&functions, &paths)) {
        facts.push_code(None, code);
    }
    Ok(())
}

struct Binary<'a> {
    source: FileSource<'a>,
    executable: &'a Executable,
}

/// The version of Go and the list of modules.
type Texts<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// A text and where it ends in the file.
type Placed<'a> = (Cow<'a, [u8]>, u64);

impl<'a> Binary<'a> {
    /// Where in the file the build information starts: in its own section, or in the first segment of data.
    fn find(&mut self) -> Result<Option<u64>, ExtractError> {
        let section = self.executable.section(".go.buildinfo");
        let section = section.or_else(|| self.executable.section("__go_buildinfo"));
        let (offset, address, size) = match section {
            Some(section) => (section.offset, 0, section.size),
            None => match self.executable.segments.iter().find(|segment| segment.is_data) {
                Some(segment) => (segment.offset, segment.address, segment.size),
                None => return Ok(None),
            },
        };
        let end = offset.saturating_add(size.min(SEARCH_LIMIT));
        // It is aligned in memory, where segments need not start aligned.
        let skip = address.wrapping_neg() % ALIGN as u64;
        let mut offset = offset.saturating_add(skip);
        while offset < end {
            let chunk = self.read(offset, CHUNK.min(end - offset))?;
            if let Some(found) = chunk.chunks_exact(ALIGN).position(|piece| piece.starts_with(MAGIC)) {
                return Ok(Some(offset + (found * ALIGN) as u64));
            }
            if (chunk.len() as u64) < CHUNK {
                break;
            }
            offset += CHUNK;
        }
        Ok(None)
    }

    fn texts(&mut self, at: u64) -> Result<Option<Texts<'a>>, ExtractError> {
        let header = self.read(at, HEADER)?;
        let (Some(pointer_size), Some(flags)) = (header.get(14), header.get(15)) else { return Ok(None) };
        if flags & 2 != 0 {
            let Some((version, next)) = self.inline_text(at.saturating_add(HEADER))? else { return Ok(None) };
            let modules = self.inline_text(next)?;
            return Ok(modules.map(|(modules, _)| (version, modules)));
        }
        // Before Go 1.18 there are pointers to two strings.
        let form = Pointers { size: usize::from(*pointer_size), is_big_endian: flags & 1 != 0 };
        let (Some(version), Some(modules)) = (form.read(&header, 16), form.read(&header, 16 + form.size))
        else {
            return Ok(None);
        };
        let Some(version) = self.pointed_text(form, version)?.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        // Outside of a module there is none.
        let modules = if modules == 0 { None } else { self.pointed_text(form, modules)? };
        Ok(Some((version, modules.unwrap_or_default())))
    }

    /// The text at `at`, its length written before it as a varint, and where it ends.
    fn inline_text(&mut self, at: u64) -> Result<Option<Placed<'a>>, ExtractError> {
        let head = self.read(at, 10)?;
        let Some((length, len_of_length)) = varint(&head) else { return Ok(None) };
        let start = at.saturating_add(len_of_length);
        let text = self.text(start, length)?;
        Ok(text.map(|text| (text, start.saturating_add(length))))
    }

    /// The text of the Go string (a pointer and a length) at an address.
    fn pointed_text(&mut self, form: Pointers, address: u64) -> Result<Option<Cow<'a, [u8]>>, ExtractError> {
        let Some((offset, _)) = self.executable.at(address) else { return Ok(None) };
        let string = self.read(offset, 16)?;
        let (Some(address), Some(length)) = (form.read(&string, 0), form.read(&string, form.size)) else {
            return Ok(None);
        };
        match self.executable.at(address) {
            Some((offset, rest)) if length <= rest => self.text(offset, length),
            _ => Ok(None),
        }
    }

    fn text(&mut self, at: u64, length: u64) -> Result<Option<Cow<'a, [u8]>>, ExtractError> {
        if length > TEXT_LIMIT && at.saturating_add(length) <= self.source.size() {
            return Err(ExtractError::Limit(format!("the build information of Go takes {length} bytes")));
        }
        self.source.exactly(at, length).map_err(ExtractError::Spool)
    }

    fn read(&mut self, at: u64, length: u64) -> Result<Cow<'a, [u8]>, ExtractError> {
        self.source.read_at(at, length).map_err(ExtractError::Spool)
    }
}

/// The form of pointers in the executable.
#[derive(Clone, Copy)]
struct Pointers {
    size: usize,
    is_big_endian: bool,
}

impl Pointers {
    fn read(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = bytes.get(at..)?;
        match (self.size, self.is_big_endian) {
            (4, true) => bytes.first_chunk().map(|chunk| u32::from_be_bytes(*chunk).into()),
            (4, false) => bytes.first_chunk().map(|chunk| u32::from_le_bytes(*chunk).into()),
            (8, true) => bytes.first_chunk().map(|chunk| u64::from_be_bytes(*chunk)),
            (8, false) => bytes.first_chunk().map(|chunk| u64::from_le_bytes(*chunk)),
            _ => None,
        }
    }
}

/// A number of Go's `encoding/binary` and how many bytes it takes.
fn varint(bytes: &[u8]) -> Option<(u64, u64)> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, index as u64 + 1));
        }
    }
    None
}

/// The modules without the 16 bytes before and after them by which Go finds them in memory.
fn unframed(modules: &[u8]) -> &[u8] {
    let framed = modules.len() >= 33 && modules.get(modules.len() - 17) == Some(&b'\n');
    let inner = if framed { modules.get(16..modules.len() - 16) } else { None };
    inner.unwrap_or_default()
}

/// The release in a version of Go: `1.21.0` of `go1.21.0 X:boringcrypto`, `1.24.3` of `go1.24.3-vendor2`; empty for one that
/// is on the way to a release (`devel go1.22-1a2b3c…`, `go1.26-devel_1a2b3c`).
fn release(version: &str) -> &str {
    let word = version.split_whitespace().next().unwrap_or_default();
    let Some(version) = word.strip_prefix("go").filter(|_| !word.contains("devel")) else { return "" };
    let is_of_release = |text: &str| {
        let upstream = text.replacen("rc", ".", 1).replacen("beta", ".", 1);
        upstream.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let end = version.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(version.len());
    let version = version.get(..end).unwrap_or_default();
    if is_of_release(version) { version } else { "" }
}

/// A line of the list, before it is known whether the next one replaces it.
struct Module<'a> {
    path: &'a str,
    version: &'a str,
}

/// Takes the packages from lines `mod`, `dep` and `=>`, whose fields tabs separate: path, version, checksum.
fn take_modules(text: &str, facts: &mut Facts) -> Paths {
    let mut paths = Paths::default();
    let mut last: Option<Module<'_>> = None;
    let mut push = |module: Option<Module<'_>>| {
        if let Some(module) = module {
            let version = if module.version == "(devel)" { "" } else { module.version };
            facts.push(Fact::Package(Package::new(Ecosystem::Go, module.path, version)));
        }
    };
    let mut unread = 0_usize;
    for line in text.lines() {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        let (path, version) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match (kind, last.take()) {
            ("mod" | "dep", before) if !path.is_empty() => {
                push(before);
                last = Some(Module { path, version });
            }
            ("=>", Some(replaced)) if !path.is_empty() => {
                let by = replaced.by(path, version);
                if by.path != replaced.path {
                    paths.replaced.push((replaced.path.to_owned(), by.path.to_owned()));
                }
                last = Some(by);
            }
            ("path", before) => {
                push(before);
                path.clone_into(&mut paths.main);
            }
            ("mod" | "dep" | "=>", before) => {
                push(before);
                unread += 1;
            }
            (_, before) => push(before),
        }
    }
    push(last);
    if unread > 0 {
        facts
            .gap(GapKind::RecordUnread, format!("go: {unread} lines of the build information make no sense"));
    }
    paths
}

impl<'a> Module<'a> {
    /// What was built in its place: another module, or a directory, of which no version is known.
    fn by(&self, path: &'a str, version: &'a str) -> Self {
        let is_directory = path.starts_with(['.', '/']) || path.get(1..3) == Some(":\\");
        if is_directory { Module { path: self.path, version: "" } } else { Module { path, version } }
    }
}

#[cfg(test)]
mod tests;
