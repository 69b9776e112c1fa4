//! Layers that a store keeps unpacked: the tar is made again, byte for byte, from a record of what is not file
//! content (<https://github.com/vbatts/tar-split>) and from the unpacked files.
//!
//! The record is JSON lines: type 2 has raw bytes (headers, padding), type 1 names a file and its size. Only files
//! below the layer's directory are opened. The record's checksums are not looked at: the diff ID, which the
//! pipeline proves, covers all bytes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plimsoll_formats::bounded;
use plimsoll_formats::compression::Compression;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use serde::Deserialize;

use super::{LayerContent, OpenLayer};

/// A line of the record is at most this long: it holds pax headers, which others limit to a megabyte, or the
/// padding behind a tar's end.
const LINE_LIMIT: u64 = 32 << 20;

/// Lines of a record: an entry takes two or three, and a tar may have ten million.
const LINES_LIMIT: u64 = 40_000_000;

/// A layer as a record and a directory.
pub(super) struct SplitLayer {
    record: PathBuf,
    files: PathBuf,
    /// How to get access where it is denied.
    hint: &'static str,
}

/// The content of a layer whose record is `record` and whose files are below `files`.
pub(super) fn content(record: PathBuf, files: PathBuf, hint: &'static str) -> LayerContent {
    let absent = |path: &Path| matches!(path.try_exists(), Ok(false));
    if absent(&record) {
        return LayerContent::Unreadable(format!(
            "the store keeps no record of the layer's tar ({} is missing)",
            record.display()
        ));
    }
    if absent(&files) {
        return LayerContent::Unreadable(format!("the layer's directory {} is missing", files.display()));
    }
    LayerContent::Tar(std::sync::Arc::new(SplitLayer { record, files, hint }))
}

impl OpenLayer for SplitLayer {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let record =
            bounded::open_file(&self.record).map_err(|error| told(&error, &self.record, self.hint))?;
        let mut record = BufReader::with_capacity(32 << 10, record);
        let compression = Compression::of(record.fill_buf()?);
        let directory =
            openat(CWD, &self.files, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                .map_err(|error| told(&error.into(), &self.files, self.hint))?;
        Ok(Box::new(SplitReader {
            record: BufReader::with_capacity(64 << 10, compression.decode_send(record)?),
            directory: File::from(directory),
            files: self.files.clone(),
            hint: self.hint,
            line: Vec::new(),
            lines: 0,
            piece: Piece::None,
        }))
    }
}

/// An error with the path it is about and, where access is denied, with the way to get it.
fn told(error: &io::Error, path: &Path, hint: &str) -> io::Error {
    let hint =
        if error.kind() == io::ErrorKind::PermissionDenied { format!(" ({hint})") } else { String::new() };
    io::Error::new(error.kind(), format!("{}: {error}{hint}", path.display()))
}

struct SplitReader {
    record: BufReader<Box<dyn Read + Send>>,
    directory: File,
    files: PathBuf,
    hint: &'static str,
    line: Vec<u8>,
    /// How many there were.
    lines: u64,
    piece: Piece,
}

/// What is being given out.
enum Piece {
    None,
    Raw { bytes: Vec<u8>, at: usize },
    Body { file: File, name: PathBuf, left: u64 },
}

/// A line of the record.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    name: Option<String>,
    /// Base64 of a name that is not UTF-8.
    #[serde(default)]
    name_raw: Option<String>,
    #[serde(default)]
    size: Option<i64>,
    #[serde(default)]
    payload: Option<String>,
}

const FILE: u8 = 1;
const SEGMENT: u8 = 2;

impl Read for SplitReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.piece {
                Piece::None => {}
                Piece::Raw { bytes, at } => {
                    let count = bytes.get(*at..).unwrap_or_default().read(buffer)?;
                    *at += count;
                    if count > 0 {
                        return Ok(count);
                    }
                }
                Piece::Body { file, name, left } if *left > 0 => {
                    let room = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let count = file.read(buffer.get_mut(..room).unwrap_or_default())?;
                    if count == 0 {
                        return Err(changed(name, "shorter"));
                    }
                    *left = left.saturating_sub(count as u64);
                    return Ok(count);
                }
                Piece::Body { file, name, .. } => {
                    if file.read(&mut [0])? > 0 {
                        return Err(changed(name, "longer"));
                    }
                }
            }
            if !self.next_piece()? {
                return Ok(0);
            }
        }
    }
}

impl SplitReader {
    /// Goes to the next line of the record; false at its end.
    fn next_piece(&mut self) -> io::Result<bool> {
        self.piece = Piece::None;
        self.line.clear();
        let mut bounded = (&mut self.record).take(LINE_LIMIT);
        if bounded.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(false);
        }
        self.lines += 1;
        if self.line.len() as u64 >= LINE_LIMIT || self.lines > LINES_LIMIT {
            return Err(bad_record("a line is longer, or there are more of them, than the limit"));
        }
        let entry: Entry = serde_json::from_slice(&self.line)
            .map_err(|error| bad_record(&format!("a line is malformed: {error}")))?;
        self.piece = match entry.kind {
            SEGMENT => Piece::Raw { bytes: decoded(entry.payload.as_deref().unwrap_or_default())?, at: 0 },
            FILE => self.body(&entry)?,
            other => return Err(bad_record(&format!("a line has type {other}"))),
        };
        Ok(true)
    }

    fn body(&self, entry: &Entry) -> io::Result<Piece> {
        let size = entry.size.unwrap_or(0);
        let left = u64::try_from(size).map_err(|_| bad_record("a size is negative"))?;
        if left == 0 {
            return Ok(Piece::None);
        }
        let name = match (&entry.name, &entry.name_raw) {
            (Some(name), _) if !name.is_empty() => name.as_bytes().to_vec(),
            (_, Some(raw)) => decoded(raw)?,
            _ => return Err(bad_record("a file has no name")),
        };
        let inside = inside(&name)?;
        let name = self.files.join(&inside);
        let file = open_below(&self.directory, &inside).map_err(|error| told(&error, &name, self.hint))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} should be a regular file", name.display()),
            ));
        }
        Ok(Piece::Body { file, name, left })
    }
}

/// A name of the record as a path without `.`, `..` and a leading `/`.
fn inside(name: &[u8]) -> io::Result<PathBuf> {
    let mut path = PathBuf::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(bad_record("a name has ..")),
            part if part.contains(&0) => return Err(bad_record("a name has a zero byte")),
            part => path.push(OsStr::from_bytes(part)),
        }
    }
    if path.as_os_str().is_empty() { Err(bad_record("a file has no name")) } else { Ok(path) }
}

// Without NONBLOCK, opening a FIFO would wait for a writer.
const OPEN: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Opens `path` below `directory`, whatever links there are.
///
/// Directories on the way may be links, as when `lib` is one and the tar has `lib/x`; the kernel keeps them inside.
/// Kernels before 5.6 have no such service, there links are refused.
fn open_below(directory: &File, path: &Path) -> io::Result<File> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match openat2(directory, path, OPEN, Mode::empty(), resolve) {
        Ok(file) => Ok(File::from(file)),
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => walk_below(directory, path),
        Err(error) => Err(error.into()),
    }
}

fn walk_below(directory: &File, path: &Path) -> io::Result<File> {
    let mut parts = path.components().map(|part| part.as_os_str()).peekable();
    let mut current = directory.try_clone()?;
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() {
            OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
        } else {
            OPEN
        };
        current = File::from(openat(&current, part, flags, Mode::empty())?);
    }
    Ok(current)
}

fn decoded(text: &str) -> io::Result<Vec<u8>> {
    BASE64_STANDARD.decode(text).map_err(|_| bad_record("a payload is not base64"))
}

fn bad_record(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the store's record of the layer's tar: {problem}"))
}

fn changed(name: &Path, how: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{} was changed after the layer was unpacked: it is {how} than it was", name.display()),
    )
}

#[cfg(test)]
mod tests;
